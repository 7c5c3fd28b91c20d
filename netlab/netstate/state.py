"""NetState: all network namespaces of a lab with everything in them. The unit that is desired, observed and compared."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field

from netlab.frozen import dataclass
from netlab.netstate.iptables import IptablesRules
from netlab.netstate.links import Address, Bridge, Entry, Link, Neighbour, Route, Sysctl, Vxlan
from netlab.netstate.names import NetnsName
from netlab.netstate.nft import NftTable


@dataclass(frozen=True, slots=True, kw_only=True)
class Namespace:
    """One network namespace (`/run/netns/<name>`), its loopback up, and what is in it.

    `strangers` are the iptables rules of others in the built-in chains: seen, never wished, and no difference. `noted` is what
    the nft table was when netlab last wrote or saw it, if somebody else has changed it since.
    """

    name: NetnsName
    links: frozenset[Link] = frozenset()
    addresses: frozenset[Address] = frozenset()
    entries: frozenset[Entry] = frozenset()
    routes: frozenset[Route] = frozenset()
    sysctls: frozenset[Sysctl] = frozenset()
    table: NftTable | None = None
    iptables: frozenset[IptablesRules] = frozenset()
    strangers: frozenset[IptablesRules] = field(default=frozenset(), compare=False)
    noted: NftTable | None = field(default=None, compare=False)

    def lines(self) -> Iterator[str]:
        """Yield its description, one noun a line, in the language of ip, sysctl and nft."""
        yield f"netns {self.name}"
        for link in sorted(self.links, key=lambda item: item.name):
            yield f"  link {link.name} type {_kind(link)} address {link.mac} mtu {link.mtu}"
        yield from (f"  address {address}" for address in sorted(self.addresses))
        yield from sorted(f"  {'neighbour' if isinstance(item, Neighbour) else 'fdb'} {item}" for item in self.entries)
        yield from (f"  route {route}" for route in sorted(self.routes))
        yield from (f"  sysctl {sysctl.key}={sysctl.value}" for sysctl in sorted(self.sysctls))
        if self.table is not None:
            yield from (f"  {line}" for line in str(self.table).splitlines())
        for rules in sorted(self.iptables, key=lambda item: item.program):
            yield f"  {rules.program}"
            yield from (f"  {line}" for line in str(rules).splitlines())


def _kind(link: Link) -> str:
    """Return the kind of a link with what only that kind has."""
    if isinstance(link, Bridge):
        return "bridge"
    if isinstance(link, Vxlan):
        return f"vxlan id {link.vni} local {link.local} dstport {link.port}"
    port = f" master {link.master}" if link.master else ""
    return f"veth peer {link.peer_name} netns {link.peer_netns}{port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class NetState:
    """Namespaces by name. `NetState()` is nothing at all: the wish of `netlab down`."""

    namespaces: frozenset[Namespace] = frozenset()

    @property
    def by_name(self) -> dict[NetnsName, Namespace]:
        """The namespaces as a dict, sorted by name."""
        return {item.name: item for item in sorted(self.namespaces, key=lambda item: item.name)}

    def __str__(self) -> str:
        return "\n".join(line for item in self.by_name.values() for line in item.lines()) + "\n"
