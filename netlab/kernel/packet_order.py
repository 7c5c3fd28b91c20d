"""Packets of many rings in order of time: held back until nothing older can come any more.

A ring gives its packets away when the oldest of them has waited RingShape.retire_ms, so of two packets the younger one, at
another place, may be read first. What is read now is older than anything that is read `hold_s` later. No clock of the day is
looked at: one that is set must not stop a capture.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Sequence

from netlab.kernel.packet_ring import RawPacket


class PacketOrder:
    """Takes what was read, returns what is due. `hold_s` is somewhat longer than a ring waits; moments are monotonic."""

    def __init__(self, hold_s: float) -> None:
        self._hold_s = hold_s
        self._held: list[RawPacket] = []
        self._readings: deque[tuple[float, int]] = deque()  # when it was read, time of the newest packet

    def add(self, now: float, packets: Sequence[RawPacket]) -> None:
        """Take what one reading brought, in order of time."""
        if packets:
            self._held += packets
            self._held.sort()
            self._readings.append((now, packets[-1][0]))

    def due(self, now: float) -> list[RawPacket]:
        """Return the packets that nothing can come before, in order."""
        until = -1
        while self._readings and self._readings[0][0] <= now - self._hold_s:
            until = max(until, self._readings.popleft()[1])
        end = bisect_right(self._held, until, key=lambda packet: packet[0])
        found, self._held = self._held[:end], self._held[end:]
        return found

    def wait_s(self, now: float) -> float | None:
        """Return how long it is until something is due; None if nothing is held."""
        return max(0.0, self._readings[0][0] + self._hold_s - now) if self._readings else None

    def rest(self) -> list[RawPacket]:
        """Return all that is held."""
        self._readings.clear()
        found, self._held = self._held, []
        return found
