"""Which interfaces namespaces have whose packets begin with an Ethernet header. Source: netdevice(7), if_nameindex(3)."""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import struct
from collections.abc import Iterable
from typing import Final

from netlab.kernel import netns
from netlab.netstate.names import IfName, NetnsName

ARPHRD_ETHER: Final = 1
ARPHRD_LOOPBACK: Final = 772
_SIOCGIFHWADDR: Final = 0x8927
_IFREQ: Final = struct.Struct("16sH22x")


def ethernet_interfaces(names: Iterable[NetnsName]) -> dict[NetnsName, tuple[IfName, ...]]:
    """Return the interfaces of each namespace that exists, the loopback among them, in the order of their indexes."""
    return netns.run_in_thread(lambda: dict(_look(names)))


def _look(names: Iterable[NetnsName]) -> Iterable[tuple[NetnsName, tuple[IfName, ...]]]:
    for name in names:
        descriptor = netns.open_netns(name)
        if descriptor is None:
            continue
        try:
            netns.enter(descriptor)
        finally:
            os.close(descriptor)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as asked:
            yield name, tuple(IfName(one) for _, one in socket.if_nameindex() if _is_ethernet(asked, one))


def _is_ethernet(asked: socket.socket, ifname: str) -> bool:
    with contextlib.suppress(OSError):  # gone since it was listed
        answer = fcntl.ioctl(asked, _SIOCGIFHWADDR, _IFREQ.pack(ifname.encode(), 0))
        return _IFREQ.unpack(answer)[1] in {ARPHRD_ETHER, ARPHRD_LOOPBACK}
    return False
