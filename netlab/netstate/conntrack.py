"""The table of connections of a network namespace: how full it is, and whom that has harmed, in Linux words."""

from __future__ import annotations

from typing import NamedTuple


class ConntrackTable(NamedTuple):
    """`entries` of at most `limit` (0: as many as there are); the others are counts since the namespace was made.

    `dropped` packets found no room for their connection, or lost their place to another one of the same address; for others
    room was made: `evicted` connections, that nobody had answered yet, were forgotten.
    """

    entries: int
    limit: int
    dropped: int
    evicted: int

    @property
    def is_full(self) -> bool:
        """Tell whether a new connection finds no room."""
        return 0 < self.limit <= self.entries

    def has_overflowed_since(self, before: ConntrackTable | None) -> bool:
        """Tell whether a connection found no room since an earlier look; None: since the namespace was made.

        An eviction proves it. A packet that was dropped does so only while the table is full: there are other reasons.
        """
        if before is None or before.evicted > self.evicted or before.dropped > self.dropped:  # made anew: it counts from 0
            before = ConntrackTable(0, 0, 0, 0)
        return self.evicted > before.evicted or (self.is_full and self.dropped > before.dropped)
