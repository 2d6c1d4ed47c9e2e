"""A study's zips, of functions, layers, programs and images.

``python -m infra.bundle STUDY`` makes them. Nothing is built when this is imported: a stack asks
for a zip when it is synthesised.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from headrace import plan as plans
from headrace import target as targets
from headrace.errors import HeadraceError
from headrace.plan import ROOT, Plan, StagePlan
from headrace.study import StudyError
from headrace.target import Target
from infra import function_zip, image_source, layer_zip, programs
from infra.function_zip import folder_of
from infra.image_source import Images
from infra.programs import Program
from infra.zips import Asset, unpacked_bytes

CACHE = ROOT / ".cache"

#: Whose lock a function has that has none of its own. `table` and `register` write what `commit`
#: writes, and a Map reads what land stages: one zip serves several.
_LOCKS = {"table": "commit", "register": "commit", "map": "land"}

#: A function's code and its layers, unpacked, in bytes (250 MB; of 1,024 kB each):
#: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
UNPACKED_LIMIT_BYTES = 262_144_000


def functions_of(plan: Plan) -> tuple[str, ...]:
    """The functions that a study has: what is not used is not deployed."""
    flow = ("land", "commit") if plan.streams else ()
    run = ("run", "register", *(f"map-{s.name}" for s in plan.maps)) if plan.runs else ()
    images = ("image",) if plan.tasks else ()
    return (*flow, "table", *run, *images)


class Assets(Protocol):
    """Where stacks get zips from.

    A function is named as its folder is; the one of a Map stage ``map-STAGE``, since each holds
    its own stage's code.
    """

    def code(self, function: str) -> Asset:
        """Zip of a function's own code."""

    def layer(self, function: str) -> Asset | None:
        """Zip of the packages that a function imports; none where the runtime has all."""

    def program(self, stage: StagePlan) -> Program:
        """What the nodes of a cluster get of a stage."""

    def archive(self, stage: StagePlan) -> Asset:
        """The program of a stage in containers."""

    def images(self) -> Images:
        """What the images of a study's containers are built from."""


@dataclass(frozen=True)
class Bundler:
    """Builds a study's zips for a target, or takes them from the cache.

    Parameters
    ----------
    plan : Plan
        The study's.
    target : Target
        Decides Python and architecture.
    cache : Path
        Folder for zips.
    say : callable
        Told in a line what takes long.
    """

    plan: Plan
    target: Target
    cache: Path = CACHE
    say: Callable[[str], None] = lambda _: None

    def lock(self, function: str) -> Path | None:
        """The lock file of a function, if it has one: a study may add to what land needs."""
        folder = folder_of(function)
        locks = [ROOT / "lambdas" / _LOCKS.get(folder, folder) / "requirements.txt"]
        if folder in ("land", "map"):
            locks.insert(0, ROOT / "studies" / self.plan.package / "requirements.txt")
        return next((lock for lock in locks if lock.is_file()), None)

    def code(self, function: str) -> Asset:
        """Zip of a function's own code."""
        return function_zip.build(function, self.plan, self.cache / "code")

    def layer(self, function: str) -> Asset | None:
        """Zip of the packages that a function imports; none where the runtime has all."""
        lock = self.lock(function)
        if lock is None:
            return None
        layer = layer_zip.layer_for(lock, self.target)
        return layer_zip.build(layer, self.cache / "layers", self.say)

    def program(self, stage: StagePlan) -> Program:
        """What the nodes of a cluster get of a stage."""
        nodes = self.plan.cluster_instance
        return programs.build(stage, self.target, nodes, self.cache, self.say)

    def archive(self, stage: StagePlan) -> Asset:
        """The program of a stage in containers."""
        return programs.sources(stage, self.cache)

    def images(self) -> Images:
        """What the images of a study's containers are built from."""
        return image_source.build(self.plan.images, self.cache / "images-source")


def say(line: str) -> None:
    """Tell the user, off standard output."""
    print(f"headrace: building {line}", file=sys.stderr, flush=True)


def main(arguments: Sequence[str]) -> int:
    """Build the layers and programs of the studies named, and say how large they are."""
    if not arguments:
        known = ", ".join(plans.names())
        print(f"usage: python -m infra.bundle STUDY ... (of {known})", file=sys.stderr)
        return 2
    for name in arguments:
        where = targets.of_environment()
        bundler = Bundler(targets.on(plans.load(name), where.name), where, say=say)
        for function in functions_of(bundler.plan):
            layer = bundler.layer(function)
            if layer is None:
                print(f"{name} {function}: needs no packages")
                continue
            print(f"{name} {function}: {_told(layer)}")
        for stage in bundler.plan.emr:
            print(f"{name} {stage.name}: {_told(bundler.program(stage).archive)}")
        for stage in bundler.plan.tasks:
            print(f"{name} {stage.name}: {_told(bundler.archive(stage))}")
        for image in bundler.images().images if bundler.plan.tasks else ():
            print(f"{name} {image.folder}: tag {image.tag}, built where it is deployed")
    return 0


def _told(zipped: Asset) -> str:
    size = unpacked_bytes(zipped.path) / 1e6
    return f"{zipped.path.relative_to(ROOT)} {size:.0f} MB unpacked"


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except (StudyError, HeadraceError) as error:
        print(f"headrace: {error}", file=sys.stderr)
        sys.exit(1)
