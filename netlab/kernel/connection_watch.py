"""The connections of many namespaces: all that are tracked now, and what becomes of them. Source: nf_conntrack_netlink.c."""

from __future__ import annotations

import contextlib
import select
from collections.abc import Callable, Iterable, Mapping
from functools import partial

from netlab.errors import KernelError
from netlab.kernel.closable import Closable
from netlab.kernel.connection_events import ConnectionEvents, entries
from netlab.kernel.inotify import Watch
from netlab.kernel.netns import in_namespace, run_in_threads
from netlab.netstate.conntrack import ConnectionEvent, TrackedConnection
from netlab.netstate.names import NetnsName


def tracked(names: Iterable[NetnsName]) -> Mapping[NetnsName, list[TrackedConnection]]:
    """Return the connections of each namespace that exists. Raises KernelError if the kernel refuses to tell."""
    chosen = list(names)
    found = run_in_threads([partial(_entries, name) for name in chosen])
    return {name: one for name, one in zip(chosen, found, strict=True) if one is not None}


def _entries(name: NetnsName) -> list[TrackedConnection] | None:
    try:
        return in_namespace(name, entries)
    except OSError as error:
        raise KernelError(f"conntrack: {name}: {error.strerror}") from error
    except KernelError:  # no such namespace
        return None


class ConnectionWatch(Closable):
    """Hears of the connections of namespaces, and of changes in directories. Raises KernelError.

    Args:
        names: of the namespaces; those that do not exist are left out.
        also: other changes that end `wait`.
        lost: told once if the kernel had to leave something out, because more happened than was read.
    """

    def __init__(self, names: Iterable[NetnsName], also: Watch, lost: Callable[[], object]) -> None:
        self._also, self._lost, self._is_whole = also, lost, True
        self._heard: dict[int, ConnectionEvents] = {}
        self._poll = select.poll()
        self._poll.register(also, select.POLLIN)
        try:
            for name in names:
                with contextlib.suppress(KernelError):  # no such namespace
                    self._listen(name)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Hear no more."""
        for one in self._heard.values():
            one.close()

    def wait(self, timeout_s: float) -> tuple[list[ConnectionEvent], bool]:
        """Return what has become of connections, in the order in which it was read, and whether something else has changed."""
        ready = {number for number, _ in self._poll.poll(timeout_s * 1000)}
        has_changed = self._also.fileno() in ready
        if has_changed:
            self._also.drain()
        events = [event for number in ready - {self._also.fileno()} for event in self._heard[number].read()]
        if self._is_whole and any(one.lost for one in self._heard.values()):
            self._is_whole = False
            self._lost()
        return events, has_changed

    def _listen(self, name: NetnsName) -> None:
        try:
            one = in_namespace(name, partial(ConnectionEvents, name))
        except OSError as error:
            raise KernelError(f"conntrack: {name}: {error.strerror}") from error
        self._heard[one.fileno()] = one
        self._poll.register(one, select.POLLIN)
