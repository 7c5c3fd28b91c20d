"""Why a step is done: half a sentence about networking with the values of both sides. Pure text; nothing is decided here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from ipaddress import ip_address, ip_network

from netlab.netstate.iptables import IptablesChain, IptablesRules
from netlab.netstate.links import Bridge, Entry, Link, Neighbour, Route, Veth, Vxlan
from netlab.netstate.names import NetnsName
from netlab.netstate.nft import Chain, ElementSet, NftTable
from netlab.netstate.state import Namespace

_LINK_FIELDS = ("mtu", "mac", "master", "peer_netns", "peer_name", "peer_mac", "vni", "port", "local", "alias")
_NAMED = 3


def who(netns: NetnsName) -> str:
    """Return whose namespace it is: `the Pod default/web`, or a machine's name (netstate/names.py)."""
    parts = netns.split(".", 2)
    return f"the Pod {parts[1]}/{parts[2]}" if len(parts) > 2 else parts[-1]  # noqa: PLR2004 - lab, namespace, Pod


def missing_namespace(netns: NetnsName) -> str:
    """Say why a namespace is made."""
    return f"{who(netns)} has no network yet"


def unwanted_namespace(netns: NetnsName) -> str:
    """Say why a namespace goes."""
    return f"{who(netns)} is gone"


def missing_link(link: Link) -> str:
    """Say what a link is for that does not exist."""
    if isinstance(link, Vxlan):
        return "the tunnel to the other Nodes does not exist yet"
    return "the switch does not exist yet" if isinstance(link, Bridge) else f"{who(link.peer_netns)} is plugged in with it"


def unwanted_link(link: Link, desired: Mapping[NetnsName, Namespace]) -> str:
    """Say why a link goes. A Pod's port goes at once with the Pod; by itself it would go when the kernel gets to it."""
    if isinstance(link, Veth) and not link.peer_netns:
        return "its other end is gone"
    if isinstance(link, Veth) and link.peer_netns not in desired:
        return unwanted_namespace(link.peer_netns)
    return "nothing wants it"


def wrong_link(link: Link, seen: Link | None) -> str:
    """Say what is wrong with a link: `mtu is 1400, wanted 1500`."""
    if seen is None:
        return missing_link(link)
    if type(seen) is not type(link):
        return f"is a {type(seen).__name__.lower()}, wanted a {type(link).__name__.lower()}"
    for name in _LINK_FIELDS:
        old, new = getattr(seen, name, None), getattr(link, name, None)
        if old != new:
            return f"{name.replace('_', ' ')} is {old or 'unset'}, wanted {new or 'none'}"
    return "differs"  # pragma: no cover - links of one kind and name that are not equal differ in one of these


def missing_entry(entry: Entry, old: Entry | None) -> str:
    """Say who is known through an entry of a tunnel. `old` is the earlier one for the same address or MAC."""
    if isinstance(entry, Neighbour):
        return f"is {old.mac}, wanted {entry.mac}" if old else f"{entry.dev} does not know {entry.address} yet"
    before = f"is at {old.dst}" if old and not isinstance(old, Neighbour) else f"{entry.dev} does not know where {entry.mac} is"
    return f"{before}, wanted {entry.dst}" if old else before


def missing_route(netns: NetnsName, route: Route, owners: Mapping[str, Namespace]) -> str:
    """Say who reaches what through a route. `owners` are the namespaces by their addresses without prefix length."""
    if not route.via:
        return f"{who(netns)} has {route.destination} next to it"
    if route.via not in owners:
        return f"{who(netns)} reaches {route.destination} through {route.via}"
    neighbour = owners[route.via]
    if route.destination == "default":
        return f"{who(netns)} reaches everything else through {who(neighbour.name)}"
    network = ip_network(route.destination)
    serves = any(ip_address(address.address.partition("/")[0]) in network for address in neighbour.addresses)
    return f"{who(netns)} reaches {'the Pods of ' if serves else f'{network} through '}{who(neighbour.name)}" + (
        " through it" if serves else ""
    )


def changed_table(desired: NftTable | None, observed: NftTable | None) -> str:
    """Say what of a table differs, by the names of sets and chains."""
    if desired is None:
        return "no rules are wanted"
    if observed is None:
        return "there are no rules yet"
    return _differing(_names(desired.sets ^ observed.sets) | _names(desired.chains ^ observed.chains))


def changed_iptables(
    desired: IptablesRules | None, observed: IptablesRules | None, all_desired: Iterable[IptablesRules]
) -> str:
    """Say what of one iptables program's rules differs, by the names of chains; `all_desired` are those of all programs."""
    if desired is None:
        others = sorted(rules.program for rules in all_desired)
        return f"packets would meet these besides those of {', '.join(others)}" if others else "no rules are wanted"
    if observed is None:
        return "there are no rules yet"
    return _differing(_names(_chains(desired) ^ _chains(observed)))


def _differing(found: set[str]) -> str:
    names = sorted(found)
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{', '.join(names[:_NAMED])}{more} {'differs' if len(names) == 1 else 'differ'}"


def _chains(rules: IptablesRules) -> set[IptablesChain]:
    return {chain for table in rules.tables for chain in table.chains}


def _names(items: Iterable[ElementSet] | Iterable[Chain] | Iterable[IptablesChain]) -> set[str]:
    return {item.name for item in items}
