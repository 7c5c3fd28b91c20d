"""From a user's words to one object: a Pod by name, a container of it, a machine of the lab."""

from __future__ import annotations

from netlab.errors import NetlabError, NotFound
from netlab.model.lab import Cluster
from netlab.model.meta import Key
from netlab.model.pod import Pod
from netlab.netstate.names import NetnsName, machine_netns

OUTSIDE, FABRIC = "outside", "fabric"


def find_pod(cluster: Cluster, word: str, namespace: str) -> Pod:
    """Return the Pod that `web`, `pod/web` or `deploy/web` (its first one) names. Raises NotFound."""
    kind, _, name = word.rpartition("/")
    if kind in {"deploy", "deployment", "deployments", "deployment.apps"}:
        found = [pod for pod in cluster.pods if pod.metadata.namespace == namespace and _made_by(cluster, pod, name)]
        if not found:
            raise NotFound(f'deployments "{name}" has no Pod in namespace {namespace}')
        return min(found, key=lambda pod: not pod.is_ready)
    if kind not in {"", "po", "pod", "pods"}:
        raise NotFound(f"{word!r}: a Pod is named POD, pod/POD or deploy/NAME")
    item = cluster.objects.get(Key("Pod", namespace, name))
    if not isinstance(item, Pod):
        raise NotFound(f'pods "{name}" not found in namespace {namespace}; `netlab get pods -A` lists them')
    return item


def _made_by(cluster: Cluster, pod: Pod, deployment: str) -> bool:
    item = cluster.objects.get(Key("Deployment", pod.metadata.namespace, deployment))
    return item is not None and any(owner.uid == item.metadata.uid for owner in pod.metadata.owner_references)


def container_of(pod: Pod, name: str | None) -> str:
    """Return the name of the container that is meant: `name`, or the only one. Raises NotFound, NetlabError."""
    names = [container.name for container in pod.spec.containers]
    if name is None:
        if len(names) > 1:
            raise NetlabError(f"pod {pod.metadata.name!r} has several containers, choose one with -c: {', '.join(names)}")
        return names[0]
    if name not in names:
        raise NotFound(f"container {name!r} is not one of pod {pod.metadata.name!r}: {', '.join(names)}")
    return name


def find_machine(cluster: Cluster, word: str) -> NetnsName | None:
    """Return the namespace of the Node, `outside` or `fabric` that `word` names, or None if it names none of them."""
    kind, _, name = word.rpartition("/")
    if kind not in {"", "node", "nodes", "no"}:
        return None
    known = {node.metadata.name for node in cluster.nodes} | ({OUTSIDE, FABRIC} if not kind else set())
    if name in known:
        return machine_netns(cluster.lab.metadata.name, name)
    if kind:
        raise NotFound(f'nodes "{name}" not found; `netlab get nodes` lists them')
    return None
