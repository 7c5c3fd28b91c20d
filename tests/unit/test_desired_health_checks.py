"""What load balancers may ask the Nodes, and what they are told: kube-proxy's health servers, row by row."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from netlab.desired.assign import assign
from netlab.desired.assignments import HEALTH_CHECK, Assignments
from netlab.desired.endpoints import all_slices
from netlab.desired.health_checks import TIMEOUT_S, NodeCheck, ProxyHealth, ServiceCheck, answer, health_checks
from netlab.desired.power import stop_machines
from netlab.model.kube_proxy import KubeProxy
from netlab.model.meta import Key
from netlab.model.taint import Taint
from netlab.netstate.listening import Listener

WEB = Key("Service", "default", "web")
BALANCED = {"type": "LoadBalancer", "external_traffic_policy": "Local", "health_check_node_port": 30900}
NODE_1, NODE_2 = Listener("demo.node-1", "172.18.0.2", 30900), Listener("demo.node-2", "172.18.0.3", 30900)
NOW = 1_769_860_800.5


def checks_of(build, *objects, of=None, **spec):
    cluster = build.cluster(*objects, build.service("web", 80, **(BALANCED | spec)), of=of or build.lab())
    chosen = assign(cluster, Assignments())
    return health_checks(cluster, all_slices(cluster, chosen), chosen, "demo")


@pytest.mark.parametrize(
    ("pods", "counts"),
    [
        pytest.param({}, (0, 0), id="no endpoints"),
        pytest.param({"node-1": {}}, (1, 0), id="one, here"),
        pytest.param({"node-1": {}, "node-1 too": {}, "node-2": {}}, (2, 1), id="two and one"),
        pytest.param({"node-1": {"deleting": True}}, (0, 0), id="one that terminates serves still, and is not counted"),
        pytest.param({"node-2": {"state": "waiting"}}, (0, 0), id="one that is not ready"),
    ],
)
def test_each_node_counts_its_own_ready_endpoints(build, pods, counts):
    made = [build.pod(f"p{n}", node=name.split()[0], **how) for n, (name, how) in enumerate(pods.items())]
    found = checks_of(build, *made)
    assert (found[NODE_1].endpoints, found[NODE_2].endpoints) == counts


def test_an_address_counts_once_and_one_without_a_node_or_port_never(build):
    http = ({"name": "http", "port": 80}, {"name": "admin", "port": 81})
    rows = [
        ("10.244.1.9", "node-1", http), ("10.244.1.9", "node-1", http), ("10.244.1.8", "", http), ("10.244.1.7", "node-1", ())
    ]  # fmt: skip
    slices = []
    for n, (ip, node, ports) in enumerate(rows):
        item = build.slice_of("web", ip, ports=ports, suffix=f"s{n}")
        slices.append(replace(item, endpoints=(replace(item.endpoints[0], node_name=node),)))
    cluster = build.cluster(build.service("web", 80, app="", **BALANCED), *slices)
    chosen = assign(cluster, Assignments())
    found = health_checks(cluster, all_slices(cluster, chosen), chosen, "demo")
    assert (found[NODE_1].endpoints, found[NODE_2].endpoints) == (1, 0)


@pytest.mark.parametrize("spec", [{"type": "NodePort"}, {"external_traffic_policy": "Cluster"}, {"type": "ClusterIP"}])
def test_only_load_balancers_with_the_policy_local_are_asked_about(build, spec):
    found = checks_of(build, **({"health_check_node_port": 0} | spec))
    assert all(isinstance(check, NodeCheck) for check in found.values())
    assert {(one.address, one.port) for one in found} == {("0.0.0.0", 10256)}


def test_a_port_that_nobody_chose_is_the_one_that_was_assigned(build):
    cluster = build.cluster(build.service("web", 80, **(BALANCED | {"health_check_node_port": 0})))
    chosen = assign(cluster, Assignments())
    found = health_checks(cluster, (), chosen, "demo")
    port = chosen.node_ports[WEB, "TCP", HEALTH_CHECK]
    assert Listener("demo.node-1", "172.18.0.2", port) in found


def test_it_is_asked_at_the_addresses_of_node_ports(build):
    of = build.lab(kube_proxy=KubeProxy(node_port_addresses=("172.18.0.3/32",)))
    found = checks_of(build, of=of)
    assert NODE_2 in found
    assert NODE_1 not in found


def test_each_family_has_its_own_endpoints(build):
    of = build.lab(
        pod_subnet="10.244.0.0/16,fd00:10:244::/56",
        service_subnet="10.96.0.0/16,fd00:10:96::/112",
        node_subnet="172.18.0.0/16,fc00:f853:ccd:e793::/64",
    )
    found = checks_of(build, build.pod("p", node="node-1"), of=of, ip_family_policy="SingleStack")
    mine = {one.address: check.endpoints for one, check in found.items() if one.netns == "demo.node-1" and one.port == 30900}
    assert mine.pop("172.18.0.2") == 1
    assert list(mine.values()) == [0]
    assert {one.address for one in found if one.port == 10256} == {"0.0.0.0", "::"}


def test_a_machine_that_is_off_is_not_asked(build):
    of = stop_machines(build.lab(), ["node-2"], NOW)
    assert {one.netns for one in checks_of(build, of=of)} == {"demo.node-1"}


def test_a_node_that_is_about_to_go_is_not_eligible(build):
    cluster = build.cluster()
    node = cluster.nodes[0]
    taint = Taint(key="ToBeDeletedByClusterAutoscaler", effect="NoSchedule")
    cluster = cluster.with_objects([replace(node, spec=replace(node.spec, taints=(taint,)))])
    found = health_checks(cluster, (), assign(cluster, Assignments()), "demo")
    assert [check.is_eligible for check in found.values()] == [False, True]


FINE, LATE = ProxyHealth(NOW - 5, NOW - TIMEOUT_S + 1), ProxyHealth(NOW - 99, NOW - TIMEOUT_S)
IDLE = ProxyHealth(NOW - 10_000)


@pytest.mark.parametrize(
    ("check", "path", "proxy", "status"),
    [
        pytest.param(ServiceCheck(WEB, "node-1", 2), "/", IDLE, 200, id="has endpoints"),
        pytest.param(ServiceCheck(WEB, "node-1", 2), "/whatever", FINE, 200, id="at every path, and while it works"),
        pytest.param(ServiceCheck(WEB, "node-1", 0), "/", FINE, 503, id="has none"),
        pytest.param(ServiceCheck(WEB, "node-1", 2), "/", LATE, 503, id="rules are late"),
        pytest.param(NodeCheck("node-1", is_eligible=True), "/healthz", FINE, 200, id="healthz"),
        pytest.param(NodeCheck("node-1", is_eligible=True), "/livez", FINE, 200, id="livez"),
        pytest.param(NodeCheck("node-1", is_eligible=True), "/healthz", IDLE, 200, id="healthz, idle for long"),
        pytest.param(NodeCheck("node-1", is_eligible=True), "/healthz", LATE, 503, id="healthz, late"),
        pytest.param(NodeCheck("node-1", is_eligible=True), "/livez", LATE, 503, id="livez, late"),
        pytest.param(NodeCheck("node-1", is_eligible=False), "/healthz", FINE, 503, id="healthz, about to go"),
        pytest.param(NodeCheck("node-1", is_eligible=False), "/livez", FINE, 200, id="livez, about to go"),
        pytest.param(NodeCheck("node-1", is_eligible=True), "/metrics", FINE, 404, id="no such page"),
    ],
)
def test_status(check, path, proxy, status):
    assert answer(check, path, proxy, NOW).status == status


def test_a_service_is_answered_in_the_words_of_kube_proxy():
    reply = answer(ServiceCheck(WEB, "node-1", 2), "/", IDLE, NOW)
    assert reply.headers == {"Content-Type": "application/json", "X-Load-Balancing-Endpoint-Weight": "2"}
    assert reply.body == (
        '{\n\t"service": {\n\t\t"namespace": "default",\n\t\t"name": "web"\n\t},\n'
        '\t"localEndpoints": 2,\n\t"serviceProxyHealthy": true\n}'
    )


def test_a_node_says_when_its_rules_were_last_as_wished():
    node = NodeCheck("node-1", is_eligible=True)
    moment, earlier = "2026-01-31 12:00:00.5 +0000 UTC", "2026-01-31 11:58:21.5 +0000 UTC"
    assert json.loads(answer(node, "/healthz", FINE, NOW).body) == {
        "lastUpdated": moment,
        "currentTime": moment,
        "nodeEligible": True,
    }
    assert json.loads(answer(node, "/livez", LATE, NOW).body) == {"lastUpdated": earlier, "currentTime": moment}
