"""Dataclasses that are finished when they are first used: `from netlab.frozen import dataclass`.

The decorator of the standard library looks at every field and writes and compiles six methods when a module is imported,
which takes 0.5 ms a class: for all the nouns of netlab longer than Python needs to start. Of a hundred nouns a command uses
a dozen.

    __slots__ ............ at once, from the names of the annotations
    fields and the like .. by dataclasses, when first asked for: it makes a twin of the class, and we take them from there
    __init__ ............. by dataclasses, for the first instance after a few; those few are filled in by a loop
    ==, hash, <, repr .... one function each for all classes; the same results
    a class with a base class, without slots or not frozen goes to dataclasses as it is

For type checkers this is dataclasses.dataclass. Source: Python's library reference, dataclasses; Lib/dataclasses.py.
"""

from __future__ import annotations

import dataclasses
import functools
import operator
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

__all__ = ["dataclass", "fields_of"]

FEW: Final = 100  # making an __init__ takes as long as filling in this many without one, or somewhat more
_instances: dict[type, int] = {}


def _lazy(cls: Any = None, /, *, frozen: bool = False, order: bool = False, **options: Any) -> Any:
    """Return the class as a dataclass, or a decorator that does."""
    if cls is None:
        return lambda given: _lazy(given, frozen=frozen, order=order, **options)
    if not frozen or not options.get("eq", True):
        return dataclasses.dataclass(cls, frozen=frozen, order=order, **options)
    own = _METHODS | _ORDER if order else _METHODS
    if options.keys() <= {"slots", "kw_only"} and options.get("slots") and _is_plain(cls):
        return _later(cls, own, options)
    made: Any = dataclasses.dataclass(cls, init=False, repr=False, eq=False, **options)
    for name, method in own.items():
        if name not in cls.__dict__:
            setattr(made, name, method)
    return made


def _is_plain(cls: type) -> bool:
    """Tell whether the names of its annotations are its fields, but for those that begin with ClassVar; see `_later`."""
    return cls.__bases__ == (object,) and all(
        isinstance(kind, str) and (kind.startswith("ClassVar[") or kind.partition("[")[0].rpartition(".")[2] not in _SPECIAL)
        for kind in vars(cls).get("__annotations__", {None: None}).values()
    )


def _later(cls: Any, own: dict[str, Any], options: dict[str, Any]) -> Any:
    """Return the class again with slots, as dataclasses does; what is to be known of its fields waits in `_Waiting`."""
    body = {**own, **cls.__dict__}
    names = [name for name, kind in body["__annotations__"].items() if not kind.startswith("ClassVar[")]
    defaults = {name: body.pop(name) for name in names if name in body}
    for name in ("__dict__", "__weakref__"):
        body.pop(name, None)
    waiting = [_Waiting(name, names, defaults, is_kw_only=bool(options.get("kw_only"))) for name in _WAITING]
    body |= {"__slots__": tuple(names), "__qualname__": cls.__qualname__} | {one.name: one for one in waiting}
    made = type(cls.__name__, (), body)
    for one in waiting:
        one.owner = made
    return made


class _Waiting:
    """An attribute of a class that dataclasses would have set, and sets when it is first read."""

    def __init__(self, name: str, names: list[str], defaults: dict[str, Any], *, is_kw_only: bool) -> None:
        self.name, self.names, self.defaults, self.is_kw_only = name, names, defaults, is_kw_only
        self.owner: Any = None

    def __get__(self, instance: Any, cls: Any = None) -> Any:
        """Finish the class, and return what it has now in this place."""
        owner = self.owner
        body = {"__annotations__": owner.__annotations__, "__module__": owner.__module__, "__doc__": _SAID, **self.defaults}
        bare: Any = type(owner.__name__, (), body)
        twin: Any = dataclasses.dataclass(bare, init=False, repr=False, eq=False, kw_only=self.is_kw_only)
        if [item.name for item in dataclasses.fields(twin)] != self.names:
            raise TypeError(f"{owner.__qualname__}: write ClassVar as it is, or its field and slot are not known apart")
        for name in _WAITING:
            setattr(owner, name, getattr(twin, name))
        return getattr(instance if instance is not None else cls, self.name)


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
    is_wrong = len(placed) < len(args) or given.keys() != parts.names or not parts.taken.union(placed).isdisjoint(values)
    if count > FEW or is_wrong:  # a complaint is for the real one to make
        cls.__init__ = _own_init(cls)
        cls.__init__(self, *args, **values)
        return
    for name, value in given.items():
        object.__setattr__(self, name, value)
    if parts.is_followed:
        self.__post_init__()


class _Parts:
    """What there is to fill in.

    `places` are the names of values given by position, `taken` those that nobody may give (`init=False`). `is_followed`: there
    is a __post_init__.
    """

    def __init__(self, cls: Any) -> None:
        self.is_followed = hasattr(cls, "__post_init__")
        self.factories: tuple[tuple[str, Callable[[], Any]], ...] = ()
        self.taken: frozenset[str] = frozenset()
        if simple := _simple(cls):
            self.names, self.defaults = frozenset(simple.names), simple.defaults
            self.places = () if simple.is_kw_only else tuple(simple.names)
            return
        fields, nothing = fields_of(cls), dataclasses.MISSING
        self.names = frozenset(fields)
        self.places = tuple(name for name, item in fields.items() if item.init and not item.kw_only)
        self.defaults = {name: item.default for name, item in fields.items() if item.default is not nothing}
        self.factories = tuple(
            (name, item.default_factory) for name, item in fields.items() if item.default_factory is not nothing
        )
        self.taken = frozenset(name for name, item in fields.items() if not item.init)


_parts = functools.cache(_Parts)


def _simple(cls: Any) -> _Waiting | None:
    """Return what is known of a class whose fields are their names and defaults; for this dataclasses need not be read.

    Whoever wrote `field(...)` has read it. It is part of many a command that makes instances of a few classes only.
    """
    waiting = cls.__dict__.get("__dataclass_fields__")
    if not isinstance(waiting, _Waiting) or any(type(one).__module__ == "dataclasses" for one in waiting.defaults.values()):
        return None
    return waiting


def fields_of(cls: Any) -> Mapping[str, dataclasses.Field[Any]]:
    """Return the fields of a dataclass by name, as dataclasses.fields does, but without their types and at once."""
    waiting = cls.__dict__.get("__dataclass_fields__")
    if not isinstance(waiting, _Waiting):
        return {item.name: item for item in dataclasses.fields(cls)}
    default = waiting.defaults.get
    return {name: _field(default(name, dataclasses.MISSING), is_kw_only=waiting.is_kw_only) for name in waiting.names}


def _field(default: Any, *, is_kw_only: bool) -> dataclasses.Field[Any]:
    item: Any = default if isinstance(default, dataclasses.Field) else dataclasses.field(default=default)
    if item.kw_only is dataclasses.MISSING:
        item.kw_only = is_kw_only
    return item  # type: ignore[no-any-return] # for type checkers dataclasses.field returns what stands in the field


def _own_init(cls: Any) -> Any:
    """Return the __init__ that dataclasses makes for a class with these fields."""
    body: dict[str, Any] = {"__doc__": _SAID, "__annotations__": {item.name: item.type for item in dataclasses.fields(cls)}}
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
    simple = _simple(cls)
    names = simple.names if simple else [name for name, item in fields_of(cls).items() if item.compare]
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
    raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")


def _delattr(self: Any, name: str) -> None:  # noqa: ARG001
    raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")


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

_SAID: Final = "A text, so that dataclasses writes none."
_SPECIAL: Final = frozenset({"ClassVar", "InitVar", "KW_ONLY"})
_WAITING: Final = (
    "__dataclass_fields__",
    "__dataclass_params__",
    "__match_args__",
    *(("__replace__",) if sys.version_info >= (3, 13) else ()),
)

if TYPE_CHECKING:
    from dataclasses import dataclass
else:
    dataclass = _lazy
