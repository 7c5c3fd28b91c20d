"""What the amounts of a container demand of each other.

Source: Kubernetes pkg/apis/core/validation (ValidateResourceRequirements).
"""

from __future__ import annotations

from collections.abc import Iterator

from netlab.model.codec import FieldProblem
from netlab.model.resources import ResourceRequirements, amounts
from netlab.model.words import key_path, shown


def resource_problems(resources: ResourceRequirements, path: str) -> Iterator[FieldProblem]:
    """Yield the faults of `resources` found at `path`: requests of more than may be used."""
    limits = amounts(resources.limits)
    for name, amount in amounts(resources.requests).items():
        if name in limits and amount.nano > limits[name].nano:
            message = f"must be less than or equal to {name} limit of {limits[name]}, is {shown(str(amount))}"
            yield key_path(f"{path}.requests", name), message, "raise the limit or lower the request"
