"""A lab as a drawing of characters, for a terminal: the fabric as a stem, each Node a box on it. Pure.

What is missing, or nobody's, says so before its text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from netlab.model.words import amount
from netlab.netstate.names import NetnsName
from netlab.packets.graph import Interface, LabGraph, Marked, Place, ServiceEntry, marked_text, printable
from netlab.packets.layout import footnotes

BRANCH, LAST, STEM = "├─ ", "└─ ", "│  "


def graph_text(graph: LabGraph) -> str:
    """Return the whole drawing, lines ended."""
    return "".join(f"{line}\n" for line in map(printable, _lines(graph)))


def _lines(graph: LabGraph) -> Iterator[str]:
    pods = sum(map(len, graph.pods.values()))
    counts = ((len(graph.nodes), "Node"), (pods, "Pod"), (len(graph.services), "Service"))
    yield f"lab {graph.name}: {', '.join(amount(*pair) for pair in counts)}"
    yield ""
    bridge = next((one for one in graph.fabric.interfaces if one.kind == "bridge"), None)
    yield f"fabric {_interface(bridge) if bridge else ''}, the switch between the machines"
    for node in graph.nodes:
        yield f"{BRANCH}{_head(node)}"
        yield from (f"{STEM}{line}" for line in boxed(list(_inside(node, graph.pods.get(node.name, ())))))
    yield f"{LAST}{_head(graph.outside)}"
    if graph.services:
        yield from ("", "Services", *_services(graph.services))
    notes = [text for text, presence in footnotes(graph) if presence != "there" or "picture" in text]
    yield from ("", *notes) if notes else ()


def boxed(lines: Sequence[str]) -> Iterator[str]:
    """Yield lines in a box as wide as the longest, nothing for none."""
    if not lines:
        return
    width = max(map(len, lines))
    yield f"╭─{'─' * width}─╮"
    yield from (f"│ {line:<{width}} │" for line in lines)
    yield f"╰─{'─' * width}─╯"


def _head(place: Place) -> str:
    """The name of a machine and its interfaces but for bridges and their ports."""
    words = [_interface(one) for one in place.interfaces if one.kind != "bridge" and one.master is None]
    state = " (machine off)" if place.is_off else ""
    return f"{marked_text(Marked(place.name, place.presence))}{state}" + (f": {', '.join(words)}" if words else "")


def _interface(one: Interface) -> str:
    texts = " ".join(map(marked_text, one.addresses))
    return marked_text(Marked(f"{one.end.ifname} {texts}".rstrip(), one.presence if not one.addresses else "there"))


def _inside(node: Place, pods: Sequence[Place]) -> Iterator[str]:
    yield from (marked_text(route) for route in node.routes if " via " in route.text or route.presence != "there")
    bridges = [one for one in node.interfaces if one.kind == "bridge"]
    yield from (_interface(one) for one in bridges)
    wired = [pod for pod in pods if not pod.is_host_network]
    rows = [list(_cells(pod, node.netns)) for pod in wired]
    for number, line in enumerate(_aligned(rows)):
        yield f"{LAST if number == len(rows) - 1 else BRANCH}{line}"
    yield from (f"{_named(pod)}, in the network of its Node" for pod in pods if pod.is_host_network)


def _cells(pod: Place, node: NetnsName) -> Iterator[str]:
    cable = next((one for one in pod.interfaces if one.peer and one.peer.netns == node), None)
    yield (
        marked_text(Marked(f"{cable.peer.ifname} ── {cable.end.ifname}", cable.presence))
        if cable and cable.peer
        else "no cable"
    )
    yield " ".join(map(marked_text, pod.addresses))
    yield _named(pod)


def _named(pod: Place) -> str:
    return marked_text(Marked(pod.name, pod.presence)) + ("" if pod.is_ready else " (not ready)")


def _services(services: Iterable[ServiceEntry]) -> Iterator[str]:
    rows = [
        [one.name, one.kind, ", ".join(one.addresses) or "-", ", ".join(one.ports) or "-", f"→ {_behind(one)}"]
        for one in services
    ]
    yield from (f"  {line}" for line in _aligned(rows))


def _behind(one: ServiceEntry) -> str:
    names = [*(str(key.name) for key in one.pods), *one.others]
    return ", ".join(names) or ("its name's address" if one.kind == "ExternalName" else "nobody")


def _aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
