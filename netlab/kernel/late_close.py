"""Sockets of nf_tables whose closing nobody waits for.

Rules are in place when a transaction is answered, after a tenth of a millisecond. Who then closes such a socket in the same
namespace waits until what was deleted is freed: grace periods of RCU, 5 to 20 ms. Another thread can do that.
Source: nf_tables_api.c (nft_rcv_nl_event waits for the work that nf_tables_commit has left).
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from netlab.kernel.netlink import NETLINK_NETFILTER, NetlinkSocket


def close_later(one: socket.socket | NetlinkSocket) -> None:
    """Close it in a thread of its own; with the end of the process it ends too."""
    threading.Thread(target=one.close, name="late-close", daemon=True).start()


@contextmanager
def netfilter_socket() -> Iterator[NetlinkSocket]:
    """Give one of the thread's namespace, for questions after a transaction or for one; the end does not wait."""
    netlink = NetlinkSocket(NETLINK_NETFILTER)
    try:
        yield netlink
    finally:
        close_later(netlink)


def next_descriptor() -> int:
    """Return the number that a file gets which is opened now, unless another thread opens one first."""
    number = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    os.close(number)
    return number


def second_owner(number: int) -> socket.socket | None:
    """Return a second descriptor of the socket of nf_tables that has this number: while it is open, the first closes at once.

    None if something else has the number: a library does not tell which one its socket has got.
    """
    try:
        copy = os.dup(number)
    except OSError:  # closed again
        return None
    try:
        one = socket.socket(fileno=copy)
    except OSError:  # no socket
        os.close(copy)
        return None
    if (one.family, one.proto) == (socket.AF_NETLINK, NETLINK_NETFILTER):
        return one
    one.close()
    return None
