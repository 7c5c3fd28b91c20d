"""One address and port at which a Service is reached, and what becomes of a packet there: what service_frontends.py decides."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Literal, NamedTuple

from netlab.desired.backends import Target
from netlab.model.service import Service, ServicePort
from netlab.netstate.names import OUTSIDE

Kind = Literal["ClusterIP", "NodePort", "ExternalIP", "LoadBalancer"]
Masquerade = Literal["never", "always", "off-cluster"]
"""Whose source is replaced; `off-cluster`: that of everybody who is no Pod."""

COMMENT_MAX = 128


class Frontend(NamedTuple):
    """One address and port of a Service port on a machine. `targets` may be empty: then `otherwise` happens.

    `shortcut` are the endpoints that Pods and the Node itself get under an external policy Local, empty for none. `sources`
    are the ranges that may come, empty for all. `affinity_s` is how long a client keeps its endpoint, 0: for one connection.
    `serving` are, for UDP only, the addresses of all endpoints that still answer, whoever gets new traffic. `policy` is the
    traffic policy that holds here.
    """

    owner: str
    kind: Kind
    address: str
    protocol: str
    port: int
    targets: tuple[Target, ...]
    masquerade: Masquerade
    otherwise: Literal["reject", "drop"] = "reject"
    shortcut: tuple[Target, ...] = ()
    affinity_s: int = 0
    sources: tuple[str, ...] = ()
    serving: frozenset[str] = frozenset()
    policy: Literal["Cluster", "Local"] = "Cluster"

    @property
    def comment(self) -> str:
        """The owner, as long as a comment of nft may be. Two ports of a Service with a long name can have the same one."""
        return self.owner[:COMMENT_MAX]

    @property
    def key(self) -> tuple[str, str, int]:
        """What a packet says: destination, protocol, port."""
        return self.address, self.protocol, self.port


class Frontends(NamedTuple):
    """All frontends of a lab: those that are the same on every Node once, what each Node has of its own, and the balancer's."""

    everywhere: tuple[Frontend, ...]
    own: Mapping[str, tuple[Frontend, ...]]
    balancer: tuple[Frontend, ...] = ()

    def of(self, machine: str) -> tuple[Frontend, ...]:
        """Return what one Node has, or the machine outside."""
        return self.balancer if machine == OUTSIDE else self.everywhere + self.own.get(machine, ())

    @property
    def all(self) -> tuple[Frontend, ...]:
        """Every one of them."""
        return (*self.everywhere, *itertools.chain.from_iterable(self.own.values()), *self.balancer)


def owner(service: Service, port: ServicePort) -> str:
    """Return the name of a Service port as kube-proxy writes it: `default/web:http`, or `default/web` without a name."""
    name = f"{service.metadata.namespace}/{service.metadata.name}"
    return f"{name}:{port.name}" if port.name else name
