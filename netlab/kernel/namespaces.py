"""The namespaces of a scope, open for the length of one call: file descriptor and netlink socket of each, ownership checked.

Nothing is kept between calls, so nothing goes stale and nothing leaks; within a call at most OPEN_AT_ONCE stay open, because
a process may have 1024 files. Used by one thread, never the main one: opening moves it into the namespace.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from types import TracebackType
from typing import Final, Self

from netlab.errors import KernelError
from netlab.frozen import dataclass
from netlab.kernel import netns, rtnetlink
from netlab.kernel.netlink import NetlinkSocket
from netlab.kernel.port import Scope
from netlab.netstate.names import NetnsName

OPEN_AT_ONCE: Final = 200


class ForeignNamespaceError(KernelError):
    """A namespace of a recorded name that does not carry the mark: somebody else's."""


@dataclass(frozen=True, slots=True)
class OpenNamespace:
    """An open namespace: `descriptor` for setns and for moving links, `netlink` for questions about what is inside."""

    descriptor: int
    netlink: NetlinkSocket

    def enter(self) -> None:
        """Move the calling thread inside."""
        netns.enter(self.descriptor)

    def close(self) -> None:
        """Close both."""
        self.netlink.close()
        os.close(self.descriptor)


class OpenNamespaces:
    """Namespaces by name, opened on demand, the least recently used closed first."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self._open: OrderedDict[NetnsName, OpenNamespace] = OrderedDict()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for name in list(self._open):
            self.forget(name)

    @property
    def mark(self) -> str:
        """The ownership mark of everything here."""
        return self.scope.mark

    def check_scope(self, name: NetnsName) -> None:
        """Raise KernelError if `name` is not recorded."""
        if name not in self.scope.names:
            raise KernelError("not in the scope of this lab")

    def find(self, name: NetnsName) -> OpenNamespace | None:
        """Return the namespace, None if there is none. Raises ForeignNamespaceError, KernelError outside the scope, OSError."""
        if name in self._open:
            self._open.move_to_end(name)
            return self._open[name]
        self.check_scope(name)
        descriptor = netns.open_netns(name)
        if descriptor is None:
            return None
        found = self._take(descriptor)
        if len(self._open) >= OPEN_AT_ONCE:
            self.forget(next(iter(self._open)))
        self._open[name] = found
        return found

    def get(self, name: NetnsName) -> OpenNamespace:
        """Return the namespace. Raises KernelError if there is none, as `find` else."""
        found = self.find(name)
        if found is None:
            raise KernelError("no such network namespace")
        return found

    def forget(self, name: NetnsName) -> None:
        """Close a namespace, if it is open: an open one outlives its name."""
        if name in self._open:
            self._open.pop(name).close()

    def _take(self, descriptor: int) -> OpenNamespace:
        try:
            netns.enter(descriptor)
            netlink = NetlinkSocket()
        except OSError:
            os.close(descriptor)
            raise
        found = OpenNamespace(descriptor, netlink)
        try:
            loopback = rtnetlink.parse_link(netlink.ask(rtnetlink.get_links(rtnetlink.LOOPBACK_INDEX)))
            if loopback.alias != self.scope.mark:
                raise ForeignNamespaceError("the namespace does not carry this lab's mark: it belongs to somebody else")
        except (OSError, KernelError):
            found.close()
            raise
        return found
