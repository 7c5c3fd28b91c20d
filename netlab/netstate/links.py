"""Links, addresses, neighbours, routes and sysctls of one network namespace.

Source: ip-link(8), ip-address(8), ip-neighbour(8), bridge(8), ip-route(8), Documentation/networking/ip-sysctl. Only what netlab
itself makes is described: the link-local route and the local table that the kernel adds by itself are no nouns here.
"""

from __future__ import annotations

from netlab.frozen import dataclass
from netlab.netstate.names import IfName, NetnsName

ROUTE_PROTOCOL = 98
"""The rtm_protocol of our routes (`ip route ... proto 98`): only those are looked at; users and daemons may add others."""

UNLESS_PRESENT = {
    "net.ipv6.conf.all.disable_ipv6": "1",
    "net.ipv6.conf.default.disable_ipv6": "1",
    "net.bridge.bridge-nf-call-iptables": "0",
    "net.bridge.bridge-nf-call-ip6tables": "0",
}
"""Sysctls a machine may lack, and how it behaves then. br_netfilter may be loaded at any time: its file appears with a 1."""


def is_ipv6(text: str) -> bool:
    """Tell the family of an address or a subnet in text: only IPv6 is written with colons."""
    return ":" in text


def socket_text(host: str, port: int) -> str:
    """Return an address with a port: `10.0.0.1:80`, `[fd00::1]:80` (RFC 3986 section 3.2.2)."""
    return f"[{host}]:{port}" if is_ipv6(host) else f"{host}:{port}"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Bridge:
    """A bridge, up. `alias` is the ownership mark (`netlab <lab uid>`)."""

    name: IfName
    mac: str
    mtu: int
    alias: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Veth:
    """One end of a veth pair, up. The other end is `peer_name` in `peer_netns`; `master` is the bridge, if it is a port.

    The pair is made from the end whose `master` is set (the switch side); the other end is created by the same message.
    """

    name: IfName
    mac: str
    mtu: int
    peer_netns: NetnsName
    peer_name: IfName
    peer_mac: str
    master: IfName | None = None
    alias: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Vxlan:
    """One end of a tunnel that carries frames in UDP packets, up: network `vni`, from the address `local`, to `port`.

    It learns nothing from what arrives: where each MAC is, is written down (FdbEntry). Source: RFC 7348.
    """

    name: IfName
    mac: str
    mtu: int
    vni: int
    port: int
    local: str
    alias: str = ""


Link = Bridge | Veth | Vxlan


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Address:
    """An address with its prefix length (`10.244.1.1/24`, `fd00:10:244:1::1/64`) on `dev`.

    `noprefixroute` leaves out the subnet's route. `nodad` is for IPv6: the address is used at once, and not first for a second
    doubted (duplicate address detection, RFC 4862 section 5.4).
    """

    dev: IfName
    address: str
    noprefixroute: bool = False
    nodad: bool = False

    def __str__(self) -> str:
        flags = (" nodad" if self.nodad else "") + (" noprefixroute" if self.noprefixroute else "")
        return f"{self.address} dev {self.dev}{flags}"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Neighbour:
    """Who has an address on a tunnel `dev`, written down for good, so that nobody is asked."""

    dev: IfName
    address: str
    mac: str

    def __str__(self) -> str:
        return f"{self.address} lladdr {self.mac} dev {self.dev}"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class FdbEntry:
    """Where frames to a MAC are sent by a tunnel `dev`: to the machine that has the address `dst`."""

    dev: IfName
    mac: str
    dst: str

    def __str__(self) -> str:
        return f"{self.mac} dev {self.dev} dst {self.dst}"


Entry = Neighbour | FdbEntry
"""What a tunnel knows by heart. Entries of other links are not looked at: there the kernel asks."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Route:
    """A route of the main table: `destination` is CIDR text or `default`; without `via` it is on-link (scope link).

    With `onlink` the gateway is taken to be on the link though no other route says so. A `default` is of the family of its
    gateway; without one it is IPv4's.
    """

    destination: str
    dev: IfName
    via: str = ""
    onlink: bool = False

    @property
    def place(self) -> tuple[bool, str]:
        """What there is one route for: the table of its family (is it IPv6's?) and the destination."""
        return is_ipv6(self.destination) or is_ipv6(self.via), self.destination

    def __str__(self) -> str:
        via = f" via {self.via}" if self.via else ""
        return f"{self.destination}{via} dev {self.dev}{' onlink' if self.onlink else ''}"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Sysctl:
    """A kernel parameter of the namespace by its dotted key (`net.ipv4.ip_forward`) and its text without newline."""

    key: str
    value: str

    @property
    def path(self) -> str:
        """The file under /proc/sys; a dot inside an interface name is written as a slash in the key (sysctl(8))."""
        return "/proc/sys/" + self.key.translate(str.maketrans("./", "/."))
