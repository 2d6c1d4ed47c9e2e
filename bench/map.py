"""Measures the Map: what it costs beside its items, how it scales, what it loses when killed.

    python bench/map.py --json
    python bench/map.py --only noop --only crawl

It works in a copy of the project with a local cloud of its own, where it deploys a throw-away
study; built zips are kept in the project's own cache. Seconds of a run are Step Functions' own,
from the execution's start to its stop: pinning, UNLOAD, probe, the calls and the commit. What a
peer does is run beside it, in a process of its own.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import psutil

from bench import printing
from bench.map_study import FAILS_AT, FAILS_EVERY
from bench.spine import PROJECT, Figure, House, house

WARC = PROJECT.parent / "shared" / "data" / "warc" / "aut_example.warc.gz"
PACKAGES = ("FastWARC", "lithops", "moto", "pyarrow", "pyiceberg", "warcio")
NOOPS, BUSY, KILLED = 1000, 60, 10_000
KILLS = 20
LITHOPS_NOOPS = 100
FILES = 20  # of the crawl; each is so many times aut_example.warc.gz: of 20 MB, and of 80
SMALL, LARGE = 8, 32  # Common Crawl's own files are of 1 GB
LOOPED = 5  # of the large ones are warcio's: its loop goes on at one speed


@dataclass(frozen=True)
class Ran:
    """A run of one stage.

    Parameters
    ----------
    run : str
        Its id.
    seconds : float
        From the execution's start to its stop.
    map_s : float
        Of the calls alone.
    verb_s : float
        Of the command `headrace run`.
    """

    run: str
    seconds: float
    map_s: float
    verb_s: float


@dataclass
class Bench:
    """A house with a cloud, and clients of it."""

    at: House
    environment: dict[str, str]

    def deploy(self, study: str) -> None:
        """Deploy a study."""
        self.at.headrace("deploy", study)

    def client(self, service: str) -> Any:
        """Make a boto3 client of the local cloud."""
        e = self.environment
        session = boto3.Session(
            e["AWS_ACCESS_KEY_ID"], e["AWS_SECRET_ACCESS_KEY"], None, e["AWS_REGION"]
        )
        return session.client(service, endpoint_url=e["AWS_ENDPOINT_URL"])

    def query(self, study: str, sql: str) -> list[dict[str, Any]]:
        """Ask Athena."""
        rows: list[dict[str, Any]] = json.loads(
            self.at.headrace("query", study, "--json", "--", sql)[1]
        )["rows"]
        return rows

    def run(self, study: str, stage: str) -> Ran:
        """Run one stage to its end."""
        verb_s, printed = self.at.headrace("run", study, "--stage", stage, "--json")
        return self.ran(json.loads(printed), stage, verb_s)

    def ran(self, told: dict[str, Any], stage: str, verb_s: float) -> Ran:
        """What Step Functions says of a run."""
        states = self.client("stepfunctions")
        execution = states.describe_execution(executionArn=told["execution"])
        if execution["status"] != "SUCCEEDED":
            sys.exit(f"Run {told['run']} of {stage}: {execution['status']}")
        pages = states.get_paginator("get_execution_history").paginate(
            executionArn=told["execution"]
        )
        marks = {}
        for event in (event for page in pages for event in page["events"]):
            for kind in ("stateEntered", "stateExited"):
                if event.get(f"{kind}EventDetails", {}).get("name") == f"{stage}: map":
                    marks[kind] = event["timestamp"]
        spent = execution["stopDate"] - execution["startDate"]
        calls = marks["stateExited"] - marks["stateEntered"]
        return Ran(told["run"], spent.total_seconds(), calls.total_seconds(), verb_s)

    def peer(self, *words: str) -> dict[str, float]:
        """Run one of ``bench/map_peers.py`` and give what it printed."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "HEADRACE_"))}
        with tempfile.TemporaryDirectory(prefix="headrace-bench-peer-") as folder:
            own = {"HOME": folder, "TMPDIR": folder, "PYTHONPATH": str(PROJECT)}
            done = subprocess.run(
                [sys.executable, "-m", "bench.map_peers", *words],
                env=kept | own,
                text=True,
                capture_output=True,
            )
            end_with(folder)
        if done.returncode:
            sys.exit(f"{words[0]} failed:\n{done.stderr}")
        told: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
        return told

    def functions(self) -> list[psutil.Process]:
        """The processes that run functions: all that the cloud has started."""
        cloud = json.loads(self.at.ready.read_text())
        found: list[psutil.Process] = psutil.Process(cloud["pid"]).children(recursive=True)
        return found


def noop(bench: Bench) -> list[Figure]:
    """1,000 no-ops, at the chosen batch size and one a call, beside lithops and a pool."""
    bench.run("bench", "chosen")  # the functions are started by now, as lithops' runtime is
    chosen, single = bench.run("bench", "chosen"), bench.run("bench", "one_each")
    for stage in ("chosen", "one_each"):
        expect(bench.query("bench", f"SELECT count(DISTINCT n) AS n FROM {stage}"), n=NOOPS)
    lithops = bench.peer("lithops", str(LITHOPS_NOOPS))["seconds"] / LITHOPS_NOOPS
    pool = bench.peer("pool", str(NOOPS))["seconds"] / NOOPS
    peers = {
        "lithops localhost, 100 no-ops": round(1000 * lithops, 2),
        "process pool, 1,000 no-ops": round(1000 * pool, 3),
    }
    return [
        Figure("1,000 no-ops, run start to end", round(chosen.seconds, 2), "s", "<= 8"),
        Figure("1,000 no-ops, the command", round(chosen.verb_s, 2), "s"),
        Figure("1,000 no-ops, batch size 1", round(single.seconds, 2), "s"),
        Figure("an item, chosen batch size", round(chosen.seconds, 3), "ms", None, peers),
        Figure("an item, batch size 1", round(single.seconds, 3), "ms", None, peers),
    ]


def busy(bench: Bench) -> list[Figure]:
    """60 items of a second's work, against one call at a time and a plain loop in one process."""
    mib = json.loads((bench.at.root / "studies" / "bench" / "settings.json").read_text())["mib"]
    loop = bench.peer("loop", str(BUSY), str(mib))["seconds"]
    one, all_ = bench.run("bench", "busy_one"), bench.run("bench", "busy")
    peers = {"plain loop, one process": round(loop, 1)}
    return [
        Figure("60 s of work, one call at a time, start to end", round(one.seconds, 1), "s"),
        Figure("60 s of work, start to end", round(all_.seconds, 1), "s", None, peers),
        Figure("times one core", round(one.seconds / all_.seconds, 2), "x", ">= 1.7"),
        Figure("times a plain loop", round(loop / all_.seconds, 2), "x"),
        Figure("times a plain loop, the calls alone", round(loop / all_.map_s, 2), "x"),
    ]


def crawl(bench: Bench) -> list[Figure]:
    """The crawl study over 20 files, beside a plain warcio loop over a quarter of them."""
    if not WARC.is_file():
        sys.exit(f"While measuring the crawl, found no {WARC}. Fetch the course's data.")
    bench.deploy("crawl")
    once = bench.peer("warcio", str(WARC))
    runs, seconds = {}, []
    for count in (SMALL, LARGE):
        runs[count] = searched(bench, count, once)
        loop = bench.peer("warcio", *map(str, copies(bench, LARGE)[:LOOPED]))
        expect([{"pages": loop["pages"]}], pages=LOOPED * LARGE * once["pages"])
        seconds.append(loop["seconds"])
    # The faster of two, before the run and after it: what else the machine did helps no figure.
    rate = LOOPED * LARGE * WARC.stat().st_size / 1e6 / min(seconds)
    sql = "SELECT count(*) AS pages, count_if(matches > 0) AS found FROM pages"
    (told,) = bench.query("crawl", f"{sql} WHERE type = 'response' AND file LIKE '%/{WARC.name}'")
    return [
        *crawled(SMALL, *runs[SMALL], rate),
        *crawled(LARGE, *runs[LARGE], rate, ">= 3"),
        Figure("aut_example, responses", told["pages"], "responses", "== 299"),
        Figure("aut_example, with internet", told["found"], "responses", "== 137"),
    ]


def copies(bench: Bench, count: int) -> list[Path]:
    """The files, each of which holds the example's records so many times."""
    folder = bench.at.root / "warc"
    folder.mkdir(exist_ok=True)
    data = WARC.read_bytes() * count
    files = [folder / f"copy-{n:02}.warc.gz" for n in range(FILES)]
    for file in files:
        file.write_bytes(data)
    return files


def searched(bench: Bench, count: int, once: dict[str, float]) -> tuple[Ran, Ran]:
    """Search the files and the example itself, twice: a first run starts the functions."""
    bench.at.headrace("upload", "crawl", "warc", *map(str, [*copies(bench, count), WARC]))
    runs = bench.run("crawl", "pages"), bench.run("crawl", "pages")
    sql = "SELECT count(*) AS pages, count_if(matches > 0) AS found FROM pages"
    times = FILES * count + 1
    want = {name: times * once[name] for name in ("pages", "found")}
    expect(bench.query("crawl", sql), **want)
    return runs


def crawled(
    count: int, first: Ran, second: Ran, rate: float, must: str | None = None
) -> list[Figure]:
    """What two runs over the files took, and a loop's MB/s; `must` is of the whole second run."""
    mb = (FILES * count + 1) * WARC.stat().st_size / 1e6
    name, peers = f"crawl of {mb:,.0f} MB", {"warcio loop": round(rate, 1)}
    return [
        Figure(f"{name}, start to end", round(mb / second.seconds, 1), "MB/s", None, peers),
        Figure(f"{name}, the calls", round(mb / second.map_s, 1), "MB/s", None, peers),
        Figure(f"{name}, the first calls", round(mb / first.map_s, 1), "MB/s", None, peers),
        Figure(f"{name}, times warcio", round(mb / second.seconds / rate, 2), "x", must),
        Figure(f"{name}, the calls, times warcio", round(mb / second.map_s / rate, 2), "x"),
    ]


def killed(bench: Bench) -> list[Figure]:
    """10,000 items, 1 in 100 failing, while processes of functions are killed at random."""
    words: tuple[str, ...] = ("run", "bench", "--stage", "killed", "--json")
    resumed = kills = 0
    chance = random.Random(25)
    while True:
        started = time.monotonic()
        with bench.at.started(*words) as process:
            kills += kill_while(bench, process, chance, KILLS - kills)
            printed, said = process.communicate()
        told = json.loads(printed) if printed else {}
        if not process.returncode:
            break
        if resumed == KILLS or told.get("status") != "FAILED":
            sys.exit(f"The run whose functions were killed failed:\n{said}")
        # What a killed step that isn't repeated by itself asks for.
        words = ("run", "bench", "--run", told["run"], "--resume", "--json")
        resumed += 1
    ran = bench.ran(told, "killed", time.monotonic() - started)
    numbers = bench.query("bench", "SELECT n, count(*) AS rows FROM killed GROUP BY n")
    sql = "SELECT json_extract_scalar(from_utf8(bytes), '$.n') AS n, count(*) AS rows"
    sql += f" FROM quarantine WHERE _source = 'run/{ran.run}/killed' GROUP BY 1"
    bad = {int(row["n"]): row["rows"] for row in bench.query("bench", sql)}
    good = {row["n"]: row["rows"] for row in numbers}
    failing = {n for n in range(KILLED) if n % FAILS_EVERY == FAILS_AT}
    wrong = len(failing ^ bad.keys()) + len((set(range(KILLED)) - failing) ^ good.keys())
    wrong += sum(rows != 1 for rows in (*bad.values(), *good.values()))
    return [
        Figure("killed, processes", kills, "processes", ">= 5"),
        Figure("killed, times that the run was resumed", resumed, "times"),
        Figure("killed, rows in the table", sum(good.values()), "rows", "== 9900"),
        Figure("killed, items quarantined", sum(bad.values()), "items", "== 100"),
        Figure("killed, items lost, twice or in the wrong place", wrong, "items", "== 0"),
    ]


def kill_while(
    bench: Bench, process: subprocess.Popen[str], chance: random.Random, most: int
) -> int:
    """Kill one process of a function at a time, at random moments, while the run goes on."""
    kills = 0
    while process.poll() is None:
        time.sleep(chance.uniform(0.1, 0.6))
        victims = bench.functions() if kills < most else []
        with contextlib.suppress(psutil.NoSuchProcess):
            if victims:
                chance.choice(victims).kill()
                kills += 1
    return kills


def end_with(folder: str) -> None:
    """End what a peer left running, told by its TMPDIR: lithops' cleaner outlives its caller."""
    left = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get("TMPDIR") == folder:
                process.kill()
                left.append(process)
    psutil.wait_procs(left, timeout=10)


def expect(rows: list[dict[str, Any]], **want: float) -> None:
    """Stop where a table isn't what a figure takes for granted."""
    if rows != [want]:
        sys.exit(f"While checking what a run gave, found {rows}, not {want}.")


@contextlib.contextmanager
def opened() -> Iterator[Bench]:
    """A house with the throw-away study deployed."""
    with house() as at:
        (PROJECT / ".cache").mkdir(exist_ok=True)
        (at.root / ".cache").symlink_to(PROJECT / ".cache")
        folder = at.root / "studies" / "bench"
        folder.mkdir()
        (folder / "__init__.py").write_text('"""The study of bench/map.py."""\n')
        shutil.copy(PROJECT / "bench" / "map_study.py", folder / "study.py")
        bench = Bench(at, {})
        (folder / "settings.json").write_text(json.dumps(bench.peer("calibrate")))
        at.headrace("up")
        bench.environment = json.loads(at.headrace("env", "--json")[1])
        yield bench


PARTS: dict[str, Callable[[Bench], list[Figure]]] = {
    each.__name__: each for each in (noop, busy, crawl, killed)
}


def measure(wanted: Sequence[str]) -> list[Figure]:
    """Measure these parts."""
    with opened() as bench:
        if {"noop", "busy", "killed"} & set(wanted):
            bench.deploy("bench")
        return [figure for part in wanted for figure in PARTS[part](bench)]


if __name__ == "__main__":
    printing.main("map", __doc__, PACKAGES, PARTS, measure)
