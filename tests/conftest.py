"""What many tests need: objects made from dataclasses in one line each, and golden files.

    cluster = build.cluster(build.pod("web", node="node-1"), build.service("web", 80))
    assignments = assign(cluster, Assignments())

Fixtures and no module, because tests are imported one by one (`--import-mode=importlib`) and cannot import each other.

What Hypothesis makes up is the same in every run, and no example is late on a slow machine: this file is read before all tests,
whose `@settings` say only what is their own.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, Phase, settings

from netlab.desired.addons import nodes
from netlab.model.container import Container, ContainerPort
from netlab.model.lab import Cluster, Lab, LabSpec, NodeTemplate
from netlab.model.meta import ObjectMeta
from netlab.model.pod import Pod, PodSpec
from netlab.model.pod_status import ContainerStatus, PodStatus
from netlab.model.service import (
    Endpoint,
    EndpointConditions,
    EndpointPort,
    EndpointSlice,
    Service,
    ServicePort,
    ServiceSpec,
)

# A shell's background job ignores these two, and whatever it starts would inherit that: Ctrl-C could not be tested.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGQUIT, signal.SIG_DFL)

settings.register_profile(
    "always the same", deadline=None, derandomize=True, database=None, phases=[Phase.explicit, Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck), report_multiple_bugs=False,
)  # fmt: skip
settings.load_profile("always the same")

GOLDEN = Path(__file__).parent / "golden"
LAB_UID = "9b2f0a52-0000-4000-8000-000000000001"


def lab(*node_names, name="demo", labels=None, **spec):
    """A Lab with Nodes of these names (two, if none is given); `labels` by Node name."""
    templates = tuple(NodeTemplate(name=one, labels=(labels or {}).get(one, {})) for one in node_names or ("node-1", "node-2"))
    return Lab(metadata=ObjectMeta(name=name, uid=LAB_UID), spec=LabSpec(nodes=templates, **spec))


def cluster(*objects, of=None):
    """A Cluster with the Nodes of its Lab and these objects."""
    made = of or lab()
    return Cluster(lab=made).with_objects([*nodes(made.spec), *objects])


def pod(name, namespace="default", *, app="web", phase="Running", state="running", ports=(), deleting=False, node="", **spec):
    """A Pod labelled `app`; `ports` are (name, number) or (name, number, protocol)."""
    meta = ObjectMeta(
        name=name,
        namespace=namespace,
        labels={"app": app} if app else {},
        uid=f"uid-{namespace}-{name}",
        deletion_timestamp="2026-01-31T12:00:00Z" if deleting else "",
    )
    container = Container(
        name="main",
        image="host",
        command=("true",),
        ports=tuple(ContainerPort(**dict(zip(("name", "container_port", "protocol"), port, strict=False))) for port in ports),
    )
    statuses = (ContainerStatus(name="main", state=state, ready=state == "running"),)
    status = PodStatus(phase=phase, container_statuses=statuses)
    return Pod(metadata=meta, spec=PodSpec(containers=(container,), node_name=node, **spec), status=status)


def port(number, target=0, name="", protocol="TCP", node_port=0):
    """A port of a Service."""
    return ServicePort(port=number, target_port=target, name=name, protocol=protocol, node_port=node_port)


def service(name, *ports, namespace="default", app="web", **spec):
    """A Service of the Pods labelled `app` ("": no selector); a port is a number or made by `port`."""
    made = tuple(one if isinstance(one, ServicePort) else port(one) for one in ports)
    meta = ObjectMeta(name=name, namespace=namespace, uid=f"uid-{namespace}-{name}")
    return Service(metadata=meta, spec=ServiceSpec(selector={"app": app} if app else {}, ports=made, **spec))


def conditions(ready=True, serving=True, terminating=False):  # noqa: FBT002 - a row of a table names them by place
    """Conditions of an endpoint."""
    return EndpointConditions(ready=ready, serving=serving, terminating=terminating)


def slice_of(service_name, *endpoints, ports=(), namespace="default", suffix="byhnd", **more):
    """A hand-written EndpointSlice; an endpoint is an address or (address, conditions)."""
    pairs = ((one, EndpointConditions()) if isinstance(one, str) else one for one in endpoints)
    return EndpointSlice(
        metadata=ObjectMeta(
            name=f"{service_name}-{suffix}", namespace=namespace, labels={EndpointSlice.SERVICE_LABEL: service_name}
        ),
        endpoints=tuple(Endpoint(addresses=(ip,), conditions=found) for ip, found in pairs),
        ports=tuple(EndpointPort(**one) for one in ports),
        **more,
    )


@pytest.fixture(scope="session")
def build():
    """The builders of this file by name."""
    return SimpleNamespace(
        lab=lab, cluster=cluster, pod=pod, port=port, service=service, slice_of=slice_of, conditions=conditions
    )


@pytest.fixture
def golden():
    """`golden("rules/x.nft", text)` compares byte for byte. NETLAB_UPDATE_GOLDEN=1 rewrites the file; read the diff."""

    def compare(name, text):
        path = GOLDEN / name
        if os.environ.get("NETLAB_UPDATE_GOLDEN") == "1":
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        assert path.exists(), f"{path} is missing; NETLAB_UPDATE_GOLDEN=1 writes it"
        assert text == path.read_text()

    return compare
