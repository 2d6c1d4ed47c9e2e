"""The rules of batches, with time passed in."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from localcloud.engines.mappings.batching import (
    FRAME_BYTES,
    PAYLOAD_BYTES,
    Gathering,
    Policy,
    Record,
    Work,
    back_off,
    expire,
    failed,
    throttled,
    too_large,
)


def records(count: int, size: int = 10, arrived: float = 0.0) -> tuple[Record, ...]:
    return tuple(Record(n + 1, arrived + n, "x" * size) for n in range(count))


def numbers(work: Work | None) -> list[int]:
    return [r.sequence for r in work.records] if work else []


def test_a_batch_closes_on_its_size() -> None:
    gathering = Gathering()
    for record in records(2):
        assert gathering.offer(record)
    assert gathering.take(3, window_over=False) is None
    assert gathering.offer(Record(3, 0, "x"))
    assert numbers(gathering.take(3, window_over=False)) == [1, 2, 3]
    assert gathering.room(3) == 0


def test_a_batch_closes_when_its_window_is_over() -> None:
    gathering = Gathering()
    assert gathering.take(3, window_over=True) is None
    gathering.offer(records(1)[0])
    assert gathering.take(3, window_over=False) is None
    assert numbers(gathering.take(3, window_over=True)) == [1]


def test_a_batch_closes_on_the_payload_limit_and_leaves_the_record_that_does_not_fit() -> None:
    gathering, size = Gathering(), PAYLOAD_BYTES // 4
    taken = [gathering.offer(r) for r in records(5, size)]
    assert taken == [True, True, True, False, False]
    work = gathering.take(100, window_over=False)
    assert numbers(work) == [1, 2, 3]


def test_a_batch_may_fill_the_payload_exactly() -> None:
    gathering = Gathering()
    assert gathering.offer(Record(1, 0, "x" * (PAYLOAD_BYTES - FRAME_BYTES)))
    assert gathering.take(2, window_over=False) is None
    assert not gathering.offer(Record(2, 0, "x"))


def test_a_record_over_the_limit_is_a_batch_that_cannot_be_sent() -> None:
    gathering = Gathering()
    assert gathering.offer(Record(1, 0, "x" * PAYLOAD_BYTES))
    work = gathering.take(100, window_over=False)
    assert work is not None
    assert too_large(work)


def test_a_smaller_batch_size_holds_for_what_was_gathered() -> None:
    gathering = Gathering()
    for record in records(5):
        gathering.offer(record)
    assert numbers(gathering.take(2, window_over=False)) == [1, 2]


def test_a_failed_batch_is_sent_again_after_a_growing_wait() -> None:
    work, waits = Work(records(3)), []
    for _ in range(4):
        following = failed(work, 0, Policy())
        (work,) = following.again
        waits.append(following.wait_s)
        assert numbers(work) == [1, 2, 3]
    assert work.retries == work.invocations == 4
    assert waits == [back_off(n) for n in (1, 2, 3, 4)]
    assert waits == sorted(waits)
    assert back_off(100) == 10.0


def test_retries_end_and_the_batch_is_given_up() -> None:
    following = failed(Work(records(2)), 0, Policy(max_retries=1))
    following = failed(following.again[0], 0, Policy(max_retries=1))
    assert following.again == ()
    assert following.given_up is not None
    assert following.given_up.condition == "RetryAttemptsExhausted"
    assert following.given_up.work.invocations == 2


def test_no_retry_gives_up_at_the_first_failure() -> None:
    assert failed(Work(records(2)), 0, Policy(max_retries=0)).given_up is not None


def test_bisect_halves_and_uses_up_no_retry() -> None:
    following = failed(Work(records(5)), 0, Policy(bisect=True, max_retries=0))
    assert [numbers(w) for w in following.again] == [[1, 2], [3, 4, 5]]
    assert [w.retries for w in following.again] == [0, 0]
    assert following.given_up is None
    assert following.wait_s == 0


def test_bisect_splits_at_the_record_that_was_reported() -> None:
    following = failed(Work(records(5)), 3, Policy(bisect=True, max_retries=0))
    assert [numbers(w) for w in following.again] == [[4, 5]]
    assert following.again[0].retries == 0


def test_without_bisect_a_partial_failure_is_retried_from_its_record() -> None:
    following = failed(Work(records(5)), 3, Policy(max_retries=1))
    assert [numbers(w) for w in following.again] == [[4, 5]]
    assert following.again[0].retries == 1


def test_a_throttle_is_no_retry() -> None:
    work = Work(records(1))
    for _ in range(50):
        (work,) = throttled(work).again
    assert (work.retries, work.invocations, work.throttles) == (0, 0, 50)


def test_only_what_is_too_old_expires() -> None:
    work = Work(records(4, arrived=100.0))  # arrived at 100, 101, 102, 103
    rest, given_up = expire(work, Policy(max_age_s=60), now=161.5)
    assert numbers(rest) == [3, 4]
    assert given_up is not None
    assert (numbers(given_up.work), given_up.condition) == ([1, 2], "RecordAgeExceeded")
    assert expire(work, Policy(max_age_s=60), now=500.0)[0] is None
    assert expire(work, Policy(), now=1e9) == (work, None)


@given(
    count=st.integers(1, 40),
    poison=st.sets(st.integers(1, 40)),
    max_retries=st.integers(0, 3),
    reports=st.booleans(),
)
def test_bisect_gives_up_the_poison_and_nothing_else(
    count: int, poison: set[int], max_retries: int, reports: bool
) -> None:
    """A function that fails on poison, and stops at it or names it."""
    todo, done, lost = [Work(records(count))], [], []
    policy = Policy(bisect=True, max_retries=max_retries)
    for _ in range(10_000):
        if not todo:
            break
        work = todo.pop(0)
        bad = [i for i, r in enumerate(work.records) if r.sequence in poison]
        if not bad:
            done += numbers(work)
            continue
        first = bad[0] if reports else 0
        done += [r.sequence for r in work.records[:first]]
        following = failed(work, first, policy)
        todo[:0] = following.again
        lost += numbers(following.given_up.work) if following.given_up else []
    assert not todo
    assert lost == sorted(poison & set(range(1, count + 1)))
    assert done == [n for n in range(1, count + 1) if n not in poison]
