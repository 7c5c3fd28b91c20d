"""The lines of a container's log: which of them are wanted, and how they are printed. Pure.

The format on disk is CRI's, one entry a line: time, stream, P(artial) or F(ull), text. Only a full entry ends a line, and only
whole lines are printed, so that those of several containers do not mix. What is no UTF-8 passes through as it is, if the text
was read with `errors="surrogateescape"`.
Source: Kubernetes CRI logging; kubelet kuberuntime/logs; kubectl logs (v1.32).
"""

from __future__ import annotations

import collections
from collections.abc import Iterable, Iterator
from dataclasses import field
from datetime import datetime
from typing import NamedTuple

from netlab.frozen import dataclass

FIELDS = 4


class Entry(NamedTuple):
    """One entry: when it was written (RFC 3339 with nanoseconds), and the text, with a newline unless it is partial."""

    stamp: str
    text: str


def entry_of(line: str) -> Entry:
    """Return what a line of the file says; one that is in no format is taken as it stands."""
    parts = line.rstrip("\n").split(" ", FIELDS - 1)
    if len(parts) < FIELDS:
        return Entry("", line)
    stamp, _, tag, text = parts
    return Entry(stamp, text if tag.startswith("P") else f"{text}\n")


def text_of(lines: Iterable[str]) -> str:
    """Return all that a container wrote."""
    return "".join(entry_of(line).text for line in lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which lines: of the last `tail` (None: of all) those not before `since` (seconds since the epoch, 0: any)."""

    tail: int | None = None
    since: float = 0.0

    def of(self, lines: Iterable[str]) -> Iterator[Entry]:
        """Return the entries of the lines that are wanted, of all that are there."""
        whole = _whole_lines(map(entry_of, lines))
        last = whole if self.tail is None else collections.deque(whole, self.tail)
        return (entry for parts in last if self._is_late_enough(parts[0]) for entry in parts)

    def _is_late_enough(self, first: Entry) -> bool:
        return not self.since or not first.stamp or datetime.fromisoformat(first.stamp).timestamp() >= self.since


def _whole_lines(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    """Yield the entries of each line; those of the last one though its end is not there yet.

    Most have one. conmon notes what it reads, and Python, unbuffered, writes a line and its newline one after the other.
    """
    parts: list[Entry] = []
    for entry in entries:
        parts.append(entry)
        if entry.text.endswith("\n"):
            yield parts
            parts = []
    if parts:
        yield parts


@dataclass(slots=True, kw_only=True)
class Printer:
    """Turns entries of one container into whole lines.

    `left` is how many bytes may still be printed, not counting prefixes; None: any number.
    """

    prefix: str = ""
    timestamps: bool = False
    left: int | None = None
    _parts: list[str] = field(default_factory=list, init=False)

    @property
    def is_full(self) -> bool:
        """Tell whether nothing more may be printed."""
        return self.left == 0

    def lines(self, entries: Iterable[Entry]) -> Iterator[str]:
        """Yield the lines that entries complete, as far as they may be printed; of the last one the end may be awaited."""
        for entry in entries:
            if self.is_full:
                return
            stamp = f"{entry.stamp} " if self.timestamps and entry.stamp and not self._parts else ""
            self._parts.append(self._cut(stamp + entry.text))
            if self._parts[-1].endswith("\n"):
                yield self.rest()

    def rest(self) -> str:
        """Return what was not printed yet for want of a newline; without a newline, if anything."""
        line = "".join(self._parts)
        self._parts.clear()
        return line and self.prefix + line

    def _cut(self, text: str) -> str:
        if self.left is None:
            return text
        encoded = text.encode(errors="surrogateescape")[: self.left]
        self.left -= len(encoded)
        return encoded.decode(errors="surrogateescape")
