"""From a user's words to one object: a Pod by name, a Pod of what makes Pods, a machine of the lab.

Source: kubectl's `exec`, `logs`, `cp`, `port-forward` (polymorphichelpers AttachablePodForObject), as of v1.32.
"""

from __future__ import annotations

from netlab.cli.words import kinds, not_found, resource, usage
from netlab.desired.power import stopped_nodes
from netlab.errors import NetlabError
from netlab.model.lab import Cluster, KubernetesObject
from netlab.model.meta import Key, selects
from netlab.model.outline import PodOutline, outline_of
from netlab.model.owners import WORKLOADS
from netlab.model.pod import Pod
from netlab.model.service import Service
from netlab.netstate.names import FABRIC, OUTSIDE, NetnsName, machine_netns

KUBELET_PORT = 10250


def find_pod(cluster: Cluster, word: str, namespace: str) -> Pod:
    """Return the Pod that `web` or `pod/web` names, or the best one of `deploy/web` or `svc/web`: a ready one, if there is one.

    Raises:
        NotFound: there is no such object.
        NetlabError: it has no Pods, or never has any.
    """
    item = find_object(cluster, word, namespace)
    if isinstance(item, Pod):
        return item
    found = pods_of(cluster, item)
    if not found:
        raise NetlabError(f"{resource(item.kind)} {item.metadata.name!r} has no Pods; see `netlab describe {item.key}`")
    return min(found, key=lambda pod: (not pod.is_ready, pod.status.phase != "Running", bool(pod.metadata.deletion_timestamp)))


def find_object(cluster: Cluster, word: str, namespace: str) -> KubernetesObject:
    """Return the object that `TYPE/NAME` names; a NAME alone is a Pod's. Raises NotFound, ManifestError."""
    kind, slash, name = word.rpartition("/")
    named = kinds(kind) if slash else [Pod.kind]
    if len(named) != 1 or not name:
        raise usage(f"{word!r} does not name one object", "for example pod/web, deploy/web or svc/web")
    key = Key(named[0], "" if named[0] in {"Node", "Namespace"} else namespace, name)
    if key not in cluster.objects:
        raise not_found(key.kind, name)
    return cluster.objects[key]


def pods_of(cluster: Cluster, item: KubernetesObject) -> list[Pod]:
    """Return the Pods behind a workload or a Service, sorted by name. Raises NetlabError for anything else."""
    if isinstance(item, WORKLOADS):
        from netlab.desired.owning import owned_by  # noqa: PLC0415 - mostly a Pod is named

        return owned_by(cluster, item)
    near = [pod for pod in cluster.pods if pod.metadata.namespace == item.metadata.namespace]
    if isinstance(item, Service) and item.spec.selector:
        return [pod for pod in near if selects(item.spec.selector, pod.metadata.labels)]
    if isinstance(item, Service):
        raise NetlabError(f"invalid service {item.metadata.name!r}: Service is defined without a selector; name a Pod")
    raise NetlabError(f"{item.key} has no Pods: name a Pod, a Service, or what makes Pods")


def find_reachable(cluster: Cluster, word: str, namespace: str) -> PodOutline:
    """Return the Pod that a word names, as `find_pod`. Raises NetlabError also if its Node's machine is off."""
    pod = find_pod(cluster, word, namespace)
    require_reachable(cluster, pod)
    return outline_of(pod)


def require_reachable(cluster: Cluster, pod: Pod) -> None:
    """Raise NetlabError if the machine of the Pod's Node is off."""
    name = pod.spec.node_name
    if name in stopped_nodes(cluster.lab):
        address = next((node.internal_ip for node in cluster.nodes if node.metadata.name == name), name)
        why = f"error dialing backend: dial tcp {address}:{KUBELET_PORT}: connect: no route to host"
        raise NetlabError(f"{why}; {name} is stopped: `netlab node start {name}`", origin="Error from server")


def find_machine(cluster: Cluster, word: str) -> NetnsName | None:
    """Return the namespace of the Node, `outside` or `fabric` that `word` names, or None if it names none of them.

    Raises:
        NotFound: there is no such Node.
        NetlabError: its machine is off.
    """
    kind, _, name = word.rpartition("/")
    if kind not in {"", "node", "nodes", "no"}:
        return None
    if name in stopped_nodes(cluster.lab):
        raise NetlabError(f"node/{name} is stopped; `netlab node start {name}`")
    known = {node.metadata.name for node in cluster.nodes} | ({OUTSIDE, FABRIC} if not kind else set())
    if name in known:
        return machine_netns(cluster.lab.metadata.name, name)
    if kind:
        raise not_found("Node", name)
    return None
