"""What `boot` makes of archives, outcomes and what ranks told, without starting any."""

from __future__ import annotations

import json
import socket
import zipfile
from pathlib import Path

import psutil
import pytest

from tasks.boot import archive, interface, outcome, store
from tasks.boot.blame import Told, of_end, of_hang, read
from tasks.boot.failure import Failure, TryAgainError


def zipped(folder: Path, **files: str) -> str:
    with zipfile.ZipFile(folder / "archive.zip", "w") as made:
        for name, text in files.items():
            made.writestr(name.replace("__", "/") + ".py", text)
    return (folder / "archive.zip").as_uri()


def test_an_archive_is_unpacked_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    uri = zipped(tmp_path, a__x="1")
    root = archive.unpack(uri, "a/x.py", tmp_path)
    assert (root / "a" / "x.py").read_text() == "1"
    assert root.parent == tmp_path / ".cache" / "headrace" / "programs"
    assert root.parent.stat().st_mode & 0o077 == 0
    (root / "kept").touch()
    assert (archive.unpack(uri, "a/x.py", tmp_path) / "kept").exists()
    other = archive.unpack(zipped(tmp_path, a__x="2"), "a/x.py", tmp_path)
    assert (other / "a" / "x.py").read_text() == "2"


def test_a_cache_that_others_can_write_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".cache" / "headrace" / "programs").mkdir(parents=True)
    (tmp_path / ".cache" / "headrace" / "programs").chmod(0o777)
    assert archive.unpack(zipped(tmp_path, x=""), "x.py", tmp_path).parent == tmp_path


def test_archives_that_are_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(TryAgainError, match=r"While fetching the program .* FileNotFoundError"):
        archive.unpack((tmp_path / "nowhere.zip").as_uri(), "x.py", tmp_path)
    with pytest.raises(Failure, match=r"found no y\.py in it\. Deploy again"):
        archive.unpack(zipped(tmp_path, x=""), "y.py", tmp_path)
    (tmp_path / "archive.zip").write_text("no zip")
    with pytest.raises(Failure, match="found no zip"):
        archive.unpack((tmp_path / "archive.zip").as_uri(), "x.py", tmp_path)


@pytest.mark.parametrize(
    ("index", "expected"),
    [
        (None, {"facts/boot.json", "libraries.json", "out/_SUCCESS"}),
        ("0", {"facts/boot.json", "libraries.json", "out/_SUCCESS.0"}),
        ("7", {"out/_SUCCESS.7"}),
    ],
)
def test_a_success_is_marked(tmp_path: Path, index: str | None, expected: set[str]) -> None:
    outcome.succeeded(f"{tmp_path.as_uri()}/out/", 1.5, index)
    files = {str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file()}
    assert files == expected
    if index != "7":
        assert json.loads((tmp_path / "facts" / "boot.json").read_text()) == {"program_s": 1.5}
        libraries = json.loads((tmp_path / "libraries.json").read_text())
        assert {"python", "numpy", "mpi4py", "boto3"} <= set(libraries)


def test_a_failure_is_told(tmp_path: Path) -> None:
    failure = Failure(2, "ValueError: no life", "tasks/mpi/x.py:41")
    outcome.failed(f"{tmp_path.as_uri()}/out/", failure)
    assert json.loads((tmp_path / "failed.json").read_text()) == {
        "rank": 2,
        "reason": "ValueError: no life",
        "where": "tasks/mpi/x.py:41",
    }
    assert str(failure) == "headrace: rank 2: ValueError: no life (tasks/mpi/x.py:41)"
    assert str(Failure(None, "mpiexec ended")) == "headrace: mpiexec ended"
    assert TryAgainError("x").code == 75


@pytest.mark.parametrize("uri", ["ftp://host/x", "plain/path"])
def test_only_two_schemes_are_known(uri: str) -> None:
    with pytest.raises(store.StoreError, match="found no s3:// or file:// URI"):
        store.read(uri)


def failed(at: float, reason: str) -> Told:
    return Told({"at": at, "failed": {"reason": reason, "where": None}})


def test_the_first_rank_that_failed_is_to_blame() -> None:
    told = {0: failed(3.0, "late"), 1: failed(2.0, "early"), 2: Told({"at": 1.0, "pid": 7})}
    found = of_end(told, 3, 1, [])
    assert found
    assert (found.rank, found.reason) == (1, "early")


def test_all_must_have_ended() -> None:
    ended = Told({"at": 1.0, "ended": True})
    assert of_end({0: ended, 1: ended}, 2, 0, []) is None
    found = of_end({0: ended}, 2, 0, [])
    assert found
    assert found.reason == "mpiexec ended with 0; ranks 1 did not end: it said nothing"
    found = of_end({}, 2, 255, ["no such file\n", "mpiexec is at a loss"])
    assert found
    assert found.reason.endswith("ranks 0, 1 did not end: no such file mpiexec is at a loss")


def at(line: int) -> Told:
    frames = ("/lib/y.py", 5, "g"), ("/p/x.py", line, "f"), ("/p/x.py", 1, "<module>")
    stack = "".join(f'  File "{f}", line {n} in {what}\n' for f, n, what in frames)
    return Told({"at": 0.0}, f"Timeout!\nThread 0x1:\n{stack}", "/p")


@pytest.mark.parametrize(
    ("lines", "rank", "reason", "where"),
    [
        ([2, 2, 3], 2, "rank 2 is elsewhere than most, who are at x.py:2: 2 at x.py:3", "x.py:3"),
        ([3, 2, 2, 4], None, "ranks 0, 3 are elsewhere than most, who are at x.py:2", "x.py:3"),
        ([3, 2], 0, "rank 0 is elsewhere than most, who are at x.py:2", "x.py:3"),  # 2 waits
        ([2, 3], 1, "rank 1 is elsewhere than most, who are at x.py:2", "x.py:3"),
        ([2, 2], None, "no end after 9 s, all ranks are there", "x.py:2"),
        ([3], 0, "no end after 9 s, all ranks are there", "x.py:3"),
    ],
)
def test_a_hang(
    tmp_path: Path, lines: list[int], rank: int | None, reason: str, where: str
) -> None:
    (tmp_path / "x.py").write_text("f()\ncomm.Allreduce(a, b)\nwork()\nrest()\n")
    found = of_hang({n: at(line) for n, line in enumerate(lines)}, len(lines), tmp_path, 9)
    assert (found.rank, found.where) == (rank, where)
    assert reason in found.reason


def test_a_rank_that_says_nothing_is_the_one(tmp_path: Path) -> None:
    found = of_hang({0: at(2), 1: at(2), 2: Told({"at": 0.0})}, 3, tmp_path, 9)
    assert (found.rank, found.where) == (2, None)
    assert found.reason.endswith("2 at no answer")


def test_reports_are_read(tmp_path: Path) -> None:
    (tmp_path / "0.json").write_text('{"pid": 1}')
    (tmp_path / "11.json").write_text('{"pid": 2}')
    (tmp_path / "11.stack").write_text("Timeout")
    (tmp_path / "11.shm").write_text("/dev/shm/x")
    told = read(tmp_path, Path("/p"))
    assert told == {0: Told({"pid": 1}, "", "/p"), 11: Told({"pid": 2}, "Timeout", "/p")}


def test_the_interface_of_an_address() -> None:
    for name, addresses in psutil.net_if_addrs().items():
        for address in (a.address for a in addresses if a.family == socket.AF_INET):
            told = interface.chosen(address)
            assert told == ({} if name == "lo" else {"UCX_NET_DEVICES": name, "FI_TCP_IFACE": name})
    assert interface.chosen("127.0.0.2") == {}
