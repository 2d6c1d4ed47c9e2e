"""AWS::Lambda::EventSourceMapping."""

from __future__ import annotations

from typing import Any

from localcloud.control.types.base import Here, Properties, Property, ResourceType, changed

READ = "lambda:GetEventSourceMapping"
#: What UpdateEventSourceMapping takes, and its value where a template sets none:
#: https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html
SETTINGS: dict[str, Any] = {
    "BatchSize": None,  # 100 of a stream, 10 of a queue
    "BisectBatchOnFunctionError": False,
    "DestinationConfig": {},
    "Enabled": True,
    "FilterCriteria": {},
    "FunctionName": None,
    "FunctionResponseTypes": [],
    "MaximumBatchingWindowInSeconds": 0,
    "MaximumRecordAgeInSeconds": -1,
    "MaximumRetryAttempts": -1,
    "ParallelizationFactor": 1,
    "ScalingConfig": {},
    "TumblingWindowInSeconds": 0,
}
WHOLE = (
    "BatchSize",
    "MaximumBatchingWindowInSeconds",
    "MaximumRecordAgeInSeconds",
    "MaximumRetryAttempts",
    "ParallelizationFactor",
    "TumblingWindowInSeconds",
)
BOOLEAN = ("BisectBatchOnFunctionError", "Enabled")


class EventSourceMapping(ResourceType):
    """A mapping of a stream or queue to a function."""

    type = "AWS::Lambda::EventSourceMapping"
    properties = {
        **{name: Property(READ, default=default or None) for name, default in SETTINGS.items()},
        "EventSourceArn": Property(READ, replaces=True),
        "StartingPosition": Property(READ, replaces=True),
        "StartingPositionTimestamp": Property(READ, replaces=True),
    }

    def create(self, here: Here, want: Properties) -> str:
        """Make the mapping."""
        got = here.client("lambda").create_event_source_mapping(**_typed(want))
        return str(got["UUID"])

    def settle(self, here: Here, made: str, had: Properties, want: Properties) -> None:
        """Update the mapping; what the template sets no more gets its default."""
        if not had or not changed(had, want, *SETTINGS):
            return
        queue = ":sqs:" in want["EventSourceArn"]
        reset = {k: v for k, v in SETTINGS.items() if k in had and k not in want}
        if "BatchSize" in reset:
            reset["BatchSize"] = 10 if queue else 100
        now = {k: v for k, v in want.items() if k in SETTINGS and v != had.get(k)}
        here.client("lambda").update_event_source_mapping(UUID=made, **_typed(reset | now))

    def delete(self, here: Here, made: str, had: Properties) -> None:
        """Delete the mapping."""
        client = here.client("lambda")
        try:
            client.delete_event_source_mapping(UUID=made)
        except client.exceptions.ResourceNotFoundException:
            return

    def read(self, here: Here, made: str, want: Properties) -> Properties:
        """Get the mapping."""
        got = here.client("lambda").get_event_source_mapping(UUID=made)
        found = {name: got[name] for name in self.properties if name in got}
        found["Enabled"] = got["State"] in ("Enabled", "Enabling", "Creating", "Updating")
        given = str(want.get("FunctionName", ""))
        if got["FunctionArn"] in (given, here.arn("lambda", f"function:{given}")):
            found["FunctionName"] = given
        return found

    def attributes(self, here: Here, made: str, want: Properties) -> Properties:
        """Id and ARN."""
        arn = here.arn("lambda", f"event-source-mapping:{made}")
        return {"Id": made, "EventSourceMappingArn": arn}


def _typed(want: Properties) -> Properties:
    found = dict(want)
    for name in WHOLE:
        if name in found:
            found[name] = int(found[name])
    for name in BOOLEAN:
        if name in found:
            found[name] = str(found[name]).lower() == "true"
    return found
