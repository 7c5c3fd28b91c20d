"""What a Service causes on each Node, and what of it is there now: looked up in the kernel, without the lab's lock."""

from __future__ import annotations

from collections.abc import Sequence

from netlab.desired.assignments import Assignments
from netlab.desired.compile import mark
from netlab.kernel.known_rules import KnownRules
from netlab.kernel.linux import LinuxNetwork
from netlab.kernel.port import Scope
from netlab.model.lab import Cluster
from netlab.model.service import Service
from netlab.netstate.names import machine_netns
from netlab.packets.service_rules import ServiceRule, service_rules
from netlab.store.paths import LabPaths


def look_at_service(
    paths: LabPaths, cluster: Cluster, assignments: Assignments, service: Service, nodes: Sequence[str]
) -> dict[str, tuple[ServiceRule, ...] | None]:
    """Return the rules of a Service on these Nodes by their names; None for one that has no network namespace now.

    Raises:
        KernelError: a Node's rules cannot be listed.
    """
    names = {machine_netns(paths.lab, node): node for node in nodes}
    # It is not closed: what it learns of the rules here would hide from the agent that somebody changed them.
    network = LinuxNetwork(rules=KnownRules(paths.rules))
    seen = network.observe(Scope(mark=mark(cluster.lab.metadata.uid), names=frozenset(names))).by_name
    return {
        node: service_rules(cluster, assignments, service, node, seen[netns]) if netns in seen else None
        for netns, node in names.items()
    }
