"""The timeline of tracked connections, from what the kernel tells and what the lab is."""

import pytest

from netlab.desired.assign import assign
from netlab.desired.assignments import Assignments
from netlab.netstate.conntrack import ConnectionEvent, FlowTuple, TrackedConnection
from netlab.packets.connections import Timeline, is_stale, service_of, serving, state, translations
from netlab.packets.names import Names

NODE = "demo.node-1"
NAMES = Names(
    addresses={"10.244.1.4": "redis", "10.244.1.2": "web", "172.18.0.2": "node-1"},
    services={("tcp", "10.96.0.42", 6379): "svc/redis", ("udp", "10.96.0.10", 53): "svc/dns"},
)
ENDS = {("tcp", "10.96.0.42", 6379): frozenset({"10.244.1.4"}), ("udp", "10.96.0.10", 53): frozenset({"10.244.1.9"})}
ANSWERED, ASSURED, SNAT, DNAT = 1 << 1, 1 << 2, 1 << 4, 1 << 5
ASKED = FlowTuple("tcp", "10.244.1.2", 40000, "10.96.0.42", 6379)
SERVED = FlowTuple("tcp", "10.244.1.4", 6379, "10.244.1.2", 40000)


def entry(original=ASKED, reply=SERVED, status=DNAT, word="SYN_SENT", identity=1):
    return TrackedConnection(original=original, reply=reply, status=status, state=word, identity=identity)


PLAIN = entry(FlowTuple("tcp", "10.244.1.2", 1, "10.0.0.1", 2), FlowTuple("tcp", "10.0.0.1", 2, "10.244.1.2", 1), 0)
PING = entry(FlowTuple("icmp", "10.244.1.2", 7, "10.0.0.1", 8), FlowTuple("icmp", "10.0.0.1", 7, "172.18.0.2", 0), SNAT, "")


def told(*changes):
    """What a timeline says of these changes, a second apart: (word, detail) of each moment."""
    timeline = Timeline(NAMES, ENDS)
    events = (ConnectionEvent(NODE, n * 1_000_000_000, change, one) for n, (change, one) in enumerate(changes))
    return [(moment.word, moment.detail) for event in events for moment in timeline.told(event)]


@pytest.mark.parametrize(
    ("changes", "moments"),
    [
        pytest.param([("new", PLAIN)], [("new", "")], id="new"),
        pytest.param([("new", entry())], [("translated", "DNAT to 10.244.1.4:6379 (redis)")], id="to an endpoint"),
        pytest.param([("new", PING)], [("translated", "SNAT to 172.18.0.2 (node-1)")], id="masqueraded"),
        pytest.param(
            [("new", entry(reply=FlowTuple("tcp", "10.244.1.4", 6379, "172.18.0.2", 61000), status=DNAT | SNAT))],
            [("translated", "DNAT to 10.244.1.4:6379 (redis), SNAT to 172.18.0.2:61000 (node-1)")],
            id="both",
        ),
        pytest.param(
            [("new", PLAIN), ("update", entry(PLAIN.original, PLAIN.reply, ANSWERED, "SYN_RECV"))],
            [("new", ""), ("refreshed", "SYN_RECV, answered")],
            id="answered",
        ),
        pytest.param(
            [("new", PLAIN), ("update", entry(PLAIN.original, PLAIN.reply, ASSURED, "SYN_SENT"))],
            [("new", ""), ("refreshed", "assured")],
            id="assured",
        ),
        pytest.param([("new", PLAIN), ("update", PLAIN)], [("new", "")], id="nothing that is shown"),
        pytest.param([("update", PLAIN)], [("refreshed", "SYN_SENT")], id="one that began before"),
        pytest.param([("new", PLAIN), ("destroy", PLAIN)], [("new", ""), ("gone", "after 1.000 s")], id="gone"),
        pytest.param([("destroy", PLAIN)], [], id="gone, as was told already"),
        pytest.param(
            [("new", PLAIN), ("destroy", PLAIN), ("new", PLAIN)],
            [("new", ""), ("gone", "after 1.000 s"), ("new", "")],
            id="again",
        ),
    ],
)
def test_what_the_kernel_tells(changes, moments):
    assert told(*changes) == moments


def test_an_endpoint_that_goes_leaves_a_stale_connection_which_is_said_once():
    timeline = Timeline(NAMES, ENDS)
    assert timeline.begin(NODE, [entry(), PLAIN], 0) == []
    gone = {**ENDS, ("tcp", "10.96.0.42", 6379): frozenset({"10.244.1.5"})}
    (moment,) = timeline.follow(NAMES, gone, 1)
    assert (moment.word, moment.detail) == ("stale", "10.244.1.4:6379 (redis) is no endpoint of svc/redis any more")
    assert timeline.follow(NAMES, gone, 2) == []
    assert timeline.follow(NAMES, ENDS, 3) == []
    assert len(timeline.follow(NAMES, gone, 4)) == 1


def test_what_is_stale_from_the_beginning_is_said():
    assert [
        moment.word for moment in Timeline(NAMES, ENDS).begin(NODE, [entry(reply=ASKED.answer._replace(source="10.9.9.9"))], 0)
    ] == ["stale"]


def test_what_the_kernel_does_not_tell_is_seen_by_looking():
    timeline = Timeline(NAMES, ENDS)
    timeline.begin(NODE, [entry(identity=1), entry(identity=2)], 0)
    timeline.begin("demo.node-2", [entry(identity=3)], 0)
    moments = timeline.compare(NODE, {1}, 5_000_000_000)
    assert [(moment.word, moment.entry.identity, moment.detail) for moment in moments] == [("gone", 2, "after 5.000 s")]
    assert timeline.compare(NODE, {1}, 6_000_000_000) == []


@pytest.mark.parametrize(
    ("one", "stale"),
    [
        pytest.param(entry(), False, id="its endpoint is there"),
        pytest.param(entry(reply=SERVED._replace(source="10.244.1.5")), True, id="its endpoint is not"),
        pytest.param(entry(reply=SERVED._replace(source="10.244.1.5"), word="TIME_WAIT"), False, id="it has ended"),
        pytest.param(entry(status=0, reply=ASKED.answer), False, id="it is not translated"),
        pytest.param(PLAIN, False, id="to no Service"),
        pytest.param(entry(original=ASKED._replace(protocol="udp")), False, id="to another protocol"),
    ],
)
def test_stale(one, stale):
    assert is_stale(one, ENDS) is stale


@pytest.mark.parametrize(
    ("one", "word"),
    [
        (entry(word="ESTABLISHED"), "ESTABLISHED"),
        (entry(word="", status=ANSWERED), "ANSWERED"),
        (entry(word="", status=0), "UNREPLIED"),
    ],
)
def test_state(one, word):
    assert state(one) == word


def test_services():
    assert (service_of(entry(), NAMES), service_of(PLAIN, NAMES)) == ("svc/redis", "")
    assert list(translations(PLAIN, NAMES)) == []


def test_endpoints_of_a_lab(build):
    pods = [build.pod("a", node="node-1"), build.pod("b", node="node-2")]
    service = build.service("web", build.port(80, 8080, node_port=30080), type="NodePort", cluster_ip="10.96.0.80")
    cluster = build.cluster(*pods, service)
    made = assign(cluster, Assignments())
    ips = {bound.ips[0] for key, bound in made.pods.items() if key.name in {"a", "b"}}
    found = serving(cluster, made)
    assert found["tcp", "10.96.0.80", 80] == ips
    assert found["tcp", "172.18.0.3", 30080] == ips
