"""What one object must fulfil beyond the types of its fields; across objects nothing is checked here.

`field_problems` calls the rules of the object's kind. The rules may be given a draft, whose faulty places hold stand-ins, so
they treat an empty name or a 0 as "not known" and never as a fault of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from netlab.manifest.lab_rules import lab_problems
from netlab.manifest.pod_rules import pod_spec_problems
from netlab.manifest.service_rules import service_problems, slice_problems
from netlab.model.codec import FieldProblem
from netlab.model.event import Event
from netlab.model.formats import Check, dns_label, node_name, service_name
from netlab.model.lab import KubernetesObject, Lab
from netlab.model.meta import selects
from netlab.model.pod import Pod
from netlab.model.service import EndpointSlice, Service
from netlab.model.words import shown
from netlab.model.workload import ConfigMap, Deployment, Namespace, Node

CLUSTER_SCOPED = (Namespace, Node, Lab)
# Names that are stricter than the DNS subdomain every `metadata.name` is.
NAME_FORMATS: dict[type, Check] = {Namespace: dns_label, Node: node_name, Service: service_name}
MAX_CONFIG_BYTES = 1024 * 1024


def field_problems(item: KubernetesObject | Lab) -> Iterator[FieldProblem]:
    """Yield everything that is wrong with an object: field path, message, hint."""
    yield from _meta_problems(item)
    match item:
        case Pod():
            yield from pod_spec_problems(item.spec, "spec")
        case Deployment():
            yield from _deployment_problems(item)
        case Service():
            yield from service_problems(item)
        case EndpointSlice():
            yield from slice_problems(item)
        case Lab():
            yield from lab_problems(item)
        case ConfigMap():
            if sum(len(key) + len(value) for key, value in item.data.items() if isinstance(value, str)) > MAX_CONFIG_BYTES:
                yield "data", f"must have at most {MAX_CONFIG_BYTES} bytes", ""
        case Namespace() | Node() | Event():
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


def _deployment_problems(item: Deployment) -> Iterator[FieldProblem]:
    spec = item.spec
    labels = spec.selector.match_labels
    if not labels:
        yield "spec.selector.matchLabels", "required", "the labels of the template"
    elif not selects(labels, spec.template.metadata.labels):
        wanted = ", ".join(f"{key}={value}" for key, value in labels.items())
        yield "spec.template.metadata.labels", "selector does not match template labels", f"the selector is {shown(wanted)}"
    if spec.template.spec.restart_policy in ("OnFailure", "Never"):
        yield "spec.template.spec.restartPolicy", "must be Always in a Deployment", ""
    yield from pod_spec_problems(spec.template.spec, "spec.template.spec")
