"""A cluster's node: a folder with a Python that sees no package, Hadoop's settings, and hdfs.

Nothing is copied, so it is made in milliseconds, and nothing of the host's environment is
handed on but what is listed here.
"""

from __future__ import annotations

import shlex
import shutil
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from localcloud.engines.emr import jars, node_settings
from localcloud.engines.emr.node_work import Node

#: Of Spark's jars those that Hadoop's client and S3A need; Hive's would put a file system of
#: their own before Hadoop's.
HADOOP_JARS = (
    "hadoop-client-*", "slf4j-api-*", "log4j-*", "commons-cli-*", "commons-codec-*",
    "commons-lang3-*", "commons-logging-*", "httpclient-*", "httpcore-*", "jackson-annotations-*",
    "jackson-core-2*", "jackson-databind-*", "joda-time-*", "lz4-java-*", "snappy-java-*",
    "zstd-jni-*",
)  # fmt: skip
JAVA = jars.JAVA_HOME / "bin" / "java"
#: Of the host: what programs need to write text and tell the time.
PASSED_ON = ("LANG", "LC_ALL", "LC_CTYPE", "TZ")
ON_NODE = Path(__file__).parents[1] / "emr_node"


def interpreter() -> str:
    """The Python under this process's virtual environment."""
    return str(getattr(sys, "_base_executable", None) or sys.executable)


@dataclass(frozen=True)
class Place:
    """A node's folders, laid out.

    Parameters
    ----------
    node : Node
    extra : tuple of Path
        The jars that Spark's wheel lacks.
    """

    node: Node
    extra: tuple[Path, ...]

    @property
    def root(self) -> Path:
        """All that the node has."""
        return self.node.folder / "node"

    @property
    def bin(self) -> Path:
        """Its commands."""
        return self.root / "bin"

    @property
    def conf(self) -> Path:
        """Hadoop's and Spark's settings."""
        return self.root / "conf"

    @cached_property
    def hadoop_jars(self) -> list[Path]:
        """Hadoop's class path, without its settings."""
        found = [
            path
            for name in HADOOP_JARS
            for path in sorted((jars.SPARK / "jars").glob(f"{name}.jar"))
        ]
        return [*self.extra, *found]

    def environment(self, host: Mapping[str, str]) -> dict[str, str]:
        """Give the environment of the node's commands."""
        told = {name: host[name] for name in PASSED_ON if name in host}
        told |= {
            "PATH": f"{self.bin}:{jars.JAVA_HOME}/bin:/usr/bin:/bin",
            "HOME": str(self.root / "home"),
            "TMPDIR": str(self.root / "tmp"),
            "USER": "hadoop",
            "HADOOP_USER_NAME": "hadoop",
            "HADOOP_CONF_DIR": str(self.conf),
            "SPARK_HOME": str(self.root / "spark"),
            "SPARK_CONF_DIR": str(self.conf),
            "SPARK_LOCAL_IP": "127.0.0.1",
            "PYTHONHASHSEED": "0",  # as spark-submit's script sets it
            "JAVA_HOME": str(jars.JAVA_HOME),
            "AWS_REGION": self.node.region,
            "AWS_DEFAULT_REGION": self.node.region,
            "AWS_ENDPOINT_URL": self.node.endpoint,
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        return told | dict(self.node.credentials)


def lay_out(node: Node, pins: Path = jars.PINS) -> Place:
    """Make a cluster's node, once; a second call gives what is there.

    Raises
    ------
    localcloud.engines.emr.jars.JarsError
        Where Hadoop's jars can't be had.
    """
    place = Place(node, tuple(jars.ensure(jars.read_pins(pins), jars.folder())))
    if place.root.exists():
        return place
    node.folder.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(dir=node.folder, prefix=".node-"))
    for name in ("bin", "conf", "home", "tmp", "hdfs/tmp", "hdfs/user/hadoop"):
        (scratch / name).mkdir(parents=True)
    _python(scratch)
    _spark(scratch / "spark")
    for name, text in _scripts(place).items():
        (scratch / "bin" / name).write_text(text)
        (scratch / "bin" / name).chmod(0o755)
    for name, text in node_settings.files(node, place.root).items():
        (scratch / "conf" / name).write_text(text)
    try:
        scratch.rename(place.root)
    except OSError:  # another step of the cluster was first
        shutil.rmtree(scratch)
    return place


def _python(root: Path) -> None:
    """Make an empty virtual environment, by hand: `venv` takes longer and knows no more."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    (root / "lib" / version / "site-packages").mkdir(parents=True)
    home = Path(interpreter()).resolve()
    (root / "pyvenv.cfg").write_text(
        f"home = {home.parent}\ninclude-system-site-packages = false\n"
    )
    for name in (version, "python3", "python"):
        (root / "bin" / name).symlink_to(home)


def _spark(home: Path) -> None:
    """Link Spark's home, with pyspark unzipped: Python keeps nothing compiled of a zip."""
    home.mkdir()
    for name in ("bin", "jars", "data", "examples", "sbin"):
        (home / name).symlink_to(jars.SPARK / name)
    for archive in (jars.SPARK / "python" / "lib").glob("*.zip"):
        package = archive.name.split("-")[0].removesuffix(".zip")
        (home / "python" / "lib" / archive.name).mkdir(parents=True)
        (home / "python" / "lib" / archive.name / package).symlink_to(jars.SPARK.parent / package)


def _scripts(place: Place) -> dict[str, str]:
    """Give the node's commands but Python."""
    java = f"exec {shlex.quote(str(JAVA))} -Xmx512m -XX:+UseSerialGC -XX:-UsePerfData"
    path = ":".join(map(str, [*place.hadoop_jars, place.conf]))
    shell = f"{java} -cp {shlex.quote(path)} org.apache.hadoop.fs.FsShell"
    hadoop = (
        '#!/bin/sh\ncase "$1" in\n'
        f'fs|dfs) shift; {shell} "$@" ;;\n'
        '*) echo "hadoop $1: this node has fs alone" >&2; exit 127 ;;\n'
        "esac\n"
    )
    spark = shlex.quote(str(place.root / "spark" / "bin" / "spark-submit"))
    submit = f'#!/bin/sh\nexec {spark} "$@"\n'
    isolated = f"{shlex.quote(interpreter())} -I -S {shlex.quote(str(ON_NODE))}"
    task = f'#!/bin/sh\nexec {isolated} task "$@"\n'
    return {"hadoop": hadoop, "hdfs": hadoop, "spark-submit": submit, "streaming-task": task}
