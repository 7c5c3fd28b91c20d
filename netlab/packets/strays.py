"""Copies of a frame at those it is not for: a bridge that does not know behind which port an address is uses all. Pure.

Source: the kernel's br_forward.c (br_flood); a bridge forgets an address that was silent for five minutes (ageing_time).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from netlab.netstate.seen import Place, SeenPacket
from netlab.netstate.state import NetState
from netlab.packets.links import veths


def without_strays(packets: Sequence[SeenPacket], net: NetState) -> list[SeenPacket]:
    """Leave out the copies of each frame that came to the one whose address it has: nobody else takes it.

    Where it came to nobody all stay: they tell how far it came.
    """
    macs = dict(_receivers(net))
    owners = [macs.get((one.place, one.outgoing)) for one in packets]
    arrived = {one.data for one, mac in zip(packets, owners, strict=True) if mac == one.data[:6]}
    return [one for one, mac in zip(packets, owners, strict=True) if mac in {None, one.data[:6]} or one.data not in arrived]


def _receivers(net: NetState) -> Iterator[tuple[tuple[Place, bool], bytes]]:
    """Whom a frame is for that a veth receives, and that a bridge sends through its port: a place, outgoing, and the MAC."""
    for place, link in veths(net).items():
        if link.master is None:
            mac = bytes.fromhex(link.mac.replace(":", ""))
            yield (place, False), mac
            yield (Place(link.peer_netns, link.peer_name), True), mac
