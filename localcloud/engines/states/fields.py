"""The fields that states have here.

https://docs.aws.amazon.com/step-functions/latest/dg/statemachine-structure.html and
https://states-language.net/spec.html.
"""

from __future__ import annotations

#: https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
MOST_BYTES, NAME_LENGTH = 1_048_576, 80

PROGRAM = frozenset({"Comment", "StartAt", "States", "TimeoutSeconds", "Version", "QueryLanguage"})
PROCESSOR = frozenset({"Comment", "StartAt", "States", "ProcessorConfig", "QueryLanguage"})

_ALL = frozenset({"Type", "Comment", "QueryLanguage"})
_FILTERS = _ALL | {"InputPath", "OutputPath"}
_NEXT = _FILTERS | {"Next", "End"}
_WORK = _NEXT | {"ResultPath", "ResultSelector", "Retry", "Catch"}
_TIMES = frozenset(
    {"TimeoutSeconds", "TimeoutSecondsPath", "HeartbeatSeconds", "HeartbeatSecondsPath"}
)
_MAP = frozenset(
    {
        "ItemProcessor",
        "ItemsPath",
        "ItemSelector",
        "ItemReader",
        "ResultWriter",
        "Label",
        "MaxConcurrency",
        "MaxConcurrencyPath",
        "ToleratedFailureCount",
        "ToleratedFailureCountPath",
        "ToleratedFailurePercentage",
        "ToleratedFailurePercentagePath",
    }
)

FIELDS = {
    "Task": _WORK | _TIMES | {"Resource", "Parameters"},
    "Parallel": _WORK | {"Branches", "Parameters"},
    "Map": _WORK | _MAP,
    "Pass": _NEXT | {"Result", "ResultPath", "Parameters"},
    "Wait": _NEXT | {"Seconds", "SecondsPath", "Timestamp", "TimestampPath"},
    "Choice": _FILTERS | {"Choices", "Default"},
    "Succeed": _FILTERS,
    "Fail": _ALL | {"Error", "ErrorPath", "Cause", "CausePath"},
}

TERMINAL = ("Choice", "Succeed", "Fail")

RETRIER = frozenset(
    {
        "ErrorEquals",
        "IntervalSeconds",
        "MaxAttempts",
        "BackoffRate",
        "MaxDelaySeconds",
        "JitterStrategy",
        "Comment",
    }
)
CATCHER = frozenset({"ErrorEquals", "Next", "ResultPath", "Comment"})

#: Fields of AWS's that nothing here does what they say: JSONata's, variables, other roles,
#: batches, and the Map of old.
REFUSED = frozenset(
    {
        "Arguments",
        "Assign",
        "Condition",
        "Credentials",
        "ItemBatcher",
        "Items",
        "Iterator",
        "Output",
        "WriterConfig",
    }
)

#: What only a distributed Map has, and their fields.
MAP_PARTS = {
    "ItemReader": frozenset({"Resource", "Parameters", "ReaderConfig"}),
    "ResultWriter": frozenset({"Resource", "Parameters"}),
}

ALONE = (
    ("TimeoutSeconds", "TimeoutSecondsPath"),
    ("HeartbeatSeconds", "HeartbeatSecondsPath"),
    ("MaxConcurrency", "MaxConcurrencyPath"),
    ("ToleratedFailureCount", "ToleratedFailureCountPath"),
    ("ToleratedFailurePercentage", "ToleratedFailurePercentagePath"),
    ("Error", "ErrorPath"),
    ("Cause", "CausePath"),
)
