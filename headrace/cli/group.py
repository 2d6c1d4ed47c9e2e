"""The command `headrace`: its verbs in the order of use, and its errors in three sentences."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from typing import Any

import botocore.exceptions
import click

from headrace.errors import HeadraceError
from headrace.study import StudyError
from headrace.target import TargetError
from stream.pack import PackError
from stream.producer import ProducerError

#: Errors whose text is already what a reader needs.
PLAIN = (HeadraceError, StudyError, TargetError, PackError, ProducerError)
WORDS_WRONG, WORK_FAILED = 2, 1


class Group(click.Group):
    """A group that lists its verbs as they were added and ends by the house's rules."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The verbs, in the order of use rather than of the alphabet."""
        return list(self.commands)

    def main(self, args: Sequence[str] | None = None, *_: Any, **extra: Any) -> Any:
        """Run, and exit 0 where it is done, 1 where the work failed, 2 where the words are wrong.

        Everything that goes wrong ends in one line or three sentences on standard error;
        `--debug` or HEADRACE_DEBUG adds the traceback.
        """
        words = list(sys.argv[1:] if args is None else args)
        debug = "--debug" in words or bool(os.environ.get("HEADRACE_DEBUG"))
        extra["standalone_mode"] = False
        try:
            done = super().main(args=words, **extra)
            code = done if isinstance(done, int) else 0
        except click.exceptions.NoArgsIsHelpError as nothing_said:
            click.echo(nothing_said.format_message(), err=True)
            code = WORDS_WRONG
        except (Exception, KeyboardInterrupt) as error:  # the last place that can say it
            if debug:
                traceback.print_exc()
            code, text = sentence(error)
            if isinstance(error, click.Abort | KeyboardInterrupt):
                click.echo(err=True)  # the cursor stands behind a question, or behind ^C
            click.echo(f"headrace: {text}", err=True)
        sys.exit(code)


def sentence(error: BaseException) -> tuple[int, str]:
    """The exit status and the words for an error."""
    if isinstance(error, click.UsageError):
        verb = error.ctx.command_path if error.ctx else "headrace"
        found = error.format_message().rstrip(".")
        return WORDS_WRONG, (
            f"While reading the command line, found {found[0].lower()}{found[1:]}. "
            f"See `{verb} --help`."
        )
    if isinstance(error, click.Abort | KeyboardInterrupt):
        return WORK_FAILED, "Stopped by you. What was done stays done."
    if isinstance(error, PLAIN):
        return WORK_FAILED, str(error)
    if isinstance(error, botocore.exceptions.ClientError):
        return WORK_FAILED, _of_aws(error)
    if isinstance(error, botocore.exceptions.BotoCoreError):
        return WORK_FAILED, (
            f"While calling AWS, found {_one_line(error)}. "
            "Check with `headrace status` that the target is up and its credentials are good."
        )
    return WORK_FAILED, (
        f"While working, found {type(error).__name__}: {_one_line(error)}. "
        "Run it again with --debug and report what it prints."
    )


def _of_aws(error: botocore.exceptions.ClientError) -> str:
    told = error.response.get("Error", {})
    return (
        f"While calling {error.operation_name}, found {told.get('Code', 'an error')}: "
        f"{_one_line(told.get('Message', 'no message'))}. "
        "If it names something that is not there, deploy the study first."
    )


def _one_line(what: object) -> str:
    return " ".join(str(what).split()).rstrip(".")


@click.group(
    cls=Group,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="headrace", message="%(prog)s %(version)s")
def cli() -> None:
    """Push records into a lake and ask it questions, on a laptop or on AWS."""
