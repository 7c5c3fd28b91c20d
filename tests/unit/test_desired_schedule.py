"""Which Node a Pod runs on (N20), and what is said if there is none."""

from dataclasses import replace

import pytest

from netlab.desired.addons import nodes
from netlab.desired.schedule import Place, pick_node, place_of
from netlab.desired.tolerations import DEFAULTS, tolerations_of
from netlab.model.container import ContainerPort
from netlab.model.node import NodeSpec
from netlab.model.resources import ResourceRequirements, amounts
from netlab.model.taint import Taint, Toleration, tolerating

NO_MATCH = "0/3 nodes are available: 3 node(s) didn't match Pod's node affinity/selector."
OTHER_NODE = "node(s) didn't match the requested node name"


def places(build, load=None, full=(), taints=None, cordoned=()):
    """Three Nodes; `load` is the number of Pods by Node, `taints` are written as for `netlab taint`."""
    every = nodes(build.lab("node-1", "node-2", "node-3", labels={"node-2": {"disk": "ssd"}}).spec)
    for node in every:
        name = node.metadata.name
        spec = NodeSpec(taints=tuple(map(taint, (taints or {}).get(name, "").split())), unschedulable=name in cordoned)
        yield Place(replace(node, spec=spec), [build.pod("x")] * (load or {}).get(name, 0), name not in full)


def taint(text):
    pair, _, effect = text.partition(":")
    key, _, value = pair.partition("=")
    return Taint(key=key, value=value, effect=effect)


@pytest.mark.parametrize(
    ("wish", "load", "full", "found"),
    [
        pytest.param({}, {}, (), "node-1", id="all are idle: the first"),
        pytest.param({}, {"node-1": 1, "node-2": 1, "node-3": 0}, (), "node-3", id="the least loaded"),
        pytest.param({}, {"node-1": 2, "node-2": 1, "node-3": 1}, (), "node-2", id="equally loaded: the first of them"),
        pytest.param({"node": "node-3"}, {"node-3": 9}, (), "node-3", id="nodeName, whatever its load"),
        pytest.param({"node_selector": {"kubernetes.io/hostname": "node-2"}}, {"node-2": 5}, (), "node-2", id="by hostname"),
        pytest.param({"node_selector": {"disk": "ssd"}}, {}, (), "node-2", id="by a label of its own"),
        pytest.param({}, {}, ("node-1",), "node-2", id="a full one is passed over"),
    ],
)
def test_a_node_is_picked(build, wish, load, full, found):
    assert pick_node(build.pod("web", **wish), list(places(build, load, full))) == (found, "")


@pytest.mark.parametrize(
    ("wish", "full", "reason"),
    [
        pytest.param({"node": "node-9"}, (), f"0/3 nodes are available: 3 {OTHER_NODE}.", id="a Node nobody knows"),
        pytest.param({"node_selector": {"disk": "tape"}}, (), NO_MATCH, id="a label no Node has"),
        pytest.param(
            {"node": "node-1", "node_selector": {"kubernetes.io/hostname": "node-2"}},
            (),
            f"0/3 nodes are available: 1 node(s) didn't match Pod's node affinity/selector, 2 {OTHER_NODE}.",
            id="wishes that contradict",
        ),
        pytest.param(
            {"node": "node-2"},
            ("node-2",),
            f"0/3 nodes are available: 1 node(s) have no free Pod address, 2 {OTHER_NODE}.",
            id="the only one that fits is full",
        ),
    ],
)
def test_no_node_fits(build, wish, full, reason):
    assert pick_node(build.pod("web", **wish), list(places(build, full=full))) == ("", reason)


EQUAL = Toleration(key="gpu", value="yes", effect="NoSchedule")
ALL = Toleration(operator="Exists")


@pytest.mark.parametrize(
    ("toleration", "tainted", "is_tolerated"),
    [
        pytest.param(EQUAL, "gpu=yes:NoSchedule", True, id="equal, which is meant without an operator"),
        pytest.param(EQUAL, "gpu=no:NoSchedule", False, id="another value"),
        pytest.param(EQUAL, "gpu=yes:NoExecute", False, id="another effect"),
        pytest.param(EQUAL, "disk=yes:NoSchedule", False, id="another key"),
        pytest.param(replace(EQUAL, effect=""), "gpu=yes:NoExecute", True, id="no effect means all"),
        pytest.param(replace(EQUAL, operator="Equal", value=""), "gpu:NoSchedule", True, id="a taint without a value"),
        pytest.param(replace(EQUAL, operator="Exists", value=""), "gpu=no:NoSchedule", True, id="Exists: any value"),
        pytest.param(replace(EQUAL, operator="Exists", value=""), "disk=no:NoSchedule", False, id="Exists: of this key"),
        pytest.param(ALL, "disk=no:NoExecute", True, id="Exists without a key: every taint"),
        pytest.param(Toleration(), "disk:NoExecute", False, id="no key without Exists: none"),
    ],
)
def test_a_toleration_bears_a_taint(toleration, tainted, is_tolerated):
    assert (tolerating((toleration,), taint(tainted)) is toleration) is is_tolerated


@pytest.mark.parametrize(
    ("own", "shown"),
    [
        pytest.param((), DEFAULTS, id="two that every Pod has"),
        pytest.param((EQUAL,), (EQUAL, *DEFAULTS), id="behind its own"),
        pytest.param((ALL,), (ALL,), id="none for a Pod that tolerates everything"),
        pytest.param((replace(DEFAULTS[0], toleration_seconds=5),), (replace(DEFAULTS[0], toleration_seconds=5), DEFAULTS[1]), id="other seconds"),
        pytest.param((replace(DEFAULTS[1], effect="NoSchedule"),), (replace(DEFAULTS[1], effect="NoSchedule"), *DEFAULTS), id="another effect is another matter"),
    ],
)  # fmt: skip
def test_every_pod_tolerates_lost_nodes_for_five_minutes(build, own, shown):
    assert tolerations_of(build.pod("web", tolerations=own)) == shown


GPU = {"node-1": "gpu=yes:NoSchedule"}
EVERYWHERE = {f"node-{n}": "gpu=yes:NoSchedule" for n in (1, 2, 3)}


@pytest.mark.parametrize(
    ("wish", "nodes_are", "found"),
    [
        pytest.param({}, {"taints": GPU}, "node-2", id="a tainted Node is left out"),
        pytest.param({"tolerations": (EQUAL,)}, {"taints": GPU}, "node-1", id="unless the Pod tolerates it"),
        pytest.param({"node": "node-1"}, {"taints": GPU}, "node-1", id="or names the Node"),
        pytest.param({}, {"taints": {"node-1": "gpu:NoExecute"}}, "node-2", id="NoExecute forbids as well"),
        pytest.param({}, {"taints": {"node-1": "gpu:PreferNoSchedule"}, "load": {"node-2": 5, "node-3": 6}}, "node-2", id="preferred not to: a busy one is better"),
        pytest.param({}, {"taints": {f"node-{n}": "gpu:PreferNoSchedule" for n in (1, 2, 3)}, "load": {"node-1": 1}}, "node-2", id="preferred not to, but all are so"),
        pytest.param({}, {"cordoned": ["node-1"]}, "node-2", id="a cordoned one is left out"),
        pytest.param({"node": "node-1"}, {"cordoned": ["node-1"]}, "node-1", id="cordoned, but named"),
        pytest.param({"tolerations": (ALL,)}, {"cordoned": ["node-1"]}, "node-1", id="cordoned, but all is tolerated"),
        pytest.param({}, {"taints": EVERYWHERE}, "0/3 nodes are available: 3 node(s) had untolerated taint {gpu: yes}.", id="all are tainted"),
        pytest.param({}, {"taints": GPU, "cordoned": ["node-2", "node-3"]}, "0/3 nodes are available: 1 node(s) had untolerated taint {gpu: yes}, 2 node(s) were unschedulable.", id="each for its own reason"),
        pytest.param({"node_selector": {"disk": "ssd"}}, {"cordoned": ["node-2"]}, "0/3 nodes are available: 1 node(s) were unschedulable, 2 node(s) didn't match Pod's node affinity/selector.", id="of several reasons against a Node the first"),
    ],
)  # fmt: skip
def test_taints_and_cordons_keep_pods_away(build, wish, nodes_are, found):
    name, reason = pick_node(build.pod("web", **wish), list(places(build, **nodes_are)))
    assert (name or reason) == found


def asking(build, cpu, memory="0"):
    made = build.pod("web")
    container = replace(made.spec.containers[0], resources=ResourceRequirements(requests={"cpu": cpu, "memory": memory}))
    return replace(made, spec=replace(made.spec, containers=(container,)))


@pytest.mark.parametrize(
    ("cpu", "memory", "on_first", "found"),
    [
        pytest.param("2", "1Gi", [], "node-1", id="all there is"),
        pytest.param("500m", "0", ["1500m"], "node-2", id="as much as is left, on the one with fewer Pods"),
        pytest.param("2", "0", ["1m"], "node-2", id="one thousandth is missing"),
        pytest.param("2001m", "0", [], "0/2 nodes are available: 2 Insufficient cpu.", id="more than any Node has"),
        pytest.param(
            "3", "2Gi", [], "0/2 nodes are available: 2 Insufficient cpu, 2 Insufficient memory.", id="everything is short"
        ),
        pytest.param("0", "0", ["3"], "node-2", id="who asks for nothing is never refused"),
    ],
)
def test_a_pod_gets_what_it_asks_for(build, cpu, memory, on_first, found):
    room = amounts({"cpu": "2", "memory": "1Gi"})
    first, second = nodes(build.lab().spec)
    spots = [place_of(first, [asking(build, one) for one in on_first], room), place_of(second, [], room)]
    name, reason = pick_node(asking(build, cpu, memory), spots)
    assert (name or reason) == found


def test_what_one_pod_was_promised_the_next_does_not_get(build):
    (node, _) = nodes(build.lab().spec)
    place = place_of(node, [], amounts({"cpu": "1"}))
    pod = asking(build, "600m")
    assert pick_node(pod, [place]) == ("node-1", "")
    assert pick_node(pod, [place.with_pod(pod)]) == ("", "0/1 nodes are available: 1 Insufficient cpu.")


def wanting(build, *ports):
    """A Pod that wants these ports of its Node: (number, protocol, hostIP)."""
    made = build.pod("web")
    given = tuple(ContainerPort(container_port=80, host_port=port, protocol=kind, host_ip=ip) for port, kind, ip in ports)
    return replace(made, spec=replace(made.spec, containers=(replace(made.spec.containers[0], ports=given),)))


@pytest.mark.parametrize(
    ("there", "wanted", "fits"),
    [
        pytest.param((80, "TCP", ""), (80, "TCP", ""), False, id="the same port"),
        pytest.param((80, "TCP", ""), (81, "TCP", ""), True, id="another number"),
        pytest.param((80, "TCP", ""), (80, "UDP", ""), True, id="another protocol"),
        pytest.param((80, "TCP", "10.0.0.1"), (80, "TCP", "10.0.0.2"), True, id="another address"),
        pytest.param((80, "TCP", "10.0.0.1"), (80, "TCP", "10.0.0.1"), False, id="the same address"),
        pytest.param((80, "TCP", "10.0.0.1"), (80, "TCP", "0.0.0.0"), False, id="every address"),
        pytest.param((80, "TCP", ""), (80, "TCP", "10.0.0.1"), False, id="all addresses are taken"),
        pytest.param((0, "TCP", ""), (0, "TCP", ""), True, id="no port is wanted"),
    ],
)
def test_a_port_of_a_node_is_one_pods(build, there, wanted, fits):
    (node, _) = nodes(build.lab().spec)
    found = pick_node(wanting(build, wanted), [Place(node, [wanting(build, there)])])
    why = "0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports."
    assert found == (("node-1", "") if fits else ("", why))


def test_a_pod_in_its_nodes_network_has_all_ports_it_names_and_needs_no_address(build):
    (node, _) = nodes(build.lab().spec)
    own = build.pod("web", ports=(("http", 80),), host_network=True)
    place = Place(node, [wanting(build, (80, "TCP", ""))], has_address=False)
    assert pick_node(own, [place])[1].endswith("didn't have free ports for the requested pod ports.")
    assert pick_node(own, [place._replace(pods=())]) == ("node-1", "")
