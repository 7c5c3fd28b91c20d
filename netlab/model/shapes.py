"""How each dataclass is read and written, worked out once per class from its type hints: the engine of `codec`.

A *leaf* is a value that stays as it is once it was checked (text, numbers, booleans); everything else is *built*. `build` never
gives up: where something is wrong it adds a problem and puts a stand-in, so that one run finds every fault.
Plans are kept, because the store decodes every object in every run (100 Pods must not take more than 15 ms). What the hint of
a field means is found out when the field first occurs: of those of a Pod a lab has one in three.
"""

from __future__ import annotations

import functools
import re
import sys
import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field
from typing import Annotated, Any, Literal, NamedTuple, TypeAlias, Union, get_args, get_origin, get_type_hints

from netlab.frozen import fields_of
from netlab.model import unsupported
from netlab.model.formats import FORMATS, UNSHOWN, Check
from netlab.model.wire import FROM_WIRE, TO_WIRE, TOLD_ZEROS, Plain, wire_name
from netlab.model.words import at, did_you_mean, key_path, shown, type_problem

FieldProblem = tuple[str, str, str]
"""Field path, message, hint."""
Problems = list[FieldProblem]
Fault = tuple[str, str] | None
"""Message and hint of what is wrong with one value."""


_Leaf: TypeAlias = "Callable[[Any], Fault]"
_Build: TypeAlias = "Callable[[Any, Problems, str], Any]"


class _Shape(NamedTuple):
    """How one type is read. Exactly one of `leaf` (the value stays as it is) and `build` (it becomes something) is set."""

    stand_in: Callable[[], Any]  # makes what a draft holds where the value is missing or of the wrong type
    leaf: _Leaf | None = None
    build: _Build | None = None
    encode: Callable[[Any, bool], Any] | None = None  # value, `whole`; None: the value is plain already


class _FieldPlan:
    """One field of a class. `is_told`: a whole object says it also where it is at its default."""

    def __init__(self, cls: type[Any], name: str, field: Field[Any]) -> None:
        self.cls, self.name, self.wire = cls, name, wire_name(name)
        self.default: Any = field.default_factory() if field.default_factory is not MISSING else field.default
        self.required = self.default is MISSING
        self.is_told = bool(self.default) or name in TOLD_ZEROS.get(cls, ())

    @functools.cached_property
    def shape(self) -> _Shape:
        """How its values are read."""
        owner = next(one for one in self.cls.__mro__ if self.name in vars(one).get("__annotations__", ()))
        alone = types.SimpleNamespace(__annotations__={self.name: owner.__annotations__[self.name]})
        hints = get_type_hints(alone, vars(sys.modules[owner.__module__]), include_extras=True)
        return _shape(hints[self.name], self.wire)


class _Entry(NamedTuple):
    """What is asked of a field for each of its values, to be taken apart at once; `kind` is the type of the default."""

    field: _FieldPlan
    name: str
    build: _Build | None
    leaf: _Leaf | None
    default: Any
    kind: type[Any]


class _Plan(NamedTuple):
    cls: type[Any]
    fields: Mapping[str, _FieldPlan]  # by the name that they have in YAML
    met: dict[str, _Entry]  # those that occurred
    required: tuple[_FieldPlan, ...]
    needed: frozenset[str]


# Reading and writing one class ----------------------------------------------------------------------------------------


def build(cls: type[Any], plain: Any, problems: Problems, path: str) -> Any:
    """Return one dataclass from one mapping, with stand-ins where `problems` were added."""
    plan = _PLANS.get(cls) or _plan_of(cls)
    if type(plain) is not dict:
        problems.append((path, *type_problem("an object", plain)))
        return build(cls, {}, [], path)
    if cls in FROM_WIRE:
        plain = FROM_WIRE[cls](plain)
    values: dict[str, Any] = {}
    met = plan.met
    for key, value in plain.items():
        known = met.get(key) or _met_first(plan, key)
        if known is None:
            _refuse_unknown(plan, key, value, problems, path)
        elif value is not None:
            field, name, build_part, leaf, default, kind = known
            if build_part is not None:
                values[name] = build_part(value, problems, f"{path}.{key}" if path else key)
            elif value == default and type(value) is kind:
                values[name] = value  # the default needs no format: "" is "not set"
            elif leaf is None or (fault := leaf(value)) is None:
                values[name] = value
            else:
                problems.append((at(path, field.wire), *fault))
                if type(value) is type(field.shape.stand_in()):
                    values[name] = value  # faulty, but of the right type
    if not values.keys() >= plan.needed:
        _stand_in(plan, plain, values, problems, path)
    return cls(**values)


def _met_first(plan: _Plan, key: Any) -> _Entry | None:
    """Return what is asked of a field that may not have occurred before; None if there is no such field."""
    field = plan.fields.get(key)
    if field is None:
        return None
    shape = field.shape
    plan.met[key] = entry = _Entry(field, field.name, shape.build, shape.leaf, field.default, type(field.default))
    return entry


def _stand_in(plan: _Plan, plain: Plain, values: dict[str, Any], problems: Problems, path: str) -> None:
    """Put something where a field is missing that is required."""
    for field in plan.required:
        if field.name not in values:
            if plain.get(field.wire) is None:
                problems.append((at(path, field.wire), "required", ""))
            values[field.name] = field.shape.stand_in()


def _refuse_unknown(plan: _Plan, key: Any, value: Any, problems: Problems, path: str) -> None:
    if key in unsupported.FIELDS.get(plan.cls, ()):
        if value not in (None, "", {}, []):
            problems.append((at(path, key), "not supported by netlab yet", ""))
        return
    problems.append((key_path(path, key), "unknown field", did_you_mean(key, plan.fields)))


def encode_fields(item: Any, whole: bool = False) -> Plain:  # noqa: FBT001, FBT002 - called by place, through shapes
    """Return the fields of a dataclass that are not at their default, in Kubernetes' names and shape.

    `whole`: also those with a default that says something (`Always`, 1, true), as the API server fills them in.
    """
    plain: Plain = {}
    for field in _plan_of(type(item)).fields.values():
        value = getattr(item, field.name)
        if field.required or value != field.default:
            plain[field.wire] = value if field.shape.encode is None else field.shape.encode(value, whole)
        elif whole and field.is_told:
            told = value if field.shape.encode is None else field.shape.encode(value, whole)
            plain |= {field.wire: told} if told not in ({}, []) else {}
    reshape = TO_WIRE.get(type(item))
    return reshape(plain) if reshape is not None else plain


# Plans: worked out once per class ---------------------------------------------------------------------------------------


_PLANS: dict[type[Any], _Plan] = {}


def _plan_of(cls: type[Any]) -> _Plan:
    plan = _PLANS.get(cls)
    if plan is None:
        plan = _PLANS[cls] = _new_plan(cls)
    return plan


def _new_plan(cls: type[Any]) -> _Plan:
    found = [_FieldPlan(cls, name, field) for name, field in fields_of(cls).items()]
    required = tuple(field for field in found if field.required)
    return _Plan(
        cls=cls,
        fields={field.wire: field for field in found},
        met={},
        required=required,
        needed=frozenset(field.name for field in required),
    )


def _shape(hint: Any, wire: str, check: Check | None = None) -> _Shape:
    """Return how a value of type `hint` is read; `wire` is the field it stands in, `check` the format it must have."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _shape(arguments[0], wire, FORMATS[arguments[1]])
    if origin in (Union, types.UnionType):
        return _union_shape(arguments, wire, check)
    if origin is Literal:
        return _Shape(stand_in=lambda: arguments[0], leaf=_literal_leaf(arguments, wire))
    if origin is tuple:
        return _list_shape(_shape(arguments[0], wire))
    if origin is dict:
        return _mapping_shape(_shape(arguments[0], wire), _shape(arguments[1], wire))
    if "__dataclass_fields__" in vars(hint):
        return _object_shape(hint)
    return _Shape(stand_in=hint, leaf=_scalar_leaf((hint,), check))


def _union_shape(members: tuple[Any, ...], wire: str, check: Check | None) -> _Shape:
    """`X | None` is X, because null never gets here; `int | str` is a leaf of two types."""
    real = tuple(member for member in members if member is not types.NoneType)
    if len(real) == 1:
        return _shape(real[0], wire, check)
    return _Shape(stand_in=real[0], leaf=_scalar_leaf(real, check))


def _object_shape(cls: type[Any]) -> _Shape:
    return _Shape(
        stand_in=lambda: build(cls, {}, [], ""),  # not before it is needed: it would work out all nouns below this one
        build=functools.partial(build, cls),
        encode=encode_fields,
    )


KEPT = 256
"""Answers of each check that are kept: the names of Namespaces, labels and ports come again and again."""
_SURROGATE = "[\ud800-\udfff]"
_TYPE_WORDS = {int: "an integer", str: "a string", bool: "a boolean"}


def _scalar_leaf(accepted: tuple[type, ...], check: Check | None) -> Callable[[Any], Fault]:
    known = functools.lru_cache(KEPT)(check) if check is not None else None
    words = " or ".join(_TYPE_WORDS[one] for one in accepted)

    def leaf(value: Any) -> Fault:
        if type(value) not in accepted:  # type(), because True is an instance of int
            return type_problem(words, value, show=check not in UNSHOWN)
        if type(value) is str:
            if "\0" in value:
                return "must not contain a NUL character", ""  # no Linux interface would take it
            if not value.isascii() and re.search(_SURROGATE, value):
                # So Python keeps what it cannot read of a command line.
                return "must be UTF-8", "it holds a byte that is no text"
        if known is None or not (message := known(value)):
            return None
        return (message if check in UNSHOWN else f"{message}, is {shown(value)}"), ""

    return leaf


def _literal_leaf(allowed: tuple[Any, ...], wire: str) -> Callable[[Any], Fault]:
    choice = ", ".join(str(value) for value in allowed if value)

    def leaf(value: Any) -> Fault:
        if type(value) is str and value in allowed:
            return None
        if type(value) is str and value in unsupported.VALUES.get(wire, ()):
            return f"{shown(value)} is not supported by netlab yet", f"supported: {choice}"
        if type(value) is not str:
            return type_problem("a string", value)
        return f"must be one of {choice}, is {shown(value)}", did_you_mean(value, allowed)

    return leaf


def _list_shape(item: _Shape) -> _Shape:
    leaf, build, encode_item = item.leaf, item.build, item.encode

    def read(value: Any, problems: Problems, path: str) -> Any:
        if type(value) is not list:
            problems.append((path, *type_problem("a list", value)))
            return ()
        if build is not None:
            return tuple([build(one, problems, f"{path}[{n}]") for n, one in enumerate(value)])
        return tuple([_checked(one, item, leaf, problems, f"{path}[{n}]") for n, one in enumerate(value)])

    def write(value: Any, whole: bool) -> list[Any]:  # noqa: FBT001 - called by place
        return [encode_item(one, whole) for one in value] if encode_item is not None else list(value)

    return _Shape(stand_in=tuple, build=read, encode=write)


def _mapping_shape(key_shape: _Shape, value_shape: _Shape) -> _Shape:
    key_leaf, value_leaf = key_shape.leaf, value_shape.leaf

    def read(value: Any, problems: Problems, path: str) -> Any:
        if type(value) is not dict:
            problems.append((path, *type_problem("an object", value)))
            return {}
        for key, one in value.items():
            for leaf, part in ((key_leaf, key), (value_leaf, one)):
                fault = leaf(part) if leaf is not None else None
                if fault is not None:
                    problems.append((key_path(path, key), *fault))
        return dict(value)

    return _Shape(stand_in=dict, build=read, encode=lambda value, _: dict(value))


def _checked(value: Any, shape: _Shape, leaf: Callable[[Any], Fault] | None, problems: Problems, path: str) -> Any:
    fault = leaf(value) if leaf is not None else None
    if fault is None:
        return value
    problems.append((path, *fault))
    stand_in = shape.stand_in()
    return value if type(value) is type(stand_in) else stand_in
