"""Packets that prove instruments: who sees its canary before and after could have seen what was between.

    a frame ...... sent out by each interface, of the ethertype for experiments, to an address that no bridge passes on: it goes
                   no farther than the other end of the link
    a datagram ... from a namespace to itself, to the discard port, where nobody is: it passes the rules and makes a connection

Source: packet(7); IEEE 802 (0x88B5); IEEE 802.1D table 7-10; RFC 863.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Final

from netlab.kernel import netns
from netlab.netstate.conntrack import FlowTuple
from netlab.netstate.names import NetnsName
from netlab.netstate.seen import Place

ETHERTYPE: Final = 0x88B5
DISCARD_PORT: Final = 9

_KEPT_BY_BRIDGES: Final = bytes.fromhex("0180c200000e")
_FRAME_BYTES: Final = 60


class Canaries:
    """Sockets from which canaries are sent. `ruled` are the namespaces with rules. Raises OSError, KernelError."""

    def __init__(self, places: Sequence[Place], ruled: Sequence[NetnsName]) -> None:
        self._places = places
        self._frames: dict[NetnsName, socket.socket] = {}
        self._datagrams: dict[NetnsName, socket.socket] = {}
        self._sent = 0
        for name in dict.fromkeys((*(place.netns for place in places), *ruled)):
            netns.in_namespace(name, partial(self._open, name, is_ruled=name in ruled))

    def _open(self, name: NetnsName, *, is_ruled: bool) -> None:
        self._frames[name] = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        if is_ruled:
            self._datagrams[name] = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self._datagrams[name].bind(("127.0.0.1", 0))

    def send(self, nonce: bytes) -> Mapping[NetnsName, FlowTuple]:
        """Send one from everywhere; return the connection that each datagram makes, a new one each time.

        An interface that is down sends nothing: it is not proved then.
        """
        self._sent += 1
        for place in self._places:
            frame = _KEPT_BY_BRIDGES + bytes(6) + ETHERTYPE.to_bytes(2, "big") + nonce
            with suppress(OSError):
                self._frames[place.netns].sendto(frame.ljust(_FRAME_BYTES, b"\0"), (place.ifname, ETHERTYPE))
        flows = {}
        for name, one in self._datagrams.items():
            to = f"127.0.0.{self._sent}"
            with suppress(OSError):
                one.sendto(nonce, (to, DISCARD_PORT))
                flows[name] = FlowTuple("udp", "127.0.0.1", one.getsockname()[1], to, DISCARD_PORT)
        return flows

    def close(self) -> None:
        """Close all sockets, side by side: with each that could send frames the kernel waits for its processors."""
        netns.run_in_threads([one.close for one in (*self._frames.values(), *self._datagrams.values())])
