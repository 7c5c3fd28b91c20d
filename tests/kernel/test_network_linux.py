"""LinuxNetwork: every noun written, seen again by itself and by `ip`; repeated, half-made, foreign; nothing left open."""

import errno
import json
import os
import socket
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from netlab.errors import KernelError
from netlab.kernel import netns, nft
from netlab.kernel.linux import LinuxNetwork
from netlab.kernel.port import Scope
from netlab.kernel.sysctl import read
from netlab.netstate.links import UNLESS_PRESENT, Address, Bridge, Route, Sysctl, Veth
from netlab.netstate.names import NetnsName
from netlab.netstate.nft import Chain, NftTable
from netlab.plan.steps import (
    AddAddress,
    AddLink,
    AddRoute,
    ApplyNft,
    CreateNamespace,
    DeleteAddress,
    DeleteLink,
    DeleteNamespace,
    DeleteRoute,
    SetSysctl,
)
from netlab.plan.table_change import TableChange
from tests.descriptors import open_files

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.skipif(not os.environ.get("NETLAB_TEST_VM"), reason="runs inside scripts/test"),
]

MARK = "netlab 0000-test"
NODE, POD, OTHER = NetnsName("t2.node-1"), NetnsName("t2.default.web"), NetnsName("t2.default.db")
SCOPE = Scope(mark=MARK, names=frozenset({NODE, POD, OTHER}))
BRIDGE = Bridge(name="cni0", mac="02:00:00:00:00:01", mtu=1500, alias=MARK)
NEAR = Veth(
    name="veth0a0a0a0a", mac="02:00:00:00:00:02", mtu=1450, peer_netns=POD, peer_name="eth0", peer_mac="02:00:00:00:00:03",
    master="cni0", alias=MARK,
)  # fmt: skip
FAR = Veth(
    name="eth0", mac="02:00:00:00:00:03", mtu=1450, peer_netns=NODE, peer_name="veth0a0a0a0a", peer_mac="02:00:00:00:00:02",
    alias=MARK,
)  # fmt: skip
ADDRESS = Address(dev="eth0", address="10.244.1.2/24", noprefixroute=True)
ON_LINK, DEFAULT = Route(destination="10.244.1.1", dev="eth0"), Route(destination="default", dev="eth0", via="10.244.1.1")
TABLE = NftTable(chains=frozenset({Chain(name="forward", hook="type filter hook forward priority filter; policy accept;")}))
STEPS = (
    CreateNamespace(netns=NODE, alias=MARK),
    CreateNamespace(netns=POD, alias=MARK),
    SetSysctl(netns=NODE, sysctl=Sysctl(key="net.ipv4.ip_forward", value="1")),
    SetSysctl(netns=NODE, sysctl=Sysctl(key="net.netfilter.nf_conntrack_tcp_be_liberal", value="1")),
    SetSysctl(netns=POD, sysctl=Sysctl(key="net.ipv4.ping_group_range", value="0\t2147483647")),
    SetSysctl(netns=POD, sysctl=Sysctl(key="net.ipv6.conf.all.disable_ipv6", value="1")),
    AddLink(netns=NODE, link=BRIDGE),
    AddLink(netns=NODE, link=NEAR),
    AddAddress(netns=NODE, address=Address(dev="cni0", address="10.244.1.1/24")),
    AddAddress(netns=NODE, address=Address(dev="lo", address="203.0.113.1/32")),
    AddAddress(netns=POD, address=ADDRESS),
    AddRoute(netns=POD, route=ON_LINK),
    AddRoute(netns=POD, route=DEFAULT),
    ApplyNft(netns=NODE, change=TableChange(first=f"table inet netlab\ndelete table inet netlab\n{TABLE}")),
)


def ip(*words):
    output = subprocess.run(["ip", "-j", "-d", *words], check=True, capture_output=True, text=True).stdout
    return json.loads(output) if output.strip() else []


@pytest.fixture
def network():
    before, home = open_files(), Path("/proc/self/ns/net").readlink()
    linux = LinuxNetwork()
    yield linux
    linux.apply(SCOPE, [DeleteNamespace(netns=name) for name in sorted(SCOPE.names)])
    linux.close()
    assert open_files() <= before
    assert Path("/proc/self/ns/net").readlink() == home


@pytest.fixture
def built(network):
    network.apply(SCOPE, STEPS)
    return network


def test_nothing_is_observed_before_anything_is_made(network):
    assert network.observe(SCOPE).namespaces == frozenset()


def test_every_noun_that_was_written_is_seen(built):
    seen = built.observe(SCOPE).by_name
    assert sorted(seen) == [POD, NODE]
    assert seen[NODE].links == {BRIDGE, NEAR}
    assert seen[POD].links == {FAR}
    assert seen[POD].addresses == {ADDRESS}
    assert seen[NODE].addresses == {step.address for step in STEPS if isinstance(step, AddAddress) and step.netns == NODE}
    assert seen[POD].routes == {ON_LINK, DEFAULT}
    assert seen[NODE].routes == frozenset()
    for step in STEPS:
        if isinstance(step, SetSysctl):
            assert step.sysctl in seen[step.netns].sysctls
    assert seen[NODE].table == TABLE
    assert seen[POD].table is None


def test_ip_sees_the_same(built):
    links = {link["ifname"]: link for link in ip("-n", NODE, "link")}
    assert links["lo"]["ifalias"] == MARK
    assert "UP" in links["lo"]["flags"]
    assert links["cni0"]["linkinfo"]["info_kind"] == "bridge"
    near = links[NEAR.name]
    assert (near["address"], near["mtu"], near["master"], near["ifalias"]) == (NEAR.mac, 1450, "cni0", MARK)
    [far] = ip("-n", POD, "link", "show", "eth0")
    assert (far["address"], far["mtu"], far["ifalias"], far["link_index"]) == (FAR.mac, 1450, MARK, near["ifindex"])
    assert {"UP", "LOWER_UP"} <= set(far["flags"]) & set(near["flags"])
    [address] = ip("-n", POD, "-4", "addr", "show", "eth0")[0]["addr_info"]
    assert (address["local"], address["prefixlen"], address["noprefixroute"]) == ("10.244.1.2", 24, True)
    routes = ip("-n", POD, "route")
    assert [(route["dst"], route.get("gateway"), route["scope"]) for route in routes] == [
        ("default", "10.244.1.1", "global"),
        ("10.244.1.1", None, "link"),
    ]


def test_packets_pass(built):
    def knock():
        with socket.socket() as client:
            client.settimeout(60)
            return client.connect_ex(("10.244.1.1", 9))

    assert netns.in_namespace(POD, knock) == errno.ECONNREFUSED


def test_doing_all_again_changes_nothing(built):
    before = built.observe(SCOPE)
    indexes = [link["ifindex"] for link in ip("-n", NODE, "link")]
    built.apply(SCOPE, STEPS)
    assert built.observe(SCOPE) == before
    assert [link["ifindex"] for link in ip("-n", NODE, "link")] == indexes


@pytest.mark.parametrize("done", range(len(STEPS) + 1))
def test_a_crash_after_any_step_is_healed_by_doing_all(network, done):
    network.apply(SCOPE, STEPS[:done])
    network.apply(SCOPE, STEPS)
    assert network.observe(SCOPE).by_name[NODE].links == {BRIDGE, NEAR}


def test_steps_are_told_one_by_one_when_somebody_listens(network):
    told = []
    LinuxNetwork(on_step=lambda: told.append(len(network.observe(SCOPE).namespaces))).apply(SCOPE, STEPS[:2])
    assert told == [1, 2]


DELETIONS = (
    DeleteRoute(netns=POD, route=DEFAULT),
    DeleteRoute(netns=POD, route=ON_LINK),
    DeleteAddress(netns=POD, address=ADDRESS),
    DeleteLink(netns=NODE, name=NEAR.name),
    DeleteLink(netns=NODE, name="cni0"),
    DeleteNamespace(netns=POD),
    DeleteNamespace(netns=NODE),
)


def test_deletions_delete_and_may_be_repeated(built):
    for step in DELETIONS:
        built.apply(SCOPE, [step, step])
    built.apply(SCOPE, DELETIONS)
    assert built.observe(SCOPE).namespaces == frozenset()
    assert not Path(f"/run/netns/{NODE}").exists()


def test_many_links_go_in_one_message(built):
    built.apply(SCOPE, [DeleteLink(netns=NODE, name=name) for name in (NEAR.name, "not-there", "cni0")])
    assert [link["ifname"] for link in ip("-n", NODE, "link")] == ["lo"]


def test_half_made_links_without_alias_are_finished(built):
    for name, link in ((NODE, NEAR.name), (POD, "eth0"), (NODE, "cni0")):
        subprocess.run(["ip", "-n", name, "link", "set", link, "alias", ""], check=True)
    assert built.observe(SCOPE).by_name[NODE].links == frozenset()
    built.apply(SCOPE, STEPS)
    assert built.observe(SCOPE).by_name[NODE].links == {BRIDGE, NEAR}
    assert built.observe(SCOPE).by_name[POD].links == {FAR}


def test_a_link_that_is_down_is_not_there_and_comes_up_again(built):
    subprocess.run(["ip", "-n", POD, "link", "set", "eth0", "down"], check=True)
    assert built.observe(SCOPE).by_name[NODE].links == {BRIDGE}
    built.apply(SCOPE, STEPS)
    seen = built.observe(SCOPE).by_name
    assert (seen[NODE].links, seen[POD].routes) == ({BRIDGE, NEAR}, {ON_LINK, DEFAULT})


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param(replace(NEAR, mtu=1400), id="mtu"),
        pytest.param(replace(NEAR, mac="02:00:00:00:00:99"), id="mac"),
        pytest.param(replace(NEAR, peer_mac="02:00:00:00:00:98"), id="mac of the peer"),
        pytest.param(replace(NEAR, peer_netns=OTHER), id="namespace of the peer"),
        pytest.param(replace(NEAR, master=None), id="no bridge"),
        pytest.param(replace(NEAR, name="vethnew"), id="a pair with another near name takes the far name over"),
    ],
)
def test_our_own_link_with_other_properties_is_replaced(built, changed):
    built.apply(SCOPE, [CreateNamespace(netns=OTHER, alias=MARK), AddLink(netns=NODE, link=changed)])
    assert built.observe(SCOPE).by_name[NODE].links == {BRIDGE, changed}


def test_a_pod_made_again_at_once_gets_its_link(built):
    for _ in range(5):
        again = [step for step in STEPS if step.netns == POD or isinstance(step, AddLink)]
        built.apply(SCOPE, [DeleteNamespace(netns=POD), *again])
        assert built.observe(SCOPE).by_name[POD].links == {FAR}


def test_an_address_with_other_flags_and_a_route_to_the_same_place_are_replaced(built):
    address, route = replace(ADDRESS, noprefixroute=False), Route(destination="10.9.0.0/16", dev="eth0")
    built.apply(SCOPE, [AddAddress(netns=POD, address=address), AddRoute(netns=POD, route=route)])
    route = replace(route, via="10.244.1.1")
    built.apply(SCOPE, [AddRoute(netns=POD, route=route)])
    seen = built.observe(SCOPE).by_name[POD]
    assert (seen.addresses, route in seen.routes) == ({address}, True)


def test_what_users_add_is_neither_seen_nor_touched(built):
    subprocess.run(["ip", "-n", POD, "link", "add", "user0", "type", "bridge"], check=True)
    subprocess.run(["ip", "-n", POD, "addr", "add", "192.0.2.1/24", "dev", "user0"], check=True)
    subprocess.run(["ip", "-n", POD, "route", "add", "198.51.100.0/24", "via", "10.244.1.1"], check=True)
    seen = built.observe(SCOPE).by_name[POD]
    assert (seen.links, seen.addresses, seen.routes) == ({FAR}, {ADDRESS}, {ON_LINK, DEFAULT})
    built.apply(SCOPE, [DeleteRoute(netns=POD, route=Route(destination="198.51.100.0/24", dev="eth0", via="10.244.1.1"))])
    assert "198.51.100.0/24" in [route["dst"] for route in ip("-n", POD, "route")]
    for step in (DeleteLink(netns=POD, name="user0"), AddLink(netns=POD, link=replace(BRIDGE, name="user0"))):
        with pytest.raises(KernelError, match=r"t2\.default\.web: .*lab's"):
            built.apply(SCOPE, [step])
    assert ip("-n", POD, "link", "show", "user0")


def test_a_namespace_of_somebody_else_is_neither_seen_nor_touched(network):
    subprocess.run(["ip", "netns", "add", POD], check=True)
    try:
        assert network.observe(SCOPE).namespaces == frozenset()
        for step in (
            CreateNamespace(netns=POD, alias=MARK),
            DeleteNamespace(netns=POD),
            SetSysctl(netns=POD, sysctl=Sysctl(key="net.ipv4.ip_forward", value="1")),
            ApplyNft(netns=POD, change=TableChange(first="table inet netlab")),
        ):
            with pytest.raises(KernelError, match="somebody else"):
                network.apply(SCOPE, [step])
        assert Path(f"/run/netns/{POD}").exists()
    finally:
        subprocess.run(["ip", "netns", "del", POD], check=True)


@pytest.mark.parametrize(
    ("step", "message"),
    [
        pytest.param(AddAddress(netns=OTHER, address=ADDRESS), "ip -n t2.default.db addr add .*: t2.default.db: no such network namespace", id="no namespace"),
        pytest.param(AddAddress(netns=POD, address=replace(ADDRESS, dev="eth9")), "dev eth9 .*: t2.default.web: No such device", id="no link"),
        pytest.param(AddRoute(netns=POD, route=Route(destination="default", dev="eth0", via="10.99.0.1")), "route replace .*: Network is unreachable", id="no way"),
        pytest.param(AddLink(netns=NODE, link=replace(NEAR, name="vethx", master="cni9")), "no bridge cni9", id="no bridge"),
        pytest.param(AddLink(netns=NODE, link=replace(NEAR, name="vethx", peer_netns=OTHER)), "peer t2.default.db: no such", id="no peer"),
        pytest.param(CreateNamespace(netns="t2.not.ours", alias=MARK), "not in the scope", id="out of scope"),
        pytest.param(DeleteNamespace(netns="t2.not.ours"), "not in the scope", id="deletion out of scope"),
        pytest.param(CreateNamespace(netns=OTHER, alias="netlab other"), "is not this lab's", id="foreign mark"),
        pytest.param(SetSysctl(netns=POD, sysctl=Sysctl(key="net.ipv4.no_such", value="1")), "sysctl -w .*: No such file", id="no parameter"),
        pytest.param(SetSysctl(netns=POD, sysctl=Sysctl(key="kernel.hostname", value="x")), "no parameter of a network namespace", id="not of the network"),
        pytest.param(SetSysctl(netns=POD, sysctl=Sysctl(key="net.//.//.kernel.hostname", value="x")), "no parameter", id="a way out"),
        pytest.param(ApplyNft(netns=NODE, change=TableChange(first="add rule inet netlab nope accept")), r"nft -f - .*t2.node-1: line:1:.* No such file", id="nft"),
    ],
)  # fmt: skip
def test_a_refusal_names_step_namespace_and_reason(built, step, message):
    with pytest.raises(KernelError, match=message):
        built.apply(SCOPE, [step])


def test_large_scripts_are_run_side_by_side(built, monkeypatch):
    monkeypatch.setattr(nft, "LARGE", 0)
    rules = "add table inet netlab\nadd set inet netlab s { type ipv4_addr; }"
    built.apply(SCOPE, [ApplyNft(netns=name, change=TableChange(first=rules)) for name in (NODE, POD)])
    found = built.observe(SCOPE).by_name
    assert [[item.name for item in found[name].table.sets] for name in (NODE, POD)] == [["s"], ["s"]]
    refused = [
        ApplyNft(netns=NODE, change=TableChange(first="add table inet netlab")),
        ApplyNft(netns=POD, change=TableChange(first="add rule inet netlab nope accept")),
    ]
    with pytest.raises(KernelError, match=r"t2.default.web: line:1:.* No such file"):
        built.apply(SCOPE, refused)


def test_parameter_of_a_missing_module_counts_as_what_the_machine_does_anyway(built, monkeypatch):
    key = "net.nosuch.parameter"
    monkeypatch.setitem(UNLESS_PRESENT, key, "0")
    assert read(key) == "0"
    built.apply(SCOPE, [SetSysctl(netns=POD, sysctl=Sysctl(key=key, value="0"))])
    with pytest.raises(KernelError, match=key):
        built.apply(SCOPE, [SetSysctl(netns=POD, sysctl=Sysctl(key=key, value="1"))])


def test_this_machine_is_ready(network):
    network.prepare()


def test_hundred_pod_networks_are_made_and_seen_whole(network):
    pods = [NetnsName(f"t2.many.p{number}") for number in range(100)]
    scope = Scope(mark=MARK, names=frozenset({NODE, *pods}))

    def near(number):
        return replace(NEAR, name=f"veth{number}", mac=f"02:00:00:00:01:{number:02x}", peer_netns=pods[number])

    steps = [CreateNamespace(netns=name, alias=MARK) for name in (NODE, *pods)]
    steps += [AddLink(netns=NODE, link=BRIDGE), *(AddLink(netns=NODE, link=near(number)) for number in range(100))]
    steps += [AddAddress(netns=pod, address=ADDRESS) for pod in pods]
    steps += [AddRoute(netns=pod, route=route) for pod in pods for route in (ON_LINK, DEFAULT)]
    try:
        network.apply(scope, steps)
        seen = network.observe(scope).by_name
        assert seen[NODE].links == {BRIDGE, *(near(number) for number in range(100))}
        assert {link.peer_name for pod in pods for link in seen[pod].links} == {near(number).name for number in range(100)}
    finally:
        network.apply(scope, [DeleteNamespace(netns=name) for name in scope.names])
