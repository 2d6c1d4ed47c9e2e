"""The verb upload: files into the lake, for a Map stage to list."""

from __future__ import annotations

from pathlib import Path

import click

from headrace import upload as uploads
from headrace.cli import options
from headrace.cli.output import Output
from headrace.place import place_of
from headrace.plan import Plan


@click.command()
@options.study
@click.argument("name")
@click.argument(
    "paths", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@options.common
def upload(plan: Plan, out: Output, where: str, name: str, paths: tuple[Path, ...]) -> None:
    """Put files, or all files of folders, into the lake under files/NAME/.

    A Map stage lists them by items="s3://{lake}/files/NAME/". Files that are there already, byte
    for byte, are not sent again; one that has changed takes the place of the old one.
    """
    under = uploads.prefix(name)
    files, hidden = uploads.collect(paths)
    target = options.reach(where)
    place = place_of(target)
    bucket = plan.bucket(place.account, place.region)
    total = sum(file.stat().st_size for file in files)
    moved = 0
    with out.progress(f"Uploading to {under}") as bar:

        def count(more: int, file: Path) -> None:
            nonlocal moved
            moved += more
            bar.update(moved, total, f"bytes, {file.name}")

        sent = uploads.send(target.client("s3"), bucket, name, files, count)
    if hidden:
        out.say(f"Hidden files stayed here: {len(hidden):,}.")
    if not any(stage.prefix.endswith(f"/{under}") for stage in plan.stages):
        out.say(f"No stage of {plan.study.name} lists s3://{{lake}}/{under} so far.")
    new = [one for one in sent if one.sent]
    document = {
        "uri": f"s3://{bucket}/{under}",
        "sent": [one.key for one in new],
        "there": [one.key for one in sent if not one.sent],
        "bytes_sent": sum(one.bytes for one in new),
    }
    words = (
        f"Sent {len(new):,} files, {document['bytes_sent']:,} bytes, to {document['uri']};"
        f" {len(sent) - len(new):,} were there already."
    )
    out.facts(document, lambda: click.echo(words))


VERBS = (upload,)
