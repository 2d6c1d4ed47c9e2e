"""Process images: what a Dockerfile may say, what COPY brings, and the same bytes every time."""

from __future__ import annotations

import io
import os
import stat
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcloud.engines.images import blobs, dockerfile, layers, run_lines
from localcloud.engines.images.context import Context
from localcloud.engines.images.errors import ImageError, UnableError
from localcloud.engines.images.media import inside
from localcloud.engines.images.names import Name

ROOT = Path(__file__).resolve().parents[2]


def read(folder: Path, text: str, **arguments: str) -> list[dockerfile.Step]:
    (folder / "Dockerfile").write_text(text)
    return dockerfile.read(folder / "Dockerfile", arguments)


def test_the_dockerfiles_of_the_house_can_be_read() -> None:
    found = sorted((ROOT / "tasks").glob("*/Dockerfile"))
    assert found
    for path in found:
        kinds = [step.kind for step in dockerfile.read(path, {})]
        assert kinds[0] == "FROM"
        assert {"RUN", "COPY", "ENTRYPOINT", "USER"} <= set(kinds)


def test_a_container_and_its_process_image_install_one_lock_by_one_command() -> None:
    """Both read the same Dockerfile; it installs its folder's lock and nothing beside it."""
    for path in sorted((ROOT / "tasks").glob("*/Dockerfile")):
        steps = dockerfile.read(path, {})
        assert [s.words[-1] for s in steps if s.kind == "RUN"] == [
            "pip install --no-cache-dir --require-hashes -r requirements.txt"
        ]
        lock = f"{path.parent.name}/requirements.txt"
        assert (lock, ".") in [s.words for s in steps if s.kind == "COPY"]
        assert "--hash=sha256:" in (path.parents[1] / lock).read_text()
    assert "localcloud.engines.images build -q tasks -f {}" in (ROOT / "Makefile").read_text()


def test_variables_reach_where_docker_puts_them(tmp_path: Path) -> None:
    steps = read(
        tmp_path,
        "ARG TAG=3.12\n"
        "FROM python:$TAG\n"
        "ARG WHO=you\n"
        'ENV A="x y" B=$WHO\n'
        "ENV C old style\n"
        "WORKDIR /opt/$B\n"
        "# a comment\n"
        "COPY a \\\n  b c/\n"
        "RUN pip install \\\n    --no-cache-dir $B\n"
        'ENTRYPOINT ["python", "-m", "x"]\n'
        "CMD echo $B\n",
        WHO="me",
    )
    told = {step.kind: step.words for step in steps}
    assert [step.words for step in steps if step.kind == "FROM"] == [("python:3.12",)]
    assert [s.words for s in steps if s.kind == "ENV"] == [("A", "x y", "B", "me"),
                                                           ("C", "old style")]  # fmt: skip
    assert told["WORKDIR"] == ("/opt/me",)
    assert told["COPY"] == ("a", "b", "c/")
    assert told["RUN"] == ("/bin/sh", "-c", "pip install     --no-cache-dir $B")
    (run,) = [step for step in steps if step.kind == "RUN"]
    assert run.environment == {"WHO": "me", "A": "x y", "B": "me", "C": "old style"}
    assert told["ENTRYPOINT"] == ("python", "-m", "x")
    assert told["CMD"] == ("/bin/sh", "-c", "echo $B")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("FROM ubuntu:24.04\n", "ubuntu:24.04"),
        ("FROM python-evil:1\n", "python-evil"),
        ("FROM --platform=linux/arm64 python:3\n", "--platform"),
        ("FROM python:3\nFROM python:3\n", "one stage"),
        ("FROM python:3\nADD https://x/y .\n", "ADD"),
        ("FROM python:3\nHEALTHCHECK NONE\n", "HEALTHCHECK"),
        ("FROM python:3\nCOPY --from=other a b\n", "--from=other"),
        ("FROM python:3\nCOPY --chown=1 a b\n", "--chown=1"),
        ('FROM python:3\nCOPY ["a", "b"]\n', "plain words"),
        ("FROM python:3\nRUN apt-get install -y gcc\n", "apt-get"),
        ("FROM python:3\nRUN <<EOF\n", "here-document"),
        ("FROM python:3\nENV PATH=/x:$PATH\n", "ENV PATH"),
        ("FROM python:3\nENV X=${Y:-z}\n", "${Y:-z}"),
        ("FROM python:3\nWORKDIR /opt/a\nENV PYTHONPATH=/opt/a/b\n", "/opt/a/b"),
        ('FROM python:3\nWORKDIR /opt/a\nCMD ["python", "/opt/a/b.py"]\n', "/opt/a/b.py"),
        ("FROM python:3\nGARBAGE\n", "GARBAGE"),
    ],
)
def test_what_cannot_be_honoured_is_refused_by_name(tmp_path: Path, text: str, named: str) -> None:
    with pytest.raises(UnableError) as told:
        read(tmp_path, text)
    assert named in str(told.value)
    assert "which a process image can't honour" in str(told.value)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "no FROM"),
        ("COPY a b\n", "before FROM"),
        ("FROM python:3\nCMD [python]\n", "no JSON"),
        ("FROM python:3\nENV A=1 B\n", "name=value"),
    ],
)
def test_a_dockerfile_that_docker_would_not_have(tmp_path: Path, text: str, named: str) -> None:
    with pytest.raises(ImageError, match=named):
        read(tmp_path, text)


def test_a_build_argument_that_nobody_asks_for(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="no ARG for the build argument X"):
        read(tmp_path, "FROM python:3\n", X="1")


@pytest.mark.parametrize(
    "line",
    [
        "pip install --no-cache-dir --require-hashes -r requirements.txt",
        "python -m pip install a && python3.12 -c 'print(1); print(2 > 1)' && pip3 check",
        "pip install 'a>=1,<2'",
    ],
)
def test_lines_of_pip_and_python_are_run(line: str) -> None:
    run_lines.check(["/bin/sh", "-c", line], "here")
    run_lines.check(["python", "-c", line], "here")


@pytest.mark.parametrize(
    "line",
    [
        "useradd me",
        "pip install a; rm -rf x",
        "pip install a || true",
        "pip install a | tee log",
        "pip freeze > list",
        "pip install $(cat list)",
        "pip install `cat list`",
        "(pip install a)",
        "pip install a &",
        "pip install 'a",
        "pip install -r /etc/requirements.txt",
        "pip install --target=/usr/lib a",
        "python ../x.py",
        "X=1 pip install a",
        "--mount=type=cache,target=/x pip install a",
        "pipx install a",
        "",
    ],
)
def test_other_lines_are_refused(line: str) -> None:
    with pytest.raises(UnableError):
        run_lines.check(["/bin/sh", "-c", line], "here")


@pytest.fixture
def context(tmp_path: Path) -> Path:
    folder = tmp_path / "context"
    for name in ("a.txt", "b.txt", "d/x.py", "d/e/y.py", "d/__pycache__/x.pyc", "secret/k"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    (folder / ".dockerignore").write_text("# not these\nsecret\n**/y.py\n!d/e/y.py\n")
    return folder


def copied(context: Path, root: Path, *words: str, workdir: str = "/w") -> set[str]:
    Context(context).copy(words, root, workdir, "COPY")
    return {p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file()}


@pytest.mark.parametrize(
    ("words", "there"),
    [
        (("a.txt", "."), {"w/a.txt"}),
        (("a.txt", "n"), {"w/n"}),
        (("a.txt", "n/"), {"w/n/a.txt"}),
        (("a.txt", "/x/y"), {"x/y"}),
        (("*.txt", "t/"), {"w/t/a.txt", "w/t/b.txt"}),
        (("d", "t"), {"w/t/x.py", "w/t/e/y.py"}),
        (("d/e", "a.txt", "t/"), {"w/t/y.py", "w/t/a.txt"}),
        (("a.txt", "../../../../out"), {"out"}),
        ((".", "."), {"w/.dockerignore", "w/a.txt", "w/b.txt", "w/d/x.py", "w/d/e/y.py"}),
    ],
)
def test_copy_puts_files_where_docker_does(
    context: Path, tmp_path: Path, words: tuple[str, ...], there: set[str]
) -> None:
    assert copied(context, tmp_path / "root", *words) == there


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("absent", "."), "no absent"),
        (("secret", "."), "no secret"),
        (("../context/a.txt", "."), "leaves the build's context"),
        (("*.txt", "t"), "End it with /"),
        (("a.txt",), "one word"),
    ],
)
def test_copy_refuses(context: Path, tmp_path: Path, words: tuple[str, ...], named: str) -> None:
    with pytest.raises(ImageError, match=named):
        copied(context, tmp_path / "root", *words)


def test_a_digest_tells_what_is_copied(context: Path) -> None:
    def digest(*words: str) -> str:
        return Context(context).digest(words, "COPY")

    before, all_before = digest("d", "t"), digest(".", ".")
    (context / "secret" / "k").write_text("other")
    (context / "d" / "__pycache__" / "x.pyc").write_text("other")
    assert (digest("d", "t"), digest(".", ".")) == (before, all_before)
    (context / "d" / "x.py").chmod(0o755)
    runs = digest("d", "t")
    (context / "d" / "e" / "y.py").write_text("other")
    assert len({before, runs, digest("d", "t")}) == 3


@given(st.dictionaries(st.from_regex(r"[a-z]{1,6}(/[a-z]{1,6})?", fullmatch=True), st.binary()))
def test_files_survive_packing_and_give_the_same_bytes(files: dict[str, bytes]) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as scratch:
        one, other = Path(scratch) / "one", Path(scratch) / "other"
        for folder in (one, other):
            folder.mkdir()
        kept = {}
        for name, data in files.items():
            path = one / name
            if path.parent.is_file() or path.is_dir():
                continue
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(data)
            kept[name] = data
        packed = blobs.pack(one)
        blobs.unpack(packed, other)
        found = {p.relative_to(other).as_posix(): p.read_bytes()
                 for p in other.rglob("*") if p.is_file()}  # fmt: skip
        assert found == kept
        for path in [one, *one.rglob("*")]:
            os.utime(path, (1, 1))
        assert blobs.pack(other) == packed == blobs.pack(one)


def test_packing_keeps_links_and_who_may_run(tmp_path: Path) -> None:
    root, out = tmp_path / "root", tmp_path / "out"
    root.mkdir()
    (root / "run").write_text("x")
    (root / "run").chmod(0o700)
    os.link(root / "run", root / "same")
    (root / "link").symlink_to("run")
    blobs.unpack(blobs.pack(root), out)
    assert stat.S_IMODE((out / "run").stat().st_mode) == 0o755
    assert (out / "same").read_text() == "x"
    assert os.readlink(out / "link") == "run"


def test_nothing_is_unpacked_outside(tmp_path: Path) -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("../evil"))
    with pytest.raises(tarfile.TarError):
        blobs.unpack(out.getvalue(), tmp_path / "root")
    assert not (tmp_path / "evil").exists()


def test_blobs_are_kept_by_their_digest(tmp_path: Path) -> None:
    kept = blobs.Blobs(tmp_path / "blobs")
    name = kept.put(b"x")
    assert name == "sha256:2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
    assert kept.put(b"x") == name
    assert name in kept
    assert kept.get(name) == b"x"
    assert blobs.digest(b"y") not in kept
    assert len(list(kept.folder.iterdir())) == 1


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a", ("", "a", "latest", "")),
        ("a/b:1", ("", "a/b", "1", "")),
        ("localhost:5000/a:1", ("localhost:5000", "a", "1", "")),
        (
            "123456789012.dkr.ecr.us-east-1.amazonaws.com/h-x:0f",
            ("123456789012.dkr.ecr.us-east-1.amazonaws.com", "h-x", "0f", ""),
        ),
        (f"x.io/a@sha256:{'0' * 64}", ("x.io", "a", "", f"sha256:{'0' * 64}")),
    ],
)
def test_names(text: str, parts: tuple[str, ...]) -> None:
    name = Name.of(text)
    assert (name.host, name.repository, name.tag, name.digest) == parts
    assert str(name) == (text if parts[2] != "latest" else f"{text}:latest")


@pytest.mark.parametrize("text", ["", "A", "a:", "a b", "a@sha256:0", "x.io/"])
def test_what_is_no_name(text: str) -> None:
    with pytest.raises(ImageError, match="image's name"):
        Name.of(text)


@given(st.text(st.sampled_from("./ab"), max_size=12), st.text(st.sampled_from("./ab"), max_size=9))
def test_a_path_of_an_image_stays_in_it(path: str, workdir: str) -> None:
    root = Path("/root-of-it")
    found = inside(root, path, workdir)
    assert found == root or root in found.parents


def test_a_layer_that_was_not_finished_is_none(tmp_path: Path) -> None:
    (tmp_path / "k" / "venv" / "bin").mkdir(parents=True)
    (tmp_path / "k" / "venv" / "bin" / "python").touch()
    assert layers.find("k", tmp_path) is None
    (tmp_path / "k" / "layer.json").write_text("{}")
    assert layers.find("k", tmp_path) is not None


def test_layers_are_kept_where_the_environment_says(tmp_path: Path) -> None:
    assert layers.folder({"LOCALCLOUD_IMAGES": str(tmp_path)}) == tmp_path
    assert layers.folder({"XDG_CACHE_HOME": "/c"}) == Path("/c/localcloud/images")
    assert layers.key(["a"]) != layers.key(["b"])
