"""A drawing as SVG: one element that stands by itself, in light and dark, read aloud by screen readers. Pure.

All text is escaped: names and addresses come from manifests. Colours follow the reader's system (`prefers-color-scheme`),
unless `data-theme` on an element around it says light or dark.
Source: SVG 2; WAI-ARIA Graphics Module; colours after Okabe and Ito, which people with other colour vision tell apart.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final, assert_never
from xml.sax import saxutils

from netlab.packets.drawing import Box, Dot, Drawing, Group, Line, Point, Rect, Shape, Text
from netlab.packets.graph import printable
from netlab.packets.layout import COLOURS

CORNER: Final = 6.0
# Each colour in light and in dark.
_PALETTE: Final = {
    "paper": ("#ffffff", "#14181f"),
    "ink": ("#1b2430", "#e8edf4"),
    "dim": ("#5a6675", "#9aa7b8"),
    "node": ("#f3f6fa", "#1c222c"),
    "edge": ("#b9c4d2", "#3d4a5c"),
    "pod": ("#ffffff", "#262f3c"),
    "bar": ("#dfe7f1", "#303c4d"),
    "cable": ("#8795a8", "#6d7d92"),
    "missing": ("#c2261c", "#ff7b72"),
    "more": ("#9a6700", "#e3b341"),
    "c0": ("#0072b2", "#56a8e0"),
    "c1": ("#d55e00", "#ff9a4d"),
    "c2": ("#00855f", "#2fc79a"),
    "c3": ("#b8548f", "#ec9cc9"),
    "c4": ("#8a6d00", "#e6c229"),
    "c5": ("#6a51c7", "#b3a4ff"),
    "c6": ("#2b8a9e", "#67d3e6"),
    "c7": ("#a33b3b", "#ff9d9d"),
}
_RULES: Final = """
.netlab text{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;fill:var(--ink)}
.netlab .strong{font-weight:600}
.netlab .dim{fill:var(--dim)}
.netlab .warn,.netlab text.missing{fill:var(--missing)}
.netlab text.more{fill:var(--more)}
.netlab .node,.netlab .outside{fill:var(--node);stroke:var(--edge)}
.netlab .off{opacity:.55;stroke-dasharray:6 4}
.netlab .outside{stroke-dasharray:3 3}
.netlab .pod,.netlab .interface{fill:var(--pod);stroke:var(--edge)}
.netlab .unready{stroke:var(--dim);stroke-dasharray:3 3}
.netlab .bridge{fill:var(--bar);stroke:var(--edge)}
.netlab .svc{fill:var(--pod);stroke-width:1.6}
.netlab path{fill:none}
.netlab .cable{stroke:var(--cable);stroke-width:1.4}
.netlab .forward{stroke:var(--cable);stroke-width:1.4;stroke-dasharray:2 3}
.netlab .service{stroke-width:1.5}
.netlab rect.missing,.netlab path.missing{stroke:var(--missing);stroke-dasharray:5 3;stroke-width:1.6}
.netlab rect.more,.netlab path.more{stroke:var(--more);stroke-width:2}
""".strip()


def svg(drawing: Drawing) -> str:
    """Return the drawing as one `<svg>` element."""
    width, height = _number(drawing.width), _number(drawing.height)
    size = f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
    read_aloud = 'role="img" aria-labelledby="netlab-title netlab-description"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="netlab" {read_aloud} {size}>',
        f'<title id="netlab-title">{escape(drawing.title)}</title>',
        f'<desc id="netlab-description">{escape(drawing.description)}</desc>',
        f"<style>\n{styles()}\n</style>",
        f'<rect class="paper" fill="var(--paper)" width="{width}" height="{height}"/>',
        *map(_shape, drawing.grounds),
        *map(_shape, drawing.lines),
        *(line for group in drawing.groups for line in _group(group)),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def styles() -> str:
    """Return the style sheet, for pages that show such drawings and draw over them."""
    light, dark = (";".join(f"--{name}:{pair[n]}" for name, pair in _PALETTE.items()) for n in (0, 1))
    colours = "\n".join(
        f".netlab .c{n}{{stroke:var(--c{n})}} .netlab .entry.c{n}{{fill:var(--c{n});stroke:none}}" for n in range(COLOURS)
    )
    return (
        f".netlab{{{light}}}\n@media(prefers-color-scheme:dark){{.netlab{{{dark}}}}}\n"
        f"[data-theme=light] .netlab{{{light}}}\n[data-theme=dark] .netlab{{{dark}}}\n{_RULES}\n{colours}"
    )


def escape(text: str) -> str:
    """Return a text for the inside of an element or of a quoted attribute; what cannot be printed is shown as one sign."""
    return saxutils.escape(printable(text), {'"': "&quot;"})


def _group(group: Group) -> Iterator[str]:
    yield f'<g role="group" aria-label="{escape(group.label)}" data-key="{escape(group.key)}">'
    yield from map(_shape, group.shapes)
    yield "</g>"


def _shape(shape: Shape) -> str:
    match shape:
        case Rect():
            attributes = f'{_place(shape.box)} rx="{_number(shape.radius)}"'
            return _titled("rect", _classes(shape.look, shape.presence), attributes, shape.title)
        case Text():
            anchor = f' text-anchor="{shape.anchor}"' if shape.anchor != "start" else ""
            where = f'x="{_number(shape.at.x)}" y="{_number(shape.at.y)}" font-size="{_number(shape.size)}"{anchor}'
            return f'<text class="{_classes(shape.look, shape.presence)}" {where}>{escape(shape.text)}</text>'
        case Line():
            return _titled(
                "path", _classes(shape.look, shape.presence, shape.colour), f'd="{_path(shape.points)}"', shape.title
            )
        case Dot():
            where = f'cx="{_number(shape.at.x)}" cy="{_number(shape.at.y)}" r="{_number(shape.radius)}"'
            return f'<circle class="{_classes(shape.look, "there", shape.colour)}" {where}/>'
        case _:
            assert_never(shape)


def _titled(tag: str, classes: str, attributes: str, title: str) -> str:
    inside = f"<title>{escape(title)}</title>" if title else ""
    return f'<{tag} class="{classes}" {attributes}>{inside}</{tag}>' if inside else f'<{tag} class="{classes}" {attributes}/>'


def _classes(look: str, presence: str, colour: int = -1) -> str:
    words = [look, *([f"c{colour % COLOURS}"] if colour >= 0 else []), *([presence] if presence != "there" else [])]
    return " ".join(words)


def _place(box: Box) -> str:
    x, y, width, height = map(_number, box)
    return f'x="{x}" y="{y}" width="{width}" height="{height}"'


def _path(points: tuple[Point, ...]) -> str:
    """Return the commands of a path through points, each corner rounded as far as its sides allow."""
    parts = [f"M{_at(points[0])}"]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        radius = min(CORNER, math.dist(before, corner) / 2, math.dist(corner, after) / 2)
        parts.append(f"L{_at(_towards(corner, before, radius))}Q{_at(corner)} {_at(_towards(corner, after, radius))}")
    return "".join((*parts, f"L{_at(points[-1])}"))


def _towards(start: Point, end: Point, length: float) -> Point:
    whole = math.dist(start, end)
    share = length / whole if whole else 0
    return Point(start.x + (end.x - start.x) * share, start.y + (end.y - start.y) * share)


def _at(point: Point) -> str:
    return f"{_number(point.x)} {_number(point.y)}"


def _number(value: float) -> str:
    """Return a length in tenths of a pixel: the same text wherever it was computed."""
    return f"{value:.1f}".removesuffix(".0")
