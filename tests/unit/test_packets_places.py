"""Where an object's packets are seen."""

import pytest

from netlab.desired.assign import assign
from netlab.desired.assignments import Assignments
from netlab.desired.wiring import pod_port
from netlab.errors import NotFound
from netlab.packets.places import Spot, places, spots_of_pod, spots_of_service


@pytest.fixture
def lab(build):
    pods = [build.pod("a", node="node-1"), build.pod("b", node="node-2"), build.pod("bare", node="node-1", host_network=True)]
    cluster = build.cluster(*pods)
    return pods, assign(cluster, Assignments())


def interfaces(pods):
    ports = {pod.metadata.name: pod_port("demo", pod) for pod in pods}
    return {
        "demo.default.a": ("lo", "eth0"),
        "demo.default.b": ("lo", "eth0"),
        "demo.node-1": ("lo", "eth0", "cni0", ports["a"]),
        "demo.node-2": ("lo", "eth0", "cni0", ports["b"]),
        "demo.outside": ("lo", "eth0"),
    }, ports


def shown(found, ports):
    by_port = {port: f"port of {name}" for name, port in ports.items()}
    return [f"{place.netns.removeprefix('demo.')}/{by_port.get(place.ifname, place.ifname)}" for place in found]


def test_a_pod_is_seen_at_its_eth0(lab):
    pods, made = lab
    known, ports = interfaces(pods)
    assert shown(places(spots_of_pod("demo", pods[0], made), known), ports) == ["default.a/eth0"]


def test_a_pod_in_its_nodes_network_is_seen_there(lab):
    pods, made = lab
    known, ports = interfaces(pods)
    assert shown(places(spots_of_pod("demo", pods[2], made), known), ports) == ["node-1/eth0"]


def test_a_service_is_seen_at_its_pods_and_on_every_node(lab):
    pods, made = lab
    known, ports = interfaces(pods)
    assert shown(places(spots_of_service("demo", pods[:1], made), known), ports) == [
        "default.a/eth0", "node-1/eth0", "node-1/cni0", "node-1/port of a", "node-2/eth0", "node-2/cni0",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("spots", "only", "expected"),
    [
        pytest.param(
            [Spot("demo.node-1")], (), ["node-1/lo", "node-1/eth0", "node-1/cni0", "node-1/port of a"], id="a whole Node"
        ),
        pytest.param([Spot("demo.node-1"), Spot("demo.outside")], ("eth0",), ["node-1/eth0", "outside/eth0"], id="only eth0"),
        pytest.param([Spot("demo.default.a", ("eth0",))], ("lo",), ["default.a/lo"], id="-i instead of what a Pod would be"),
        pytest.param([Spot("demo.outside"), Spot("demo.outside", ("lo",))], (), ["outside/lo", "outside/eth0"], id="each once"),
        pytest.param(
            [Spot("demo.default.gone", ("eth0",)), Spot("demo.outside")], (), ["outside/lo", "outside/eth0"], id="gone"
        ),
    ],
)
def test_interfaces_that_are_there(lab, spots, only, expected):
    known, ports = interfaces(lab[0])
    assert shown(places(spots, known, only), ports) == expected


@pytest.mark.parametrize(
    ("spots", "only", "message"),
    [
        pytest.param(
            [Spot("demo.outside")], ("eth1",), "no interface 'eth1' there; use one of eth0, lo", id="no such interface"
        ),
        pytest.param([Spot("demo.default.gone", ("eth0",))], (), "has no network namespace now", id="no namespace"),
        pytest.param([Spot("demo.default.gone")], ("eth0",), "no interface 'eth0' there; use one of nothing", id="neither"),
    ],
)
def test_nothing_to_look_at(lab, spots, only, message):
    with pytest.raises(NotFound, match=message):
        places(spots, interfaces(lab[0])[0], only)
