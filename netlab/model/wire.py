"""The shape of objects outside Python: camelCase names, and the few places where Kubernetes nests what a noun keeps flat.

Kubernetes puts a container's state under `state.running`, and each Pod address into an object of its own. `to_wire` and
`from_wire` undo each other. They tolerate any input, because the typed decoder that runs after `from_wire` is what finds the
faults.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import Any

from netlab.model.addresses import canonical_ip
from netlab.model.config import ConfigMap, Secret
from netlab.model.container import ResourceFieldSelector
from netlab.model.endpoints import EndpointAddress
from netlab.model.formats import config_key
from netlab.model.node import Namespace
from netlab.model.pod_status import ContainerStatus, PodStatus
from netlab.model.probe import Probe
from netlab.model.resources import ResourceRequirements, canonical, canonical_amounts
from netlab.model.service import Endpoint, EndpointConditions, EndpointPort, ServiceSpec
from netlab.model.volume import EmptyDirVolume, HostPathVolume

Plain = dict[str, Any]
Reshape = Callable[[Plain], Plain]

ACRONYMS = {
    "ip": "IP", "ips": "IPs", "cidr": "CIDR", "cidrs": "CIDRs", "id": "ID", "uuid": "UUID", "api": "API", "fqdn": "FQDN",
    "pid": "PID", "ipc": "IPC", "ipv6": "IPv6",
}  # fmt: skip
DEFAULT_AT_ZERO = frozenset({"timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"})
_STATUS_IPS = (("podIP", "podIPs"), ("hostIP", "hostIPs"))
STATE_FIELDS = ("exitCode", "reason", "message", "startedAt", "finishedAt")


def wire_name(name: str) -> str:
    """Return Kubernetes' spelling of a field: `cluster_ips` is `clusterIPs`, `host_path` is `hostPath`."""
    first, *rest = name.split("_")
    return first + "".join(ACRONYMS.get(word, word.capitalize()) for word in rest)


def _pod_status_to_wire(plain: Plain) -> Plain:
    for one, several in _STATUS_IPS:
        if ips := plain.get(several):
            plain |= {one: ips[0], several: [{"ip": ip} for ip in ips]}
    return plain


def _pod_status_from_wire(plain: Plain) -> Plain:
    result = dict(plain)
    for one, several in _STATUS_IPS:
        result.pop(one, None)
        if isinstance(ips := result.get(several), list):
            result[several] = [item.get("ip") if isinstance(item, dict) else item for item in ips]
    return result


def _container_status_to_wire(plain: Plain) -> Plain:
    state = plain.pop("state", "waiting")
    inside = {key: plain.pop(key) for key in STATE_FIELDS if key in plain}
    if "lastState" in plain:
        plain["lastState"] = {"terminated": plain["lastState"]}
    return plain | {"state": {state: inside}}


def _container_status_from_wire(plain: Plain) -> Plain:
    result = dict(plain)
    state = result.get("state")
    if isinstance(state, dict) and len(state) == 1:
        word, inside = next(iter(state.items()))
        result |= {"state": word} | (inside if isinstance(inside, dict) else {})
    last = result.get("lastState")
    if isinstance(last, dict):
        result["lastState"] = last.get("terminated")
    return result


def _probe_from_wire(plain: Plain) -> Plain:
    """Zero stands for the default, as the API server reads it."""
    return {key: value for key, value in plain.items() if key not in DEFAULT_AT_ZERO or value != 0 or value is False}


def _amount(name: str) -> Reshape:
    """Put one amount into its one form; a number is an amount too."""
    return lambda plain: plain | {name: canonical(plain[name])} if name in plain else plain


def _addresses(*names: str) -> Reshape:
    """Put addresses, or lists of them, into their one form: else what Linux has would never be what is wished."""

    def reshape(plain: Plain) -> Plain:
        found = {name: plain[name] for name in names if name in plain}
        one_form = {
            name: [*map(canonical_ip, some)] if isinstance(some, list) else canonical_ip(some) for name, some in found.items()
        }
        return plain if one_form == found else plain | one_form

    return reshape


def _namespace_to_wire(plain: Plain) -> Plain:
    return plain | {"status": {"phase": "Terminating" if plain["metadata"].get("deletionTimestamp") else "Active"}}


def _namespace_from_wire(plain: Plain) -> Plain:
    return {key: value for key, value in plain.items() if key != "status"}


def _config_map_from_wire(plain: Plain) -> Plain:
    return plain | {"binaryData": _unbroken(plain["binaryData"])} if "binaryData" in plain else plain


def _secret_from_wire(plain: Plain) -> Plain:
    """What stringData says in good order becomes data; what is left of it is for the decoder to complain about."""
    data, told = _unbroken(plain.get("data")), plain.get("stringData")
    if not isinstance(told, dict) or not isinstance(data or {}, dict):
        return plain | {"data": data}
    good = {key: value for key, value in told.items() if _is_text(key) and not config_key(key) and _is_text(value)}
    kept = data or {}  # what is no text there is a fault, whether or not stringData has its key too
    texts = {key: b64encode(value.encode()).decode() for key, value in good.items() if isinstance(kept.get(key, ""), str)}
    left = {key: value for key, value in told.items() if key not in good}
    return plain | {"data": {**kept, **texts}, "stringData": left}


def _unbroken(data: Any) -> Any:
    """Base64 without its line breaks."""
    if not isinstance(data, dict):
        return data
    return {key: value.replace("\n", "").replace("\r", "") if isinstance(value, str) else value for key, value in data.items()}


def _is_text(value: Any) -> bool:
    """Tell whether a value is text that can be stored: no half of a character, as Python keeps what is not UTF-8."""
    return isinstance(value, str) and not any("\ud800" <= char <= "\udfff" for char in value)


# Fields whose zero says something: Kubernetes prints them, where it leaves out other zeros.
TOLD_ZEROS: Mapping[type, frozenset[str]] = {
    ContainerStatus: frozenset({"container_id", "image", "image_id", "ready", "restart_count", "started"}),
    EndpointConditions: frozenset({"terminating"}),
    EndpointPort: frozenset({"name"}),
    HostPathVolume: frozenset({"type"}),
}

TO_WIRE: Mapping[type, Reshape] = {
    ContainerStatus: _container_status_to_wire, Namespace: _namespace_to_wire, PodStatus: _pod_status_to_wire,
}  # fmt: skip
FROM_WIRE: Mapping[type, Reshape] = {
    ConfigMap: _config_map_from_wire, ContainerStatus: _container_status_from_wire, Namespace: _namespace_from_wire,
    PodStatus: _pod_status_from_wire, Secret: _secret_from_wire,
    Probe: _probe_from_wire, ResourceRequirements: canonical_amounts,
    EmptyDirVolume: _amount("sizeLimit"), ResourceFieldSelector: _amount("divisor"),
    ServiceSpec: _addresses("clusterIP", "clusterIPs", "externalIPs", "loadBalancerIP"),
    Endpoint: _addresses("addresses"), EndpointAddress: _addresses("ip"),
}  # fmt: skip
