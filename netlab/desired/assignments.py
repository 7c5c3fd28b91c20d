"""Assignments: every choice made once and kept (sticky): where a Pod runs, which addresses and NodePorts are given.

The store keeps them; `assign` makes the missing ones. Addresses are text, one per family (a tuple, for dual stack).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from netlab.frozen import dataclass
from netlab.model.container import Protocol
from netlab.model.meta import Key

PortKey = tuple[Key, Protocol, int]
"""A Service port: the Service's key, the protocol, and the port number."""
HEALTH_CHECK = 0
"""In place of the port number: the port at which a Node says whether it has endpoints of the Service (healthCheckNodePort)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeAssignment:
    """The fabric addresses of a Node (`172.18.0.2`) and the subnets of its Pods (`10.244.1.0/24`), the primary family first."""

    ips: tuple[str, ...]
    pod_cidrs: tuple[str, ...]

    @property
    def ip(self) -> str:
        """The address of the primary family."""
        return self.ips[0]

    @property
    def pod_cidr(self) -> str:
        """The subnet of the primary family."""
        return self.pod_cidrs[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class PodAssignment:
    """The Node a Pod is bound to ("" while none fits; `reason` says why) and its addresses (none while unbound)."""

    node: str = ""
    ips: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignments:
    """All choices of a lab. Mappings are never changed in place."""

    nodes: Mapping[str, NodeAssignment] = field(default_factory=dict)
    pods: Mapping[Key, PodAssignment] = field(default_factory=dict)
    cluster_ips: Mapping[Key, tuple[str, ...]] = field(default_factory=dict)
    node_ports: Mapping[PortKey, int] = field(default_factory=dict)
    load_balancers: Mapping[Key, tuple[str, ...]] = field(default_factory=dict)
