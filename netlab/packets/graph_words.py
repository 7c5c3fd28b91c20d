"""A lab in the languages of other programs that draw: dot (Graphviz) and mermaid. Pure.

Everything gets a short name of our own, and what people call it is a quoted label: whatever a manifest says, it stays a label.
Source: Graphviz, The DOT Language (quoted strings, escString); Mermaid, flowchart syntax (entity codes).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from netlab.model.meta import Key
from netlab.packets.graph import Interface, LabGraph, Marked, Place, Presence, ServiceEntry, marked_text, printable

_COLOURS: Final[Mapping[Presence, str]] = {"there": "", "missing": "red", "more": "orange"}
_NEEDS_ENTITY: Final = re.compile(r"[^A-Za-z0-9 .,:/_@()\u2014-]")


class _Names:
    """Short names, given in the order in which they are asked for."""

    def __init__(self) -> None:
        self._known: dict[object, str] = {}

    def of(self, thing: object) -> str:
        return self._known.setdefault(thing, f"n{len(self._known)}")


# dot ------------------------------------------------------------------------------------------------------------------------


def graph_dot(graph: LabGraph) -> str:
    """Return the lab as a dot file: `dot -Tsvg`."""
    return "".join(f"{line}\n" for line in _dot(graph))


def quoted(*lines: str) -> str:
    r"""Return a quoted string of dot, its lines one below the other: `"cni0\n10.244.1.1/24"`."""
    return '"' + r"\n".join(printable(line).replace("\\", r"\\").replace('"', r"\"") for line in lines if line) + '"'


def _dot(graph: LabGraph) -> Iterator[str]:
    names = _Names()
    yield f"graph {quoted(graph.name)} {{"
    yield '  graph [fontname="monospace", rankdir=TB, newrank=true];'
    yield '  node [fontname="monospace", fontsize=10, shape=box];'
    yield '  edge [fontname="monospace", fontsize=8];'
    for service in graph.services:
        yield f"  {names.of(service.key)} [label={quoted(*service_lines(service))}, style=rounded];"
    for place in graph.nodes:
        yield f"  subgraph cluster_{names.of(place.netns)} {{"
        yield f"    label={quoted(*_title(place))};{_dot_style(place.presence, ' color={};')}"
        for pod in graph.pods.get(place.name, ()):
            yield f"    {names.of(pod.key)} [label={quoted(*place_lines(pod))}{_dot_style(pod.presence)}];"
        for one in _own(place):
            yield f"    {names.of(one.end)} [label={quoted(*interface_lines(one))}{_dot_style(one.presence)}];"
        for one, other in _inside(place):
            yield f"    {names.of(one.end)} -- {names.of(other.end)} [style=dotted];"
        yield "  }"
    for place in (graph.outside, graph.fabric):
        said = quoted(place.name, *map(marked_text, place.addresses))
        yield f"  {names.of(place.netns)} [label={said}{_dot_style(place.presence)}];"
    for start, end, label, presence in _cables(graph, names):
        yield f"  {start} -- {end} [label={quoted(label)}{_dot_style(presence)}];"
    for service in graph.services:
        yield from (
            f"  {names.of(service.key)} -- {names.of(key)} [style=dashed, dir=forward];" for key in _shown(graph, service)
        )
    yield "}"


def _dot_style(presence: Presence, form: str = ", color={}, style=dashed") -> str:
    return form.format(_COLOURS[presence]) if _COLOURS[presence] else ""


# mermaid --------------------------------------------------------------------------------------------------------------------


def graph_mermaid(graph: LabGraph) -> str:
    """Return the lab as a flowchart of mermaid."""
    return "".join(f"{line}\n" for line in _mermaid(graph))


def label(*lines: str) -> str:
    """Return a quoted label of mermaid; what is not a plain character is an entity code: `#35;`."""
    return (
        '"'
        + "<br/>".join(_NEEDS_ENTITY.sub(lambda found: f"#{ord(found[0])};", printable(line)) for line in lines if line)
        + '"'
    )


def _mermaid(graph: LabGraph) -> Iterator[str]:
    names, drifted = _Names(), dict[str, Presence]()

    def box(thing: object, presence: Presence, *lines: str) -> str:
        name = names.of(thing)
        if presence != "there":
            drifted[name] = presence
        return f"{name}[{label(*lines)}]"

    yield "flowchart TB"
    for service in graph.services:
        yield f"  {names.of(service.key)}([{label(*service_lines(service))}])"
    for place in graph.nodes:
        yield f"  subgraph {box(place.netns, place.presence, *_title(place))}"
        for pod in graph.pods.get(place.name, ()):
            yield f"    {box(pod.key, pod.presence, *place_lines(pod))}"
        for one in _own(place):
            yield f"    {box(one.end, one.presence, *interface_lines(one))}"
        for one, other in _inside(place):
            yield f"    {names.of(one.end)} -.- {names.of(other.end)}"
        yield "  end"
    for place in (graph.outside, graph.fabric):
        yield f"  {box(place.netns, place.presence, place.name, *map(marked_text, place.addresses))}"
    for start, end, text, presence in _cables(graph, names):
        mark = f"{presence}: " if presence != "there" else ""
        yield f"  {start} ---|{label(mark + text)}| {end}"
    for service in graph.services:
        yield from (f"  {names.of(service.key)} -.-> {names.of(key)}" for key in _shown(graph, service))
    for presence, colour in _COLOURS.items():
        if found := [name for name, mark in drifted.items() if mark == presence]:
            yield f"  classDef {presence} stroke:{colour},stroke-dasharray:4"
            yield f"  class {','.join(found)} {presence}"


# both -----------------------------------------------------------------------------------------------------------------------


def _title(place: Place) -> tuple[str, ...]:
    routes = (marked_text(route) for route in place.routes if " via " in route.text or route.presence != "there")
    return f"{place.name}{' (machine off)' if place.is_off else ''}", *routes


def place_lines(pod: Place) -> list[str]:
    """Return what is said of a Pod."""
    lines = [marked_text(Marked(pod.name, pod.presence)), *map(marked_text, pod.addresses)]
    lines += ["in the network of its Node"] if pod.is_host_network else []
    return lines if pod.is_ready else [*lines, "not ready"]


def service_lines(service: ServiceEntry) -> list[str]:
    """Return what is said of a Service."""
    return [f"Service {service.name}", service.kind, *service.addresses, *service.ports, *service.others]


def interface_lines(one: Interface) -> list[str]:
    """Return what is said of an interface."""
    return [one.end.ifname, *map(marked_text, one.addresses)]


def _own(place: Place) -> list[Interface]:
    """The interfaces of a Node that are no ends of its Pods' cables."""
    return [one for one in place.interfaces if one.master is None]


def _inside(place: Place) -> Iterator[tuple[Interface, Interface]]:
    """Yield between which interfaces a Node forwards: its bridges and the others."""
    bridges = [one for one in place.interfaces if one.kind == "bridge"]
    yield from ((bridge, one) for bridge in bridges for one in _own(place) if one.kind != "bridge")


def _cables(graph: LabGraph, names: _Names) -> Iterator[tuple[str, str, str, Presence]]:
    """Yield the cables: both ends, a label, and whether it is there."""
    for node in graph.nodes:
        bridge = next((one.end for one in node.interfaces if one.kind == "bridge"), node.netns)
        for pod in graph.pods.get(node.name, ()):
            for one in pod.interfaces:
                if one.peer and one.peer.netns == node.netns:
                    yield names.of(pod.key), names.of(bridge), one.peer.ifname, one.presence
    ends = {one.peer: one for one in graph.fabric.interfaces if one.peer}
    for place in (*graph.nodes, graph.outside):
        for one in place.interfaces:
            if one.end in ends:
                start = names.of(one.end if place.kind == "Node" else place.netns)
                yield start, names.of(graph.fabric.netns), ends[one.end].end.ifname, ends[one.end].presence


def _shown(graph: LabGraph, service: ServiceEntry) -> Sequence[Key]:
    """The Pods behind a Service that are in the picture."""
    there = {pod.key for pods in graph.pods.values() for pod in pods}
    return [key for key in service.pods if key in there]
