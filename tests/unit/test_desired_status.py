"""Pod status from what the runtime saw (N21-N24)."""

from dataclasses import replace

import pytest

from netlab.desired.assignments import PodAssignment
from netlab.desired.restarts import Backoff
from netlab.desired.status import end_reason, pod_status
from netlab.model.container import Container
from netlab.model.lifecycle import status_word
from netlab.model.meta import ObjectMeta
from netlab.model.pod import Pod, PodSpec
from netlab.model.pod_status import ContainerStateTerminated, ContainerStatus, PodStatus
from netlab.model.times import rfc3339
from netlab.netstate.process import ContainerRun, SandboxStatus

NOW = 1_769_860_800.0  # 2026-01-31T12:00:00Z
BOUND = PodAssignment(node="node-1", ips=("10.244.1.2",))


def pod(policy="Always", phase="Pending", deleted="", containers=("web",)):
    return Pod(
        metadata=ObjectMeta(name="web-0", namespace="shop", uid="u1", deletion_timestamp=deleted),
        spec=PodSpec(containers=tuple(Container(name=name, image="host") for name in containers), restart_policy=policy),
        status=PodStatus(phase=phase),
    )


def run(state, code=None, attempt=0, **more):
    times = {"started_at": NOW - 5} | ({"finished_at": NOW - 2} if state in {"exited", "failed"} else {})
    return ContainerRun(name="web", attempt=attempt, state=state, exit_code=code, **(times | more))


def look(the_pod, *runs, backoff=None, previous=(), **more):
    seen = SandboxStatus(uid="u1", alive=True, runs=runs, previous=previous)
    return pod_status(the_pod, BOUND, seen, {"web": backoff} if backoff else {}, NOW, **more)


WAITS = Backoff(restarts=3, delay_s=40)
TIMES = {"started_at": "2026-01-31T11:59:55Z", "finished_at": "2026-01-31T11:59:58Z"}


@pytest.mark.parametrize(
    ("policy", "the_run", "backoff", "phase", "expected"),
    [
        pytest.param(
            "Always", None, None, "Pending", {"state": "waiting", "reason": "ContainerCreating"}, id="N21 no container yet"
        ),
        pytest.param(
            "Always",
            run("created"),
            None,
            "Pending",
            {"state": "waiting", "reason": "ContainerCreating"},
            id="N21 not started yet",
        ),
        pytest.param(
            "Never",
            run("created", error="leads out"),
            None,
            "Pending",
            {"state": "waiting", "reason": "CreateContainerConfigError", "message": "leads out"},
            id="N21 cannot be made",
        ),
        pytest.param(
            "Always",
            run("running", attempt=2),
            None,
            "Running",
            {"state": "running", "started_at": "2026-01-31T11:59:55Z", "restart_count": 2, "ready": True, "started": True},
            id="N22 runs",
        ),
        pytest.param(
            "Always",
            run("exited", 1, attempt=3),
            WAITS,
            "Running",
            {
                "state": "waiting",
                "reason": "CrashLoopBackOff",
                "message": "back-off 40s restarting failed container=web pod=web-0_shop(u1)",
                "restart_count": 3,
                "last_state": ContainerStateTerminated(exit_code=1, reason="Error", **TIMES),
            },
            id="N22 waits for its restart",
        ),
        pytest.param(
            "Always",
            run("exited", 0),
            None,
            "Running",
            {"state": "terminated", "reason": "Completed", "exit_code": 0, **TIMES},
            id="N22 is about to restart at once",
        ),
        pytest.param(
            "Always",
            run("failed", error="no such file"),
            None,
            "Running",
            {
                "state": "waiting",
                "reason": "RunContainerError",
                "message": "no such file",
                "last_state": ContainerStateTerminated(exit_code=128, reason="StartError", message="no such file", **TIMES),
            },
            id="N22 its program does not start",
        ),
        pytest.param(
            "Never",
            run("exited", 0),
            None,
            "Succeeded",
            {"state": "terminated", "reason": "Completed", "exit_code": 0, **TIMES},
            id="N23 ended with 0",
        ),
        pytest.param(
            "OnFailure",
            run("exited", 0, attempt=3),
            WAITS,
            "Succeeded",
            {"state": "terminated", "reason": "Completed", "exit_code": 0, "restart_count": 3, **TIMES},
            id="N23 ended with 0 after restarts",
        ),
        pytest.param(
            "Never",
            run("exited", 3),
            None,
            "Failed",
            {"state": "terminated", "reason": "Error", "exit_code": 3, **TIMES},
            id="N24 ended with 3",
        ),
        pytest.param(
            "Never",
            run("exited", 3, message="no more disk"),
            None,
            "Failed",
            {"state": "terminated", "reason": "Error", "message": "no more disk", "exit_code": 3, **TIMES},
            id="N24 ended with a message",
        ),
        pytest.param(
            "Never",
            run("exited", 137, oom_killed=True),
            None,
            "Failed",
            {"state": "terminated", "reason": "OOMKilled", "exit_code": 137, **TIMES},
            id="N24 out of memory",
        ),
        pytest.param(
            "Never",
            run("exited"),
            None,
            "Failed",
            {"state": "terminated", "reason": "ContainerStatusUnknown", "exit_code": 137, **TIMES},
            id="N24 nobody saw its end",
        ),
        pytest.param(
            "Never",
            run("failed", error="no such file"),
            None,
            "Failed",
            {"state": "terminated", "reason": "StartError", "message": "no such file", "exit_code": 128, **TIMES},
            id="N24 never started",
        ),
    ],
)
def test_one_container(policy, the_run, backoff, phase, expected):
    status = look(pod(policy), *([the_run] if the_run else []), backoff=backoff)
    assert status.phase == phase
    assert status.container_statuses == (ContainerStatus(name="web", **expected),)


@pytest.mark.parametrize(
    ("newest", "code"),
    [
        pytest.param(run("running", attempt=1), 7, id="of one that runs again, the run before"),
        pytest.param(run("created", attempt=1), 7, id="of one that is about to run"),
        pytest.param(run("exited", 0, attempt=1), 7, id="of one that ended for good, the run before"),
        pytest.param(run("exited", 3, attempt=1), 3, id="of one that waits, the run that just ended"),
    ],
)
def test_the_end_of_the_run_before_is_kept(newest, code):
    waits = Backoff(restarts=1, delay_s=10)
    (status,) = look(pod("OnFailure"), newest, backoff=waits, previous=(run("exited", 7),)).container_statuses
    assert status.last_state.exit_code == code


def test_bound_pod_has_addresses_and_start_time():
    status = pod_status(pod(), BOUND, None, {}, NOW, host_ips=("172.18.0.2",))
    assert (status.pod_ips, status.host_ips, status.start_time) == (("10.244.1.2",), ("172.18.0.2",), "2026-01-31T12:00:00Z")


def test_start_time_is_kept():
    started = replace(pod(), status=PodStatus(start_time="2026-01-01T00:00:00Z"))
    assert look(started).start_time == "2026-01-01T00:00:00Z"


@pytest.mark.parametrize("assignment", [None, PodAssignment(reason="0/3 nodes match nodeSelector disk=ssd")])
def test_unbound_pod_is_pending_without_containers(assignment):
    status = pod_status(pod(), assignment, None, {}, NOW)
    assert (status.phase, status.container_statuses) == ("Pending", ())
    assert status.message == (assignment.reason if assignment else "")


def test_all_containers_in_the_order_of_the_spec():
    status = look(pod(containers=("web", "log")), run("running"))
    assert [(item.name, item.state) for item in status.container_statuses] == [("web", "running"), ("log", "waiting")]
    assert status.phase == "Pending"


def test_missing_config_map_is_the_reason():
    status = look(pod(), config_error='configmap "app" not found')
    assert status.container_statuses[0].reason == "CreateContainerConfigError"
    assert status.container_statuses[0].message == 'configmap "app" not found'


def test_final_status_outlives_its_processes():
    done = look(pod("Never"), run("exited", 0))
    assert pod_status(replace(pod("Never"), status=done), BOUND, None, {}, NOW + 60) == done


def test_final_phase_is_never_left():
    assert look(pod("Never", phase="Failed"), run("running")).phase == "Failed"


def test_deleted_pod_restarts_nothing():
    the_pod = pod(deleted="2026-01-31T12:00:00Z")
    status = look(the_pod, run("exited", 143, attempt=3), backoff=WAITS)
    assert (status.phase, status.container_statuses[0].reason) == ("Failed", "Error")


def test_word_of_a_crash_loop():
    crashing = replace(pod(), status=look(pod(), run("exited", 1, attempt=3), backoff=WAITS))
    assert status_word(crashing) == "CrashLoopBackOff"


def test_times_are_rfc3339():
    assert rfc3339(NOW + 0.9) == "2026-01-31T12:00:00Z"
    assert not rfc3339(0)


def test_out_of_memory_is_named_before_the_exit_code():
    assert end_reason(run("exited", 0, oom_killed=True)) == "OOMKilled"
