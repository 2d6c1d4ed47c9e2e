"""Studies, zips and synthesised stacks for the tests of what the stacks say."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aws_cdk as cdk

from headrace import target
from headrace.plan import Plan, StagePlan, plan_of
from headrace.study import (
    Batch,
    Cluster,
    Dask,
    External,
    Function,
    Gpu,
    Kinesis,
    Map,
    MapReduce,
    Mpi,
    Query,
    Spark,
    Stage,
    Study,
    Table,
)
from infra.app import build, feature_flags
from infra.image_source import Image, Images
from infra.programs import Program
from infra.zips import Asset, write_zip

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
#: The CDK itself has a function depend on its role, beside naming it: W3005.
LINT = [str(Path(sys.executable).with_name("cfn-lint")), "--ignore-checks", "W3005", "-t"]

Template = dict[str, Any]


@dataclass(frozen=True)
class Reading:
    station: str
    celsius: float | None


@dataclass(frozen=True)
class Outlier:
    station: str
    sigma: float


@dataclass(frozen=True)
class Page:
    url: str
    fetched: bool


@dataclass(frozen=True)
class Zips:
    """Zips as the stacks see them: a path and a digest. What is in them is tested elsewhere."""

    folder: Path
    folders: tuple[str, ...] = ()

    def code(self, function: str) -> Asset:
        return self._asset(f"code-{function}", function)

    def layer(self, function: str) -> Asset | None:
        return None if function in ("run", "image") else self._asset(f"layer-{function}", function)

    def program(self, stage: StagePlan) -> Program:
        file = self.folder / f"{stage.name}.py"
        file.write_text(stage.program)
        jars = tuple(self._asset(f"jar-{j}", j) for j in stage.deployed()["jars"])
        archive = self._asset(f"archive-{stage.name}", stage.name)
        return Program(Asset(file, f"file-{stage.name}"), archive, jars)

    def archive(self, stage: StagePlan) -> Asset:
        return self._asset(f"archive-{stage.name}", stage.name)

    def images(self) -> Images:
        folders = self.folders or ("tasks/mpi",)
        images = [
            Image(f, f"{f.removeprefix('tasks/')}/Dockerfile", "0123456789abcdef") for f in folders
        ]
        return Images(self._asset("images", "mpi"), tuple(images))

    def _asset(self, name: str, function: str) -> Asset:
        path = self.folder / f"{name}.zip"
        write_zip(path, {f"{function}.txt": name.encode()})
        return Asset(path, name)


def weather() -> Plan:
    """A study that only streams."""
    study = Study(
        name="weather-log",
        question="How warm is it?",
        tables=[Table("readings", Reading)],
        source=Kinesis(shards=3, key="station", retention_h=48, batch_blocks=25, window_s=7),
        land=Function(memory_mib=2048, timeout_s=60),
        commit=Function(memory_mib=512, timeout_s=100),
        scan_limit_mib=100,
        tags={"course": "soc101"},
    )
    return plan_of(study)


def survey() -> Plan:
    """A study that only computes: two maps, and a query of what they made."""
    study = Study(
        name="survey",
        question="Which stations are odd?",
        externals=[External("stations", Reading, "s3://open-data/stations/2026/")],
        stages=[
            Map(
                "outliers",
                "studies.survey.odd:odd",
                "SELECT station FROM stations",
                Outlier,
                reads=["s3://open-data/readings/"],
                function=Function(memory_mib=512, timeout_s=60),
            ),
            Map("pages", "studies.survey.web:read", "s3://{lake}/files/pages/", Page),
            Query("odd_pages", "SELECT url FROM outliers JOIN pages ON url = station"),
        ],
    )
    return plan_of(study)


@dataclass(frozen=True)
class Word:
    word: str
    uses: int


@dataclass(frozen=True)
class Edge:
    word: str
    other: str


def corpus(gpu: bool = False) -> Plan:
    """A study with a cluster: two stages on it side by side, one before and one after."""
    study = Study(
        name="corpus",
        question="Which words go together?",
        tables=[Table("readings", Reading)],
        stages=[
            Map("clean", "studies.survey.odd:odd", "SELECT station FROM readings", Outlier),
            MapReduce("tops", "emr_steps/top_words.py", "SELECT station AS text FROM clean", Word),
            Spark(
                "pairs",
                "emr_steps/graph.py",
                "s3://open-data/edges/",
                Edge,
                jars=["org.example:graphs:1.0"],
                timeout_s=600,
                gpu=gpu,
            ),
            Query("best", "SELECT tops.word FROM tops JOIN pairs ON tops.word = pairs.word"),
        ],
        cluster=Cluster(core=2, most_task=3, idle_s=600),
        tags={"course": "soc101", "study": "mine"},
    )
    return plan_of(study)


@dataclass(frozen=True)
class Step:
    walk: int
    place: float


def walks(*more: Stage, nodes: int = 2) -> Plan:
    """A study in containers: one alone, one of many nodes, and copies on the spot market."""
    study = Study(
        name="walks",
        question="How far does a drunkard come?",
        tables=[Table("readings", Reading)],
        stages=[
            Mpi("steps", "tasks/mpi/walks.py", "SELECT station FROM readings", Step, ranks=3),
            Mpi(
                "far",
                "tasks/mpi/walks.py",
                "s3://open-data/walks/",
                Step,
                ranks=4 * nodes,
                nodes=nodes,
                memory_mib=4096,
                timeout_s=600,
            ),
            Batch("copies", "tasks/mpi/walks.py", "SELECT walk FROM steps", Step, size=40, vcpus=2),
            *more,
        ],
        tags={"course": "soc101"},
    )
    return plan_of(study)


def devices() -> Plan:
    """A study on GPUs, of the spot market and on demand, and on Dask clusters with and without."""
    study = Study(
        name="devices",
        question="Who is quicker?",
        stages=[
            Gpu("walks", "tasks/gpu/walks.py", "s3://{lake}/files/z/", Step),
            Gpu("four", "tasks/gpu/walks.py", "s3://{lake}/files/z/", Step, gpus=4, spot=False),
            Dask("sums", "tasks/dask/sums.py", "SELECT walk FROM walks", Step),
            Dask("wide", "tasks/dask/sums.py", "SELECT walk FROM four", Step, workers=4, nodes=2),
            Dask(
                "arrays",
                "tasks/dask/sums.py",
                "SELECT walk FROM walks",
                Step,
                workers=1,
                gpu=True,
                image="tasks/rapids",
            ),
        ],
    )
    return plan_of(study)


@dataclass(frozen=True)
class Synthesised:
    """A study's stacks as the CDK wrote them."""

    plan: Plan
    folder: Path
    stacks: dict[str, Template]

    @property
    def resources(self) -> dict[str, Template]:
        return {k: r for stack in self.stacks.values() for k, r in stack["Resources"].items()}

    @property
    def manifest(self) -> dict[str, Any]:
        told = json.loads((self.folder / "manifest.json").read_text())
        found: dict[str, Any] = told["artifacts"]
        return found

    def of_type(self, kind: str) -> list[Template]:
        found = [r for r in self.resources.values() if r["Type"] == kind]
        assert found, kind
        return found


def synthesise(plan: Plan, folder: Path) -> Synthesised:
    """Synthesise a study; cdk-nag fails it on what isn't acknowledged."""
    app = cdk.App(context=feature_flags(), outdir=str(folder / "out"))
    build(app, plan, target.aws(), Zips(folder, plan.images))
    app.synth()
    stacks = {
        path.name.split(".")[0].removeprefix(f"{plan.prefix}-"): json.loads(path.read_text())
        for path in sorted((folder / "out").glob("*.template.json"))
    }
    return Synthesised(plan, folder / "out", stacks)


def hold(got: Any, path: Path) -> None:
    """Compare with a golden file, or write it where the environment asks for that."""
    if os.environ.get("HEADRACE_GOLDEN") == "write":
        path.write_text(json.dumps(got, indent=1) + "\n")
    assert got == json.loads(path.read_text()), "look at the change; HEADRACE_GOLDEN=write keeps it"


def stripped(template: Template) -> Template:
    """The template without the constructs' paths, which say nothing of what is deployed."""
    kept: Template = json.loads(json.dumps(template))
    for resource in kept["Resources"].values():
        resource.pop("Metadata", None)
    return {key: kept[key] for key in ("Description", "Resources", "Outputs")}


def lint(folder: Path) -> tuple[int, str]:
    """What cfn-lint says of a folder's templates."""
    templates = [str(p) for p in folder.glob("*.template.json")]
    done = subprocess.run([*LINT, *templates], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def strings(value: Any) -> list[str]:
    """All texts in a value."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [text for item in value for text in strings(item)]
    return [str(value)]
