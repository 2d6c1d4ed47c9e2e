"""Jobs in real containers, by Podman, in a cloud that was told so; see docs/containers.md.

Nothing is fetched: without Podman, or without the base image in its storage, what needs them is
skipped.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from headrace import local_process
from tests.integration import batch_jobs, conftest
from tests.integration.batch_jobs import Batch, alive, size
from tests.integration.conftest import ROOT, Running
from tests.integration.deployed import unique, wait_until
from tests.integration.mpi_jobs import Job, write

BASE = "public.ecr.aws/docker/library/python:3.12-slim-bookworm"
MPI = "HEADRACE_TEST_MPI_IMAGE"
DOCKERFILE = f"""
FROM {BASE}
WORKDIR /app
COPY greeting.txt .
ENV GREETING=hello HOME=/tmp
USER 65534
CMD ["cat", "greeting.txt"]
"""


def podman(*words: str, **more: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["podman", *words], capture_output=True, text=True, check=False, timeout=120, **more
    )


def _why_not() -> str:
    if not shutil.which("podman"):
        return "no podman on PATH"
    if podman("image", "exists", BASE).returncode:
        return f"podman has no {BASE}: podman pull it first"
    done = podman("run", "--rm", "--network", "host", BASE, "true")
    return f"podman can't run a container here: {done.stderr[-300:]}" if done.returncode else ""


@pytest.fixture(scope="module")
def engine() -> None:
    if why := _why_not():
        pytest.skip(why)


@pytest.fixture(scope="module")
def containers(engine: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A cloud that runs containers."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(local_process.CONTAINER, "podman")
        process, running = conftest.start(tmp_path_factory.mktemp("containers"))
        yield running
        conftest.stop(process)
    assert labelled(running) == []


@pytest.fixture(scope="module")
def batch(containers: Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Batch]:
    image = push(containers, tmp_path_factory.mktemp("image"))
    batch_jobs_image(containers, image)
    made = Batch(containers, tmp_path_factory.mktemp("batch"))
    yield made
    made.clean()
    podman("rmi", "--force", image)


@pytest.fixture(scope="module")
def queue(batch: Batch) -> str:
    return batch.queue(batch.environment())


def batch_jobs_image(cloud: Running, image: str) -> None:
    """Have all jobs use an image that is there already."""
    batch_jobs._pushed[cloud.endpoint] = image


def push(cloud: Running, folder: Path) -> str:
    """Build and push, by the docker that a build finds."""
    made = cloud.client("ecr").create_repository(repositoryName=unique("containers"))
    name = f"{made['repository']['repositoryUri']}:one"
    (folder / "Dockerfile").write_text(DOCKERFILE)
    (folder / "greeting.txt").write_text("by default\n")
    (told,) = cloud.client("ecr").get_authorization_token()["authorizationData"]
    secret = base64.b64decode(told["authorizationToken"]).decode().partition(":")[2]
    login = ["login", "-u", "AWS", "--password-stdin", name.partition("/")[0]]
    own = {"LOCALCLOUD_DOCKER": str(folder / "docker"), "DOCKER_CONFIG": str(folder / "config")}
    for verb in (["build", "-t", name, str(folder)], login, ["push", name]):
        done = subprocess.run(
            [sys.executable, "-m", "localcloud.engines.images", *verb],
            cwd=ROOT, env=cloud.environment | own, input=secret,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    return name


def labelled(cloud: Running) -> list[str]:
    """The containers of a cloud that Podman knows."""
    told = podman("ps", "--all", "--quiet", "--filter", f"label=localcloud={cloud.data}")
    assert told.returncode == 0, told.stderr
    return told.stdout.split()


def test_a_job_is_its_images_user_in_its_images_files(batch: Batch, queue: str) -> None:
    code = (
        "import getpass, os; print(os.getuid(), os.getcwd(), open('greeting.txt').read().strip(),"
        "os.environ['GREETING'], os.environ['ASKED'], 'AWS_BATCH_JOB_ID' in os.environ,"
        f"os.path.exists({str(ROOT)!r}), os.environ['HOME'], os.getpid())"
    )
    over = {"environment": [{"name": "ASKED", "value": "a b\n$c"}]}
    job = batch.run(queue, batch.define("python", "-c", code), containerOverrides=over)
    assert job["status"] == "SUCCEEDED", job
    assert batch.printed(job) == ["65534 /app by default hello a b", "$c True False /tmp 1"]


def test_the_images_own_command(batch: Batch, queue: str) -> None:
    assert batch.printed(batch.run(queue, batch.define())) == ["by default"]


def test_it_reaches_the_cloud_by_its_variables(batch: Batch, queue: str) -> None:
    code = (
        "import os, urllib.request as u;"
        "print(u.urlopen(os.environ['AWS_ENDPOINT_URL'] + '/_localcloud/clock').status)"
    )
    assert batch.printed(batch.run(queue, batch.define("python", "-c", code))) == ["200"]


def test_an_exit_is_the_containers(batch: Batch, queue: str) -> None:
    job = batch.run(queue, batch.define("sh", "-c", "echo out; echo err >&2; exit 127"))
    assert (job["status"], job["container"]["exitCode"]) == ("FAILED", 127)
    assert job["statusReason"] == "Essential container in task exited"
    assert sorted(batch.printed(job)) == ["err", "out"]


def test_memory_is_kept(batch: Batch, queue: str) -> None:
    """By the kernel. Podman 4.3 doesn't tell why under cgroup v1, so the exit is asked."""
    code = "x = b'1' * (700 << 20); print(len(x))"
    job = batch.run(queue, batch.define("python", "-c", code))
    assert (job["status"], job["container"]["exitCode"]) == ("FAILED", 137)
    container = batch.container("python", "-c", code, resourceRequirements=size("0.5", 2048))
    job = batch.run(queue, batch.define(containerProperties=container))
    assert batch.printed(job) == [str(700 << 20)]


def test_what_cannot_start(batch: Batch, queue: str) -> None:
    job = batch.run(queue, batch.define("none-such"))
    assert job["status"] == "FAILED"
    assert "exitCode" not in job["container"]
    assert job["container"]["reason"].startswith("CannotStartContainerError: ")
    assert "none-such" in job["container"]["reason"]
    missing = batch.container(image=batch.image.replace(":one", ":two"))
    job = batch.run(queue, batch.define(containerProperties=missing))
    assert job["statusReason"].startswith("CannotPullContainerError: While opening the image")


def test_a_job_that_is_terminated_leaves_nothing(
    batch: Batch, queue: str, containers: Running
) -> None:
    code = "import signal, sys, time; signal.signal(15, lambda *_: sys.exit(3)); time.sleep(60)"
    job = batch.submit(queue, batch.define("python", "-c", code))
    batch.until(job, "RUNNING")
    (id_,) = wait_until(lambda: labelled(containers), 10)
    pid = int(podman("inspect", "--format", "{{.State.Pid}}", id_).stdout)
    time.sleep(1)  # that Python has set its handler
    batch.api.terminate_job(jobId=job, reason="enough")
    told = batch.ended(job)
    assert (told["status"], told["statusReason"]) == ("FAILED", "enough")
    assert told["container"]["exitCode"] == 3
    assert alive([pid]) == []
    assert labelled(containers) == []


def test_two_nodes_meet(batch: Batch) -> None:
    code = """
import os, socket, time
if os.environ["AWS_BATCH_JOB_NODE_INDEX"] == "0":
    with socket.create_server((os.environ["HOSTNAME"], 9000)) as server:
        print(server.accept()[0].recv(9).decode())
else:
    main = os.environ["AWS_BATCH_JOB_MAIN_NODE_PRIVATE_IPV4_ADDRESS"]
    for _ in range(100):
        try:
            socket.create_connection((main, 9000)).sendall(b"met")
            break
        except ConnectionRefusedError:
            time.sleep(0.1)
"""
    container = batch.container("python", "-c", code, resourceRequirements=size("1"))
    del container["executionRoleArn"]
    nodes = {
        "numNodes": 2,
        "mainNode": 0,
        "nodeRangeProperties": [{"targetNodes": "0:", "container": container}],
    }
    made = batch.api.register_job_definition(
        jobDefinitionName=unique("nodes"), type="multinode", nodeProperties=nodes
    )
    queue = batch.queue(batch.environment("EC2"))
    job = batch.run(queue, made["jobDefinitionArn"])
    assert job["status"] == "SUCCEEDED", job
    (main,) = batch.api.describe_jobs(jobs=[f"{job['jobId']}#0"])["jobs"]
    assert batch.printed(main) == ["met"]


@pytest.mark.usefixtures("engine")
def test_a_cloud_that_is_killed_leaves_no_container(tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(local_process.CONTAINER, "podman")
        process, cloud = conftest.start(tmp_path)
        try:
            batch_jobs_image(cloud, push(cloud, tmp_path))
            batch = Batch(cloud, tmp_path)
            job = batch.submit(batch.queue(batch.environment()), batch.define("sleep", "100"))
            batch.until(job, "RUNNING")
            (id_,) = labelled(cloud)
            pid = int(podman("inspect", "--format", "{{.State.Pid}}", id_).stdout)
        finally:
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
        assert alive([pid]) == []
        assert labelled(cloud) == [id_]  # what Podman notes of it
        (tmp_path / "ready.json").unlink()
        process, again = conftest.start(tmp_path)
        try:
            assert again.data == cloud.data
            again.client("batch").describe_job_queues()
            assert labelled(again) == []
        finally:
            conftest.stop(process)
            podman("rmi", "--force", batch.image)


@pytest.mark.skipif(MPI not in os.environ, reason=f"{MPI} names no built image of tasks/mpi")
@pytest.mark.usefixtures("engine")
def test_a_program_gives_the_same_bytes_in_both(tmp_path: Path) -> None:
    """`podman build -f tasks/mpi/Dockerfile tasks` takes minutes, so it is made beforehand."""
    text = (ROOT / "tasks" / "mpi" / "random_walks.py").read_text()
    rows, words = {}, ("--ranks", "2", "--timeout-s", "100")
    for kind in ("process", "container"):
        folder = tmp_path / kind
        folder.mkdir(mode=0o777)
        folder.chmod(0o777)  # the image's user isn't this one
        job = Job(folder, text, words)
        add_tasks(folder / "archive.zip")
        write(folder / "in", walk=range(500))
        if kind == "process":
            code, log = job.run(HEADRACE_SEED="25")
            assert code == 0, log
        else:
            run_image(folder, words)
        rows[kind] = (folder / "try" / "out" / "part-00000.parquet").read_bytes()
        assert json.loads((folder / "try" / "libraries.json").read_text())["mpi4py"]
    assert rows["process"] == rows["container"]


def add_tasks(archive: Path) -> None:
    """Beside the program, what it imports."""
    with zipfile.ZipFile(archive, "a") as packed:
        packed.write(ROOT / "tasks" / "__init__.py", "tasks/__init__.py")
        for path in (ROOT / "tasks" / "mpi").glob("*.py"):
            packed.write(path, f"tasks/mpi/{path.name}")


def run_image(folder: Path, words: tuple[str, ...]) -> None:
    told = [w for n, v in (("program", "archive.zip"), ("input", "in/"), ("output", "try/out/"))
            for w in (f"--{n}", f"file:///data/{v}")]  # fmt: skip
    done = podman(
        "run", "--rm", "--network", "host", "--env", "HEADRACE_SEED=25",
        "--volume", f"{folder}:/data", os.environ[MPI],
        "--main", "tasks/mpi/x.py", *told, *words,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("told", "said"),
    [("docker", "which isn't podman"), ("/nowhere/podman", "found no /nowhere/podman on PATH")],
)
def test_a_cloud_that_cannot_run_its_containers_does_not_start(
    tmp_path: Path, told: str, said: str
) -> None:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "localcloud", "--port", str(conftest.free_port())),
            *("--data", str(tmp_path / "data"), "--ready", str(tmp_path / "ready")),
        ],
        cwd=ROOT, env=os.environ | {local_process.CONTAINER: told},
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode != 0
    assert said in done.stderr
    assert not (tmp_path / "ready").exists()
