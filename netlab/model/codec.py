"""One decoder and one encoder for all nouns, driven by the type hints of their dataclasses (`shapes`).

    plain data (dicts, lists, text, numbers)  --decode-->  frozen, typed objects  --encode-->  plain data

Rules: every field is known or refused; types are strict (`"80"` is not 80, `true` is not 1); `null` means the default, as in
Kubernetes; a default is left out again when encoding, so `decode(encode(x)) == x`. Each problem is (field path, message, hint).
It does not look across fields; that is manifest/'s work.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from netlab.model import unsupported
from netlab.model.config import ConfigMap, Secret
from netlab.model.daemon_set import DaemonSet
from netlab.model.endpoints import Endpoints
from netlab.model.event import Event
from netlab.model.job import Job
from netlab.model.lab import KubernetesObject, Lab
from netlab.model.node import Namespace, Node
from netlab.model.pod import Pod
from netlab.model.service import EndpointSlice, Service
from netlab.model.shapes import FieldProblem, Problems, build, encode_fields
from netlab.model.wire import Plain
from netlab.model.words import did_you_mean, shown, type_problem
from netlab.model.workload import Deployment, ReplicaSet

__all__ = ["KINDS", "NOUNS", "FieldProblem", "Problems", "decode", "decode_object", "draft_object", "encode"]

T = TypeVar("T")

KINDS: Mapping[str, type[KubernetesObject | Lab]] = {
    cls.kind: cls
    for cls in (
        ConfigMap,
        DaemonSet,
        Deployment,
        EndpointSlice,
        Endpoints,
        Job,
        Lab,
        Namespace,
        Node,
        Pod,
        ReplicaSet,
        Secret,
        Service,
    )
}

NOUNS: Mapping[str, type[KubernetesObject | Lab]] = {**KINDS, Event.kind: Event}
"""Everything that has an apiVersion and a kind. Events are only ever shown: no manifest holds one."""


def decode(cls: type[T], plain: Any, problems: Problems, path: str = "") -> T | None:
    """Return an instance of the dataclass `cls`, or None if `problems` were added.

    Args:
        cls: a noun of this room.
        plain: what YAML or JSON said, never changed.
        problems: every fault is appended to it.
        path: the field path of `plain` inside its object.
    """
    before = len(problems)
    found = build(cls, plain, problems, path)
    return cast("T", found) if len(problems) == before else None


def decode_object(plain: Any, problems: Problems) -> KubernetesObject | Lab | None:
    """Return the object that `apiVersion` and `kind` announce, or None if `problems` were added."""
    before = len(problems)
    found = draft_object(plain, problems)
    return found if len(problems) == before else None


def draft_object(plain: Any, problems: Problems) -> KubernetesObject | Lab | None:
    """Return the object even if `problems` were added: then stand-ins fill the faulty places, so that more can be checked.

    Such a draft is for finding further problems only. None if nothing can be said of the object without a known kind.
    """
    if type(plain) is not dict:
        problems.append(("", *type_problem("an object", plain)))
        return None
    cls = _class_of(plain, problems)
    if cls is None:
        return None
    rest = {key: value for key, value in plain.items() if key not in ("apiVersion", "kind")}
    return cast("KubernetesObject | Lab", build(cls, rest, problems, ""))


def _class_of(plain: Plain, problems: Problems) -> type[KubernetesObject | Lab] | None:
    kind, version = plain.get("kind"), plain.get("apiVersion")
    cls = KINDS.get(kind) if isinstance(kind, str) else None
    if cls is None:
        problems.append(("kind", *_kind_problem(kind)))
        return None
    if version is None:
        problems.append(("apiVersion", "required", f"apiVersion: {cls.api_version}"))
    elif version != cls.api_version:
        problems.append(("apiVersion", f'must be "{cls.api_version}" for kind {kind}, is {shown(version)}', ""))
    return cls


def _kind_problem(kind: Any) -> tuple[str, str]:
    supported = f"supported: {', '.join(sorted(KINDS))}"
    if kind is None or kind == "":
        return "required", supported
    if not isinstance(kind, str):
        return type_problem("a string", kind)
    if kind in unsupported.KINDS:
        return f"{kind} is not supported by netlab yet", supported
    return f"unknown kind {shown(kind)}", did_you_mean(kind, KINDS) or supported


def encode(item: Any, *, whole: bool = False) -> Plain:
    """Return plain data of a noun: apiVersion and kind first (if it has them), Kubernetes' names, without defaults.

    `whole`: with the defaults that the API server fills in, for whoever looks at the object and does not compare it.
    """
    head: Plain = {}
    if type(item) in NOUNS.values():
        head = {"apiVersion": item.api_version, "kind": item.kind}
    return head | encode_fields(item, whole)
