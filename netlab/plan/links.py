"""Links, desired against observed: which are deleted, which are made, and whose addresses and routes go with them.

A veth pair is one thing with two ends. It is made by one message from its leading end, the port of a bridge (the first by
name, if neither is one), and it is right only if both ends are as desired; a pair with a wrong end, or on a bridge that is
made anew, is deleted and made again. Two ends that both are ports cannot be made by one message: nothing wishes that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from netlab.netstate.links import Bridge, Link, Veth
from netlab.netstate.names import IfName, NetnsName
from netlab.netstate.state import Namespace
from netlab.plan import reasons
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
    if _same_links(desired, observed):
        return LinkSteps([], [], frozenset())
    seen, wished = _by_end(observed), _by_end(desired)
    wrong = _wrong_bridges(wished, seen)
    wrong |= _wrong_pairs(wished, seen, frozenset(wrong))
    surplus = {
        end: reasons.unwanted_link(link, desired) for end, link in seen.items() if end not in wished and end.netns in desired
    }
    delete = list(_deletions({**surplus, **wrong}, wished, seen, desired))
    add = [
        AddLink(netns=end.netns, link=wished[end], reason=reason)
        for end, reason in sorted(wrong.items())
        if end in wished and _leads(end, wished)
    ]
    add.sort(key=lambda step: not isinstance(step.link, Bridge))  # veths are plugged into bridges
    return LinkSteps(delete, add, frozenset(wrong) | frozenset(surplus))


def _same_links(desired: Namespaces, observed: Namespaces) -> bool:
    """The usual case, told without looking at single links."""
    return desired.keys() == observed.keys() and all(space.links == observed[name].links for name, space in desired.items())


def _by_end(spaces: Namespaces) -> dict[End, Link]:
    return {End(name, link.name): link for name, space in spaces.items() for link in space.links}


def _far_end(link: Veth) -> End:
    return End(link.peer_netns, link.peer_name)


def _leads(end: End, links: Mapping[End, Link]) -> bool:
    """Tell whether the link is made from this end."""
    link = links[end]
    if isinstance(link, Bridge) or link.master is not None:
        return True
    far = links.get(_far_end(link))
    return end < _far_end(link) and not (isinstance(far, Veth) and far.master is not None)


def _wrong_bridges(wished: Mapping[End, Link], seen: Mapping[End, Link]) -> dict[End, str]:
    """Bridges that are missing or otherwise than desired, with the reason."""
    return {
        end: reasons.wrong_link(link, seen.get(end))
        for end, link in wished.items()
        if isinstance(link, Bridge) and seen.get(end) != link
    }


def _wrong_pairs(wished: Mapping[End, Link], seen: Mapping[End, Link], bridges: frozenset[End]) -> dict[End, str]:
    """Both ends of every pair of which one is missing or otherwise than desired, or whose bridge is made anew."""
    found: dict[End, str] = {}
    for end, link in wished.items():
        if isinstance(link, Veth) and _leads(end, wished):
            far = _far_end(link)
            reason = _wrong_pair(end, far, wished, seen)
            port_of = End(end.netns, link.master) if link.master else None
            if not reason and port_of in bridges and port_of in seen:
                reason = f"{link.master} is made anew"
            if reason:
                found[end] = found[far] = reason
    return found


def _wrong_pair(end: End, far: End, wished: Mapping[End, Link], seen: Mapping[End, Link]) -> str:
    """Say what is wrong with either end of a pair, "" for nothing."""
    if seen.get(end) != wished[end]:
        return reasons.wrong_link(wished[end], seen.get(end))
    if far not in wished:
        return "its other end is nowhere desired"
    if seen.get(far) != wished[far]:
        return f"its other end {far.name} " + (reasons.wrong_link(wished[far], seen[far]) if far in seen else "is gone")
    return ""


def _deletions(
    causes: Mapping[End, str], wished: Mapping[End, Link], seen: Mapping[End, Link], desired: Namespaces
) -> Iterator[DeleteLink]:
    """One deletion for each pair that exists, at the end whose namespace stays, the leading end if both do."""

    def follows(end: End) -> bool:
        return not _leads(end, wished if end in wished else seen)

    done: set[End] = set()
    for end in sorted((end for end in causes if end in seen and end.netns in desired), key=lambda end: (follows(end), end)):
        if end not in done:
            link = seen[end]
            done |= {end, _far_end(link)} if isinstance(link, Veth) else {end}
            yield DeleteLink(netns=end.netns, name=end.name, reason=causes[end])
