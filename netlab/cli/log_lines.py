"""The lines of a container's log: which of them are wanted, and how they are printed. Pure.

The format on disk is CRI's, one entry a line: time, stream, P(artial) or F(ull), text. Only a full entry ends a line.
Source: Kubernetes CRI logging; kubelet kuberuntime/logs.
"""

from __future__ import annotations

import collections
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

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
    """Which entries: the last `tail` (None: all), those not before `since` (seconds since the epoch, 0: any)."""

    tail: int | None = None
    since: float = 0.0

    def of(self, lines: Iterable[str]) -> Iterable[Entry]:
        """Return the entries that are wanted, of all that are there."""
        found = (entry for line in lines if self.is_late_enough(entry := entry_of(line)))
        return found if self.tail is None else collections.deque(found, self.tail)

    def is_late_enough(self, entry: Entry) -> bool:
        """Tell whether an entry was written at `since` or later."""
        return not self.since or not entry.stamp or datetime.fromisoformat(entry.stamp).timestamp() >= self.since


@dataclass(slots=True, kw_only=True)
class Printer:
    """Turns entries of one container into text: what stands before a line stands there once, also if the line comes in parts.

    `left` is how many bytes may still be printed; None: any number.
    """

    prefix: str = ""
    timestamps: bool = False
    left: int | None = None
    _inside: bool = field(default=False, init=False)

    def text(self, entries: Iterable[Entry]) -> Iterator[str]:
        """Yield the text of entries as far as it may be printed."""
        for entry in entries:
            if self.left == 0:
                return
            head = "" if self._inside else self.prefix + (f"{entry.stamp} " if self.timestamps and entry.stamp else "")
            self._inside = not entry.text.endswith("\n")
            yield self._cut(head + entry.text)

    def _cut(self, text: str) -> str:
        if self.left is None:
            return text
        encoded = text.encode(errors="replace")[: self.left]
        self.left -= len(encoded)
        return encoded.decode(errors="ignore")
