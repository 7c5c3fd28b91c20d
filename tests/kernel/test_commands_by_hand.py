"""Law 7: every change prints as the line that does it by hand. Here the lines are what does it, and the result is the same."""

from __future__ import annotations

import os
import subprocess

import pytest

from netlab.desired.addons import nodes
from netlab.desired.assign import assign
from netlab.desired.assignments import Assignments
from netlab.desired.compile import compile_net, mark
from netlab.kernel.linux import LinuxNetwork
from netlab.kernel.port import Scope
from netlab.model.container import Container
from netlab.model.lab import Cluster, Lab, LabSpec, NodeTemplate
from netlab.model.meta import ObjectMeta
from netlab.model.pod import Pod, PodSpec
from netlab.model.pod_status import ContainerStatus, PodStatus
from netlab.model.service import Service, ServicePort, ServiceSpec
from netlab.netstate.state import NetState
from netlab.plan.diff import diff

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.skipif(os.environ.get("NETLAB_TEST_VM") != "1", reason="touches Linux: run scripts/test, which plays the VM"),
]
UID = "0f0e0d0c-by-hand"


def a_cluster(pods: int, **more) -> Cluster:
    """Two Nodes, some running Pods, a NodePort Service in front of them; `more` of the LabSpec."""
    spec = LabSpec(nodes=(NodeTemplate(name="node-1"), NodeTemplate(name="node-2")), **more)
    lab = Lab(metadata=ObjectMeta(name="tbyhand", uid=UID), spec=spec)
    running = PodStatus(phase="Running", container_statuses=(ContainerStatus(name="c", state="running", ready=True),))
    found = [
        Pod(
            metadata=ObjectMeta(name=f"p{n}", namespace="default", uid=f"u{n}", labels={"app": "x"}),
            spec=PodSpec(containers=(Container(name="c", image="host", command=("true",)),)),
            status=running,
        )
        for n in range(pods)
    ]
    port = ServicePort(port=80, target_port=8080, node_port=30080)
    service = Service(
        metadata=ObjectMeta(name="s", namespace="default", uid="us"),
        spec=ServiceSpec(type="NodePort", selector={"app": "x"}, ports=(port,)),
    )
    return Cluster(lab=lab).with_objects([*nodes(spec), *found, service])


def by_hand(plan) -> None:
    """Run the whole printed plan as the shell script that it is."""
    done = subprocess.run(["sh", "-e"], input=str(plan), capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{plan}\n{done.stderr}"


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param([(2, {}), (3, {}), (1, {}), (0, {})], id="Pods come and go"),
        pytest.param([(1, {"network": word}) for word in ("vxlan", "host-gw", "vxlan")], id="a tunnel comes and goes"),
        pytest.param([(1, {"ip_family": "dual", "network": word}) for word in ("host-gw", "vxlan")], id="for both families"),
    ],
)
def test_printed_commands_do_what_the_steps_do(rows):
    network, assignments = LinuxNetwork(), Assignments()
    observed, states = NetState(), []
    try:
        for pods, more in rows:
            cluster = a_cluster(pods, **more)
            assignments = assign(cluster, assignments)
            states.append(compile_net(cluster, assignments))
            scope = Scope(mark=mark(UID), names=frozenset(name for state in states for name in state.by_name))
            by_hand(diff(states[-1], observed, scope.mark))
            observed = network.observe(scope)
            assert str(diff(states[-1], observed, scope.mark)) == "# 0 changes"
    finally:
        by_hand(diff(NetState(), network.observe(scope), scope.mark))
    assert network.observe(scope) == NetState()
