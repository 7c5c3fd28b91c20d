"""The records as the DNS program holds them: the text that desired/zone.py writes, read strictly into an index.

    ; zone cluster.local. serial 2886794515          the domain
    ; namespace default                              every Namespace: its names exist, with or without records
    web.default.svc.cluster.local. 5 IN A 10.96.0.20

A text with a single wrong line is refused as a whole; the program then goes on with the last good one.
Names are keys in lower case. Data stays text until it is asked for, so reading 100,000 records takes a fraction of a second.
"""

from __future__ import annotations

from collections.abc import Iterator
from socket import AF_INET, AF_INET6, inet_pton

from netlab.errors import NetlabError

TYPES = ("A", "AAAA", "CNAME", "NS", "PTR", "SOA", "SRV", "TXT")
RECORD_FIELDS = 5
SRV_WORDS = 4
SOA_WORDS = 7
NAME_MAX = 254
TTL_MAX_S = 2**31 - 1

Sets = dict[str, list[str]]
"""The record sets of one name: data by type, in the order of the text."""


class SnapshotError(NetlabError):
    """The text is not a snapshot; the message names the line."""


class Snapshot:
    """All names and their records. Never changed once it is made."""

    __slots__ = ("domain", "namespaces", "sets", "ttl_s", "zones")

    def __init__(self, domain: str, namespaces: frozenset[str], sets: dict[str, Sets], ttl_s: int) -> None:
        self.domain = domain
        self.namespaces = namespaces
        self.ttl_s = ttl_s
        self.zones = frozenset(name for name, types in sets.items() if "SOA" in types)
        spaces = {f"{name}.{kind}.{domain}" for name in namespaces for kind in ("svc", "pod")}
        between = _parents({*sets, *spaces} - self.zones, self.zones) | spaces
        self.sets: dict[str, Sets] = {**{name: {} for name in between}, **sets}

    def zone_of(self, name: str) -> str | None:
        """The zone that `name` (absolute, lower case) lies in, or None: then it is none of our business."""
        return next((place for place in (name, *ancestors(name)) if place in self.zones), None)

    def find(self, name: str) -> Sets | None:
        """The record sets of `name`; {} if the name exists but has none (NODATA); None if there is no such name."""
        return self.sets.get(name)


def parse(text: str) -> Snapshot:
    """Return the snapshot that `text` describes.

    Raises:
        SnapshotError: the head is missing, a line is not a record, or the domain has no SOA record.
    """
    lines = text.split("\n")
    domain = _head(lines[0])
    if lines[-1] != "":
        raise SnapshotError(f"line {len(lines)}: cut off, the last line has no end")
    namespaces: set[str] = set()
    sets: dict[str, Sets] = {}
    ttl_s = 0
    for number, line in enumerate(lines[1:-1], 2):
        if line.startswith("; namespace "):
            namespaces.add(line.removeprefix("; namespace "))
            continue
        name, ttl_s, kind, data = _record(line, number)
        sets.setdefault(name, {}).setdefault(kind, []).append(data)
    if "SOA" not in sets.get(domain, {}):
        raise SnapshotError(f"the zone {domain} has no SOA record")
    return Snapshot(domain, frozenset(namespaces), sets, ttl_s)


def _head(line: str) -> str:
    match line.split(" "):
        case [";", "zone", domain, "serial", serial] if serial.isdecimal() and _is_name(domain):
            return domain
        case _:
            raise SnapshotError("line 1: must be `; zone NAME. serial NUMBER`")


def _record(line: str, number: int) -> tuple[str, int, str, str]:
    """Name, TTL in seconds, type and data of one line."""
    fields = line.split(" ", RECORD_FIELDS - 1)
    if len(fields) != RECORD_FIELDS or fields[2] != "IN" or fields[3] not in TYPES:
        raise SnapshotError(f"line {number}: must be `NAME. TTL IN TYPE DATA`, with a type of {', '.join(TYPES)}")
    name, ttl, _, kind, data = fields
    if not _is_name(name):
        raise SnapshotError(
            f"line {number}: not an absolute name in lower case of at most {NAME_MAX - 1} characters: {name[:80]!r}"
        )
    if not _is_number(ttl) or int(ttl) > TTL_MAX_S:
        raise SnapshotError(f"line {number}: not a TTL in seconds: {ttl[:80]!r}")
    if not _is_data(kind, data):
        raise SnapshotError(f"line {number}: not the data of a record of type {kind}: {data[:80]!r}")
    return name, int(ttl), kind, data


def _is_name(text: str) -> bool:
    """Tell whether `text` is an absolute name in lower case; what a label may hold was decided when it was written."""
    ends = text.endswith(".") and not text.startswith(".") and ".." not in text
    return ends and len(text) <= NAME_MAX and text.isascii() and text.isprintable() and text == text.lower()


def _is_data(kind: str, data: str) -> bool:
    """Tell whether `data` can be meant; the last word is dnspython's, when the record is asked for."""
    words = data.split(" ")
    match kind:
        case "A" | "AAAA":
            return _is_address(kind, data)
        case "CNAME" | "NS" | "PTR":
            return _is_name(data)
        case "SRV":
            return len(words) == SRV_WORDS and all(map(_is_number, words[:-1])) and _is_name(words[-1])
        case "SOA":
            return len(words) == SOA_WORDS and all(map(_is_name, words[:2])) and all(map(_is_number, words[2:]))
        case _:
            return data.isprintable() and data.isascii() and len(data) > 1 and data[0] == data[-1] == '"'


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= len(str(TTL_MAX_S))


def _is_address(kind: str, text: str) -> bool:
    try:
        inet_pton(AF_INET if kind == "A" else AF_INET6, text)
    except (OSError, ValueError):
        return False
    return True


def ancestors(name: str) -> Iterator[str]:
    """Yield the names above an absolute name, nearest first, without the root: `svc.x.` has the one ancestor `x.`."""
    while name := name.partition(".")[2]:
        yield name


def _parents(names: set[str], zones: frozenset[str]) -> set[str]:
    """The names between records and their zone: they exist though they have no records (RFC 8020)."""
    found: set[str] = set()
    for name in names:
        for above in ancestors(name):
            if above in zones or above in found:
                break
            found.add(above)
    return found
