"""What containers ask for of a Node's processors, memory and disk, what they may use at most, and what a Pod asks for in all.

    a Pod's amount = the larger of   what its containers and sidecars have together,
                                     and the most that one init container has, together with the sidecars before it

Source: Kubernetes docs, Resource Management for Pods and Containers, Sidecar Containers (resource sharing within containers),
Pod Quality of Service Classes; component-helpers/resource.PodRequests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import field
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, Literal

from netlab.frozen import dataclass
from netlab.model.quantity import ZERO, Quantity, largest, parse_quantity

if TYPE_CHECKING:
    from netlab.model.container import Container
    from netlab.model.pod import PodSpec

RESOURCES = ("cpu", "memory", "ephemeral-storage")
RESOURCE_FIELDS = tuple(f"{part}.{name}" for part in ("limits", "requests") for name in RESOURCES)
COMPUTE = ("cpu", "memory")
"""The resources that decide the class of quality of service."""

Amounts = Mapping[str, Quantity]
"""Amounts by resource; one that is missing is not asked for, or not limited."""
Quantities = dict[Annotated[str, "resource-name"], Annotated[str, "quantity"]]
"""The same as it is written: `{"cpu": "500m", "memory": "128Mi"}`."""
NO_AMOUNTS: Amounts = MappingProxyType({})
QosClass = Literal["Guaranteed", "Burstable", "BestEffort"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceRequirements:
    """`resources` of a container. What is limited and not requested is requested to the limit, so each limit has a request."""

    limits: Quantities = field(default_factory=dict)
    requests: Quantities = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "requests", {**self.limits, **self.requests})


def resource_name(value: str) -> str:
    """A check of a format: a resource that every Node has."""
    return "" if value in RESOURCES else f"must be one of {', '.join(RESOURCES)}"


def resource_field(value: str) -> str:
    """A check of a format: an amount that a container can be told of."""
    return "" if value in RESOURCE_FIELDS else f"must be one of {', '.join(RESOURCE_FIELDS)}"


def amounts(written: Mapping[str, str]) -> Amounts:
    """Return amounts that were written; what is no quantity is left out."""
    texts = ((name, text) for name, text in written.items() if isinstance(text, str))  # a draft holds what it was given
    return {name: found for name, text in texts if (found := parse_quantity(text)) is not None}


def added(several: Iterable[Amounts]) -> Amounts:
    """Return the sums, resource by resource."""
    found: dict[str, Quantity] = {}
    for one in several:
        for name, amount in one.items():
            found[name] = found.get(name, ZERO) + amount
    return found


def without(whole: Amounts, taken: Amounts) -> Amounts:
    """Return what is left of `whole`, which can be less than nothing; of other resources nothing is said."""
    return {name: amount - taken[name] if name in taken else amount for name, amount in whole.items()}


def pod_requests(spec: PodSpec) -> Amounts:
    """Return what a Pod asks for."""
    return _of_pod(spec, lambda container: amounts(container.resources.requests))


def pod_limits(spec: PodSpec) -> Amounts:
    """Return what a Pod may use at most, as far as its containers are limited."""
    return _of_pod(spec, lambda container: amounts(container.resources.limits))


def qos_class(spec: PodSpec) -> QosClass:
    """Return Guaranteed if every container has limits and asks for no less, BestEffort if none asks for anything."""
    every = [container.resources for container in spec.all_containers]
    if not any(_compute(one.limits) or _compute(one.requests) for one in every):
        return "BestEffort"
    equal = all(_compute(one.limits) == _compute(one.requests) and len(_compute(one.limits)) == len(COMPUTE) for one in every)
    return "Guaranteed" if equal else "Burstable"


def canonical_amounts(plain: Mapping[str, Any]) -> dict[str, Any]:
    """Return `resources` from outside with its amounts in their one form; a number is an amount too. Faults stay."""
    return {
        key: {name: canonical(value) for name, value in found.items()} if isinstance(found, dict) else found
        for key, found in plain.items()
    }


def canonical(value: Any) -> Any:
    """Return an amount from outside in its one form; what is none stays as it is."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return value
    amount = parse_quantity(str(value))
    return value if amount is None else str(amount)


def _compute(written: Mapping[str, str]) -> dict[str, int]:
    return {name: amount.nano for name, amount in amounts(written).items() if name in COMPUTE and amount.nano}


def _of_pod(spec: PodSpec, of: Callable[[Container], Amounts]) -> Amounts:
    if not any(container.resources.requests for container in spec.all_containers):
        return NO_AMOUNTS  # as most Pods of a lab
    sidecars: Amounts = {}
    starting: list[Amounts] = []
    for container in spec.init_containers:
        if container.is_sidecar:
            sidecars = added((sidecars, of(container)))
            starting.append(sidecars)
        else:
            starting.append(added((sidecars, of(container))))
    running = added((*map(of, spec.containers), sidecars))
    names = dict.fromkeys(name for one in (running, *starting) for name in one)
    return {name: largest(one[name] for one in (running, *starting) if name in one) for name in names}
