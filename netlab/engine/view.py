"""Looking at a lab without its lock: read-only commands never wait, and never import anything that could change Linux."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from netlab.desired.assignments import Assignments
from netlab.errors import NotFound
from netlab.kernel.inotify import Watch
from netlab.kernel.netns import names_in_use
from netlab.model.lab import Cluster
from netlab.model.meta import Key
from netlab.model.node import Node
from netlab.netstate.names import machine_netns
from netlab.store.events import events
from netlab.store.paths import LabPaths
from netlab.store.store import Store

if TYPE_CHECKING:
    from netlab.store.origins import Origins


def read_lab(paths: LabPaths, *, with_events: bool = False) -> Cluster:
    """Return all objects as kubectl would see them, Events only if they are asked for. Raises NotFound without such a lab."""
    from netlab.desired.published import published  # noqa: PLC0415 - for who looks at statuses, and not for exec

    with contextlib.closing(open_store(paths)) as store:
        cluster, assignments = store.cluster(), store.assignments()
        known = events(store) if with_events else ()
        versions = store.fact("runtime version"), store.fact("netlab version")
    nodes = _nodes(paths, cluster, assignments, versions)
    return published(cluster.with_objects((*nodes, *known)), assignments, time.time())


def _nodes(paths: LabPaths, cluster: Cluster, assignments: Assignments, versions: tuple[str, str]) -> Iterator[Node]:
    """The Nodes with what is seen of them now."""
    from netlab.desired.node_status import node_status  # noqa: PLC0415 - as above
    from netlab.kernel.machine_facts import look_at_machine  # noqa: PLC0415

    machine, present, now = look_at_machine(paths.data), names_in_use(), time.time()
    for node in cluster.nodes:
        name = node.metadata.name
        given = assignments.nodes.get(name)
        status = node_status(
            node, cluster.lab, machine, pod_cidrs=given.pod_cidrs if given else (), versions=versions, now=now,
            is_there=machine_netns(paths.lab, name) in present,
        )  # fmt: skip
        yield replace(node, status=status)


def watch_lab(paths: LabPaths, deadline: float | None = None, *, with_events: bool = False) -> Iterator[Cluster]:
    """Yield the lab as it is, and again whenever something may have changed; many changes at once may be one look.

    Ends when the lab is gone, or at `deadline` (time.monotonic seconds) after a last look.

    Raises:
        NotFound: there is no such lab to begin with.
    """
    if not paths.state.is_dir():
        open_store(paths).close()
    with Watch([paths.state], modified=True) as watch:
        yield read_lab(paths, with_events=with_events)
        while deadline is None or time.monotonic() < deadline:
            watch.wait(None if deadline is None else max(0.0, deadline - time.monotonic()))
            try:
                cluster = read_lab(paths, with_events=with_events)
            except NotFound:
                return
            yield cluster


def read_wish(paths: LabPaths) -> tuple[Cluster, Assignments]:
    """Return the objects as they were wished, and the choices. Raises NotFound if there is no such lab."""
    with contextlib.closing(open_store(paths)) as store:
        return store.cluster(), store.assignments()


def read_objects(paths: LabPaths, only: Collection[Key] = ()) -> Cluster:
    """Return the objects as they were wished, or `only` these. Raises NotFound if there is no such lab."""
    with contextlib.closing(open_store(paths)) as store:
        return store.cluster(only)


def read_origins(paths: LabPaths, cluster: Cluster) -> Origins:
    """Return where these objects of a lab were written. Raises NotFound if there is no such lab."""
    from netlab.store.origins import Origins, origins  # noqa: PLC0415 - few ask for it

    with contextlib.closing(open_store(paths)) as store:
        return Origins(cluster, origins(store))


def open_store(paths: LabPaths) -> Store:
    """Return the lab's store, for reading. Raises NotFound if there is no such lab."""
    if not paths.store.exists():
        raise NotFound(f"there is no lab {paths.lab!r}; `netlab up --lab {paths.lab}` makes it")
    store = Store(paths.store, time.time)
    if store.lab() is None:
        store.close()
        raise NotFound(f"lab {paths.lab!r} is half-made; `netlab up --lab {paths.lab}` finishes it")
    return store
