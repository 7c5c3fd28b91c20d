"""The cables: a whole small lab as text, and what single namespaces have."""

from dataclasses import replace

import pytest

from netlab.desired.assign import assign
from netlab.desired.assignments import Assignments
from netlab.desired.compile import compile_net, mark
from netlab.model.security import PodSecurityContext
from netlab.model.sysctl import Sysctl as SysctlWish
from netlab.netstate.links import UNLESS_PRESENT, Address, Bridge, FdbEntry, Neighbour, Route, Veth, Vxlan
from netlab.netstate.names import IFNAMSIZ, link_local
from netlab.netstate.state import Namespace, NetState


def net(build, *objects, of=None):
    made = build.cluster(*objects, of=of)
    return compile_net(made, assign(made, Assignments()))


def test_two_nodes_and_two_pods(build, golden):
    objects = (build.pod("web-1"), build.pod("web-2"), build.service("web", build.port(80, 8080), cluster_ip="10.96.0.20"))
    golden("netstate/two_nodes_and_two_pods.txt", str(net(build, *objects)))


def test_one_node_and_one_pod_of_both_families(build, golden):
    found = net(build, build.pod("web"), of=build.lab(ip_family="dual"))
    wires = NetState(namespaces=frozenset(replace(item, table=None) for item in found.namespaces))
    golden("netstate/one_pod_of_both_families.txt", str(wires))


def test_a_tunnel_between_two_nodes_for_both_families(build, golden):
    found = net(build, build.pod("web"), of=build.lab(ip_family="dual", network="vxlan"))
    wires = NetState(namespaces=frozenset(replace(item, table=None) for item in found.namespaces))
    golden("netstate/a_tunnel_for_both_families.txt", str(wires))


@pytest.mark.parametrize(
    ("network", "family", "mtu", "pods"),
    [
        ("host-gw", "ipv4", 1500, 1500), ("vxlan", "ipv4", 1500, 1450), ("vxlan", "ipv6", 1500, 1430), ("vxlan", "dual", 9000, 8950),
    ],
)  # fmt: skip
def test_the_tunnel_leaves_pods_less_of_the_mtu_and_nobody_else(build, network, family, mtu, pods):
    found = net(build, build.pod("a"), of=build.lab(network=network, ip_family=family, mtu=mtu)).by_name
    mtus = {(name.split(".", 1)[1], link.name): link.mtu for name, item in found.items() for link in item.links}
    inner = {place: size for place, size in mtus.items() if place[1][:4] in {"cni0", "veth", "vxla"} or place[0] == "default.a"}
    assert set(inner.values()) == {pods}
    assert {mtus[place] for place in mtus.keys() - inner.keys()} == {mtu}


def test_every_end_of_the_tunnel_knows_every_other_one(build):
    found = net(build, of=build.lab("a", "b", "c", network="vxlan", ip_family="dual")).by_name
    ends = {name: link for name in "abc" for link in found[f"demo.{name}"].links if isinstance(link, Vxlan)}
    for name, end in ends.items():
        space = found[f"demo.{name}"]
        others = {other.mac: other.local for other in ends.values() if other is not end}
        assert {item.mac: item.dst for item in space.entries if isinstance(item, FdbEntry)} == others
        ways = {route.via for route in space.routes if route.dev == "vxlan.1"}
        known = {item.address: item.mac for item in space.entries if isinstance(item, Neighbour)}
        assert ways == set(known)
        assert set(known.values()) == set(others)
        assert len(ways) == 4, "two other Nodes, two families"


@pytest.mark.parametrize("word", ["ipv6", "dual"])
def test_with_ipv6_every_route_and_address_of_ipv4_has_a_twin(build, word):
    def counts(family):
        found = net(build, build.pod("a"), of=build.lab(ip_family=family)).by_name
        ours = {name: [one for one in item.addresses if not one.address.startswith("fe80::")] for name, item in found.items()}
        return {name: (len(ours[name]), len(item.routes)) for name, item in found.items()}

    families = 2 if word == "dual" else 1
    assert counts(word) == {name: (n * families, m * families) for name, (n, m) in counts("ipv4").items()}


@pytest.mark.parametrize(("word", "off"), [("ipv4", True), ("ipv6", False), ("dual", False)])
def test_ipv6_is_off_where_the_lab_has_none(build, word, off):
    found = net(build, build.pod("a"), of=build.lab(ip_family=word)).by_name
    states = {
        item.name: {one.value for one in item.sysctls if one.key == "net.ipv6.conf.all.disable_ipv6"} for item in found.values()
    }
    assert states == {name: {"1" if off or name == "demo.fabric" else "0"} for name in found}


def test_no_parameter_of_ipv6_is_wished_for_that_a_machine_without_it_lacks(build):
    found = net(build, build.pod("a")).by_name
    wished = {(one.key, one.value) for item in found.values() for one in item.sysctls if "ipv6" in one.key or "ip6" in one.key}
    assert wished <= set(UNLESS_PRESENT.items())


def test_no_address_of_ipv6_is_doubted_first(build):
    found = net(build, build.pod("a"), of=build.lab(ip_family="dual"))
    assert {one.nodad for item in found.namespaces for one in item.addresses if ":" in one.address} == {True}


def test_who_forwards_has_an_address_to_ask_its_neighbours_from(build):
    node = net(build, of=build.lab("node-1", ip_family="ipv6")).by_name["demo.node-1"]
    macs = {link.name: link.mac for link in node.links}
    assert {one.dev: one.address for one in node.addresses if one.address.startswith("fe80::")} == {
        dev: f"{link_local(macs[dev])}/64" for dev in ("eth0", "cni0")
    }


def test_names_of_namespaces(build):
    found = net(build, build.pod("a"), build.pod("a", namespace="shop"))
    assert list(found.by_name) == ["demo.default.a", "demo.fabric", "demo.node-1", "demo.node-2", "demo.outside", "demo.shop.a"]


def test_the_mark_is_on_every_link(build):
    found = net(build, build.pod("a"))
    assert {link.alias for item in found.namespaces for link in item.links} == {mark(build.lab().metadata.uid)}


def test_both_ends_of_every_cable_know_each_other(build):
    found = net(build, build.pod("a"), build.pod("b"), build.pod("c")).by_name
    for name, namespace in found.items():
        for link in namespace.links:
            if isinstance(link, Veth):
                (other,) = [one for one in found[link.peer_netns].links if one.name == link.peer_name]
                assert (other.peer_netns, other.peer_name, other.mac, other.peer_mac) == (
                    name, link.name, link.peer_mac, link.mac,
                )  # fmt: skip
                assert (link.master is None) != (other.master is None), "one end is a port of a bridge, the other is not"


def test_no_mac_and_no_address_is_there_twice(build):
    found = net(build, *(build.pod(f"p{n}") for n in range(20)))
    macs = [link.mac for item in found.namespaces for link in item.links]
    addresses = [one.address for item in found.namespaces for one in item.addresses]
    assert len(macs) == len(set(macs))
    assert len(addresses) == len(set(addresses))


def test_a_pod_knows_its_node_and_nobody_else(build):
    pod = net(build, build.pod("a")).by_name["demo.default.a"]
    assert pod.addresses == {Address(dev="eth0", address="10.244.1.2/24", noprefixroute=True)}
    assert pod.routes == {
        Route(destination="10.244.1.1", dev="eth0"),
        Route(destination="default", dev="eth0", via="10.244.1.1"),
    }


def test_a_node_knows_the_way_to_the_pods_of_the_others(build):
    node = net(build).by_name["demo.node-1"]
    assert node.addresses == {
        Address(dev="eth0", address="172.18.0.2/16", noprefixroute=True),
        Address(dev="cni0", address="10.244.1.1/24", noprefixroute=True),
    }
    assert node.routes == {
        Route(destination="172.18.0.0/16", dev="eth0"),
        Route(destination="10.244.1.0/24", dev="cni0"),
        Route(destination="10.244.2.0/24", dev="eth0", via="172.18.0.3"),
        Route(destination="default", dev="eth0", via="172.18.0.1"),
    }


def test_outside_knows_no_way_into_the_cluster(build):
    outside = net(build).by_name["demo.outside"]
    assert outside.routes == {Route(destination="172.18.0.0/16", dev="eth0")}
    assert outside.addresses == {
        Address(dev="eth0", address="172.18.0.1/16", noprefixroute=True),
        Address(dev="lo", address="203.0.113.1/32"),
    }


def test_a_port_of_the_switch_is_called_after_its_machine(build):
    long = "n" * 16
    fabric = net(build, of=build.lab("node-1", long)).by_name["demo.fabric"]
    names = {link.name for link in fabric.links}
    assert {"fabric0", "node-1", "outside"} < names
    (hashed,) = names - {"fabric0", "node-1", "outside"}
    assert hashed.startswith("veth")
    assert len(hashed) <= IFNAMSIZ


def test_a_pod_made_again_under_its_name_has_a_new_cable(build):
    def port(pod):
        links = net(build, pod).by_name["demo.node-1"].links
        return {link.name for link in links if isinstance(link, Veth) and link.master}

    first = build.pod("a", node="node-1")
    assert port(first) == port(build.pod("a", node="node-1"))
    object.__setattr__(first.metadata, "uid", "another")
    assert port(first) != port(build.pod("a", node="node-1"))


@pytest.mark.parametrize(
    ("pod", "has"),
    [
        pytest.param({}, True, id="runs"),
        pytest.param({"phase": "Pending", "state": "waiting"}, True, id="pending"),
        pytest.param({"deleting": True}, True, id="is being deleted, until it is gone"),
        pytest.param({"phase": "Succeeded", "state": "terminated"}, False, id="succeeded"),
        pytest.param({"phase": "Failed", "state": "terminated"}, False, id="failed"),
        pytest.param({"node": "node-9"}, False, id="bound to no Node"),
    ],
)
def test_which_pods_have_a_network(build, pod, has):
    found = net(build, build.pod("a", **pod))
    assert ("demo.default.a" in found.by_name) is has
    node_ports = [link for name in ("demo.node-1", "demo.node-2") for link in found.by_name[name].links]
    assert any(isinstance(link, Veth) and link.peer_netns == "demo.default.a" for link in node_ports) is has


def test_a_pod_whose_node_is_gone_has_no_network(build):
    before = assign(build.cluster(build.pod("a", node="node-2")), Assignments())
    made = build.cluster(build.pod("a", node="node-2"), build.service("web", 80), of=build.lab("node-1"))
    found = compile_net(made, assign(made, before))
    assert "demo.default.a" not in found.by_name
    assert not [one for item in found.by_name["demo.node-1"].table.sets if item.name == "endpoints-1" for one in item.elements]


def test_two_labs_share_no_name(build):
    one, other = net(build, build.pod("a")), net(build, build.pod("a"), of=build.lab(name="other"))
    assert not set(one.by_name) & set(other.by_name)


def test_the_same_input_gives_the_same_bytes(build):
    objects = [*(build.pod(f"p{n}") for n in range(9)), build.service("web", 80)]
    assert str(net(build, *objects)) == str(net(build, *reversed(objects)))


def test_bridges_are_where_ports_are(build):
    found = net(build, build.pod("a"))
    bridges = {name: {link.name for link in item.links if isinstance(link, Bridge)} for name, item in found.by_name.items()}
    assert {name: one for name, one in bridges.items() if one} == {
        "demo.fabric": {"fabric0"}, "demo.node-1": {"cni0"}, "demo.node-2": {"cni0"},
    }  # fmt: skip
    assert all(isinstance(item, Namespace) for item in found.namespaces)


def test_a_link_local_address_is_made_from_the_mac_as_linux_does_it():
    assert link_local("02:00:5e:10:00:ff") == "fe80::5eff:fe10:ff"


def test_an_address_has_the_same_mac_whoever_has_it(build):
    first, second = (net(build, build.pod(name)).by_name[f"demo.default.{name}"] for name in ("a", "b"))
    assert first.addresses == second.addresses
    assert [link.mac for link in first.links] == [link.mac for link in second.links]


def test_a_sysctl_that_a_pod_sets_itself_is_not_set_for_it(build):
    own = PodSecurityContext(sysctls=(SysctlWish(name="net.ipv4.ping_group_range", value="1 0"),))
    usual, changed = (
        {one.key for one in net(build, build.pod("a", security_context=wish)).by_name["demo.default.a"].sysctls}
        for wish in (None, own)
    )
    assert usual - changed == {"net.ipv4.ping_group_range"}


def test_a_pod_in_its_nodes_network_has_no_namespace_and_no_link(build):
    with_it, without = net(build, build.pod("a", host_network=True)), net(build)
    assert with_it == without
