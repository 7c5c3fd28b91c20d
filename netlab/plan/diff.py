"""Desired state - observed state = the steps between them, each with its reason. Pure; `diff(x, x)` is empty.

Order: what goes, goes first (routes, entries, addresses, links, namespaces); then what comes: namespaces, sysctls, bridges,
other links, addresses, entries, routes, rules. A tunnel that nobody wants goes when the routes lead elsewhere. What the kernel
takes along is put back: with a link go its addresses and routes, with an address the later ones of its subnet, with the last
address of a link all of its routes (net/ipv4/devinet.c). Rules that nobody wants go last of all: where the mode of a Node
changes there are those of both for a moment, and at no time none, so that no packet of an open connection is without its
translation.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from ipaddress import ip_interface

from netlab.netstate.iptables import IptablesRules
from netlab.netstate.links import Address, Entry, Neighbour, Route
from netlab.netstate.names import IfName
from netlab.netstate.state import Namespace, NetState
from netlab.plan import reasons
from netlab.plan.iptables import restore_input
from netlab.plan.links import End, link_steps
from netlab.plan.nft import table_change
from netlab.plan.steps import (
    AddAddress,
    AddEntry,
    AddRoute,
    ApplyIptables,
    ApplyNft,
    CreateNamespace,
    DeleteAddress,
    DeleteEntry,
    DeleteNamespace,
    DeleteRoute,
    Plan,
    SetSysctl,
    Step,
)

Remade = frozenset[End]


def diff(desired: NetState, observed: NetState, mark: str) -> Plan:
    """Return the steps that bring `observed` to `desired`, in an order that works; none if it is there already.

    Observed sysctls that nobody desires are left alone: what they were before is not known.

    Args:
        desired: what is to be.
        observed: what is, of the same lab.
        mark: the ownership mark that new namespaces get.
    """
    wishes, seen = desired.by_name, observed.by_name
    links = link_steps(wishes, seen)
    touched = {end.netns for end in links.remade}
    pairs = [
        (wish, seen.get(name, Namespace(name=name)))
        for name, wish in wishes.items()
        if name in touched or not _is_same(wish, seen.get(name))
    ]
    steps: list[Step] = [step for wish, now in pairs for step in _delete_routes(wish, now, links.remade)]
    steps += [step for wish, now in pairs for step in _delete_entries(wish, now, links.remade)]
    steps += [step for wish, now in pairs for step in _delete_addresses(wish, now, links.remade)]
    steps += links.delete
    steps += [
        DeleteNamespace(netns=name, reason=reasons.unwanted_namespace(name)) for name in reversed(seen) if name not in wishes
    ]
    steps += [
        CreateNamespace(netns=name, alias=mark, reason=reasons.missing_namespace(name)) for name in wishes if name not in seen
    ]
    steps += [step for wish, now in pairs for step in _sysctls(wish, now)]
    steps += links.add
    steps += links.mtu
    steps += [step for wish, now in pairs for step in _addresses(wish, now, links.remade)]
    steps += [step for wish, now in pairs for step in _entries(wish, now, links.remade)]
    owners = _owners(wishes.values()) if pairs else {}
    routes = [step for wish, now in pairs for step in _routes(wish, now, links.remade, owners)]
    routes.sort(key=lambda step: bool(step.route.via))  # a gateway must be reachable before it is used
    steps += routes
    steps += links.unused
    for unwanted in (False, True):
        steps += [step for wish, now in pairs for step in _table(wish, now, unwanted=unwanted)]
        steps += [step for wish, now in pairs for step in _iptables(wish, now, unwanted=unwanted)]
    return Plan(steps=tuple(steps))


def _is_same(wish: Namespace, now: Namespace | None) -> bool:
    """Tell whether nothing in the namespace is to be done. Observed sysctls are more than the wished ones."""
    return wish == now or (
        now is not None
        and wish.sysctls <= now.sysctls
        and (wish.addresses, wish.entries, wish.routes) == (now.addresses, now.entries, now.routes)
        and (wish.table, wish.iptables) == (now.table, now.iptables)
    )


def _owners(spaces: Iterable[Namespace]) -> dict[str, Namespace]:
    """Return the namespaces by their addresses without prefix length."""
    return {address.address.partition("/")[0]: space for space in spaces for address in space.addresses}


def _is_remade(space: Namespace, dev: IfName, remade: Remade) -> bool:
    return End(space.name, dev) in remade


def _delete_routes(wish: Namespace, now: Namespace, remade: Remade) -> Iterator[DeleteRoute]:
    """Routes of links that go need no deletion, and one that is only changed is replaced."""
    kept = {route.place for route in wish.routes}
    for route in sorted(now.routes - wish.routes):
        if route.place not in kept and not _is_remade(now, route.dev, remade):
            yield DeleteRoute(netns=wish.name, route=route, reason=f"{route.destination} is not to be reached that way")


def _delete_entries(wish: Namespace, now: Namespace, remade: Remade) -> Iterator[DeleteEntry]:
    """Entries of links that go need no deletion, and one that is only changed is replaced."""
    kept = set(map(_about, wish.entries))
    for entry in sorted(now.entries - wish.entries, key=str):
        if _about(entry) not in kept and not _is_remade(now, entry.dev, remade):
            yield DeleteEntry(netns=wish.name, entry=entry, reason=f"{entry.dev} is not to know it")


def _entries(wish: Namespace, now: Namespace, remade: Remade) -> Iterator[AddEntry]:
    before = {_about(entry): entry for entry in now.entries}
    for entry in sorted(wish.entries, key=str):
        if entry not in now.entries:
            yield AddEntry(netns=wish.name, entry=entry, reason=reasons.missing_entry(entry, before.get(_about(entry))))
        elif _is_remade(wish, entry.dev, remade):
            yield AddEntry(netns=wish.name, entry=entry, reason=f"{entry.dev} is made anew")


def _about(entry: Entry) -> tuple[IfName, str]:
    """What there is one entry for: an address, or a MAC, of a link."""
    return entry.dev, entry.address if isinstance(entry, Neighbour) else entry.mac


def _delete_addresses(wish: Namespace, now: Namespace, remade: Remade) -> Iterator[DeleteAddress]:
    for address in _unwanted_addresses(wish, now, remade):
        yield DeleteAddress(netns=wish.name, address=address, reason=f"{address.dev} is not to have it")


def _unwanted_addresses(wish: Namespace, now: Namespace, remade: Remade) -> list[Address]:
    return [address for address in sorted(now.addresses - wish.addresses) if not _is_remade(now, address.dev, remade)]


def _sysctls(wish: Namespace, now: Namespace) -> Iterator[SetSysctl]:
    before = {sysctl.key: sysctl.value for sysctl in now.sysctls}
    for sysctl in sorted(wish.sysctls - now.sysctls):
        reason = f"is {before[sysctl.key]}, wanted {sysctl.value}" if sysctl.key in before else "not set yet"
        yield SetSysctl(netns=wish.name, sysctl=sysctl, reason=reason)


def _addresses(wish: Namespace, now: Namespace, remade: Remade) -> Iterator[AddAddress]:
    taken_along = {(address.dev, _subnet(address)) for address in _unwanted_addresses(wish, now, remade)}
    for address in sorted(wish.addresses):
        if address not in now.addresses:
            yield AddAddress(netns=wish.name, address=address, reason=f"{address.dev} lacks it")
        elif _is_remade(wish, address.dev, remade):
            yield AddAddress(netns=wish.name, address=address, reason=f"{address.dev} is made anew")
        elif taken_along and (address.dev, _subnet(address)) in taken_along:
            yield AddAddress(netns=wish.name, address=address, reason="another one of its subnet went and may take it along")


def _subnet(address: Address) -> str:
    return str(ip_interface(address.address).network)


def _routes(wish: Namespace, now: Namespace, remade: Remade, owners: Mapping[str, Namespace]) -> Iterator[AddRoute]:
    before = {route.place: route for route in now.routes}
    disturbed = {address.dev for address in _unwanted_addresses(wish, now, remade)}
    for route in sorted(wish.routes):
        old = before.get(route.place)
        if old is None:
            yield AddRoute(netns=wish.name, route=route, reason=reasons.missing_route(wish.name, route, owners))
        elif old != route:
            yield AddRoute(netns=wish.name, route=route, reason=f"leads {_way(old)}, wanted {_way(route)}")
        elif _is_remade(wish, route.dev, remade):
            yield AddRoute(netns=wish.name, route=route, reason=f"{route.dev} is made anew")
        elif route.dev in disturbed:
            yield AddRoute(netns=wish.name, route=route, reason=f"an address of {route.dev} went and may take it along")


def _way(route: Route) -> str:
    return f"via {route.via} dev {route.dev}" if route.via else f"to dev {route.dev}"


def _table(wish: Namespace, now: Namespace, *, unwanted: bool) -> Iterator[ApplyNft]:
    change = table_change(wish.table, now.table) if (wish.table is None) == unwanted else None
    if change:
        yield ApplyNft(
            netns=wish.name,
            change=change,
            leaves=wish.table,
            is_whole=now.table is None,
            reason=reasons.changed_table(wish.table, now.table),
        )


def _iptables(wish: Namespace, now: Namespace, *, unwanted: bool) -> Iterator[ApplyIptables]:
    """Yield a step for each program: those whose rules are wished, or those that have some and are to have none."""
    wanted, there, strangers = (_by_program(rules) for rules in (wish.iptables, now.iptables, now.strangers))
    for program in sorted(there.keys() - wanted.keys() if unwanted else wanted):
        new, old, others = wanted.get(program), there.get(program), strangers.get(program)
        script = restore_input(new, old, others)
        if script:
            one = new or there[program]
            yield ApplyIptables(
                netns=wish.name,
                variant=one.variant,
                family=one.family,
                script=script,
                leaves=new,
                strangers=others,
                is_whole=old is None and others is None,
                reason=reasons.changed_iptables(new, old, wish.iptables),
            )


def _by_program(rules: Iterable[IptablesRules]) -> dict[str, IptablesRules]:
    return {found.program: found for found in rules}
