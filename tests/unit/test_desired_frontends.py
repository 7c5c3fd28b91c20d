"""Where a Service is reached, who gets its packets and whose source is replaced: the table of service_frontends.py, row by row."""

from __future__ import annotations

import pytest

from netlab.desired.assign import assign
from netlab.desired.assignments import Assignments
from netlab.desired.endpoints import all_slices
from netlab.desired.frontends import frontends
from netlab.desired.power import stop_machines
from netlab.desired.proxy_nodes import node_port_ips
from netlab.model.kube_proxy import KubeProxy

VIP, NODE, FAR_NODE = "10.96.0.20", "172.18.0.2", "172.18.0.3"
HERE, THERE = "10.244.1.2", "10.244.2.2"
EXTERNAL, BALANCER = "198.51.100.80", "192.0.2.9"
LOCAL = {"external_traffic_policy": "Local"}
NO_NODE_PORTS = {"allocate_load_balancer_node_ports": False}
BALANCED = {"type": "LoadBalancer", "load_balancer_ip": BALANCER}


def found_of(build, *pods, node="node-1", of=None, zones=None, **spec):
    """The frontends on a Node of the Service `web`, by address; a Pod is named by its Node, `node-1!` is one that terminates."""
    made = [build.pod(f"p{n}", node=name.removesuffix("!"), deleting=name.endswith("!")) for n, name in enumerate(pods)]
    spec = {"cluster_ip": VIP} | spec
    ports = (build.port(80, 8080, node_port=30080 if spec.get("type") in {"NodePort", "LoadBalancer"} else 0),)
    cluster = build.cluster(*made, build.service("web", *ports, **spec), of=of or build.lab(labels=zones))
    chosen = assign(cluster, Assignments())
    return {item.address: item for item in frontends(cluster, all_slices(cluster, chosen), chosen).of(node)}


def ips(targets):
    return [target.ip for target in targets]


@pytest.mark.parametrize(
    ("address", "spec", "found"),
    [
        pytest.param(VIP, {}, ([HERE, THERE], "off-cluster", []), id="ClusterIP: all; who is no Pod is masqueraded"),
        pytest.param(VIP, {"internal_traffic_policy": "Local"}, ([HERE], "off-cluster", []), id="ClusterIP, Local: this Node's"),
        pytest.param(VIP, {"type": "NodePort", **LOCAL}, ([HERE, THERE], "off-cluster", []), id="ClusterIP ignores the external policy"),
        pytest.param(NODE, {"type": "NodePort"}, ([HERE, THERE], "always", []), id="NodePort: all, masqueraded"),
        pytest.param(
            NODE, {"type": "NodePort", "internal_traffic_policy": "Local"}, ([HERE, THERE], "always", []),
            id="NodePort ignores the internal policy",
        ),
        pytest.param(
            NODE, {"type": "NodePort", **LOCAL}, ([HERE], "never", [HERE, THERE]), id="NodePort, Local: this Node's, source kept"
        ),
        pytest.param(EXTERNAL, {"external_ips": (EXTERNAL,)}, ([HERE, THERE], "always", []), id="externalIP: all, masqueraded"),
        pytest.param(
            EXTERNAL, {"external_ips": (EXTERNAL,), **LOCAL}, ([HERE], "never", [HERE, THERE]), id="externalIP, Local: this Node's"
        ),
        pytest.param(BALANCER, BALANCED, ([HERE, THERE], "always", []), id="load balancer: all, masqueraded"),
        pytest.param(BALANCER, BALANCED | LOCAL, ([HERE], "never", [HERE, THERE]), id="load balancer, Local: this Node's"),
    ],
)  # fmt: skip
def test_policies(build, address, spec, found):
    """Whom it leads to, whose source is replaced, and whom it leads Pods and the Node itself to."""
    made = found_of(build, "node-1", "node-2", **spec)[address]
    assert (ips(made.targets), made.masquerade, ips(made.shortcut)) == found


@pytest.mark.parametrize(
    ("pods", "address", "spec", "happens"),
    [
        pytest.param([], VIP, {}, "reject", id="ClusterIP, no endpoints: refused"),
        pytest.param([], NODE, {"type": "NodePort"}, "reject", id="NodePort, no endpoints: refused"),
        pytest.param([], NODE, {"type": "NodePort", **LOCAL}, "reject", id="Local, no endpoints anywhere: refused"),
        pytest.param(["node-2"], NODE, {"type": "NodePort", **LOCAL}, "drop", id="Local, none here: dropped"),
        pytest.param(["node-2"], VIP, {"internal_traffic_policy": "Local"}, "drop", id="ClusterIP, Local, none here: dropped"),
        pytest.param(["node-2!"], NODE, {"type": "NodePort", **LOCAL}, "drop", id="Local, one that goes elsewhere: dropped"),
    ],
)
def test_nobody_to_go_to(build, pods, address, spec, happens):
    found = found_of(build, *pods, **spec)[address]
    assert (found.targets, found.otherwise) == ((), happens)


def test_pods_and_the_node_itself_are_served_where_outside_is_dropped(build):
    assert ips(found_of(build, "node-2", type="NodePort", **LOCAL)[NODE].shortcut) == [THERE]


def test_who_terminates_gets_traffic_only_if_nobody_else_can(build):
    assert ips(found_of(build, "node-1!", "node-2")[VIP].targets) == [THERE]
    assert ips(found_of(build, "node-1!", "node-2!")[VIP].targets) == [HERE, THERE]
    assert ips(found_of(build, "node-1!", "node-2", type="NodePort", **LOCAL)[NODE].targets) == [HERE]


def test_near_endpoints_are_taken_by_whom_they_are_near(build):
    zones = {f"node-{n}": {"topology.kubernetes.io/zone": zone} for n, zone in ((1, "east"), (2, "west"))}
    near = {"traffic_distribution": "PreferSameZone", "zones": zones}
    assert ips(found_of(build, "node-1", "node-2", **near)[VIP].targets) == [HERE]
    assert ips(found_of(build, "node-1", "node-2", node="node-2", **near)[VIP].targets) == [THERE]
    assert ips(found_of(build, "node-2", **near)[VIP].targets) == [THERE]


@pytest.mark.parametrize(
    ("config", "internal", "external"),
    [
        pytest.param(KubeProxy(), "off-cluster", "always", id="as usual"),
        pytest.param(KubeProxy(masquerade_all=True), "always", "always", id="masqueradeAll"),
        pytest.param(KubeProxy(detect_local_mode="None"), "never", "always", id="Pods cannot be known"),
    ],
)
def test_whose_source_is_replaced_is_the_labs_choice(build, config, internal, external):
    found = found_of(build, "node-1", of=build.lab(kube_proxy=config), type="NodePort")
    assert (found[VIP].masquerade, found[NODE].masquerade) == (internal, external)


@pytest.mark.parametrize(
    ("ranges", "found"),
    [
        pytest.param((), (), id="everybody"),
        pytest.param(("198.51.100.0/24", " 198.51.101.0/24 "), ("198.51.100.0/23",), id="ranges that touch are one; blanks"),
        pytest.param(("010.0.0.0/8",), ("10.0.0.0/8",), id="zeros before numbers"),
        pytest.param(("2001:db8::/32",), (), id="ranges of the other family are none"),
        pytest.param(
            (f"{NODE}/16",), ("172.18.0.0/16", f"{BALANCER}/32"), id="where the Node may come, its balancer's address may"
        ),
    ],
)
def test_source_ranges_are_those_of_the_load_balancer_only(build, ranges, found):
    made = found_of(build, "node-1", **BALANCED, load_balancer_source_ranges=ranges)
    assert made[BALANCER].sources == found
    assert made[NODE].sources == made[VIP].sources == ()


def proxied(build, *pods, stopped=(), proxy=None, **spec):
    """The frontends of the Service `web` where load balancers are proxies, and that of its load balancer if it has one."""
    of = build.lab("node-1", "node-2", load_balancer_ip_mode="Proxy", **({"kube_proxy": proxy} if proxy else {}))
    made = [build.pod(f"p{n}", node=name.removesuffix("!"), deleting=name.endswith("!")) for n, name in enumerate(pods)]
    port = build.port(80, 8080, node_port=spec.pop("node_port", 30080))
    cluster = build.cluster(
        *made, build.service("web", port, cluster_ip=VIP, **BALANCED | spec), of=stop_machines(of, stopped, 1e9)
    )
    chosen = assign(cluster, Assignments())
    found = frontends(cluster, all_slices(cluster, chosen), chosen)
    return found, next(iter(found.balancer), None)


@pytest.mark.parametrize(
    ("pods", "spec", "targets"),
    [
        pytest.param(["node-1"], {}, [NODE, FAR_NODE], id="Cluster: every Node, they know the way"),
        pytest.param(["node-1"], LOCAL, [NODE], id="Local: those with endpoints"),
        pytest.param(["node-1!"], LOCAL, [NODE], id="Local: also one that terminates, if there is no other"),
        pytest.param([], {}, [], id="nobody"),
        pytest.param(["node-1"], {"stopped": ["node-2"]}, [NODE], id="not a machine that is off"),
        pytest.param(["node-1"], {"stopped": ["node-1"], **LOCAL}, [], id="Local: none if that is off"),
        pytest.param(["node-1"], {"node_port": 0, **NO_NODE_PORTS}, [], id="none without NodePorts"),
        pytest.param(["node-1"], NO_NODE_PORTS, [NODE, FAR_NODE], id="one that is wished for is a NodePort anyway"),
        pytest.param(
            ["node-1"], {"proxy": KubeProxy(node_port_addresses=("10.0.0.0/8",))}, [], id="none if NodePorts are not where it asks"
        ),
        pytest.param(["node-1"], {"proxy": KubeProxy(mode="iptables")}, [NODE, FAR_NODE], id="at no other address of a Node"),
    ],
)  # fmt: skip
def test_a_load_balancer_that_is_a_proxy_leads_to_node_ports(build, pods, spec, targets):
    _, found = proxied(build, *pods, **spec)
    assert (found.kind, found.address, found.port, found.masquerade, found.otherwise) == (
        "LoadBalancer", BALANCER, 80, "always", "reject"
    )  # fmt: skip
    assert found.targets == tuple((ip, 30080) for ip in targets)


def test_nodes_know_nothing_of_a_load_balancer_that_is_a_proxy(build):
    found, balancer = proxied(build, "node-1", external_ips=(EXTERNAL,))
    without, _ = proxied(build, "node-1", external_ips=(EXTERNAL,), load_balancer_class="others")
    assert {item.address for item in found.of("node-1")} == {VIP, NODE, EXTERNAL}
    assert found.of("outside") == (balancer,)
    assert (found.everywhere, found.own) == (without.everywhere, without.own)


@pytest.mark.parametrize(
    ("ranges", "found"),
    [
        pytest.param(("203.0.113.0/24",), ("203.0.113.0/24",), id="a client is a client"),
        pytest.param(("172.18.0.0/16",), ("172.18.0.0/16", f"{BALANCER}/32"), id="whoever is outside may come as the balancer"),
    ],
)
def test_the_ranges_are_the_business_of_the_proxy(build, ranges, found):
    assert proxied(build, "node-1", load_balancer_source_ranges=ranges)[1].sources == found


def test_all_frontends_are_those_of_nodes_and_of_the_balancer(build):
    found, balancer = proxied(build, "node-1")
    assert [item.kind for item in found.all] == ["ClusterIP", "NodePort", "NodePort", "LoadBalancer"]
    assert found.all[-1] is balancer


def test_affinity_is_the_same_at_all_addresses(build):
    found = found_of(build, "node-1", **BALANCED, session_affinity="ClientIP")
    assert {item.affinity_s for item in found.values()} == {10800}


def test_an_address_that_two_services_wish_for_is_the_firsts(build):
    services = (
        build.service(name, 80, external_ips=(EXTERNAL,), cluster_ip=ip) for name, ip in (("a", VIP), ("b", "10.96.0.21"))
    )
    cluster = build.cluster(build.pod("p", node="node-1"), *services)
    chosen = assign(cluster, Assignments())
    found = frontends(cluster, all_slices(cluster, chosen), chosen).of("node-1")
    assert [item.owner for item in found if item.address == EXTERNAL] == ["default/a"]


@pytest.mark.parametrize(
    ("ranges", "mode", "found"),
    [
        pytest.param((), "nftables", [NODE, "fd00::2"], id="by default the Node's own"),
        pytest.param((), "iptables", [NODE, "fd00::2", "10.244.1.1"], id="by default all, in iptables mode"),
        pytest.param(("primary",), "iptables", [NODE, "fd00::2"], id="the Node's own, said"),
        pytest.param(
            ("10.244.0.0/16",), "nftables", ["fd00::2", "10.244.1.1"], id="a range; none of the other family is all of it"
        ),
        pytest.param(("0.0.0.0/0", "fd99::/16"), "nftables", [NODE, "10.244.1.1"], id="a range of which there is no address"),
    ],
)
def test_where_node_ports_are(ranges, mode, found):
    assert list(node_port_ips(ranges, mode, (NODE, "fd00::2"), ("10.244.1.1",))) == found
