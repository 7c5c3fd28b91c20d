"""A trace as one HTML page that needs nothing else: the lab, and the packet that goes through it step by step. Pure.

The page is made of the trace's own data (trace_json.py), which stands in it as JSON. Without a script it is a list of all steps
beside the picture; with one, the packet is played, by buttons and by keys, and what is said of a step is read aloud. The
address of the page may end with a step (`trace.html#step-9`).
Nothing may be loaded from anywhere: the Content-Security-Policy allows the page's own script by its hash, and no other.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from netlab.packets.drawing import Drawing
from netlab.packets.svg import escape, svg
from netlab.packets.trace_page_parts import SCRIPT, STYLE
from netlab.packets.trace_picture import COLOURS, Stop


def trace_page(data: Mapping[str, Any], drawing: Drawing, found: Sequence[Stop]) -> str:
    """Return the page.

    Args:
        data: the trace (trace_json.as_data).
        drawing: the lab, with the Pods and Services that the packets met.
        found: the steps that are played, at their places in it.
    """
    return "\n".join(_page(data, drawing, found)) + "\n"


def _page(data: Mapping[str, Any], drawing: Drawing, found: Sequence[Stop]) -> Iterator[str]:
    title = f"{_side(data['sent']['source'])} → {_side(data['sent']['destination'])}"
    digest = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    steps = {step["number"]: (packet, step) for packet in data["packets"] for step in packet["steps"]}
    yield "<!doctype html>"
    yield '<html lang="en"><head><meta charset="utf-8">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<title>{escape(title)}</title><style>\n{STYLE}\n</style></head><body><main>"
    yield f'<h1>{escape(data["sent"]["protocol"])} <span class="ends">{escape(title)}</span></h1>'
    yield f'<p class="verdict {escape(data["verdict"]["ending"])}"><b>{escape(data["verdict"]["ending"])}</b> '
    yield f"{escape(data['verdict']['sentence'])}</p>"
    yield '<div id="controls" hidden><button id="first">First</button>'
    yield '<button id="back" aria-label="step back">◀</button><button id="play" aria-pressed="false">Play</button>'
    yield '<button id="on" aria-label="step on">▶</button><button id="last">Last</button>'
    yield '<span id="where"></span><span class="keys">← → step, space plays, Home and End</span></div>'
    yield f'<div class="stage"><figure>{_with_packet(svg(drawing))}</figure>'
    yield '<section aria-label="This step"><div id="now" aria-live="polite"></div></section></div>'
    yield '<h2>All steps</h2><ol id="steps">'
    direction = ""
    for one in found:
        packet, step = steps[one.step.number]
        if packet["direction"] != direction:
            direction = packet["direction"]
            yield f'<li class="heading" value="{step["number"]}"><h3>{escape(packet["name"])}, {_WAYS[direction]}</h3></li>'
        yield from _step(step, direction)
    yield "</ol></main>"
    yield f'<script type="application/json" id="trace">{_inside_script(data)}</script>'
    yield f'<script type="application/json" id="stops">{_inside_script([_stop(one) for one in found])}</script>'
    yield f"<script>{SCRIPT}</script></body></html>"


_WAYS: Final = {"forward": "on the way there", "reply": "on the way back", "error": "on the way back"}


def _with_packet(drawn: str) -> str:
    """Put the packet into the drawing, and the way that it has gone."""
    return drawn.removesuffix("</svg>\n") + '<polyline id="way" fill="none"/><circle id="packet" r="7" hidden/></svg>'


def _step(step: Mapping[str, Any], direction: str) -> Iterator[str]:
    """One step, whole: what a reader without a picture needs."""
    kind = step["kind"]
    what = f"{'into' if kind == 'in' else 'out of'} {step['interface']}" if step["interface"] else kind
    time = f"{step['timeNs'] // 1000} µs" if step["timeNs"] is not None else ""
    yield f'<li value="{step["number"]}" data-step="{step["number"]}" class="{COLOURS[direction]}">'
    yield f'<div class="head"><b>{escape(step["where"])}</b> <span>{escape(what)}</span> <time>{time}</time></div>'
    yield f'<div class="packet">{_packet(step)}</div>'
    if step["tunnel"]:
        outer = step["tunnel"]
        yield f'<div class="note">in VXLAN, {escape(_side(outer["source"]))} → {escape(_side(outer["destination"]))}</div>'
    if step["route"]:
        yield f'<div class="note">route: <code>{escape(step["route"])}</code></div>'
    if step["remembered"]:
        yield '<div class="note">as conntrack remembers the connection</div>'
    if step["dropped"]:
        yield '<div class="note bad">the packet ended here</div>'
    yield from _rules(step["rules"])
    if step["connection"]:
        entry = step["connection"]
        original, reply = (_ends(entry[side]) for side in ("original", "reply"))
        yield f'<div class="note">conntrack: {escape(entry["state"])} {escape(original)}, answered by {escape(reply)}</div>'
    yield "</li>"


def _rules(rules: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for rule in rules:
        yield f'<div class="rule"><code>{escape(rule["chain"])}: {escape(rule["rule"])}</code>{_why(rule)}'
        for element in rule["elements"]:
            text = f"{element['key']} : {element['value']}" if element["value"] else element["key"]
            yield f'<div class="element"><code>{escape(text)}</code>{_why(element)}</div>'
        yield "</div>"


def _why(item: Mapping[str, Any]) -> str:
    place = " ".join(part for part in (item["owner"], item["place"]) if part)
    said = f'<span class="why">{escape(item["why"])}</span>' if item["why"] else ""
    return (f'<span class="place">{escape(place)}</span>' if place else "") + said


def _packet(step: Mapping[str, Any]) -> str:
    """Both sides of the packet; what this step changes is struck out, and what it becomes stands behind it."""
    parts = []
    for side in ("source", "destination"):
        before, after = _side(step["before"][side]), _side(step["after"][side])
        changed = f"<del>{escape(before)}</del> <ins>{escape(after)}</ins>" if before != after else escape(after)
        parts.append(f'<span class="{side}">{changed}</span>')
    return ' <span aria-label="to">→</span> '.join(parts)


def _side(side: Mapping[str, Any]) -> str:
    address = f"[{side['address']}]" if ":" in side["address"] and side["port"] else side["address"]
    text = f"{address}:{side['port']}" if side["port"] else address
    return f"{text} ({side['name']})" if side["name"] else text


def _ends(flow: Mapping[str, Any]) -> str:
    return f"{_side(flow['source'])} → {_side(flow['destination'])}"


def _stop(one: Stop) -> dict[str, Any]:
    return {"number": one.step.number, "direction": one.direction, "way": [[round(x, 1), round(y, 1)] for x, y in one.way]}


def _inside_script(value: object) -> str:
    """Return JSON that ends no element, whatever is in it."""
    return json.dumps(value).replace("<", "\\u003c")
