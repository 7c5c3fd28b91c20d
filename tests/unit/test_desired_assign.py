"""Choices made once and kept: Nodes, Pods, ClusterIPs, NodePorts; and wishes that cannot be granted."""

from dataclasses import replace

import pytest

from netlab.desired.assign import assign
from netlab.desired.assignments import Assignments, NodeAssignment, PodAssignment
from netlab.errors import Conflict, PoolExhausted
from netlab.model.meta import Key

WEB, API = Key("Service", "default", "web"), Key("Service", "default", "api")


def chosen(made, earlier=None):
    found = assign(made, earlier or Assignments())
    assert assign(made, found) == found, "a second run changes nothing"
    return found


def test_nodes_are_numbered_in_the_order_of_the_lab(build):
    assert chosen(build.cluster(of=build.lab("b", "a"))).nodes == {
        "b": NodeAssignment(ips=("172.18.0.2",), pod_cidrs=("10.244.1.0/24",)),
        "a": NodeAssignment(ips=("172.18.0.3",), pod_cidrs=("10.244.2.0/24",)),
    }


def test_with_two_families_nodes_and_pods_have_the_same_place_in_both(build):
    found = chosen(build.cluster(build.pod("a"), build.pod("b", host_network=True), of=build.lab("node-1", ip_family="dual")))
    node = NodeAssignment(ips=("172.18.0.2", "fc00:f853:ccd:e793::2"), pod_cidrs=("10.244.1.0/24", "fd00:10:244:1::/64"))
    assert found.nodes == {"node-1": node}
    assert [item.ips for item in found.pods.values()] == [("10.244.1.2", "fd00:10:244:1::2"), node.ips]


def test_a_node_that_joins_takes_nothing_from_the_others(build):
    before = chosen(build.cluster(of=build.lab("node-2", "node-3")))
    after = chosen(build.cluster(of=build.lab("node-1", "node-2", "node-3")), before)
    assert {name: after.nodes[name] for name in before.nodes} == before.nodes
    assert after.nodes["node-1"] == NodeAssignment(ips=("172.18.0.4",), pod_cidrs=("10.244.3.0/24",))


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        pytest.param({"pod_subnet": "10.0.0.0/24"}, "node/node-2: podSubnet 10.0.0.0/24 has no room left", id="subnets"),
        pytest.param(
            {"node_subnet": "172.18.0.0/30"}, "node/node-2: nodeSubnet 172.18.0.0/30 has no room left", id="addresses"
        ),
    ],
)
def test_no_room_for_a_node(build, spec, said):
    with pytest.raises(PoolExhausted, match=said):
        assign(build.cluster(of=build.lab(**spec)), Assignments())


# Pods ---------------------------------------------------------------------------------------------------------------------


def test_a_pod_in_its_nodes_network_has_the_nodes_address_and_takes_none(build):
    found = chosen(build.cluster(*(build.pod(name, node="node-1", host_network=name != "c") for name in "abc")))
    assert [item.ips for item in found.pods.values()] == [("172.18.0.2",), ("172.18.0.2",), ("10.244.1.2",)]


def test_pods_are_spread_and_get_the_lowest_free_address(build):
    found = chosen(build.cluster(*(build.pod(f"p{n}") for n in range(4))))
    assert [(item.node, item.ips) for item in found.pods.values()] == [
        ("node-1", ("10.244.1.2",)),
        ("node-2", ("10.244.2.2",)),
        ("node-1", ("10.244.1.3",)),
        ("node-2", ("10.244.2.3",)),
    ]


@pytest.mark.parametrize("phase", ["Pending", "Running", "Succeeded", "Failed"])
def test_a_pod_stays_where_it_is(build, phase):
    """N20. Though another Node is empty now, and though the Pod has ended."""
    made = build.cluster(build.pod("a"), build.pod("b"), build.pod("c", phase=phase))
    before = chosen(made)
    after = chosen(made.without([Key("Pod", "default", "a"), Key("Pod", "default", "b")]), before)
    assert after.pods == {Key("Pod", "default", "c"): before.pods[Key("Pod", "default", "c")]}


def test_finished_pods_are_no_load(build):
    def pods(phase):
        return *(build.pod(f"a{n}", node="node-1", phase=phase) for n in range(3)), build.pod("b", node="node-2")

    before = chosen(build.cluster(*pods("Running")))
    assert chosen(build.cluster(*pods("Running"), build.pod("c")), before).pods[Key("Pod", "default", "c")].node == "node-2"
    found = chosen(build.cluster(*pods("Succeeded"), build.pod("c")), before)
    assert found.pods[Key("Pod", "default", "c")].node == "node-1"


def test_the_address_of_a_deleted_pod_is_free_again(build):
    before = chosen(build.cluster(build.pod("a", node="node-1")))
    after = chosen(build.cluster(build.pod("b", node="node-1")), before)
    assert after.pods == {Key("Pod", "default", "b"): PodAssignment(node="node-1", ips=("10.244.1.2",))}


def test_a_pod_whose_node_is_gone_is_not_moved(build):
    key = Key("Pod", "default", "a")
    before = chosen(build.cluster(build.pod("a", node="node-2")))
    after = chosen(build.cluster(build.pod("a"), of=build.lab("node-1")), before)
    assert (after.pods[key].node, after.pods[key].ips) == ("node-2", ("10.244.2.2",))
    assert 'node "node-2" is gone' in after.pods[key].reason
    assert chosen(build.cluster(build.pod("a")), after).pods == before.pods


def test_a_pod_that_waits_is_bound_as_soon_as_a_node_fits(build):
    waiting = build.pod("a", node="node-2")
    before = chosen(build.cluster(waiting, of=build.lab("node-1")))
    reason = "0/1 nodes are available: 1 node(s) didn't match the requested node name."
    assert before.pods[waiting.key] == PodAssignment(reason=reason)
    assert chosen(build.cluster(waiting), before).pods[waiting.key].node == "node-2"


def test_a_full_node_is_passed_over_and_then_said_to_be_full(build):
    lab = build.lab(pod_subnet="10.0.0.0/28", node_cidr_mask=30)  # one Pod a Node
    found = list(chosen(build.cluster(*(build.pod(f"p{n}") for n in range(3)), of=lab)).pods.values())
    assert [item.node for item in found] == ["node-1", "node-2", ""]
    assert found[2].reason == "0/2 nodes are available: 2 node(s) have no free Pod address."


# ClusterIPs ---------------------------------------------------------------------------------------------------------------


def test_cluster_ips_are_for_services_that_have_one(build):
    made = build.cluster(
        build.service("web", 80),
        build.service("kube-dns", 53, namespace="kube-system"),
        build.service("db", 80, cluster_ip="None"),
        build.service("wiki", type="ExternalName", external_name="example.org"),
    )
    found = chosen(made).cluster_ips
    assert set(found) == {WEB, Key("Service", "kube-system", "kube-dns")}
    assert found[Key("Service", "kube-system", "kube-dns")] == ("10.96.0.10",)


def test_equal_labs_have_equal_addresses_whatever_the_order(build):
    services = [build.service(f"s{n}", build.port(80), type="NodePort") for n in range(9)]
    assert chosen(build.cluster(*services)) == chosen(build.cluster(*reversed(services)))


def test_what_was_given_is_kept_when_others_come_and_go(build):
    before = chosen(build.cluster(build.service("web", 80, type="NodePort"), build.service("api", 80)))
    after = chosen(build.cluster(build.service("web", 80, type="NodePort"), build.service("aaa", 80)), before)
    assert after.cluster_ips[WEB] == before.cluster_ips[WEB]
    assert after.node_ports == before.node_ports
    assert API not in after.cluster_ips


def test_an_explicit_cluster_ip_is_honoured(build):
    assert chosen(build.cluster(build.service("web", 80, cluster_ip="10.96.7.7"))).cluster_ips == {WEB: ("10.96.7.7",)}


def test_the_address_of_a_service_that_becomes_headless_is_free(build):
    before = chosen(build.cluster(build.service("web", 80, cluster_ip="10.96.7.7")))
    headless, heir = build.service("web", 80, cluster_ip="None"), build.service("api", 80, cluster_ip="10.96.7.7")
    assert chosen(build.cluster(headless, heir), before).cluster_ips == {API: ("10.96.7.7",)}


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        pytest.param("10.97.0.1", "10.97.0.1 is not in the serviceSubnet 10.96.0.0/16", id="another network"),
        pytest.param("10.96.0.0", "10.96.0.0 is not in the serviceSubnet 10.96.0.0/16", id="the network itself"),
        pytest.param("10.96.7.7", "10.96.7.7 is taken by service/api in namespace default", id="another Service"),
        pytest.param("10.96.0.10", "10.96.0.10 is taken by service/kube-dns in namespace kube-system", id="the cluster DNS"),
        pytest.param("10.96.0.1", "10.96.0.1 is taken by service/kubernetes in namespace default", id="the API server"),
    ],
)
def test_a_cluster_ip_that_cannot_be(build, wish, said):
    made = build.cluster(build.service("api", 80, cluster_ip="10.96.7.7"), build.service("web", 80, cluster_ip=wish))
    with pytest.raises(Conflict) as caught:
        assign(made, Assignments())
    cure = "choose another one, or leave it out and get a free one"
    assert str(caught.value) == f"service/web in namespace default: spec.clusterIP: {said}; {cure}"


def test_a_cluster_ip_is_immutable(build):
    before = chosen(build.cluster(build.service("web", 80, cluster_ip="10.96.7.7")))
    with pytest.raises(Conflict, match=r"it is 10\.96\.7\.7 and cannot be changed to 10\.96\.8\.8; delete the Service first"):
        assign(build.cluster(build.service("web", 80, cluster_ip="10.96.8.8")), before)


def test_no_cluster_ip_is_left(build):
    services = [build.service(f"s{n}", 80) for n in range(13)]  # a /28 has 14 hosts, two of them reserved
    with pytest.raises(PoolExhausted, match=r"serviceSubnet 10\.96\.0\.0/28 has no address left"):
        assign(build.cluster(*services, of=build.lab(service_subnet="10.96.0.0/28")), Assignments())


# Types --------------------------------------------------------------------------------------------------------------------

TYPES = {
    "ClusterIP": (True, False, False),
    "NodePort": (True, True, False),
    "LoadBalancer": (True, True, True),
    "ExternalName": (False, False, False),
}
"""What a Service of this type has: a ClusterIP, a NodePort, an address of a load balancer."""


def of_type(build, kind):
    if kind == "ExternalName":
        return build.service("web", type=kind, external_name="example.org")
    return build.service("web", build.port(80, name="http"), type=kind)


def held(found):
    return found.cluster_ips.get(WEB), found.node_ports.get((WEB, "TCP", 80)), found.load_balancers.get(WEB)


@pytest.mark.parametrize("after", TYPES)
@pytest.mark.parametrize("before", TYPES)
def test_a_change_of_type_keeps_what_both_have_and_releases_the_rest(build, before, after):
    first = chosen(build.cluster(of_type(build, before)))
    second = chosen(build.cluster(of_type(build, after)), first)
    assert tuple(map(bool, held(first))) == TYPES[before]
    assert tuple(map(bool, held(second))) == TYPES[after]
    for old, new, kept in zip(held(first), held(second), map(all, zip(TYPES[before], TYPES[after], strict=True)), strict=True):
        assert not kept or new == old


@pytest.mark.parametrize("before", ["ClusterIP", "NodePort", "LoadBalancer"])
def test_what_an_external_name_released_another_service_can_have(build, before):
    ip, _, balancer = held(first := chosen(build.cluster(of_type(build, before))))
    number = first.node_ports.get((WEB, "TCP", 80), 0)
    wish = {"cluster_ip": ip[0], "type": before} | ({"load_balancer_ip": balancer[0]} if balancer else {})
    heir = build.service("api", build.port(80, name="http", node_port=number), **wish)
    with pytest.raises(Conflict, match="is taken by service/web"):
        assign(build.cluster(of_type(build, before), heir), first)
    after = chosen(build.cluster(of_type(build, "ExternalName"), heir), first)
    assert (after.cluster_ips, after.load_balancers.get(API)) == ({API: ip}, balancer)
    assert after.node_ports == ({(API, "TCP", 80): number} if number else {})


# NodePorts ----------------------------------------------------------------------------------------------------------------


def node_port(build, name, *ports):
    return build.service(name, *ports, type="NodePort")


def test_node_ports_are_in_the_range_and_differ(build):
    found = chosen(build.cluster(*(node_port(build, f"s{n}", 80) for n in range(300)))).node_ports
    assert len(set(found.values())) == 300
    assert all(30000 <= number <= 32767 for number in found.values())


def test_an_explicit_node_port_is_honoured_and_tcp_and_udp_do_not_collide(build):
    both = (build.port(53, name="t", node_port=30053), build.port(53, name="u", protocol="UDP", node_port=30053))
    found = chosen(build.cluster(node_port(build, "web", *both))).node_ports
    assert found == {(WEB, "TCP", 53): 30053, (WEB, "UDP", 53): 30053}


def test_a_given_port_yields_to_a_wish_of_the_same_service(build):
    before = chosen(build.cluster(node_port(build, "web", build.port(80, name="a"))))
    given = before.node_ports[WEB, "TCP", 80]
    ports = (build.port(80, name="a"), build.port(81, name="b", node_port=given))
    after = chosen(build.cluster(node_port(build, "web", *ports)), before).node_ports
    assert after[WEB, "TCP", 81] == given
    assert after[WEB, "TCP", 80] != given


def test_node_ports_are_given_up_with_the_type(build):
    before = chosen(build.cluster(node_port(build, "web", build.port(80, node_port=30080))))
    after = chosen(build.cluster(build.service("web", 80), node_port(build, "api", build.port(80, node_port=30080))), before)
    assert after.node_ports == {(API, "TCP", 80): 30080}


def test_a_load_balancer_does_without_node_ports_but_for_those_that_are_wished_for(build):
    ports = build.port(80, name="x"), build.port(81, name="y", node_port=30081)
    for allocates, numbers in ((True, 2), (False, 1)):
        spec = {"type": "LoadBalancer", "allocate_load_balancer_node_ports": allocates}
        found = chosen(build.cluster(build.service("web", *ports, **spec))).node_ports
        assert (len(found), found[WEB, "TCP", 81]) == (numbers, 30081)


def test_a_given_node_port_is_not_taken_away(build):
    before = chosen(build.cluster(node_port(build, "web", 80)))
    number = before.node_ports[WEB, "TCP", 80]
    made = build.cluster(node_port(build, "web", 80), node_port(build, "api", build.port(80, node_port=number)))
    with pytest.raises(Conflict, match=rf"nodePort: TCP {number} is taken by service/web in namespace default"):
        assign(made, before)


def test_no_node_port_is_left(build):
    lab = build.lab(node_port_range="30000-30001")
    with pytest.raises(PoolExhausted, match="no NodePort from 30000 to 30001 is free"):
        assign(build.cluster(*(node_port(build, f"s{n}", 80) for n in range(3)), of=lab), Assignments())


def test_all_conflicts_are_told_at_once(build):
    made = build.cluster(
        build.service("a", 80, cluster_ip="10.9.9.9"),
        node_port(build, "b", build.port(80, node_port=80)),
        node_port(build, "c", build.port(80, node_port=30080)),
        node_port(build, "d", build.port(80, name="x"), build.port(81, name="y", node_port=30080)),
    )
    with pytest.raises(Conflict) as caught:
        assign(made, Assignments())
    assert [line.split(";")[0] for line in str(caught.value).splitlines()] == [
        "service/a in namespace default: spec.clusterIP: 10.9.9.9 is not in the serviceSubnet 10.96.0.0/16",
        "service/b in namespace default: spec.ports[0].nodePort: 80 is not in the range of NodePorts, 30000-32767",
        "service/d in namespace default: spec.ports[1].nodePort: TCP 30080 is taken by service/c in namespace default",
    ]


def test_earlier_choices_are_not_changed_in_place(build):
    before = chosen(build.cluster(build.pod("a"), build.service("web", 80)))
    copy = replace(before, pods=dict(before.pods), cluster_ips=dict(before.cluster_ips), nodes=dict(before.nodes))
    assign(build.cluster(build.pod("b"), build.service("api", 80)), before)
    assert before == copy
