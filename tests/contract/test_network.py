"""The contract of kernel.port.Network, kept by the Fake and by Linux: what holds for both, decisions may rely on."""

import os
from dataclasses import replace

import pytest
from hypothesis import given, settings

from netlab.errors import KernelError
from netlab.kernel.fake import FakeNetwork
from netlab.kernel.linux import LinuxNetwork
from netlab.kernel.port import Scope
from netlab.netstate.links import Address, Bridge, FdbEntry, Neighbour, Route, Sysctl, Veth
from netlab.netstate.names import NetnsName, machine_netns, pod_netns
from netlab.netstate.nft import Chain, NftTable
from netlab.netstate.state import NetState
from netlab.plan.diff import diff
from netlab.plan.steps import (
    AddAddress,
    AddEntry,
    AddLink,
    AddRoute,
    ApplyIptables,
    ApplyNft,
    CreateNamespace,
    DeleteAddress,
    DeleteEntry,
    DeleteLink,
    DeleteNamespace,
    DeleteRoute,
    SetMtu,
    SetSysctl,
)
from netlab.plan.table_change import TableChange
from tests.states import LAB, LOW_PORTS, MARK, NODES, PODS, assert_reached, entry, iptables, lab, labs, table, tunnel

NODE, POD, OTHER = machine_netns(LAB, "node-1"), pod_netns(LAB, "default", "web"), pod_netns(LAB, "default", "db")
FABRIC = machine_netns(LAB, "fabric")
NAMES = frozenset({FABRIC, *(machine_netns(LAB, node) for node in NODES), *(pod_netns(LAB, "default", pod) for pod in PODS)})
SCOPE = Scope(mark=MARK, names=NAMES)
WANTED = lab({"web": "node-1"}, tables={"node-1": table(entry(1, ["10.244.1.2"]))})
STEPS = diff(WANTED, NetState(), MARK).steps
PORT = next(link for link in WANTED.by_name[NODE].links if isinstance(link, Veth) and link.master)
CNI0 = next(link for link in WANTED.by_name[NODE].links if isinstance(link, Bridge))
[ETH0] = WANTED.by_name[POD].links
[ADDRESS] = WANTED.by_name[POD].addresses
DEFAULT = Route(destination="default", dev="eth0", via="10.244.1.1")


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(FakeNetwork, id="fake"),
        pytest.param(
            LinuxNetwork,
            id="linux",
            marks=[
                pytest.mark.kernel,
                pytest.mark.skipif(os.environ.get("NETLAB_TEST_VM") != "1", reason="touches Linux: run scripts/test"),
            ],
        ),
    ],
)
def empty(request):
    """A network with nothing of ours in it."""
    network = request.param()
    network.prepare()
    yield network
    network.apply(SCOPE, diff(NetState(), network.observe(SCOPE), MARK).steps)
    assert network.observe(SCOPE) == NetState()
    network.close()


@pytest.fixture
def network(empty):
    """A network with one Pod on two Nodes."""
    clear(empty)
    empty.apply(SCOPE, STEPS)
    return empty


def clear(network):
    network.apply(SCOPE, diff(NetState(), network.observe(SCOPE), MARK).steps)


def test_nothing_is_seen_before_anything_is_made(empty):
    clear(empty)
    assert empty.observe(SCOPE) == NetState()


def test_of_the_namespaces_in_scope_only_the_marked_exist(network):
    assert network.marked(SCOPE) == network.observe(SCOPE).by_name.keys()
    assert network.marked(replace(SCOPE, names=frozenset())) == frozenset()
    assert network.marked(replace(SCOPE, mark="netlab:another")) == frozenset()
    clear(network)
    assert network.marked(SCOPE) == frozenset()


def test_what_was_made_is_seen(network):
    assert_reached(network.observe(SCOPE), WANTED)
    assert not diff(WANTED, network.observe(SCOPE), MARK)


def test_a_step_done_again_changes_nothing(network):
    before = network.observe(SCOPE)
    for step in STEPS:
        network.apply(SCOPE, [step])
    assert network.observe(SCOPE) == before


DELETIONS = [
    pytest.param(DeleteRoute(netns=POD, route=DEFAULT), id="route"),
    pytest.param(DeleteRoute(netns=POD, route=Route(destination="10.1.0.0/16", dev="eth9")), id="route of no link"),
    pytest.param(DeleteAddress(netns=POD, address=ADDRESS), id="address"),
    pytest.param(DeleteAddress(netns=POD, address=replace(ADDRESS, dev="eth9")), id="address of no link"),
    pytest.param(DeleteLink(netns=NODE, name=PORT.name), id="pair, at its switch side"),
    pytest.param(DeleteLink(netns=POD, name="eth0"), id="pair, at its far end"),
    pytest.param(DeleteLink(netns=NODE, name="cni0"), id="bridge"),
    pytest.param(DeleteLink(netns=NODE, name="nope"), id="link that is not there"),
    pytest.param(DeleteLink(netns=OTHER, name="nope"), id="link of no namespace"),
    pytest.param(DeleteAddress(netns=OTHER, address=ADDRESS), id="address of no namespace"),
    pytest.param(DeleteRoute(netns=OTHER, route=DEFAULT), id="route of no namespace"),
    pytest.param(DeleteNamespace(netns=POD), id="namespace"),
    pytest.param(DeleteNamespace(netns=OTHER), id="namespace that is not there"),
]


@pytest.mark.parametrize("step", DELETIONS)
def test_a_deletion_may_be_repeated_and_is_healed(network, step):
    network.apply(SCOPE, [step, step])
    network.apply(SCOPE, [step])
    for _ in range(2):
        network.apply(SCOPE, diff(WANTED, network.observe(SCOPE), MARK).steps)
    assert_reached(network.observe(SCOPE), WANTED)


def seen(network, netns):
    return network.observe(SCOPE).by_name[netns]


def test_with_a_link_go_its_peer_addresses_and_routes(network):
    network.apply(SCOPE, [DeleteLink(netns=NODE, name=PORT.name)])
    pod = seen(network, POD)
    assert (pod.links, pod.addresses, pod.routes) == (frozenset(), frozenset(), frozenset())
    assert PORT not in seen(network, NODE).links


def test_with_a_bridge_go_its_address_and_its_ports_stay_unplugged(network):
    network.apply(SCOPE, [DeleteLink(netns=NODE, name="cni0")])
    node = seen(network, NODE)
    assert replace(PORT, master=None) in node.links
    assert {address.dev for address in node.addresses} == {"eth0"}


def test_with_the_last_address_go_the_routes(network):
    network.apply(SCOPE, [DeleteAddress(netns=POD, address=ADDRESS)])
    assert seen(network, POD).routes == frozenset()


DUAL = lab({"web": "node-1"}, ipv6=True)
ADDRESS6 = next(address for address in DUAL.by_name[POD].addresses if ":" in address.address)
DEFAULT6 = Route(destination="default", dev="eth0", via="fd00:10:244:1::1")
IPV6_OFF = Sysctl(key="net.ipv6.conf.all.disable_ipv6", value="1")


@pytest.fixture
def dual(empty):
    """A network of both families with one Pod on two Nodes."""
    clear(empty)
    empty.apply(SCOPE, diff(DUAL, NetState(), MARK).steps)
    return empty


def test_both_families_are_seen(dual):
    assert_reached(dual.observe(SCOPE), DUAL)
    assert not diff(DUAL, dual.observe(SCOPE), MARK)


def test_each_family_has_its_own_default_route(dual):
    dual.apply(SCOPE, [DeleteRoute(netns=POD, route=DEFAULT6)])
    assert [route for route in seen(dual, POD).routes if route.destination == "default"] == [DEFAULT]
    dual.apply(SCOPE, [AddRoute(netns=POD, route=replace(DEFAULT6, via="fe80::1"))])
    assert {route.via for route in seen(dual, POD).routes if route.destination == "default"} == {"10.244.1.1", "fe80::1"}


def test_with_the_last_ipv6_address_go_no_routes(dual):
    before = seen(dual, POD).routes
    dual.apply(SCOPE, [DeleteAddress(netns=POD, address=ADDRESS6)])
    assert (seen(dual, POD).routes, seen(dual, POD).addresses) == (before, {ADDRESS})


def test_ipv6_switched_off_is_forgotten_and_put_back(dual):
    dual.apply(SCOPE, [SetSysctl(netns=POD, sysctl=IPV6_OFF)])
    pod = seen(dual, POD)
    assert (pod.addresses, {route.place[0] for route in pod.routes}) == ({ADDRESS}, {False})
    wanted = replace(DUAL.by_name[POD], sysctls=frozenset({replace(IPV6_OFF, value="0")}))
    wish = NetState(namespaces=DUAL.namespaces - {DUAL.by_name[POD]} | {wanted})
    dual.apply(SCOPE, diff(wish, dual.observe(SCOPE), MARK).steps)
    assert_reached(dual.observe(SCOPE), wish)


@pytest.mark.parametrize("changed", [{"nodad": False}, {"noprefixroute": False}])
def test_an_ipv6_address_with_other_flags_is_replaced(dual, changed):
    dual.apply(SCOPE, [AddAddress(netns=POD, address=replace(ADDRESS6, **changed))])
    assert seen(dual, POD).addresses == {ADDRESS, replace(ADDRESS6, **changed)}


def test_where_ipv6_is_off_an_address_is_refused(dual):
    dual.apply(SCOPE, [SetSysctl(netns=POD, sysctl=IPV6_OFF)])
    with pytest.raises(KernelError, match="Permission denied"):
        dual.apply(SCOPE, [AddAddress(netns=POD, address=ADDRESS6)])


def test_a_link_that_is_too_narrow_has_no_ipv6(dual):
    dual.apply(SCOPE, [AddLink(netns=NODE, link=replace(PORT, mtu=1279))])
    with pytest.raises(KernelError, match="Invalid argument"):
        dual.apply(SCOPE, [AddAddress(netns=POD, address=ADDRESS6)])


TUNNELLED = lab({"web": "node-1"}, ipv6=True, vxlan=True)
TUNNEL = tunnel(1)
NEXT = Neighbour(dev="vxlan.1", address="10.244.2.0", mac=tunnel(2).mac)
WHERE = FdbEntry(dev="vxlan.1", mac=tunnel(2).mac, dst="172.18.0.3")


@pytest.fixture
def tunnelled(empty):
    """The same with a tunnel between the Nodes."""
    clear(empty)
    empty.apply(SCOPE, diff(TUNNELLED, NetState(), MARK).steps)
    return empty


def test_a_tunnel_and_what_it_knows_are_seen(tunnelled):
    assert_reached(tunnelled.observe(SCOPE), TUNNELLED)
    assert {TUNNEL} < seen(tunnelled, NODE).links
    assert {NEXT, WHERE} < seen(tunnelled, NODE).entries


@pytest.mark.parametrize("entry", [NEXT, WHERE])
def test_an_entry_may_be_deleted_twice_and_is_healed(tunnelled, entry):
    tunnelled.apply(SCOPE, [DeleteEntry(netns=NODE, entry=entry), DeleteEntry(netns=NODE, entry=entry)])
    assert entry not in seen(tunnelled, NODE).entries
    plan = diff(TUNNELLED, tunnelled.observe(SCOPE), MARK)
    assert [type(step) for step in plan.steps] == [AddEntry]
    tunnelled.apply(SCOPE, plan.steps)
    assert_reached(tunnelled.observe(SCOPE), TUNNELLED)


@pytest.mark.parametrize("changed", [replace(NEXT, mac="02:00:00:00:00:77"), replace(WHERE, dst="172.18.0.77")])
def test_an_entry_for_the_same_is_replaced(tunnelled, changed):
    count = len(seen(tunnelled, NODE).entries)
    tunnelled.apply(SCOPE, [AddEntry(netns=NODE, entry=changed)])
    assert changed in seen(tunnelled, NODE).entries
    assert len(seen(tunnelled, NODE).entries) == count
    plan = diff(TUNNELLED, tunnelled.observe(SCOPE), MARK)
    assert [type(step) for step in plan.steps] == [AddEntry]


@pytest.mark.parametrize(
    "step", [DeleteEntry(netns=OTHER, entry=NEXT), DeleteEntry(netns=NODE, entry=replace(NEXT, dev="eth9"))]
)
def test_an_entry_of_nothing_is_gone_already(tunnelled, step):
    tunnelled.apply(SCOPE, [step])
    assert_reached(tunnelled.observe(SCOPE), TUNNELLED)


def test_with_a_tunnel_goes_what_it_knows(tunnelled):
    tunnelled.apply(SCOPE, [DeleteLink(netns=NODE, name="vxlan.1")])
    node = seen(tunnelled, NODE)
    assert (node.entries, {route.dev for route in node.routes}) == (frozenset(), frozenset())
    tunnelled.apply(SCOPE, diff(TUNNELLED, tunnelled.observe(SCOPE), MARK).steps)
    assert_reached(tunnelled.observe(SCOPE), TUNNELLED)


@pytest.mark.parametrize(
    "changed", [{"vni": 2}, {"port": 4789}, {"local": "fd00:18::2"}, {"mac": "02:00:00:00:00:99"}, {"mtu": 1300}]
)
def test_another_tunnel_under_that_name_makes_way(tunnelled, changed):
    tunnelled.apply(SCOPE, [AddLink(netns=NODE, link=replace(TUNNEL, **changed))])
    assert replace(TUNNEL, **changed) in seen(tunnelled, NODE).links


def test_a_switch_between_routes_and_tunnel_and_back(tunnelled):
    for wish in (DUAL, TUNNELLED, DUAL):
        tunnelled.apply(SCOPE, diff(wish, tunnelled.observe(SCOPE), MARK).steps)
        assert_reached(tunnelled.observe(SCOPE), wish)


def test_an_mtu_is_changed_under_what_hangs_on_the_link(dual):
    before = seen(dual, POD)
    wish = lab({"web": "node-1"}, ipv6=True, mtu={"web": 1400})
    steps = diff(wish, dual.observe(SCOPE), MARK).steps
    assert {(type(step), step.netns) for step in steps} == {(SetMtu, POD), (SetMtu, NODE)}
    dual.apply(SCOPE, steps)
    assert_reached(dual.observe(SCOPE), wish)
    assert (seen(dual, POD).addresses, seen(dual, POD).routes) == (before.addresses, before.routes)


def test_an_mtu_that_is_too_small_for_ipv6_takes_it_away(dual):
    dual.apply(SCOPE, [SetMtu(netns=POD, name="eth0", mtu=1279)])
    assert (seen(dual, POD).addresses, {route.place[0] for route in seen(dual, POD).routes}) == ({ADDRESS}, {False})


def test_an_address_with_other_flags_is_replaced(network):
    other = replace(ADDRESS, noprefixroute=False)
    network.apply(SCOPE, [AddAddress(netns=POD, address=other)])
    assert seen(network, POD).addresses == {other}


def test_a_route_to_the_same_place_is_replaced(network):
    first = Route(destination="10.9.0.0/16", dev="eth0")
    for route in (first, replace(first, via="10.244.1.1"), first):
        network.apply(SCOPE, [AddRoute(netns=POD, route=route)])
        assert [item for item in seen(network, POD).routes if item.destination == "10.9.0.0/16"] == [route]


def test_a_route_that_leads_elsewhere_is_not_deleted(network):
    network.apply(SCOPE, [DeleteRoute(netns=POD, route=replace(DEFAULT, via="10.244.1.9"))])
    assert DEFAULT in seen(network, POD).routes


@pytest.mark.parametrize(
    "changed", [{"mtu": 1400}, {"mac": "02:00:00:00:00:99"}, {"peer_mac": "02:00:00:00:00:98"}, {"master": None}]
)
def test_a_link_of_ours_under_that_name_makes_way(network, changed):
    network.apply(SCOPE, [AddLink(netns=NODE, link=replace(PORT, **changed))])
    assert replace(PORT, **changed) in seen(network, NODE).links


def test_a_parameter_is_written(network):
    network.apply(SCOPE, [SetSysctl(netns=POD, sysctl=replace(LOW_PORTS, value="80"))])
    assert replace(LOW_PORTS, value="80") in seen(network, POD).sysctls


def test_a_refused_nft_transaction_changes_nothing(network):
    script = "add chain inet netlab more\nadd rule inet netlab nope accept"
    with pytest.raises(KernelError):
        network.apply(SCOPE, [ApplyNft(netns=NODE, change=TableChange(first=script))])
    assert seen(network, NODE).table == WANTED.by_name[NODE].table


def test_a_table_in_another_namespace_is_another_table(network):
    found = NftTable(chains=frozenset({Chain(name="x", rules=("accept",))}))
    network.apply(SCOPE, [ApplyNft(netns=POD, change=TableChange(first=str(found)))])
    assert seen(network, POD).table == found
    assert seen(network, NODE).table == WANTED.by_name[NODE].table


RULES = iptables(
    filter={"FORWARD": ["-j KUBE-FORWARD"], "KUBE-FORWARD": []},
    nat={
        "PREROUTING": ['-m comment --comment "kubernetes service portals" -j KUBE-SERVICES'],
        "KUBE-SERVICES": ["-d 10.96.0.1/32 -p tcp -m tcp --dport 80 -j KUBE-A"],
        "KUBE-A": ["-j MARK --set-xmark 0x4000/0x4000"],
    },
)
FOREIGN = "*nat\n:MINE - [0:0]\n-F PREROUTING\n-A PREROUTING -j MINE\n-A MINE -j ACCEPT\nCOMMIT\n"
VARIANTS = pytest.mark.parametrize("variant", ["nft", "legacy"])


def with_iptables(rules, netns=NODE):
    spaces = {space.name: space for space in WANTED.namespaces}
    return NetState(namespaces=frozenset((spaces | {netns: replace(spaces[netns], iptables=frozenset({rules}))}).values()))


@VARIANTS
def test_rules_of_iptables_are_seen_changed_and_taken_away(network, variant):
    first, second = replace(RULES, variant=variant), iptables(variant=variant, nat={"KUBE-A": ["-j RETURN"]})
    for rules in (first, second, first):
        wanted = with_iptables(rules)
        steps = diff(wanted, network.observe(SCOPE), MARK).steps
        for _ in range(2):
            network.apply(SCOPE, steps)
        assert_reached(network.observe(SCOPE), wanted)
    network.apply(SCOPE, diff(WANTED, network.observe(SCOPE), MARK).steps)
    assert_reached(network.observe(SCOPE), WANTED)


@VARIANTS
def test_rules_of_strangers_are_seen_and_stay(network, variant):
    network.apply(SCOPE, [ApplyIptables(netns=NODE, variant=variant, script=FOREIGN)])
    strangers = frozenset({iptables(variant=variant, nat={"PREROUTING": ["-j MINE"]})})
    for wanted in (with_iptables(replace(RULES, variant=variant)), WANTED):
        network.apply(SCOPE, diff(wanted, network.observe(SCOPE), MARK).steps)
        assert_reached(network.observe(SCOPE), wanted)
        assert seen(network, NODE).strangers == strangers
    assert seen(network, POD).strangers == frozenset()


def test_rules_of_both_programs_are_told_apart(network):
    network.apply(SCOPE, diff(with_iptables(RULES), network.observe(SCOPE), MARK).steps)
    wanted = with_iptables(replace(RULES, variant="legacy"))
    come, go = diff(wanted, network.observe(SCOPE), MARK).steps
    network.apply(SCOPE, [come])
    assert seen(network, NODE).iptables == {RULES, replace(RULES, variant="legacy")}
    network.apply(SCOPE, [go])
    assert_reached(network.observe(SCOPE), wanted)


def test_tables_before_a_refused_one_are_done(network):
    script = "*filter\n:KUBE-A - [0:0]\nCOMMIT\n*nat\n:KUBE-A - [0:0]\n-A KUBE-X -j RETURN\nCOMMIT\n"
    with pytest.raises(KernelError, match="line 6"):
        network.apply(SCOPE, [ApplyIptables(netns=NODE, script=script)])
    assert seen(network, NODE).iptables == {iptables(filter={"KUBE-A": []})}


def test_steps_before_a_refused_one_are_done(network):
    good = AddAddress(netns=POD, address=Address(dev="eth0", address="10.7.0.1/24"))
    with pytest.raises(KernelError):
        network.apply(SCOPE, [good, AddLink(netns=OTHER, link=CNI0), CreateNamespace(netns=OTHER, alias=MARK)])
    assert good.address in seen(network, POD).addresses
    assert OTHER not in network.observe(SCOPE).by_name


UNSEEN = NetnsName("t.default.unseen")


@pytest.mark.parametrize(
    ("step", "reason"),
    [
        pytest.param(AddLink(netns=OTHER, link=CNI0), "no such network namespace", id="a link in no namespace"),
        pytest.param(AddLink(netns=NODE, link=replace(PORT, name="vx", peer_netns=OTHER)), "peer .*: no such network namespace", id="no namespace for the far end"),
        pytest.param(AddLink(netns=NODE, link=replace(PORT, name="vx", master="nope", peer_name="e1")), "no bridge nope", id="no bridge"),
        pytest.param(AddLink(netns=NODE, link=replace(PORT, name="vx", master="eth0", peer_name="e1")), "not supported", id="a master that is no bridge"),
        pytest.param(AddLink(netns=NODE, link=replace(CNI0, name="a-name-too-long1")), "Numerical result out of range", id="a name of 16 bytes"),
        pytest.param(AddLink(netns=NODE, link=replace(CNI0, name="a/b")), "Invalid argument", id="a name with a slash"),
        pytest.param(AddLink(netns=NODE, link=replace(CNI0, name="br1", mac="01:00:00:00:00:01")), "Cannot assign", id="a multicast MAC"),
        pytest.param(AddLink(netns=NODE, link=replace(PORT, name="vx", peer_name="e1", mtu=60)), "Invalid argument", id="an MTU too small"),
        pytest.param(AddLink(netns=NODE, link=replace(tunnel(1), local="172.18.0.2", mtu=60)), "Invalid argument", id="a tunnel too narrow"),
        pytest.param(SetMtu(netns=POD, name="eth0", mtu=60), "Invalid argument", id="an MTU changed to too little"),
        pytest.param(SetMtu(netns=POD, name="eth9", mtu=1400), "No such device", id="the MTU of no link"),
        pytest.param(AddEntry(netns=NODE, entry=NEXT), "No such device", id="an entry of no tunnel"),
        pytest.param(AddAddress(netns=POD, address=replace(ADDRESS, dev="eth9")), "No such device", id="an address on no link"),
        pytest.param(AddAddress(netns=OTHER, address=ADDRESS), "no such network namespace", id="an address in no namespace"),
        pytest.param(AddRoute(netns=POD, route=Route(destination="10.0.0.0/8", dev="eth9")), "No such device", id="a route on no link"),
        pytest.param(AddRoute(netns=POD, route=replace(DEFAULT, via="10.99.0.1")), "Network is unreachable", id="a gateway out of reach"),
        pytest.param(AddRoute(netns=POD, route=replace(DEFAULT, via="fd00:99::1")), "No route to host", id="a gateway of IPv6 out of reach"),
        pytest.param(AddRoute(netns=POD, route=replace(DEFAULT, via="10.244.1.9")), "Network is unreachable", id="a gateway in a subnet without a route"),
        pytest.param(SetSysctl(netns=POD, sysctl=Sysctl(key="net.ipv4.nope", value="1")), "No such file", id="no parameter"),
        pytest.param(SetSysctl(netns=POD, sysctl=Sysctl(key="net.ipv6.conf.none.disable_ipv6", value="1")), "No such file", id="no IPv6 parameter"),
        pytest.param(SetSysctl(netns=POD, sysctl=replace(LOW_PORTS, value="many")), "Invalid argument", id="no number"),
        pytest.param(SetSysctl(netns=POD, sysctl=Sysctl(key="kernel.hostname", value="x")), "no parameter of a network namespace", id="not of the network"),
        pytest.param(CreateNamespace(netns=OTHER, alias="netlab other"), "is not this lab's", id="a foreign mark"),
        pytest.param(CreateNamespace(netns=UNSEEN, alias=MARK), "not in the scope", id="creation out of scope"),
        pytest.param(DeleteNamespace(netns=UNSEEN), "not in the scope", id="deletion out of scope"),
        pytest.param(DeleteLink(netns=UNSEEN, name="eth0"), "not in the scope", id="a link out of scope"),
        pytest.param(ApplyNft(netns=NODE, change=TableChange(first="add rule inet netlab nope accept")), "No such file", id="a rule in no chain"),
        pytest.param(ApplyNft(netns=NODE, change=TableChange(first="delete chain inet netlab services")), "busy", id="a chain in use"),
        pytest.param(ApplyNft(netns=OTHER, change=TableChange(first="add table inet netlab")), "no such network namespace", id="rules in no namespace"),
        pytest.param(ApplyIptables(netns=NODE, script="*nat\n-A KUBE-X -j RETURN\nCOMMIT\n"), "No chain.*-A KUBE-X", id="iptables: a rule in no chain"),
        pytest.param(ApplyIptables(netns=NODE, script="*nat\n-A PREROUTING -j KUBE-X\nCOMMIT\n"), "KUBE-X' does not exist", id="iptables: a jump to nowhere"),
        pytest.param(ApplyIptables(netns=NODE, script="*nat\n:KUBE-X - [0:0]\n-A KUBE-X -j KUBE-X\n-A INPUT -j KUBE-X\nCOMMIT\n"), "Too many links", id="iptables: a loop"),
        pytest.param(ApplyIptables(netns=NODE, script="*nat\n:KUBE-X - [0:0]\n-A KUBE-X -j REJECT\nCOMMIT\n"), "Invalid argument", id="iptables: a target of another table"),
        pytest.param(ApplyIptables(netns=NODE, script="*nope\nCOMMIT\n"), "table name 'nope' invalid", id="iptables: no such table"),
        pytest.param(ApplyIptables(netns=NODE, script="*nat\n:KUBE-X - [0:0]\n"), "COMMIT expected", id="iptables: an open table"),
        pytest.param(ApplyIptables(netns=OTHER, script="*nat\nCOMMIT\n"), "no such network namespace", id="iptables in no namespace"),
    ],
)  # fmt: skip
def test_a_refusal_names_step_namespace_and_reason(network, step, reason):
    before = network.observe(SCOPE)
    with pytest.raises(KernelError, match=reason) as caught:
        network.apply(SCOPE, [step])
    assert str(caught.value).startswith(f"{step.command.splitlines()[0]}: {step.netns}: ")
    assert network.observe(SCOPE) == before


@pytest.mark.parametrize(
    "scope",
    [
        pytest.param(replace(SCOPE, names=frozenset()), id="not recorded"),
        pytest.param(replace(SCOPE, mark="netlab other"), id="recorded by another lab"),
    ],
)
def test_another_lab_neither_sees_nor_touches_ours(network, scope):
    assert network.observe(scope) == NetState()
    for step in (DeleteNamespace(netns=POD), DeleteLink(netns=NODE, name="cni0"), CreateNamespace(netns=POD, alias=scope.mark)):
        with pytest.raises(KernelError):
            network.apply(scope, [step])
    assert_reached(network.observe(SCOPE), WANTED)


@settings(max_examples=25)
@given(desired=labs(), before=labs())
def test_what_was_desired_is_observed(empty, desired, before):
    clear(empty)
    empty.apply(SCOPE, diff(before, NetState(), MARK).steps)
    assert_reached(empty.observe(SCOPE), before)
    empty.apply(SCOPE, diff(desired, empty.observe(SCOPE), MARK).steps)
    assert_reached(empty.observe(SCOPE), desired)
    assert not diff(desired, empty.observe(SCOPE), MARK)
