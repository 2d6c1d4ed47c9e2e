"""A node's Python and environment, what steps' arguments mean, and which line says why."""

from __future__ import annotations

import hashlib
import json
import subprocess
import threading
import time
from pathlib import Path

import psutil
import pytest

from localcloud.engines.emr import hadoop_args, jars, node, node_messages, node_process, spark_args
from localcloud.engines.emr.node_work import CommandError, Node


@pytest.fixture
def place(tmp_path: Path) -> node.Place:
    """A node laid out, without jars."""
    pins = tmp_path / "pins.json"
    pins.write_text("{}")
    keys = {"AWS_ACCESS_KEY_ID": "key"}
    return node.lay_out(
        Node(tmp_path / "cluster", "http://localhost:1", "us-east-1", 2, 16384, keys, {}), pins
    )


def test_its_python_sees_no_package_of_the_host(place: node.Place) -> None:
    environment = place.environment({"PYTHONPATH": "/host", "LANG": "C.UTF-8", "SECRET": "x"})
    assert "SECRET" not in environment
    assert "PYTHONPATH" not in environment
    for name in ("python3", "python"):
        words = [str(place.bin / name), "-c", "import pyarrow"]
        got = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
        assert "No module named 'pyarrow'" in got.stderr


def test_it_is_made_within_a_second_and_once(place: node.Place, tmp_path: Path) -> None:
    began = time.monotonic()
    assert node.lay_out(place.node, tmp_path / "pins.json") == place
    assert time.monotonic() - began < 1


def test_stopping_leaves_no_process(tmp_path: Path) -> None:
    stopped = threading.Event()
    pids = tmp_path / "pids"
    script = f"setsid sleep 300 & echo $! > {pids}; sleep 300"
    with (tmp_path / "log").open("wb") as log:
        words = ["bash", "-c", script]
        args = (words, {"PATH": "/usr/bin:/bin"}, tmp_path, log, log, stopped)
        thread = threading.Thread(target=node_process.run, args=args)
        thread.start()
        while not (pids.exists() and pids.read_text().strip()):
            time.sleep(0.02)
        stopped.set()
        thread.join(10)
    assert not thread.is_alive()
    assert not psutil.pid_exists(int(pids.read_text()))


def test_a_command_that_outgrows_its_memory_is_killed(tmp_path: Path) -> None:
    hog = "import time; held = b'1' * (200 << 20); time.sleep(60)"
    words = [node.interpreter(), "-c", hog]
    with (tmp_path / "log").open("wb") as log:
        got = node_process.run(words, {}, tmp_path, log, log, threading.Event(), limit_mib=64)
    assert got.code == 143
    assert "of 64 MB physical memory used" in got.killed


def test_streaming_arguments_get_our_task_and_keep_theirs() -> None:
    words = ["-Da=1", "-jobconf", "b=2", "-file", "x.py", "-files", "y.py#z", "-input", "in"]
    words += ["-mapper", "x.py -v", "-combiner", "aggregate", "-reducer", "NONE", "-verbose"]
    read = hadoop_args.parse(words)
    assert read.property("b", "") == "2"
    assert read.words("task", hadoop_args.Classes([])) == [
        *("-D", "a=1", "-D", "b=2", "-files", "x.py,y.py#z", "-input", "in"),
        *("-mapper", "task mapper x.py -v", "-combiner", "aggregate", "-reducer", "NONE"),
        "-verbose",
    ]


@pytest.mark.parametrize(
    "words", [["-input"], ["-fs", "x"], ["-D", "mapreduce.map.failures.maxpercent=5"]]
)
def test_streaming_arguments_that_are_refused(words: list[str]) -> None:
    with pytest.raises(CommandError):
        hadoop_args.parse(words)


def test_spark_arguments() -> None:
    words = ["--deploy-mode", "cluster", "--conf", "a.b=c=d", "--num-executors=4", "--jars", "x"]
    read = spark_args.parse([*words, "--jars", "y", "p.py", "--input", "z"])
    assert read.cluster
    assert read.conf == {"a.b": "c=d"}
    assert read.listed("jars") == ["x", "y"]
    assert read.program == ["p.py", "--input", "z"]


@pytest.mark.parametrize(
    "words", [["--kill", "x"], ["--conf", "x", "p.py"], ["--name", "x"], ["--master", "k8s", "p"]]
)
def test_spark_arguments_that_are_refused(words: list[str]) -> None:
    with pytest.raises(CommandError):
        spark_args.parse(words)


@pytest.mark.parametrize(("text", "mebibytes"), [("2g", 2048), ("512m", 512), ("1024", 1024)])
def test_amounts_of_memory(text: str, mebibytes: int) -> None:
    assert spark_args.mebibytes(text) == mebibytes


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a\nTraceback (most recent call last):\n  x\nValueError: no\nlater\n", "ValueError: no"),
        ("ERROR StreamJob: Error Launching job : Input path is none\nend", "Input path is none"),
        (
            "x java.lang.OutOfMemoryError: Java heap space\nend",
            "java.lang.OutOfMemoryError: Java heap space",
        ),
        ("one\ntwo\n", "two"),
        ("", ""),
    ],
)
def test_the_line_that_says_why(text: str, line: str) -> None:
    assert node_messages.first_useful(text) == line
    assert node_messages.error(text) == ("" if line == "two" else line)


def test_a_jar_that_is_another_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a-1.jar").write_bytes(b"jar")
    right = {"g:a:1": hashlib.sha256(b"jar").hexdigest()}
    assert jars.ensure(right, tmp_path) == [tmp_path / "a-1.jar"]
    with pytest.raises(jars.JarsError, match="pinned is 00"):
        jars.ensure({"g:a:1": "00"}, tmp_path)


def test_pins_are_coordinates_with_hashes() -> None:
    pins = json.loads(jars.PINS.read_text())
    assert all(jars.file_name(each).endswith(".jar") for each in pins)
    assert {len(each) for each in pins.values()} == {64}
