"""DaemonSets, played without a lab: which Nodes have a Pod, and how a changed template comes to all of them."""

from dataclasses import replace

import pytest

from netlab.desired.daemonsets import daemon_set_status
from netlab.model.container import Container
from netlab.model.daemon_set import DaemonSet, DaemonSetSpec, DaemonSetUpdateStrategy, RollingUpdateDaemonSet
from netlab.model.meta import LabelSelector, ObjectMeta
from netlab.model.pod import PodSpec
from netlab.model.taint import Taint, Toleration
from netlab.model.workload import PodTemplateSpec, TemplateMeta
from tests.conftest import cluster, lab
from tests.controllers import converged, running

NODES = ("node-1", "node-2", "node-3")
NO_SCHEDULE, NO_EXECUTE = (Taint(key="role", value="db", effect=effect) for effect in ("NoSchedule", "NoExecute"))
BEARS = Toleration(key="role", operator="Exists")


def daemon_set(program="v1", *, strategy=None, **spec):
    containers = (Container(name="main", image="host", command=(program,)),)
    labels = {"app": "watch"}
    template = PodTemplateSpec(metadata=TemplateMeta(labels=labels), spec=PodSpec(containers=containers, **spec))
    return DaemonSet(
        metadata=ObjectMeta(name="watch", namespace="default", uid="d1"),
        spec=DaemonSetSpec(
            selector=LabelSelector(match_labels=labels),
            template=template,
            update_strategy=strategy or DaemonSetUpdateStrategy(),
        ),
    )


def rolling(most):
    return DaemonSetUpdateStrategy(rolling_update=RollingUpdateDaemonSet(max_unavailable=most))


def node_with(found, name, **facts):
    """The cluster with a Node that has other taints or labels, or is cordoned."""
    node = next(node for node in found.nodes if node.metadata.name == name)
    labels = facts.pop("labels", {})
    changed = replace(
        node, spec=replace(node.spec, **facts), metadata=replace(node.metadata, labels={**node.metadata.labels, **labels})
    )
    return found.with_objects([changed])


def rest(found, now=1000.0):
    """The cluster at rest, with all its Pods at work, and those that were to go gone."""
    found = converged(found, now).cluster
    going = [pod.key for pod in found.pods if pod.metadata.deletion_timestamp]
    return found.without(going).with_objects(
        running(pod, now) for pod in found.pods if pod.key not in going and pod.status.phase == "Pending"
    )


def places(found):
    """On which Nodes there is a Pod, and of which template."""
    return sorted(f"{pod.spec.node_name[-1]}{pod.spec.containers[0].command[0]}" for pod in found.pods)


@pytest.mark.parametrize(
    ("spec", "node", "expected"),
    [
        pytest.param({}, {}, "1 2 3", id="every Node"),
        pytest.param({"node_selector": {"disk": "fast"}}, {"labels": {"disk": "fast"}}, "2", id="those with a label"),
        pytest.param({"node_name": "node-3"}, {}, "3", id="one that is named"),
        pytest.param({}, {"taints": (NO_SCHEDULE,)}, "1 3", id="none that forbids it"),
        pytest.param({"tolerations": (BEARS,)}, {"taints": (NO_SCHEDULE,)}, "1 2 3", id="unless it bears that"),
        pytest.param({}, {"unschedulable": True}, "1 2 3", id="a cordoned one too"),
    ],
)
def test_which_nodes_have_a_pod(spec, node, expected):
    found = node_with(cluster(daemon_set(**spec), of=lab(*NODES)), "node-2", **node)
    assert " ".join(place[0] for place in places(rest(found))) == expected


@pytest.mark.parametrize(
    ("taint", "expected"),
    [
        pytest.param(NO_SCHEDULE, ["1v1", "2v1", "3v1"], id="what runs may stay"),
        pytest.param(NO_EXECUTE, ["1v1", "3v1"], id="or is driven away"),
    ],
)
def test_a_taint_that_comes_later(taint, expected):
    found = rest(cluster(daemon_set(), of=lab(*NODES)))
    assert places(rest(node_with(found, "node-2", taints=(taint,)))) == expected


def test_a_node_that_joins_has_a_pod():
    found = rest(cluster(daemon_set(), of=lab("node-1")))
    joined = cluster(of=lab("node-1", "node-2")).with_objects([*found.daemon_sets, *found.pods])
    assert places(rest(joined)) == ["1v1", "2v1"]


def test_a_pod_that_was_deleted_or_has_failed_is_replaced_on_its_node():
    found = rest(cluster(daemon_set(), of=lab(*NODES)))
    first, second, _ = sorted(found.pods, key=lambda pod: pod.spec.node_name)
    failed = replace(second, status=replace(second.status, phase="Failed"))
    assert places(rest(rest(found.without([first.key]).with_objects([failed])))) == ["1v1", "2v1", "3v1"]


@pytest.mark.parametrize(
    ("strategy", "rounds"),
    [
        pytest.param(rolling(1), [1, 2, 3], id="one Node at a time"),
        pytest.param(rolling(2), [2, 3], id="two"),
        pytest.param(rolling("34%"), [2, 3], id="a part, rounded up"),
        pytest.param(DaemonSetUpdateStrategy(type="OnDelete"), [0, 0], id="whenever somebody deletes one"),
    ],
)
def test_a_changed_template_comes_to_all_nodes(strategy, rounds):
    found = rest(cluster(daemon_set(strategy=strategy), of=lab(*NODES)))
    [item] = found.daemon_sets
    found = found.with_objects([replace(item, spec=daemon_set("v2", strategy=strategy).spec)])
    seen = []
    for _ in rounds:
        found = rest(rest(found))  # the old ones go, the new ones come
        seen.append(sum(place.endswith("v2") for place in places(found)))
    assert seen == rounds


def test_those_that_do_not_work_anyway_are_replaced_first():
    found = rest(cluster(daemon_set(strategy=rolling(1)), of=lab(*NODES)))
    [item] = found.daemon_sets
    broken = next(pod for pod in found.pods if pod.spec.node_name == "node-3")
    lame = replace(broken, status=replace(broken.status, container_statuses=(
        replace(broken.status.container_statuses[0], ready=False),
    )))  # fmt: skip
    found = found.with_objects([replace(item, spec=daemon_set("v2", strategy=rolling(1)).spec), lame])
    assert converged(found).doomed(found) == {broken.metadata.name}


def test_counts():
    found = rest(cluster(daemon_set(), of=lab(*NODES)))
    found = node_with(found, "node-2", taints=(NO_SCHEDULE,))
    [item] = found.daemon_sets
    status = daemon_set_status(found, item, found.pods, 2000.0)
    assert (status.desired_number_scheduled, status.current_number_scheduled, status.number_misscheduled) == (2, 2, 1)
    assert (status.number_ready, status.number_available, status.number_unavailable) == (2, 2, 0)
