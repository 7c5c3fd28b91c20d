"""What `describe` says of requests and limits: a container's own, those of the Pods on a Node, and their part of the Node.

Percentages are of what the Node has to give, rounded down. Source: kubectl describe (v1.32).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from netlab.cli.cells import age
from netlab.cli.tabbed import block
from netlab.model.node import Node
from netlab.model.pod import Pod
from netlab.model.quantity import ZERO, Quantity
from netlab.model.resources import COMPUTE, RESOURCES, Amounts, ResourceRequirements, added, amounts, pod_limits, pod_requests

POD_HEADINGS = ("Namespace", "Name", "CPU Requests", "CPU Limits", "Memory Requests", "Memory Limits", "Age")


def requirement_lines(resources: ResourceRequirements) -> Iterator[str]:
    """Yield the sections `Limits:` and `Requests:` of a container, those that are not empty."""
    for label, written in (("Limits", resources.limits), ("Requests", resources.requests)):
        if written:
            yield f"{label}:"
            yield from (f"  {name}:\t{amount}" for name, amount in sorted(written.items()))


def allocation_lines(node: Node, pods: Sequence[Pod], now: float) -> Iterator[str]:
    """Yield the two tables of what is promised to Pods; `pods` are those on the Node that have not ended."""
    has = amounts(node.status.allocatable)
    yield f"Non-terminated Pods:\t({len(pods)} in total)"
    yield from list(block("", POD_HEADINGS, [_row(pod, has, now) for pod in pods]))[1:]
    yield "Allocated resources:"
    yield "  (Total limits may be over 100 percent, i.e., overcommitted.)"
    requests, limits = added(pod_requests(pod.spec) for pod in pods), added(pod_limits(pod.spec) for pod in pods)
    rows = [[name, _share(requests, has, name), _share(limits, has, name)] for name in RESOURCES]
    yield from list(block("", ("Resource", "Requests", "Limits"), rows))[1:]


def _row(pod: Pod, has: Amounts, now: float) -> list[str]:
    requests, limits = pod_requests(pod.spec), pod_limits(pod.spec)
    shares = [_share(found, has, name) for name in COMPUTE for found in (requests, limits)]
    return [pod.metadata.namespace, pod.metadata.name, *shares, age(pod.metadata.creation_timestamp, now)]


def _share(found: Mapping[str, Quantity], has: Amounts, name: str) -> str:
    """`500m (25%)`."""
    amount, whole = found.get(name, ZERO), has.get(name, ZERO)
    return f"{amount} ({amount.nano * 100 // whole.nano if whole.nano else 0}%)"
