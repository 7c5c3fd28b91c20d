"""Who changes a machine by hand is told, and no change of wishes ever is: the whole engine on Fakes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from netlab.engine.nodes import start_nodes, stop_nodes
from netlab.engine.reconcile import reconcile
from netlab.engine.up import up
from netlab.errors import KernelError
from netlab.model.meta import Key
from netlab.model.service import ServicePort, ServiceSpec
from netlab.netstate.links import Sysctl
from netlab.store.events import events
from tests.fake_lab import SERVICE, a_deployment, a_pod

NODE = "fake.node-1"


def told(bench):
    """What was said of which Node or of the lab, and how often."""
    return [
        (event.about.name, event.reason, event.message, event.count)
        for event in events(bench.session.store)
        if event.reason.endswith("Repaired")
    ]


def space(bench, name=NODE):
    return bench.network.spaces[name]


def without_rules(bench, name=NODE):
    space(bench, name).table = None


def without_elements(bench, name=NODE):
    table = space(bench, name).table
    space(bench, name).table = replace(table, sets=frozenset(replace(one, elements=frozenset()) for one in table.sets))


def without_route(bench, name=NODE):
    found = next(route for route in space(bench, name).routes.values() if route.via)
    space(bench, name).delete_route(found)


def with_switched_frames_filtered(bench, name=NODE):
    space(bench, name).set_sysctl(Sysctl(key="net.bridge.bridge-nf-call-iptables", value="1"))


def without_forwarding(bench, name=NODE):
    space(bench, name).set_sysctl(Sysctl(key="net.ipv4.ip_forward", value="0"))


@pytest.mark.parametrize(
    ("tamper", "reason", "words"),
    [
        pytest.param(without_rules, "RulesRepaired", "table inet netlab was deleted by hand", id="nft flush ruleset"),
        pytest.param(without_elements, "RulesRepaired", "elements were changed by hand", id="elements"),
        pytest.param(without_route, "NetworkRepaired", "1 route was changed by hand", id="a route"),
        pytest.param(without_forwarding, "NetworkRepaired", "1 sysctl was changed by hand", id="a sysctl"),
    ],
)
def test_what_was_changed_by_hand_is_repaired_and_told(bench, tamper, reason, words):
    bench.apply(a_deployment(2), SERVICE)
    before = bench.network.observe(bench.session.scope())
    for times in (1, 2):
        tamper(bench)
        bench.after(10)
        assert bench.network.observe(bench.session.scope()) == before
        [(node, why, message, count)] = told(bench)
        assert (node, why, message.endswith(words), count) == ("node-1", reason, True, times)


def test_it_is_told_when_wishes_change_too(bench):
    """A look may find both; rules that are not as they were left were changed by somebody else, whatever is wished by now."""
    bench.apply(a_deployment(2))
    without_rules(bench)
    bench.apply(SERVICE)
    assert [row[:3] for row in told(bench)] == [("node-1", "RulesRepaired", "table inet netlab was deleted by hand")]


def test_ordinary_changes_are_no_drift(bench):
    bench.apply(a_deployment(3), SERVICE, a_pod(labels={"app": "x"}))
    bench.apply(a_deployment(1))
    bench.exits("web", 1)
    bench.after(60)
    bench.delete(Key("Pod", "default", "web"), grace_s=0)
    bench.apply(a_pod(labels={"app": "x"}))
    stop_nodes(bench.session, ["node-1"])
    bench.after(1)
    start_nodes(bench.session, ["node-1"])
    bench.after(400)
    bench.delete(SERVICE.key)
    bench.after(10)
    assert told(bench) == []


@pytest.mark.parametrize("step", range(12))
def test_whoever_was_killed_in_the_middle_is_nobody_else(bench, step):
    """A change that fails after some steps and is taken back: what is left of it was not made by hand."""
    bench.apply(a_deployment(1), SERVICE)
    bench.network.fail_at = step
    try:
        bench.apply(a_deployment(3))
    except KernelError:
        bench.network.fail_at = None
        bench.apply(a_deployment(1))
    bench.network.fail_at = None
    bench.after(10)
    assert told(bench) == []
    without_forwarding(bench)
    bench.after(10)
    assert [row[1] for row in told(bench)] == ["NetworkRepaired"]


@pytest.fixture
def proxied(bench):
    """The machine outside is the load balancer, and has rules."""
    spec = replace(bench.session.store.lab().spec, load_balancer_ip_mode="Proxy")
    up(bench.session, spec)
    port = ServicePort(port=80, node_port=30080)
    bench.apply(a_deployment(1), replace(SERVICE, spec=ServiceSpec(type="LoadBalancer", selector={"app": "x"}, ports=(port,))))
    assert told(bench) == []
    return bench


@pytest.mark.parametrize(
    ("machine", "tamper", "reason", "words"),
    [
        pytest.param("outside", without_rules, "RulesRepaired", "table inet netlab was deleted by hand", id="rules outside"),
        pytest.param("outside", without_elements, "RulesRepaired", "elements were changed by hand", id="elements outside"),
        pytest.param("outside", without_forwarding, "NetworkRepaired", "1 sysctl was changed by hand", id="forwarding outside"),
        pytest.param(
            "fabric", with_switched_frames_filtered, "NetworkRepaired", "1 sysctl was changed by hand", id="the switch"
        ),
    ],
)
def test_of_machines_that_are_no_nodes_the_lab_is_told(proxied, machine, tamper, reason, words):
    before = proxied.network.observe(proxied.session.scope())
    tamper(proxied, f"fake.{machine}")
    assert reconcile(proxied.session).changes
    assert proxied.network.observe(proxied.session.scope()) == before
    [(about, why, message, _)] = [row for row in told(proxied) if row[0] == "fake"]
    assert (about, why, message.startswith(f"{machine}: "), message.endswith(words)) == ("fake", reason, True, True)
    assert [event.source.component for event in events(proxied.session.store) if event.about.kind == "Lab"] == ["netlab"]


def test_who_runs_the_load_balancers_is_a_wish(proxied):
    spec = proxied.session.store.lab().spec
    for mode in ("VIP", "Proxy"):
        up(proxied.session, replace(spec, load_balancer_ip_mode=mode))
    assert told(proxied) == []
