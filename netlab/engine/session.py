"""A session: one lab, under its lock, with everything needed to change it. The command and the agent both work in one."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import field

from netlab.desired.compile import mark
from netlab.desired.node_status import capacity
from netlab.engine.containers import new_runtime
from netlab.engine.images import MachineImages
from netlab.errors import NotFound
from netlab.frozen import dataclass
from netlab.kernel.known_rules import KnownRules
from netlab.kernel.linux import LinuxNetwork
from netlab.kernel.machine_facts import look_at_machine
from netlab.kernel.port import Images, Network, Runtime, Scope
from netlab.model.lab import Lab
from netlab.model.quantity import Quantity
from netlab.model.resources import Amounts, amounts
from netlab.store.lock import locked
from netlab.store.memory import Memory as StoreMemory
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
    images: Images = field(default_factory=MachineImages)
    clock: Clock = time.time

    @property
    def lab(self) -> Lab:
        """The lab as it is wished."""
        return self.store.cluster().lab

    def room(self) -> Amounts:
        """What each Node has for its Pods to ask for."""
        return _room(tuple(amounts(capacity(look_at_machine(self.paths.data))).items()))

    def scope(self) -> Scope:
        """What of the machine belongs to this lab: recorded names that carry the mark."""
        return Scope(mark=mark(self.lab.metadata.uid), names=self.store.namespaces())


@functools.lru_cache(maxsize=1)
def _room(items: tuple[tuple[str, Quantity], ...]) -> Amounts:
    """The same object as long as it says the same: what was decided by it is remembered."""
    return dict(items)


class Memory:
    """What a process that opens the same lab again and again knows of it; it makes nothing different, only quicker."""

    def __init__(self, paths: LabPaths) -> None:
        self.store, self.rules = StoreMemory(), KnownRules(paths.rules)


@contextmanager
def session(
    paths: LabPaths,
    *,
    create: bool = False,
    clock: Clock = time.time,
    waiting: Callable[[str], None] = lambda _: None,
    memory: Memory | None = None,
) -> Iterator[Session]:
    """Open the lab for changing and close it again.

    Args:
        paths: the lab's files.
        create: make what is missing of the state directory (`up`).
        clock: seconds since the epoch.
        waiting: told the pid of the process that holds the lab, if it is not free at once.
        memory: that of this process, from the session before.

    Raises:
        NotFound: there is no such lab, or it is half-made or half-removed (`create` would finish it).
        NetlabError: its state file cannot be used.
    """
    with locked(paths.lock, create=create, waiting=waiting):
        known = memory or Memory(paths)
        store = Store(paths.store, clock, create=create, memory=known.store)
        network = LinuxNetwork(rules=known.rules)
        try:
            if not create and (store.fact("deleting") or store.lab() is None):
                raise NotFound(f"lab {paths.lab!r} is half-made or half-removed; `netlab up` or `netlab down` finishes it")
            yield Session(paths=paths, store=store, network=network, runtime=new_runtime(paths), clock=clock)
        finally:
            network.close()
            store.close()
