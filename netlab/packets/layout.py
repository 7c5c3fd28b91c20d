"""Where everything of a lab is drawn: `layout(graph)`. What is drawn stands in graph.py, what a drawing is in drawing.py."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Final

from netlab.model.meta import Key
from netlab.netstate.names import NetnsName
from netlab.packets.drawing import LARGE, NORMAL, SMALL, Box, Drawing, Group, Line, Point, Rect, Shape, Text, fitted, text_width
from netlab.packets.graph import End, LabGraph, Presence, ServiceEntry
from netlab.packets.node_layout import LINE, NodeLayout, chip_lines, chip_texts

MARGIN: Final = 24.0
GAP: Final = 26.0
NARROW_SERVICE, SERVICE_WIDTH = 178.0, 214.0
RAIL: Final = 6.0
OUTSIDE_WIDTH: Final = 190.0
FABRIC_DOWN, FABRIC_HEIGHT = 44.0, 30.0
MOST_LINES: Final = 3
COLOURS: Final = 8
"""How many colours there are for Services; then they begin anew."""


def layout(graph: LabGraph) -> Drawing:
    """Return the drawing of a lab. The same lab gives the same drawing."""
    return _Layout(graph).drawing()


class _Layout:
    def __init__(self, graph: LabGraph) -> None:
        self.graph = graph
        colours: dict[Key, list[int]] = {}
        for number, service in enumerate(graph.services):
            for key in service.pods:
                colours.setdefault(key, []).append(number)
        alone = [NodeLayout(node, graph.pods.get(node.name, ()), colours) for node in graph.nodes]
        rows = max((one.own_rows for one in alone), default=0)
        self.nodes = [NodeLayout(one.node, one.pods, colours, rows) for one in alone]
        self.lines: list[Line] = []
        self.groups: list[Group] = []
        self.grounds: list[Rect] = []
        self.boxes: dict[NetnsName, Box] = {}
        self.ends: dict[End, Point] = {}
        self.cables: dict[tuple[End, End], tuple[Point, ...]] = {}

    def drawing(self) -> Drawing:
        inside = sum(node.size[0] + GAP for node in self.nodes) + OUTSIDE_WIDTH
        width = max(inside, 3 * (SERVICE_WIDTH + GAP) - GAP)
        exits, y = self._services(width)
        rails = {number: y + RAIL * place for place, number in enumerate(exits)}
        top = y + RAIL * len(rails) + 10
        bottom = top + max((node.size[1] for node in self.nodes), default=120)
        self._nodes(top, bottom)
        self._outside(width, bottom)
        self._fabric(width, bottom + FABRIC_DOWN)
        lanes = [line for node in self.nodes for line in self._service_lines(node, exits, rails)]
        height = self._footer(bottom + FABRIC_DOWN + FABRIC_HEIGHT)
        for node in self.nodes:
            self.boxes |= node.boxes
            self.ends |= node.ends
            self.cables |= node.cables
        return Drawing(
            title=f"The network of lab {self.graph.name}",
            description=described(self.graph),
            width=width + 2 * MARGIN,
            height=height + MARGIN,
            grounds=(*self.grounds, *(one for node in self.nodes for one in node.grounds)),
            lines=(*lanes, *self.lines, *(one for node in self.nodes for one in node.lines)),
            groups=(*self.groups, *(one for node in self.nodes for one in node.groups)),
            boxes=self.boxes,
            ends=self.ends,
            cables=self.cables,
        )

    def _services(self, width: float) -> tuple[dict[int, tuple[Point, ...]], float]:
        """Draw the Services in rows; return by number where the line of each begins, and the y below all of them."""
        rows_needed = math.ceil(len(self.graph.services) / int((width + GAP) / (NARROW_SERVICE + GAP))) or 1
        each = max(1, math.ceil(len(self.graph.services) / rows_needed))
        wide = min(SERVICE_WIDTH, (width + GAP) / each - GAP)
        exits: dict[int, tuple[Point, ...]] = {}
        y = MARGIN
        every = list(enumerate(self.graph.services))
        rows = [every[start : start + each] for start in range(0, len(every), each)]
        for place, row in enumerate(rows):
            height = 14 + LINE * max(len(_service_texts(service)) - 1 for _, service in row)
            for column, (number, service) in enumerate(row):
                box = Box(MARGIN + column * (wide + GAP), y, wide, height)
                self.groups.append(_service_group(number, service, box))
                if service.pods:
                    below = Point(box.right + 6 + 4 * place, box.middle.y)
                    exits[number] = (
                        (Point(box.middle.x, box.bottom),) if place == len(rows) - 1 else (Point(box.right, below.y), below)
                    )
            y += height + 14
        return exits, y + 4

    def _nodes(self, top: float, bottom: float) -> None:
        x = MARGIN
        for node in self.nodes:
            width, _ = node.size
            node.place(Box(x, top, width, bottom - top))
            x += width + GAP

    def _service_lines(self, node: NodeLayout, exits: dict[int, tuple[Point, ...]], rails: dict[int, float]) -> Iterator[Line]:
        """Yield the lines of Services to the Pods of one Node: down to a rail, along it, down a lane, and into the Pod."""
        for lane in node.lanes:
            start, rail = exits[lane.colour], rails[lane.colour]
            name = self.graph.services[lane.colour].name
            for key, entry in lane.entries:
                way = (*start, Point(start[-1].x, rail), Point(lane.x, rail), Point(lane.x, entry.y), entry)
                yield Line(points=way, look="service", colour=lane.colour, title=f"{name} leads to {key}")

    def _outside(self, width: float, bottom: float) -> None:
        place = self.graph.outside
        chips = [one for one in place.interfaces if one.addresses]
        heights = [11 + LINE * len(chip_lines(one)) for one in chips]
        box_height = 58 + sum(height + 8 for height in heights)
        box = Box(MARGIN + width - OUTSIDE_WIDTH, bottom - box_height, OUTSIDE_WIDTH, box_height)
        self.boxes[place.netns] = box
        self.grounds.append(Rect(box=box, look="outside", title="outside: a client of the cluster", radius=10))
        shapes: list[Shape] = [
            Text(at=Point(box.x + 14, box.y + 24), text=place.name, look="strong", size=LARGE),
            Text(at=Point(box.x + 14, box.y + 39), text="a client, no part of it", look="dim", size=SMALL),
        ]
        y = box.y + 48
        for one, height in sorted(zip(chips, heights, strict=True), key=lambda pair: pair[0].peer is not None):
            part = Box(box.x + 12, y, box.width - 24, height)
            shapes.append(
                Rect(box=part, look="interface", title=f"{one.end.ifname}, {one.about}", presence=one.presence, radius=4)
            )
            shapes += chip_texts(one, part)
            self.ends[one.end] = Point(part.middle.x, part.bottom)
            y += height + 8
        self.groups.append(
            Group(label=f"outside, {', '.join(one.text for one in place.addresses)}", key="outside", shapes=tuple(shapes))
        )

    def _fabric(self, width: float, y: float) -> None:
        """The switch, and the cable of each machine down to it."""
        fabric, bar = self.graph.fabric, Box(MARGIN, y, width, FABRIC_HEIGHT)
        self.boxes[fabric.netns] = bar
        bridge = next((one for one in fabric.interfaces if one.kind == "bridge"), None)
        words = f"fabric  {bridge.end.ifname if bridge else ''}, the switch between the machines"
        shapes: list[Shape] = [
            Rect(box=bar, look="bridge", title=f"fabric: {words}", presence=bridge.presence if bridge else fabric.presence),
            Text(at=Point(bar.x + 14, bar.middle.y + 3.5), text=fitted(words, width - 28, NORMAL)),
        ]
        if bridge:
            self.ends[bridge.end] = bar.middle
        known = {end: point for node in self.nodes for end, point in node.ends.items()} | self.ends
        for port in fabric.interfaces:
            if port.peer is None or port.peer not in known:
                continue
            start = known[port.peer]
            end = Point(start.x, bar.y)
            self.ends[port.end] = end
            self.cables |= {(port.peer, port.end): (start, end), (port.end, port.peer): (end, start)}
            self.lines.append(
                Line(points=(start, end), look="cable", title=f"cable of {port.end.ifname}", presence=port.presence)
            )
            shapes.append(Text(at=Point(end.x + 7, bar.y - 8), text=port.end.ifname, look="dim", size=SMALL))
        self.groups.append(Group(label="fabric, the switch between the machines", key="fabric", shapes=tuple(shapes)))

    def _footer(self, y: float) -> float:
        """Say what is not as it is to be, and what was left out; return the y below it."""
        shapes: list[Shape] = []
        for text, presence in footnotes(self.graph):
            y += 20
            shapes.append(Text(at=Point(MARGIN, y), text=text, presence=presence))
        if shapes:
            self.groups.append(Group(label="notes", key="notes", shapes=tuple(shapes)))
        return y


def footnotes(graph: LabGraph) -> Iterator[tuple[str, Presence]]:
    """Yield what is to be said below a picture, each with what it is about (Presence)."""
    missing, more = graph.drift
    if missing:
        yield f"{missing} missing: what the lab wishes and is not there", "missing"
    if more:
        yield f"{more} nobody's: what is there and the lab does not wish", "more"
    if any(not pod.is_ready for pods in graph.pods.values() for pod in pods):
        yield "a Pod with a broken edge is not ready: Services do not lead to it", "there"
    pods, services = graph.left_out
    if pods or services:
        yield f"not in the picture: {pods} Pods and {services} Services", "there"


def described(graph: LabGraph) -> str:
    """Return the lab in a sentence or two, for those who do not see the picture."""
    pods = sum(map(len, graph.pods.values()))
    nodes = ", ".join(f"{node.name} with {len(graph.pods.get(node.name, ()))} Pods" for node in graph.nodes)
    services = "; ".join(f"{one.name} leads to {len(one.pods) + len(one.others)}" for one in graph.services)
    ends = f" Services: {services}." if services else ""
    return f"{len(graph.nodes)} Nodes, {pods} Pods, {len(graph.services)} Services. On the fabric: {nodes}, and outside.{ends}"


def _service_texts(service: ServiceEntry) -> list[tuple[str, str]]:
    """What stands in the box of a Service below its name: text and look."""
    rows = [(service.name, "strong"), (service.kind, "dim")]
    rows += [(address, "text") for address in _few(service.addresses)]
    rows += [(port, "text") for port in _few(service.ports)]
    if not service.pods and not service.others and service.kind != "ExternalName":
        rows.append(("no endpoints", "warn"))
    return rows + [(f"→ {address}", "text") for address in _few(service.others)]


def _few(texts: Sequence[str]) -> list[str]:
    return list(texts) if len(texts) <= MOST_LINES else [*texts[: MOST_LINES - 1], f"and {len(texts) - MOST_LINES + 1} more"]


def _service_group(number: int, service: ServiceEntry, box: Box) -> Group:
    shapes: list[Shape] = [Rect(box=box, look=f"svc c{number % COLOURS}")]
    rows = _service_texts(service)
    kind_width = text_width(service.kind, SMALL) + 16
    name, kind, *rest = rows
    shapes += [
        Text(at=Point(box.x + 12, box.y + 18), text=fitted(name[0], box.width - 20 - kind_width, NORMAL), look="strong"),
        Text(at=Point(box.right - 10, box.y + 18), text=kind[0], look="dim", size=SMALL, anchor="end"),
    ]
    for place, (text, look) in enumerate(rest, 1):
        at = Point(box.x + 12, box.y + 18 + place * LINE)
        shapes.append(Text(at=at, text=fitted(text, box.width - 20, SMALL), look=look, size=SMALL))
    count = len(service.pods) + len(service.others)
    label = ", ".join([f"Service {service.name}", service.kind, *service.addresses, *service.ports, f"{count} endpoints"])
    return Group(label=label, key=f"service/{service.name}", shapes=tuple(shapes))
