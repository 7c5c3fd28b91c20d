"""Packets of many places until something ends it: Ctrl-C, a moment, the reader of our output, or the last interface.

    with Capture(places, program=compile_filter(words), lost=tell) as capture:
        for packets in capture.batches(): ...

A batch is what one awakening of the process brought, in order of time over all places. The end comes in two steps: what the
rings still hold of the time before it is read, and then nothing more.
"""

from __future__ import annotations

import math
import os
import select
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Final, Self

from netlab.kernel import netns
from netlab.kernel.inotify import Watch
from netlab.kernel.packet_order import PacketOrder
from netlab.kernel.packet_ring import RawPacket, RingShape
from netlab.kernel.packet_sockets import PacketSockets
from netlab.netstate.seen import Place

RETIRE_MS: Final = 20
HOLD_S: Final = 0.04
"""A ring gives its packets away after RETIRE_MS and a tick of the kernel's clock, which takes at most 10 ms (HZ=100)."""
MEMORY_BYTES: Final = 64 << 20
LARGEST_BYTES, SMALLEST_BYTES = 8 << 20, 1 << 19
FEWEST_BLOCKS: Final = 16  # so the reader may be away for a third of a second at least
_BLOCK_BYTES: Final = 1 << 17  # room for the longest packet that is to be cut into segments
LOOK_AGAIN_S: Final = 0.25


def ring_shape(places: int) -> RingShape:
    """Return how large the ring of each of so many places is: together they take MEMORY_BYTES, unless each is the smallest.

    With more than 32 places a block has less than 128 KiB, and of a packet that is longer only the beginning is kept.
    """
    size = min(LARGEST_BYTES, max(SMALLEST_BYTES, MEMORY_BYTES // max(1, places)))
    block = min(_BLOCK_BYTES, 1 << (size // FEWEST_BLOCKS).bit_length() - 1)
    return RingShape(block_bytes=block, blocks=size // block, retire_ms=RETIRE_MS)


class Capture:
    """Sockets at places that are open from now on, and what ends the capture.

    Args:
        places: where to look.
        program: what to see, as in PacketSockets.
        lost: told of places that are no more: their interface or namespace was deleted.
        changes: a watch of whatever may make new places; it is ours to close.
        changed: called when there was a change, not more often than each LOOK_AGAIN_S; it may call `join`.
        output: a descriptor that is written to; if it is a pipe that nobody reads any more, that ends the capture.

    Raises:
        KernelError: as PacketSockets.
    """

    def __init__(
        self,
        places: Sequence[Place],
        *,
        program: bytes = b"",
        lost: Callable[[Collection[Place]], object] = lambda _: None,
        changes: Watch | None = None,
        changed: Callable[[], object] = lambda: None,
        output: int | None = None,
    ) -> None:
        self._lost, self._changes, self._changed, self._output = lost, changes, changed, output
        self._looked, self._look_at = 0.0, math.inf  # monotonic; when to call `changed` next
        self._living = _identities(places)
        self._stop = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._names = Watch([netns.DIRECTORY], deleted=True)
        try:
            self.sockets = PacketSockets(places, program=program, shape=ring_shape(len(places)))
        except BaseException:
            self._close_handles()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.sockets.close()
        self._close_handles()

    def stop(self) -> None:
        """End `batches` soon. A signal handler may call this."""
        os.eventfd_write(self._stop, 1)

    @property
    def counts(self) -> Mapping[Place, tuple[int, int]]:
        """Packets that the filter let through, and those of them that were lost, by place."""
        return self.sockets.drops()

    @property
    def is_anybody_left(self) -> bool:
        """Tell whether there is still a place to look at."""
        return bool(self._living)

    def join(self, places: Iterable[Place]) -> list[Place]:
        """Look at these, too, and return those that are new. Raises KernelError if one has gone again: then none is."""
        new = [place for place in places if place not in self._living]
        if new:
            self.sockets.open_places(new)
            self._living |= _identities(new)
        return new

    def batches(self, duration_s: float | None = None) -> Iterator[list[RawPacket]]:
        """Yield what was seen, in order of time, until the end, or for so long.

        Raises:
            BrokenPipeError: nobody reads our output.
        """
        order, end = PacketOrder(HOLD_S), math.inf if duration_s is None else time.monotonic() + duration_s
        handles: list[Watch | int] = [self._stop, self._names, *([self._changes] if self._changes else [])]
        endings, everything = self._poll(*handles), self._poll(*handles, self.sockets)
        while self.is_anybody_left and (now := time.monotonic()) < end:
            held_s = order.wait_s(now)
            # While packets are held back nothing is won by looking at each ring as soon as it has some more.
            waiting = everything if held_s is None else endings
            wait_s = min(math.inf if held_s is None else held_s, end - now, self._look_at - now)
            ready = dict(waiting.poll(None if wait_s == math.inf else math.ceil(max(0.0, wait_s) * 1000)))
            if self._stop in ready:
                break
            if self._output in ready:
                raise BrokenPipeError
            self._look_for_the_lost(ready)
            self._look_for_the_new(ready)
            order.add(time.monotonic(), self.sockets.read_raw(0))
            if due := order.due(time.monotonic()):
                yield due
        yield self._last(order)

    def _poll(self, *handles: Watch | PacketSockets | int) -> select.poll:
        waiting = select.poll()
        for handle in handles:
            waiting.register(handle, select.POLLIN)
        if self._output is not None:
            waiting.register(self._output, 0)  # errors and hang-ups are told unasked
        return waiting

    def _last(self, order: PacketOrder) -> list[RawPacket]:
        """What the rings still held."""
        end = time.monotonic() + HOLD_S
        while (now := time.monotonic()) < end:
            order.add(now, self.sockets.read_raw(end - now))
        return order.rest()

    def _look_for_the_lost(self, ready: Mapping[int, int]) -> None:
        """Close what is no more. A namespace without a name lives on by our sockets alone."""
        lost = {place for place in self.sockets.gone() if place in self._living}
        if self._names.fileno() in ready:
            self._names.drain()
            known = {name: netns.identity(name) for name in {place.netns for place in self._living}}
            lost |= {place for place, identity in self._living.items() if known[place.netns] != identity}
        if lost:
            for place in lost:
                del self._living[place]
            self.sockets.close_places(lost)
            self._lost(sorted(lost))

    def _look_for_the_new(self, ready: Mapping[int, int]) -> None:
        """Tell that something has changed. Many changes at once are one."""
        now = time.monotonic()
        if self._changes and self._changes.fileno() in ready:
            self._changes.drain()
            self._look_at = min(self._look_at, max(now, self._looked + LOOK_AGAIN_S))
        if now >= self._look_at:
            self._changed()
            self._looked, self._look_at = time.monotonic(), math.inf

    def _close_handles(self) -> None:
        self._names.close()
        if self._changes:
            self._changes.close()
        os.close(self._stop)


def _identities(places: Iterable[Place]) -> dict[Place, tuple[int, int] | None]:
    """Which namespace each place is in."""
    found = list(places)
    known = {name: netns.identity(name) for name in {place.netns for place in found}}
    return {place: known[place.netns] for place in found}
