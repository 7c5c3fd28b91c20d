"""Ranges of addresses as loadBalancerSourceRanges has them: Kubernetes forgives blanks around them and zeros before numbers.

Source: Kubernetes pkg/apis/core/v1/helper (LoadBalancerSourceRanges), netutils ParseCIDRSloppy: `010.0.0.0/8` is 10.0.0.0/8.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_network
from typing import Any

PRIMARY = "primary"
RANGE_TEXT = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"


def parse_range(text: str) -> IPv4Network | IPv6Network:
    """Return the range that a written one means, its host bits cleared. Raises ValueError."""
    address, slash, length = text.strip().partition("/")
    if not slash or not (length.isascii() and length.isdecimal()):
        raise ValueError(RANGE_TEXT)
    if ":" not in address and all(part.isascii() and part.isdecimal() for part in address.split(".")):
        address = ".".join(str(int(part)) for part in address.split("."))
    return ip_network(f"{address}/{length}", strict=False)


def source_range(value: Any) -> str:
    """The check of a field that holds one range: "" or what is wrong with it."""
    try:
        parse_range(value)
    except ValueError:
        return RANGE_TEXT
    return ""


def node_port_addresses(value: Any) -> str:
    """The check of a field that holds one range of a Node's addresses, or the word for its own address."""
    return "" if value == PRIMARY else source_range(value)


def ranges_of(texts: Iterable[str], *, like: str) -> tuple[str, ...]:
    """Return the ranges of the family of the address `like`, those that touch or repeat each other joined, in order."""
    version = 6 if ":" in like else 4
    found = [network for text in texts if (network := parse_range(text)).version == version]
    return tuple(str(network) for network in collapse_addresses(found))  # type: ignore[type-var]


def chooses_all(texts: Iterable[str], *, like: str) -> bool:
    """Tell whether ranges of a Node's addresses choose all of the family of `like`: there is none of it, or one of length 0."""
    written = tuple(texts)
    if PRIMARY in written:
        return False
    mine = [network for network in map(parse_range, written) if network.version == (6 if ":" in like else 4)]
    return not mine or any(not network.prefixlen for network in mine)
