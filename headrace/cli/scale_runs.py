"""The runs of a stage by which its scaling is measured."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from headrace.board import Board
from headrace.cli import stage_board
from headrace.cli.output import Bar, Output
from headrace.follow import Follower
from headrace.job_board import Jobs
from headrace.place import Place
from headrace.plan import Plan, StagePlan
from headrace.runs import Machine, RunError, Wanted, new_id
from headrace.scaling import measured
from headrace.scaling.measured import Measured
from headrace.scaling.price import Price
from headrace.target import Target


@dataclass(frozen=True)
class Bench:
    """Where a stage is measured."""

    target: Target
    place: Place
    plan: Plan
    stage: StagePlan
    out: Output

    def take(self, counts: Sequence[int], repeats: int, warm_up: bool) -> list[Measured]:
        """Run the stage at all numbers of workers, and take its times.

        Raises
        ------
        RunError
            Where a run of the study runs already: it would be taken for one of these.
        ScalingError
            Where one of the runs fails.
        """
        machine = Machine(self.plan, self.target.client("stepfunctions"), self.place.account)
        if (now := machine.running()) is not None:
            raise RunError(
                f"measuring stage {self.stage.name}",
                f"run {now.run} still running, which would share the machine",
                "Wait for it, or stop it with `headrace run … --stop`.",
            )
        todo = list(measured.order(counts, repeats, warm_up))
        self.out.say(self._planned(todo))
        bucket = self.plan.bucket(self.place.account, self.place.region)
        found = []
        for number, (count, counted) in enumerate(todo):
            with self.out.progress(f"Run {number + 1} of {len(todo)}, {count} workers") as bar:
                one = measured.measure(
                    self.stage,
                    count,
                    counted,
                    self._run(machine, bar),
                    self.target.client,
                    bucket,
                    self.plan.study.name,
                )
            found.append(one)
            aside = "" if counted else ", not counted"
            self.out.say(f"{count} workers: {one.seconds:.3f} s{aside}")
        return found

    def _run(self, machine: Machine, bar: Bar) -> Callable[[int], Board]:
        """What runs the stage with a number of workers, as `headrace run … --workers` does."""

        def run(count: int) -> Board:
            name = self.stage.name
            wanted = Wanted(new_id(stage_board.now()), only=[name], workers={name: count})
            follower = Follower(
                self.plan,
                machine.start(wanted),
                machine.client,
                self.target.client("athena"),
                Jobs(self.target.client, self.plan.job_logs),
            )
            began = time.monotonic()
            for board in follower.turns():
                told = stage_board.words(board, board.stages[name], follower.progress.get(name))
                bar.update(int(time.monotonic() - began), None, f"s, {told}")
            return follower.board

        return run

    def _planned(self, todo: Sequence[tuple[int, bool]]) -> str:
        """How many runs it takes, and what they cost at most."""
        seconds = getattr(self.stage.stage, "timeout_s", None)
        text = f"{len(todo)} runs of stage {self.stage.name}, one after the other."
        if seconds is None or self.stage.kind == "map":
            return text
        costs = [Price(self.stage).usd(count, seconds) or 0.0 for count, _ in todo]
        return (
            f"{text} At AWS's list prices at most {sum(costs):.2f} USD, if each took {seconds} s."
        )
