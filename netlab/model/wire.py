"""The shape of objects outside Python: camelCase names, and the few places where Kubernetes nests what a noun keeps flat.

Kubernetes puts a Node's address into `status.addresses`, a container's state under `state.running`, and each Pod address
into an object of its own. `to_wire` and `from_wire` undo each other. They tolerate any input, because the typed decoder
that runs after `from_wire` is what finds the faults.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from netlab.model.pod import ContainerStatus, PodStatus
from netlab.model.workload import Node

Plain = dict[str, Any]

ACRONYMS = {"ip": "IP", "ips": "IPs", "cidr": "CIDR", "cidrs": "CIDRs"}
NODE_ADDRESS = "status.addresses"  # no field name has a dot, so nobody can write this one
STATE_FIELDS = ("exitCode", "reason", "message", "startedAt", "finishedAt")
DERIVED_CONTAINER_FIELDS = ("ready",)


def wire_name(name: str) -> str:
    """Return Kubernetes' spelling of a field: `cluster_ips` is `clusterIPs`, `host_path` is `hostPath`."""
    if name == "internal_ip":
        return NODE_ADDRESS
    first, *rest = name.split("_")
    return first + "".join(ACRONYMS.get(word, word.capitalize()) for word in rest)


def _node_to_wire(plain: Plain) -> Plain:
    address = plain.pop(NODE_ADDRESS, "")
    if address:
        name = plain["metadata"]["name"]
        plain["status"] = {"addresses": [{"type": "InternalIP", "address": address}, {"type": "Hostname", "address": name}]}
    return plain


def _node_from_wire(plain: Plain) -> Plain:
    status = plain.get("status")
    addresses = status.get("addresses") if isinstance(status, dict) else None
    if not isinstance(addresses, list):
        return plain
    found = [item.get("address") for item in addresses if isinstance(item, dict) and item.get("type") == "InternalIP"]
    rest = {key: value for key, value in plain.items() if key != "status"}
    return rest | ({NODE_ADDRESS: found[0]} if found else {})


def _pod_status_to_wire(plain: Plain) -> Plain:
    if plain.get("podIPs"):
        plain["podIP"] = plain["podIPs"][0]
        plain["podIPs"] = [{"ip": ip} for ip in plain["podIPs"]]
    return plain


def _pod_status_from_wire(plain: Plain) -> Plain:
    result = {key: value for key, value in plain.items() if key != "podIP"}
    if isinstance(result.get("podIPs"), list):
        result["podIPs"] = [item.get("ip") if isinstance(item, dict) else item for item in result["podIPs"]]
    return result


def _container_status_to_wire(plain: Plain) -> Plain:
    state = plain.pop("state", "waiting")
    inside = {key: plain.pop(key) for key in STATE_FIELDS if key in plain}
    return plain | {"ready": state == "running", "state": {state: inside}}


def _container_status_from_wire(plain: Plain) -> Plain:
    result = {key: value for key, value in plain.items() if key not in DERIVED_CONTAINER_FIELDS}
    state = result.get("state")
    if isinstance(state, dict) and len(state) == 1:
        word, inside = next(iter(state.items()))
        result |= {"state": word} | (inside if isinstance(inside, dict) else {})
    return result


Reshape = Callable[[Plain], Plain]
TO_WIRE: Mapping[type, Reshape] = {
    ContainerStatus: _container_status_to_wire, Node: _node_to_wire, PodStatus: _pod_status_to_wire,
}  # fmt: skip
FROM_WIRE: Mapping[type, Reshape] = {
    ContainerStatus: _container_status_from_wire, Node: _node_from_wire, PodStatus: _pod_status_from_wire,
}  # fmt: skip
