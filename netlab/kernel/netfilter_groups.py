"""What nf_tables and conntrack tell the multicast groups of a namespace. Source: linux/netfilter/nfnetlink.h."""

from __future__ import annotations

import errno
from collections.abc import Iterator, Sequence
from typing import Final

from netlab.kernel.closable import Closable
from netlab.kernel.netlink import NETLINK_NETFILTER, NetlinkSocket
from netlab.netstate.names import NetnsName

BUFFER_BYTES: Final = 1 << 22


class GroupListener(Closable):
    """Hears some groups of the thread's namespace from now on. It stays there when the thread moves on. Raises OSError.

    `lost` is true from the moment on at which the kernel had to leave something out.
    """

    def __init__(self, name: NetnsName, groups: Sequence[int]) -> None:
        self.name, self.lost = name, False
        self._socket = NetlinkSocket(NETLINK_NETFILTER)
        try:
            self._socket.listen(groups, BUFFER_BYTES)
        except OSError:
            self._socket.close()
            raise

    def fileno(self) -> int:
        """The file descriptor, readable when there is something."""
        return self._socket.fileno()

    def heard(self) -> Iterator[tuple[int, int, bytes]]:
        """Yield (type, flags, payload) of each message that has come. Raises OSError."""
        try:
            yield from self._socket.heard()
        except OSError as error:
            if error.errno != errno.ENOBUFS:
                raise
            self.lost = True

    def close(self) -> None:
        """Hear no more."""
        self._socket.close()
