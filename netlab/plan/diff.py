"""Desired state - observed state = the steps between them, each with its reason. Pure; `diff(x, x)` is empty.

Order: what goes, goes first (routes, addresses, links, namespaces); then what comes: namespaces, sysctls, bridges, veth pairs,
addresses, routes, rules. A link that is made anew loses its addresses and routes, so they are put on it again.
"""

from __future__ import annotations

from collections.abc import Iterator

from netlab.netstate.names import IfName
from netlab.netstate.state import Namespace, NetState
from netlab.plan.links import End, link_steps
from netlab.plan.nft import table_script
from netlab.plan.steps import (
    AddAddress,
    AddRoute,
    ApplyNft,
    CreateNamespace,
    DeleteAddress,
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
    pairs = [(wish, seen.get(name, Namespace(name=name))) for name, wish in wishes.items()]
    steps: list[Step] = []
    for wish, now in pairs:
        steps += _delete_routes(wish, now, links.remade)
    for wish, now in pairs:
        steps += _delete_addresses(wish, now, links.remade)
    steps += links.delete
    steps += [DeleteNamespace(netns=name, reason="nothing is to be in it") for name in reversed(seen) if name not in wishes]
    steps += [CreateNamespace(netns=name, alias=mark, reason=_kind(name)) for name in wishes if name not in seen]
    for wish, now in pairs:
        steps += _sysctls(wish, now)
    steps += links.add
    for wish, now in pairs:
        steps += _addresses(wish, now, links.remade)
    routes = [step for wish, now in pairs for step in _routes(wish, now, links.remade)]
    routes.sort(key=lambda step: bool(step.route.via))  # a gateway must be reachable before it is used
    steps += routes
    for wish, now in pairs:
        steps += _table(wish, now)
    return Plan(steps=tuple(steps))


def _kind(name: str) -> str:
    return "the Pod has no network yet" if name.count(".") > 1 else "the machine does not exist yet"


def _is_remade(space: Namespace, dev: IfName, remade: Remade) -> bool:
    return End(space.name, dev) in remade


def _delete_routes(wish: Namespace, now: Namespace, remade: Remade) -> Iterator[DeleteRoute]:
    """Routes of links that go need no deletion, and one that is only changed is replaced."""
    kept = {route.destination for route in wish.routes}
    for route in sorted(now.routes - wish.routes):
        if route.destination not in kept and not _is_remade(now, route.dev, remade):
            yield DeleteRoute(netns=wish.name, route=route, reason="nothing is to be reached that way")


def _delete_addresses(wish: Namespace, now: Namespace, remade: Remade) -> Iterator[DeleteAddress]:
    for address in sorted(now.addresses - wish.addresses):
        if not _is_remade(now, address.dev, remade):
            yield DeleteAddress(netns=wish.name, address=address, reason="nothing is to have it")


def _sysctls(wish: Namespace, now: Namespace) -> Iterator[SetSysctl]:
    before = {sysctl.key: sysctl.value for sysctl in now.sysctls}
    for sysctl in sorted(wish.sysctls - now.sysctls):
        reason = f"is {before[sysctl.key]}, wanted {sysctl.value}" if sysctl.key in before else "not set yet"
        yield SetSysctl(netns=wish.name, sysctl=sysctl, reason=reason)


def _addresses(wish: Namespace, now: Namespace, remade: Remade) -> Iterator[AddAddress]:
    for address in sorted(wish.addresses):
        if address not in now.addresses:
            yield AddAddress(netns=wish.name, address=address, reason=f"{address.dev} lacks it")
        elif _is_remade(wish, address.dev, remade):
            yield AddAddress(netns=wish.name, address=address, reason=f"{address.dev} is made anew")


def _routes(wish: Namespace, now: Namespace, remade: Remade) -> Iterator[AddRoute]:
    """A deleted address takes routes with it, so all routes of its link are put back."""
    before = {route.destination: route for route in now.routes}
    disturbed = {address.dev for address in now.addresses - wish.addresses}
    for route in sorted(wish.routes):
        old = before.get(route.destination)
        if old is None:
            yield AddRoute(netns=wish.name, route=route, reason=f"no way to {route.destination} yet")
        elif old != route:
            yield AddRoute(netns=wish.name, route=route, reason=f"leads {old.via or 'on-link'} dev {old.dev} instead")
        elif _is_remade(wish, route.dev, remade) or route.dev in disturbed:
            yield AddRoute(netns=wish.name, route=route, reason=f"{route.dev} is changed")


def _table(wish: Namespace, now: Namespace) -> Iterator[ApplyNft]:
    script = table_script(wish.table, now.table)
    if script:
        reason = "the Node has no rules yet" if now.table is None else "the rules are to follow the Services"
        yield ApplyNft(netns=wish.name, script=script, reason=reason)
