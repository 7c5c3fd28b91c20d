"""Links and addresses as rtnetlink messages, and back. Source: rtnetlink(7), linux/if_link.h, linux/rtnetlink.h.

Pure packing and parsing: no socket here. Numbers in messages are in the machine's byte order, addresses in the network's.
"""

from __future__ import annotations

import socket
import struct
from typing import Final

from netlab.frozen import dataclass
from netlab.kernel.netlink import (
    NLM_F_CREATE,
    NLM_F_EXCL,
    Message,
    attribute,
    attributes,
    nested,
    number,
    text,
)
from netlab.netstate.links import Address, Bridge, Veth, Vxlan, is_ipv6
from netlab.netstate.names import IfName

LOOPBACK_INDEX: Final = 1
IPV6_BYTES: Final = 16

_RTM_NEWLINK, _RTM_DELLINK, _RTM_GETLINK, _RTM_SETLINK = 16, 17, 18, 19
_RTM_NEWADDR, _RTM_DELADDR, _RTM_GETADDR = 20, 21, 22
_RTM_GETNSID = 90

_IFLA_ADDRESS, _IFLA_IFNAME, _IFLA_MTU, _IFLA_LINK, _IFLA_MASTER = 1, 3, 4, 5, 10
_IFLA_LINKINFO, _IFLA_IFALIAS, _IFLA_GROUP, _IFLA_NET_NS_FD, _IFLA_EXT_MASK, _IFLA_LINK_NETNSID = 18, 20, 27, 28, 29, 37
_IFLA_INFO_KIND, _IFLA_INFO_DATA, _VETH_INFO_PEER = 1, 2, 1
_VXLAN_ID, _VXLAN_LOCAL, _VXLAN_LEARNING, _VXLAN_PORT, _VXLAN_LOCAL6 = 1, 4, 7, 15, 17
_RTEXT_FILTER_SKIP_STATS = 8
_IFF_UP = 1

_RT_SCOPE_UNIVERSE = 0
_IFA_ADDRESS, _IFA_LOCAL, _IFA_FLAGS, _IFA_PROTO = 1, 2, 8, 11
_IFAPROT_KERNEL_LL = b"\3"  # since Linux 5.18
_IFA_F_NODAD, _IFA_F_NOPREFIXROUTE = 0x02, 0x200
_NETNSA_NSID, _NETNSA_FD = 1, 3

_IFINFO = struct.Struct("=BxHiII")
_IFADDR = struct.Struct("=BBBBI")
_INT = struct.Struct("=i")
_LOOPBACKS = ("127.", "::1")


@dataclass(frozen=True, slots=True)
class SeenLink:
    """A link as the kernel tells it. `peer_index` is the other end's index in the namespace numbered `peer_nsid` (-1: this).

    `vni`, `port` and `local` are those of a vxlan.
    """

    index: int
    name: str
    kind: str
    mac: str
    mtu: int
    alias: str
    up: bool
    master: int
    peer_index: int
    peer_nsid: int
    vni: int = 0
    port: int = 0
    local: str = ""


def add_bridge(bridge: Bridge) -> Message:
    """Return the request for a bridge, up. Its alias and its MTU follow by `mark_link`: creation does not take them.

    A bridge takes over its smallest port's MTU until its own was changed, and setting what it is already is no change.
    """
    return _new_link(bridge.name, bridge.mac, bridge.mtu - 1, nested(_IFLA_LINKINFO, text(_IFLA_INFO_KIND, "bridge")))


def add_vxlan(vxlan: Vxlan) -> Message:
    """Return the request for a tunnel, up. Its alias follows by `mark_link`."""
    family, local = packed(vxlan.local)
    inside = nested(
        _IFLA_INFO_DATA,
        number(_VXLAN_ID, vxlan.vni),
        attribute(_VXLAN_LOCAL if family == socket.AF_INET else _VXLAN_LOCAL6, local),
        attribute(_VXLAN_PORT, vxlan.port.to_bytes(2, "big")),
        attribute(_VXLAN_LEARNING, b"\0"),
    )
    return _new_link(vxlan.name, vxlan.mac, vxlan.mtu, nested(_IFLA_LINKINFO, text(_IFLA_INFO_KIND, "vxlan"), inside))


def add_veth(veth: Veth, master_index: int, peer_netns_fd: int) -> Message:
    """Return the request for a whole pair, the near end up and a port of the bridge `master_index` (0: of none)."""
    # The far end cannot be up already (ENOTCONN): the kernel joins the ends after it made both.
    far = _IFINFO.pack(0, 0, 0, 0, 0) + b"".join(
        (
            text(_IFLA_IFNAME, veth.peer_name),
            attribute(_IFLA_ADDRESS, mac_bytes(veth.peer_mac)),
            number(_IFLA_MTU, veth.mtu),
            number(_IFLA_NET_NS_FD, peer_netns_fd),
        )
    )
    information = nested(_IFLA_INFO_DATA, attribute(_VETH_INFO_PEER, far))
    more = [nested(_IFLA_LINKINFO, text(_IFLA_INFO_KIND, "veth"), information)]
    if master_index:
        more.append(number(_IFLA_MASTER, master_index))
    return _new_link(veth.name, veth.mac, veth.mtu, *more)


def _new_link(name: str, mac: str, mtu: int, *more: bytes) -> Message:
    common = text(_IFLA_IFNAME, name) + attribute(_IFLA_ADDRESS, mac_bytes(mac)) + number(_IFLA_MTU, mtu)
    payload = _IFINFO.pack(0, 0, 0, _IFF_UP, _IFF_UP) + common + b"".join(more)
    return Message(_RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, payload)


def mark_link(name: str, alias: str, mtu: int = 0) -> Message:
    """Return the request that gives a link its alias and brings it up, and changes its MTU if one is given."""
    payload = _IFINFO.pack(0, 0, 0, _IFF_UP, _IFF_UP) + text(_IFLA_IFNAME, name) + attribute(_IFLA_IFALIAS, alias.encode())
    return Message(_RTM_SETLINK, 0, payload + (number(_IFLA_MTU, mtu) if mtu else b""))


def set_mtu(name: str, mtu: int) -> Message:
    """Return the request that changes a link's MTU."""
    return Message(_RTM_SETLINK, 0, _IFINFO.pack(0, 0, 0, 0, 0) + text(_IFLA_IFNAME, name) + number(_IFLA_MTU, mtu))


def group_link(name: str, group: int) -> Message:
    """Return the request that puts a link into a group."""
    return Message(_RTM_SETLINK, 0, _IFINFO.pack(0, 0, 0, 0, 0) + text(_IFLA_IFNAME, name) + number(_IFLA_GROUP, group))


def delete_group(group: int) -> Message:
    """Return the request that removes all links of a group: one RCU grace period for all, not one each."""
    return Message(_RTM_DELLINK, 0, _IFINFO.pack(0, 0, 0, 0, 0) + number(_IFLA_GROUP, group))


def delete_link(name: str) -> Message:
    """Return the request that removes a link by name."""
    return Message(_RTM_DELLINK, 0, _IFINFO.pack(0, 0, 0, 0, 0) + text(_IFLA_IFNAME, name))


def get_links(index: int = 0) -> Message:
    """Return the question for one link by index, or for all (a dump) without one; statistics left out."""
    return Message(_RTM_GETLINK, 0, _IFINFO.pack(0, 0, index, 0, 0) + number(_IFLA_EXT_MASK, _RTEXT_FILTER_SKIP_STATS))


def get_link(name: str) -> Message:
    """Return the question for one link by name."""
    payload = _IFINFO.pack(0, 0, 0, 0, 0) + number(_IFLA_EXT_MASK, _RTEXT_FILTER_SKIP_STATS) + text(_IFLA_IFNAME, name)
    return Message(_RTM_GETLINK, 0, payload)


def get_nsid(netns_fd: int) -> Message:
    """Return the question for the number by which a namespace knows another one."""
    return Message(_RTM_GETNSID, 0, bytes(4) + number(_NETNSA_FD, netns_fd))


def parse_nsid(payload: bytes) -> int:
    """Return the number; -1 if the namespaces do not know each other."""
    found = attributes(payload, 4).get(_NETNSA_NSID)
    return int(_INT.unpack(found)[0]) if found else -1


def parse_link(payload: bytes) -> SeenLink:
    """Return what a link message says."""
    _, _, index, flags, _ = _IFINFO.unpack_from(payload)
    found = attributes(payload, _IFINFO.size)
    information = attributes(found.get(_IFLA_LINKINFO, b""))
    kind = _string(information.get(_IFLA_INFO_KIND))
    tunnel = attributes(information.get(_IFLA_INFO_DATA, b"")) if kind == "vxlan" else {}
    return SeenLink(
        index=index,
        name=_string(found.get(_IFLA_IFNAME)),
        kind=kind,
        mac=found.get(_IFLA_ADDRESS, b"").hex(":"),
        mtu=integer(found.get(_IFLA_MTU)),
        alias=_string(found.get(_IFLA_IFALIAS)),
        up=bool(flags & _IFF_UP),
        master=integer(found.get(_IFLA_MASTER)),
        peer_index=integer(found.get(_IFLA_LINK)),
        peer_nsid=integer(found.get(_IFLA_LINK_NETNSID), missing=-1),
        vni=integer(tunnel.get(_VXLAN_ID)),
        port=int.from_bytes(tunnel.get(_VXLAN_PORT, b""), "big"),
        local=host_text(tunnel.get(_VXLAN_LOCAL, tunnel.get(_VXLAN_LOCAL6))),
    )


def add_address(address: Address, index: int) -> Message:
    """Return the request that puts an address on the link `index`."""
    return Message(_RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, _address(address, index))


def delete_address(address: Address, index: int) -> Message:
    """Return the request that takes an address from the link `index`."""
    return Message(_RTM_DELADDR, 0, _address(address, index))


def _address(address: Address, index: int) -> bytes:
    host, _, length = address.address.partition("/")
    family, address_bytes = packed(host)
    payload = _IFADDR.pack(family, int(length or len(address_bytes) * 8), 0, _RT_SCOPE_UNIVERSE, index)
    payload += attribute(_IFA_LOCAL, address_bytes) + attribute(_IFA_ADDRESS, address_bytes)
    flags = (_IFA_F_NOPREFIXROUTE if address.noprefixroute else 0) | (_IFA_F_NODAD if address.nodad else 0)
    return payload + (number(_IFA_FLAGS, flags) if flags else b"")


def get_addresses() -> Message:
    """Return the question for all addresses, of both families."""
    return Message(_RTM_GETADDR, 0, _IFADDR.pack(socket.AF_UNSPEC, 0, 0, 0, 0))


def parse_address(payload: bytes, names: dict[int, str]) -> Address | None:
    """Return the address; None if its link is not in `names`, or the kernel made it: the loopback's, a link-local one."""
    family, length, _, _, index = _IFADDR.unpack_from(payload)
    found = attributes(payload, _IFADDR.size)
    host = socket.inet_ntop(family, found.get(_IFA_LOCAL) or found[_IFA_ADDRESS])
    if index not in names or (index == LOOPBACK_INDEX and host.startswith(_LOOPBACKS)):
        return None
    if found.get(_IFA_PROTO) == _IFAPROT_KERNEL_LL:
        return None
    flags = integer(found.get(_IFA_FLAGS))
    return Address(
        dev=IfName(names[index]),
        address=f"{host}/{length}",
        noprefixroute=bool(flags & _IFA_F_NOPREFIXROUTE),
        nodad=bool(flags & _IFA_F_NODAD),
    )


def packed(host: str) -> tuple[int, bytes]:
    """Return an address' family, and its four or sixteen bytes."""
    family = socket.AF_INET6 if is_ipv6(host) else socket.AF_INET
    return family, socket.inet_pton(family, host)


def mac_bytes(mac: str) -> bytes:
    """Return a MAC's six bytes."""
    return bytes.fromhex(mac.replace(":", ""))


def host_text(value: bytes | None) -> str:
    """Return the address of four or sixteen bytes, "" for none."""
    family = socket.AF_INET6 if value and len(value) == IPV6_BYTES else socket.AF_INET
    return socket.inet_ntop(family, value) if value else ""


def _string(value: bytes | None) -> str:
    return value.rstrip(b"\0").decode(errors="replace") if value else ""


def integer(value: bytes | None, missing: int = 0) -> int:
    """Return a number of four bytes, `missing` for none."""
    return int(_INT.unpack(value)[0]) if value else missing
