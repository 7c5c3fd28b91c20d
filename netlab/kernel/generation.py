"""Whether rules were changed: which namespace it is, and how many transactions of nftables there were in it.

The kernel counts those that were committed, whoever made them and in whichever table; packets change nothing of it, though they
may add elements to sets with timeouts. To ask takes a twentieth of a millisecond, a listing of ten thousand Services a second.
A namespace has a cookie that no other one has until the machine stops; names and inodes are given again.
Source: nf_tables_api.c (base_seq, NFT_MSG_GETGEN), linux/netfilter/nf_tables.h; net/core/sock.c (SO_NETNS_COOKIE, Linux 5.14).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, NamedTuple

from netlab.kernel.late_close import netfilter_socket
from netlab.kernel.netlink import NETLINK_NETFILTER, Message, NetlinkSocket, attributes

_NFT_MSG_GETGEN: Final = (10 << 8) | 16
_NFTA_GEN_ID: Final = 1
_NFGENMSG: Final = bytes(4)
_WRAP: Final = 1 << 32


class Generation(NamedTuple):
    """The rules of one namespace at one moment: the namespace's cookie, and the number of its newest transaction."""

    cookie: int
    number: int

    def later(self, transactions: int) -> Generation:
        """What it is after so many more transactions; the kernel leaves out 0."""
        number = self.number + transactions
        return self._replace(number=number if number < _WRAP else number - _WRAP + 1)


def generation() -> Generation | None:
    """Return that of the thread's namespace; None if this kernel does not tell namespaces apart. Raises OSError."""
    with NetlinkSocket(NETLINK_NETFILTER) as netlink:
        return _ask(netlink)


@contextmanager
def generations() -> Iterator[Callable[[], Generation | None]]:
    """Give a function that returns it, again and again, of where the thread is now; the end does not wait (late_close.py)."""
    with netfilter_socket() as netlink:
        yield lambda: _ask(netlink)


def _ask(netlink: NetlinkSocket) -> Generation | None:
    answer = attributes(netlink.ask(Message(_NFT_MSG_GETGEN, 0, _NFGENMSG)), len(_NFGENMSG))
    cookie = netlink.cookie
    return None if cookie is None else Generation(cookie, int.from_bytes(answer[_NFTA_GEN_ID], "big"))
