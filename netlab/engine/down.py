"""`down`: reconcile with nothing, then look whether anything is left. Works on a half-made lab and without a usable state file.

Order: the wish is stored first (a killed `down` is finished by the next command), then the agent, the processes, the network
and beside it the files of Pods; the ownership mark and the lock go last.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from netlab.desired.compile import mark
from netlab.engine.agent import stop_agent
from netlab.engine.containers import new_runtime
from netlab.errors import KernelError, NetlabError, NotFound
from netlab.frozen import dataclass
from netlab.kernel.files import remove_if_empty, remove_tree
from netlab.kernel.linux import LinuxNetwork
from netlab.kernel.machine import mounts_below
from netlab.kernel.netns import names_in_use, remove_directory
from netlab.kernel.port import Network, Scope
from netlab.netstate.state import Namespace, NetState
from netlab.plan.diff import diff
from netlab.store.lock import locked
from netlab.store.paths import LabPaths
from netlab.store.store import Store

SHOWN = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Remains:
    """How much there is of a lab: what `down` took away, or would."""

    namespaces: int
    processes: int


def down(paths: LabPaths, *, waiting: Callable[[str], None] = lambda _: None) -> Remains:
    """Remove the lab from the machine and return what that was.

    Raises:
        NotFound: there is no such lab.
        KernelError: Linux refused a step, or something of the lab is still there afterwards.
    """
    with locked(paths.lock, waiting=waiting):
        scope = _begin(paths)
        stop_agent(paths)
        runtime, network = new_runtime(paths), LinuxNetwork()
        try:
            processes = len(runtime.pids())
            namespaces = 0

            def remove_network() -> None:
                nonlocal namespaces
                namespaces = _remove_network(network, scope)

            runtime.clean(beside=remove_network)  # which looks for processes and cgroups itself
            left = _look(paths, network, scope)
        finally:
            network.close()
        remove_directory()
        if left:
            raise KernelError(f"lab {paths.lab}: {len(left)} objects left: {', '.join(left[:SHOWN])}")
        remove_tree(paths.data)
        remove_tree(paths.state, last=(paths.uid, paths.lock))  # a killed `down` can be repeated until the very end
        for root in (paths.data.parent, paths.state.parent):
            remove_if_empty(root)
        if files := [str(root) for root in (paths.data, paths.state) if root.exists()]:
            raise KernelError(f"lab {paths.lab}: {len(files)} objects left: {', '.join(files)}")
    return Remains(namespaces=namespaces, processes=processes)


def remains(paths: LabPaths) -> Remains:
    """Return what there is of a lab, having looked; nothing is changed.

    Raises:
        NotFound: there is no such lab.
    """
    store = Store(paths.store, lambda: 0.0)
    with contextlib.closing(store):
        names = store.namespaces()
    return Remains(namespaces=len(names & names_in_use()), processes=len(new_runtime(paths).pids()))


def is_half_removed(paths: LabPaths) -> bool:
    """Tell whether a `down` of this lab was begun and not finished."""
    try:
        with contextlib.closing(Store(paths.store, lambda: 0.0)) as store:
            return bool(store.fact("deleting"))
    except NotFound:
        return False


def _begin(paths: LabPaths) -> Scope:
    """Store the wish to be gone; return what belongs to the lab: without a usable state file, all that carries its mark."""
    uid = paths.uid.read_text().strip() if paths.uid.exists() else ""
    try:
        store = Store(paths.store, lambda: 0.0)
    except NetlabError:
        return Scope(mark=mark(uid), names=names_in_use())
    with contextlib.closing(store):
        try:
            store.set_fact("deleting", "yes")
            return Scope(mark=mark(uid), names=store.namespaces())
        except NetlabError:
            return Scope(mark=mark(uid), names=names_in_use())


def _remove_network(network: Network, scope: Scope) -> int:
    """With a namespace goes all that is in it, so nobody has to look there."""
    there = NetState(namespaces=frozenset(Namespace(name=name) for name in network.marked(scope)))
    network.apply(scope, diff(NetState(), there, scope.mark).steps)
    network.forget(scope.names)
    return len(there.namespaces)


def _look(paths: LabPaths, network: Network, scope: Scope) -> list[str]:
    """What is left of the lab beside processes, in words."""
    namespaces = sorted(network.marked(scope))
    mounts = mounts_below(paths.state) + mounts_below(paths.data)
    return [f"namespace {name}" for name in namespaces] + [f"mount {path}" for path in mounts]
