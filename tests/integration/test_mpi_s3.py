"""A job whose program, input and output are objects: only the endpoint differs from AWS."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from tests.integration.conftest import ROOT, Running
from tests.integration.deployed import unique
from tests.integration.mpi_jobs import answer, environment, left


def test_objects_in_objects_out(cloud: Running, tmp_path: Path) -> None:
    s3, bucket = cloud.client("s3"), unique("lake")
    s3.create_bucket(Bucket=bucket)
    (tmp_path / "in").mkdir()
    shocks = np.asfortranarray(np.random.default_rng(3).normal(size=(50, 6)))
    np.save(tmp_path / "in" / "shocks.npy", shocks)
    with zipfile.ZipFile(tmp_path / "archive.zip", "w") as archive:
        for path in [ROOT / "tasks" / "__init__.py", *ROOT.glob("tasks/mpi/*.py")]:
            archive.write(path, path.relative_to(ROOT))
    for name in ("in/shocks.npy", "archive.zip"):
        s3.upload_file(str(tmp_path / name), bucket, name)
    lake = f"s3://{bucket}"
    words = ["--program", f"{lake}/archive.zip", "--main", "tasks/mpi/health_index.py"]
    words += ["--ranks", "2", "--timeout-s", "100", "--input", f"{lake}/in/"]
    reached = {k: v for k, v in cloud.environment.items() if k.startswith("AWS_")}
    started = environment(tmp_path, **reached)
    done = subprocess.run(
        [sys.executable, "-m", "boot", *words, "--output", f"{lake}/try/out/"],
        cwd=ROOT / "tasks", env=started, text=True, capture_output=True, timeout=100,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert left(started) == []
    listed = s3.list_objects_v2(Bucket=bucket, Prefix="try/")["Contents"]
    assert {o["Key"].removeprefix("try/") for o in listed} == {
        *("facts/boot.json", "facts/health_index.json", "libraries.json"),
        *("out/_SUCCESS", "out/part-00000.parquet"),
    }
    s3.download_file(bucket, "try/out/part-00000.parquet", str(tmp_path / "rows"))
    assert pq.read_table(tmp_path / "rows").equals(
        answer(tmp_path, "health_index", tmp_path / "in", 1)
    )
    told = s3.get_object(Bucket=bucket, Key="try/libraries.json")["Body"].read()
    assert json.loads(told)["python"] == sys.version.split()[0]
