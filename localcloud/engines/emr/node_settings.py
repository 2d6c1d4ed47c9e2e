"""A node's settings of Hadoop and Spark: EMR's where they matter, ours where they must."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from xml.sax.saxutils import escape

from localcloud.engines.emr.node_work import Node

#: `hdfs:` is a folder of the cluster: Hadoop's own way to mount one file system as another.
OVERLOAD = "org.apache.hadoop.fs.viewfs.ViewFileSystemOverloadScheme"
S3A = "org.apache.hadoop.fs.s3a.S3AFileSystem"
MIB = 1 << 20

LOGGING = """status = error
rootLogger.level = info
rootLogger.appenderRef.console.ref = console
rootLogger.appenderRef.console.level = {console}
rootLogger.appenderRef.syslog.ref = syslog
appender.console.type = Console
appender.console.name = console
appender.console.target = SYSTEM_ERR
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{{yy/MM/dd HH:mm:ss}} %p %c{{1}}: %m%n%ex
appender.syslog.type = File
appender.syslog.name = syslog
appender.syslog.fileName = ${{sys:localcloud.syslog:-/dev/null}}
appender.syslog.layout.type = PatternLayout
appender.syslog.layout.pattern = %d{{ISO8601}} %p %c (%t): %m%n%ex
logger.native.name = org.apache.hadoop.util.NativeCodeLoader
logger.native.level = error
logger.metrics.name = org.apache.hadoop.metrics2
logger.metrics.level = error
"""


def files(node: Node, root: Path) -> dict[str, str]:
    """Give the settings' files by name.

    Parameters
    ----------
    root : Path
        The node's folder, as it will be.
    """
    return {
        "core-site.xml": _xml(_core(node, root) | node.settings("core-site")),
        "mapred-site.xml": _xml(_mapred(node) | node.settings("mapred-site") | _local(node)),
        "hdfs-site.xml": _xml(node.settings("hdfs-site")),
        "spark-defaults.conf": "".join(f"{k} {v}\n" for k, v in spark(node).items()),
        "hadoop-log4j2.properties": LOGGING.format(console="warn"),
        "spark-log4j2.properties": LOGGING.format(console="info"),
        "fs-log4j2.properties": LOGGING.format(console="warn"),
    }


def spark(node: Node) -> dict[str, str]:
    """Spark's settings: the cluster's, and what makes this machine the cluster."""
    quiet = {"spark.ui.enabled": "false", "spark.driver.host": "127.0.0.1"}
    quiet |= {"spark.driver.bindAddress": "127.0.0.1", "spark.ui.showConsoleProgress": "false"}
    return {"spark.master": f"local[{node.vcores}]"} | quiet | node.settings("spark-defaults")


def _core(node: Node, root: Path) -> dict[str, str]:
    mount = "fs.viewfs.mounttable.cluster"
    hdfs = (root / "hdfs").as_uri()
    told = {
        "fs.defaultFS": "hdfs://cluster",
        "fs.hdfs.impl": OVERLOAD,
        "fs.viewfs.overload.scheme.target.file.impl": "org.apache.hadoop.fs.LocalFileSystem",
        # A mount of / alone can't rename (Hadoop 3.3.4).
        f"{mount}.link./tmp": f"{hdfs}/tmp",  # noqa: S108
        f"{mount}.linkFallback": hdfs,
        "hadoop.tmp.dir": str(root / "tmp" / "hadoop"),
        "fs.s3a.endpoint": node.endpoint,
        "fs.s3a.endpoint.region": node.region,
        "fs.s3a.path.style.access": "true",
        "fs.s3a.connection.ssl.enabled": str(node.endpoint.startswith("https")).lower(),
        "fs.s3a.aws.credentials.provider": (
            "com.amazonaws.auth.EnvironmentVariableCredentialsProvider"
        ),
        "fs.s3a.attempts.maximum": "3",
        "fs.s3a.block.size": str(64 * MIB),  # what EMRFS splits by
    }
    for scheme in ("s3", "s3n"):  # as on EMR, where they are one
        told[f"fs.{scheme}.impl"] = S3A
        told[f"fs.AbstractFileSystem.{scheme}.impl"] = "org.apache.hadoop.fs.s3a.S3A"
    return told


def _mapred(node: Node) -> dict[str, str]:
    """Give what a job may change.

    A map task has a quarter of what YARN hands out, a reduce task half, as EMR's page has it for
    i3.xlarge, r4.xlarge, p3.2xlarge; older types, as m4.xlarge, have half of that. Of m5 and m6i
    the copies of the page that could be read say nothing: for them it is a guess.
    https://docs.aws.amazon.com/emr/latest/ReleaseGuide/emr-hadoop-task-config.html
    """
    return {
        "mapreduce.map.memory.mb": str(node.yarn_mib // 4),
        "mapreduce.reduce.memory.mb": str(node.yarn_mib // 2),
        "mapreduce.task.io.sort.mb": "100",
        "mapreduce.client.progressmonitor.pollinterval": "200",
        "mapreduce.client.completion.pollinterval": "200",
    }


def _local(node: Node) -> dict[str, str]:
    return {
        "mapreduce.framework.name": "local",
        "mapreduce.local.map.tasks.maximum": str(node.vcores),
        "mapreduce.local.reduce.tasks.maximum": str(node.vcores),
    }


def _xml(settings: Mapping[str, str]) -> str:
    lines = [
        f"<property><name>{escape(name)}</name><value>{escape(value)}</value></property>"
        for name, value in settings.items()
    ]
    return "<configuration>\n" + "\n".join(lines) + "\n</configuration>\n"
