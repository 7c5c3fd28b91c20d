"""Which Node a Pod runs on: the least loaded of those that fit; decided once, kept until the Pod is gone (N20).

`nodeName` names the Node itself; `nodeSelector` must be among the Node's labels. Reasons are worded as kube-scheduler's.
Source: Kubernetes docs, kube-scheduler, Assigning Pods to Nodes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from netlab.model.pod import Pod
from netlab.model.workload import Node


def pick_node(pod: Pod, nodes: Sequence[Node], load: Mapping[str, int], full: frozenset[str] = frozenset()) -> tuple[str, str]:
    """Return (name of the Node, "") or ("", the reason why none fits).

    Args:
        pod: a Pod that is not bound yet.
        nodes: all Nodes; of equally loaded ones the first is taken.
        load: number of Pods by Node.
        full: Nodes without a free address.
    """
    fitting = [node.metadata.name for node in nodes if fits(pod, node)]
    free = [name for name in fitting if name not in full]
    if free:
        return min(free, key=lambda name: load.get(name, 0)), ""
    return "", f"0/{len(nodes)} nodes are available: {'; '.join(_reasons(len(nodes), len(fitting)))}."


def fits(pod: Pod, node: Node) -> bool:
    """Tell whether the Pod may run on the Node."""
    labels = node.metadata.labels
    named = pod.spec.node_name in {"", node.metadata.name}
    return named and all(labels.get(key) == value for key, value in pod.spec.node_selector.items())


def _reasons(total: int, fitting: int) -> list[str]:
    found = []
    if fitting < total:
        found.append(f"{total - fitting} node(s) didn't match Pod's node affinity/selector")
    if fitting:
        found.append(f"{fitting} node(s) have no free Pod address")
    return found
