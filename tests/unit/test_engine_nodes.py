"""A machine dies under its Pods, is noticed, and comes back: the whole engine on Fakes and on a clock of its own."""

from __future__ import annotations

from dataclasses import replace

import pytest

from netlab.cli.describe import describe
from netlab.desired.published import published
from netlab.engine import nodes as nodes_module
from netlab.engine.apply import apply, delete
from netlab.engine.nodes import start_nodes, stop_nodes
from netlab.errors import Conflict, NotFound
from netlab.model.daemon_set import DaemonSet, DaemonSetSpec
from netlab.model.meta import Key, ObjectMeta
from netlab.model.taint import Taint, Toleration
from netlab.store.events import events
from tests.fake_lab import SERVICE, START, a_deployment, a_pod

NODE_2 = Key("Node", "", "node-2")
UNREACHABLE = "node.kubernetes.io/unreachable"


def on(name, node, **spec):
    return a_pod(name, labels={"app": "x"}, node_name=node, **spec)


def two_endpoints(bench):
    """A Service with a Pod on each of two Nodes; returns their endpoints by name."""
    bench.apply(SERVICE, on("one", "node-1"), on("two", "node-2"))
    return {name: f"{bench.pod(name).status.pod_ips[0]} . 80" for name in ("one", "two")}


def stop(bench, *names, after_s=None):
    done = stop_nodes(bench.session, names or ["node-2"], after_s)
    bench.after()
    return done


def start(bench):
    start_nodes(bench.session, ["node-2"])
    return bench.after()


def seen(bench):
    """What `get` would show."""
    store = bench.session.store
    return published(store.cluster(), store.assignments(), 0.0)


def ready(bench, name):
    pod = seen(bench).objects[Key("Pod", "default", name)]
    return next((item.status, item.reason) for item in pod.status.conditions if item.type == "Ready")


def taints(bench, name="node-2"):
    return [str(taint) for taint in seen(bench).objects[Key("Node", "", name)].spec.taints]


def namespaces(bench):
    return {name.partition(".")[2] for name in bench.network.observe(bench.session.scope()).by_name}


def test_a_stopped_machine_has_no_network_and_no_processes_and_stays_so(bench):
    two_endpoints(bench)
    stop(bench)
    uid = bench.pod("two").metadata.uid
    assert not {"node-2", "default.two"} & namespaces(bench)
    assert {"node-1", "default.one"} <= namespaces(bench)
    assert not bench.runtime.sandboxes[uid].alive
    ports = bench.network.observe(bench.session.scope()).by_name["fake.fabric"].links
    assert {str(link.name) for link in ports if link.name.startswith("node-")} == {"node-1", "node-3"}
    assert bench.after().changes == 0


def test_nobody_knows_until_the_grace_period_is_over(bench):
    ends = two_endpoints(bench)
    stop(bench)
    assert bench.after(39).wake_at == START + 40
    assert (bench.word("two"), ready(bench, "two"), taints(bench)) == ("Running", ("True", ""), [])
    assert bench.endpoints() == set(ends.values())
    assert bench.after(1).wake_at == START + 340
    assert (bench.word("two"), ready(bench, "two")) == ("Unknown", ("False", "NodeLost"))
    assert taints(bench) == [f"{UNREACHABLE}:NoSchedule", f"{UNREACHABLE}:NoExecute"]
    assert bench.endpoints() == {ends["one"]}
    assert bench.after().changes == 0


def test_the_events_say_what_happened(bench):
    two_endpoints(bench)
    stop(bench, after_s=5)
    bench.after(5)
    bench.after(300)
    start(bench)
    told = {str(event.about): [] for event in events(bench.session.store)}
    for event in events(bench.session.store):
        told[str(event.about)].append(event.reason)
    assert told["node/node-2"] == [
        "RegisteredNode",
        "NodeNotReady",
        "Starting",
        "NodeReady",
    ]  # the last two for the second time
    assert told["pod/two"] == ["Scheduled", "Started", "NodeNotReady", "TaintManagerEviction"]


def test_pods_come_back_with_their_machine(bench):
    ends = two_endpoints(bench)
    stop(bench)
    bench.after(60)
    bench.runtime.observe()
    start(bench)
    [status] = bench.pod("two").status.container_statuses
    assert (bench.word("two"), status.restart_count) == ("Running", 1)
    assert (status.last_state.exit_code, status.last_state.reason) == (137, "Error")
    assert (taints(bench), ready(bench, "two")) == ([], ("True", ""))
    assert bench.endpoints() == set(ends.values())
    assert "default.two" in namespaces(bench)
    assert bench.after().changes == 0


def test_a_machine_that_comes_back_knows_of_no_back_off(bench):
    two_endpoints(bench)
    for restarts in (1, 2, 3):
        stop(bench)
        start(bench)
        assert (bench.word("two"), bench.pod("two").status.container_statuses[0].restart_count) == ("Running", restarts)


@pytest.mark.parametrize(
    ("policy", "word"), [("Always", "Running"), ("OnFailure", "Running"), ("Never", "Error")]
)  # fmt: skip
def test_restart_policy_says_what_runs_again(bench, policy, word):
    bench.apply(on("two", "node-2", policy=policy))
    stop(bench)
    bench.after(60)
    assert bench.word("two") == "Unknown"
    start(bench)
    assert bench.word("two") == word


def test_pods_are_evicted_after_five_minutes_and_replaced_elsewhere(bench):
    bench.apply(a_deployment(3))
    lost = next(pod for pod in seen(bench).pods if pod.spec.node_name == "node-2" and pod.metadata.namespace == "default")
    name = lost.metadata.name
    stop(bench)
    bench.after(40)
    assert len(bench.names()) == 3
    bench.after(299)
    assert bench.word(name) == "Unknown"
    bench.after(1)
    assert bench.word(name) == "Terminating"
    assert len(bench.names()) == 4
    alive = [pod for pod in seen(bench).pods if pod.metadata.namespace == "default" and pod.metadata.name != name]
    assert {pod.spec.node_name for pod in alive} == {"node-1", "node-3"}
    bench.after(3600)  # nobody there can end it
    assert bench.word(name) == "Terminating"
    start(bench)
    assert name not in bench.names()
    assert len(bench.names()) == 3
    assert bench.after().changes == 0


@pytest.mark.parametrize(
    ("tolerations", "gone_after"),
    [
        pytest.param((Toleration(key=UNREACHABLE, operator="Exists", effect="NoExecute", toleration_seconds=7),), 7, id="for a while"),
        pytest.param((Toleration(key=UNREACHABLE, operator="Exists", effect="NoExecute", toleration_seconds=0),), 0, id="not at all"),
        pytest.param((Toleration(operator="Exists"),), None, id="for ever"),
    ],
)  # fmt: skip
def test_a_pod_says_how_long_it_waits(bench, tolerations, gone_after):
    bench.apply(on("two", "node-2", tolerations=tolerations))
    stop(bench, after_s=10)
    report = bench.after(10)
    if gone_after is None:
        assert report.wake_at is None
        bench.after(10_000)
        assert bench.word("two") == "Unknown"
    else:
        bench.after(max(0, gone_after - 1))
        assert bench.word("two") == ("Unknown" if gone_after else "Terminating")
        bench.after(1)
        assert bench.word("two") == "Terminating"


def test_a_pod_can_be_put_on_a_machine_that_is_off_as_long_as_nobody_knows(bench):
    stop(bench)
    bench.apply(on("two", "node-2"))
    assert (bench.pod("two").status.phase, bench.word("two")) == ("Pending", "Pending")
    bench.after(40)
    assert bench.word("two") == "Pending"
    start(bench)
    assert bench.word("two") == "Running"


def test_only_a_forced_deletion_gets_rid_of_a_pod_on_a_machine_that_is_off(bench):
    two_endpoints(bench)
    stop(bench)
    bench.delete(Key("Pod", "default", "two"))
    bench.after(100)
    assert bench.word("two") == "Terminating"
    bench.delete(Key("Pod", "default", "two"), grace_s=0)
    assert bench.names() == ["one"]


def test_a_node_nobody_has_is_not_found(bench):
    for act in (stop_nodes, start_nodes):
        with pytest.raises(NotFound, match='nodes "node-9" not found'):
            act(bench.session, ["node-1", "node-9"])
    assert bench.session.lab.status.machines == ()


def test_stopping_twice_is_stopping_once(bench):
    assert stop(bench) == ["node-2"]
    assert stop(bench) == []
    assert start_nodes(bench.session, ["node-2"]) == ["node-2"]
    assert start_nodes(bench.session, ["node-2"]) == []


@pytest.mark.parametrize("moment", [0, 20, 40, 100, 340, 1000])
def test_a_stop_that_nobody_saw_through_is_seen_through_by_the_next_one(bench, moment):
    """Law 3: the machine is off as soon as that is stored; whoever looks next, at any time, finds the same."""
    two_endpoints(bench)
    stop_nodes(bench.session, ["node-2"])
    bench.after(moment)  # nobody has looked since
    word = bench.word("two")
    bench.after()
    assert "node-2" not in namespaces(bench)
    assert bench.after().changes == 0
    assert bench.word("two") == word == ("Running" if moment < 40 else "Unknown")


def test_a_crash_between_the_notice_and_its_events_repeats_both(bench, monkeypatch):
    two_endpoints(bench)
    stop(bench)

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(nodes_module, "record", killed)
        with pytest.raises(KeyboardInterrupt):
            bench.after(40)
    assert bench.session.lab.status.machines[0].noticed_at == ""
    bench.after()
    assert bench.reasons().count("NodeNotReady") == 2


def tainted(bench, *items):
    node = bench.session.store.cluster().objects[NODE_2]
    bench.apply(replace(node, spec=replace(node.spec, taints=items)))


def test_no_execute_drives_pods_away_at_once_or_after_their_seconds(bench):
    patient = Toleration(key="maintenance", operator="Exists", effect="NoExecute", toleration_seconds=60)
    bench.apply(on("hasty", "node-2"), on("patient", "node-2", tolerations=(patient,)), on("far", "node-1"))
    tainted(bench, Taint(key="maintenance", effect="NoExecute"))
    assert bench.names() == ["far", "patient"]
    assert bench.after(59).wake_at == START + 60
    assert bench.names() == ["far", "patient"]
    tainted(bench, Taint(key="maintenance", effect="NoExecute"))  # the same again: its time stays
    bench.after(1)
    assert bench.names() == ["far"]
    assert "TaintManagerEviction" in bench.reasons()


def test_no_schedule_leaves_pods_where_they_are(bench):
    bench.apply(on("two", "node-2"))
    tainted(bench, Taint(key="maintenance", effect="NoSchedule"))
    bench.after(1000)
    assert bench.word("two") == "Running"


def test_what_is_shown_can_be_applied_again_and_changes_nothing(bench):
    two_endpoints(bench)
    node = bench.session.store.cluster().objects[NODE_2]
    bench.apply(replace(node, spec=replace(node.spec, unschedulable=True)))
    stop(bench)
    bench.after(40)
    shown = seen(bench)
    assert len(taints(bench)) == 3
    assert [found.verdict for found in apply(bench.session, [shown.objects[NODE_2]])] == ["unchanged"]
    assert [found.verdict for found in apply(bench.session, [seen(bench).objects[Key("Pod", "default", "one")]])] == [
        "unchanged"
    ]


def test_a_stopped_node_is_described_without_a_network(bench):
    stop(bench)
    store = bench.session.store
    page = describe(seen(bench).objects[NODE_2], seen(bench), store.assignments(), bench.time[0])
    assert "Network Namespace:" in page
    assert "fake.node-2" not in page


def test_a_namespace_with_a_pod_on_a_machine_that_is_off_waits_for_it(bench):
    two_endpoints(bench)
    stop(bench)
    delete(bench.session, [Key("Pod", "default", "two")])
    bench.after(31)
    assert bench.names() == ["one", "two"]
    start(bench)
    assert bench.names() == ["one"]


def test_a_cordon_is_told_once_and_keeps_new_pods_away(bench):
    node = bench.session.store.cluster().objects[NODE_2]
    for wished in (True, True, False):
        bench.apply(replace(node, spec=replace(node.spec, unschedulable=wished)))
    told = [event.reason for event in events(bench.session.store) if event.about == NODE_2]
    assert [reason for reason in told if "Schedulable" in reason] == ["NodeNotSchedulable", "NodeSchedulable"]


@pytest.mark.parametrize(
    ("before", "after", "verdict"),
    [
        pytest.param((), (Toleration(operator="Exists"),), "configured", id="a further one"),
        pytest.param((Toleration(operator="Exists"),), (), None, id="one less"),
    ],
)
def test_tolerations_of_a_pod_can_only_be_added(bench, before, after, verdict):
    bench.apply(on("two", "node-2", tolerations=before))
    changed = on("two", "node-2", tolerations=after)
    if verdict is None:
        with pytest.raises(Conflict, match="tolerations added"):
            apply(bench.session, [changed])
    else:
        assert bench.apply(changed) == [verdict]
        tainted(bench, Taint(key="maintenance", effect="NoExecute"))
        assert bench.names() == ["two"]


def test_a_pod_of_a_daemon_set_stays_with_its_lost_node_and_comes_back_with_it(bench):
    wished = a_deployment(1)
    spec = DaemonSetSpec(selector=wished.spec.selector, template=wished.spec.template)
    bench.apply(DaemonSet(metadata=ObjectMeta(name="agent", namespace="default"), spec=spec))
    before = bench.names()
    stop(bench)
    bench.after(40)
    bench.after(10_000)
    assert bench.names() == before
    assert sorted(map(bench.word, before)) == ["Running", "Running", "Unknown"]
    start(bench)
    assert sorted(map(bench.word, bench.names())) == ["Running"] * 3
    assert bench.names() == before
    tainted(bench, Taint(key="maintenance", effect="NoExecute"))
    assert len(bench.names()) == 2
