"""What the amounts of a container demand of each other, and what is to be told of them.

Source: Kubernetes pkg/apis/core/validation (ValidateResourceRequirements, validateContainerResourceDivisor).
"""

from __future__ import annotations

from collections.abc import Iterator

from netlab.model.codec import FieldProblem
from netlab.model.container import ResourceFieldSelector
from netlab.model.quantity import parse_quantity
from netlab.model.resources import ResourceRequirements, amounts
from netlab.model.words import key_path, shown

BYTES = ("1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei")
DIVISORS = {
    "cpu": ("the cpu resource", ("1m", "1")),
    "memory": ("the memory resource", BYTES),
    "ephemeral-storage": ("the local ephemeral storage resource", BYTES),
}


def resource_problems(resources: ResourceRequirements, path: str) -> Iterator[FieldProblem]:
    """Yield the faults of `resources` found at `path`: requests of more than may be used."""
    limits = amounts(resources.limits)
    for name, amount in amounts(resources.requests).items():
        if name in limits and amount.nano > limits[name].nano:
            message = f"must be less than or equal to {name} limit of {limits[name]}, is {shown(str(amount))}"
            yield key_path(f"{path}.requests", name), message, "raise the limit or lower the request"


def resource_field_problems(told: ResourceFieldSelector, path: str) -> Iterator[FieldProblem]:
    """Yield the faults of a `resourceFieldRef` found at `path`: a divisor that nobody counts in."""
    name = told.resource.partition(".")[2]
    divisor = parse_quantity(told.divisor) if isinstance(told.divisor, str) else None
    if name not in DIVISORS or divisor is None or not divisor.nano:
        return
    words, known = DIVISORS[name]
    if divisor.nano not in {found.nano for found in map(parse_quantity, known) if found}:
        message = f"only divisor's values {', '.join(known)} are supported with {words}, is {shown(told.divisor)}"
        yield f"{path}.divisor", message, ""
