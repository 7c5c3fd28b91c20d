"""Pods in the network of their Node (hostNetwork): its address, its name, no network namespace of their own. Pure.

Source: Kubernetes API reference, PodSpec (hostNetwork); kubelet_pods.go (nodeHostsFileContent), network/dns (getPodDNSType).
"""

from __future__ import annotations

from netlab.desired.assignments import Assignments, PodAssignment
from netlab.model.pod import Pod
from netlab.netstate.names import NetnsName, machine_netns, pod_netns

NODE_HOSTS = """\
# Kubernetes-managed hosts file (host network).
127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost ip6-loopback
"""


def netns_of(lab: str, pod: Pod, bound: PodAssignment | None = None) -> NetnsName:
    """Return the network namespace that a Pod's processes are in: its own, or its Node's; without `bound`, that of nodeName."""
    if pod.spec.host_network:
        return machine_netns(lab, bound.node if bound else pod.spec.node_name)
    return pod_netns(lab, pod.metadata.namespace, pod.metadata.name)


def node_hosts(assignments: Assignments, pod: Pod) -> str:
    """Return what a Pod in its Node's network has in /etc/hosts before its own aliases: the Node's name and addresses."""
    bound = assignments.pods.get(pod.key)
    node = assignments.nodes.get(bound.node) if bound else None
    if bound is None or node is None:
        return NODE_HOSTS
    return NODE_HOSTS + "".join(f"{ip}\t{bound.node}\n" for ip in node.ips)
