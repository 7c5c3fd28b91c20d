"""A plot of cost against number, as an SVG without a library: both axes logarithmic, a line for each contender."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

WIDTH, HEIGHT, MARGIN, LEGEND = 640, 400, 60, 200
COLOURS = ("#1b6ac9", "#d1495b", "#8a8d91", "#3a9d5d", "#b07aa1", "#e19c24")

Points = Sequence[tuple[float, float]]


def svg(title: str, lines: Mapping[str, Points], *, x: str, y: str) -> str:
    """Return the drawing. Every value is above 0; `x` and `y` say what they are, with the unit."""
    xs = [point[0] for points in lines.values() for point in points]
    ys = [point[1] for points in lines.values() for point in points]
    across, up = _Axis(min(xs), max(xs), MARGIN, WIDTH), _Axis(min(ys), max(ys), HEIGHT - MARGIN, MARGIN / 2)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH + LEGEND} {HEIGHT}" font-family="sans-serif" font-size="12">',
        f'<rect width="100%" height="100%" fill="white"/><text x="{MARGIN}" y="18" font-size="14">{escape(title)}</text>',
        f'<text x="{(WIDTH + MARGIN) / 2}" y="{HEIGHT - 15}" text-anchor="middle">{escape(x)}</text>',
        f'<text transform="translate(14 {HEIGHT / 2}) rotate(-90)" text-anchor="middle">{escape(y)}</text>',
    ]
    for value in sorted(set(xs)):
        place = across.at(value)
        parts.append(f'<line x1="{place:.1f}" x2="{place:.1f}" y1="{MARGIN / 2}" y2="{HEIGHT - MARGIN}" stroke="#eee"/>')
        parts.append(f'<text x="{place:.1f}" y="{HEIGHT - MARGIN + 16}" text-anchor="middle">{value:g}</text>')
    for value in up.tens():
        place = up.at(value)
        parts.append(f'<line x1="{MARGIN}" x2="{WIDTH}" y1="{place:.1f}" y2="{place:.1f}" stroke="#ddd"/>')
        parts.append(f'<text x="{MARGIN - 6}" y="{place + 4:.1f}" text-anchor="end">{value:g}</text>')
    for number, (name, points) in enumerate(lines.items()):
        colour = COLOURS[number % len(COLOURS)]
        way = " ".join(f"{across.at(one):.1f},{up.at(two):.1f}" for one, two in points)
        parts.append(f'<polyline points="{way}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{across.at(one):.1f}" cy="{up.at(two):.1f}" r="3" fill="{colour}"/>' for one, two in points]
        parts.append(f'<text x="{WIDTH + 12}" y="{MARGIN + 18 * number}" fill="{colour}">{escape(name)}</text>')
    return "\n".join([*parts, "</svg>", ""])


class _Axis:
    """A logarithmic one: where a value stands, between two places of the drawing."""

    def __init__(self, lowest: float, highest: float, first: float, last: float) -> None:
        self._low, self._high = math.log10(lowest), math.log10(highest)
        self._first, self._last = first, last

    def at(self, value: float) -> float:
        """Return its place."""
        share = (math.log10(value) - self._low) / ((self._high - self._low) or 1)
        return self._first + share * (self._last - self._first)

    def tens(self) -> list[float]:
        """Return the powers of ten inside."""
        return [10.0**power for power in range(math.ceil(self._low), math.floor(self._high) + 1)]
