"""Who answers on a link: the other end of a veth, behind a bridge all its ports, and where a tunnel leads.

    Pod eth0 -- veth, port of cni0 -- Node           the Node's interface for IP is cni0, not the port
    Node eth0 -- port of fabric0 -- eth0 of others   the fabric has no address: it is only passed through
    Node vxlan.1 ~~ vxlan.1 of others                those whose addresses it has written down; what is between is left out

Source: ip-link(8), bridge(8); Documentation/networking/ip-sysctl, arp_ignore.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping

from netlab.frozen import dataclass
from netlab.netstate.links import Bridge, FdbEntry, Link, Veth, Vxlan, is_ipv6
from netlab.netstate.names import IfName, NetnsName
from netlab.netstate.seen import Place
from netlab.netstate.state import NetState
from netlab.packets.routing import CannotWalk, Routes


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbour:
    """A namespace that a frame may reach, and the interface where it comes in.

    `switch` is the namespace of the bridge between, None if there is none, and `ports` are those that the frame passes.
    """

    netns: NetnsName
    dev: IfName
    switch: NetnsName | None = None
    ports: tuple[IfName, ...] = ()


def veths(net: NetState) -> Mapping[Place, Veth]:
    """Return all ends of veths, and where they are."""
    return {Place(item.name, link.name): link for item in net.namespaces for link in item.links if isinstance(link, Veth)}


class Links:
    """All links of a lab, with the addresses at their ends."""

    def __init__(self, net: NetState, routes: Mapping[NetnsName, Routes]) -> None:
        self._links = {(item.name, link.name): link for item in net.namespaces for link in item.links}
        self._routes = routes
        self._entries = {item.name: item.entries for item in net.namespaces}
        self._ports: dict[tuple[NetnsName, IfName], list[Veth]] = {}
        for (netns, _), link in sorted(self._links.items(), key=lambda item: item[0]):
            if isinstance(link, Veth) and link.master is not None:
                self._ports.setdefault((netns, link.master), []).append(link)

    def neighbour(self, netns: NetnsName, dev: IfName, address: str) -> Neighbour | None:
        """Return who answers for an address on the link of `dev`, None if nobody does.

        With IPv4 Linux answers for every address it has, on whichever interface it is asked (arp_ignore 0), and who has it on
        that very interface comes first; with IPv6 (ndisc_recv_ns) it answers for those of the interface only.

        Raises:
            CannotWalk: the state describes no such link.
        """
        ends = [end for end in self._reached(netns, dev) if end.netns in self._routes]
        on_it = (end for end in ends if self._routes[end.netns].has_on(end.dev, address))
        elsewhere = (end for end in ends if not is_ipv6(address) and self._routes[end.netns].owns(address))
        return next(itertools.chain(on_it, elsewhere), None)

    def _reached(self, netns: NetnsName, dev: IfName) -> Iterator[Neighbour]:
        """Yield every interface that a frame sent from `dev` may come in by."""
        link = self._find(netns, dev)
        if isinstance(link, Bridge):
            yield from self._behind(netns, dev, came_by=None)
            return
        if isinstance(link, Vxlan):
            yield from self._across(netns, link)
            return
        peer = self._links.get((link.peer_netns, link.peer_name))
        if not isinstance(peer, Veth) or peer.master is None:
            yield Neighbour(netns=link.peer_netns, dev=link.peer_name)
            return
        yield Neighbour(netns=link.peer_netns, dev=peer.master, switch=link.peer_netns, ports=(peer.name,))
        yield from self._behind(link.peer_netns, peer.master, came_by=peer.name)

    def _behind(self, netns: NetnsName, bridge: IfName, *, came_by: IfName | None) -> Iterator[Neighbour]:
        """Yield the far ends of a bridge's ports, but for the one by which the frame came."""
        before = (came_by,) if came_by else ()
        for port in self._ports.get((netns, bridge), ()):
            if port.name != came_by:
                yield Neighbour(netns=port.peer_netns, dev=port.peer_name, switch=netns, ports=(*before, port.name))

    def _across(self, netns: NetnsName, tunnel: Vxlan) -> Iterator[Neighbour]:
        """Yield the other ends of a tunnel that it sends frames to."""
        known = {item.dst for item in self._entries[netns] if isinstance(item, FdbEntry) and item.dev == tunnel.name}
        for (other, name), link in self._links.items():
            if isinstance(link, Vxlan) and (link.vni, link.port) == (tunnel.vni, tunnel.port) and link.local in known:
                yield Neighbour(netns=other, dev=name)

    def _find(self, netns: NetnsName, dev: IfName) -> Link:
        link = self._links.get((netns, dev))
        if link is None:
            raise CannotWalk(f"{netns}: there is no link {dev}")
        return link
