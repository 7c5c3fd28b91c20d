"""Links, desired against observed: which are deleted, which are made, and whose addresses and routes go with them.

A veth pair is one thing with two ends. It is made from its switch side, the end with a master, and it is right only if both
ends are as desired; a pair with a wrong end, or on a bridge that is made anew, is deleted and made again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from netlab.netstate.links import Bridge, Link, Veth
from netlab.netstate.names import IfName, NetnsName
from netlab.netstate.state import Namespace
from netlab.plan.steps import AddLink, DeleteLink

Namespaces = Mapping[NetnsName, Namespace]


class End(NamedTuple):
    """One link by its place: the end of a veth pair, or a bridge."""

    netns: NetnsName
    name: IfName


class LinkSteps(NamedTuple):
    """Steps in order, and every end that loses what hangs on it: its addresses and routes have to be put on again."""

    delete: list[DeleteLink]
    add: list[AddLink]
    remade: frozenset[End]


def link_steps(desired: Namespaces, observed: Namespaces) -> LinkSteps:
    """Return what is to be done about links. Namespaces that only one side has are made or deleted elsewhere."""
    seen = {End(name, link.name): link for name, space in observed.items() for link in space.links}
    wished = {End(name, link.name): link for name, space in desired.items() for link in space.links}
    wrong = _wrong_bridges(wished, seen)
    wrong |= _wrong_pairs(wished, seen, frozenset(wrong))
    surplus = {end: _superfluous(link, desired) for end, link in seen.items() if end not in wished and end.netns in desired}
    delete = list(_deletions({**surplus, **wrong}, seen, desired))
    add = [
        AddLink(netns=end.netns, link=wished[end], reason=reason)
        for end, reason in sorted(wrong.items())
        if _leads(wished[end])
    ]
    add.sort(key=lambda step: not isinstance(step.link, Bridge))
    return LinkSteps(delete, add, frozenset(wrong) | frozenset(surplus))


def _superfluous(link: Link, desired: Namespaces) -> str:
    """Say why a link goes. The port of a Pod that is gone goes at once; by itself it would go when the kernel gets to it."""
    if isinstance(link, Veth) and link.peer_netns not in desired:
        return f"{link.peer_netns} at its other end goes" if link.peer_netns else "its other end is not of this lab"
    return "nothing wants it"


def _leads(link: Link) -> bool:
    """Tell whether the link is made from this end."""
    return isinstance(link, Bridge) or link.master is not None


def far_end(link: Veth) -> End:
    """Return the other end of a pair."""
    return End(link.peer_netns, link.peer_name)


def _wrong_bridges(wished: Mapping[End, Link], seen: Mapping[End, Link]) -> dict[End, str]:
    """Bridges that are missing or otherwise than desired, with the reason."""
    return {
        end: _difference(link, seen.get(end))
        for end, link in wished.items()
        if isinstance(link, Bridge) and seen.get(end) != link
    }


def _wrong_pairs(wished: Mapping[End, Link], seen: Mapping[End, Link], bridges: frozenset[End]) -> dict[End, str]:
    """Both ends of every pair of which one is missing or otherwise than desired, or whose bridge is made anew."""
    found: dict[End, str] = {}
    for end, link in wished.items():
        if not isinstance(link, Veth) or link.master is None:
            continue
        far = far_end(link)
        if seen.get(end) != link:
            reason = _difference(link, seen.get(end))
        elif seen.get(far) != wished.get(far):
            reason = (
                f"its other end: {_difference(wished[far], seen.get(far))}"
                if far in wished
                else "its other end is nowhere desired"
            )
        elif End(end.netns, link.master) in bridges and End(end.netns, link.master) in seen:
            reason = f"{link.master} is made anew"
        else:
            continue
        found[end] = found[far] = reason
    return found


def _difference(link: Link, seen: Link | None) -> str:
    """Say what is wrong with a link, with the values of both sides."""
    if seen is None:
        return _purpose(link)
    if isinstance(seen, Bridge) != isinstance(link, Bridge):
        return f"{link.name} is a {type(seen).__name__.lower()}, wanted a {type(link).__name__.lower()}"
    for name in ("mtu", "mac", "master", "peer_netns", "peer_name", "peer_mac", "alias"):
        old, new = getattr(seen, name, None), getattr(link, name, None)
        if old != new:
            return f"{name.replace('_', ' ')} is {old}, wanted {new}"
    return "differs"  # pragma: no cover - unequal links differ in a field


def _purpose(link: Link) -> str:
    if isinstance(link, Bridge):
        return "the switch does not exist"
    return f"the cable to {link.peer_netns} does not exist"


def _deletions(reasons: Mapping[End, str], seen: Mapping[End, Link], desired: Namespaces) -> Iterator[DeleteLink]:
    """One deletion for each pair that exists, at the end whose namespace stays, the switch side if both do."""
    done: set[End] = set()
    ports_first = sorted(reasons, key=lambda end: (end not in seen or not _leads(seen[end]), end))
    for end in ports_first:
        if end in done or end not in seen or end.netns not in desired:
            continue
        link = seen[end]
        done.add(end)
        if isinstance(link, Veth):
            done.add(far_end(link))
        yield DeleteLink(netns=end.netns, name=end.name, reason=reasons[end])
