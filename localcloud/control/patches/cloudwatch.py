"""moto says of a new alarm that all is OK, though nothing looks at its metric."""

from __future__ import annotations

from typing import Any

from localcloud.cloud import Cloud
from localcloud.control.patches import put


def install(cloud: Cloud) -> None:
    """Have alarms begin, and stay, where AWS begins them: INSUFFICIENT_DATA."""
    from moto.cloudwatch.models import Alarm

    begin = Alarm.__init__

    def begin_unsure(self: Any, *words: Any, **named: Any) -> None:
        begin(self, *words, **named)
        self.state_value = "INSUFFICIENT_DATA"

    put(Alarm, "__init__", begin_unsure)
