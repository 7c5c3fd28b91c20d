"""The fields of a noun as users meet them in YAML: name, type, default, allowed values, and one sentence.

The one walk over the type hints for all that is shown to people: `netlab explain` and docs/support.md. (`shapes` has the one
that reads and writes.) What `wire` nests differently from the noun is nested here in the same way, so that every path that
`get -o yaml` prints can be explained. Types have the names that kubectl gives them.
Source: Kubernetes API reference (names of types); kubectl explain.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Annotated, Any, Literal, TypeAlias, Union, get_args, get_origin, get_type_hints

from netlab.frozen import dataclass
from netlab.model.container import ConfigMapRef, SecretRef
from netlab.model.explanations import EXPLANATIONS, KINDS, WIRE_ONLY
from netlab.model.lab import KubernetesObject, Lab
from netlab.model.node import Namespace
from netlab.model.pod_status import ContainerStatus, PodStatus
from netlab.model.volume import (
    ConfigMapVolume,
    DownwardAPIVolume,
    EmptyDirVolume,
    HostPathVolume,
    ProjectedVolume,
    SecretVolume,
)
from netlab.model.wire import STATE_FIELDS, wire_name
from netlab.model.workload import TemplateMeta

Noun: TypeAlias = type[Any]
"""A dataclass of this room."""
LIST = "[]"
AMOUNT = Annotated[str, "quantity"]
SCALARS: Mapping[Any, str] = {str: "string", int: "integer", bool: "boolean"}
# Where Kubernetes calls a type otherwise than netlab.
TYPE_NAMES: Mapping[Noun, str] = {
    ConfigMapRef: "ConfigMapEnvSource",
    EmptyDirVolume: "EmptyDirVolumeSource",
    ConfigMapVolume: "ConfigMapVolumeSource",
    DownwardAPIVolume: "DownwardAPIVolumeSource",
    HostPathVolume: "HostPathVolumeSource",
    ProjectedVolume: "ProjectedVolumeSource",
    SecretVolume: "SecretVolumeSource",
    SecretRef: "SecretEnvSource",
    TemplateMeta: "ObjectMeta",
}
# Which fields each state of a container can have. One that waits for its restart keeps those of the run before.
STATES: Mapping[str, tuple[str, ...]] = {
    "waiting": ("reason", "message"),
    "running": ("startedAt",),
    "terminated": STATE_FIELDS,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class WireField:
    """One field as it stands in YAML.

    `type` is kubectl's word (`string`, `[]Container`), `default` YAML's (empty: none that is worth a word), `format` the name
    of a check in `formats`, `noun` the dataclass behind it, and `fields` what is inside, in the order of the noun.
    """

    name: str
    type: str
    sentence: str
    required: bool = False
    default: str = ""
    choices: tuple[str, ...] = ()
    format: str = ""
    noun: Noun | None = None
    fields: tuple[WireField, ...] = ()

    @property
    def is_list(self) -> bool:
        """True if the field holds a list, whose items have the `fields`."""
        return self.type.startswith(LIST)

    def inside(self, name: str) -> WireField | None:
        """The field of that name inside this one, or None."""
        return next((item for item in self.fields if item.name == name), None)


def kind_field(cls: type[KubernetesObject | Lab]) -> WireField:
    """Return a whole kind as if it were a field: apiVersion and kind first, then the noun's own fields."""
    head = (
        WireField(
            name="apiVersion",
            type="string",
            required=True,
            sentence=f"The version in which the object is written: {cls.api_version}.",
        ),
        WireField(name="kind", type="string", required=True, sentence=f"The kind of the object: {cls.kind}."),
    )
    return WireField(name=cls.kind, type=cls.kind, sentence=KINDS[cls.kind], noun=cls, fields=(*head, *fields_of(cls)))


def fields_of(cls: Noun) -> tuple[WireField, ...]:
    """Return the fields of a noun, nested ones inside theirs, in the order in which it declares them."""
    hints = get_type_hints(cls, include_extras=True)
    found = [_field(item, hints[item.name], EXPLANATIONS[cls][item.name]) for item in fields(cls)]
    nest = NESTED.get(cls)
    return nest({item.name: item for item in found}) if nest else tuple(found)


def _field(item: Field[Any], hint: Any, sentence: str) -> WireField:
    mark, inner, form = _unwrapped(hint)
    noun = inner if is_dataclass(inner) and isinstance(inner, type) else None
    return WireField(
        name=wire_name(item.name),
        type=mark + _type_word(inner),
        sentence=sentence,
        required=item.default is MISSING and item.default_factory is MISSING,
        default=_default_word(item.default),
        choices=tuple(value for value in get_args(inner) if value) if get_origin(inner) is Literal else (),
        format=form,
        noun=noun,
        fields=fields_of(noun) if noun else (),
    )


def _unwrapped(hint: Any) -> tuple[str, Any, str]:
    """`[]` for a list, then what the list, the optional field or the format is about, and the name of the format."""
    origin, args = get_origin(hint), get_args(hint)
    if origin is tuple:
        return LIST, *_unwrapped(args[0])[1:]
    if origin is Annotated:
        return "", args[0], args[1]
    if origin in {Union, types.UnionType} and types.NoneType in args:
        return _unwrapped(next(one for one in args if one is not types.NoneType))
    return "", hint, ""


def _type_word(hint: Any) -> str:
    if is_dataclass(hint) and isinstance(hint, type):
        return TYPE_NAMES.get(hint, hint.__name__)
    words: Mapping[Any, str] = {
        Literal: "string",
        dict: "map[string]string",
        Union: "IntOrString",
        types.UnionType: "IntOrString",
    }
    origin = get_origin(hint)
    if origin is dict and get_args(hint)[1] == AMOUNT:
        return "map[string]Quantity"
    return words[origin] if origin else SCALARS[hint]


def _default_word(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int) and value else ""


# What the wire nests and the noun does not --------------------------------------------------------------------------------

Found = Mapping[str, WireField]


def _texts(noun: str) -> tuple[WireField, ...]:
    return tuple(WireField(name=name, type="string", sentence=sentence) for name, sentence in WIRE_ONLY[noun].items())


def _namespace(found: Found) -> tuple[WireField, ...]:
    sentence = WIRE_ONLY["Namespace"]["status"]
    return (
        *found.values(),
        WireField(name="status", type="NamespaceStatus", sentence=sentence, fields=_texts("NamespaceStatus")),
    )


def _pod_status(found: Found) -> tuple[WireField, ...]:
    ips = {
        name: WireField(name=name, type=f"[]{kind}", sentence=found[name].sentence, fields=_texts(kind))
        for name, kind in (("podIPs", "PodIP"), ("hostIPs", "HostIP"))
    }
    return (*{**found, **ips}.values(), *_texts("PodStatus"))


def _container_status(found: Found) -> tuple[WireField, ...]:
    states = tuple(
        WireField(
            name=name,
            type=f"ContainerState{name.capitalize()}",
            sentence=WIRE_ONLY["ContainerState"][name],
            fields=tuple(found[inside] for inside in names),
        )
        for name, names in STATES.items()
    )
    state = WireField(name="state", type="ContainerState", sentence=found["state"].sentence, fields=states)
    last = found["lastState"]
    word = WIRE_ONLY["ContainerState"]["terminated"]
    ended = WireField(name="terminated", type="ContainerStateTerminated", sentence=word, fields=last.fields)
    before = WireField(name="lastState", type="ContainerState", sentence=last.sentence, fields=(ended,))
    nested = {"state": state, "lastState": before}
    kept = {name: item for name, item in found.items() if name not in STATE_FIELDS}
    return tuple({**kept, **nested}.values())


NESTED: Mapping[Noun, Callable[[Found], tuple[WireField, ...]]] = {
    ContainerStatus: _container_status, Namespace: _namespace, PodStatus: _pod_status,
}  # fmt: skip
