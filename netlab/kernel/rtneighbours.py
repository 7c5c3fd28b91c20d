"""What a tunnel knows by heart, as rtnetlink messages, and back: neighbours, and where their MACs are.

Both are entries of the kernel's neighbour tables; the second kind is of the family of bridges. Source: rtnetlink(7),
linux/neighbour.h, ip-neighbour(8), bridge(8).
"""

from __future__ import annotations

import socket
import struct
from typing import Final

from netlab.kernel.netlink import NLM_F_CREATE, NLM_F_REPLACE, Message, attribute, attributes, number
from netlab.kernel.rtnetlink import host_text, mac_bytes, packed
from netlab.netstate.links import Entry, FdbEntry, Neighbour
from netlab.netstate.names import IfName

_RTM_NEWNEIGH, _RTM_DELNEIGH, _RTM_GETNEIGH = 28, 29, 30
_NDA_DST, _NDA_LLADDR, _NDA_IFINDEX = 1, 2, 8
_NUD_PERMANENT, _NTF_SELF = 0x80, 0x02
_ND: Final = struct.Struct("=BxxxiHBB")


def add_entry(entry: Entry, index: int) -> Message:
    """Return the request that writes an entry of the tunnel `index`, in place of one for the same address or MAC."""
    return Message(_RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, _entry(entry, index))


def delete_entry(entry: Entry, index: int) -> Message:
    """Return the request that removes an entry of the tunnel `index`."""
    return Message(_RTM_DELNEIGH, 0, _entry(entry, index))


def _entry(entry: Entry, index: int) -> bytes:
    mac = attribute(_NDA_LLADDR, mac_bytes(entry.mac))
    if isinstance(entry, Neighbour):
        family, address = packed(entry.address)
        return _ND.pack(family, index, _NUD_PERMANENT, 0, 0) + attribute(_NDA_DST, address) + mac
    return _ND.pack(socket.AF_BRIDGE, index, _NUD_PERMANENT, _NTF_SELF, 0) + mac + attribute(_NDA_DST, packed(entry.dst)[1])


def get_entries(index: int) -> tuple[Message, Message]:
    """Return the questions for the neighbours of a tunnel, and for where MACs are."""
    neighbours = _ND.pack(socket.AF_UNSPEC, 0, 0, 0, 0) + number(_NDA_IFINDEX, index)
    return Message(_RTM_GETNEIGH, 0, neighbours), Message(_RTM_GETNEIGH, 0, _ND.pack(socket.AF_BRIDGE, index, 0, 0, 0))


def parse_entry(payload: bytes, index: int, dev: IfName) -> Entry | None:
    """Return the entry of the tunnel `index`, which is called `dev`; None if it is another link's, or not written for good."""
    family, link, state, _, _ = _ND.unpack_from(payload)
    found = attributes(payload, _ND.size)
    mac, address = found.get(_NDA_LLADDR, b"").hex(":"), host_text(found.get(_NDA_DST))
    if link != index or not state & _NUD_PERMANENT or not address:
        return None
    if family == socket.AF_BRIDGE:
        return FdbEntry(dev=dev, mac=mac, dst=address)
    return Neighbour(dev=dev, address=address, mac=mac)
