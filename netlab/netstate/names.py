"""Names that Linux puts limits on: interface names of at most 15 bytes, namespace names of at most 255, MAC addresses.

Derived names are hashes of what they stand for, so the same wish has the same name in every run and after every crash.
A link-local address is made from a MAC, so it is as lasting.
"""

from __future__ import annotations

from typing import NewType

NetnsName = NewType("NetnsName", str)
IfName = NewType("IfName", str)

IFNAMSIZ = 15
NAME_MAX = 255
FABRIC, OUTSIDE = "fabric", "outside"
"""The machines that are no Nodes: the switch between all of them, and a client that is not part of the cluster."""


def digest(*parts: str) -> str:
    """Return 64 hexadecimal digits that stand for `parts`; different lists of parts never share an input."""
    import hashlib  # noqa: PLC0415 - it loads OpenSSL, and commands that only look seldom need it

    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def machine_netns(lab: str, machine: str) -> NetnsName:
    """Return the namespace name of a Node, the fabric or `outside`: `<lab>.<machine>`, exactly one dot."""
    return NetnsName(f"{lab}.{machine}")


def pod_netns(lab: str, namespace: str, pod: str) -> NetnsName:
    """Return the namespace name of a Pod: `<lab>.<namespace>.<pod>`, at least two dots, cut with a hash at 255 bytes."""
    name = f"{lab}.{namespace}.{pod}"
    return NetnsName(name if len(name) <= NAME_MAX else f"{name[: NAME_MAX - 9]}-{digest(name)[:8]}")


def veth_name(*parts: str) -> IfName:
    """Return `veth` and eight hexadecimal digits, as CNI plugins name the Node's end of a Pod's link."""
    return IfName(f"veth{digest(*parts)[:8]}")


def mac_address(*parts: str) -> str:
    """Return a locally administered unicast MAC derived from `parts` (IEEE 802: second hex digit 2)."""
    octets = digest("mac", *parts)[:10]
    return "02:" + ":".join(octets[n : n + 2] for n in range(0, 10, 2))


def link_local(mac: str) -> str:
    """Return the IPv6 link-local address that Linux gives a link with this MAC (RFC 4291 appendix A, modified EUI-64)."""
    from ipaddress import IPv6Address  # noqa: PLC0415 - a command in a container asks this room for names only

    first, *rest = bytes.fromhex(mac.replace(":", ""))
    identifier = bytes((first ^ 2, *rest[:2], 0xFF, 0xFE, *rest[2:]))
    return str(IPv6Address(b"\xfe\x80" + bytes(6) + identifier))
