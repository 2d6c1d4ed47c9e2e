"""The states of a Map stage alone: the probe, and the distributed Map over its batches."""

from __future__ import annotations

from headrace.plan import Plan, StagePlan
from infra.machine_task import Names, State, chosen, lambda_task
from infra.retries import work_retries


def probe(plan: Plan, stage: StagePlan, names: Names) -> State:
    """Plan the batches, and refuse what doesn't fit."""
    told = {
        "op": "probe",
        "run.$": "$.run",
        "stage": stage.name,
        "prefix.$": "$.prepared.prefix",
        "bucket": names.bucket,
    }
    return lambda_task(
        names,
        plan.map_function(stage.name),
        told,
        stage.deployed()["timeout_s"],
        ResultSelector=chosen(("items", "batches", "batch_timeout_s", "concurrency")),
        ResultPath="$.probed",
    )


def distributed_map(plan: Plan, stage: StagePlan, names: Names) -> State:
    """A child execution for each batch."""
    return {
        "Type": "Map",
        "Label": stage.name,
        "ItemReader": {
            "Resource": names.integration("s3:getObject"),
            "ReaderConfig": {"InputType": "JSON"},
            "Parameters": {
                "Bucket": names.bucket,
                "Key.$": "States.Format('{}batches.json', $.prepared.prefix)",
            },
        },
        "ItemSelector": {
            "run.$": "$.run",
            "prefix.$": "$.prepared.prefix",
            "timeout_s.$": "$.probed.batch_timeout_s",
            "first.$": "$$.Map.Item.Value.first",
            "last.$": "$$.Map.Item.Value.last",
        },
        "ItemProcessor": _batch(plan, stage, names),
        "MaxConcurrencyPath": "$.probed.concurrency",
        # All of them: every batch is tried. How many items may fail is for `register` to
        # judge, which counts items and not batches.
        "ToleratedFailureCountPath": "$.probed.batches",
        "ResultWriter": {
            "Resource": names.integration("s3:putObject"),
            "Parameters": {
                "Bucket": names.bucket,
                "Prefix.$": "States.Format('{}results', $.prepared.prefix)",
            },
        },
        "ResultPath": "$.mapped",
    }


def _batch(plan: Plan, stage: StagePlan, names: Names) -> State:
    work = f"{stage.name}: work"
    told = {
        "op": "work",
        "run.$": "$.run",
        "stage": stage.name,
        "prefix.$": "$.prefix",
        "first.$": "$.first",
        "last.$": "$.last",
        "attempt.$": "$$.State.RetryCount",
    }
    task = lambda_task(names, plan.map_function(stage.name), told, 0)
    del task["TimeoutSeconds"]
    task |= {
        "TimeoutSecondsPath": "$.timeout_s",
        "Retry": work_retries(),
        "ResultSelector": chosen(("first",)),
        "End": True,
    }
    return {
        # Express children cost less, but end after 5 minutes all tries together, keep no history
        # that could say why a batch failed, and may run twice. Two transitions of a standard one
        # cost what Lambda costs in 2 s:
        # https://docs.aws.amazon.com/step-functions/latest/dg/choosing-workflow-type.html
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
        "StartAt": work,
        "States": {work: task},
    }
