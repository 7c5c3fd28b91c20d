"""The lab as built, looked up in the kernel without the lab's lock."""

from __future__ import annotations

import contextlib

from netlab.desired.compile import compile_net, mark
from netlab.engine.view import open_store, read_lab, read_wish
from netlab.kernel.linux import LinuxNetwork
from netlab.kernel.port import Scope
from netlab.netstate.state import NetState
from netlab.packets.graph import LabGraph, lab_graph
from netlab.store.paths import LabPaths


def look_at_lab(paths: LabPaths) -> LabGraph:
    """Return what there is of a lab, and what is missing.

    Raises:
        NotFound: there is no such lab.
        KernelError: Linux cannot be asked.
    """
    wished, assignments = read_wish(paths)
    with contextlib.closing(open_store(paths)) as store:
        names = store.namespaces()
    scope = Scope(mark=mark(wished.lab.metadata.uid), names=names)
    observed: NetState = LinuxNetwork().observe(scope)
    return lab_graph(read_lab(paths), assignments, compile_net(wished, assignments), observed)
