"""What cdk prints, read: events, totals, and the reasons of a failure."""

from headrace import cdk, target
from headrace.cli.deploy import Watch
from headrace.cli.output import Bar

LINES = """
headrace-speeches-data: deploying... [1/2]
headrace-speeches-data | 0/3 | 4:55:01 PM | REVIEW_IN_PROGRESS   | AWS::CloudFormation::Stack | headrace-speeches-data User Initiated
headrace-speeches-data | 1/3 | 4:55:03 PM | CREATE_COMPLETE      | AWS::S3::Bucket | Lake (Lake0A1B)
headrace-speeches-data | 3/3 | 4:55:04 PM | CREATE_COMPLETE      | AWS::Glue::Database | Database
headrace-speeches-flow |   0 | 4:55:05 PM | CREATE_IN_PROGRESS   | AWS::Kinesis::Stream | Stream
headrace-speeches-flow | 1/5 | 4:55:06 PM | CREATE_FAILED        | AWS::Lambda::Function | Land (Land1) Value 9 at 'memorySize' is too small
""".strip().splitlines()  # noqa: E501


def test_an_event_is_read() -> None:
    events = [cdk.event_of(line) for line in LINES]
    assert events[0] is None
    assert events[2] == cdk.Event(
        "headrace-speeches-data", "CREATE_COMPLETE", "AWS::S3::Bucket", "Lake (Lake0A1B)", 1, 3
    )
    assert events[4] is not None
    assert (events[4].done, events[4].total) == (None, None)


def test_progress_counts_the_resources_of_all_stacks() -> None:
    shown: list[tuple[float, float | None, str]] = []
    watch = Watch(Bar(lambda *now: shown.append(now)))
    for line in LINES:
        watch(line)
    assert shown[0] == (0, None, "headrace-speeches-data: deploying... [1/2]")
    assert shown[2] == (1, 3, "AWS::S3::Bucket Lake CREATE_COMPLETE")
    assert shown[-1] == (4, 8, "AWS::Lambda::Function Land CREATE_FAILED")


def test_a_failure_is_told_by_its_reasons_each_once() -> None:
    said = [
        *LINES,
        "❌ deployment failed",
        "❌ deployment failed",
        "  Error: [Object]",
        "  at x.throwError (y)",
    ]
    assert cdk.reasons(said) == "\n".join([LINES[-1], "❌ deployment failed"])


def test_a_failure_without_a_reason_is_told_by_its_last_lines() -> None:
    assert cdk.reasons(["", *"abcdefghijklmnopqrstuvwxyz"]).splitlines() == [
        *"ghijklmnopqrstuvwxyz"
    ]


def test_no_profile_of_the_users_overrides_the_local_credentials(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "PYTHONDONTWRITEBYTECODE"):
        monkeypatch.setenv(name, "1")
    local = cdk.environment(target.local("http://localhost:1"))
    assert not {"AWS_PROFILE", "AWS_SESSION_TOKEN", "PYTHONDONTWRITEBYTECODE"} & set(local)
    assert local["PATH"].startswith(cdk.programs())
    assert cdk.environment(target.aws())["AWS_PROFILE"] == "1"
