"""Sockets that see every packet of many interfaces, in many network namespaces at once. Source: packet(7).

    with PacketSockets([Place("demo.node-1", "cni0"), Place("demo.default.web", "eth0")]) as sockets:
        for packet in sockets.read(timeout_s=1): ...

Each place has a socket of its own, so each counts its own losses and the end of one does not concern the others. All belong
to this one process and are read by one thread; time stamps are the kernel's, of one clock. Nothing is left in the kernel when
the process ends, however it ends. What this does not do: a namespace whose name is deleted lives on as long as a socket is
open in it, without a word to us; whoever knows when names go calls `close_places`.
"""

from __future__ import annotations

import errno
import resource
import select
import socket
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Final

from netlab.errors import KernelError
from netlab.kernel.closable import Closable
from netlab.kernel.interfaces import ARPHRD_ETHER, ARPHRD_LOOPBACK
from netlab.kernel.netns import in_namespace, run_in_threads
from netlab.kernel.packet_filter import attach_filter
from netlab.kernel.packet_ring import RawPacket, Ring, RingShape, ignore_outgoing
from netlab.netstate.names import NetnsName
from netlab.netstate.seen import Place, SeenPacket

HANDLES: Final = 2  # a socket, and Python's own of its memory
SPARE_HANDLES: Final = 256
_ETH_P_ALL: Final = 3


class PacketSockets(Closable):
    """One socket for each place. Opening takes some milliseconds, whatever their number is.

    Args:
        places: where to look; packets have their positions in this list as numbers.
        program: what to see (netlab.kernel.packet_filter.compile_filter); b"" is everything.
        receiving: where only what an interface receives is looked at. That is cheap for the packets of others: of each one that
            an interface sends the kernel makes a copy for its sockets before it asks any filter (dev_queue_xmit_nit).
        shape: of the ring that each place gets.

    Raises:
        KernelError: a namespace or interface does not exist or carries no Ethernet frames, or the kernel refuses.
    """

    def __init__(
        self,
        places: Iterable[Place],
        *,
        program: bytes = b"",
        shape: RingShape | None = None,
        receiving: Collection[Place] = (),
    ) -> None:
        self.places: tuple[Place, ...] = ()
        self._receiving = receiving
        self._program, self._shape = program, shape or RingShape()
        self._sockets: dict[Place, socket.socket] = {}
        self._rings: dict[Place, Ring] = {}
        self._gone: set[Place] = set()
        self._numbers: dict[int, int] = {}  # of places, by descriptor
        self._counts: dict[Place, tuple[int, int]] = {}
        self._poll = select.epoll()
        try:
            self.open_places(places)
        except BaseException:
            self.close()
            raise

    def fileno(self) -> int:
        """The descriptor that can be read when there are packets; for selectors."""
        return self._poll.fileno()

    def read(self, timeout_s: float | None) -> list[SeenPacket]:
        """Return what is there, in order of time; wait for the first packet if there is none (None: for ever).

        A packet can be read some milliseconds after it passed (RingShape.retire_ms), and that differs from place to place: the
        first packets of one call may be older than the last ones of the call before.
        """
        return [
            SeenPacket(time_ns=time_ns, place=self.places[number], outgoing=outgoing, wire_bytes=length, data=data)
            for time_ns, number, outgoing, length, data in self.read_raw(timeout_s)
        ]

    def read_raw(self, timeout_s: float | None) -> list[RawPacket]:
        """The same as plain tuples, with places by their number: for whoever has no time for objects."""
        found: list[RawPacket] = []
        for descriptor, events in self._poll.poll(timeout_s):
            number = self._numbers[descriptor]
            if events & select.EPOLLERR:
                self._look_after(self.places[number])
            self._rings[self.places[number]].take(number, found.append)
        found.sort()
        return found

    def drops(self) -> Mapping[Place, tuple[int, int]]:
        """Return for each place how many packets the filter let through so far, and how many of them were lost.

        Lost is what came while the ring was full.
        """
        for place in self._rings:
            self._count(place)
        return dict(self._counts)

    def gone(self) -> frozenset[Place]:
        """Return the places whose interface was deleted or moved elsewhere. One that is only down can come back."""
        return frozenset(self._gone)

    def open_places(self, places: Iterable[Place]) -> None:
        """Look there too from now on; a place that was closed has the number again that it had. All of them or none.

        Raises:
            KernelError: as for the first ones.
        """
        chosen = [place for place in dict.fromkeys(places) if place not in self._sockets]
        self.places += tuple(place for place in chosen if place not in self._counts)
        self._counts |= {place: self._counts.get(place, (0, 0)) for place in chosen}
        self._gone.difference_update(chosen)
        _allow_files(HANDLES * (len(self._sockets) + len(chosen)))
        try:
            self._open(chosen)
        except BaseException:
            self._close(chosen)
            raise

    def close_places(self, places: Collection[Place]) -> None:
        """Stop looking there; their counts stay. Packets that were not read are lost. Places that are closed are fine."""
        for place in self._rings.keys() & set(places):
            self._count(place)
        self._close(places)

    def close(self) -> None:
        """Close everything; a second time is fine."""
        self.close_places(tuple(self._sockets))
        self._poll.close()

    def _open(self, places: Sequence[Place]) -> None:
        for name in dict.fromkeys(place.netns for place in places):
            self._make_sockets(name, [place for place in places if place.netns == name])
        _translated(places, lambda: run_in_threads([partial(self._make_ring, place) for place in places]))
        numbers = {place: number for number, place in enumerate(self.places)}
        for place in places:
            one = self._sockets[place]
            if self._program:
                _translated([place], partial(attach_filter, one, self._program))
            if place in self._receiving:
                _translated([place], partial(ignore_outgoing, one))
            _bind(place, one)
            self._numbers[one.fileno()] = numbers[place]
            self._poll.register(one, select.EPOLLIN)

    def _make_sockets(self, name: NetnsName, places: Sequence[Place]) -> None:
        """Make those of a namespace; they see nothing yet (protocol 0)."""

        def inside() -> None:
            for place in places:
                self._sockets[place] = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)

        _translated(places, partial(in_namespace, name, inside))

    def _make_ring(self, place: Place) -> None:
        self._rings[place] = Ring(self._sockets[place], self._shape)

    def _close(self, places: Iterable[Place]) -> None:
        """Close what there is of these. Each close waits for the kernel's processors, so they are made side by side."""
        for ring in [self._rings.pop(place) for place in places if place in self._rings]:
            ring.close()
        run_in_threads([self._sockets.pop(place).close for place in places if place in self._sockets])

    def _look_after(self, place: Place) -> None:
        """Find out what is wrong with a socket. ENETDOWN: its interface is down, or it has none any more."""
        code = self._sockets[place].getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code == errno.ENETDOWN and not self._sockets[place].getsockname()[0]:
            self._gone.add(place)

    def _count(self, place: Place) -> None:
        packets, dropped = self._rings[place].statistics()
        self._counts[place] = (self._counts[place][0] + packets, self._counts[place][1] + dropped)


def _allow_files(count: int) -> None:
    """Let this process open so many more files, as far as its hard limit goes: the soft one is mostly 1024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count + SPARE_HANDLES if hard == resource.RLIM_INFINITY else min(count + SPARE_HANDLES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _bind(place: Place, one: socket.socket) -> None:
    """Let the socket see its interface from now on."""
    try:
        one.bind((place.ifname, _ETH_P_ALL))
    except OSError as error:
        reason = "no such interface" if error.errno == errno.ENODEV else error.strerror
        raise KernelError(f"{place}: {reason}") from error
    hardware = one.getsockname()[3]
    if hardware == ARPHRD_LOOPBACK:
        with suppress(OSError):
            ignore_outgoing(one)  # every packet there is sent and received by the same interface: one of the two is enough
    elif hardware != ARPHRD_ETHER:
        raise KernelError(f"{place}: its packets have no Ethernet header")


def _translated(places: Sequence[Place], function: Callable[[], object]) -> None:
    """Call the function, with its OSError as a KernelError about these places."""
    try:
        function()
    except OSError as error:
        where = str(places[0]) if len(places) == 1 else f"{len(places)} places"
        raise KernelError(f"packet socket: {where}: {error.strerror}") from error
