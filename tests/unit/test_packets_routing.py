"""Routes, addresses and neighbours of the walk, as Linux has them: rows of (question, answer)."""

import pytest

from netlab.netstate.links import Address, Bridge, Route, Sysctl, Veth
from netlab.netstate.names import IfName, NetnsName
from netlab.netstate.state import Namespace, NetState
from netlab.packets.links import Links
from netlab.packets.routing import LOCAL, UNICAST, UNSPEC, CannotWalk, Routes
from tests.walked import NODE_1, NODE_2, OUTSIDE, A, B, C, walked_lab

ROUTER = Namespace(
    name=NetnsName("router"),
    addresses=frozenset(
        {
            Address(dev="eth0", address="172.18.0.2/16", noprefixroute=True),
            Address(dev="eth0", address="192.0.2.1/24"),
            Address(dev="eth0", address="fd00:18::2/64"),
            Address(dev="lo", address="203.0.113.0/24"),
            Address(dev="lo", address="198.51.100.1/24", noprefixroute=True),
        }
    ),
    routes=frozenset(
        {
            Route(destination="10.244.0.0/16", dev="eth0", via="172.18.0.1"),
            Route(destination="10.244.1.0/24", dev="cni0"),
            Route(destination="10.244.1.7", dev="eth1"),
            Route(destination="default", dev="eth0", via="172.18.0.254"),
            Route(destination="fd00:244::/64", dev="cni0"),
            Route(destination="default", dev="eth0", via="fd00:18::1"),
        }
    ),
    sysctls=frozenset({Sysctl(key="net.ipv4.ip_forward", value="1"), Sysctl(key="net.ipv6.conf.all.forwarding", value="0")}),
)

WAYS = [
    pytest.param("10.244.1.5", "10.244.1.0/24 dev cni0", id="the longest prefix"),
    pytest.param("10.244.1.7", "10.244.1.7 dev eth1", id="a route to one address is longer"),
    pytest.param("10.244.2.5", "10.244.0.0/16 via 172.18.0.1 dev eth0", id="a shorter prefix"),
    pytest.param("8.8.8.8", "default via 172.18.0.254 dev eth0", id="the default route"),
    pytest.param("172.18.0.2", "local 172.18.0.2 dev eth0", id="an own address"),
    pytest.param("172.18.0.3", "default via 172.18.0.254 dev eth0", id="noprefixroute: the subnet has no route"),
    pytest.param("192.0.2.9", "192.0.2.0/24 dev eth0", id="an address makes a route to its subnet"),
    pytest.param("203.0.113.77", "local 203.0.113.0/24 dev lo", id="on lo the whole subnet is local"),
    pytest.param("198.51.100.7", "default via 172.18.0.254 dev eth0", id="but not with noprefixroute"),
    pytest.param("127.0.0.5", "local 127.0.0.0/8 dev lo", id="loopback"),
    pytest.param("::1", "local ::1/128 dev lo", id="loopback of IPv6"),
    pytest.param("fd00:244::5", "fd00:244::/64 dev cni0", id="IPv6"),
    pytest.param("2001:db8::1", "default via fd00:18::1 dev eth0", id="each family has its default route"),
]


@pytest.mark.parametrize(("address", "route"), WAYS)
def test_ways(address, route):
    assert Routes(ROUTER).find(address).text == route


def test_no_way():
    assert Routes(Namespace(name=NetnsName("alone"))).find("10.0.0.1") is None


@pytest.mark.parametrize("address", ["192.0.2.255", "172.18.255.255", "224.0.0.1", "ff02::1"])
def test_many_receivers_are_not_walked_to(address):
    with pytest.raises(CannotWalk, match="many receivers"):
        Routes(ROUTER).find(address)


SOURCES = [
    ("10.244.2.5", "172.18.0.2", "of the subnet of the next hop"),
    ("192.0.2.9", "192.0.2.1", "of the subnet of the destination"),
    ("172.18.0.2", "172.18.0.2", "itself"),
    ("127.0.0.1", "127.0.0.1", "loopback itself"),
    ("10.244.1.7", "172.18.0.2", "of another interface, as eth1 has none"),
    ("2001:db8::1", "fd00:18::2", "of the family"),
]


@pytest.mark.parametrize(("to", "source", "why"), SOURCES)
def test_sources(to, source, why):
    routes = Routes(ROUTER)
    assert routes.source_for(routes.find(to), to) == source, why


@pytest.mark.parametrize(
    ("address", "dev", "kind"),
    [
        ("172.18.0.2", "", LOCAL),
        ("172.18.0.2", "eth0", LOCAL),
        ("172.18.0.2", "lo", UNSPEC),
        ("10.244.1.5", "", UNICAST),
        ("10.244.1.5", "cni0", UNICAST),
        ("10.244.1.5", "eth0", UNICAST),
        ("10.244.1.5", "eth9", UNSPEC),
    ],
)
def test_the_type_of_a_route_for_fib(address, dev, kind):
    assert Routes(ROUTER).type_of(address, dev) == kind


def test_forwarding_is_said_for_each_family():
    assert (Routes(ROUTER).forwards(4), Routes(ROUTER).forwards(6)) == (True, False)
    assert not Routes(Namespace(name=NetnsName("plain"))).forwards(4)


@pytest.mark.parametrize(
    ("source", "looks_forged"), [("172.18.0.2", True), ("127.0.0.1", True), ("10.0.0.1", False), ("fd00:18::2", False)]
)
def test_own_sources_that_come_in_look_forged(source, looks_forged):
    assert Routes(ROUTER).is_martian(source) == looks_forged


NEIGHBOURS = [
    pytest.param("demo.default.a", "eth0", "10.244.1.1", ("demo.node-1", "cni0"), id="a Pod's Node, behind the bridge"),
    pytest.param("demo.default.a", "eth0", B, ("demo.default.b", "eth0"), id="a Pod on the same bridge"),
    pytest.param("demo.default.a", "eth0", NODE_1, ("demo.node-1", "cni0"), id="Linux answers for all of its addresses"),
    pytest.param("demo.node-1", "cni0", A, ("demo.default.a", "eth0"), id="a Pod, from the bridge"),
    pytest.param("demo.node-1", "eth0", NODE_2, ("demo.node-2", "eth0"), id="another Node, over the fabric"),
    pytest.param("demo.node-1", "eth0", OUTSIDE, ("demo.outside", "eth0"), id="outside"),
    pytest.param("demo.node-1", "eth0", C, None, id="a Pod does not answer on the fabric"),
    pytest.param("demo.node-1", "eth0", NODE_1, None, id="nobody asks himself"),
]


@pytest.mark.parametrize(("netns", "dev", "address", "found"), NEIGHBOURS)
def test_neighbours(build, netns, dev, address, found):
    net = walked_lab(build)
    links = Links(net, {name: Routes(item) for name, item in net.by_name.items()})
    end = links.neighbour(netns, dev, address)
    assert (end and (end.netns, end.dev)) == found


def test_the_ports_between_are_told(build):
    net = walked_lab(build)
    links = Links(net, {name: Routes(item) for name, item in net.by_name.items()})
    end = links.neighbour("demo.node-1", "eth0", NODE_2)
    assert (end.switch, end.ports) == ("demo.fabric", ("node-1", "node-2"))


def test_two_ends_of_a_cable_without_a_bridge():
    def end(name, other):
        veth = Veth(name=IfName("eth0"), mac="", mtu=1500, peer_netns=NetnsName(other), peer_name=IfName("eth0"), peer_mac="")
        own = Address(dev=IfName("eth0"), address=f"192.0.2.{1 if name == 'left' else 2}/24")
        return Namespace(name=NetnsName(name), links=frozenset({veth}), addresses=frozenset({own}))

    net = NetState(namespaces=frozenset({end("left", "right"), end("right", "left")}))
    found = Links(net, {name: Routes(item) for name, item in net.by_name.items()}).neighbour("left", "eth0", "192.0.2.2")
    assert (found.netns, found.switch, found.ports) == ("right", None, ())


def test_a_bridge_without_ports_leads_nowhere_and_a_missing_link_is_said():
    bridge = Bridge(name=IfName("cni0"), mac="", mtu=1500)
    net = NetState(namespaces=frozenset({Namespace(name=NetnsName("node"), links=frozenset({bridge}))}))
    links = Links(net, {name: Routes(item) for name, item in net.by_name.items()})
    assert links.neighbour("node", "cni0", "10.0.0.1") is None
    with pytest.raises(CannotWalk, match="no link eth7"):
        links.neighbour("node", "eth7", "10.0.0.1")
