"""The formats of addresses and subnets as text; each check returns "" or what is wrong, as all do (formats.py).

Ranges that forgive blanks and zeros, as loadBalancerSourceRanges do, stand in ranges.py.
Source: k8s.io/apimachinery/pkg/util/validation; kubeadm, networking.podSubnet (two subnets in one text).
"""

from __future__ import annotations

import functools
import ipaddress
import re
from collections.abc import Callable
from typing import Any

_OCTET = "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_IPV4 = rf"{_OCTET}(\.{_OCTET}){{3}}"
_CIDR = r"([0-9]{1,3}(\.[0-9]{1,3}){3}|[0-9a-fA-F:.]*:[0-9a-fA-F:.]*)/[0-9]{1,3}"
_MAPPED = bytes(10) + b"\xff\xff"
CIDR_TEXT = "must be a subnet in CIDR notation, for example 10.244.0.0/16 or fd00:10:244::/56"


@functools.cache
def matcher(pattern: str) -> Callable[[str], object]:
    """Return what tells whether a whole text matches, made when it is first used: `re` finds a pattern again in 0.5 µs more."""
    return re.compile(pattern).fullmatch


def ip(value: str) -> str:
    """An IPv4 or IPv6 address. Leading zeros and zones are refused: programs disagree about what they mean."""
    if matcher(_IPV4)(value):
        return ""
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return "must be a valid IP address, (e.g. 10.9.8.7)"
    return "must be an IP address without a zone" if "%" in value else ""


def canonical_ip(value: Any) -> Any:
    """Return an IPv6 address in the one form in which Linux prints it; anything else as it is.

    What it embeds of IPv4 stands in dots, where Python writes that differently from version to version.
    Source: RFC 5952; inet_ntop(3).
    """
    if not isinstance(value, str) or ":" not in value or "%" in value:
        return value
    try:
        found = ipaddress.IPv6Address(value)
    except ValueError:
        return value
    before, last = found.packed[:12], found.packed[12:]
    if before == _MAPPED or (before == bytes(12) and last >= b"\0\1"):
        return f"::{'ffff:' if before == _MAPPED else ''}{ipaddress.IPv4Address(last)}"
    return str(found)


def cluster_ip(value: str) -> str:
    """Empty (to be assigned), `None` (headless) or an address."""
    return "" if value in ("", "None") or not ip(value) else "must be empty, 'None', or a valid IP address"


def cidr(value: str) -> str:
    """A subnet in its only form; an address of a machine inside it (host bits) is refused, the message says the subnet."""
    if not re.fullmatch(_CIDR, value):
        return CIDR_TEXT
    try:
        network = ipaddress.ip_network(value, strict=False)
        address = ipaddress.ip_address(value.partition("/")[0])
    except ValueError:
        return CIDR_TEXT
    if address != network.network_address:
        return f"must not have host bits set; the subnet is {network}"
    return "" if str(network) == value else f"must be written {network}"


def cidrs(value: str) -> str:
    """A subnet, or two of different families joined by a comma, as kubeadm has them."""
    if " " in value:
        return "must have no spaces"
    parts = value.split(",")
    if fault := next((fault for fault in map(cidr, parts) if fault), ""):
        return fault
    if len(parts) > len({":" in part for part in parts}):
        return "must be one subnet, or one of IPv4 and one of IPv6 joined by a comma"
    return ""
