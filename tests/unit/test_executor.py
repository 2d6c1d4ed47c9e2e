"""What a notebook's executor is made of, without a cloud."""

from __future__ import annotations

import io
import json
import os
import pickle
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk.assertions import Template
from constructs import Construct

from headrace import executor_home, target
from headrace.executor_open import ExecutorError, executor
from headrace.plan import Plan, plan_of
from headrace.study import Map, Study
from infra import nag
from infra.app import feature_flags
from infra.notebook import Notebook, NotebookProps

BUCKET = "headrace-words-123456789012-us-east-1"


@pytest.fixture(scope="module", autouse=True)
def _home(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Lithops makes folders where it is imported."""
    executor_home.settle(tmp_path_factory.mktemp("lithops"))


def child(code: str, **environment: str) -> Any:
    """What a fresh Python prints, as JSON."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_importing_headrace_imports_nothing_else() -> None:
    loaded = child(
        "import sys, json; before = set(sys.modules); import headrace; "
        "print(json.dumps(sorted(set(sys.modules) - before)))"
    )
    roots = {name.split(".")[0] for name in loaded}
    assert roots - set(sys.stdlib_module_names) == {"headrace"}
    assert not [name for name in loaded if name.startswith("headrace.")]


def test_headrace_executor_is_the_function_however_often_it_is_asked_for() -> None:
    names = child(
        "import json, headrace; a = headrace.executor; from headrace import executor_open; "
        "print(json.dumps([a.__name__, headrace.executor is executor_open.executor]))"
    )
    assert names == ["executor", True]


def test_lithops_keeps_its_files_in_the_state_alone(tmp_path: Path) -> None:
    told = child(
        "import json, os, sys, tempfile; from pathlib import Path; "
        "from headrace import executor_home; before = os.environ['HOME']; "
        f"executor_home.settle(Path({str(tmp_path / 'state')!r})); import lithops.constants as c; "
        "import lithops; print(json.dumps([c.LITHOPS_TEMP_DIR, c.CACHE_DIR, c.JOBS_DIR, "
        "c.CLEANER_DIR, before, os.environ['HOME'], tempfile.gettempdir()]))",
        HOME=str(tmp_path / "home"),
    )
    *folders, before, after, temporary = told
    assert all(folder.startswith(str(tmp_path / "state")) for folder in folders), folders
    assert before == after
    assert not (tmp_path / "home").exists()
    assert Path(temporary).resolve() == Path(tempfile.gettempdir()).resolve()


@pytest.mark.parametrize("option", ["backend", "storage", "version"])
def test_an_option_that_the_target_decides_is_refused(option: str) -> None:
    with pytest.raises(ExecutorError, match=f"found the option {option}, which the target"):
        executor("speeches", **{option: "other"})  # type: ignore[arg-type]


def test_the_target_says_how_functions_run(monkeypatch: pytest.MonkeyPatch) -> None:
    here = target.local("http://localhost:1").functions
    assert (here.backend, here.settings["version"]) == ("localhost", 1)
    assert here.settings["runtime"] == sys.executable
    assert here.storage["endpoint"] == "http://localhost:1"
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    there = target.aws().functions
    assert (there.backend, there.workers, there.workers_word) == ("aws_lambda", 8, "max_workers")
    assert there.storage == {"region": "eu-central-1"}  # and no credential


@pytest.fixture
def storage() -> Any:  # lithops has no types
    from headrace.executor_storage import StorageBackend

    # No endpoint that answers: what is refused never gets there.
    return StorageBackend({"storage_bucket": BUCKET, "endpoint": "http://localhost:9"})


@pytest.mark.parametrize(
    ("bucket", "key"),
    [
        (BUCKET, "files/planted.pickle"),
        (BUCKET, "tables/x"),
        (BUCKET, "lithops/lithops.jobs/x"),
        (BUCKET, "lithops.jobsx/x"),
        (BUCKET, ""),
        ("somebody-elses", "lithops.jobs/x"),
    ],
)
def test_storage_refuses_what_is_outside_the_prefix(storage: Any, bucket: str, key: str) -> None:
    from headrace.executor_storage import OutsideError

    asks: list[Callable[[], Any]] = [
        lambda: storage.get_object(bucket, key),
        lambda: storage.put_object(bucket, key, b""),
        lambda: storage.head_object(bucket, key),
        lambda: storage.delete_object(bucket, key),
        lambda: storage.delete_objects(bucket, [key]),
        lambda: storage.list_keys(bucket, key),
        lambda: storage.list_objects(bucket, key),
        lambda: storage.download_file(bucket, key),
        lambda: storage.upload_file("x", bucket, key or "x"),
    ]
    for ask in asks:
        with pytest.raises(OutsideError, match="outside the study's own prefix lithops/"):
            ask()


def test_every_call_of_lithops_storage_is_shut_in() -> None:
    """A method that lithops adds, or that we forgot, would be a way out."""
    from lithops.storage.backends.aws_s3 import StorageBackend as S3Backend

    from headrace.executor_storage import StorageBackend

    public = {n for n, v in vars(S3Backend).items() if callable(v) and not n.startswith("_")}
    # get_client gives boto3's own client, as a user could make; head_bucket reads no object.
    assert public - set(vars(StorageBackend)) == {"get_client", "head_bucket"}


def test_the_zip_for_lambda_has_the_storage_and_nothing_else_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from headrace.executor_aws import LambdaBackend

    monkeypatch.chdir(tmp_path)  # lithops builds it in the working folder
    made = LambdaBackend._create_handler_bin()
    with zipfile.ZipFile(io.BytesIO(made)) as file:
        names = file.namelist()
    assert "entry_point.py" in names
    assert not [name for name in names if name.startswith("headrace")]
    assert not list(tmp_path.iterdir())
    (tmp_path / "code.zip").write_bytes(made)
    told = child(
        f"import sys, json; sys.path.insert(0, {str(tmp_path / 'code.zip')!r}); "
        "from lithops.storage import InternalStorage; "
        f"s = InternalStorage({{'backend': 'lake', 'lake': {{'storage_bucket': {BUCKET!r}}}}}); "
        "import lithops.storage.backends.lake.config as c; "
        "print(json.dumps([type(s.storage.storage_handler).__module__, c.__file__, "
        "[m for m in sys.modules if m.startswith('headrace')]]))",
        TMPDIR=str(tmp_path),
        HOME=str(tmp_path),
        AWS_DEFAULT_REGION="us-east-1",
    )
    assert told[0] == "lithops.storage.backends.lake"
    assert "code.zip" in told[1]
    assert told[2] == []


def future(number: int) -> Any:
    from lithops.future import ResponseFuture

    job = SimpleNamespace(
        job_id="M000",
        job_key="abc-0-M000",
        executor_id="abc-0",
        function_name="f",
        execution_timeout=1,
        runtime_name="r",
        runtime_memory=None,
    )
    return ResponseFuture(
        f"{number:05d}", job, {}, {"backend": "lake", "lake": {"storage_bucket": BUCKET}}
    )


def failed(error: Exception, item: Any) -> Any:
    from headrace.executor_futures import name_items

    one = future(0)
    one._call_status = {"exc_info": repr(pickle.dumps((type(error), error, None)))}
    name_items([one], [item])
    return one


def test_an_exception_names_its_item() -> None:
    with pytest.raises(ValueError, match="bad") as caught:
        failed(ValueError("bad"), {"year": 1790})._raise_call_exception(True)
    assert caught.value.__notes__ == ["item 0: {'year': 1790}"]


def test_a_long_item_is_shown_shortened() -> None:
    with pytest.raises(ValueError, match="bad") as caught:
        failed(ValueError("bad"), ("x" * 5000,))._raise_call_exception(True)
    assert len(caught.value.__notes__[0]) < 400


def test_futures_travel_as_lithops_own() -> None:
    """A reduce function's worker on AWS has no headrace to unpickle them with."""
    from lithops.future import ResponseFuture

    from headrace.executor_futures import name_items

    made = [future(0), future(1)]
    name_items(made, ["a", "b"])
    sent = pickle.dumps(made)
    assert b"headrace.executor" not in sent
    back = pickle.loads(sent)
    assert [type(each) for each in back] == [ResponseFuture, ResponseFuture]
    assert [each.call_id for each in back] == ["00000", "00001"]


def test_a_given_up_item_is_no_silent_none() -> None:
    from headrace.executor_futures import GivenUpError, name_items

    one = future(0)
    name_items([one], ["a"])
    one._set_exception()
    with pytest.raises(GivenUpError, match="While reading item 0: 'a', found that its job"):
        one.result()
    assert one.result(throw_except=False) is None


def words() -> Plan:
    from dataclasses import make_dataclass

    rows = make_dataclass("Rows", [("word", str)])
    stage = Map("words", fn="studies.words.words:of", items="s3://{lake}/files/", produces=rows)
    return plan_of(Study(name="words", question="Which?", stages=[stage]))


class Stack(cdk.Stack):
    def __init__(self, scope: Construct) -> None:
        super().__init__(scope, "s")
        Notebook(self, "Notebook", NotebookProps(words(), BUCKET))


def test_the_role_reads_and_writes_lithops_prefix_alone() -> None:
    app = cdk.App(context=feature_flags())
    stack = Stack(app)
    nag.check(app)
    app.synth()
    template = Template.from_stack(stack)
    name = {"Fn::Join": ["", ["headrace-words-notebook-", {"Ref": "AWS::Region"}]]}
    template.has_resource_properties("AWS::IAM::Role", {"RoleName": name})
    template.resource_count_is("AWS::IAM::Role", 1)
    (policy,) = template.find_resources("AWS::IAM::Policy").values()
    statements = policy["Properties"]["PolicyDocument"]["Statement"]
    rights = {json.dumps(each["Resource"]): each["Action"] for each in statements}
    assert len(rights) == 4
    assert not [each for each in rights if each == '"*"']
    (objects,) = [each for each in rights if f"{BUCKET}/lithops/*" in each]
    assert sorted(rights[objects]) == ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"]
    (layer,) = [each for each in rights if f"{BUCKET}/lithops_v*_layer" in each]
    assert rights[layer] == "s3:PutObject"
