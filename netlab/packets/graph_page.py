"""A lab as one HTML page that needs nothing else: the drawing, and tables with all that the drawing has no room for. Pure.

The page may load nothing (its Content-Security-Policy says so), holds no script, and all text is escaped.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from netlab.packets.graph import Interface, LabGraph, Marked, Place, Presence, marked_text
from netlab.packets.layout import described, footnotes, layout
from netlab.packets.svg import escape, svg

_STYLE: Final = """
:root{color-scheme:light dark}
body{margin:0 auto;padding:1.5rem;max-width:120rem;font:15px/1.5 system-ui,sans-serif;background:Canvas;color:CanvasText}
h1{font-size:1.4rem;margin:0 0 .25rem} h2{font-size:1.1rem;margin:2rem 0 .5rem}
figure{margin:1rem 0;overflow-x:auto} figure svg{max-width:100%;height:auto;min-width:60rem}
table{border-collapse:collapse;font-size:.9rem} caption{text-align:left;padding-bottom:.25rem}
th,td{text-align:left;vertical-align:top;padding:.25rem .9rem .25rem 0;border-bottom:1px solid #8886}
td{white-space:nowrap;font-family:ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace}
td:last-child{white-space:normal;min-width:14rem} div{overflow-x:auto}
.missing{color:#c2261c} .more{color:#9a6700}
@media(prefers-color-scheme:dark){.missing{color:#ff7b72} .more{color:#e3b341}}
""".strip()
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'"


def graph_page(graph: LabGraph) -> str:
    """Return the page."""
    return "\n".join(_page(graph)) + "\n"


def _page(graph: LabGraph) -> Iterator[str]:
    title = f"The network of lab {graph.name}"
    yield "<!doctype html>"
    yield '<html lang="en"><head><meta charset="utf-8">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<title>{escape(title)}</title><style>\n{_STYLE}\n</style></head><body><main>"
    yield f"<h1>{escape(title)}</h1><p>{escape(described(graph))}</p>"
    yield from (f'<p class="{presence}">{escape(text)}</p>' for text, presence in footnotes(graph) if presence != "there")
    yield f"<figure>{svg(layout(graph))}</figure>"
    yield from _table("Services", ("Service", "Type", "Reached at", "Ports", "Endpoints"), _service_rows(graph))
    yield from _table(
        "Interfaces", ("Namespace", "What it is", "Interface", "Addresses", "Cable to", "Link"), _interface_rows(graph)
    )
    yield from _table("Routes", ("Namespace", "Route"), _route_rows(graph))
    yield "</main></body></html>"


def _table(title: str, headings: Iterable[str], rows: Iterable[tuple[Presence, tuple[str, ...]]]) -> Iterator[str]:
    found = list(rows)
    if not found:
        return
    yield f"<h2>{escape(title)}</h2><div><table><thead><tr>"
    yield "".join(f'<th scope="col">{escape(text)}</th>' for text in headings) + "</tr></thead><tbody>"
    for presence, cells in found:
        mark = "" if presence == "there" else f' class="{presence}"'
        yield f"<tr{mark}>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>"
    yield "</tbody></table></div>"


def _service_rows(graph: LabGraph) -> Iterator[tuple[Presence, tuple[str, ...]]]:
    for one in graph.services:
        behind = ", ".join((*(key.name for key in one.pods), *one.others)) or "nobody"
        yield "there", (one.name, one.kind, ", ".join(one.addresses), ", ".join(one.ports), behind)


def _interface_rows(graph: LabGraph) -> Iterator[tuple[Presence, tuple[str, ...]]]:
    for place in graph.places:
        for one in place.interfaces:
            addresses = ", ".join(map(marked_text, one.addresses))
            peer = f"{one.peer.netns} {one.peer.ifname}" if one.peer else ""
            kind = f"{one.kind}, port of {one.master}" if one.master else one.kind
            name = marked_text(Marked(one.end.ifname, one.presence))
            yield (
                _worst(one),
                (
                    place.netns,
                    place.name if place.name == place.kind else f"{place.kind} {place.name}",
                    f"{name} ({kind})",
                    addresses,
                    peer,
                    one.about,
                ),
            )


def _worst(one: Interface) -> Presence:
    marks = (one.presence, *(address.presence for address in one.addresses))
    return next((mark for mark in marks if mark != "there"), "there")


def _route_rows(graph: LabGraph) -> Iterator[tuple[Presence, tuple[str, ...]]]:
    for place in graph.places:
        yield from _routes(place)


def _routes(place: Place) -> Iterator[tuple[Presence, tuple[str, ...]]]:
    yield from ((route.presence, (place.netns, marked_text(route))) for route in place.routes)
