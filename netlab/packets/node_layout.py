"""Where everything in one Node is drawn: its Pods in a grid, their cables to the bridge, the routes, the other interfaces.

name                          n Pods
| | +-----+ |    | +-----+ |            lanes of Services at the left of each column of Pods, of cables at its right:
| | | Pod |-+    | | Pod |-+            that of a Pod further down is further in, so that no two cables cross
| +-|     | |    +-|     | |
===== cni0 ======================
|  routes
[eth0]  [vxlan.1]
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from netlab.model.meta import Key
from netlab.model.words import amount
from netlab.netstate.names import NetnsName
from netlab.packets.drawing import LARGE, NORMAL, SMALL, Box, Dot, Group, Line, Point, Rect, Shape, Text, fitted, text_width
from netlab.packets.graph import End, Interface, Marked, Place, marked_text

PAD: Final = 12.0
LINE: Final = 13.0
POD_WIDTH: Final = 190.0
POD_GAP: Final = 10.0
HEADER: Final = 38.0
BAR: Final = 26.0
LANE: Final = 5.0
CABLE_LANE, CABLE_LANES = 4.0, 24.0
MOST_ROUTES: Final = 6
MOST_TEXT: Final = 380.0
ONE_COLUMN, TWO_COLUMNS = 5, 14


class Lane(NamedTuple):
    """Where the line of a Service goes down beside a column, and the points at which it enters Pods."""

    x: float
    colour: int
    entries: tuple[tuple[Key, Point], ...]


class NodeLayout:
    """One Node. `size` is what it needs; after `place` all its shapes are where they are to be.

    Args:
        node: the Node.
        pods: its Pods, in the order in which they fill the columns.
        colours: the numbers of the Services that lead to each Pod.
        rows: how many rows of Pods all Nodes have, so that their bridges are side by side; 0 for as many as this one needs.
    """

    def __init__(self, node: Place, pods: Sequence[Place], colours: Mapping[Key, Sequence[int]], rows: int = 0) -> None:
        self.node, self.pods, self.colours = node, pods, colours
        columns = 1 if len(pods) <= ONE_COLUMN else 2 if len(pods) <= TWO_COLUMNS else math.ceil(math.sqrt(len(pods) / 2))
        self.own_rows = math.ceil(len(pods) / columns)
        self.rows = max(rows, self.own_rows)
        self.columns = [pods[start : start + self.own_rows] for start in range(0, len(pods), max(1, self.own_rows))] or [()]
        self.lanes_of = [
            sorted({colour for pod in column for colour in colours.get(_key(pod), ())}) for column in self.columns
        ]  # fmt: skip
        self.routes = _shown_routes(node.routes)
        self.chips = [one for one in node.interfaces if one.kind != "bridge" and one.master is None and one.addresses] or [
            one for one in node.interfaces if one.kind != "bridge" and one.master is None
        ]
        self.bridges = [one for one in node.interfaces if one.kind == "bridge"]
        addresses = max((len(pod.addresses) for pod in pods), default=1)
        self.pod_height = 16 + LINE * (2 + max(1, addresses))
        self.grounds: list[Rect] = []
        self.lines: list[Line] = []
        self.groups: list[Group] = []
        self.boxes: dict[NetnsName, Box] = {}
        self.ends: dict[End, Point] = {}
        self.cables: dict[tuple[End, End], tuple[Point, ...]] = {}
        self.lanes: list[Lane] = []

    @property
    def _grid(self) -> float:
        """How wide the columns are together."""
        return sum(self._left(n) + POD_WIDTH + self._right(n) for n in range(len(self.columns)))

    @property
    def size(self) -> tuple[float, float]:
        """Width and height."""
        texts = [text_width(marked_text(route), SMALL) + 24 for route in self.routes]
        chips = sum(_chip_width(chip) + PAD for chip in self.chips)
        width = max(self._grid, min(MOST_TEXT, max(texts, default=0)), chips, POD_WIDTH + 24) + 2 * PAD
        height = HEADER + self.rows * (self.pod_height + POD_GAP) + 8 + BAR + len(self.routes) * LINE + 22
        return width, height + max((_chip_height(chip) for chip in self.chips), default=0) + PAD

    def _left(self, column: int) -> float:
        return 10 + LANE * len(self.lanes_of[column])

    def _right(self, column: int) -> float:
        return 6 + min(CABLE_LANES, CABLE_LANE * len(self.columns[column]))

    def place(self, box: Box) -> None:
        """Draw everything into a box at least as large as `size`."""
        node = self.node
        self.boxes[node.netns] = box
        state = ": its machine is off" if node.is_off else ""
        self.grounds.append(Rect(box=box, look="node off" if node.is_off else "node", title=f"Node {node.name}{state}",
                                 presence=node.presence, radius=10))  # fmt: skip
        bar = Box(box.x + PAD, box.y + HEADER + self.rows * (self.pod_height + POD_GAP) + 8, box.width - 2 * PAD, BAR)
        left = begin = box.x + (box.width - self._grid) / 2
        for number, column in enumerate(self.columns):
            self._column(number, column, left, box.y + HEADER, bar)
            left += self._left(number) + POD_WIDTH + self._right(number)
        self._rest(box, bar, begin + self._left(0), left - self._right(-1 % len(self.columns)))

    def _column(self, number: int, pods: Sequence[Place], left: float, top: float, bar: Box) -> None:
        edge = left + self._left(number)
        entries: dict[int, list[tuple[Key, Point]]] = {}
        spacing = min(CABLE_LANE, CABLE_LANES / max(1, len(pods)))
        for row, pod in enumerate(pods):
            box = Box(edge, top + row * (self.pod_height + POD_GAP), POD_WIDTH, self.pod_height)
            mine = self.colours.get(_key(pod), ())
            for place, colour in enumerate(mine):
                step = min(8.0, (self.pod_height - 12) / len(mine))
                entries.setdefault(colour, []).append((_key(pod), Point(edge, box.y + 9 + step * place)))
            lane = box.right + 5 + spacing * (len(pods) - 1 - row)
            self._pod(pod, box, lane, bar, [(colour, entries[colour][-1][1]) for colour in mine])
        for place, colour in enumerate(self.lanes_of[number]):
            self.lanes.append(Lane(left + 5 + LANE * place, colour, tuple(entries[colour])))

    def _pod(self, pod: Place, box: Box, lane: float, bar: Box, entries: Sequence[tuple[int, Point]]) -> None:
        if not pod.is_host_network:
            self.boxes[pod.netns] = box
        cable = next((one for one in pod.interfaces if one.peer and one.peer.netns == self.node.netns), None)
        if cable and cable.peer:
            start, end = Point(box.right, box.y + box.height / 2), Point(lane, bar.y)
            way = (start, Point(lane, start.y), end)
            self.ends |= {cable.end: start, cable.peer: end}
            self.cables |= {(cable.end, cable.peer): way, (cable.peer, cable.end): way[::-1]}
            title = f"{pod.name} {cable.end.ifname} to {self.node.name} {cable.peer.ifname}"
            self.lines.append(Line(points=way, look="cable", title=title, presence=cable.presence))
        look = "pod" if pod.is_ready else "pod unready"
        shapes: list[Shape] = [Rect(box=box, look=look, presence=pod.presence)]
        shapes += _texts(box, pod, cable)
        shapes += [Dot(at=point, look="entry", colour=colour) for colour, point in entries]
        self.groups.append(Group(label=_said(pod), key=str(pod.key or pod.name), shapes=tuple(shapes)))

    def _rest(self, box: Box, bar: Box, left: float, right: float) -> None:
        """The name, between these sides; the bridge, the routes and the other interfaces."""
        node = self.node
        count = "machine off" if node.is_off else amount(len(self.pods), "Pod")
        room = right - left - text_width(count, SMALL) - 10
        shapes: list[Shape] = [
            Text(at=Point(left, box.y + 24), text=fitted(node.name, room, LARGE), look="strong", size=LARGE),
            Text(at=Point(right, box.y + 24), text=count, look="dim", size=SMALL, anchor="end"),
        ]
        for number, bridge in enumerate(self.bridges):
            part = Box(bar.x + number * bar.width / len(self.bridges), bar.y, bar.width / len(self.bridges), bar.height)
            self.ends[bridge.end] = part.middle
            shapes.append(
                Rect(
                    box=part,
                    look="bridge",
                    title=f"bridge {bridge.end.ifname}, {bridge.about}",
                    presence=bridge.presence,
                    radius=4,
                )
            )
            shapes.append(_line_of(part, bridge))
        y = bar.bottom + 15
        for route in self.routes:
            text = fitted(marked_text(route), box.width - 2 * PAD - 22, SMALL)
            shapes.append(Text(at=Point(bar.x + 20, y), text=text, look="dim", size=SMALL, presence=route.presence))
            y += LINE
        bottom, left = box.bottom - PAD, bar.x
        for chip in self.chips:
            height = _chip_height(chip)
            part = Box(left, bottom - height, _chip_width(chip), height)
            shapes += self._chip(chip, part)
            left = part.right + PAD
        if self.chips:
            down = (Point(bar.x + 9, bar.bottom), Point(bar.x + 9, bottom - _chip_height(self.chips[0])))
            self.lines.append(Line(points=down, look="forward", title=f"{node.name} forwards by its routes"))
        self.groups.append(Group(label=_said(node), key=f"node/{node.name}", shapes=tuple(shapes)))

    def _chip(self, one: Interface, box: Box) -> Iterator[Shape]:
        self.ends[one.end] = Point(box.x + box.width / 2, box.bottom)
        yield Rect(
            box=box, look="interface", title=f"{one.kind} {one.end.ifname}, {one.about}", presence=one.presence, radius=4
        )
        yield from chip_texts(one, box)


def _key(pod: Place) -> Key:
    return pod.key or Key("Pod", "", pod.name)


def _shown_routes(routes: Sequence[Marked]) -> list[Marked]:
    """The routes that lead to somebody else, and those that are not as they are to be; as many as there is room for."""
    found = [route for route in routes if " via " in route.text or route.presence != "there"]
    more = len(found) - MOST_ROUTES
    return found if more <= 0 else [*found[: MOST_ROUTES - 1], Marked(f"and {more + 1} more routes")]


def _texts(box: Box, pod: Place, cable: Interface | None) -> Iterator[Text]:
    """The lines of text in a Pod's box."""
    left, room = box.x + 12, box.width - 20
    rows: list[tuple[str, str, float, Marked | None]] = [(pod.name, "strong", NORMAL, None)]
    rows += [(marked_text(one), "text", NORMAL, one) for one in pod.addresses]
    if pod.is_host_network or pod.presence == "missing":
        rows.append(("in the network of its Node" if pod.is_host_network else "no namespace", "dim", SMALL, None))
    elif cable and cable.peer:
        rows.append((f"{cable.end.ifname} — {cable.peer.ifname}", "dim", SMALL, None))
    for number, (text, look, size, marked) in enumerate(rows):
        at = Point(left, box.y + 18 + number * LINE)
        presence = marked.presence if marked else pod.presence
        yield Text(at=at, text=fitted(text, room, size), look=look, size=size, presence=presence)


def chip_lines(one: Interface) -> list[Marked]:
    """Return what stands in the box of an interface."""
    first, *more = [Marked(marked_text(text), text.presence) for text in one.addresses] or [Marked("")]
    return [Marked(f"{one.end.ifname}  {first.text}".rstrip(), first.presence), *more]


def chip_texts(one: Interface, box: Box) -> Iterator[Text]:
    """Yield the lines of text in the box of an interface."""
    for number, line in enumerate(chip_lines(one)):
        text = fitted(line.text, box.width - 14, SMALL)
        yield Text(at=Point(box.x + 8, box.y + 16 + number * LINE), text=text, size=SMALL, presence=line.presence)


def _chip_width(one: Interface) -> float:
    return max(text_width(line.text, SMALL) for line in chip_lines(one)) + 18


def _chip_height(one: Interface) -> float:
    return 11 + LINE * len(chip_lines(one))


def _line_of(box: Box, bridge: Interface) -> Text:
    """What stands on a bridge, in one line."""
    words = [bridge.end.ifname, *(marked_text(one) for one in bridge.addresses)]
    text = fitted("  ".join(words), box.width - 16, SMALL)
    drifted = next((one.presence for one in bridge.addresses if one.presence != "there"), bridge.presence)
    return Text(at=Point(box.middle.x, box.middle.y + 3.5), text=text, size=SMALL, anchor="middle", presence=drifted)


def _said(place: Place) -> str:
    """What is read aloud of a place."""
    words = [f"{place.kind} {place.name}", *(one.text for one in place.addresses)]
    if place.presence != "there":
        words.append({"missing": "is missing", "more": "is nobody's wish"}[place.presence])
    if place.kind == "Pod":
        words.append("ready" if place.is_ready else "not ready")
    return ", ".join(words)
