"""Which Node a Pod runs on (N20), and what is said if there is none."""

import pytest

from netlab.desired.addons import nodes
from netlab.desired.schedule import pick_node

NO_MATCH = "0/3 nodes are available: 3 node(s) didn't match Pod's node affinity/selector."


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
    every = nodes(build.lab("node-1", "node-2", "node-3", labels={"node-2": {"disk": "ssd"}}).spec)
    assert pick_node(build.pod("web", **wish), every, load, frozenset(full)) == (found, "")


@pytest.mark.parametrize(
    ("wish", "full", "reason"),
    [
        pytest.param({"node": "node-9"}, (), NO_MATCH, id="a Node nobody knows"),
        pytest.param({"node_selector": {"disk": "tape"}}, (), NO_MATCH, id="a label no Node has"),
        pytest.param(
            {"node": "node-1", "node_selector": {"kubernetes.io/hostname": "node-2"}}, (), NO_MATCH, id="wishes that contradict"
        ),
        pytest.param(
            {"node": "node-2"},
            ("node-2",),
            "0/3 nodes are available: 2 node(s) didn't match Pod's node affinity/selector; 1 node(s) have no free Pod address.",
            id="the only one that fits is full",
        ),
    ],
)
def test_no_node_fits(build, wish, full, reason):
    every = nodes(build.lab("node-1", "node-2", "node-3").spec)
    assert pick_node(build.pod("web", **wish), every, {}, frozenset(full)) == ("", reason)
