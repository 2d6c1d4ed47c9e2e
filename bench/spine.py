"""Measures the spine: the demo, a first deploy, one without a change, and a user's second act.

    python bench/spine.py --json

It works in a copy of the project with a local cloud and an asset cache of its own, so a cloud
that runs here is left alone. The first deploy, inside the demo, builds its assets; the ones
after it find them built. Memory is the sum of the proportional set sizes (Linux only) of the
tool, the cloud, and all that they start, sampled twice a second.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.metadata
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import psutil

PROJECT = Path(__file__).resolve().parents[1]
SOURCES = (
    *("headrace", "stream", "lambdas", "emr_steps", "infra", "localcloud", "studies", "tasks"),
    *("app.py", "cdk.json"),
)
LINKS = (".venv", "node_modules", "requirements")
PACKAGES = ("aws-cdk-lib", "boto3", "duckdb", "moto", "pyarrow", "pyiceberg")
SAMPLE_S = 0.5


@dataclass(frozen=True)
class Figure:
    """One figure, and the bound that it must keep; this bench has no peers to run beside it."""

    name: str
    value: float
    unit: str
    must: str | None = None
    peers: dict[str, float] = field(default_factory=dict)


class Memory:
    """Samples what the processes of a house use together, while it is entered."""

    def __init__(self, root: int, ready: Path) -> None:
        self._root, self._ready = root, ready
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample)
        self.peak_bytes = 0

    def __enter__(self) -> Memory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._stop.wait(SAMPLE_S):
            self.peak_bytes = max(self.peak_bytes, sum(map(pss, self._processes())))

    def _processes(self) -> set[psutil.Process]:
        roots = [self._root]
        with contextlib.suppress(OSError, ValueError):  # not there yet, or being written
            roots.append(json.loads(self._ready.read_text())["pid"])
        found: set[psutil.Process] = set()
        for pid in roots:
            with contextlib.suppress(psutil.NoSuchProcess):
                process = psutil.Process(pid)
                found |= {process, *process.children(recursive=True)}
        return found


def pss(process: psutil.Process) -> int:
    """Proportional set size in bytes; 0 once the process has ended."""
    with contextlib.suppress(psutil.Error):
        return int(process.memory_full_info().pss)
    return 0


@dataclass
class House:
    """A copy of the project, and the commands run in it."""

    root: Path
    environment: dict[str, str]

    @property
    def ready(self) -> Path:
        """Where its cloud says that it is up."""
        return self.root / ".headrace" / "cloud.json"

    def headrace(self, *words: str) -> tuple[float, str]:
        """Run the tool; seconds that it took, and what it printed."""
        started = time.monotonic()
        with self.started(*words) as process:
            printed, said = process.communicate()
        if process.returncode:
            sys.exit(f"headrace {' '.join(words)} failed:\n{said}")
        return time.monotonic() - started, printed

    def started(self, *words: str) -> subprocess.Popen[str]:
        """Start the tool."""
        return subprocess.Popen(
            [sys.executable, "-m", "headrace", *words],
            cwd=self.root,
            env=self.environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def edit(self, path: str, old: str, new: str) -> None:
        """Change a source file; fails where `old` is not in it."""
        file = self.root / path
        text = file.read_text()
        if old not in text:
            sys.exit(f"While editing {path}, found no {old!r}. Mend bench/spine.py.")
        file.write_text(text.replace(old, new))


@contextlib.contextmanager
def house() -> Iterator[House]:
    """Copy the project; stop its cloud and remove it afterwards."""
    with tempfile.TemporaryDirectory(prefix="headrace-bench-") as folder:
        root = Path(folder)
        for name in SOURCES:
            source = PROJECT / name
            if source.is_dir():
                shutil.copytree(source, root / name)
            else:
                shutil.copy(source, root / name)
        for name in LINKS:
            (root / name).symlink_to(PROJECT / name)
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "HEADRACE_"))}
        kept.pop("PYTHONDONTWRITEBYTECODE", None)
        path = os.pathsep.join([str(root), *filter(None, [kept.get("PYTHONPATH")])])
        made = House(root, kept | {"PYTHONPATH": path, "HEADRACE_STATE": str(root / ".headrace")})
        try:
            yield made
        finally:
            made.started("down").communicate()


def demo(at: House) -> list[Figure]:
    """The whole demo, from nothing."""
    started = time.monotonic()
    with (
        at.started("demo", "speeches", "--json") as process,
        Memory(process.pid, at.ready) as memory,
    ):
        printed, said = process.communicate()
    spent = time.monotonic() - started
    if process.returncode:
        sys.exit(f"headrace demo failed:\n{said}")
    total = json.loads(printed)["ledger"]["total"]
    return [
        Figure("demo", round(spent, 1), "s", "<= 90"),
        Figure("demo, peak memory (PSS)", round(memory.peak_bytes / 2**20), "MiB", "<= 2048"),
        Figure("demo, records", total["pushed"], "records"),
    ]


def first_deploy(at: House) -> Figure:
    """An empty cloud and a first deploy, assets built before."""
    at.headrace("down")
    up, _ = at.headrace("up")
    deploy, _ = at.headrace("deploy", "speeches")
    return Figure("up and deploy, warm asset cache", round(up + deploy, 1), "s", "<= 20")


def second_act(at: House) -> Figure:
    """Edit the transform and the memory, deploy, push: new code and setting are in force."""
    at.edit("studies/speeches/mood.py", '(text)["compound"]', '(text)["compound"] - 100')
    at.edit(
        "studies/speeches/study.py",
        "    stages=",
        "    land=Function(memory_mib=1024),\n    stages=",
    )
    at.edit("studies/speeches/study.py", "import Kinesis", "import Function, Kinesis")
    record = {"year": 2099, "president": "N", "party": "none", "position": 0, "text": "Good."}
    file = at.root / "one.jsonl"
    file.write_text(json.dumps(record) + "\n")
    deploy, _ = at.headrace("deploy", "speeches")
    push, _ = at.headrace("push", "speeches", str(file), "--wait")
    check(at)
    return Figure("second act: edit, deploy, push, landed", round(deploy + push, 1), "s", "<= 20")


def check(at: House) -> None:
    """See that the edited code scored the record and that the function has its new memory."""
    sql = "SELECT min(sentiment) AS least FROM sentences WHERE year = 2099"
    _, printed = at.headrace("query", "speeches", sql, "--json")
    least = json.loads(printed)["rows"][0]["least"]
    if not least < -99:
        sys.exit(f"While checking the second act, found the score {least}, not the new code's.")
    environment = at.environment | json.loads(at.headrace("env", "--json")[1])
    words = ["aws", "lambda", "get-function-configuration", "--query", "MemorySize"]
    words += ["--function-name", "headrace-speeches-land"]
    done = subprocess.run(words, env=environment, text=True, capture_output=True, check=True)
    if done.stdout.strip() != "1024":
        sys.exit(f"While checking the second act, found {done.stdout.strip()} MiB, not 1024.")


def versions() -> dict[str, str | int | None]:
    """What the figures were measured with."""
    cdk = json.loads((PROJECT / "node_modules" / "aws-cdk" / "package.json").read_text())
    return {
        "python": platform.python_version(),
        "aws-cdk": cdk["version"],
        **{name: importlib.metadata.version(name) for name in PACKAGES},
        "machine": f"{platform.system()} {platform.machine()}",
        "cpus": os.cpu_count(),
    }


def main() -> None:
    """Measure, and print one JSON document or a line a figure."""
    words = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    words.add_argument("--json", action="store_true", help="print one JSON document")
    as_json = words.parse_args().json
    with house() as at:
        figures = demo(at)
        figures.append(first_deploy(at))
        again, _ = at.headrace("deploy", "speeches")
        figures.append(Figure("deploy without a change", round(again, 1), "s", "<= 8"))
        figures.append(second_act(at))
    if as_json:
        document = {"bench": "spine", "versions": versions(), "figures": [*map(asdict, figures)]}
        print(json.dumps(document, indent=2))
        return
    for figure in figures:
        must = f"({figure.must})" if figure.must else ""
        print(f"{figure.name:<42}{figure.value:>10,g} {figure.unit} {must}")


if __name__ == "__main__":
    main()
