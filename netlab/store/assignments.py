"""Assignments as rows of the table `assignments`, and back.

topic         key                      value (JSON)
nodes         node-1                   [["172.18.0.2"], ["10.244.1.0/24"]]
pods          default/web              ["node-1", ["10.244.1.2"], ""]
cluster_ips   default/web              ["10.96.0.20"]
node_ports    default/web/TCP/80       30080
load_balancers default/web             ["192.0.2.1"]
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from typing import Any, Literal, cast

from netlab.desired.assignments import Assignments, NodeAssignment, PodAssignment, PortKey
from netlab.model.container import Protocol
from netlab.model.meta import Key

Topic = Literal["nodes", "pods", "cluster_ips", "node_ports", "load_balancers"]
Row = tuple[str, str, str]


def assignment_rows(assignments: Assignments) -> Iterator[Row]:
    """Yield one row for each choice."""
    for name, node in assignments.nodes.items():
        yield "nodes", name, json.dumps([node.ips, node.pod_cidrs])
    for key, pod in assignments.pods.items():
        yield "pods", _text(key), json.dumps([pod.node, pod.ips, pod.reason])
    for key, ips in assignments.cluster_ips.items():
        yield "cluster_ips", _text(key), json.dumps(ips)
    for key, ips in assignments.load_balancers.items():
        yield "load_balancers", _text(key), json.dumps(ips)
    for (key, protocol, port), node_port in assignments.node_ports.items():
        yield "node_ports", f"{_text(key)}/{protocol}/{port}", json.dumps(node_port)


def missing(found: Assignments, other: Assignments) -> Assignments:
    """Return those choices of `found` that the other ones lack or have otherwise."""
    return Assignments(**{item.name: _missing(getattr(found, item.name), getattr(other, item.name)) for item in fields(found)})


def _missing(found: Mapping[Any, Any], other: Mapping[Any, Any]) -> dict[Any, Any]:
    return {} if found is other else {key: value for key, value in found.items() if other.get(key) != value}


def assignments_of(rows: Iterable[Row]) -> Assignments:
    """Return the choices that `rows` hold."""
    nodes: dict[str, NodeAssignment] = {}
    pods: dict[Key, PodAssignment] = {}
    cluster_ips: dict[Key, tuple[str, ...]] = {}
    node_ports: dict[PortKey, int] = {}
    load_balancers: dict[Key, tuple[str, ...]] = {}
    for topic, key, text in rows:
        value = json.loads(text)
        match cast("Topic", topic):
            case "nodes":
                nodes[key] = NodeAssignment(ips=tuple(value[0]), pod_cidrs=tuple(value[1]))
            case "pods":
                pods[_key("Pod", key)] = PodAssignment(node=value[0], ips=tuple(value[1]), reason=value[2])
            case "cluster_ips":
                cluster_ips[_key("Service", key)] = tuple(value)
            case "load_balancers":
                load_balancers[_key("Service", key)] = tuple(value)
            case "node_ports":
                service, protocol, port = key.rsplit("/", 2)
                node_ports[_key("Service", service), cast("Protocol", protocol), int(port)] = value
    return Assignments(nodes=nodes, pods=pods, cluster_ips=cluster_ips, node_ports=node_ports, load_balancers=load_balancers)


def _text(key: Key) -> str:
    return f"{key.namespace}/{key.name}"


def _key(kind: str, text: str) -> Key:
    namespace, _, name = text.partition("/")
    return Key(kind, namespace, name)
