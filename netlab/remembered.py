"""Results that are kept: a pure function that is asked again about the same objects does no work.

Objects are compared by identity and not by value. They are frozen nouns, which whoever changes something makes anew, and to
compare ten thousand Services would take as long as the work that is spared. They are held, so that no other object can get the
identity of one that is gone.
"""

from __future__ import annotations

import bisect
import functools
import itertools
import operator
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Generic, NamedTuple, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")
K = TypeVar("K", bound=Hashable)


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


def remembered_each(function: Callable[..., R]) -> Callable[[Iterable[tuple[Any, ...]]], tuple[R, ...]]:
    """Return a function of many calls of the pure `function`: from the arguments of each to its result, in their order.

    Those of the time before are kept. Where there are as many calls with as many arguments as then, they are compared place by
    place, ten thousand in a millisecond, and the results of no new call are the same tuple; else by the first argument.
    """
    last: _Answers[R] = _Answers((), [], [], ())

    @functools.wraps(function)
    def call(calls: Iterable[tuple[Any, ...]]) -> tuple[R, ...]:
        nonlocal last
        asked = tuple(calls)
        if asked is last.calls:
            return last.results
        ends, parts = list(itertools.accumulate(map(len, asked))), list(itertools.chain.from_iterable(asked))
        if ends != last.ends:
            known = {id(args[0]): (args, result) for args, result in zip(last.calls, last.results, strict=True)}
            found = ((args, known.get(id(args[0]))) for args in asked)
            results = tuple(one[1] if one and _are_same(one[0], args) else function(*args) for args, one in found)
        elif new := {bisect.bisect_right(ends, place) for place in _differing(parts, last.parts)}:
            answers = list(last.results)
            for number in new:
                answers[number] = function(*asked[number])
            results = tuple(answers)
        else:
            results = last.results
        last = _Answers(asked, ends, parts, results)
        return results

    return call


class _Answers(NamedTuple, Generic[R]):
    """Calls and their results; `parts` are all arguments in a row, `ends` where those of each call end."""

    calls: tuple[tuple[Any, ...], ...]
    ends: list[int]
    parts: list[Any]
    results: tuple[R, ...]


def remembered_groups(key: Callable[[T], K]) -> Callable[[Sequence[T]], Mapping[K, tuple[T, ...]]]:
    """Return a function from items to groups of them by the pure `key` of each, in the order of the items.

    Where items took the places of others with the same keys, only their groups are made anew.
    """
    last: tuple[Sequence[T], dict[K, tuple[T, ...]]] = ((), {})

    @functools.wraps(key)
    def call(items: Sequence[T]) -> Mapping[K, tuple[T, ...]]:
        nonlocal last
        before, known = last
        pairs = [(before[place], items[place]) for place in _differing(items, before)] if len(items) == len(before) else None
        if pairs is not None and all(key(old) == key(new) for old, new in pairs):
            changed = {key(new) for _, new in pairs}
            instead = {id(old): new for old, new in pairs}
            groups = {**known, **{name: tuple(instead.get(id(one), one) for one in known[name]) for name in changed}}
        else:
            lists: dict[K, list[T]] = {}
            for item in items:
                lists.setdefault(key(item), []).append(item)
            groups = {name: tuple(found) for name, found in lists.items()}
        last = items, groups
        return groups

    return call


def _differing(some: Iterable[Any], others: Iterable[Any]) -> Iterator[int]:
    """Yield the places at which two equally long rows hold different objects."""
    return itertools.compress(itertools.count(), map(operator.is_not, some, others))


def _are_same(some: tuple[Any, ...], others: tuple[Any, ...]) -> bool:
    return len(some) == len(others) and all(map(operator.is_, some, others))
