"""Where a namespace sends a packet: its own addresses first, then the longest prefix of its routes, as without `ip rule`.

Source: ip-route(8); the kernel's fib_frontend.c (addresses make local and broadcast routes), devinet.c (which source).
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_interface, ip_network
from typing import Final

from netlab.errors import NetlabError
from netlab.frozen import dataclass
from netlab.netstate.links import is_ipv6
from netlab.netstate.names import IfName
from netlab.netstate.state import Namespace

LO: Final = IfName("lo")
UNSPEC, UNICAST, LOCAL, BROADCAST, MULTICAST = 0, 1, 2, 3, 5
"""Types of routes, by the kernel's numbers (RTN_...)."""

FORWARDING: Final = {4: "net.ipv4.ip_forward", 6: "net.ipv6.conf.all.forwarding"}

Address = IPv4Address | IPv6Address
Prefix = IPv4Network | IPv6Network
_MULTICAST: Final = (ip_network("224.0.0.0/4"), ip_network("ff00::/8"))
_BROADCAST_BELOW: Final = 31  # a /31 and a /32 have no broadcast address (RFC 3021)


class CannotWalk(NetlabError):
    """The packet goes where a walk cannot follow: to many receivers at once, or by a link that is not described."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """The route a packet takes. `via` is "" on the link itself; `text` is the route as ip(8) prints it."""

    type: int
    dev: IfName
    via: str = ""
    text: str

    @property
    def is_local(self) -> bool:
        """Tell whether the packet is for this namespace."""
        return self.type == LOCAL


class Routes:
    """The routing of one namespace."""

    def __init__(self, namespace: Namespace) -> None:
        self.namespace = namespace
        self._sysctls = {one.key: one.value for one in namespace.sysctls}
        self._local = _by_length(_local_routes(namespace))
        self._main = _by_length(_main_routes(namespace))
        self._addresses = [(one.dev, ip_interface(one.address)) for one in sorted(namespace.addresses)]

    def find(self, address: str) -> Way | None:
        """Return the route to an address, None if there is none.

        Raises:
            CannotWalk: it leads to many receivers (broadcast, multicast).
        """
        way = next(self._ways(address), None)
        if way is not None and way.type in {BROADCAST, MULTICAST}:
            raise CannotWalk(f"{address}: {way.text} goes to many receivers at once")
        return way

    def type_of(self, address: str, dev: str) -> int:
        """Return the type of the route to an address, UNSPEC if there is none; only routes on `dev` count if one is given."""
        return next((way.type for way in self._ways(address) if dev in {"", way.dev}), UNSPEC)

    def owns(self, address: str) -> bool:
        """Tell whether this is an address of the namespace."""
        return self.type_of(address, "") == LOCAL

    def has_on(self, dev: str, address: str) -> bool:
        """Tell whether the interface itself has the address."""
        return any(own == dev and found.ip == parse_address(address) for own, found in self._addresses)

    def source_for(self, way: Way, destination: str) -> str:
        """Return the source of a packet from here, "" if there is none: for itself its own, else one of the interface."""
        return destination if way.is_local else self.address_on(way, destination)

    def address_on(self, way: Way, destination: str) -> str:
        """Return the address of a route's interface, first one of the subnet of who is next; any other's if it has none.

        IPv6 asks who is farthest, and stays within the scope (RFC 6724, rule 2): a next hop is mostly known by its link-local
        address, and such a source is of no use to anybody behind it.
        """
        wanted = parse_address(destination if is_ipv6(destination) else way.via or destination)
        fit = [
            one for one in self._addresses if one[1].version == wanted.version and one[1].is_link_local == wanted.is_link_local
        ]
        own, others = ([found for device, found in fit if (device == way.dev) == here] for here in (True, False))
        holding = [found for found in own if wanted in found.network]
        return next((str(found.ip) for found in (*holding, *own, *others)), "")

    def forwards(self, family: int) -> bool:
        """Tell whether packets for others are passed on."""
        return self._sysctls.get(FORWARDING[family], "0") == "1"

    def is_martian(self, source: str) -> bool:
        """Tell whether a source that came in from a link looks forged to the kernel: its own address, or loopback's (IPv4)."""
        return not is_ipv6(source) and self.owns(source)

    def _ways(self, address: str) -> Iterator[Way]:
        """Yield every route to an address, the one to take first."""
        wanted = parse_address(address)
        return (way for table in (self._local, self._main) for prefix, way in table if wanted in prefix)


@functools.lru_cache(maxsize=4096)
def parse_address(text: str) -> Address:
    """Return an address of either family."""
    return ip_address(text)


def _by_length(routes: Iterator[tuple[Prefix, Way]]) -> tuple[tuple[Prefix, Way], ...]:
    return tuple(sorted(routes, key=lambda item: (-item[0].prefixlen, str(item[0]), item[1].text)))


def _local_routes(namespace: Namespace) -> Iterator[tuple[Prefix, Way]]:
    """The routes that addresses make: the address itself, all of its subnet on lo, the last address of a subnet, multicast."""
    for text in ("127.0.0.0/8", "::1/128"):
        yield ip_network(text), Way(type=LOCAL, dev=LO, text=f"local {text} dev lo")
    for address in namespace.addresses:
        found = ip_interface(address.address)
        whole = address.dev == LO and not address.noprefixroute
        prefix = found.network if whole else ip_network(found.ip)
        yield prefix, Way(type=LOCAL, dev=address.dev, text=f"local {found.ip if not whole else prefix} dev {address.dev}")
        if isinstance(found, IPv4Interface) and found.network.prefixlen < _BROADCAST_BELOW:
            last = found.network.broadcast_address
            yield ip_network(last), Way(type=BROADCAST, dev=address.dev, text=f"broadcast {last} dev {address.dev}")
    for prefix in _MULTICAST:
        yield prefix, Way(type=MULTICAST, dev=LO, text=f"multicast {prefix}")


def _main_routes(namespace: Namespace) -> Iterator[tuple[Prefix, Way]]:
    for route in namespace.routes:
        is_other, destination = route.place
        if destination == "default":
            destination = "::/0" if is_other else "0.0.0.0/0"
        yield ip_network(destination), Way(type=UNICAST, dev=route.dev, via=route.via, text=str(route))
    for address in namespace.addresses:
        found = ip_interface(address.address)
        if not address.noprefixroute and address.dev != LO and found.network.prefixlen != found.max_prefixlen:
            text = f"{found.network} dev {address.dev}"
            yield found.network, Way(type=UNICAST, dev=address.dev, text=text)
