"""The answers as they are now: from the newest good records of a file, kept by the bytes of their question until these change.

Answers with records and answers without are kept apart: names that exist are few, while anybody can ask for any number of
others. Neither can be filled up to hurt: what is asked again and again stays (see Kept).
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from typing import TypeAlias

from netlab.dns.answer import answers
from netlab.dns.records import Records, RecordsError

KEPT_BYTES = 8_000_000
"""Of the younger generation. 10,000 Services asked for their A records need 3 MB, as many that do not exist 5 MB."""
KEPT_QUESTION_BYTES = 512
ENTRY_BYTES = 200
"""What Python needs around the bytes of a question and its answer."""
NO_ID = b"\0\0"

Turns: TypeAlias = "bytes | cycle[bytes]"
"""An answer; of one whose records can change places all forms, each time the next (round robin)."""


class Kept:
    """Answers by their question, in two generations: the older one is forgotten when the younger one has its full size.

    What is asked for meanwhile moves to the younger one. So a flood of questions that nobody asks twice pushes out nothing
    that is in use, and no book is kept of when what was used.
    """

    __slots__ = ("_earlier", "_limit", "_taken", "recent")

    def __init__(self, limit_bytes: int) -> None:
        self.recent: dict[bytes, Turns] = {}
        self._earlier: dict[bytes, Turns] = {}
        self._limit, self._taken = limit_bytes, 0

    def recall(self, question: bytes) -> Turns | None:
        """Return the answer of the older generation, which becomes one of the younger."""
        found = self._earlier.pop(question, None)
        if found is not None:
            self.keep(question, found, 0)
        return found

    def keep(self, question: bytes, found: Turns, size: int) -> None:
        """Keep an answer that has so many bytes in all its forms."""
        self._taken += size + len(question) + ENTRY_BYTES
        if self._taken > self._limit:
            self.recent, self._earlier, self._taken = {}, self.recent, 0
        self.recent[question] = found

    def clear(self) -> None:
        """Forget everything."""
        self.recent, self._earlier, self._taken = {}, {}, 0


class Answers:
    """Answers from a file of records, which is read in small steps, so that who asks need not wait for that.

    A file that cannot be read or is malformed is reported once, and the last good records stay. Before there were any, every
    answer is SERVFAIL.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._records: Records | None = None
        self._seen: tuple[int, ...] | None = None
        self._steps: Iterator[None] | None = None
        self._some, self._none = Kept(KEPT_BYTES), Kept(KEPT_BYTES)
        self._turn = 0

    def datagram(self, question: bytes) -> bytes | None:
        """Return the answer to a UDP query, both without their id; None if there is to be none."""
        found = self._some.recent.get(question) or self._none.recent.get(question) or self._find(question)
        return found if found.__class__ is bytes else next(found, None)  # type: ignore[arg-type]

    def stream(self, query: bytes) -> bytes | None:
        """Return the answer to a TCP query, without the length before it; None if there is to be none."""
        found = answers(query, self._records, udp=False)
        self._turn += 1
        return query[:2] + found[self._turn % len(found)] if found else None

    @property
    def are_changing(self) -> bool:
        """Tell whether the file is being read."""
        return self._steps is not None

    def look(self) -> None:
        """Begin to read the file if it is another one than the last time; while one is being read, that comes first."""
        if self._steps is None and (seen := _identity(self._path)) != self._seen:
            self._seen, self._steps = seen, self._read()

    def read_on(self, seconds: float) -> None:
        """Go on reading for about so much of this thread's processor time, one step at least.

        Whoever is interrupted in it by a busy machine reads no less, so that a small change is read at once on every machine.
        """
        end = time.thread_time() + seconds
        while self._steps is not None:
            try:
                next(self._steps)
            except StopIteration:
                self._steps = None
                self.look()
            if time.thread_time() >= end:
                return

    def _find(self, question: bytes) -> Turns:
        for kept in (self._some, self._none):
            if found := kept.recall(question):
                return found
        made = answers(NO_ID + question, self._records)
        found = made[0] if len(made) == 1 else cycle(made)
        if made and len(question) <= KEPT_QUESTION_BYTES:
            has_records = made[0][4:6] != b"\0\0"
            (self._some if has_records else self._none).keep(question, found, sum(map(len, made)))
        return found

    def _read(self) -> Iterator[None]:
        records = self._records or Records()
        try:
            with self._path.open(encoding="ascii", newline="\n") as file:
                for is_changed in records.follow(file):
                    if is_changed:
                        self._forget()
                    yield
        except (OSError, UnicodeDecodeError, RecordsError) as error:
            log(f"{self._path}: {error}; the records stay as they were")
            return
        self._records = records
        self._forget()

    def _forget(self) -> None:
        self._some.clear()
        self._none.clear()


def _identity(path: Path) -> tuple[int, ...]:
    try:
        state = path.stat()
    except OSError:
        return ()
    return state.st_mtime_ns, state.st_ino, state.st_size


def log(text: str) -> None:
    """Write one line to the container's log."""
    sys.stderr.write(f"netlab.dns: {text}\n")
    sys.stderr.flush()
