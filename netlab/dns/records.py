"""The records as the DNS program holds them: the text that desired/zone.py writes, read strictly into an index.

    ; zone cluster.local. serial 2886794515          the domain
    ; namespace default                              every Namespace: its names exist, with or without records
    cluster.local. 5 IN SOA ...                      the records of the zones themselves

    ; default/web                                    a paragraph for every Service: its records
    web.default.svc.cluster.local. 5 IN A 10.96.0.20

The paragraph is the unit of change: of a text that replaces another one, only the paragraphs that differ are read line by line.
A text with a single wrong line is refused as a whole, and everything stays as it was. Data stays text until it is asked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import StringIO
from socket import AF_INET, AF_INET6, inet_pton
from typing import NamedTuple, TextIO

from netlab.dns.wire import Type
from netlab.errors import NetlabError

TYPES = {kind.name: kind for kind in (Type.A, Type.AAAA, Type.CNAME, Type.NS, Type.PTR, Type.SOA, Type.SRV, Type.TXT)}
PIECE_CHARACTERS = 65536
PARAGRAPHS_AT_ONCE = 256
"""Reading so much, or so many changes, takes about a millisecond; after each the server looks at its sockets."""
HEAD, NAMESPACE = "", "; namespace "
RECORD_FIELDS = 5
SRV_WORDS, SOA_WORDS = 4, 7
NAME_MAX, TEXT_MAX = 254, 255
TTL_MAX_S, SERIAL_MAX, PORT_MAX = 2**31 - 1, 2**32 - 1, 2**16 - 1
_NAME = re.compile(r"(?:[!-\-/-@\[-~]{1,63}\.)+")  # what is printable, but for the dot and upper case
_TEXT = re.compile(r'"[ !#-\[\]-~]*"')
_HEADING = re.compile(r"; [!-~]+")


class RecordsError(NetlabError):
    """The text is not what it should be; the message names the line."""


class Entry(NamedTuple):
    """One record of a name that is known already; data as in a master file."""

    type: Type
    ttl_s: int
    data: str


class Records:
    """All names and what they say. It follows a text by `follow`, and is whole at every pause of that.

    `domain` is the cluster's, `ttl_s` the TTL of its SOA record, `zones` are the names that have one.
    """

    __slots__ = ("_below", "_entries", "_paragraphs", "domain", "ttl_s", "zones")

    def __init__(self) -> None:
        self.domain, self.ttl_s = "", 0
        self.zones: frozenset[str] = frozenset()
        self._paragraphs: dict[str, str] = {}
        self._entries: dict[str, list[str]] = {}  # a Namespace's names have an empty one
        self._below: dict[str, int] = {}  # how many names there are one label below a name

    def __len__(self) -> int:
        return sum(map(len, self._entries.values()))

    def zone_of(self, name: str) -> str:
        """The zone that `name` (absolute, lower case) lies in; empty: then it is none of our business."""
        while name and name not in self.zones:
            name = _above(name)
        return name

    def find(self, name: str) -> list[Entry] | None:
        """What is recorded of a name; nothing if it only has names below it (RFC 8020); None if there is no such name."""
        found = self._entries.get(name)
        if found is None:
            return [] if name in self._below else None
        return [_entry(text) for text in found if text]

    def follow(self, file: TextIO) -> Iterator[bool]:
        """Become what a text says, in steps of about a millisecond; tell after each whether anything changed in it.

        The names of one paragraph change together; those of different ones, as in a cluster, one after the other.

        Raises:
            RecordsError: the head is missing, a line is not a record, or the domain has no SOA record. Nothing is changed.
            OSError, UnicodeDecodeError: the text cannot be read. Nothing is changed.
        """
        fresh: dict[str, str] = {}
        changed: list[str] = []
        number = 1
        for some in _paragraphs(file):
            for paragraph in some:
                heading = HEAD if number == 1 else paragraph.partition("\n")[0]
                if self._paragraphs.get(heading) != paragraph:
                    _check(paragraph, number)
                    changed.append(heading)
                if heading in fresh:
                    raise RecordsError(f"line {number}: there is another paragraph {heading!r}")
                fresh[heading] = paragraph
                number += paragraph.count("\n") + 2
            yield False
        changed += self._paragraphs.keys() - fresh.keys()
        for start in range(0, len(changed), PARAGRAPHS_AT_ONCE):
            for heading in changed[start : start + PARAGRAPHS_AT_ONCE]:
                self._replace(heading, fresh.get(heading, ""))
            yield True

    def _replace(self, heading: str, paragraph: str) -> None:
        """Take the records of one paragraph for those it had before."""
        for name, text in _lines(self._paragraphs.pop(heading, "")):
            self._remove(name, text)
        for name, text in _lines(paragraph):
            self._add(name, text)
        if paragraph:
            self._paragraphs[heading] = paragraph
        if heading == HEAD:
            soas = {name: int(text.partition(" ")[0]) for name, text in _lines(paragraph) if " IN SOA " in text}
            self.domain, self.zones = _domain(paragraph), frozenset(soas)
            self.ttl_s = soas[self.domain]

    def _add(self, name: str, text: str) -> None:
        if name in self._entries:
            self._entries[name].append(text)
            return
        self._entries[name] = [text]
        existed = name in self._below
        while not existed and (above := _above(name)):
            existed = above in self._entries or above in self._below
            self._below[above] = self._below.get(above, 0) + 1
            name = above

    def _remove(self, name: str, text: str) -> None:
        self._entries[name].remove(text)
        if not self._entries[name]:
            del self._entries[name]
        while name not in self._entries and name not in self._below and (above := _above(name)):
            self._below[above] -= 1
            if not self._below[above]:
                del self._below[above]
            name = above


def parse(text: str) -> Records:
    """Return the records of a text. Raises as `Records.follow` does."""
    found = Records()
    for _ in found.follow(StringIO(text)):
        pass
    return found


def _paragraphs(file: TextIO) -> Iterator[list[str]]:
    """The paragraphs of a text, some at a time, each without its last line end."""
    rest, are_more = "", True
    while are_more:
        piece = file.read(PIECE_CHARACTERS)
        *whole, rest = (rest + piece).split("\n\n")
        are_more = bool(piece)
        yield whole
    if rest and not rest.endswith("\n"):
        raise RecordsError("the last line is cut off, it has no end")
    yield [rest.removesuffix("\n")]


def _lines(paragraph: str) -> Iterator[tuple[str, str]]:
    """Name and the rest of every record of a paragraph that was checked; for a Namespace its names, with nothing."""
    for line in paragraph.split("\n")[1:]:
        name, _, text = line.partition(" ")
        if name == ";":
            places = (f"{line.removeprefix(NAMESPACE)}.{kind}.{_domain(paragraph)}" for kind in ("svc", "pod"))
            yield from ((place, "") for place in places)
        else:
            yield name, text


def _domain(head: str) -> str:
    return head.split(" ", 3)[2]


def _entry(text: str) -> Entry:
    ttl, _, kind, data = text.split(" ", 3)
    return Entry(TYPES[kind], int(ttl), data)


def _above(name: str) -> str:
    """The name one label up; empty above the last label."""
    return name.partition(".")[2]


def _check(paragraph: str, number: int) -> None:
    """Raise RecordsError if a line of the paragraph that begins at line `number` is not what it should be."""
    heading, *lines = paragraph.split("\n")
    is_head = number == 1
    if is_head:
        _check_head(heading, lines)
    elif not _HEADING.fullmatch(heading):
        raise RecordsError(f"line {number}: must be `; NAMESPACE/NAME`, the heading of a paragraph")
    for at, line in enumerate(lines, number + 1):
        if not (is_head and line.startswith(NAMESPACE)):
            _check_record(line, at)
        elif not _is_name(f"{line.removeprefix(NAMESPACE)}."):
            raise RecordsError(f"line {at}: not the name of a Namespace: {line[:80]!r}")


def _check_head(heading: str, lines: list[str]) -> None:
    match heading.split(" "):
        case [";", "zone", domain, "serial", serial] if _is_number(serial, SERIAL_MAX) and _is_name(domain):
            if not any(line.startswith(f"{domain} ") and " IN SOA " in line for line in lines):
                raise RecordsError(f"the zone {domain} has no SOA record")
        case _:
            raise RecordsError("line 1: must be `; zone NAME. serial NUMBER`")


def _check_record(line: str, number: int) -> None:
    fields = line.split(" ", RECORD_FIELDS - 1)
    if len(fields) != RECORD_FIELDS or fields[2] != "IN" or fields[3] not in TYPES:
        raise RecordsError(f"line {number}: must be `NAME. TTL IN TYPE DATA`, with a type of {', '.join(TYPES)}")
    name, ttl, _, kind, data = fields
    if not _is_name(name):
        raise RecordsError(
            f"line {number}: not an absolute name in lower case of at most {NAME_MAX} characters, with labels of at most 63: "
            f"{name[:80]!r}"
        )
    if not _is_number(ttl, TTL_MAX_S):
        raise RecordsError(f"line {number}: not a TTL in seconds: {ttl[:80]!r}")
    if not _is_data(kind, data):
        raise RecordsError(f"line {number}: not the data of a record of type {kind}: {data[:80]!r}")


def _is_name(text: str) -> bool:
    """Tell whether `text` is an absolute name in lower case; what a label may hold was decided when it was written."""
    return len(text) <= NAME_MAX and _NAME.fullmatch(text) is not None


def _is_data(kind: str, data: str) -> bool:
    """Tell whether this data can be written into a message."""
    match kind:
        case "A" | "AAAA":
            return _is_address(kind, data)
        case "CNAME" | "NS" | "PTR":
            return _is_name(data)
        case "SRV":
            words = data.split(" ")
            return len(words) == SRV_WORDS and all(_is_number(word, PORT_MAX) for word in words[:-1]) and _is_name(words[-1])
        case "SOA":
            words = data.split(" ")
            is_complete = len(words) == SOA_WORDS and all(map(_is_name, words[:2]))
            return is_complete and all(_is_number(word, SERIAL_MAX) for word in words[2:])
        case _:
            return len(data) - 2 <= TEXT_MAX and _TEXT.fullmatch(data) is not None


def _is_number(text: str, highest: int) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= len(str(highest)) and int(text) <= highest


def _is_address(kind: str, text: str) -> bool:
    try:
        inet_pton(AF_INET if kind == "A" else AF_INET6, text)
    except (OSError, ValueError):
        return False
    return True
