"""What a trace is expected to show, and whether it does: for the CI of other projects. Pure, over the trace's own JSON.

from, to, http, udp, ttl ... the request, as on the command line
ending ..................... answered (if nothing is said), refused, dropped, unreachable, unanswered, lost, not sent
reaches .................... names, one of which the request must come to last: a Pod, or the beginning of its name and `*`
source ..................... who it comes from, there: `kept`, or a name as the trace says it (`node-1`)
destination ................ where it is sent to, there: `10.244.2.7:8080`, `10.244.2.7`, `:8080`
through, not-through ....... names of machines and Pods that it passes, in this order; that it does not pass
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from fnmatch import fnmatchcase
from typing import Any, Final

from netlab.frozen import dataclass

ENDINGS: Final = ("answered", "refused", "dropped", "unreachable", "unanswered", "lost", "not sent", "unknown")
KEPT: Final = "kept"
RANGES: Final = {"ttl": (1, 255), "timeout": (0.01, 3600)}
KEYS: Final = (
    "name", "from", "to", "http", "udp", "ttl", "namespace", "timeout", "ending", "reaches", "source", "destination", "through",
    "not-through",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """A request, and what is expected of it."""

    name: str
    source: str
    to: str
    options: Mapping[str, Any] = field(default_factory=dict)
    ending: str = "answered"
    reaches: tuple[str, ...] = ()
    seen_source: str = ""
    seen_destination: str = ""
    through: tuple[str, ...] = ()
    not_through: tuple[str, ...] = ()


class BadExpectation(ValueError):
    """The list is not as it is to be; the message says where."""


def expectations(plain: object) -> tuple[Expectation, ...]:
    """Return what a list says. Raises BadExpectation for the first thing that is wrong."""
    if not isinstance(plain, list) or not plain:
        raise BadExpectation("a list of requests is needed, each with `from` and `to`")
    return tuple(_expectation(number, item) for number, item in enumerate(plain))


def _expectation(number: int, item: object) -> Expectation:
    where = f"[{number}]"
    if not isinstance(item, dict):
        raise BadExpectation(f"{where}: a mapping is needed, with `from` and `to`")
    for key in item:
        if key not in KEYS:
            raise BadExpectation(f"{where}.{key}: not known; known are {', '.join(KEYS)}")
    for key in ("from", "to"):
        if not isinstance(item.get(key), str):
            raise BadExpectation(f"{where}.{key}: needed, as text")
    ending = item.get("ending", "answered")
    if ending not in ENDINGS:
        raise BadExpectation(f"{where}.ending: must be one of {', '.join(ENDINGS)}")
    return Expectation(
        name=_text(where, item, "name") or f"{item['from']} to {item['to']}",
        source=item["from"],
        to=item["to"],
        options={
            "udp": _option(where, item, "udp", bool, default=False),
            "path": _option(where, item, "http", str),
            "ttl": _option(where, item, "ttl", int),
            "namespace": _option(where, item, "namespace", str),
            "timeout": _option(where, item, "timeout", (int, float)),
        },
        ending=ending,
        reaches=_texts(where, item, "reaches"),
        seen_source=_text(where, item, "source"),
        seen_destination=_text(where, item, "destination"),
        through=_texts(where, item, "through"),
        not_through=_texts(where, item, "not-through"),
    )


def _option(where: str, item: Mapping[str, Any], key: str, kind: Any, default: object = None) -> Any:
    value = item.get(key, default)
    if value is not None and (not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool)):
        raise BadExpectation(f"{where}.{key}: is {value!r}")
    if value is not None and key in RANGES and not RANGES[key][0] <= value <= RANGES[key][1]:
        raise BadExpectation(f"{where}.{key}: is {value!r}, and must be from {RANGES[key][0]} to {RANGES[key][1]}")
    return value


def _text(where: str, item: Mapping[str, Any], key: str) -> str:
    return str(_option(where, item, key, str, "") or "")


def _texts(where: str, item: Mapping[str, Any], key: str) -> tuple[str, ...]:
    value = item.get(key, [])
    found = [value] if isinstance(value, str) else value
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise BadExpectation(f"{where}.{key}: a name, or a list of names, is needed")
    return tuple(found)


def failures(wanted: Expectation, trace: Mapping[str, Any]) -> tuple[str, ...]:
    """Return in sentences what of a trace (trace_json.as_data) is not as expected; nothing if all is."""
    return tuple(_failures(wanted, trace))


def _failures(wanted: Expectation, trace: Mapping[str, Any]) -> Iterator[str]:
    verdict = trace["verdict"]
    if verdict["ending"] != wanted.ending:
        yield f"it was to be {wanted.ending}, and is {verdict['ending']}: {verdict['sentence']}"
    steps: list[dict[str, Any]] = next((one["steps"] for one in trace["packets"] if one["direction"] == "forward"), [])
    passed = [step["where"] for step in steps]
    last = steps[-1] if steps else None
    if wanted.reaches and not (last and any(fnmatchcase(last["where"], one) for one in wanted.reaches)):
        yield f"it was to reach {' or '.join(wanted.reaches)}, and came to {last['where'] if last else 'nobody'}"
    if last and wanted.seen_source:
        yield from _wrong_source(wanted.seen_source, trace["sent"]["source"], last["after"]["source"])
    if last and wanted.seen_destination and not _is_at(last["after"]["destination"], wanted.seen_destination):
        yield f"it was to be sent to {wanted.seen_destination}, and was sent to {_socket(last['after']['destination'])}"
    if not _in_order(wanted.through, passed):
        yield f"it was to pass {', '.join(wanted.through)}, and passed {', '.join(dict.fromkeys(passed)) or 'nothing'}"
    for one in wanted.not_through:
        if any(fnmatchcase(place, one) for place in passed):
            yield f"it was not to pass {one}"


def _wrong_source(wanted: str, sent: Mapping[str, Any], seen: Mapping[str, Any]) -> Iterator[str]:
    if wanted == KEPT:
        if sent["address"] != seen["address"]:
            yield f"its source was to be kept, and {sent['address']} became {seen['address']} ({seen['name']})"
    elif not fnmatchcase(seen["name"], wanted) and seen["address"] != wanted:
        yield f"its source was to be {wanted}, and is {seen['address']} ({seen['name']})"


def _is_at(side: Mapping[str, Any], wanted: str) -> bool:
    return wanted in {side["address"], f":{side['port']}", _socket(side)}


def _socket(side: Mapping[str, Any]) -> str:
    return f"[{side['address']}]:{side['port']}" if ":" in side["address"] else f"{side['address']}:{side['port']}"


def _in_order(wanted: Sequence[str], passed: Sequence[str]) -> bool:
    rest = iter(passed)
    return all(any(fnmatchcase(place, one) for place in rest) for one in wanted)
