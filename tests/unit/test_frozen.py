"""Dataclasses made late behave as those of the standard library."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from typing import Any

import pytest

from netlab import frozen


def pair(dataclass: Any) -> type:
    @dataclass(frozen=True, slots=True, kw_only=True)
    class Pair:
        """Two things, one with a default."""

        first: int
        second: tuple[str, ...] = ()

        @property
        def total(self) -> int:
            return self.first + len(self.second)

    return Pair


def place(dataclass: Any) -> type:
    @dataclass(frozen=True, slots=True, order=True)
    class Place:
        """By position; one field is made anew each time, one does not count, one is set afterwards."""

        row: int
        column: int = 0
        seen: list[int] = dataclasses.field(default_factory=list, compare=False, repr=False)

        def __post_init__(self) -> None:
            self.seen.append(self.row)

    return Place


def bare(dataclass: Any) -> type:
    @dataclass(frozen=True)
    class Bare:
        """Nothing in it, and a say of its own about how it is shown."""

        def __repr__(self) -> str:
            return "nothing"

    return Bare


def changing(dataclass: Any) -> type:
    @dataclass(slots=True)
    class Changing:
        """Not frozen."""

        count: int = 0

    return Changing


def outcome(action: Any) -> Any:
    """What an action gives, or the kind of error it raises."""
    try:
        found = action()
    except Exception as error:  # noqa: BLE001 - whatever the standard library raises
        return type(error)
    return repr(found) if dataclasses.is_dataclass(found) else found


@pytest.mark.parametrize(
    ("made", "action"),
    [
        pytest.param(pair, lambda cls: cls(first=1), id="a default is filled in"),
        pytest.param(pair, lambda cls: cls(), id="a value is missing"),
        pytest.param(pair, lambda cls: cls(1), id="a value is given by position"),
        pytest.param(pair, lambda cls: cls(first=1, third=3), id="an unknown value"),
        pytest.param(pair, lambda cls: cls(first=1) == cls(first=1), id="equal"),
        pytest.param(pair, lambda cls: cls(first=1) == cls(first=2), id="different"),
        pytest.param(pair, lambda cls: cls(first=1) == 1, id="of another class"),
        pytest.param(pair, lambda cls: len({cls(first=1), cls(first=1), cls(first=2)}), id="hash"),
        pytest.param(pair, lambda cls: setattr(cls(first=1), "first", 2), id="set a field"),
        pytest.param(pair, lambda cls: delattr(cls(first=1), "first"), id="delete a field"),
        pytest.param(pair, lambda cls: dataclasses.replace(cls(first=1), second=("x",)), id="replace"),
        pytest.param(pair, lambda cls: dataclasses.asdict(cls(first=1)), id="as a dict"),
        pytest.param(pair, lambda cls: cls(first=1, second=("x",)).total, id="a property"),
        pytest.param(pair, lambda cls: copy.deepcopy(cls(first=1)), id="a copy"),
        pytest.param(pair, lambda cls: cls(first=1) < cls(first=2), id="no order"),
        pytest.param(pair, lambda cls: hasattr(cls(first=1), "__dict__"), id="slots"),
        pytest.param(place, lambda cls: cls(1, 2), id="by position"),
        pytest.param(place, lambda cls: [cls(1).seen, cls(2).seen], id="made anew, and looked at afterwards"),
        pytest.param(place, lambda cls: cls(1, 2) == cls(1, 2, [5]), id="a field that does not count"),
        pytest.param(
            place, lambda cls: [cls(1, 2) < cls(1, 3), cls(2) <= cls(1), cls(2) > cls(1), cls(1) >= cls(1)], id="order"
        ),
        pytest.param(place, lambda cls: cls(1) < 1, id="order beside another class"),
        pytest.param(place, lambda cls: cls.__match_args__, id="matched by position"),
        pytest.param(bare, lambda cls: [repr(cls()), cls() == cls(), hash(cls()) == hash(cls())], id="no fields"),
        pytest.param(changing, lambda cls: setattr(cls(), "count", 1), id="what is not frozen can be changed"),
        pytest.param(changing, lambda cls: hash(cls()), id="and has no hash"),
    ],
)
def test_a_late_dataclass_is_like_that_of_the_standard_library(made, action):
    late, usual = made(frozen.dataclass), made(dataclasses.dataclass)
    assert outcome(lambda: action(late)) == outcome(lambda: action(usual))


@pytest.mark.parametrize("made", [pair, place, bare])
def test_the_first_instances_are_like_those_with_an_init_of_their_own(made):
    cls = made(frozen.dataclass)
    values = {"first": 1} if made is pair else {"row": 1} if made is place else {}
    instances = [cls(**values) for _ in range(frozen.FEW + 2)]
    assert len(set(instances)) == 1
    assert cls.__init__ is not frozen._init


@frozen.dataclass(frozen=True, slots=True)
class _Sent:
    """At the top of a module, where pickle finds it."""

    what: str


def test_it_can_be_pickled():
    assert pickle.loads(pickle.dumps(_Sent("x"))) == _Sent("x")  # noqa: S301 - our own
