"""The notes' MPI listings run, and print what they say, at 1 to 4 ranks."""

from __future__ import annotations

import math
import re

import pytest

from tests.integration.conftest import ROOT
from tests.integration.mpi_jobs import environment, under_mpiexec

ALL = range(1, 5)
ALONE = ["rank 0: nobody to send to; start two ranks"]


def printed(name: str, ranks: int) -> list[str]:
    program = str(ROOT / "examples" / "mpi" / f"{name}.py")
    done = under_mpiexec(ranks, program, env=environment(ROOT))
    assert (done.returncode, done.stderr) == (0, "")
    return sorted(done.stdout.splitlines())


@pytest.mark.parametrize("ranks", ALL)
def test_hello_world(ranks: int) -> None:
    expected = [f"Hello World from rank {n} out of {ranks} processors." for n in range(ranks)]
    assert printed("hello_world", ranks) == expected


@pytest.mark.parametrize("ranks", ALL)
def test_each_rank_takes_its_branch(ranks: int) -> None:
    assert sorted(printed("spmd", ranks)) == sorted(
        ["9.0", "18.0", "6.0"][i] for i in [0, 1, 2][:ranks]
    )


@pytest.mark.parametrize("ranks", ALL)
def test_an_object_is_received_by_whom_it_was_sent_to(ranks: int) -> None:
    expected = ["rank 1: {'a': 7, 'b': 3.14}"] if ranks > 1 else ALONE
    assert printed("send_object", ranks) == expected


@pytest.mark.parametrize("ranks", ALL)
def test_an_array_is_received(ranks: int) -> None:
    expected = ["rank 1: 100 numbers, their sum is 4950.0"] if ranks > 1 else ALONE
    assert printed("send_array", ranks) == expected


@pytest.mark.parametrize("ranks", ALL)
def test_all_have_what_was_broadcast(ranks: int) -> None:
    timed, *told = printed("broadcast", ranks)
    assert told == [f"rank {n}: 4950 {{'mu': 3.0, 'rho': 0.5}}" for n in range(ranks)]
    assert re.fullmatch(r"8 MB: Bcast [\d.]+ ms, bcast [\d.]+ ms, same: True", timed)


@pytest.mark.parametrize("ranks", ALL)
def test_scattered_parts_are_in_the_ranks_order(ranks: int) -> None:
    told = printed("scatter", ranks)
    even = [f"rank {n}: Scatter {[4.0 * n + i for i in range(4)]}" for n in range(ranks)]
    assert [line for line in told if " Scatter " in line] == even
    parts = [eval(line.split("Scatterv ")[1]) for line in told if "Scatterv" in line]
    assert [number for part in parts for number in part] == [float(n) for n in range(10)]
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


@pytest.mark.parametrize("ranks", ALL)
def test_gathered_parts_are_in_the_ranks_order(ranks: int) -> None:
    assert printed("gather", ranks) == [str([[float(n), float(n**2)] for n in range(ranks)])]


def test_pi_does_not_depend_on_the_ranks() -> None:
    told = {tuple(printed("reduce", ranks)) for ranks in ALL}
    assert len(told) == 1
    ((line,),) = told
    assert float(line.split()[-1]) == pytest.approx(math.pi, abs=4 * 1.642 / 1000)


@pytest.mark.parametrize("ranks", ALL)
def test_all_know_the_best(ranks: int) -> None:
    best, rank = (0.71, 0) if ranks == 1 else (0.84, 1)
    expected = [f"rank {n}: {best} of rank {rank}, {[float(rank)] * 3}" for n in range(ranks)]
    assert printed("allreduce", ranks) == expected
