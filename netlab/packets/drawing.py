"""A drawing of a lab: where each namespace and each interface is on a plane, and the shapes that show it. Pure.

    Services in a row ............. coloured lines to their endpoints, each in a lane of its own
    Nodes beside each other ....... in each its Pods in a grid, cables down to the bridge, the routes, eth0 at the bottom
    outside at the right
    the fabric below all .......... the switch, a bar with a port for each machine

Lengths are pixels; texts are in one fixed width, so that their lengths are known and none meets another one. Who plays packets
over the drawing uses `ends` (where an interface is), `boxes` (where a namespace is) and `cables`. What draws it is svg.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from netlab.frozen import dataclass
from netlab.netstate.names import NetnsName
from netlab.packets.graph import End, Presence

CHAR: Final = 0.602  # the width of a character of a fixed-width font, in its size
SMALL, NORMAL, LARGE = 9.5, 10.5, 13.0


class Point(NamedTuple):
    """A point; y grows downwards."""

    x: float
    y: float


class Box(NamedTuple):
    """A rectangle by its upper left corner."""

    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """The x of its right side."""
        return self.x + self.width

    @property
    def bottom(self) -> float:
        """The y of its lower side."""
        return self.y + self.height

    @property
    def middle(self) -> Point:
        """Its middle."""
        return Point(self.x + self.width / 2, self.y + self.height / 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rect:
    """A rectangle with rounded corners. `look` says what it is (svg.py has the colours), `title` what is said of it."""

    box: Box
    look: str
    title: str = ""
    presence: Presence = "there"
    radius: float = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A line of text; `at` is where its base line begins, ends or has its middle."""

    at: Point
    text: str
    look: str = "text"
    size: float = NORMAL
    anchor: str = "start"
    presence: Presence = "there"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line through points, its corners rounded; `colour` is the number of a Service, -1 for none."""

    points: tuple[Point, ...]
    look: str
    title: str = ""
    colour: int = -1
    presence: Presence = "there"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dot:
    """A small disc."""

    at: Point
    look: str
    colour: int = -1
    radius: float = 3


Shape = Rect | Text | Line | Dot


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Shapes that are one thing: `label` is read aloud, `key` names it for who wants to find it (`pod/web`)."""

    label: str
    key: str
    shapes: tuple[Shape, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """The whole plane. `lines` lie on the `grounds` and below all `groups`, so that none crosses a text.

    `cables` are the ways of veth pairs from one end to the other, each in both directions.
    """

    title: str
    description: str
    width: float
    height: float
    grounds: tuple[Rect, ...]
    lines: tuple[Line, ...]
    groups: tuple[Group, ...]
    boxes: Mapping[NetnsName, Box]
    ends: Mapping[End, Point]
    cables: Mapping[tuple[End, End], tuple[Point, ...]]


def text_width(text: str, size: float = NORMAL) -> float:
    """Return how wide a text is."""
    return len(text) * size * CHAR


def fitted(text: str, width: float, size: float = NORMAL) -> str:
    """Return as much of a text as fits, its middle left out: names differ at their ends."""
    most = max(3, int(width / (size * CHAR)))
    if len(text) <= most:
        return text
    tail = (most - 1) // 2
    return f"{text[: most - 1 - tail]}…{text[len(text) - tail :]}"
