"""Steps, before they are taken: EMR's limits, and by name what can't be run here."""

from __future__ import annotations

from typing import Any

from localcloud.engines.emr.errors import unable, validation

#: https://docs.aws.amazon.com/emr/latest/APIReference/API_AddJobFlowSteps.html
MOST_STEPS, MOST_CHARACTERS = 256, 10_240

ACTIONS = ("TERMINATE_JOB_FLOW", "TERMINATE_CLUSTER", "CANCEL_AND_WAIT", "CONTINUE")

#: Commands of EMR's whose applications aren't here.
ABSENT = {
    name: what
    for what, names in {
        "Hive": ("hive-script", "hive"),
        "Pig": ("pig-script", "pig"),
        "Flink": ("flink", "flink-yarn-session"),
        "Trino": ("trino-cli",),
        "Presto": ("presto-cli",),
        "Sqoop": ("sqoop-client", "sqoop"),
        "S3DistCp": ("s3-dist-cp",),
        "the debugger of EMR's console": ("state-pusher-script",),
    }.items()
    for name in names
}


def check(steps: list[dict[str, Any]], concurrency: int, active: int) -> None:
    """Check steps that are to join so many active ones.

    Raises
    ------
    ValidationException
    """
    if len(steps) + active > MOST_STEPS:
        raise validation(
            "Maximum number of active steps(State = 'Running', 'Pending' or 'Cancel_Pending') for "
            f"cluster exceeded: it is {MOST_STEPS}."
        )
    for step in steps:
        _check(step, concurrency)


def _check(step: dict[str, Any], concurrency: int) -> None:
    where, jar = f"step {step['Name']!r}", step["HadoopJarStep"]
    action = step.get("ActionOnFailure") or "TERMINATE_CLUSTER"
    if action not in ACTIONS:
        raise validation(f"ActionOnFailure '{action}' of {where} is not one of {list(ACTIONS)}.")
    if concurrency > 1 and action != "CONTINUE":
        # https://docs.aws.amazon.com/emr/latest/APIReference/API_Step.html
        raise validation(
            f"ActionOnFailure '{action}' of {where} is not valid: with a step concurrency level "
            f"of {concurrency} it must be CONTINUE."
        )
    for name in sorted(set(step) - {"Name", "ActionOnFailure", "HadoopJarStep"}):
        raise unable(f"{name} of {where}", step[name], "Remove it.")
    size = _size(jar)
    if size > MOST_CHARACTERS:
        raise validation(
            f"The HadoopJarStep of {where} has {size} characters; it can have {MOST_CHARACTERS}."
        )
    if jar["Jar"].rpartition("/")[2] != "command-runner.jar":
        raise unable(f"the Jar of {where}", jar["Jar"], "Use command-runner.jar.")
    for name in ("MainClass", "Properties"):
        if jar.get(name):
            raise unable(f"the {name} of {where}", jar[name], "Remove it.")
    args = jar.get("Args") or []
    if not args:
        raise validation(f"The Args of {where} name no command.")
    if args[0] in ABSENT:
        raise unable(f"the command of {where}", args[0], f"There is no {ABSENT[args[0]]} here.")


def _size(found: Any) -> int:
    """The characters of all texts."""
    if isinstance(found, dict):
        return sum(_size(each) for each in found.values())
    if isinstance(found, list):
        return sum(_size(each) for each in found)
    return len(found) if isinstance(found, str) else 0
