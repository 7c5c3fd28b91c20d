"""Results that are kept: a pure function that is asked again about the same objects does no work.

Objects are compared by identity and not by value. They are frozen nouns, which whoever changes something makes anew, and to
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
    """Return the pure `function` with its last result kept."""
    return remembered_by(lambda *args: args)(function)


def remembered_by(
    parts: Callable[..., tuple[Any, ...]], settled: Callable[..., tuple[Any, ...]] | None = None
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Return a decorator that keeps the last result. `parts` says of the arguments what the result follows from.

    `settled` says the same of other arguments from which it follows too, given the result behind the arguments: to add what
    is missing to what was just made whole is no work.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        known: list[tuple[Any, ...]] = []
        last: list[R] = []

        @functools.wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            now = parts(*args, **kwargs)
            if not any(_are_same(one, now) for one in known):
                last[:] = [function(*args, **kwargs)]
                known[:] = [now] if settled is None else [now, settled(*args, last[0], **kwargs)]
            return last[0]

        return call

    return decorate


def remembered_each(function: Callable[..., R]) -> Callable[[Iterable[tuple[Any, ...]]], list[R]]:
    """Return a function of many calls of the pure `function`: from the arguments of each to its result, in their order.

    Those of the time before are kept, by the first argument.
    """
    last: dict[int, tuple[tuple[Any, ...], R]] = {}

    @functools.wraps(function)
    def call(calls: Iterable[tuple[Any, ...]]) -> list[R]:
        nonlocal last
        found: dict[int, tuple[tuple[Any, ...], R]] = {}
        results: list[R] = []
        for args in calls:
            one = last.get(id(args[0]))
            if one is None or not _are_same(one[0], args):
                one = (args, function(*args))
            found[id(args[0])] = one
            results.append(one[1])
        last = found
        return results

    return call


def _are_same(some: tuple[Any, ...], others: tuple[Any, ...]) -> bool:
    return len(some) == len(others) and all(map(operator.is_, some, others))
