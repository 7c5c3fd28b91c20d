"""Results that are kept: a pure function that is called again with the same objects does no work.

Arguments are compared by identity and not by value. They are frozen nouns, which whoever changes something makes anew, and to
compare ten thousand Services would take as long as the work that is spared. They are held, so that no other object can get the
identity of one that is gone.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Iterable
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


def remembered(function: Callable[P, R]) -> Callable[P, R]:
    """Return the pure `function` with its last result kept. Arguments are given by position."""
    last: list[tuple[tuple[Any, ...], R]] = []

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        if last and not kwargs and _are_same(last[0][0], args):
            return last[0][1]
        result = function(*args, **kwargs)
        if not kwargs:
            last[:] = [(args, result)]
        return result

    return call


def remembered_each(function: Callable[..., R]) -> Callable[[Iterable[tuple[Any, ...]]], list[R]]:
    """Return a function of many calls of the pure `function`: from the arguments of each to its result, in their order.

    Those of the time before are kept, by the first argument.
    """
    last: dict[int, tuple[tuple[Any, ...], R]] = {}

    @functools.wraps(function)
    def call(calls: Iterable[tuple[Any, ...]]) -> list[R]:
        nonlocal last
        known, found, results = last, {}, []
        for args in calls:
            one = known.get(id(args[0]))
            if one is None or not _are_same(one[0], args):
                one = (args, function(*args))
            found[id(args[0])] = one
            results.append(one[1])
        last = found
        return results

    return call


def _are_same(some: tuple[Any, ...], others: tuple[Any, ...]) -> bool:
    return len(some) == len(others) and all(map(operator.is_, some, others))
