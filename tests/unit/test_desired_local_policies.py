"""Which Services a policy Local keeps from which Nodes."""

from __future__ import annotations

import pytest

from netlab.desired.assign import assign
from netlab.desired.assignments import Assignments
from netlab.desired.local_policies import unserved
from netlab.desired.power import stop_machines

EXTERNAL, INTERNAL = {"type": "NodePort", "external_traffic_policy": "Local"}, {"internal_traffic_policy": "Local"}


@pytest.mark.parametrize(
    ("nodes", "spec", "found"),
    [
        pytest.param(["node-1"], {}, [], id="policy Cluster"),
        pytest.param(["node-1"], EXTERNAL, [("default/web", "externalTrafficPolicy", ("node-2",))], id="external"),
        pytest.param(["node-2"], INTERNAL, [("default/web", "internalTrafficPolicy", ("node-1",))], id="internal"),
        pytest.param(["node-1", "node-2"], EXTERNAL | INTERNAL, [], id="endpoints everywhere"),
        pytest.param([], EXTERNAL, [], id="endpoints nowhere: refused on every Node, which is another matter"),
        pytest.param(["node-1"], {"external_traffic_policy": "Local"}, [], id="a policy that says nothing of a ClusterIP"),
        pytest.param(["node-1"], {"cluster_ip": "None"} | INTERNAL, [], id="headless"),
    ],
)
def test_unserved(build, nodes, spec, found):
    pods = [build.pod(f"p{n}", node=node) for n, node in enumerate(nodes)]
    cluster = build.cluster(*pods, build.service("web", 80, **spec), build.service("other", 80))
    assert [tuple(item) for item in unserved(cluster, assign(cluster, Assignments()))] == found


def test_a_machine_that_is_off_keeps_nobody_away(build):
    of = stop_machines(build.lab(), ["node-2"], 1_700_000_000.0)
    cluster = build.cluster(build.pod("p", node="node-1"), build.service("web", 80, **EXTERNAL), of=of)
    assert unserved(cluster, assign(cluster, Assignments())) == ()
