"""Which rank has which items. More ranks than items: some have none."""

from __future__ import annotations


def share(items: int, rank: int, size: int) -> range:
    """A rank's items: neighbours, as many as others have or one more.

    >>> [list(share(5, rank, 2)) for rank in range(2)]
    [[0, 1, 2], [3, 4]]
    """
    each, more = divmod(items, size)
    first = rank * each + min(rank, more)
    return range(first, first + each + (rank < more))


def deal(items: int, rank: int, size: int) -> range:
    """A rank's items, dealt as cards are: for items whose cost goes up or down along their row.

    >>> [list(deal(5, rank, 2)) for rank in range(2)]
    [[0, 2, 4], [1, 3]]
    """
    return range(rank, items, size)


def counts(items: int, size: int, times: int = 1) -> list[int]:
    """How many numbers each rank's :func:`share` has, where an item is `times` numbers."""
    return [times * len(share(items, rank, size)) for rank in range(size)]
