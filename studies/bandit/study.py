"""What a recommender that shows items at random would have earned, from the log of another."""

from dataclasses import dataclass
from datetime import datetime

from headrace.study import Dask, Function, Map, Query, Study


@dataclass(frozen=True)
class Round:
    """One item that was shown at one place of the page, and whether it was clicked."""

    log: str  # the file's name: which policy ran
    number: int  # in the file, from 0
    shown: datetime
    item: int
    position: int  # on the page: 1 left, 2 middle, 3 right
    click: int  # 1 or 0
    propensity: float  # the probability with which the policy showed this item there


@dataclass(frozen=True)
class Value:
    """What the uniform policy would have earned a round, by the log of another."""

    log: str
    rounds: int
    reward: int  # clicks
    actions: int  # items that there are to show
    ips: float  # inverse propensity score
    snips: float  # the same, self-normalised
    ips_se: float  # standard error of ips
    effective_rounds: float  # of its own that the uniform policy would need to know as much


study = Study(
    name="bandit",
    question="What would a recommender that shows items at random have earned?",
    seed=25,
    stages=[
        Map(
            "rounds",
            fn="studies.bandit.rounds:rounds",
            items="s3://{lake}/files/rounds/",
            produces=Round,
            item_timeout_s=600,
            function=Function(memory_mib=1769, timeout_s=900),
        ),
        Dask(
            "off_policy",
            program="tasks/dask/off_policy.py",
            input="SELECT log, item, click, propensity FROM rounds",
            produces=Value,
            workers=2,
            params={"log": "log", "action": "item", "reward": "click"},
            timeout_s=1800,
        ),
        Query(
            "both",
            sql="queries/both.sql",
            title="The uniform policy's value, as SQL and as Dask have it",
        ),
        Query(
            "earned",
            sql="queries/earned.sql",
            chart="bar",
            title="Clicks a round of the policy that ran, and of the uniform one",
            draw=["as_it_ran", "ips", "snips"],
            labels={"as_it_ran": "as it ran", "ips": "uniform, IPS", "snips": "uniform, SNIPS"},
        ),
        Query(
            "positions",
            sql="queries/positions.sql",
            title="Clicks by place on the page",
        ),
    ],
)
