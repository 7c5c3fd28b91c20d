"""What a lab that is up can become: more Nodes, other labels; addresses are fixed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from netlab.engine.up import check_change
from netlab.errors import Conflict
from netlab.model.lab import NodeTemplate


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
