"""What a policy would have earned, from the log of another: off-policy evaluation of a bandit.

    Dask("off_policy", program="tasks/dask/off_policy.py", workers=2, produces=Value,
        input="SELECT log, item, click, propensity FROM rounds",
        params={"log": "log", "action": "item", "reward": "click", "propensity": "propensity"})

A round shows an action with a known probability, its propensity p, and gives a reward r. A policy
that would show each of k actions with probability 1/k weighs a round by w = 1 / (k p):

    IPS   = sum(w r) / n         unbiased            Horvitz and Thompson 1952
    SNIPS = sum(w r) / sum(w)    less variance       Swaminathan and Joachims 2015

A row a log:

| column | meaning |
|---|---|
| the param `log`'s | the log; not there without one |
| `rounds`, `reward` | n, and the sum of r (clicks) |
| `actions` | k |
| `ips`, `snips` | the value of the uniform policy |
| `ips_se` | standard error of `ips`: sd of w r (ddof 1) / sqrt(n) |
| `effective_rounds` | sum(w)^2 / sum(w^2): as many of its own tell as much (Kish 1965) |

Params: `log` (a column; none by default), `action`, `reward`, `propensity` (columns, named so by
default), `actions` (k; by default how many different ones the log has).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from dask import compute

from tasks.dask.program import Columns, Program, ProgramError, main

ALL = "_all"


def off_policy(program: Program) -> Columns:
    """Evaluate the uniform policy on each log."""
    program.known("log", "action", "reward", "propensity", "actions")
    log = program.param("log", "")
    action, reward = program.param("action", "action"), program.param("reward", "reward")
    propensity, asked = program.param("propensity", "propensity"), program.param("actions", 0)
    with program.computing():
        names = [name for name in (log, action, reward, propensity) if name]
        read = program.read(names).kept(program.client)
        found = pd.concat(compute(*read.map(checked, log, action, propensity)))
        distinct = found.drop_duplicates().groupby(ALL, sort=True).size()
        sums = summed(read.frame(), log, reward, propensity)
        told = evaluated(sums, reward, asked or distinct.reindex(sums.index))
    program.note("rounds", int(told["rounds"].sum()))
    return {log if n == "log" else n: told[n].tolist() for n in told.columns if n != "log" or log}


def checked(part: pd.DataFrame, log: str, action: str, propensity: str) -> pd.DataFrame:
    """The different actions of each log.

    Raises
    ------
    ProgramError
        Where a propensity is no probability above 0.
    """
    values = part[propensity].to_numpy(float)
    if (bad := (values <= 0) | (values > 1)).any():
        raise ProgramError(
            f"While weighing rounds, found {propensity}={values[bad][0]} in {int(bad.sum()):,} "
            "of them. A propensity is above 0 and at most 1. Leave such rounds out in the SQL."
        )
    found = pd.DataFrame({ALL: part[log] if log else 0, "action": part[action]})
    return found.drop_duplicates()


def summed(frame: Any, log: str, reward: str, propensity: str) -> pd.DataFrame:
    """Add up each log by Dask's dataframe: of w only 1 / p, since each log has a k of its own."""
    weight = 1 / frame[propensity]
    value = weight * frame[reward]
    frame = frame.assign(**{ALL: frame[log] if log else 0})
    frame = frame.assign(_w=weight, _ww=weight * weight, _r=value, _rr=value * value)
    asked = {reward: ["count", "sum"], "_w": "sum", "_ww": "sum", "_r": "sum", "_rr": "sum"}
    told: Any = frame.groupby(ALL, sort=True).agg(asked).compute()
    return told.to_pandas() if hasattr(told, "to_pandas") else told  # of cuDF


def evaluated(sums: pd.DataFrame, reward: str, k: Any) -> pd.DataFrame:
    """Evaluate the uniform policy over k actions on each log."""
    n, weights, values = sums[reward, "count"], sums["_w", "sum"], sums["_r", "sum"]
    ips = values / k / n
    squares = sums["_rr", "sum"] / (k * k) - n * ips**2
    return pd.DataFrame(
        {
            "log": sums.index,
            "rounds": n.to_numpy(),
            "reward": sums[reward, "sum"].to_numpy(),
            "actions": np.broadcast_to(k, len(sums)),
            "ips": ips.to_numpy(),
            "snips": (values / weights).to_numpy(),
            "ips_se": np.sqrt(squares.clip(lower=0) / (n - 1) / n).to_numpy(),
            "effective_rounds": (weights**2 / sums["_ww", "sum"]).to_numpy(),
        }
    )


if __name__ == "__main__":
    main(off_policy)
