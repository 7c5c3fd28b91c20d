"""Links, desired against observed: which are deleted, which are made, and whose addresses and routes go with them.

A veth pair is one thing with two ends. It is made by one message from its leading end, the port of a bridge (the first by
name, if neither is one), and it is right only if both ends are as desired; a pair with a wrong end, or on a bridge that is
made anew, is deleted and made again. Two ends that both are ports cannot be made by one message: nothing wishes that.
An MTU alone is changed in place, under the connections that run over the link. A tunnel that nobody wants goes last, when the
routes lead elsewhere: for no moment there is no way.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple

from netlab.netstate.links import Bridge, Link, Veth, Vxlan
from netlab.netstate.names import IfName, NetnsName
from netlab.netstate.state import Namespace
from netlab.plan import reasons
from netlab.plan.steps import AddLink, DeleteLink, SetMtu

Namespaces = Mapping[NetnsName, Namespace]


class End(NamedTuple):
    """One link by its place: the end of a veth pair, a bridge, or a tunnel."""

    netns: NetnsName
    name: IfName


class LinkSteps(NamedTuple):
    """Steps in order, and every end that loses what hangs on it: its addresses and routes have to be put on again.

    `unused` are the tunnels to be deleted when all else is done.
    """

    delete: list[DeleteLink]
    add: list[AddLink]
    mtu: list[SetMtu]
    unused: list[DeleteLink]
    remade: frozenset[End]


def link_steps(desired: Namespaces, observed: Namespaces) -> LinkSteps:
    """Return what is to be done about links. Namespaces that only one side has are made or deleted elsewhere."""
    if _same_links(desired, observed):
        return LinkSteps([], [], [], [], frozenset())
    seen, wished = _by_end(observed), _by_end(desired)
    wrong = _wrong_alone(wished, seen)
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
    mtu = [
        SetMtu(netns=end.netns, name=end.name, mtu=link.mtu, reason=reasons.wrong_link(link, seen[end]))
        for end, link in sorted(wished.items(), key=lambda item: item[0])
        if end not in wrong and seen[end] != link
    ]
    unused = [step for step in delete if (end := End(step.netns, step.name)) in surplus and isinstance(seen[end], Vxlan)]
    rest = [step for step in delete if step not in unused]
    return LinkSteps(rest, add, mtu, unused, frozenset(wrong) | frozenset(surplus))


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
    if not isinstance(link, Veth) or link.master is not None:
        return True
    far = links.get(_far_end(link))
    return end < _far_end(link) and not (isinstance(far, Veth) and far.master is not None)


def _is_kept(link: Link, seen: Link | None) -> bool:
    """Tell whether the link that is there can stay: it is the desired one, or becomes that with another MTU."""
    return seen == link or (type(seen) is type(link) and seen is not None and replace(seen, mtu=link.mtu) == link)


def _wrong_alone(wished: Mapping[End, Link], seen: Mapping[End, Link]) -> dict[End, str]:
    """Bridges and tunnels that are missing or otherwise than desired, with the reason."""
    return {
        end: reasons.wrong_link(link, seen.get(end))
        for end, link in wished.items()
        if not isinstance(link, Veth) and not _is_kept(link, seen.get(end))
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
    if not _is_kept(wished[end], seen.get(end)):
        return reasons.wrong_link(wished[end], seen.get(end))
    if far not in wished:
        return "its other end is nowhere desired"
    if not _is_kept(wished[far], seen.get(far)):
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
