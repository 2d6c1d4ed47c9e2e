"""Simulated lives whose health has a memory: its index, the best memory, and walks beside it."""

from dataclasses import dataclass

from headrace.study import Mpi, Query, Study


@dataclass(frozen=True)
class Moments:
    """The health index z of all lives in all weeks."""

    lives: int
    weeks: int
    rho: float
    mu: float
    mean: float
    sd: float  # of all lives and weeks, not of a sample (ddof 0)
    first: float  # of the first life in week 0
    last: float  # of the last life in the last week


@dataclass(frozen=True)
class Persistence:
    """How long lives stay well under one persistence."""

    rho: float  # share of last week's health that is carried over
    mean_t: float  # mean over lives of the first week with z <= 0; the number of weeks if none has
    best: bool  # whether no other rho has a greater mean


@dataclass(frozen=True)
class Walk:
    """One random walk."""

    walk: int  # its number, by which its steps are drawn
    last: float  # where it is after its last step
    lowest: float
    highest: float
    moves: int  # random steps that it took


GRID_SHOCKS = "s3://{lake}/files/shocks-0/"
GRID = {"rhos": 200, "low": -0.95, "high": 0.95, "mu": 3.0}


study = Study(
    name="health",
    question="Which persistence of a random health index keeps lives well longest?",
    seed=25,
    stages=[
        Mpi(
            "health_index",
            program="tasks/mpi/health_index.py",
            input="s3://{lake}/files/shocks/",
            produces=Moments,
            params={"rho": 0.5, "mu": 3.0, "sigma": 1.0},
        ),
        # The exercise's own start is 0; a life that starts where it tends to differs little.
        Mpi(
            "persistence_grid",
            program="tasks/mpi/persistence_grid.py",
            input=GRID_SHOCKS,
            produces=Persistence,
            params=GRID | {"start": 0.0},
        ),
        Mpi(
            "persistence_grid_mu",
            program="tasks/mpi/persistence_grid.py",
            input=GRID_SHOCKS,
            produces=Persistence,
            params=GRID | {"start": 3.0},
        ),
        # Athena's sequence gives 10,000 numbers at most.
        Mpi(
            "random_walks",
            program="tasks/mpi/random_walks.py",
            input="SELECT walk FROM UNNEST(sequence(0, 9999)) AS t(walk)",
            produces=Walk,
            params={"steps": 100, "start": 100.0, "first": "zero"},
        ),
        Query(
            "persistence",
            sql="queries/persistence.sql",
            chart="line",
            title="How long lives stay well, by the persistence of their health",
            draw=["from_0", "from_mu"],
            labels={
                "from_0": "lives that start at 0",
                "from_mu": "at mu",
                "rho": "persistence rho",
            },
        ),
        Query(
            "best",
            sql="queries/best.sql",
            title="The persistence that keeps lives well longest",
        ),
        Query(
            "index",
            sql="queries/index.sql",
            title="The health index over all lives and weeks, and what theory expects",
        ),
        Query(
            "walks",
            sql="queries/walks.sql",
            title="Where random walks end, and what theory expects",
        ),
        Query(
            "ends",
            sql="queries/ends.sql",
            chart="line",
            title="Where 10,000 random walks end; the band is where theory has 95 of 100 points",
            draw=["share"],
            labels={"share": "density of walks", "place": "last place"},
        ),
    ],
)
