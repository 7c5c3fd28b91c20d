"""What one object must fulfil beyond the types of its fields; across objects nothing is checked here.

`field_problems` calls the rules of the object's kind. The rules may be given a draft, whose faulty places hold stand-ins, so
they treat an empty name or a 0 as "not known" and never as a fault of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from netlab.manifest.config_rules import config_map_problems, secret_problems
from netlab.manifest.lab_rules import lab_problems
from netlab.manifest.pod_rules import pod_spec_problems
from netlab.manifest.service_rules import endpoints_problems, service_problems, slice_problems
from netlab.manifest.taint_rules import taint_problems
from netlab.manifest.workload_rules import workload_problems
from netlab.model.codec import FieldProblem
from netlab.model.config import ConfigMap, Secret
from netlab.model.daemon_set import DaemonSet
from netlab.model.endpoints import Endpoints
from netlab.model.event import Event
from netlab.model.formats import Check, dns_label, node_name, service_name
from netlab.model.job import Job
from netlab.model.lab import KubernetesObject, Lab
from netlab.model.node import Namespace, Node
from netlab.model.pod import Pod
from netlab.model.service import EndpointSlice, Service
from netlab.model.words import shown
from netlab.model.workload import Deployment, ReplicaSet

CLUSTER_SCOPED = (Namespace, Node, Lab)
# Names that are stricter than the DNS subdomain every `metadata.name` is.
NAME_FORMATS: dict[type, Check] = {Namespace: dns_label, Node: node_name, Service: service_name}


def field_problems(item: KubernetesObject | Lab) -> Iterator[FieldProblem]:
    """Yield everything that is wrong with an object: field path, message, hint."""
    yield from _meta_problems(item)
    match item:
        case Pod():
            yield from pod_spec_problems(item.spec, "spec")
        case Deployment() | ReplicaSet() | DaemonSet() | Job():
            yield from workload_problems(item)
        case Service():
            yield from service_problems(item)
        case EndpointSlice():
            yield from slice_problems(item)
        case Endpoints():
            yield from endpoints_problems(item)
        case Lab():
            yield from lab_problems(item)
        case ConfigMap():
            yield from config_map_problems(item)
        case Secret():
            yield from secret_problems(item)
        case Node():
            yield from taint_problems(item.spec.taints, "spec.taints")
        case Namespace() | Event():
            pass
        case _:
            assert_never(item)


def _meta_problems(item: KubernetesObject | Lab) -> Iterator[FieldProblem]:
    meta = item.metadata
    check = NAME_FORMATS.get(type(item))
    if check is not None and meta.name and (message := check(meta.name)):
        yield "metadata.name", f"{message}, is {shown(meta.name)}", ""
    if meta.namespace and isinstance(item, CLUSTER_SCOPED):
        yield "metadata.namespace", f"a {item.kind} is in no namespace", "leave it out"
