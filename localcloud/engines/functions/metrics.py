"""Lambda's own metrics in CloudWatch, as alarms and dashboards ask for them."""

from __future__ import annotations

from typing import Any

from moto.core.utils import utcnow


class Metrics:
    """Puts metrics of functions.

    Parameters
    ----------
    backend
        moto's CloudWatch of the account and region.
    """

    def __init__(self, backend: Any) -> None:
        self._backend = backend

    def put(self, function: str, **values: tuple[float, str]) -> None:
        """Put values with their units, as ``Duration=(12.5, "Milliseconds")``.

        https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
        """
        now = utcnow()  # without a zone, as moto compares it
        self._backend.put_metric_data(
            "AWS/Lambda",
            [
                {
                    "MetricName": name,
                    "Dimensions": [{"Name": "FunctionName", "Value": function}],
                    "Timestamp": now,
                    "Value": value,
                    "Unit": unit,
                }
                for name, (value, unit) in values.items()
            ],
        )
