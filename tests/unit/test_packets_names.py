"""Whose an address is, in words."""

import pytest

from netlab.desired.assign import assign
from netlab.desired.assignments import Assignments
from netlab.netstate.seen import Place
from netlab.packets.names import names_of


@pytest.fixture
def names(build):
    cluster = build.cluster(
        build.pod("web", ports=[("http", 8080)]),
        build.pod("node-1"),
        build.pod("coredns", namespace="kube-system", app="dns"),
        build.pod("bare", host_network=True),
        build.service("shop", build.port(80, 8080, "http", node_port=30080), type="NodePort", cluster_ip="10.96.0.80"),
        build.service("kube-dns", build.port(53, protocol="UDP"), namespace="kube-system", app="dns", cluster_ip="10.96.0.10"),
    )
    made = assign(cluster, Assignments())
    return names_of(cluster, made), made


def address(made, name, namespace="default"):
    return next(bound.ips[0] for key, bound in made.pods.items() if (key.namespace, key.name) == (namespace, name))


@pytest.mark.parametrize(
    ("pod", "namespace", "word"),
    [
        pytest.param("web", "default", "web", id="a Pod of default"),
        pytest.param("coredns", "kube-system", "coredns.kube-system", id="a Pod elsewhere"),
        pytest.param("node-1", "default", "node-1.default", id="a Pod called like a Node"),
        pytest.param("bare", "default", "node-1", id="a Pod in its Node's network has the Node's address"),
    ],
)
def test_pods(names, pod, namespace, word):
    known, made = names
    assert known.of(address(made, pod, namespace)) == word


@pytest.mark.parametrize(
    ("address", "word"),
    [
        ("172.18.0.2", "node-1"), ("10.244.1.1", "node-1"), ("10.244.2.1", "node-2"), ("172.18.0.1", "outside"),
        ("203.0.113.1", "outside"), ("10.96.0.80", "svc/shop"), ("10.96.0.10", "svc/kube-dns.kube-system"), ("192.0.2.1", ""),
    ],
)  # fmt: skip
def test_addresses(names, address, word):
    assert names[0].of(address) == word


@pytest.mark.parametrize(
    ("network", "word"), [pytest.param("vxlan", "node-2", id="vxlan"), pytest.param("host-gw", "", id="host-gw")]
)
def test_the_ends_of_a_tunnel(build, network, word):
    cluster = build.cluster(of=build.lab(network=network))
    assert names_of(cluster, assign(cluster, Assignments())).of("10.244.2.0") == word


@pytest.mark.parametrize(
    ("where", "word"),
    [
        pytest.param(("tcp", "10.96.0.80", 80), "svc/shop", id="ClusterIP"),
        pytest.param(("tcp", "172.18.0.3", 30080), "svc/shop", id="NodePort"),
        pytest.param(("udp", "10.96.0.10", 53), "svc/kube-dns.kube-system", id="another Namespace"),
        pytest.param(("udp", "10.96.0.80", 80), "", id="another protocol"),
        pytest.param(("tcp", "172.18.0.3", 80), "", id="another port"),
    ],
)
def test_services(names, where, word):
    assert names[0].service(*where) == word


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(("tcp", "172.18.0.2", 30080), "172.18.0.2:30080 (svc/shop)", id="a NodePort is the Service's"),
        pytest.param(("tcp", "172.18.0.2", 22), "172.18.0.2:22 (node-1)", id="another port is the Node's"),
        pytest.param(("tcp", "192.0.2.1", 22), "192.0.2.1:22", id="a stranger's"),
        pytest.param(("tcp", "fd00::1", 22), "[fd00::1]:22", id="IPv6"),
    ],
)
def test_endpoints(names, text, expected):
    assert names[0].endpoint(*text) == expected


@pytest.mark.parametrize(
    ("place", "word"),
    [
        (Place("demo.default.web", "eth0"), "web/eth0"),
        (Place("demo.kube-system.coredns", "lo"), "coredns.kube-system/lo"),
        (Place("demo.default.node-1", "eth0"), "node-1.default/eth0"),
        (Place("demo.node-1", "cni0"), "node-1/cni0"),
        (Place("demo.outside", "eth0"), "outside/eth0"),
        (Place("demo.fabric", "node-1"), "fabric/node-1"),
        (Place("somebody", "eth0"), "somebody/eth0"),
    ],
)
def test_places(names, place, word):
    assert names[0].place(place) == word
