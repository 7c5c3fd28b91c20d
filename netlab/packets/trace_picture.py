"""Where each step of a trace is in the drawing of its lab, and the way of the packet there: for pages and pictures. Pure.

    an interface ... at its end of the cable
    a hook, a route  inside the namespace, between the interface before it and the one after it

A packet goes along the cables that are drawn; where none is, straight.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from netlab.netstate.names import IfName
from netlab.packets.drawing import Box, Drawing, Point
from netlab.packets.graph import End, LabGraph
from netlab.packets.steps import Passage, Step, owner
from netlab.packets.svg import escape, svg

COLOURS: Final = {"forward": "c0", "reply": "c2", "error": "c1"}
RADIUS: Final = 8.5
NEAR, BOW = 40.0, 90.0
ASIDE: Final = {"forward": -5.0, "reply": 5.0, "error": 5.0}
"""How far the way there and the way back are drawn beside each other in a picture that shows both."""

_NUMBER_SIZE: Final = 9.0


class Stop(NamedTuple):
    """A step at its place: `way` are the points from the stop before to this one, both included; of the first only its own."""

    step: Step
    direction: str
    at: Point
    way: tuple[Point, ...]


def on_the_way(graph: LabGraph, passages: Sequence[Passage]) -> LabGraph:
    """Return the lab with no other Pods than those where the packets were, and no other Services than those they asked for."""
    steps = [step for one in passages for step in one.steps]
    spaces = {step.netns for step in steps}
    owners = {owner(step.rules) for step in steps}
    pods = {place.key for found in graph.pods.values() for place in found if place.netns in spaces and place.key}
    services = {one.key for one in graph.services if f"svc/{one.name}" in owners}
    return graph.only(pods, services)


def stops(passages: Sequence[Passage], drawing: Drawing) -> tuple[Stop, ...]:
    """Return the steps of these passages that have a place in the drawing, in order."""
    found: list[Stop] = []
    for passage in passages:
        placed = [(step, _place(step, drawing)) for step in passage.steps]
        for number, (step, own) in enumerate(placed):
            at = own or _between(placed, number, drawing)
            if at is None:
                continue
            before = found[-1] if found and found[-1].direction == passage.direction else None
            way = _way(before, step, at, drawing) if before else (at,)
            found.append(Stop(step=step, direction=passage.direction, at=at, way=way))
    return tuple(found)


def _place(step: Step, drawing: Drawing) -> Point | None:
    return drawing.ends.get(End(step.netns, IfName(step.interface))) if step.interface else None


def _between(placed: Sequence[tuple[Step, Point | None]], number: int, drawing: Drawing) -> Point | None:
    """Return the point of a step without an interface: its share of the way between those with one, in the same namespace."""
    netns = placed[number][0].netns
    first = number
    while first > 0 and placed[first - 1][0].netns == netns and placed[first - 1][1] is None:
        first -= 1
    last = number
    while last + 1 < len(placed) and placed[last + 1][0].netns == netns and placed[last + 1][1] is None:
        last += 1
    box = drawing.boxes.get(netns)
    start = placed[first - 1][1] if first and placed[first - 1][0].netns == netns else None
    end = placed[last + 1][1] if last + 1 < len(placed) and placed[last + 1][0].netns == netns else None
    if box is None:
        return start or end
    start, end = start or _inside(box), end or _inside(box)
    share = (number - first + 1) / (last - first + 2)
    if math.dist(start, end) < NEAR:  # it leaves where it came in: the hooks lie on a bow inside
        bow = min(BOW, box.height / 2)
        at = Point(start.x + bow * share + RADIUS, start.y - math.sin(share * math.pi) * bow)
        return Point(min(max(at.x, box.x + RADIUS), box.right - RADIUS), min(max(at.y, box.y + RADIUS), box.bottom - RADIUS))
    return Point(start.x + (end.x - start.x) * share, start.y + (end.y - start.y) * share)


def _inside(box: Box) -> Point:
    return Point(box.x + box.width * 0.8, box.y + min(box.height / 2, 60))


def _way(before: Stop, step: Step, at: Point, drawing: Drawing) -> tuple[Point, ...]:
    """Return the points from one stop to the next: along the cable between their interfaces, if there is one."""
    ends = End(before.step.netns, IfName(before.step.interface)), End(step.netns, IfName(step.interface))
    return (before.at, *drawing.cables.get(ends, ()), at)


def trace_svg(drawing: Drawing, found: Sequence[Stop]) -> str:
    """Return the drawing with the way of the packets over it, and the number of each step where it happened."""
    whole = svg(drawing)
    return whole.removesuffix("</svg>\n") + "\n".join(_overlay(found)) + "\n</svg>\n"


def _overlay(found: Sequence[Stop]) -> Iterator[str]:
    moved = [_aside(one) for one in found]
    for one in moved:
        points = " ".join(f"{point.x:.1f},{point.y:.1f}" for point in one.way)
        if len(one.way) > 1:
            look = f'class="{COLOURS[one.direction]} trace" fill="none" stroke-width="3" opacity=".65"'
            yield f'<polyline {look} points="{points}"/>'
    for one in _apart(moved):
        title = f"step {one.step.number}: {one.step.kind} {one.step.interface}".strip()
        x, y = f"{one.at.x:.1f}", f"{one.at.y:.1f}"
        yield f'<g role="img" aria-label="{escape(title)}"><title>{escape(title)}</title>'
        look = f'class="{COLOURS[one.direction]}" fill="var(--paper)" stroke-width="1.5"'
        yield f'<circle {look} cx="{x}" cy="{y}" r="{RADIUS}"/>'
        middle = f'font-size="{_NUMBER_SIZE}" text-anchor="middle"'
        yield f'<text x="{x}" y="{one.at.y + 3:.1f}" {middle}>{one.step.number}</text></g>'


def _aside(one: Stop) -> Stop:
    by = ASIDE[one.direction]
    moved = [Point(point.x + by, point.y + by) for point in (one.at, *one.way)]
    return one._replace(at=moved[0], way=tuple(moved[1:]))


def _apart(found: Sequence[Stop]) -> Iterator[Stop]:
    """Yield the stops, each moved aside as far as it would hide an earlier one."""
    taken: list[Point] = []
    for one in found:
        at = one.at
        while any(math.dist(at, other) < 2 * RADIUS for other in taken):
            at = Point(at.x + 2 * RADIUS + 1, at.y)
        taken.append(at)
        yield one._replace(at=at)
