"""What happened to a packet between two places that saw it: whose address was translated, from what to what, for whom.

    DNAT 10.96.0.42:6379 -> 10.244.2.7:6379 by svc/redis-master        to an endpoint
    SNAT 10.244.1.2:40000 -> 172.18.0.2:40000                          masqueraded
    un-DNAT 10.244.2.7:6379 -> 10.96.0.42:6379 by svc/redis-master     an answer, back to what the client had asked

The same packet is known by its key (Frame.key), for WITHIN_NS after it was seen last. Seen again as it was at first it is a
copy, sent by a bridge through all its ports, or was sent anew: nobody has translated it back. A connection that began before
anybody looked is told right where a Service has the translated address; elsewhere its answers cannot be told from its
questions.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from typing import Final, TypeVar

from netlab.packets.frame import Frame, Key
from netlab.packets.names import Names
from netlab.packets.packet import Packet, endpoint

K = TypeVar("K")
V = TypeVar("V")

WITHIN_NS: Final = 1_000_000_000
STAGES: Final = 8
"""So many things that one packet has been are remembered, and the last one."""
MOST: Final = 4096
"""So many packets, and so many connections, are remembered."""


class Translations:
    """Remembers what was seen a moment ago. `names` say which Service an address is of, and may be replaced."""

    def __init__(self, names: Names) -> None:
        self.names = names
        self._seen: OrderedDict[Key, tuple[int, tuple[Packet, ...]]] = OrderedDict()
        self._answers: OrderedDict[Packet, None] = OrderedDict()

    def of(self, time_ns: int, frame: Frame) -> tuple[str, ...]:
        """Return what was translated since the packet was last seen; nothing if it is new, or as it once was."""
        while frame.inner is not None:
            frame = frame.inner
        packet, key = frame.packet, frame.key
        if packet is None:
            return ()
        seen_ns, known = self._seen.pop(key, (time_ns, ()))
        if abs(time_ns - seen_ns) > WITHIN_NS or known[:1] == (packet,):
            known = ()
        is_new = packet not in known
        _remember(self._seen, key, (time_ns, (*known[:STAGES], packet) if is_new else known))
        return tuple(self._changes(known[-1], packet)) if known and is_new else ()

    def _changes(self, before: Packet, after: Packet) -> Iterator[str]:
        is_answer = self._is_answer(before, after)
        undone = "un-" if is_answer else ""
        if not is_answer:
            _remember(self._answers, after.answer, None)
        ends = (
            ("SNAT" if is_answer else "DNAT", _destination(before), _destination(after)),
            ("DNAT" if is_answer else "SNAT", _source(before), _source(after)),
        )
        for word, was, now in ends:
            if was != now:
                service = self.names.service(before.protocol, *(now if is_answer else was)) if word == "DNAT" else ""
                by = f" by {service}" if service else ""
                yield f"{undone}{word} {_shown(before, was)} -> {_shown(after, now)}{by}"

    def _is_answer(self, before: Packet, after: Packet) -> bool:
        return before in self._answers or bool(self.names.service(after.protocol, *_source(after)))


def _remember(memory: OrderedDict[K, V], key: K, value: V) -> None:
    memory[key] = value
    if len(memory) > MOST:
        memory.popitem(last=False)


def _source(packet: Packet) -> tuple[str, int]:
    return packet.source, packet.source_port


def _destination(packet: Packet) -> tuple[str, int]:
    """The other end; of an echo its address alone, as what stands for the port is its type."""
    return packet.destination, 0 if packet.is_echo else packet.destination_port


def _shown(packet: Packet, end: tuple[str, int]) -> str:
    return end[0] if packet.is_echo else endpoint(*end)
