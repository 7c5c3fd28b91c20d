"""IP families: which one an address or a subnet is of, and what a lab has of each where it says nothing else.

    dual stack is one more address of everything: `10.244.1.2` and `fd00:10:244:1::2` are one Pod's
    several subnets stand in one text, the primary family first: `10.244.0.0/16,fd00:10:244::/56`

The defaults are kind's. Source: kubeadm ClusterConfiguration (networking.podSubnet, serviceSubnet); kind, Configuration
(ipFamily) and its defaults; RFC 5737 and RFC 3849 for the address of outside, which no real machine has.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Literal, TypeAlias

IPFamily: TypeAlias = Literal["IPv4", "IPv6"]
LabFamilies: TypeAlias = Literal["", "ipv4", "ipv6", "dual"]

FAMILIES_OF: Final[Mapping[LabFamilies, tuple[IPFamily, ...]]] = {
    "ipv4": ("IPv4",),
    "ipv6": ("IPv6",),
    "dual": ("IPv4", "IPv6"),
}
DEFAULT_SUBNETS: Final[Mapping[str, Mapping[IPFamily, str]]] = {
    "node_subnet": {"IPv4": "172.18.0.0/16", "IPv6": "fc00:f853:ccd:e793::/64"},
    "pod_subnet": {"IPv4": "10.244.0.0/16", "IPv6": "fd00:10:244::/56"},
    "service_subnet": {"IPv4": "10.96.0.0/16", "IPv6": "fd00:10:96::/112"},
    "outside_subnet": {"IPv4": "203.0.113.1/32", "IPv6": "2001:db8::1/128"},
    "load_balancer_subnet": {"IPv4": "192.0.2.0/24", "IPv6": "2001:db8:1::/112"},
}


def family_of(text: str) -> IPFamily:
    """Return the family of an address or a subnet: only IPv6 is written with colons."""
    return "IPv6" if ":" in text else "IPv4"


def listed(subnets: str) -> tuple[str, ...]:
    """Return the subnets of one text: `a,b` is two."""
    return tuple(subnets.split(",")) if subnets else ()


def word_of(families: Sequence[IPFamily]) -> LabFamilies:
    """Return the one word for the families of a lab, whichever comes first: `dual`."""
    return next(word for word, found in FAMILIES_OF.items() if set(found) == set(families))
