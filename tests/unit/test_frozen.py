"""Dataclasses made late behave as those of the standard library."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import sys
import typing
from typing import Any, ClassVar

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


def keeping(dataclass: Any) -> type:
    @dataclass(frozen=True, slots=True)
    class Keeping:
        """One field is nobody's to give, and another is made of it afterwards."""

        of: int
        kept: dict[str, int] = dataclasses.field(default_factory=dict, init=False, compare=False)
        last: int = 0

        def __post_init__(self) -> None:
            if not self.last:
                object.__setattr__(self, "last", self.of)

    return Keeping


def noun(dataclass: Any) -> type:
    @dataclass(frozen=True, slots=True, kw_only=True)
    class Noun:
        kind: ClassVar[str] = "Noun"
        name: str
        labels: dict[str, str] = dataclasses.field(default_factory=dict)
        rank: int = dataclasses.field(default=3, kw_only=False)

    return Noun


def heir(dataclass: Any) -> type:
    @dataclass(frozen=True, slots=True, kw_only=True)
    class Heir(noun(dataclass)):
        age: int = 0

    return Heir


def halves(dataclass: Any) -> type:
    @dataclass(frozen=True, slots=True)
    class Halves:
        left: int
        _: dataclasses.KW_ONLY
        right: int

    return Halves


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


def by_position(item: Any) -> Any:
    match item:
        case object(first=1):
            return "by name"
        case _ if type(item).__match_args__[:1] == ("row",):
            return "a row"
    return "neither"


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
        pytest.param(pair, lambda cls: by_position(cls(first=1)), id="matched by name"),
        pytest.param(pair, lambda cls: cls.__match_args__, id="nothing to match by position"),
        pytest.param(pair, dataclasses.is_dataclass, id="known as a dataclass"),
        pytest.param(pair, lambda cls: [(one.name, one.type, one.default) for one in dataclasses.fields(cls)], id="fields"),
        pytest.param(pair, lambda cls: [one.name for one in dataclasses.fields(cls(first=1))], id="fields of an instance"),
        pytest.param(pair, typing.get_type_hints, id="types"),
        pytest.param(pair, lambda cls: cls.__slots__, id="names of the slots"),
        pytest.param(pair, lambda cls: [cls.__doc__, cls.__module__, cls.__qualname__.rpartition(".")[2]], id="name and words"),
        pytest.param(noun, lambda cls: [cls.kind, cls(name="x").kind], id="a class variable"),
        pytest.param(noun, lambda cls: cls(5, name="x"), id="one by position among those by name"),
        pytest.param(noun, lambda cls: cls.__match_args__, id="one to match by position"),
        pytest.param(noun, lambda cls: cls(name="x").labels is cls(name="x").labels, id="a dict of its own"),
        pytest.param(noun, lambda cls: hasattr(cls, "labels") and hasattr(cls, "name"), id="slots where the defaults were"),
        pytest.param(heir, lambda cls: [repr(cls(name="x", age=2)), cls.__match_args__], id="fields of the class below"),
        pytest.param(heir, lambda cls: [one.name for one in dataclasses.fields(cls)], id="in their order"),
        pytest.param(halves, lambda cls: cls(1, right=2), id="a word of dataclasses among the annotations"),
        pytest.param(place, lambda cls: by_position(cls(1)), id="matched by position, really"),
        pytest.param(place, lambda cls: cls(1, 2), id="by position"),
        pytest.param(place, lambda cls: [cls(1).seen, cls(2).seen], id="made anew, and looked at afterwards"),
        pytest.param(place, lambda cls: cls(1, 2) == cls(1, 2, [5]), id="a field that does not count"),
        pytest.param(
            place, lambda cls: [cls(1, 2) < cls(1, 3), cls(2) <= cls(1), cls(2) > cls(1), cls(1) >= cls(1)], id="order"
        ),
        pytest.param(place, lambda cls: cls(1) < 1, id="order beside another class"),
        pytest.param(place, lambda cls: cls.__match_args__, id="matched by position"),
        pytest.param(
            keeping,
            lambda cls: [repr(cls(1)), repr(cls(1, 2)), repr(cls(of=3, last=0))],
            id="set afterwards where it was not given",
        ),
        pytest.param(keeping, lambda cls: cls(1).kept is cls(1).kept, id="a dict of its own that cannot be given"),
        pytest.param(keeping, lambda cls: cls(1, kept={}), id="given all the same"),
        pytest.param(keeping, lambda cls: cls(1, 2, 3), id="given by position"),
        pytest.param(keeping, lambda cls: dataclasses.replace(cls(1), of=2), id="replace what goes with others"),
        pytest.param(bare, lambda cls: [repr(cls()), cls() == cls(), hash(cls()) == hash(cls())], id="no fields"),
        pytest.param(changing, lambda cls: setattr(cls(), "count", 1), id="what is not frozen can be changed"),
        pytest.param(changing, lambda cls: hash(cls()), id="and has no hash"),
    ],
)
def test_a_late_dataclass_is_like_that_of_the_standard_library(made, action):
    late, usual = made(frozen.dataclass), made(dataclasses.dataclass)
    assert outcome(lambda: action(late)) == outcome(lambda: action(usual))


@pytest.mark.skipif(sys.version_info < (3, 13), reason="copy.replace is new in Python 3.13")
def test_it_can_be_replaced_as_all_things_can():
    assert copy.replace(pair(frozen.dataclass)(first=1), first=2).first == 2


@pytest.mark.parametrize("made", [pair, place, noun])
@pytest.mark.parametrize("ask", [dataclasses.fields, dataclasses.is_dataclass, lambda cls: cls.__match_args__])
def test_a_class_is_finished_by_whatever_is_asked_first(made, ask):
    late, usual = made(frozen.dataclass), made(dataclasses.dataclass)
    ask(late)
    told = [
        [(one.name, one.default, one.default_factory, one.init, one.compare, one.kw_only) for one in dataclasses.fields(cls)]
        for cls in (late, usual)
    ]
    assert told[0] == told[1]
    assert [*frozen.fields_of(made(frozen.dataclass))] == [one.name for one in dataclasses.fields(late)]


@pytest.mark.parametrize("made", [pair, place, noun])
def test_fields_are_known_before_it_is_finished(made):
    told = [
        [(name, one.default, one.default_factory, one.kw_only) for name, one in frozen.fields_of(made(decorator)).items()]
        for decorator in (frozen.dataclass, dataclasses.dataclass)
    ]
    assert told[0] == told[1]


@pytest.mark.parametrize("made", [pair, place, bare, keeping])
def test_the_first_instances_are_like_those_with_an_init_of_their_own(made):
    cls = made(frozen.dataclass)
    values = {pair: {"first": 1}, place: {"row": 1}, keeping: {"of": 1}, bare: {}}[made]
    instances = [cls(**values) for _ in range(frozen.FEW + 2)]
    assert len(set(instances)) == 1
    assert cls.__init__ is not frozen._init


@frozen.dataclass(frozen=True, slots=True)
class _Sent:
    """At the top of a module, where pickle finds it."""

    what: str


def test_it_can_be_pickled():
    assert pickle.loads(pickle.dumps(_Sent("x"))) == _Sent("x")  # noqa: S301 - our own
