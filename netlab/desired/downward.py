"""The downward API: fields of a Pod, and resources of its containers, as text, for variables and for files.

Source: Kubernetes docs, Downward API; pkg/fieldpath (FormatMap, ExtractFieldPathAsString); pkg/api/v1/resource
(ExtractContainerResourceValue, MergeContainerResourceLimits).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from netlab.desired.assignments import Assignments
from netlab.errors import NotFound
from netlab.model.container import Container, ResourceFieldSelector
from netlab.model.meta import Key
from netlab.model.pod import Pod
from netlab.model.quantity import NANO, ZERO, parse_quantity
from netlab.model.resources import Amounts, amounts

KEYED_FIELD = re.compile(r"metadata\.(labels|annotations)\['([^']*)'\]")
ESCAPES = {'"': '\\"', "\\": "\\\\"} | dict(zip("\a\b\f\n\r\t\v", (f"\\{letter}" for letter in "abfnrtv"), strict=True))


def field(assignments: Assignments, pod: Pod, path: str) -> str:
    """Return a field of the Pod. A label or annotation that is not set is empty. Raises NotFound for an unknown path."""
    meta = pod.metadata
    if match := KEYED_FIELD.fullmatch(path):
        return (meta.labels if match.group(1) == "labels" else meta.annotations).get(match.group(2), "")
    ips, node, host_ips = _place(assignments, pod.key)
    fields = {
        "metadata.name": meta.name,
        "metadata.namespace": meta.namespace,
        "metadata.uid": meta.uid,
        "metadata.labels": pairs(meta.labels),
        "metadata.annotations": pairs(meta.annotations),
        "spec.nodeName": node,
        "status.podIP": ips[0] if ips else "",
        "status.podIPs": ",".join(ips),
        "status.hostIP": host_ips[0] if host_ips else "",
        "status.hostIPs": ",".join(host_ips),
    }
    if path not in fields:
        raise NotFound(f"pod {meta.name}: fieldPath {path} is not one of {', '.join(fields)}, metadata.labels['KEY']")
    return fields[path]


def named_container(pod: Pod, told: ResourceFieldSelector, own: str = "") -> Container:
    """Return the container whose amount is meant, `own` if none is named. Raises NotFound."""
    name = told.container_name or own
    found = next((item for item in pod.spec.all_containers if item.name == name), None)
    if found is None:
        raise NotFound(f"container {name} not found")
    return found


def resource(container: Container, told: ResourceFieldSelector, room: Amounts) -> str:
    """Return an amount of a container as a whole number of divisors, rounded up.

    `room` is what a Node has: the limit of a container without one. Raises NotFound if that is not known.
    """
    kind, _, resource_name = told.resource.partition(".")
    if kind == "limits":
        found = {**room, **amounts(container.resources.limits)}
        if resource_name not in found:
            raise NotFound(f"container {container.name} has no limit of {resource_name}, and what its Node has is not known")
    else:
        found = {resource_name: ZERO, **amounts(container.resources.requests)}
    divisor = parse_quantity(told.divisor)
    return str(-(-found[resource_name].nano // ((divisor.nano if divisor else 0) or NANO)))


def pairs(values: Mapping[str, str]) -> str:
    """Return labels or annotations as lines `key="value"`, sorted, the value quoted as Go does it."""
    return "\n".join(f"{key}={_quoted(value)}" for key, value in sorted(values.items()))


def _quoted(text: str) -> str:
    """Go's %q: printable characters stay, all others are escaped."""
    return f'"{"".join(map(_escaped, text))}"'


def _escaped(char: str) -> str:
    if char in ESCAPES or char.isprintable():
        return ESCAPES.get(char, char)
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x80 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"  # noqa: PLR2004


def _place(assignments: Assignments, key: Key) -> tuple[tuple[str, ...], str, tuple[str, ...]]:
    """A Pod's addresses, its Node, and the Node's addresses; empty while it is not bound."""
    bound = assignments.pods.get(key)
    if bound is None:
        return (), "", ()
    node = assignments.nodes.get(bound.node)
    return bound.ips, bound.node, node.ips if node else ()
