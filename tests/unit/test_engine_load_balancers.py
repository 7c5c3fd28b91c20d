"""A load balancer that has no NodePort to lead to is told, once, on its Service: the whole engine on Fakes."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from netlab.cli.describe import describe
from netlab.desired.published import published
from netlab.engine.apply import apply
from netlab.engine.up import up
from netlab.model.meta import Key
from netlab.model.service import ServicePort, ServiceSpec
from netlab.store.events import events
from tests.fake_lab import SERVICE

WHY = "spec.allocateLoadBalancerNodePorts is false, and the lab's loadBalancerIPMode is Proxy"


def balanced(*node_ports, allocates=False, **more):
    """A Service with a load balancer, and a port for each of these nodePorts (0: no wish)."""
    ports = tuple(ServicePort(name=f"p{n}", port=80 + n, node_port=wish) for n, wish in enumerate(node_ports))
    spec = ServiceSpec(type="LoadBalancer", selector={"app": "x"}, ports=ports, allocate_load_balancer_node_ports=allocates)
    return replace(SERVICE, spec=replace(spec, **more))


def told(bench):
    """What was said of load balancers, and how often."""
    found = [event for event in events(bench.session.store) if event.reason == "SyncLoadBalancerFailed"]
    assert {(event.about, event.type, event.source.component) for event in found} <= {
        (SERVICE.key, "Warning", "service-controller")
    }
    return {event.message.removeprefix("Error syncing load balancer: "): event.count for event in found}


def lab_of(bench, mode):
    up(bench.session, replace(bench.session.store.lab().spec, load_balancer_ip_mode=mode))


@pytest.mark.parametrize(
    ("mode", "service", "lacking"),
    [
        pytest.param("VIP", balanced(0), "", id="the Nodes take its packets themselves"),
        pytest.param("Proxy", balanced(0, allocates=True), "", id="with NodePorts"),
        pytest.param("Proxy", balanced(0), "80/TCP", id="without"),
        pytest.param("Proxy", balanced(30080), "", id="with one that is wished for"),
        pytest.param("Proxy", balanced(30080, 0, 0), "81/TCP, 82/TCP", id="for some of its ports"),
        pytest.param("Proxy", balanced(0, load_balancer_class="example.org/x"), "", id="the load balancer is somebody else's"),
        pytest.param("Proxy", SERVICE, "", id="no load balancer"),
    ],
)  # fmt: skip
def test_a_load_balancer_that_leads_nowhere_is_told(bench, mode, service, lacking):
    lab_of(bench, mode)
    bench.apply(service)
    bench.after(60)
    assert told(bench) == ({f"no nodePort for {lacking} to lead to: {WHY}": 1} if lacking else {})


def test_it_is_told_again_when_it_was_right_in_between(bench):
    lab_of(bench, "Proxy")
    for service in (balanced(0), balanced(0, allocates=True), balanced(0)):
        bench.apply(service)
    for mode in ("VIP", "Proxy"):
        lab_of(bench, mode)
    bench.delete(SERVICE.key)
    bench.apply(balanced(0))
    assert told(bench) == {f"no nodePort for 80/TCP to lead to: {WHY}": 4}


def test_a_dry_run_tells_nothing(bench):
    lab_of(bench, "Proxy")
    apply(bench.session, [balanced(0)], dry_run=True)
    assert told(bench) == {}


def test_it_stands_at_the_end_of_what_describes_the_service(bench):
    lab_of(bench, "Proxy")
    bench.apply(balanced(0))
    store = bench.session.store
    shown = published(store.cluster(), store.assignments(), bench.time[0]).with_objects(events(store))
    page = describe(shown.objects[Key("Service", "default", "s")], shown, store.assignments(), time.time())
    assert f"Error syncing load balancer: no nodePort for 80/TCP to lead to: {WHY}" in page.partition("Events:")[2]
