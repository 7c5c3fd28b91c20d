"""Dataclasses whose methods are made when they are first used: `from netlab.frozen import dataclass`.

The decorator of the standard library writes and compiles six methods for a class when its module is imported, which takes
0.4 ms: for all the nouns of netlab as long as Python needs to start. Of a hundred nouns a command uses a dozen.

    fields, slots ........ by dataclasses, at once
    __init__ ............. by dataclasses, for the first instance after a few; those few are filled in by a loop
    ==, hash, <, repr .... one function each for all classes; the same results
    a class that is not frozen goes to dataclasses as it is

For type checkers this is dataclasses.dataclass. Source: Python's library reference, dataclasses; Lib/dataclasses.py.
"""

from __future__ import annotations

import dataclasses
import functools
import operator
from collections.abc import Callable
from dataclasses import MISSING, FrozenInstanceError
from typing import TYPE_CHECKING, Any, Final, NamedTuple

__all__ = ["dataclass"]

FEW: Final = 100  # making an __init__ takes as long as filling in this many without one, or somewhat more
_instances: dict[type, int] = {}


def _lazy(cls: Any = None, /, *, frozen: bool = False, order: bool = False, **options: Any) -> Any:
    """Return the class as a dataclass, or a decorator that does."""
    if cls is None:
        return lambda given: _lazy(given, frozen=frozen, order=order, **options)
    if not frozen or not options.get("eq", True):
        return dataclasses.dataclass(cls, frozen=frozen, order=order, **options)
    made: Any = dataclasses.dataclass(cls, init=False, repr=False, eq=False, **options)
    for name, method in (_METHODS | _ORDER if order else _METHODS).items():
        if name not in cls.__dict__:
            setattr(made, name, method)
    return made


def _init(self: Any, *args: Any, **values: Any) -> None:
    """Fill in the fields of one of the first instances of its class; the next ones have an __init__ of their own."""
    cls: Any = type(self)
    parts = _parts(cls)
    _instances[cls] = count = _instances.get(cls, 0) + 1
    placed = dict(zip(parts.places, args, strict=False))
    given = parts.defaults | placed | values
    for name, factory in parts.factories:
        if name not in given:
            given[name] = factory()
    is_wrong = len(placed) < len(args) or given.keys() != parts.names or not placed.keys().isdisjoint(values)
    if count > FEW or parts.is_special or is_wrong:  # a complaint is for the real one to make
        cls.__init__ = _own_init(cls)
        cls.__init__(self, *args, **values)
        return
    for name, value in given.items():
        object.__setattr__(self, name, value)


class _Parts(NamedTuple):
    """What there is to fill in; `places` are the names of values given by position. `is_special`: there is more to do."""

    names: frozenset[str]
    places: tuple[str, ...]
    defaults: dict[str, Any]
    factories: tuple[tuple[str, Callable[[], Any]], ...]
    is_special: bool


@functools.cache
def _parts(cls: Any) -> _Parts:
    fields = dataclasses.fields(cls)
    return _Parts(
        names=frozenset(item.name for item in fields),
        places=tuple(item.name for item in fields if not item.kw_only),
        defaults={item.name: item.default for item in fields if item.default is not MISSING},
        factories=tuple((item.name, item.default_factory) for item in fields if item.default_factory is not MISSING),
        is_special=hasattr(cls, "__post_init__") or not all(item.init for item in fields),
    )


def _own_init(cls: Any) -> Any:
    """Return the __init__ that dataclasses makes for a class with these fields."""
    body: dict[str, Any] = {"__doc__": "", "__annotations__": {item.name: item.type for item in dataclasses.fields(cls)}}
    for item in dataclasses.fields(cls):
        body[item.name] = dataclasses.field(
            default=item.default, default_factory=item.default_factory, init=item.init, kw_only=item.kw_only
        )
    if hasattr(cls, "__post_init__"):
        body["__post_init__"] = cls.__post_init__
    twin: Any = dataclasses.dataclass(frozen=True, repr=False, eq=False)(type(cls.__name__, (), body))
    return twin.__init__


@functools.cache
def _values(cls: Any) -> Callable[[Any], Any]:
    """Return a function from an instance to what it is compared by: the value of a single field, or the tuple of all."""
    names = [item.name for item in dataclasses.fields(cls) if item.compare]
    return operator.attrgetter(*names) if names else lambda _: ()


def _eq(self: Any, other: object) -> Any:
    if other.__class__ is not self.__class__:
        return NotImplemented
    cls: Any = self.__class__
    return _values(cls)(self) == _values(cls)(other)


def _hash(self: Any) -> int:
    return hash(_values(self.__class__)(self))


def _repr(self: Any) -> str:
    shown = (f"{item.name}={getattr(self, item.name)!r}" for item in dataclasses.fields(self) if item.repr)
    return f"{type(self).__qualname__}({', '.join(shown)})"


def _setattr(self: Any, name: str, value: object) -> None:  # noqa: ARG001 - as Python calls it
    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _delattr(self: Any, name: str) -> None:  # noqa: ARG001
    raise FrozenInstanceError(f"cannot delete field {name!r}")


def _reduce(self: Any) -> tuple[Any, ...]:
    """Copies and pickles are made by the class, as nothing can be set in an instance."""
    return _again, (type(self), {item.name: getattr(self, item.name) for item in dataclasses.fields(self) if item.init})


def _again(cls: type, values: dict[str, Any]) -> Any:
    return cls(**values)


def _compared(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], Any]:
    def method(self: Any, other: object) -> Any:
        if other.__class__ is not self.__class__:
            return NotImplemented
        cls: Any = self.__class__
        return compare(_values(cls)(self), _values(cls)(other))

    return method


_METHODS: dict[str, Callable[..., Any]] = {
    "__init__": _init,
    "__eq__": _eq,
    "__hash__": _hash,
    "__repr__": _repr,
    "__setattr__": _setattr,
    "__delattr__": _delattr,
    "__reduce__": _reduce,
}
_ORDER: dict[str, Callable[..., Any]] = {f"__{name}__": _compared(getattr(operator, name)) for name in ("lt", "le", "gt", "ge")}

if TYPE_CHECKING:
    from dataclasses import dataclass
else:
    dataclass = _lazy
