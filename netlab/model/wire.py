"""The shape of objects outside Python: camelCase names, and the few places where Kubernetes nests what a noun keeps flat.

Kubernetes puts a Node's address into `status.addresses`, a container's state under `state.running`, and each Pod address
into an object of its own. `to_wire` and `from_wire` undo each other. They tolerate any input, because the typed decoder
that runs after `from_wire` is what finds the faults.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from netlab.model.pod import ContainerStatus, HostPathVolume, PodStatus
from netlab.model.service import EndpointConditions, EndpointPort
from netlab.model.workload import Namespace, Node

Plain = dict[str, Any]

ACRONYMS = {"ip": "IP", "ips": "IPs", "cidr": "CIDR", "cidrs": "CIDRs"}
# No field name has a dot, so nobody can write these.
NODE_ADDRESS, NODE_READY = "status.addresses", "status.conditions"
NODE_STATUS = {"internal_ip": NODE_ADDRESS, "is_ready": NODE_READY}
STATE_FIELDS = ("exitCode", "reason", "message", "startedAt", "finishedAt")
DERIVED_CONTAINER_FIELDS = ("ready",)


def wire_name(name: str) -> str:
    """Return Kubernetes' spelling of a field: `cluster_ips` is `clusterIPs`, `host_path` is `hostPath`."""
    if name in NODE_STATUS:
        return NODE_STATUS[name]
    first, *rest = name.split("_")
    return first + "".join(ACRONYMS.get(word, word.capitalize()) for word in rest)


def _node_to_wire(plain: Plain) -> Plain:
    address, ready = plain.pop(NODE_ADDRESS, ""), plain.pop(NODE_READY, None)
    status: Plain = {}
    if address:
        name = plain["metadata"]["name"]
        status["addresses"] = [{"type": "InternalIP", "address": address}, {"type": "Hostname", "address": name}]
    if ready is not None:
        status["conditions"] = [{"type": "Ready", "status": str(ready)}]
    return plain | ({"status": status} if status else {})


def _node_from_wire(plain: Plain) -> Plain:
    status = plain.get("status")
    if not isinstance(status, dict):
        return plain
    result = {key: value for key, value in plain.items() if key != "status"}
    if found := _of_type(status.get("addresses"), "InternalIP"):
        result[NODE_ADDRESS] = found[0].get("address")
    if found := _of_type(status.get("conditions"), "Ready"):
        result[NODE_READY] = found[0].get("status") == "True"
    return result


def _of_type(listed: object, word: str) -> list[Plain]:
    return [item for item in listed if isinstance(item, dict) and item.get("type") == word] if isinstance(listed, list) else []


def _pod_status_to_wire(plain: Plain) -> Plain:
    if plain.get("podIPs"):
        plain["podIP"] = plain["podIPs"][0]
        plain["podIPs"] = [{"ip": ip} for ip in plain["podIPs"]]
    for one in plain.get("initContainerStatuses", ()):
        one["ready"] |= one["state"].get("terminated", {}).get("exitCode") == 0  # it has done what it is for
    return plain


def _pod_status_from_wire(plain: Plain) -> Plain:
    result = {key: value for key, value in plain.items() if key != "podIP"}
    if isinstance(result.get("podIPs"), list):
        result["podIPs"] = [item.get("ip") if isinstance(item, dict) else item for item in result["podIPs"]]
    return result


def _container_status_to_wire(plain: Plain) -> Plain:
    state = plain.pop("state", "waiting")
    inside = {key: plain.pop(key) for key in STATE_FIELDS if key in plain}
    if "lastState" in plain:
        plain["lastState"] = {"terminated": plain["lastState"]}
    return plain | {"ready": state == "running", "state": {state: inside}}


def _container_status_from_wire(plain: Plain) -> Plain:
    result = {key: value for key, value in plain.items() if key not in DERIVED_CONTAINER_FIELDS}
    state = result.get("state")
    if isinstance(state, dict) and len(state) == 1:
        word, inside = next(iter(state.items()))
        result |= {"state": word} | (inside if isinstance(inside, dict) else {})
    last = result.get("lastState")
    if isinstance(last, dict):
        result["lastState"] = last.get("terminated")
    return result


def _namespace_to_wire(plain: Plain) -> Plain:
    return plain | {"status": {"phase": "Terminating" if plain["metadata"].get("deletionTimestamp") else "Active"}}


def _namespace_from_wire(plain: Plain) -> Plain:
    return {key: value for key, value in plain.items() if key != "status"}


# Fields whose zero says something: Kubernetes prints them, where it leaves out other zeros.
TOLD_ZEROS: Mapping[type, frozenset[str]] = {
    ContainerStatus: frozenset({"restart_count"}),
    EndpointConditions: frozenset({"terminating"}),
    EndpointPort: frozenset({"name"}),
    HostPathVolume: frozenset({"type"}),
    Node: frozenset({"is_ready"}),
}

Reshape = Callable[[Plain], Plain]
TO_WIRE: Mapping[type, Reshape] = {
    ContainerStatus: _container_status_to_wire, Namespace: _namespace_to_wire, Node: _node_to_wire,
    PodStatus: _pod_status_to_wire,
}  # fmt: skip
FROM_WIRE: Mapping[type, Reshape] = {
    ContainerStatus: _container_status_from_wire, Namespace: _namespace_from_wire, Node: _node_from_wire,
    PodStatus: _pod_status_from_wire,
}  # fmt: skip
