"""A capture as lines, one for each packet, with what was translated since the place before: as text, or as JSON."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from netlab.cli.saying import visible
from netlab.cli.text import as_json_line
from netlab.kernel.packet_ring import RawPacket
from netlab.netstate.seen import Place, SeenPacket
from netlab.packets.capture_json import as_data
from netlab.packets.headers import decode
from netlab.packets.names import Names
from netlab.packets.summary import summary
from netlab.packets.translations import Translations

SECOND_NS: Final = 1_000_000_000
ARROWS: Final = {True: "→", False: "←"}
"""Sent by the namespace of the place, or received."""


class Lines:
    """Makes lines: `14:08:51.123456789 frontend/eth0 → tcp 10.244.1.2:40000 (frontend) > ...`."""

    def __init__(self, places: Sequence[Place], names: Names) -> None:
        self._translations = Translations(names)
        self.follow(places, names)

    def follow(self, places: Sequence[Place], names: Names) -> None:
        """Go by these places and names from now on."""
        self._places, self._names = places, names
        self._translations.names = names
        words = [names.place(place) for place in places]
        width = max(map(len, words), default=0)
        self._words = [word.ljust(width) for word in words]

    def line(self, packet: RawPacket) -> str:
        """Return the line of a packet; packets are to come in order of time."""
        time_ns, number, outgoing, _, data = packet
        frame = decode(data)
        changes = "".join(f" [{change}]" for change in self._translations.of(time_ns, frame))
        text = f"{summary(frame, self._names)}{changes}"
        return f"{clock(time_ns)} {self._words[number]} {ARROWS[outgoing]} {visible(text)}"

    def end(self) -> None:
        """Nothing is to be said behind the last line."""

    def add(self, packets: Iterable[RawPacket]) -> None:
        """Print the lines of packets, all at once."""
        sys.stdout.write("".join([f"{self.line(packet)}\n" for packet in packets]))
        sys.stdout.flush()


class JsonLines(Lines):
    """Makes an object of JSON a line (netlab.packets.capture_json)."""

    def line(self, packet: RawPacket) -> str:
        """Return the object of a packet; packets are to come in order of time."""
        time_ns, number, outgoing, wire_bytes, data = packet
        seen = SeenPacket(time_ns=time_ns, place=self._places[number], outgoing=outgoing, wire_bytes=wire_bytes, data=data)
        frame = decode(data)
        return as_json_line(as_data(seen, frame, self._translations.of(time_ns, frame), self._names))


def clock(time_ns: int) -> str:
    """Return the time of the day here, to the nanosecond."""
    seconds, rest = divmod(time_ns, SECOND_NS)
    return f"{time.strftime('%H:%M:%S', time.localtime(seconds))}.{rest:09}"


def totals(captured: int, counts: Mapping[Place, tuple[int, int]], names: Names) -> list[str]:
    """Return the last lines, as tcpdump(8) says it, and where packets were lost."""
    packets, dropped = (sum(one[n] for one in counts.values()) for n in (0, 1))
    lines = [
        f"{captured} packet{'s' * (captured != 1)} captured",
        f"{packets} packet{'s' * (packets != 1)} received by filter",
        f"{dropped} packet{'s' * (dropped != 1)} dropped by kernel",
    ]
    return lines + [f"  {one[1]} of them at {names.place(place)}" for place, one in counts.items() if one[1]]
