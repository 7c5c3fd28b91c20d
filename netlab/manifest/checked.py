"""One object out of plain data, checked: every fault with its field path and what to do about it.

What only the API server may set (`status`, `metadata.uid`, `resourceVersion`, ...) is accepted and dropped, as kubectl and the
API server do together, so that `netlab get -o yaml | netlab apply -f -` works. Everything else is honoured or refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from netlab.errors import ManifestError, Problem
from netlab.manifest.validate import field_problems
from netlab.model.codec import FieldProblem, draft_object
from netlab.model.lab import KubernetesObject, Lab
from netlab.model.wire import Plain
from netlab.model.words import LONGEST_SHOWN, shown

# What to do about a field, where the fault itself does not say it; {fields} is what `netlab explain` calls those around it.
CURES = {"unknown field": "`netlab explain {fields}` lists the fields", "not supported by netlab yet": "leave it out"}
SERVER_SET = frozenset(
    {
        "creationTimestamp", "deletionGracePeriodSeconds", "deletionTimestamp", "generation", "managedFields",
        "resourceVersion", "selfLink", "uid",
    }
)  # fmt: skip


def checked(plain: Plain) -> KubernetesObject:
    """Return the object that plain data (in Kubernetes' shape) means, checked as if it had stood in a manifest.

    Raises:
        ManifestError: with every problem; there is no file and no line to name.
    """
    found: list[FieldProblem] = []
    draft = draft_object(without_server_set(plain), found)
    if draft is not None:
        found.extend(apart_from(found, tuple(field_problems(draft))))
    if draft is None or isinstance(draft, Lab) or found:
        subject = subject_of(plain)
        raise ManifestError(
            tuple(
                Problem(file="", line=0, object=subject, path=path, message=message, hint=hint)
                for path, message, hint in with_cures(plain, found)
            )
        )
    return draft


def with_cures(plain: Any, found: list[FieldProblem]) -> Iterator[FieldProblem]:
    """Yield the problems, each with what to do about it if it does not say so by itself."""
    for path, message, hint in found:
        around = path[: path.find('["')] if path.endswith('"]') else path.rpartition(".")[0]
        fields = ".".join([str(plain["kind"]).lower(), *re.findall(r"[A-Za-z]+", around)]) if message in CURES else ""
        yield path, message, hint or CURES.get(message, "").format(fields=fields)


def apart_from(known: list[FieldProblem], further: tuple[FieldProblem, ...]) -> Iterator[FieldProblem]:
    """Yield the further problems that do not follow from a known one, at the same field, around it or inside it."""
    at_fault = {path for path, _, _ in known}
    around = {part for path in at_fault for part in _around(path)}
    for problem in further:
        if problem[0] not in around and at_fault.isdisjoint(_around(problem[0])):
            yield problem


def _around(path: str) -> Iterator[str]:
    """Yield a path and those of the fields around it."""
    while path:
        yield path
        path = path[: max(path.rfind("."), path.rfind("["), 0)]


def without_server_set(plain: Any) -> Any:
    """Leave out what users cannot set."""
    if not isinstance(plain, dict):
        return plain
    plain = {key: value for key, value in plain.items() if key != "status"}
    meta = plain.get("metadata")
    if isinstance(meta, dict):
        plain["metadata"] = {key: value for key, value in meta.items() if key not in SERVER_SET}
    return plain


def subject_of(plain: Any) -> str:
    """Return `service/web` of whatever was written, as far as it can be shown."""
    if not isinstance(plain, dict) or not isinstance(plain.get("kind"), str):
        return ""
    meta = plain.get("metadata")
    name = meta.get("name") if isinstance(meta, dict) else None
    parts = [plain["kind"].lower(), *([name] if isinstance(name, str) else [])]
    return "/".join(part if part.isprintable() and len(part) <= LONGEST_SHOWN else shown(part) for part in parts if part)
