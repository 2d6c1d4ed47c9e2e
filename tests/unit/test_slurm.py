"""`headrace slurm`: what is asked of Slurm, the stage-in list, the folder, and what comes back."""

from __future__ import annotations

import hashlib
import io
import json
import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.slurm import bring_back, folder, script, stage_in
from headrace.slurm.functions import Functions, StepError, Try, program_of
from headrace.stages import Batch, Mpi
from headrace.study import Study


@dataclass(frozen=True)
class Row:
    n: int


def mpi(**more: Any) -> Mpi:
    return Mpi("walks", "tasks/mpi/random_walks.py", "s3://{lake}/files/x/", Row, **more)


def batch(**more: Any) -> Batch:
    return Batch("copies", "tasks/mpi/simulate.py", "s3://{lake}/files/x/", Row, **more)


def command(params: dict[str, Any], *more: str) -> list[str]:
    """What `prepare` gives the container."""
    told = ["--program", "s3://cdk/1.zip", "--main", "tasks/mpi/random_walks.py", *more]
    told += ["--timeout-s", "600", "--input", "s3://lake/in/", "--output", "s3://lake/out/"]
    return [*told, "--params", json.dumps(params)]


TRY = Try(
    study="health",
    stage="walks",
    run={"run": "r1", "attempt": 1, "redo": [], "only": ["walks"]},
    bucket="lake",
    prepared={
        "prefix": "runs/r1/walks/1-aa/",
        "try": "1-aa",
        "started": "2026-01-01T00:00:00.000+00:00",
        "job": {"command": command({}, "--ranks", "2")},
    },
    asked={"query": "q", "scanned_bytes": 7},
    program={"archive": "s3://cdk/1.zip"},
    workers=4,
)


class TestAllocation:
    def test_of_ranks_on_one_node(self) -> None:
        asked = script.allocation(mpi(memory_mib=3000, timeout_s=600), 4, None)
        assert asked.lines() == [
            "#SBATCH --nodes=1",
            "#SBATCH --ntasks=4",
            "#SBATCH --ntasks-per-node=4",
            "#SBATCH --cpus-per-task=1",
            "#SBATCH --mem=3000M",
            "#SBATCH --time=12",
        ]

    def test_of_ranks_with_more_than_one_cpu_on_more_nodes(self) -> None:
        asked = script.allocation(mpi(ranks=2, vcpus=8), 6, 3)
        assert (asked.nodes, asked.tasks, asked.cpus) == (3, 6, 4)
        assert "#SBATCH --ntasks-per-node=2" in asked.lines()

    def test_of_copies_is_an_array(self) -> None:
        asked = script.allocation(batch(size=8, vcpus=0.5), 8, None)
        assert "#SBATCH --array=0-7" in asked.lines()
        assert "#SBATCH --cpus-per-task=1" in asked.lines()
        one = script.allocation(batch(), 1, None)
        assert not any("array" in line for line in one.lines())

    def test_refuses_what_can_not_be_spread(self) -> None:
        with pytest.raises(script.ScriptError, match="5 ranks on 2 nodes"):
            script.allocation(mpi(), 5, 2)
        with pytest.raises(script.ScriptError, match="job of its own"):
            script.allocation(batch(size=8), 8, 2)


class TestScript:
    @given(
        params=st.dictionaries(
            st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
            st.integers() | st.text(st.characters(exclude_characters="\0")),
        )
    )
    def test_hands_on_any_params(self, params: dict[str, Any]) -> None:
        asked = script.allocation(mpi(), 2, None)
        text = script.script("x", asked, command(params, "--ranks", "2"), 25, 2)
        (line,) = [part for part in shlex.split(text, comments=True) if part.startswith("params=")]
        assert json.loads(line.removeprefix("params=")) == params

    def test_has_the_jobs_words_with_the_clusters_ranks(self) -> None:
        asked = script.allocation(mpi(), 4, None)
        text = script.script("health-walks", asked, command({"a": "it's"}, "--ranks", "2"), 25, 4)
        assert text.startswith("#!/bin/bash\n#SBATCH --job-name=health-walks\n")
        for line in ("main=tasks/mpi/random_walks.py", "ranks=4", "timeout_s=600", "seed=25"):
            assert f"\n{line}\n" in text
        assert "s3://" not in text

    def test_of_copies_has_no_ranks(self) -> None:
        asked = script.allocation(batch(size=8), 8, None)
        text = script.script("x", asked, command({}), 25, 8)
        assert "\nranks=\n" in text
        assert "--output=log/%A-%a.txt" in text

    def test_is_bash(self) -> None:
        asked = script.allocation(mpi(), 4, None)
        text = script.script("x", asked, command({}, "--ranks", "2"), 25, 4)
        fetch = script.BODY.with_name("stage_in.sh").read_text()
        for each in (text, fetch):
            done = subprocess.run(["bash", "-n"], input=each, text=True, capture_output=True)
            assert (done.returncode, done.stderr) == (0, "")

    def test_refuses_a_command_that_lacks_words(self) -> None:
        with pytest.raises(script.ScriptError, match="no main, params"):
            script.words_of(["--program", "s3://x", "--timeout-s", "1"])


class Objects:
    """An S3 client over a dict."""

    def __init__(self, **objects: bytes) -> None:
        self.objects = {key.replace("__", "/"): data for key, data in objects.items()}
        self.put: list[str] = []

    def get_object(self, **asked: str) -> dict[str, Any]:
        return {"Body": Body(self.objects[f"{asked['Bucket']}/{asked['Key']}"])}

    def put_object(self, **told: Any) -> None:
        self.objects[f"{told['Bucket']}/{told['Key']}"] = told["Body"]

    def upload_file(self, name: str, bucket: str, key: str) -> None:
        self.put.append(key)
        self.objects[f"{bucket}/{key}"] = Path(name).read_bytes()


class Body(io.BytesIO):
    """What get_object gives."""

    def iter_chunks(self, size: int) -> Any:
        return iter(lambda: self.read(size), b"")


class TestStageIn:
    def test_lists_what_it_fetched(self, tmp_path: Path) -> None:
        s3 = Objects()
        s3.objects = {"lake/files/x/b.npy": b"bb", "lake/files/x/sub dir/a.npy": b"a" * 3_000_000}
        came: list[int] = []
        uris = [f"s3://{key}" for key in s3.objects]
        staged = stage_in.fetch(
            s3, uris, "s3://lake/files/x/", tmp_path, lambda n, file: came.append(n)
        )
        assert [(s.file, s.bytes) for s in staged] == [("b.npy", 2), ("sub dir/a.npy", 3_000_000)]
        assert staged[1].sha256 == hashlib.sha256(b"a" * 3_000_000).hexdigest()
        assert (tmp_path / "sub dir" / "a.npy").stat().st_size == 3_000_000
        assert sum(came) == 3_000_002
        lines = stage_in.listing(staged).splitlines()
        assert lines[0] == "sha256\tbytes\tfile\turi"
        assert lines[2].split("\t")[1:] == ["3000000", "sub dir/a.npy", uris[1]]

    @pytest.mark.parametrize("name", ["../a", "a\tb", "a\nb", "/etc/x", "a\\b"])
    def test_refuses_names_that_are_no_files(self, tmp_path: Path, name: str) -> None:
        with pytest.raises(stage_in.StageInError, match="another name"):
            stage_in.fetch(Objects(), [f"s3://lake/in/{name}"], "s3://lake/in/", tmp_path)


class Lambda:
    """A Lambda client that answers as it was told, and keeps what it was asked."""

    def __init__(self, *answers: Any, error: bool = False) -> None:
        self.answers, self.error = list(answers), error
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def invoke(self, **asked: Any) -> dict[str, Any]:
        self.asked.append((asked["FunctionName"], json.loads(asked["Payload"])))
        told = {"Payload": io.BytesIO(json.dumps(self.answers.pop(0)).encode())}
        return told | ({"FunctionError": "Unhandled"} if self.error else {})


def planned() -> Any:
    from headrace.plan import plan_of

    return plan_of(Study("health", "q", seed=25, stages=[mpi()]))


MACHINE = {
    "States": {
        "side by side": {
            "Branches": [
                {"States": {"other: prepare": {}}},
                {
                    "States": {
                        "walks: prepare": {
                            "Parameters": {"Payload": {"program": {"archive": "s3://cdk/1.zip"}}}
                        }
                    }
                },
            ]
        }
    }
}


class TestFunctions:
    def test_begin_prepares_a_run_of_the_one_stage(self) -> None:
        run = {"run": "r1", "attempt": 1, "redo": [], "only": ["walks"]}
        client = Lambda(run, {"prefix": "p/", "workers": 2})
        this = Functions(planned(), client).begin("walks", "r1", MACHINE, "lake")
        assert [(name, asked["op"]) for name, asked in client.asked] == [
            ("headrace-health-run", "begin"),
            ("headrace-health-run", "prepare"),
        ]
        assert client.asked[0][1]["input"] == {"run": "r1", "attempt": 1, "only": ["walks"]}
        assert client.asked[1][1]["program"] == {"archive": "s3://cdk/1.zip"}
        assert (this.run, this.prefix, this.workers) == (run, "p/", 2)

    def test_register_is_what_the_machine_would_ask(self) -> None:
        client = Lambda({"rows": 1, "checksum": "c"})
        assert Functions(planned(), client).register(TRY)["rows"] == 1
        ((name, asked),) = client.asked
        assert name == "headrace-health-register"
        assert asked == {
            "op": "register",
            "run": TRY.run,
            "stage": "walks",
            "prefix": "runs/r1/walks/1-aa/",
            "try": "1-aa",
            "started": "2026-01-01T00:00:00.000+00:00",
            "asked": {"query": "q", "scanned_bytes": 7},
        }

    def test_says_what_a_function_raised(self) -> None:
        client = Lambda({"errorType": "Superseded", "errorMessage": "a later try"}, error=True)
        with pytest.raises(StepError, match="Superseded: a later try"):
            Functions(planned(), client).register(TRY)

    def test_a_stage_that_is_not_deployed(self) -> None:
        with pytest.raises(StepError, match="Deploy the study as it is now"):
            program_of(MACHINE, "walk")


TOLD = dict.fromkeys(
    ["study", "stage", "seed", "run", "workers_words", "files", "bytes", "folder", "name"], "x"
)


class TestFolder:
    def written(self, to: Path) -> Path:
        (to / "input").mkdir(parents=True)
        staged = [stage_in.Staged("0" * 64, 1, "a.npy", "s3://lake/a.npy")]
        folder.write(to, TRY, staged, "tasks/mpi", "#!/bin/bash\n", b"zip", TOLD)
        return to

    def test_holds_all_that_its_docstring_says(self, tmp_path: Path) -> None:
        to = self.written(tmp_path / "new")
        named = {line.split()[0] for line in (folder.__doc__ or "").splitlines()[4:] if line}
        there = {p.name + "/" * p.is_dir() for p in to.iterdir()}
        assert named - {"FOLDER/", "result/"} <= there
        assert (to / "boot" / "__main__.py").is_file()
        assert (to / "stage_in.sh").stat().st_mode & 0o111
        assert not list(to.rglob("__pycache__"))

    def test_is_read_as_it_was_written(self, tmp_path: Path) -> None:
        assert folder.read(self.written(tmp_path / "new"), "health", "walks") == TRY

    def test_of_another_stage_is_refused(self, tmp_path: Path) -> None:
        to = self.written(tmp_path / "new")
        with pytest.raises(folder.FolderError, match="stage walks of health"):
            folder.read(to, "health", "grid")
        with pytest.raises(folder.FolderError, match=r"no try\.json"):
            folder.read(tmp_path, "health", "walks")

    def test_never_writes_over_another(self, tmp_path: Path) -> None:
        folder.check_new(tmp_path / "new")
        folder.check_new(tmp_path)
        (tmp_path / "x").touch()
        with pytest.raises(folder.FolderError, match="there already"):
            folder.check_new(tmp_path)


class TestBringBack:
    def result(self, root: Path, *names: str) -> Path:
        for name in names:
            path = root / "result" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"{}")
        return root

    def test_wants_every_share_of_an_array(self, tmp_path: Path) -> None:
        self.result(tmp_path, "out/_SUCCESS.0", "out/_SUCCESS.2")
        with pytest.raises(bring_back.BackError, match=r"no _SUCCESS\.1 in"):
            bring_back.check(tmp_path, "batch", 3)
        self.result(tmp_path, "out/_SUCCESS.1")
        bring_back.check(tmp_path, "batch", 3)

    def test_one_copy_is_no_array(self, tmp_path: Path) -> None:
        self.result(tmp_path, "out/_SUCCESS")
        bring_back.check(tmp_path, "batch", 1)
        bring_back.check(tmp_path, "mpi", 4)

    def test_says_which_rank_failed(self, tmp_path: Path) -> None:
        self.result(tmp_path)
        (tmp_path / "result").mkdir()
        told = {"rank": 2, "reason": "ValueError: no", "where": "tasks/mpi/x.py:41"}
        (tmp_path / "result" / "failed.json").write_text(json.dumps(told))
        with pytest.raises(bring_back.BackError, match=r"rank 2: ValueError: no \(tasks/mpi/x"):
            bring_back.check(tmp_path, "mpi", 4)

    def test_uploads_the_mark_of_the_whole_last(self, tmp_path: Path) -> None:
        names = ("out/_SUCCESS", "out/part-00000.parquet", "facts/boot.json", "libraries.json")
        self.result(tmp_path, *names, "failed.json")
        slurm = {"version": "slurm-wlm 22.05.8", "job": "7", "cluster": "c", "nodes": "n[1-2]"}
        (tmp_path / "result" / "slurm.json").write_text(json.dumps(slurm))
        s3 = Objects()
        facts = f"lake/{TRY.prefix}facts.json"
        s3.objects[facts] = json.dumps({"engine": "AWS Batch", "workers": 2, "code": "c"}).encode()
        prepared = f"lake/{TRY.prefix}prepared.json"
        s3.objects[prepared] = json.dumps({"container": {"count": 1, "vcpus": 2}}).encode()
        keys = bring_back.upload(s3, TRY, tmp_path)
        assert keys == s3.put
        assert [key.removeprefix(TRY.prefix) for key in keys] == [
            "facts/boot.json",
            "libraries.json",
            "out/part-00000.parquet",
            "out/_SUCCESS",
        ]
        assert json.loads(s3.objects[facts]) == {
            "engine": "Slurm (slurm-wlm 22.05.8, cluster c, job 7, nodes n[1-2])",
            "workers": 4,
            "code": "c",
        }
        assert json.loads(s3.objects[prepared]) == {"container": {"count": 0, "vcpus": 2}}
