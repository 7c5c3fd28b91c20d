"""Conditions of a Pod: what it waits for in which order, and since when each of them is as it is."""

from dataclasses import replace

import pytest

from netlab.desired.assignments import PodAssignment
from netlab.desired.conditions import pod_conditions
from netlab.desired.status import pod_status
from netlab.netstate.process import ContainerRun, SandboxStatus
from tests.conftest import pod

BOUND, MADE, STARTED, ENDED, NOW = 1000.0, 1001.0, 1002.0, 1004.0, 1005.0
RUNNING = ContainerRun(name="main", attempt=0, state="running", started_at=STARTED)
OVER = replace(RUNNING, state="exited", exit_code=0, finished_at=ENDED)
HERE = SandboxStatus(uid="u", alive=True, started_at=MADE)
TYPES = ["PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"]


def conditions(sandbox: SandboxStatus | None) -> dict[str, tuple[str, str]]:
    """Type -> status and the second of a condition, of a Pod that was bound at BOUND."""
    item = pod("a", node="node-1", restart_policy="Never")
    item = replace(item, status=replace(item.status, phase="Pending", start_time="1970-01-01T00:16:40Z"))
    found = pod_status(item, PodAssignment(node="node-1", ips=("10.244.1.2",)), sandbox, {}, NOW)
    rows = pod_conditions(replace(item, status=found))
    assert [row.type for row in rows] == TYPES
    return {row.type: (row.status, row.last_transition_time[-3:-1]) for row in rows}


@pytest.mark.parametrize(
    ("sandbox", "expected"),
    [
        pytest.param(None, "False 40, True 40, False 40, False 40, True 40", id="bound, and nothing exists"),
        pytest.param(HERE, "True 41, True 40, False 40, False 40, True 40", id="namespaces and network, no container yet"),
        pytest.param(replace(HERE, runs=(RUNNING,)), "True 41, True 40, True 42, True 42, True 40", id="its container runs"),
        pytest.param(
            replace(HERE, runs=(OVER,)), "True 41, True 40, False 44, False 44, True 40", id="its container has ended"
        ),
        pytest.param(
            replace(HERE, alive=False, runs=(OVER,)),
            "False 44, True 40, False 44, False 44, True 40",
            id="its sandbox has ended too",
        ),
        pytest.param(
            replace(HERE, alive=False, detached=True),
            "False 40, True 40, False 40, False 40, True 40",
            id="its network is gone",
        ),
    ],
)
def test_each_condition_says_since_when_it_is_so(sandbox, expected):
    found = conditions(sandbox)
    assert ", ".join(" ".join(found[kind]) for kind in TYPES) == expected


@pytest.mark.parametrize("message", ["", "0/2 nodes are available"])
def test_a_pod_without_a_node_is_not_scheduled_and_that_is_all(message):
    item = pod("a")
    (found,) = pod_conditions(replace(item, status=replace(item.status, message=message)))
    assert (found.type, found.status, found.reason, found.message) == (
        "PodScheduled", "False", "Unschedulable" if message else "", message,
    )  # fmt: skip
