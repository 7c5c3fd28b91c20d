"""The tables that an API server answers `kubectl get` with: columns and cells as Kubernetes 1.32 defines them.

kubectl prints the cells it is given: which columns there are, which of them only `-o wide` shows (priority 1), and what
stands in a cell is the server's; widths, NAMESPACE, LABELS, `kind/name` and headings are kubectl's.
Source: kubernetes pkg/printers/internalversion/printers.go (AddHandlers and the print function of each kind).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

Json = dict[str, Any]
NOW = datetime.fromisoformat("2001-02-05T12:00:00+00:00")
SHOWN = 3  # addresses and ports of a slice before "+ 2 more..."


def table(resource: str, items: list[Json], *, whole: bool) -> Json:
    """Return the `Table` of these objects; each row carries its object, whole or only its metadata."""
    columns, cells = TABLES[resource]
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": {"resourceVersion": "1000"},
        "columnDefinitions": [_column(title) for title in columns],
        "rows": [{"cells": cells(item), "object": item if whole else _metadata(item)} for item in items],
    }


def _column(title: str) -> Json:
    name = title.removeprefix("*")
    priority = int(title.startswith("*"))
    return {"name": name, "type": "string", "format": "name" if name == "Name" else "", "description": "", "priority": priority}


def _metadata(item: Json) -> Json:
    return {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": item["metadata"]}


def age(item: Json) -> str:
    """Return the days since an object was made, as the server shortens them."""
    made = datetime.fromisoformat(item["metadata"]["creationTimestamp"])
    return f"{(NOW - made).days}d"


def pairs(labels: dict[str, str] | None) -> str:
    """Return labels as the server writes a selector."""
    return ",".join(f"{key}={value}" for key, value in sorted((labels or {}).items())) or "<none>"


def _pod(item: Json) -> list[Any]:
    statuses, spec = item["status"]["containerStatuses"], item["spec"]
    ready = sum(status["ready"] for status in statuses)
    restarts = str(sum(status["restartCount"] for status in statuses))
    first = [item["metadata"]["name"], f"{ready}/{len(spec['containers'])}", item["status"]["phase"], restarts, age(item)]
    return [*first, item["status"]["podIP"], spec["nodeName"], "<none>", "<none>"]


def _service(item: Json) -> list[Any]:
    spec = item["spec"]
    ports = ",".join(
        f"{port['port']}{':' + str(port['nodePort']) if port.get('nodePort') else ''}/{port['protocol']}"
        for port in spec.get("ports", ())
    )
    outside = spec["externalName"] if spec["type"] == "ExternalName" else "<none>"
    cluster_ip = (spec.get("clusterIPs") or ["<none>"])[0]
    name = item["metadata"]["name"]
    return [name, spec["type"], cluster_ip, outside, ports or "<none>", age(item), pairs(spec.get("selector"))]


def _deployment(item: Json) -> list[Any]:
    status, containers = item["status"], item["spec"]["template"]["spec"]["containers"]
    return [
        item["metadata"]["name"], f"{status['readyReplicas']}/{item['spec']['replicas']}", status["updatedReplicas"],
        status["availableReplicas"], age(item), ",".join(one["name"] for one in containers),
        ",".join(one["image"] for one in containers), pairs(item["spec"]["selector"]["matchLabels"]),
    ]  # fmt: skip


def _replica_set(item: Json) -> list[Any]:
    status, spec = item["status"], item["spec"]
    containers = spec["template"]["spec"]["containers"]
    return [
        item["metadata"]["name"], spec["replicas"], status["replicas"], status["readyReplicas"], age(item),
        ",".join(one["name"] for one in containers), ",".join(one["image"] for one in containers),
        pairs(spec["selector"]["matchLabels"]),
    ]  # fmt: skip


def _slice(item: Json) -> list[Any]:
    addresses = [address for one in item["endpoints"] for address in one["addresses"]]
    ports = [str(port["port"]) for port in item["ports"]]
    return [item["metadata"]["name"], item["addressType"], _some(ports), _some(addresses), age(item)]


def _endpoints(item: Json) -> list[Any]:
    found = [
        f"{address['ip']}:{port['port']}"
        for subset in item.get("subsets", ())
        for port in subset["ports"]
        for address in subset["addresses"]
    ]
    return [item["metadata"]["name"], _some(found).replace("<unset>", "<none>"), age(item)]


def _some(words: list[str]) -> str:
    more = f" + {len(words) - SHOWN} more..." if len(words) > SHOWN else ""
    return (",".join(words[:SHOWN]) + more) or "<unset>"


def _node(item: Json) -> list[Any]:
    info = item["status"]["nodeInfo"]
    address = next(one["address"] for one in item["status"]["addresses"] if one["type"] == "InternalIP")
    system = [info["osImage"], info["kernelVersion"], info["containerRuntimeVersion"]]
    return [item["metadata"]["name"], "Ready", "<none>", age(item), info["kubeletVersion"], address, "<none>", *system]


def _event(item: Json) -> list[Any]:
    about = item["involvedObject"]
    target, source = f"{about['kind'].lower()}/{about['name']}", item["source"]["component"]
    first = [age(item), item["type"], item["reason"], target, about.get("fieldPath", ""), source]
    return [*first, item["message"], age(item), item["count"], item["metadata"]["name"]]


# Resource -> headings (a star: only with `-o wide`), and the cells of an object.
TABLES: dict[str, tuple[tuple[str, ...], Callable[[Json], list[Any]]]] = {
    "pods": (
        ("Name", "Ready", "Status", "Restarts", "Age", "*IP", "*Node", "*Nominated Node", "*Readiness Gates"),
        _pod,
    ),
    "services": (("Name", "Type", "Cluster-IP", "External-IP", "Port(s)", "Age", "*Selector"), _service),
    "deployments": (
        ("Name", "Ready", "Up-to-date", "Available", "Age", "*Containers", "*Images", "*Selector"),
        _deployment,
    ),
    "replicasets": (("Name", "Desired", "Current", "Ready", "Age", "*Containers", "*Images", "*Selector"), _replica_set),
    # None of these is in `objects/`; `get all` asks for them.
    "daemonsets": (("Name",), lambda item: [item["metadata"]["name"]]),
    "jobs": (("Name",), lambda item: [item["metadata"]["name"]]),
    "endpoints": (("Name", "Endpoints", "Age"), _endpoints),
    "endpointslices": (("Name", "AddressType", "Ports", "Endpoints", "Age"), _slice),
    "secrets": (
        ("Name", "Type", "Data", "Age"),
        lambda item: [item["metadata"]["name"], item["type"], len(item.get("data", ())), age(item)],
    ),
    "configmaps": (("Name", "Data", "Age"), lambda item: [item["metadata"]["name"], len(item.get("data", ())), age(item)]),
    "namespaces": (("Name", "Status", "Age"), lambda item: [item["metadata"]["name"], item["status"]["phase"], age(item)]),
    "nodes": (
        ("Name", "Status", "Roles", "Age", "Version", "*Internal-IP", "*External-IP", "*OS-Image", "*Kernel-Version",
         "*Container-Runtime"),
        _node,
    ),
    "events": (
        ("Last Seen", "Type", "Reason", "Object", "*Subobject", "*Source", "Message", "*First Seen", "*Count", "*Name"),
        _event,
    ),
}  # fmt: skip
