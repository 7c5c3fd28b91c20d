"""Node and Namespace: where Pods run, and where names are unique.

Source: Kubernetes API reference, core/v1 Node and Namespace.
"""

from __future__ import annotations

from dataclasses import field
from typing import ClassVar, Literal

from netlab.frozen import dataclass
from netlab.model.meta import Key, ObjectMeta
from netlab.model.taint import Taint

Quantities = dict[str, str]
"""Amounts by resource, as Kubernetes writes them: `{"cpu": "2", "memory": "8148464Ki", "pods": "253"}`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Namespace:
    """A scope for names. `default` and `kube-system` always exist."""

    kind: ClassVar[str] = "Namespace"
    api_version: ClassVar[str] = "v1"
    metadata: ObjectMeta

    @property
    def key(self) -> Key:
        """The Namespace's identity."""
        return Key("Namespace", "", self.metadata.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeSpec:
    """Where the Node's Pods get their addresses, assigned once; which Pods it takes."""

    pod_cidr: str = ""
    pod_cidrs: tuple[str, ...] = ()
    taints: tuple[Taint, ...] = ()
    unschedulable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeAddress:
    """One way to name a Node."""

    type: Literal["InternalIP", "Hostname"]
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeCondition:
    """One fact about a Node; `last_heartbeat_time` is until when it was seen to be so (RFC 3339)."""

    type: str
    status: Literal["True", "False", "Unknown"]
    last_heartbeat_time: str = ""
    last_transition_time: str = ""
    reason: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeSystemInfo:
    """What a Node runs on: the machine, which all Nodes of a lab share."""

    machine_id: str = ""
    system_uuid: str = ""
    boot_id: str = ""
    kernel_version: str = ""
    os_image: str = ""
    container_runtime_version: str = ""
    kubelet_version: str = ""
    operating_system: str = ""
    architecture: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeStatus:
    """`status` of a Node: made anew whenever somebody looks, from what was assigned and what the machine is."""

    capacity: Quantities = field(default_factory=dict)
    allocatable: Quantities = field(default_factory=dict)
    conditions: tuple[NodeCondition, ...] = ()
    addresses: tuple[NodeAddress, ...] = ()
    node_info: NodeSystemInfo = field(default_factory=NodeSystemInfo)


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A machine of the lab: a network namespace on the fabric."""

    kind: ClassVar[str] = "Node"
    api_version: ClassVar[str] = "v1"
    metadata: ObjectMeta
    spec: NodeSpec = field(default_factory=NodeSpec)
    status: NodeStatus = field(default_factory=NodeStatus)

    @property
    def key(self) -> Key:
        """The Node's identity."""
        return Key("Node", "", self.metadata.name)

    @property
    def internal_ip(self) -> str:
        """Its address on the fabric, or nothing."""
        return next((item.address for item in self.status.addresses if item.type == "InternalIP"), "")

    @property
    def is_ready(self) -> bool:
        """Whether its condition Ready is true."""
        return any(item.type == "Ready" and item.status == "True" for item in self.status.conditions)
