"""The ring of a packet socket: memory that the kernel fills with packets and we read without a call. Source: packet_mmap.rst.

    ring    block | block | block | ...      each is the kernel's or ours; we read them in turn and give each back
    block   head, packet, packet, ...        ours when it is full, or when its oldest packet has waited `retire_ms`
    packet  head (time, lengths), address (direction), data

This is version 3 of the ring (TPACKET_V3). A packet takes the room it needs; of one that is longer than a block only the
beginning is kept.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import socket
import struct
from collections.abc import Callable
from typing import Final

from netlab.frozen import dataclass

SOL_PACKET: Final = 263
_RX_RING, _STATISTICS, _VERSION, _IGNORE_OUTGOING = 5, 6, 10, 23
_TPACKET_V3: Final = 2
_USER, _KERNEL = 1, 0  # TP_STATUS: whose a block is
_VLAN_VALID, _VLAN_TPID_VALID = 0x10, 0x40
_ETH_P_8021Q: Final = 0x8100
_ADDRESSES_BYTES: Final = 12  # of an Ethernet header, before the VLAN tag

_REQUEST: Final = struct.Struct("=7I")  # struct tpacket_req3
_FRAME_BYTES: Final = 2048  # means nothing in version 3, but has to fit
_STATUS_AT: Final = 8  # in a block's head, and behind it: number of packets, offset of the first one
_BLOCK: Final = struct.Struct("=3I")
_STATUS: Final = struct.Struct("=I")
# struct tpacket3_hdr: offset of the next, seconds, nanoseconds, kept bytes, length, status, offset of the data ...
# VLAN tag and type; then struct sockaddr_ll, of which only the direction is read.
_PACKET: Final = struct.Struct("=6IH6xIH20xB")
_STATS: Final = struct.Struct("=3I")

RawPacket = tuple[int, int, bool, int, bytes]
"""Time in nanoseconds, number of the ring, outgoing, length on the wire, data: in this order, so that sorting is by time."""

_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class RingShape:
    """How much memory each place gets, and how long a packet waits at most before it can be read.

    On a quiet line each block is given to us with the few packets of `retire_ms`, so the reader may be away for `blocks` times
    `retire_ms`, here a quarter of a second, and no longer. Whoever wants whole packets that are still to be cut into segments
    takes blocks of 128 KiB.
    """

    block_bytes: int = 1 << 15
    blocks: int = 64
    retire_ms: int = 4

    @property
    def ring_bytes(self) -> int:
        """Memory of the kernel that one place takes."""
        return self.block_bytes * self.blocks


class Ring:
    """The ring of one socket, which is not bound yet. Raises OSError.

    The kernel waits for all its processors before it gives out a ring (synchronize_net in packet_set_ring), some milliseconds:
    rings are made side by side, in threads. Python's own setsockopt would keep those from running.
    """

    def __init__(self, opened: socket.socket, shape: RingShape) -> None:
        self._socket, self._shape, self._next = opened, shape, 0
        opened.setsockopt(SOL_PACKET, _VERSION, _TPACKET_V3)
        frames = shape.ring_bytes // _FRAME_BYTES
        request = _REQUEST.pack(shape.block_bytes, shape.blocks, _FRAME_BYTES, frames, shape.retire_ms, 0, 0)
        if _libc.setsockopt(opened.fileno(), SOL_PACKET, _RX_RING, request, len(request)):
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code))
        self._memory = mmap.mmap(opened.fileno(), shape.ring_bytes)

    def close(self) -> None:
        """Give the memory back; the socket is its owner's to close."""
        self._memory.close()

    def take(self, number: int, add: Callable[[RawPacket], object]) -> None:
        """Add the packets of all blocks that are ours, and give those back. `number` is put into each packet."""
        for _ in range(self._shape.blocks):  # one round: a flood must not keep the other rings from being read
            start = self._next * self._shape.block_bytes
            status, count, first = _BLOCK.unpack_from(self._memory, start + _STATUS_AT)
            if not status & _USER:
                return
            self._read(start + first, count, number, add)
            _STATUS.pack_into(self._memory, start + _STATUS_AT, _KERNEL)
            self._next = (self._next + 1) % self._shape.blocks

    def _read(self, at: int, count: int, number: int, add: Callable[[RawPacket], object]) -> None:
        """Add the packets of a block. Each one more name or call here is felt at 50,000 packets per second."""
        memory, unpack = self._memory, _PACKET.unpack_from
        for _ in range(count):
            following, seconds, nanoseconds, kept, length, status, offset, tag, tag_type, kind = unpack(memory, at)
            begin = at + offset
            data = memory[begin : begin + kept]
            if status & _VLAN_VALID:
                data, length = _with_tag(data, tag, tag_type if status & _VLAN_TPID_VALID else _ETH_P_8021Q), length + 4
            add((seconds * 1_000_000_000 + nanoseconds, number, kind == socket.PACKET_OUTGOING, length, data))
            at += following

    def statistics(self) -> tuple[int, int]:
        """Return how many packets came since the last call, and how many of them found no room."""
        packets, dropped, _ = _STATS.unpack(self._socket.getsockopt(SOL_PACKET, _STATISTICS, _STATS.size))
        return packets, dropped


def ignore_outgoing(opened: socket.socket) -> None:
    """Let the socket see only what is received. Raises OSError before Linux 4.20."""
    opened.setsockopt(SOL_PACKET, _IGNORE_OUTGOING, 1)


def _with_tag(data: bytes, tag: int, tag_type: int) -> bytes:
    """Put a VLAN tag back where it was on the wire; the kernel takes it out of the data (IEEE 802.1Q)."""
    return data[:_ADDRESSES_BYTES] + struct.pack("!HH", tag_type, tag) + data[_ADDRESSES_BYTES:]
