"""One network namespace in memory, as the kernel keeps it: links, addresses, routes, parameters; for the Fake.

What depends on a link goes with it, and what the kernel would not take is refused with the kernel's words (OSError):
a gateway must be reachable on its link; the last address of a link takes its routes along; the first address of a subnet
takes the later ones of that subnet along (promote_secondaries is 0 unless a machine says otherwise, so the Fake is strict).
IPv6 is milder: an address takes nothing along, and a link-local gateway is always reachable. Switched off, it forgets all.
Source: net/ipv4/devinet.c, fib_semantics.c, net/ipv6/addrconf.c, route.c, net/core/dev.c; tried on Linux 6.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Interface, IPv4Network, IPv6Interface, IPv6Network, ip_address, ip_interface, ip_network
from typing import Final, Literal, NoReturn

from netlab.kernel.fake_iptables import FakeIptables
from netlab.kernel.sysctl import SYSCTLS_OBSERVED
from netlab.netstate.iptables import Family, Variant
from netlab.netstate.links import Address, Bridge, Entry, Link, Neighbour, Route, Sysctl, Veth, Vxlan, is_ipv6
from netlab.netstate.names import IFNAMSIZ, IfName, NetnsName
from netlab.netstate.nft import NftTable

_MTU_MIN, _MTU_MAX = 68, 65535
_MAC = re.compile(r"[0-9a-f][02468ace](?::[0-9a-f]{2}){5}")  # the lowest bit of the first octet is that of multicast
_IF_NAME = re.compile(r"(?!\.{1,2}$)[^\s/:]+")
_PAIR_OF_NUMBERS = "net.ipv4.ping_group_range"
_IPV6_OFF = "net.ipv6.conf.all.disable_ipv6"
_IPV6_MTU_MIN: Final = 1280  # RFC 8200 section 5

# What a new namespace begins with where IPv6 and br_netfilter are loaded. A machine may hand on other IPv4 values of its own.
DEFAULT_SYSCTLS: Final = dict.fromkeys(SYSCTLS_OBSERVED, "0") | {
    "net.ipv4.conf.all.send_redirects": "1",
    "net.ipv4.conf.default.send_redirects": "1",
    "net.ipv4.ip_unprivileged_port_start": "1024",
    "net.bridge.bridge-nf-call-iptables": "1",
    "net.bridge.bridge-nf-call-ip6tables": "1",
    "net.ipv6.conf.default.accept_ra": "1",
    "net.ipv6.conf.default.accept_redirects": "1",
    _PAIR_OF_NUMBERS: "1\t0",
}


def refuse(code: int) -> NoReturn:
    """Raise OSError with the kernel's words for `code`."""
    raise OSError(code, os.strerror(code))


@dataclass(slots=True, eq=False)
class FakeLink:
    """A link, up. `peer` is a veth's other end; None once its namespace went and the kernel has not freed this one yet."""

    netns: NetnsName
    name: IfName
    kind: Literal["bridge", "veth", "vxlan"]
    mac: str
    mtu: int
    alias: str
    master: FakeLink | None = None
    peer: FakeLink | None = None
    tunnel: tuple[int, int, str] = (0, 0, "")  # VNI, port and local address of a vxlan


@dataclass(slots=True)
class FakeSpace:
    """One namespace. `alias` is that of its loopback: whose it is. Addresses keep the order in which they were added.

    `noted` is the table as netlab last wrote it.
    """

    name: NetnsName
    alias: str
    links: dict[IfName, FakeLink] = field(default_factory=dict)
    addresses: list[Address] = field(default_factory=list)
    entries: dict[tuple[IfName, str], Entry] = field(default_factory=dict)
    routes: dict[tuple[bool, str], Route] = field(default_factory=dict)
    sysctls: dict[str, str] = field(default_factory=lambda: dict(DEFAULT_SYSCTLS))
    table: NftTable | None = None
    noted: NftTable | None = None
    iptables: dict[tuple[Variant, Family], FakeIptables] = field(default_factory=dict)

    def add_link(self, link: FakeLink) -> None:
        """Put a link in. Raises OSError for a name, MAC or MTU that no link can have, and for a name that is taken."""
        if len(link.name.encode()) > IFNAMSIZ:
            refuse(errno.ERANGE)
        if not _IF_NAME.fullmatch(link.name):
            refuse(errno.EINVAL)
        if link.name in self.links or link.name == "lo":
            refuse(errno.EEXIST)
        if not _MAC.fullmatch(link.mac) or link.mac == "00:00:00:00:00:00":
            refuse(errno.EADDRNOTAVAIL)
        if not _MTU_MIN <= link.mtu <= _MTU_MAX:
            refuse(errno.EINVAL)
        if any(link.kind == other.kind == "vxlan" and link.tunnel[:2] == other.tunnel[:2] for other in self.links.values()):
            refuse(errno.EEXIST)
        self.links[link.name] = link

    def set_mtu(self, name: IfName, mtu: int) -> None:
        """Change a link's MTU. One that is too narrow for IPv6 forgets all of it."""
        self._check_dev(name)
        if not _MTU_MIN <= mtu <= _MTU_MAX:
            refuse(errno.EINVAL)
        self.links[name].mtu = mtu
        if mtu < _IPV6_MTU_MIN:
            self.addresses = [address for address in self.addresses if address.dev != name or not is_ipv6(address.address)]
            self._keep_routes(lambda route: route.dev != name or not route.place[0])

    def drop_link(self, name: IfName) -> None:
        """Take a link out with all that hangs on it; ports of a bridge become free."""
        gone = self.links.pop(name)
        for link in self.links.values():
            if link.master is gone:
                link.master = None
        self.addresses = [address for address in self.addresses if address.dev != name]
        self.entries = {place: entry for place, entry in self.entries.items() if entry.dev != name}
        self._keep_routes(lambda route: route.dev != name)

    def add_address(self, wanted: Address) -> None:
        """Put an address on a link, in place of the same one with other flags. Raises OSError."""
        address = replace(wanted, address=str(_interface(wanted.address)))
        self._check_dev(wanted.dev)
        self._check_ipv6(wanted.dev, wanted.address)
        if address in self.addresses:
            return
        for old in [item for item in self.addresses if (item.dev, item.address) == (address.dev, address.address)]:
            self.delete_address(old)
        self.addresses.append(address)

    def delete_address(self, unwanted: Address) -> None:
        """Take an address away with what the kernel takes along, of IPv4; one that is not there is fine."""
        text = str(_interface(unwanted.address))
        position = next((n for n, item in enumerate(self.addresses) if (item.dev, item.address) == (unwanted.dev, text)), None)
        if position is None:
            return
        if is_ipv6(text):
            del self.addresses[position]
            return
        network = _interface(text).network

        def is_sibling(item: Address) -> bool:
            return item.dev == unwanted.dev and _interface(item.address).network == network

        first = not any(is_sibling(item) for item in self.addresses[:position])
        later = [item for item in self.addresses[position + 1 :] if not (first and is_sibling(item))]
        self.addresses[position:] = later
        if not any(item.dev == unwanted.dev and not is_ipv6(item.address) for item in self.addresses):
            self._keep_routes(lambda route: route.dev != unwanted.dev or route.place[0])

    def add_entry(self, wanted: Entry) -> None:
        """Write an entry, in place of one for the same address or MAC. Raises OSError."""
        self._check_dev(wanted.dev)
        self.entries[_about(wanted)] = wanted

    def delete_entry(self, unwanted: Entry) -> None:
        """Remove an entry; one that is not there is fine."""
        self.entries.pop(_about(unwanted), None)

    def add_route(self, wanted: Route) -> None:
        """Put a route in, in place of the one to the same destination. Raises OSError if its gateway is not on its link."""
        self._check_dev(wanted.dev)
        route = _route(wanted)
        if route.via and not self._is_on_link(route):
            refuse(errno.EHOSTUNREACH if is_ipv6(route.via) else errno.ENETUNREACH)
        if route.place[0]:
            self._check_ipv6(route.dev, route.via)
        self.routes[route.place] = route

    def delete_route(self, unwanted: Route) -> None:
        """Take a route away; one that is not there, or leads another way, is left alone."""
        route = _route(unwanted)
        if self.routes.get(route.place) == route:
            del self.routes[route.place]

    def set_sysctl(self, sysctl: Sysctl) -> None:
        """Write a parameter. Raises OSError if there is no such file, or for what is no number."""
        if not sysctl.key.startswith("net."):
            raise PermissionError(errno.EPERM, f"{sysctl.key} is no parameter of a network namespace")
        if sysctl.key not in self.sysctls:
            refuse(errno.ENOENT)
        numbers = sysctl.value.split()
        wanted = 2 if sysctl.key == _PAIR_OF_NUMBERS else 1
        if len(numbers) != wanted or not all(re.fullmatch(r"-?\d+", number) for number in numbers):
            refuse(errno.EINVAL)
        self.sysctls[sysctl.key] = "\t".join(str(int(number)) for number in numbers)
        if sysctl.key == _IPV6_OFF:  # the kernel hands it on to all, the default included
            self.sysctls["net.ipv6.conf.default.disable_ipv6"] = self.sysctls[sysctl.key]
            if self.sysctls[sysctl.key] != "0":
                self.addresses = [address for address in self.addresses if not is_ipv6(address.address)]
                self._keep_routes(lambda route: not route.place[0])

    def _check_dev(self, dev: IfName) -> None:
        if dev != "lo" and dev not in self.links:
            refuse(errno.ENODEV)

    def _check_ipv6(self, dev: IfName, address: str) -> None:
        """Refuse an IPv6 address where IPv6 is off, and on a link that is too narrow for it (which has no IPv6 at all)."""
        if not is_ipv6(address):
            return
        if dev != "lo" and self.links[dev].mtu < _IPV6_MTU_MIN:
            refuse(errno.EINVAL)
        if self.sysctls[_IPV6_OFF] != "0":
            refuse(errno.EACCES)

    def _keep_routes(self, is_kept: Callable[[Route], bool]) -> None:
        self.routes = {place: route for place, route in self.routes.items() if is_kept(route)}

    def _is_on_link(self, wanted: Route) -> bool:
        """Tell whether the gateway lies in the subnet of an address of the link, or behind an on-link route of it."""
        via = ip_address(wanted.via)
        if wanted.onlink or (via.version == 6 and via.is_link_local):  # noqa: PLR2004 - IP's version
            return True
        subnets = [
            _interface(item.address).network for item in self.addresses if item.dev == wanted.dev and not item.noprefixroute
        ]
        subnets += [_network(item) for item in self.routes.values() if item.dev == wanted.dev and not item.via]
        return any(via in subnet for subnet in subnets)


def _about(entry: Entry) -> tuple[IfName, str]:
    return entry.dev, entry.address if isinstance(entry, Neighbour) else entry.mac


def _interface(text: str) -> IPv4Interface | IPv6Interface:
    try:
        return ip_interface(text)
    except ValueError:
        refuse(errno.EINVAL)


def _network(route: Route) -> IPv4Network | IPv6Network:
    everything = "::/0" if route.place[0] else "0.0.0.0/0"
    try:
        return ip_network(everything if route.destination == "default" else route.destination)
    except ValueError:
        refuse(errno.EINVAL)


def _route(route: Route) -> Route:
    """Return the route with its destination as ip(8) writes it: `default`, a host without its prefix length."""
    network = _network(route)
    if not network.prefixlen:
        return replace(route, destination="default")
    return replace(route, destination=str(network.network_address if network.prefixlen == network.max_prefixlen else network))


def noun(link: FakeLink, names: frozenset[NetnsName], mark: str) -> Link:
    """Return a link in Linux' words; of its peer and master only what is in these namespaces and carries the mark."""
    if link.kind == "bridge":
        return Bridge(name=link.name, mac=link.mac, mtu=link.mtu, alias=link.alias)
    if link.kind == "vxlan":
        vni, port, local = link.tunnel
        return Vxlan(name=link.name, mac=link.mac, mtu=link.mtu, vni=vni, port=port, local=local, alias=link.alias)
    peer = link.peer if link.peer and link.peer.netns in names and link.peer.alias == mark else None
    master = link.master if link.master and link.master.alias == mark else None
    return Veth(
        name=link.name,
        mac=link.mac,
        mtu=link.mtu,
        peer_netns=peer.netns if peer else NetnsName(""),
        peer_name=peer.name if peer else IfName(""),
        peer_mac=peer.mac if peer else "",
        master=master.name if master else None,
        alias=link.alias,
    )
