"""Whole objects from a few words, as `kubectl run` and `kubectl expose` make them. Pure; checked as manifests are.

Source: kubectl reference (run, expose); kubectl pkg/cmd/run and pkg/cmd/expose.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Any, cast

from netlab.errors import NetlabError
from netlab.frozen import dataclass
from netlab.manifest.checked import checked
from netlab.manifest.pod_rules import HOST_IMAGE
from netlab.model.lab import KubernetesObject
from netlab.model.pod import Pod, PodSpec
from netlab.model.service import Service
from netlab.model.workload import Deployment, ReplicaSet

RUN_LABEL = "run"


def new_pod(
    name: str,
    *,
    namespace: str,
    image: str,
    args: Sequence[str],
    as_command: bool = False,
    labels: Mapping[str, str] | None = None,
    env: Mapping[str, str] | None = None,
    port: int | None = None,
    restart: str = "Always",
) -> Pod:
    """Return a Pod of one container of the same name, labelled `run=NAME` unless other labels are given.

    `args` are the command with `as_command`, and with `image: host`, which has no program of its own; else those of the image.
    Raises ManifestError for what a manifest could not say either.
    """
    container: dict[str, Any] = {"name": name, "image": image}
    if args or image == HOST_IMAGE:
        container["command" if as_command or image == HOST_IMAGE else "args"] = list(args)
    if env:
        container["env"] = [{"name": key, "value": value} for key, value in env.items()]
    if port is not None:
        container["ports"] = [{"containerPort": port}]
    meta = {"name": name, "namespace": namespace, "labels": dict(labels) if labels else {RUN_LABEL: name}}
    plain = {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": {"containers": [container], "restartPolicy": restart}}
    return cast("Pod", checked(plain))


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """What `expose` was told of the Service; what is empty is found out from the object."""

    name: str = ""
    port: int | None = None
    target_port: str = ""
    type: str = "ClusterIP"
    protocol: str = ""
    selector: Mapping[str, str] = field(default_factory=dict)
    cluster_ip: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)


def new_service(item: KubernetesObject, told: Exposure) -> Service:
    """Return a Service in front of a Pod, a Deployment's Pods, or the Pods of another Service.

    Raises:
        NetlabError: the object has no labels or ports to go by, or is of another kind.
        ManifestError: what a manifest could not say either.
    """
    spec: dict[str, Any] = {"selector": dict(told.selector) or _selector(item), "ports": _ports(item, told), "type": told.type}
    if told.cluster_ip:
        spec["clusterIP"] = told.cluster_ip
    meta = item.metadata
    named = {"name": told.name or meta.name, "namespace": meta.namespace, "labels": dict(told.labels) or dict(meta.labels)}
    return cast("Service", checked({"apiVersion": "v1", "kind": "Service", "metadata": named, "spec": spec}))


def _selector(item: KubernetesObject) -> dict[str, str]:
    why = "couldn't retrieve selectors via --selector flag or introspection"
    match item:
        case Pod() if not item.metadata.labels:
            raise NetlabError(f"{why}: the pod has no labels and cannot be exposed; label it first, or use --selector")
        case Pod():
            return dict(item.metadata.labels)
        case Deployment() | ReplicaSet():
            if item.spec.selector.match_expressions:
                raise NetlabError(f"{why}: a Service cannot select by matchExpressions; use --selector")
            return dict(item.spec.selector.match_labels)
        case Service() if item.spec.selector:
            return dict(item.spec.selector)
        case _:
            raise NetlabError(f"{why}: {item.key} has none; use --selector")


def _ports(item: KubernetesObject, told: Exposure) -> list[dict[str, Any]]:
    """One port as told, or those of the object; several need names."""
    if told.port is not None:
        target = int(told.target_port) if told.target_port.isdecimal() else told.target_port
        return [{"port": told.port, "protocol": told.protocol or "TCP", "targetPort": target or told.port}]
    found = _known_ports(item)
    if not found:
        raise NetlabError("couldn't find port via --port flag or introspection; use --port")
    target = int(told.target_port) if told.target_port.isdecimal() else told.target_port
    return [
        {"port": port, "protocol": told.protocol or protocol, "targetPort": target or port}
        | ({"name": f"port-{n}"} if len(found) > 1 else {})
        for n, (port, protocol) in enumerate(found, 1)
    ]


def _known_ports(item: KubernetesObject) -> list[tuple[int, str]]:
    match item:
        case Pod():
            return _container_ports(item.spec)
        case Deployment() | ReplicaSet():
            return _container_ports(item.spec.template.spec)
        case Service():
            return [(port.port, port.protocol) for port in item.spec.ports]
        case _:
            return []


def _container_ports(spec: PodSpec) -> list[tuple[int, str]]:
    return [(port.container_port, port.protocol) for container in spec.all_containers for port in container.ports]
