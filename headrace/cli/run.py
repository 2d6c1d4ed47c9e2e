"""The verb run: the stages of a study, through Step Functions."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

import click

from headrace import cluster_board, job_board
from headrace import why as causes
from headrace.board import Board
from headrace.cli import options, provenance, stage_board
from headrace.cli.output import Output
from headrace.cli.stage_board import LiveBoard
from headrace.cli.why import short
from headrace.follow import Follower
from headrace.job_board import Jobs
from headrace.place import Place, place_of
from headrace.plan import Plan
from headrace.provenance.verdicts import Comparison
from headrace.runs import RUN_ID, Execution, Machine, RunError, Wanted, checked, new_id
from headrace.target import Target
from headrace.why import Evidence


@dataclass(frozen=True)
class Ask:
    """What was asked for on the command line."""

    run: str | None = None
    stages: Sequence[str] = ()
    from_: str | None = None
    resume: bool = False
    again: str | None = None
    stop: bool = False
    workers: int | None = None

    def check(self) -> None:
        """Refuse words that contradict each other."""
        modes = {
            "--from": self.from_,
            "--resume": self.resume,
            "--again": self.again,
            "--stop": self.stop,
        }
        given = [name for name, value in modes.items() if value]
        if len(given) > 1:
            raise click.UsageError(f"{' and '.join(given)}, of which one goes at a time")
        if self.run and self.again:
            raise click.UsageError("--run with --again, which starts a run of its own")
        if self.workers is not None and not self.stages:
            raise click.UsageError("--workers without --stage, which says whose they are")
        if self.stages and self.stop:
            raise click.UsageError("--stage with --stop, which stops the whole run")
        if self.stages and self.run and not given:
            raise click.UsageError("--stage with --run: add --resume or --from to take it up again")
        for name in (self.run, self.again):
            if name and not RUN_ID.fullmatch(name):
                raise click.UsageError(f"{name!r}, which is no run's id")

    @property
    def count(self) -> dict[str, int]:
        """How many work at each stage that is named, where that was said."""
        return {} if self.workers is None else dict.fromkeys(self.stages, self.workers)

    @property
    def new(self) -> bool:
        """Whether a run or an attempt is to be started, whatever runs."""
        return bool(self.stages or self.from_ or self.resume or self.again)


@click.command()
@options.study
@click.option("--stage", "stages", multiple=True, metavar="NAME", help="Only this; repeatable.")
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    metavar="N",
    help="With --stage: ranks, copies or calls at a time, in place of the study's.",
)
@click.option("--run", "run_", metavar="RUN", help="Show this run, and follow it while it runs.")
@click.option(
    "--resume",
    is_flag=True,
    help="Take the last run (or --run RUN) up again: what isn't done yet.",
)
@click.option(
    "--from",
    "from_",
    metavar="STAGE",
    help="As --resume, and do STAGE and all that reads its table anew.",
)
@click.option(
    "--again",
    metavar="RUN",
    help="A new run that reads exactly what RUN read; says whether it gave the same.",
)
@click.option("--stop", is_flag=True, help="Stop the run that runs.")
@click.option("--detach", is_flag=True, help="Start it and return.")
@options.common
def run(
    plan: Plan,
    out: Output,
    where: str,
    stages: tuple[str, ...],
    workers: int | None,
    run_: str | None,
    resume: bool,
    from_: str | None,
    again: str | None,
    stop: bool,
    detach: bool,
) -> int:
    """Run a study's stages and show each while they run.

    Where a run of the study runs already, it is shown instead. Ctrl-C leaves a run going; the
    same words come back to it. A run that failed is taken up by --resume: what it has done stays.

    Exit 0 where all of it succeeded, 1 where a stage failed (`headrace why STUDY` says why) or
    where it was left running by Ctrl-C.
    """
    ask = Ask(run_, checked(plan, stages), from_, resume, again, stop, workers)
    ask.check()
    for name, count in ask.count.items():
        plan.stage(name).check_workers(count)
    if from_:
        plan.stage(from_)
    target = options.reach(where)
    place = place_of(target)
    machine = Machine(plan, target.client("stepfunctions"), place.account)
    if stop:
        return _stop(machine, out, ask)
    if again:
        _check_pinned(target.client("s3"), plan.bucket(place.account, place.region), again)
    execution = choose(machine, out, ask, lambda one: done_by(target, plan, one))
    follower = _follower(target, plan, execution)
    if detach:
        follower.turn()
        _show_detached(plan, out, execution, follower.board)
        return 0
    code = _follow(target, place, plan, out, follower)
    if code == 0 and again:
        _say_compared(
            out, provenance.compared(provenance.lake_of(plan, where), again, execution.run)
        )
    return code


def _say_compared(out: Output, told: Comparison) -> None:
    """Whether the same inputs gave the same again, and if not, where and why."""
    for verdict in told.verdicts:
        out.say(f"{verdict.stage}: {verdict.sentence()}")
        for line in verdict.details():
            out.say(f"  {line}")


def choose(
    machine: Machine, out: Output, ask: Ask, done: Callable[[Execution], Collection[str]]
) -> Execution:
    """The execution to follow: one that was asked for, one that runs, or a new one."""
    plan = machine.plan
    if ask.run and not ask.new:
        return machine.last(ask.run)
    if not ask.new and (now := machine.running()) is not None:
        out.say(f"Run {now.run} runs already (attempt {now.attempt}): this is it.")
        return now
    if ask.from_ or ask.resume:
        last = machine.last(ask.run)
        wanted = machine.resumed(last, ask.from_, ask.stages, done, ask.count)
    else:
        run_ = new_id(stage_board.now())
        wanted = Wanted(run_, only=ask.stages or None, again=ask.again, workers=ask.count)
    execution = machine.start(wanted)
    doing = f", attempt {execution.attempt}" if execution.attempt > 1 else ""
    out.say(f"Run {execution.run}{doing} of {plan.study.name} started.")
    return execution


def done_by(target: Target, plan: Plan, execution: Execution) -> set[str]:
    """The stages that an execution has done."""
    follower = _follower(target, plan, execution)
    follower.turn()
    return {s.name for s in follower.board.stages.values() if s.state == "done"}


def _follower(target: Target, plan: Plan, execution: Execution) -> Follower:
    states, athena = target.client("stepfunctions"), target.client("athena")
    return Follower(plan, execution, states, athena, Jobs(target.client, plan.job_logs))


def _check_pinned(s3: Any, bucket: str, run_: str) -> None:
    """Refuse a run that the lake doesn't know, before another is started with its pins."""
    if not s3.list_objects_v2(Bucket=bucket, Prefix=f"runs/{run_}/run.json")["KeyCount"]:
        raise RunError(
            f"looking for what run {run_} read",
            f"no runs/{run_}/run.json in the lake",
            "Name a run that was begun.",
        )


def _stop(machine: Machine, out: Output, ask: Ask) -> int:
    execution = machine.last(ask.run) if ask.run else machine.running()
    study = machine.plan.study.name
    if execution is None or execution.status != "RUNNING":
        told = {"run": execution.run if execution else None, "stopped": False}
        out.facts(told, lambda: click.echo(f"No run of {study} runs."))
        return 0
    machine.stop(execution)
    told = {"run": execution.run, "stopped": True}
    words = (
        f"Stopped run {execution.run}. What it has done stays; to take it up again: "
        f"headrace run {study} --run {execution.run} --resume"
    )
    out.facts(told, lambda: click.echo(words))
    return 0


def _show_detached(plan: Plan, out: Output, execution: Execution, board: Board) -> None:
    words = f"Run {execution.run} goes on. Come back to it: headrace run {plan.study.name}"
    out.facts(_document(plan, execution, board), lambda: click.echo(words))


def _document(plan: Plan, execution: Execution, board: Board) -> dict[str, Any]:
    own = {"study": plan.study.name, "execution": execution.arn}
    return board.document(stage_board.now()) | own


def _follow(target: Target, place: Place, plan: Plan, out: Output, follower: Follower) -> int:
    """Follow a run to its end, or to Ctrl-C."""
    board, study = follower.board, plan.study.name
    try:
        watch(out, follower)
    except KeyboardInterrupt:
        out.say(
            f"\nRun {board.run} goes on. Come back to it: headrace run {study}\n"
            f"Stop it: headrace run {study} --stop"
        )
        out.facts(_document(plan, follower.execution, board), lambda: None)
        return 1
    evidence = Evidence(target.client, plan.bucket(place.account, place.region))
    recall(board, evidence)
    out.facts(_document(plan, follower.execution, board), lambda: show(out, board))
    if board.status == "SUCCEEDED":
        return 0
    if found := causes.why(plan, board, evidence):
        out.say("\n".join(short(found)))
        out.say(f"All of it: headrace why {study} {board.run}")
    return 1


def run_to_end(target: Target, plan: Plan, out: Output) -> Board:
    """Start a run, or take the one that runs, and follow it to its end."""
    place = place_of(target)
    machine = Machine(plan, target.client("stepfunctions"), place.account)
    execution = choose(machine, out, Ask(), lambda one: done_by(target, plan, one))
    follower = _follower(target, plan, execution)
    board = watch(out, follower)
    if found := causes.why(
        plan, board, Evidence(target.client, plan.bucket(place.account, place.region))
    ):
        out.say("\n".join(short(found)))
    return board


def watch(out: Output, follower: Follower) -> Board:
    """Show a run until it is over; of one that is over already, its end is shown by others."""
    followed = False
    with LiveBoard(out) as live:
        for board in follower.turns():
            if followed or not board.over:
                live.show(board, follower.progress)
                followed = True
    return follower.board


def recall(board: Board, evidence: Evidence) -> None:
    """Read in done.json what an earlier attempt gave, and the facts that programs noted."""
    s3 = evidence.client("s3")
    programs = (*cluster_board.KINDS, *job_board.KINDS)
    for stage in board.stages.values():
        if stage.state == "passed over" or (stage.state == "done" and stage.kind in programs):
            key = f"runs/{board.run}/{stage.name}/done.json"
            try:
                body = s3.get_object(Bucket=evidence.bucket, Key=key)["Body"].read()
            except s3.exceptions.NoSuchKey:
                continue  # not wanted, and not done before
            told = json.loads(body)
            stage.gave["commit"], stage.facts = told, told.get("facts", {})


def show(out: Output, board: Board) -> None:
    """Print how each stage ended."""
    rows = stage_board.final_rows(board, stage_board.now())
    out.table(stage_board.FINAL, rows, stage_board.FINAL_RIGHT)
    for stage in board.stages.values():
        for name, value in stage.facts.items():
            click.echo(f"{stage.name} notes {name}: {value}")
    attempt = f", attempt {board.attempt}" if board.attempt > 1 else ""
    took = ""
    if board.started and board.ended:
        took = f" after {(board.ended - board.started).total_seconds():.1f} s"
    click.echo(f"Run {board.run}{attempt}: {board.status}{took}.")


VERBS = (run,)
