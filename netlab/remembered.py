"""Results that are kept: a pure function that is asked again about the same objects does no work.

Objects are compared by identity and not by value. They are frozen nouns, which whoever changes something makes anew, and to
compare ten thousand Services would take as long as the work that is spared. They are held, so that no other object can get the
identity of one that is gone. Several threads may ask, for a lab each: what is kept is read and replaced at once.
"""

from __future__ import annotations

import functools
import itertools
import operator
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, Generic, ParamSpec, TypeVar

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
        last: list[tuple[tuple[Any, ...], R]] = []

        @functools.wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            nonlocal last
            now = parts(*args, **kwargs)
            for known, result in last:
                if _are_same(known, now):
                    return result
            result = function(*args, **kwargs)
            last = [(now, result)] if settled is None else [(now, result), (settled(*args, result, **kwargs), result)]
            return result

        return call

    return decorate


def remembered_columns(function: Callable[..., R]) -> Callable[..., tuple[R, ...]]:
    """Return a function of many calls of the pure `function`: from a column for each of its arguments to the results, in a row.

    Columns are equally long sequences that nobody changes. The results of the time before are kept: where there are as many
    calls as then, columns are compared place by place, ten thousand in a fifth of a millisecond, and the same column
    not at all; else calls are known by their first argument. The results of no new call are the same tuple.
    """
    last: tuple[tuple[Sequence[Any], ...], tuple[R, ...]] = (), ()

    @functools.wraps(function)
    def call(*columns: Sequence[Any]) -> tuple[R, ...]:
        nonlocal last
        before, known = last
        if len(columns) != len(before) or len(columns[0]) != len(known):
            rows = {id(row[0]): (row, result) for row, result in zip(zip(*before, strict=True), known, strict=True)}
            found = ((row, rows.get(id(row[0]))) for row in zip(*columns, strict=True))
            known = tuple(one[1] if one and _are_same(one[0], row) else function(*row) for row, one in found)
        elif new := {place for column, old in zip(columns, before, strict=True) for place in _differing(column, old)}:
            answers = list(known)
            for place in new:
                answers[place] = function(*(column[place] for column in columns))
            known = tuple(answers)
        last = columns, known
        return known

    return call


def remembered_each(function: Callable[..., R]) -> Callable[[Iterable[tuple[Any, ...]]], tuple[R, ...]]:
    """Return what `remembered_columns` does, for who has the arguments of each call in a row; rows may differ in length."""
    of_columns = remembered_columns(lambda *args: function(*(one for one in args if one is not _NOTHING)))
    last: tuple[tuple[tuple[Any, ...], ...], tuple[R, ...]] = (), ()

    @functools.wraps(function)
    def call(calls: Iterable[tuple[Any, ...]]) -> tuple[R, ...]:
        nonlocal last
        rows, (before, known) = tuple(calls), last
        if rows is not before:
            known = of_columns(*itertools.zip_longest(*rows, fillvalue=_NOTHING)) if rows else ()
            last = rows, known
        return known

    return call


_NOTHING: Final = object()


def remembered_portions(function: Callable[[Sequence[T]], R]) -> Callable[[Sequence[T]], tuple[R, ...]]:
    """Return a function from items to what the pure `function` makes of PORTION of them at a time, in a row.

    What was made of portions in which nothing is new is kept: to look into ten thousand objects takes longer than to tell that
    they are the same ones.
    """
    last: tuple[Sequence[T], tuple[R, ...]] = (), ()

    @functools.wraps(function)
    def call(items: Sequence[T]) -> tuple[R, ...]:
        nonlocal last
        before, known = last
        if len(items) != len(before):
            known = tuple(function(items[start : start + PORTION]) for start in range(0, len(items), PORTION))
        elif new := {place // PORTION for place in _differing(items, before)}:
            answers = list(known)
            for number in new:
                answers[number] = function(items[number * PORTION : (number + 1) * PORTION])
            known = tuple(answers)
        last = items, known
        return known

    return call


PORTION: Final = 100


class Groups(Generic[K, T]):
    """Groups of items by their key. `numbers` is the same object as long as the keys are the same.

    The last one of the groups, -1, is that of all keys that no item has.
    """

    def __init__(self, numbers: Mapping[K, int], groups: Sequence[tuple[T, ...]]) -> None:
        self.numbers, self.groups = numbers, groups

    def get(self, key: K) -> tuple[T, ...]:
        """Return the items with this key."""
        return self.groups[self.numbers.get(key, -1)]


def remembered_groups(key: Callable[[T], K]) -> Callable[[Sequence[T]], Groups[K, T]]:
    """Return a function from items to groups of them by the pure `key` of each, in the order of the items.

    Where items took the places of others with the same keys, only their groups are made anew.
    """
    last: tuple[Sequence[T], Groups[K, T]] = (), Groups({}, ((),))

    @functools.wraps(key)
    def call(items: Sequence[T]) -> Groups[K, T]:
        nonlocal last
        before, known = last
        pairs = [(before[place], items[place]) for place in _differing(items, before)] if len(items) == len(before) else None
        if pairs is not None and all(key(old) == key(new) for old, new in pairs):
            instead = {id(old): new for old, new in pairs}
            groups = list(known.groups)
            for number in {known.numbers[key(new)] for _, new in pairs}:
                groups[number] = tuple(instead.get(id(one), one) for one in groups[number])
            found = Groups(known.numbers, groups)
        else:
            lists: dict[K, list[T]] = {}
            for item in items:
                lists.setdefault(key(item), []).append(item)
            found = Groups({name: number for number, name in enumerate(lists)}, [*map(tuple, lists.values()), ()])
        last = items, found
        return found

    return call


def remembered_order(key: Callable[[T], Any]) -> Callable[[Sequence[T]], tuple[T, ...]]:
    """Return a function from items to the same sorted by the pure `key` of each; of several with an equal one the last remains.

    Where items took the places of others with the same keys, the order is known.
    """
    last: tuple[Sequence[T], list[int]] = (), []

    @functools.wraps(key)
    def call(items: Sequence[T]) -> tuple[T, ...]:
        nonlocal last
        before, places = last
        if len(items) != len(before) or any(key(before[place]) != key(items[place]) for place in _differing(items, before)):
            by_key = {key(item): place for place, item in enumerate(items)}
            places = [by_key[one] for one in sorted(by_key)]
        last = items, places
        return tuple(map(items.__getitem__, places))

    return call


def remembered_unions() -> Callable[[Sequence[Named]], Named]:
    """Return a function from parts to the union of all that they have under the same name.

    Where some took the places of others, only what they have and those beside them is looked at. A union to which nothing came
    and from which nothing went is the same object.
    """
    last: tuple[tuple[Named, ...], Named] = (), {}
    portions_of = remembered_portions(_union)

    def call(parts: Sequence[Named]) -> Named:
        nonlocal last
        portions, (before, known) = portions_of(parts), last
        pairs = [(old, new) for old, new in zip(before, portions, strict=False) if old is not new]
        if len(portions) != len(before) or 2 * len(pairs) > len(portions):
            found = {name: known[name] if known.get(name) == items else items for name, items in _union(portions).items()}
        else:
            names = {name: known.get(name, _NONE) for name in itertools.chain(*portions)}
            found = {name: _with_news(name, items, pairs, portions) for name, items in names.items()}
        last = portions, found
        return found

    return call


Named = Mapping[Any, frozenset[Any]]
"""Sets by their names."""
_NONE: Final[frozenset[Any]] = frozenset()


def _union(parts: Iterable[Named]) -> Named:
    found: dict[Any, set[Any]] = {}
    for part in parts:
        for name, items in part.items():
            found.setdefault(name, set()).update(items)
    return {name: frozenset(items) for name, items in found.items()}


def _with_news(
    name: object, items: frozenset[Any], pairs: Iterable[tuple[Named, Named]], portions: Iterable[Named]
) -> frozenset[Any]:
    """The union of what all portions have under a name, where new ones took the places of old ones; `items` it was before."""
    changed = [(old.get(name, _NONE), new.get(name, _NONE)) for old, new in pairs]
    come = {item for old, new in changed for item in new - old if item not in items}
    gone = {item for old, new in changed for item in old - new}
    gone = {item for item in gone if not any(item in portion.get(name, _NONE) for portion in portions)}
    found = items | come if come else items
    return found - gone if gone else found


def _differing(some: Iterable[Any], others: Iterable[Any]) -> Iterator[int]:
    """Yield the places at which two equally long rows hold different objects."""
    return iter(()) if some is others else itertools.compress(itertools.count(), map(operator.is_not, some, others))


def _are_same(some: tuple[Any, ...], others: tuple[Any, ...]) -> bool:
    return all(one is other for one, other in itertools.zip_longest(some, others, fillvalue=_NOTHING))
