"""A session: one lab, under its lock, with everything needed to change it. The command and the agent both work in one."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from netlab.desired.compile import mark
from netlab.errors import NotFound
from netlab.kernel.linux import LinuxNetwork
from netlab.kernel.port import Network, Runtime, Scope
from netlab.kernel.runtime import ContainerRuntime
from netlab.model.lab import Lab
from netlab.store.lock import locked
from netlab.store.paths import LabPaths
from netlab.store.store import Store

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A lab that nobody else changes. `clock` gives seconds since the epoch."""

    paths: LabPaths
    store: Store
    network: Network
    runtime: Runtime
    clock: Clock = time.time

    @property
    def lab(self) -> Lab:
        """The lab as it is wished."""
        return self.store.cluster().lab

    def scope(self) -> Scope:
        """What of the machine belongs to this lab: recorded names that carry the mark."""
        return Scope(mark=mark(self.lab.metadata.uid), names=self.store.namespaces())


def new_runtime(paths: LabPaths) -> ContainerRuntime:
    """Return the container runtime with the lab's directories."""
    return ContainerRuntime(state=paths.state, data=paths.data, lab=paths.lab)


@contextmanager
def session(
    paths: LabPaths, *, create: bool = False, clock: Clock = time.time, waiting: Callable[[str], None] = lambda _: None
) -> Iterator[Session]:
    """Open the lab for changing and close it again.

    Args:
        paths: the lab's files.
        create: make what is missing of the state directory (`up`).
        clock: seconds since the epoch.
        waiting: told the pid of the process that holds the lab, if it is not free at once.

    Raises:
        NotFound: there is no such lab, or it is half-made or half-removed (`create` would finish it).
        NetlabError: its state file cannot be used.
    """
    with locked(paths.lock, create=create, waiting=waiting):
        store = Store(paths.store, clock, create=create)
        network = LinuxNetwork()
        try:
            if not create and (store.fact("deleting") or store.lab() is None):
                raise NotFound(f"lab {paths.lab!r} is half-made or half-removed; `netlab up` or `netlab down` finishes it")
            yield Session(paths=paths, store=store, network=network, runtime=new_runtime(paths), clock=clock)
        finally:
            network.close()
            store.close()
