"""A lab as built, for pictures: namespaces, interfaces, addresses, cables, routes, Services and who is behind them.

All of it is what was observed; what the lab wishes and is not there is in it too, marked, and what is there and nobody wished.
Link-local addresses are left out. Pure. The pictures: layout.py and svg.py, graph_text.py, graph_words.py, graph_page.py.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Final, Literal, NamedTuple, TypeVar

from netlab.desired.assignments import Assignments
from netlab.desired.host_network import netns_of
from netlab.desired.power import stopped_nodes
from netlab.frozen import dataclass
from netlab.model.lab import Cluster
from netlab.model.meta import Key
from netlab.model.pod import Pod
from netlab.model.service import Service
from netlab.netstate.links import Bridge, Link, Route, Veth, Vxlan
from netlab.netstate.names import FABRIC, OUTSIDE, IfName, NetnsName, machine_netns
from netlab.netstate.state import Namespace, NetState
from netlab.packets.names import short_name

Presence = Literal["there", "missing", "more"]
"""`missing`: wished and not there; `more`: there, and nobody wished it."""
Kind = Literal["Node", "Pod", "fabric", "outside"]
T = TypeVar("T")
_LINK_LOCAL: Final = "fe80:"


class End(NamedTuple):
    """One interface: where a cable ends."""

    netns: NetnsName
    ifname: IfName


class Marked(NamedTuple):
    """A text, and whether what it says is there."""

    text: str
    presence: Presence = "there"


def marked_text(marked: Marked) -> str:
    """Return the text, and before it in a word what is wrong with it."""
    return {"there": "", "missing": "missing: ", "more": "nobody's: "}[marked.presence] + marked.text


def printable(text: str) -> str:
    """Return one line of text in which each character that cannot be printed is shown as one sign, and moves no cursor."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Interface:
    """An interface with its addresses; `peer` is the other end of its cable, `master` the bridge whose port it is."""

    end: End
    kind: Literal["veth", "bridge", "vxlan"]
    presence: Presence
    addresses: tuple[Marked, ...] = ()
    peer: End | None = None
    master: IfName | None = None
    about: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A Node, a Pod, the fabric or `outside`. `name` is what people call it; `node` is where a Pod is, `is_ready` if it is.

    A Pod in its Node's network (`is_host_network`) has no namespace of its own: `netns` is the Node's. `is_off`: the Node is.
    """

    netns: NetnsName
    kind: Kind
    name: str
    presence: Presence = "there"
    interfaces: tuple[Interface, ...] = ()
    routes: tuple[Marked, ...] = ()
    key: Key | None = None
    node: str = ""
    is_ready: bool = True
    is_host_network: bool = False
    is_off: bool = False

    @property
    def addresses(self) -> tuple[Marked, ...]:
        """The addresses of all its interfaces."""
        return tuple(address for one in self.interfaces for address in one.addresses)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceEntry:
    """A Service: where it is reached, and who answers: the names of Pods, or addresses that are nobody's in the lab."""

    key: Key
    name: str
    kind: str
    addresses: tuple[str, ...]
    ports: tuple[str, ...]
    pods: tuple[Key, ...]
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LabGraph:
    """The lab. `pods` by their Node's name, in the order of names; `left_out` says how many Pods and Services are not in it."""

    name: str
    fabric: Place
    outside: Place
    nodes: tuple[Place, ...]
    pods: Mapping[str, tuple[Place, ...]]
    services: tuple[ServiceEntry, ...]
    left_out: tuple[int, int] = (0, 0)

    @property
    def places(self) -> tuple[Place, ...]:
        """Every place: the fabric, outside, and each Node before its Pods."""
        return (self.fabric, self.outside, *(one for node in self.nodes for one in (node, *self.pods.get(node.name, ()))))

    @property
    def drift(self) -> tuple[int, int]:
        """How much is missing, and how much is there that nobody wished."""
        marks = [mark for place in self.places for mark in _marks(place)]
        return marks.count("missing"), marks.count("more")

    def only(self, pods: Collection[Key], services: Collection[Key]) -> LabGraph:
        """Return the same lab with these Pods and Services alone, for a picture of a few of many."""
        chosen = {node: tuple(one for one in found if one.key in pods) for node, found in self.pods.items()}
        entries = tuple(one for one in self.services if one.key in services)
        kept = sum(map(len, chosen.values()))
        gone = sum(map(len, self.pods.values())) - kept, len(self.services) - len(entries)
        return replace(self, pods=chosen, services=entries, left_out=(self.left_out[0] + gone[0], self.left_out[1] + gone[1]))


def _marks(place: Place) -> Iterator[Presence]:
    yield place.presence
    for one in place.interfaces:
        yield one.presence
        yield from (address.presence for address in one.addresses)
    yield from (route.presence for route in place.routes)


def lab_graph(cluster: Cluster, assignments: Assignments, desired: NetState, observed: NetState) -> LabGraph:
    """Return the lab as it was observed.

    Args:
        cluster: the objects as kubectl would see them, with the addresses that Services were given and their slices.
        assignments: where each Pod is.
        desired: what is wished of Linux (desired/compile.py).
        observed: what there is.
    """
    made = _Making(cluster, desired, observed)
    nodes = tuple(made.node(name) for name in assignments.nodes)
    pods: dict[str, list[Place]] = {name: [] for name in assignments.nodes}
    for pod in cluster.pods:
        bound = assignments.pods.get(pod.key)
        if bound and bound.node in pods and (place := made.pod(pod, bound.node, netns_of(made.lab, pod, bound))):
            pods[bound.node].append(place)
    owners = {ip: key for key, bound in assignments.pods.items() for ip in bound.ips if key in cluster.objects}
    return LabGraph(
        name=made.lab,
        fabric=made.place(machine_netns(made.lab, FABRIC), "fabric", FABRIC),
        outside=made.place(machine_netns(made.lab, OUTSIDE), "outside", OUTSIDE),
        nodes=nodes,
        pods={node: tuple(found) for node, found in pods.items()},
        services=tuple(_services(cluster, owners)),
    )


class _Making:
    """Places out of both states."""

    def __init__(self, cluster: Cluster, desired: NetState, observed: NetState) -> None:
        self.lab = cluster.lab.metadata.name
        self._off = stopped_nodes(cluster.lab)
        self._desired, self._observed = desired.by_name, observed.by_name

    def node(self, name: str) -> Place:
        netns = machine_netns(self.lab, name)
        return replace(self.place(netns, "Node", name), is_off=name in self._off and netns not in self._observed)

    def pod(self, pod: Pod, node: str, netns: NetnsName) -> Place | None:
        """The Pod; None if it neither has a network nor is to have one."""
        if not pod.spec.host_network and netns not in self._desired and netns not in self._observed:
            return None
        found = replace(self.place(netns, "Pod", short_name(pod.metadata)), key=pod.key, node=node, is_ready=pod.is_ready)
        if pod.spec.host_network:
            return replace(found, interfaces=(), routes=(), is_host_network=True, presence="there")
        return found

    def place(self, netns: NetnsName, kind: Kind, name: str) -> Place:
        wished, seen = self._desired.get(netns), self._observed.get(netns)
        nothing = Namespace(name=netns)
        one, other = wished or nothing, seen or nothing
        return Place(
            netns=netns,
            kind=kind,
            name=name,
            presence=_presence(wished is not None or seen is None, seen is not None or wished is None),
            interfaces=tuple(_interfaces(one, other)),
            routes=tuple(Marked(str(route), mark) for route, mark in _both(one.routes, other.routes) if _is_shown(route)),
        )


def _presence(is_wished: bool, is_seen: bool) -> Presence:  # noqa: FBT001 - a table of truth
    return "there" if is_wished and is_seen else "missing" if is_wished else "more"


def _both(wished: Collection[T], seen: Collection[T]) -> Iterator[tuple[T, Presence]]:
    """Yield what is in either, with what to say of it, in the order of its text."""
    for item in sorted({*wished, *seen}, key=str):
        yield item, _presence(item in wished, item in seen)


def _is_shown(route: Route) -> bool:
    return _LINK_LOCAL not in route.destination


def _interfaces(wished: Namespace, seen: Namespace) -> Iterator[Interface]:
    """Yield the interfaces of both by name: an interface is there if one of its name and cable is."""
    links: dict[IfName, list[Link]] = {}
    for link in (*seen.links, *wished.links):
        links.setdefault(link.name, []).append(link)
    wires = {_cable(link) for link in wished.links}, {_cable(link) for link in seen.links}
    names = sorted(links | dict.fromkeys(address.dev for address in (*wished.addresses, *seen.addresses)))
    for name in names:
        addresses = tuple(
            Marked(one.address, mark)
            for one, mark in _both(wished.addresses, seen.addresses)
            if one.dev == name and not one.address.startswith(_LINK_LOCAL)
        )
        if name not in links:  # the loopback, which every namespace has
            yield Interface(end=End(wished.name, name), kind="veth", presence="there", addresses=addresses)
            continue
        link = links[name][0]
        presence = _presence(_cable(link) in wires[0], _cable(link) in wires[1])
        yield _interface(wished.name, link, presence, addresses)


def _cable(link: Link) -> tuple[object, ...]:
    if isinstance(link, Veth):
        return link.name, link.peer_netns, link.peer_name, link.master
    return link.name, type(link)


def _interface(netns: NetnsName, link: Link, presence: Presence, addresses: tuple[Marked, ...]) -> Interface:
    end, about = End(netns, link.name), f"{link.mac}, mtu {link.mtu}"
    match link:
        case Veth():
            return Interface(
                end=end, kind="veth", presence=presence, addresses=addresses, about=about,
                peer=End(link.peer_netns, link.peer_name), master=link.master,
            )  # fmt: skip
        case Bridge():
            return Interface(end=end, kind="bridge", presence=presence, addresses=addresses, about=about)
        case Vxlan():
            return Interface(end=end, kind="vxlan", presence=presence, addresses=addresses, about=f"vni {link.vni}, {about}")


def _services(cluster: Cluster, owners: Mapping[str, Key]) -> Iterator[ServiceEntry]:
    """Yield the Services with those behind them that are ready."""
    behind: dict[Key, dict[str, None]] = {}
    for item in cluster.slices:
        key = Key(Service.kind, item.metadata.namespace, item.service_name)
        ready = (one.addresses[0] for one in item.endpoints if one.conditions.ready)
        behind.setdefault(key, {}).update(dict.fromkeys(ready))
    for service in cluster.services:
        addresses = tuple(behind.get(service.key, ()))
        yield ServiceEntry(
            key=service.key,
            name=short_name(service.metadata),
            kind="headless" if service.is_headless else service.spec.type,
            addresses=tuple(_reached_at(service)),
            ports=tuple(_ports(service)),
            pods=tuple(dict.fromkeys(owners[ip] for ip in addresses if ip in owners)),
            others=tuple(ip for ip in addresses if ip not in owners),
        )


def _reached_at(service: Service) -> Iterable[str]:
    if service.spec.external_name:
        return (service.spec.external_name,)
    ips = (ip for ip in service.spec.cluster_ips if ip != "None")
    return (*ips, *service.spec.external_ips, *(one.ip for one in service.status.load_balancer.ingress))


def _ports(service: Service) -> Iterator[str]:
    for port in service.spec.ports:
        yield f"{port.port}/{port.protocol}" + (f", node port {port.node_port}" if port.node_port else "")
