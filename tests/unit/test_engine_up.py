"""What a lab that is up can become: more Nodes, other labels; addresses are fixed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from netlab.engine.up import check_change, relabelled
from netlab.errors import Conflict
from netlab.model.lab import NodeTemplate
from netlab.model.meta import ObjectMeta
from netlab.model.node import Node


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param({"pod_subnet": "10.32.0.0/16"}, "podSubnet", id="other addresses"),
        pytest.param({"mtu": 1400}, "mtu", id="other MTU"),
        pytest.param({"nodes": (NodeTemplate(name="node-1"),)}, "node-2", id="a Node less"),
    ],
)
def test_refused(build, change, said):
    before = build.lab()
    with pytest.raises(Conflict, match=said) as error:
        check_change(before, replace(before.spec, **change))
    assert "netlab down --lab demo" in str(error.value)


@pytest.mark.parametrize(
    "nodes",
    [
        pytest.param(("node-1", "node-2"), id="the same"),
        pytest.param(("node-1", "node-2", "node-3"), id="a Node more"),
    ],
)
def test_allowed(build, nodes):
    before = build.lab()
    check_change(before, replace(before.spec, nodes=tuple(NodeTemplate(name=name, labels={"disk": "ssd"}) for name in nodes)))


@pytest.mark.parametrize(
    ("has", "before", "wished", "found"),
    [
        pytest.param({"os": "linux"}, {}, {"os": "linux", "disk": "ssd"}, {"os": "linux", "disk": "ssd"}, id="a new one"),
        pytest.param({"disk": "ssd"}, {"disk": "ssd"}, {"disk": "tape"}, {"disk": "tape"}, id="another value"),
        pytest.param({"disk": "ssd"}, {"disk": "ssd"}, {}, {}, id="taken out of the Lab"),
        pytest.param({"team": "red", "disk": "ssd"}, {"disk": "ssd"}, {}, {"team": "red"}, id="what others set stays"),
    ],
)
def test_labels_of_a_node_that_is_there(has, before, wished, found):
    old, new = (Node(metadata=ObjectMeta(name="node-1", labels=labels)) for labels in (has, wished))
    assert relabelled(old, before, new).metadata.labels == found


def test_the_grace_period_can_be_changed(build):
    before = build.lab()
    check_change(before, replace(before.spec, node_monitor_grace_period=5))
