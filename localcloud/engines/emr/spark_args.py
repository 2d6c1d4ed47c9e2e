"""Reads the arguments of spark-submit (SparkSubmitOptionParser of Spark 3.5)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from localcloud.engines.emr.node_work import CommandError

#: Options that mean here what they mean on a cluster, each with a value.
KNOWN = (
    "archives", "class", "conf", "deploy-mode", "driver-class-path", "driver-java-options",
    "driver-memory", "exclude-packages", "executor-memory", "files", "jars", "master", "name",
    "packages", "properties-file", "py-files", "repositories",
)  # fmt: skip
#: What spreads work over a cluster: taken, and without an effect on one machine.
SPREAD = ("driver-cores", "executor-cores", "num-executors", "queue", "total-executor-cores")
#: Kept as one list, separated by commas, where they are given more than once.
LISTS = ("archives", "files", "jars", "packages", "py-files")
UNITS = {"k": 1 / 1024, "m": 1, "g": 1024, "t": 1 << 20, "": 1}


@dataclass
class Arguments:
    """What spark-submit was given.

    Parameters
    ----------
    options : dict
        By name without dashes.
    conf : dict
        Of ``--conf``.
    program : list of str
        The file, and its own arguments.
    """

    options: dict[str, str] = field(default_factory=dict)
    conf: dict[str, str] = field(default_factory=dict)
    program: list[str] = field(default_factory=list)

    @property
    def cluster(self) -> bool:
        """Whether the driver is one of the cluster's containers."""
        mode = self.options.get("deploy-mode") or self.conf.get("spark.submit.deployMode")
        return mode == "cluster"

    def listed(self, option: str) -> list[str]:
        """Give the parts of an option that is a list."""
        return [part for part in self.options.get(option, "").split(",") if part]

    def environment(self, prefix: str) -> dict[str, str]:
        """Variables that are set by properties, as ``spark.yarn.appMasterEnv.NAME``."""
        size = len(prefix) + 1
        return {k[size:]: v for k, v in self.conf.items() if k.startswith(f"{prefix}.")}


def parse(words: Sequence[str]) -> Arguments:
    """Read arguments.

    Raises
    ------
    CommandError
        Where one is unknown, lacks its value, or can't be honoured here.
    """
    read, todo = Arguments(), list(words)
    while todo and todo[0].startswith("-"):
        option, equals, value = todo.pop(0).partition("=")
        name = {"-c": "conf"}.get(option, option.removeprefix("--"))
        if name in ("verbose", "v", "-v"):
            continue
        if name not in KNOWN + SPREAD:
            raise CommandError(
                f"While reading spark-submit's arguments, found {option}. "
                f"This cluster can't honour it. Use those of {', '.join(KNOWN)}."
            )
        if not equals:
            if not todo:
                raise CommandError(f"Missing argument for option '{option}'.")
            value = todo.pop(0)
        _take(read, name, value)
    read.program = todo
    if not todo:
        raise CommandError("Missing application resource.")
    _check(read)
    return read


def mebibytes(text: str) -> int:
    """Read an amount of memory as Java writes it: ``2g``, ``512m``; a bare number is MiB.

    Raises
    ------
    CommandError
        Where it is none.
    """
    found = re.fullmatch(r"(\d+)\s*([kmgt]?)b?", text.strip().lower())
    if not found:
        raise CommandError(f"While reading an amount of memory, found {text!r}. Write 2g or 512m.")
    return int(int(found[1]) * UNITS[found[2]])


def _take(read: Arguments, name: str, value: str) -> None:
    if name == "conf":
        key, equals, text = value.partition("=")
        if not equals:
            raise CommandError(f"Spark config without '=': {value}")
        read.conf[key.strip()] = text.strip()
    elif name in LISTS and name in read.options:
        read.options[name] += f",{value}"
    elif name not in SPREAD:
        read.options[name] = value


def _check(read: Arguments) -> None:
    master = read.options.get("master", "yarn")
    if master != "yarn" and not master.startswith("local"):
        raise CommandError(
            f"While reading spark-submit's arguments, found --master {master}. "
            "A cluster's steps run on yarn. Leave it out."
        )
    if read.options.get("deploy-mode", "client") not in ("client", "cluster"):
        raise CommandError('Deploy mode must be either "client" or "cluster".')
