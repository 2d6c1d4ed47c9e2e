"""A cluster's policies: when it ends by itself, how it grows, how many steps run at a time."""

from __future__ import annotations

from typing import Any

from localcloud.engines.emr.errors import unable, validation

Shape = dict[str, Any]

#: https://docs.aws.amazon.com/emr/latest/APIReference/API_AutoTerminationPolicy.html
IDLE_S = (60, 604_800)
MOST_AT_ONCE = 256


def check_idle(policy: Shape) -> None:
    """Check an AutoTerminationPolicy.

    Raises
    ------
    ValidationException
    """
    low, high = IDLE_S
    if not low <= int(policy.get("IdleTimeout") or 0) <= high:
        raise validation(
            f"The idle timeout {policy.get('IdleTimeout')} is not valid: it must be between {low} "
            f"and {high} seconds."
        )


def check_scaling(policy: Shape) -> None:
    """Check a ManagedScalingPolicy; here it is kept, since one machine can't grow.

    https://docs.aws.amazon.com/emr/latest/APIReference/API_ComputeLimits.html

    Raises
    ------
    ValidationException
    """
    if policy.get("ScalingStrategy", "DEFAULT") != "DEFAULT":
        raise unable("ScalingStrategy", policy["ScalingStrategy"], "Use DEFAULT.")
    limits = policy.get("ComputeLimits")
    if not limits:
        raise validation("ComputeLimits is required for a managed scaling policy.")
    low, high = limits["MinimumCapacityUnits"], limits["MaximumCapacityUnits"]
    if not 1 <= low <= high:
        raise validation(
            f"MinimumCapacityUnits ({low}) must be at least 1, and MaximumCapacityUnits ({high}) "
            "not less than that."
        )
    for name in ("MaximumOnDemandCapacityUnits", "MaximumCoreCapacityUnits"):
        if not 0 <= limits.get(name, high) <= high:
            raise validation(f"{name} ({limits[name]}) must be between 0 and {high}.")


def check_concurrency(level: int | None) -> None:
    """Check a StepConcurrencyLevel.

    Raises
    ------
    ValidationException
    """
    if level is not None and not 1 <= level <= MOST_AT_ONCE:
        raise validation(f"The step concurrency level {level} must be 1 to {MOST_AT_ONCE}.")
