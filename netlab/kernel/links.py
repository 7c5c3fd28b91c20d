"""What hangs in namespaces, looked at: links with their other ends, addresses, entries, routes. The way back of steps.

Only what carries the mark is described: a link without it, and what is on it, belongs to the user of the lab (law 4).
Routes are netlab's if their protocol says so. A veth names its peer's namespace: the kernel tells the peer's index and a
number for its namespace that only the near namespace understands, so the candidates are compared by that number.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field

from netlab.frozen import dataclass
from netlab.kernel import rtneighbours, rtnetlink, rtroutes
from netlab.kernel.namespaces import OpenNamespaces
from netlab.kernel.netlink import NetlinkSocket
from netlab.kernel.rtnetlink import SeenLink
from netlab.netstate.links import Address, Bridge, Entry, Link, Route, Veth, Vxlan
from netlab.netstate.names import IfName, NetnsName


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """The marked links of one namespace by index, their addresses, what its tunnels know, netlab's routes."""

    links: Mapping[int, SeenLink] = field(default_factory=dict)
    addresses: frozenset[Address] = frozenset()
    entries: frozenset[Entry] = frozenset()
    routes: frozenset[Route] = frozenset()


def look(netlink: NetlinkSocket, mark: str) -> Seen | None:
    """Return what is in the namespace of `netlink`; None if its loopback does not carry `mark`. Raises OSError."""
    found = [rtnetlink.parse_link(payload) for payload in netlink.dump(rtnetlink.get_links())]
    links = {link.index: link for link in found if link.alias == mark}
    if rtnetlink.LOOPBACK_INDEX not in links:
        return None
    marked = {index: link.name for index, link in links.items()}
    every = {link.index: link.name for link in found}
    addresses = (rtnetlink.parse_address(payload, marked) for payload in netlink.dump(rtnetlink.get_addresses()))
    routes = (rtroutes.parse_route(payload, every) for payload in netlink.dump(rtroutes.get_routes()))
    return Seen(
        links=links,
        addresses=frozenset(address for address in addresses if address is not None),
        entries=frozenset(_entries(netlink, [link for link in links.values() if link.kind == "vxlan"])),
        routes=frozenset(route for route in routes if route is not None),
    )


def _entries(netlink: NetlinkSocket, tunnels: Iterable[SeenLink]) -> Iterator[Entry]:
    for link in tunnels:
        payloads = (payload for question in rtneighbours.get_entries(link.index) for payload in netlink.dump(question))
        found = (rtneighbours.parse_entry(payload, link.index, IfName(link.name)) for payload in payloads)
        yield from (entry for entry in found if entry is not None)


class Peers:
    """Which veth end is whose other end, among all namespaces of a scope."""

    def __init__(self, seen: Mapping[NetnsName, Seen], namespaces: OpenNamespaces) -> None:
        self._seen, self._namespaces = seen, namespaces
        self._ends: dict[tuple[int, int], list[NetnsName]] = {}
        for name, things in seen.items():
            for link in things.links.values():
                if link.kind == "veth":
                    self._ends.setdefault((link.index, link.peer_index), []).append(name)
        self._known: dict[tuple[NetnsName, int], NetnsName] = {}

    def find(self, name: NetnsName, link: SeenLink) -> tuple[NetnsName, SeenLink] | None:
        """Return namespace and link of the other end; None if it is not in the scope or not marked."""
        known = self._known.get((name, link.index))
        for other in (known,) if known else self._ends.get((link.peer_index, link.index), ()):
            if known or self._is_peer(name, link, other):
                self._known[other, link.peer_index] = name
                return other, self._seen[other].links[link.peer_index]
        return None

    def _is_peer(self, name: NetnsName, link: SeenLink, other: NetnsName) -> bool:
        if link.peer_nsid < 0:
            return other == name
        far = self._namespaces.find(other)
        near = self._namespaces.find(name)
        if near is None or far is None:
            return False
        return rtnetlink.parse_nsid(near.netlink.ask(rtnetlink.get_nsid(far.descriptor))) == link.peer_nsid


def nouns(name: NetnsName, seen: Seen, peers: Peers) -> frozenset[Link]:
    """Return the bridges, tunnels and veths of a namespace that are up; a veth both of whose ends are.

    A veth whose other end is not in the scope, or not marked, has no peer's name: it differs from every wish.
    """
    found = (_noun(name, link, seen, peers) for link in seen.links.values() if link.up)
    return frozenset(link for link in found if link is not None)


def _noun(name: NetnsName, link: SeenLink, seen: Seen, peers: Peers) -> Link | None:
    if link.kind == "bridge":
        return Bridge(name=IfName(link.name), mac=link.mac, mtu=link.mtu, alias=link.alias)
    if link.kind == "vxlan":
        return Vxlan(
            name=IfName(link.name),
            mac=link.mac,
            mtu=link.mtu,
            vni=link.vni,
            port=link.port,
            local=link.local,
            alias=link.alias,
        )
    if link.kind != "veth":
        return None
    found = peers.find(name, link)
    if found and not found[1].up:
        return None
    master = seen.links.get(link.master)
    return Veth(
        name=IfName(link.name),
        mac=link.mac,
        mtu=link.mtu,
        peer_netns=found[0] if found else NetnsName(""),
        peer_name=IfName(found[1].name if found else ""),
        peer_mac=found[1].mac if found else "",
        master=IfName(master.name) if master else None,
        alias=link.alias,
    )
