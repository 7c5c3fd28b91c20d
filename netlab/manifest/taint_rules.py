"""What the fields of taints and tolerations demand of each other. Each fault is (field path, message, hint).

The words are Kubernetes'. Source: pkg/apis/core/validation (ValidateTolerations, validateNodeTaints).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from netlab.manifest.rules import repeated
from netlab.model.codec import FieldProblem
from netlab.model.taint import Taint, Toleration
from netlab.model.words import shown


def toleration_problems(tolerations: Sequence[Toleration], path: str) -> Iterator[FieldProblem]:
    """Yield the faults of the tolerations of a Pod."""
    for n, one in enumerate(tolerations):
        here = f"{path}[{n}]"
        if not one.key and one.operator != "Exists":
            why = 'operator must be Exists when `key` is empty, which means "match all values and all keys"'
            yield f"{here}.operator", why, "name a key, or say operator: Exists"
        if one.operator == "Exists" and one.value:
            why = f"value must be empty when `operator` is 'Exists', is {shown(one.value)}"
            yield f"{here}.operator", why, "leave out the value, or the operator"
        if one.toleration_seconds is not None and one.effect != "NoExecute":
            why = "effect must be 'NoExecute' when `tolerationSeconds` is set"
            yield f"{here}.effect", why, "no other effect drives a Pod away"


def taint_problems(taints: Sequence[Taint], path: str) -> Iterator[FieldProblem]:
    """Yield the faults of the taints of a Node."""
    yield from repeated(((one.key, one.effect) if one.key else None for one in taints), path, "effect")
