"""Init containers and sidecars: who may run now, what follows for the processes, and how kubectl calls it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from netlab.desired.assignments import PodAssignment
from netlab.desired.conditions import pod_conditions
from netlab.desired.initializing import due, is_initialized, present_runs, restart_policy
from netlab.desired.restarts import Backoff
from netlab.desired.status import pod_status
from netlab.model.container import Container
from netlab.model.lifecycle import status_word
from netlab.model.meta import ObjectMeta
from netlab.model.pod import Pod, PodSpec
from netlab.model.pod_status import PodStatus
from netlab.model.probe import ExecAction, Probe
from netlab.netstate.health import Health
from netlab.netstate.names import NetnsName
from netlab.netstate.process import ContainerProcess, ContainerRun, Sandbox, SandboxStatus
from netlab.plan.processes import Wish, plan_processes

NOW = 1_700_000_000.0
MADE = NOW - 100  # when the sandbox was made
BOUND = PodAssignment(node="node-1", ips=("10.244.1.2",))
SOON = "2023-11-14T22:13:30Z"  # NOW is 22:13:20


def container(name):
    """`c+` is a sidecar, `c+?` one with a startup probe."""
    probe = Probe(exec=ExecAction(command=("true",))) if "?" in name else None
    policy = "Always" if "+" in name else ""
    return Container(name=name.rstrip("+?"), image="host", command=("true",), restart_policy=policy, startup_probe=probe)


def a_pod(init="a b", main="m", policy="Always", phase="Pending", deletion=""):
    spec = PodSpec(
        init_containers=tuple(map(container, init.split())),
        containers=tuple(map(container, main.split())),
        restart_policy=policy,
    )
    meta = ObjectMeta(name="web", namespace="default", uid="u1", deletion_timestamp=deletion)
    return Pod(metadata=meta, spec=spec, status=PodStatus(phase=phase, start_time="2023-11-14T22:10:00Z"))


def runs(text, since=MADE + 1):
    """`a=0 b=1 c m=run d=new e=ok`: a ended with 0, b with 1, c and m run, d was made and not started, e runs and has started."""
    for word in text.split():
        name, _, how = word.partition("=")
        state = {"": "running", "run": "running", "ok": "running", "new": "created"}.get(how, "exited")
        code = int(how) if state == "exited" else None
        yield ContainerRun(
            name=name, attempt=0, state=state, exit_code=code, started_at=0.0 if state == "created" else since,
            finished_at=since + 1 if state == "exited" else 0.0, health=Health(started=how == "ok"),
        )  # fmt: skip


def seen(text, *, alive=True, terminating=False, since=MADE + 1):
    return SandboxStatus(uid="u1", alive=alive, started_at=MADE, terminating=terminating, runs=tuple(runs(text, since)))


@pytest.mark.parametrize(
    ("init", "text", "expected"),
    [
        pytest.param("", "", "m", id="without init containers all may run"),
        pytest.param("a b", "", "a", id="the first one first"),
        pytest.param("a b", "a=new", "a", id="which was made and not started"),
        pytest.param("a b", "a", "a", id="and runs"),
        pytest.param("a b", "a=0", "b", id="then the second one"),
        pytest.param("a b", "a=1", "a", id="not if the first one failed"),
        pytest.param("a b", "a=0 b=0", "m", id="then the others"),
        pytest.param("a b", "a=0 b=0 m=1", "m", id="and they alone, however they end"),
        pytest.param("c+ a", "", "c", id="a sidecar in its turn"),
        pytest.param("c+ a", "c", "c a", id="goes on beside the next one"),
        pytest.param("c+ a", "c=1", "c a", id="also when it ended: it is started again"),
        pytest.param("c+ a", "c a=0", "c m", id="and beside the others"),
        pytest.param("c+? a", "c", "c", id="a sidecar that has not started holds back what comes next"),
        pytest.param("c+? a", "c=ok", "c a", id="until its startup probe succeeds"),
        pytest.param("a c+ d+", "a=0 c d", "c d m", id="two sidecars"),
    ],
)
def test_who_may_run(init, text, expected):
    spec = a_pod(init).spec
    present = present_runs(seen(text))
    assert " ".join(one.name for one in due(spec, present)) == expected
    assert is_initialized(spec, present) == ("m" in expected.split())


@pytest.mark.parametrize(
    ("sandbox", "expected"),
    [
        pytest.param(seen("a=0 b=0 m"), "m", id="as it is"),
        pytest.param(seen("a=0 b=0 m", since=MADE - 50), "a", id="made anew: all that ran before does not count"),
        pytest.param(seen("a=0 b=0 m=137", alive=False), "a", id="about to be made anew"),
        pytest.param(None, "a", id="not made yet"),
    ],
)
def test_a_new_sandbox_begins_at_the_beginning(sandbox, expected):
    assert " ".join(one.name for one in due(a_pod().spec, present_runs(sandbox))) == expected


@pytest.mark.parametrize(
    ("policy", "name", "expected"),
    [
        ("Always", "m", "Always"), ("Never", "m", "Never"),
        ("Always", "a", "OnFailure"), ("OnFailure", "a", "OnFailure"), ("Never", "a", "Never"),
        ("Never", "c", "Always"),
    ],
)  # fmt: skip
def test_restart_policies(policy, name, expected):
    spec = a_pod("a c+", policy=policy).spec
    assert restart_policy(spec, next(one for one in spec.all_containers if one.name == name)) == expected


def steps(pod, status, backoffs=None):
    wanted = Sandbox(
        uid="u1", netns=NetnsName("lab.default.web"), hostname="web", hosts="", resolv_conf="",
        containers=tuple(ContainerProcess(name=one.name, args=("true",)) for one in pod.spec.all_containers),
    )  # fmt: skip
    plan = plan_processes([Wish(pod=pod, sandbox=wanted, backoffs=backoffs or {})], {"u1": status} if status else {}, NOW)
    return [str(step).replace(" of u1", "") for found in plan.steps.values() for step in found], plan.wake_at


@pytest.mark.parametrize(
    ("pod", "status", "expected"),
    [
        pytest.param(
            a_pod(), None, ["start sandbox u1 in lab.default.web", "start container a, attempt 0"], id="from nothing"
        ),
        pytest.param(a_pod(), seen("a"), [], id="the first one runs"),
        pytest.param(a_pod(), seen("a=0"), ["start container b, attempt 0"], id="the next one"),
        pytest.param(a_pod(), seen("a=1"), ["start container a, attempt 1"], id="again, because it failed"),
        pytest.param(a_pod(policy="Never"), seen("a=1"), [], id="not again"),
        pytest.param(a_pod(), seen("a=0 b=0"), ["start container m, attempt 0"], id="the others"),
        pytest.param(a_pod("c+"), seen("c=3 m"), ["start container c, attempt 1"], id="a sidecar that ended"),
        pytest.param(
            a_pod("a"), seen("a=0 m=137", alive=False),
            ["start sandbox u1 in lab.default.web", "start container a, attempt 1"], id="all again in a new sandbox",
        ),
        pytest.param(
            a_pod("c+ d+", deletion=SOON), seen("c d m"), ["send TERM to the containers: m"], id="deleting: the others first"
        ),
        pytest.param(a_pod("c+ d+", deletion=SOON), seen("c d m", terminating=True), [], id="and only they"),
        pytest.param(
            a_pod("c+ d+", deletion=SOON), seen("c d m=0", terminating=True), ["send TERM to container d"], id="the last sidecar"
        ),
        pytest.param(
            a_pod("c+ d+", deletion=SOON), seen("c d=0 m=0", terminating=True), ["send TERM to container c"], id="the first one"
        ),
        pytest.param(
            a_pod("c+", deletion=SOON), seen("c=0 m=0", terminating=True), ["remove sandbox u1"], id="then nothing is left"
        ),
        pytest.param(
            a_pod("c+", policy="Never", phase="Succeeded"), seen("c m=0"), ["send TERM to container c"],
            id="over: its sidecar is stopped",
        ),
        pytest.param(a_pod("c+", policy="Never", phase="Succeeded"), seen("c=0 m=0"), ["kill sandbox u1"], id="and the sandbox"),
    ],
)  # fmt: skip
def test_steps(pod, status, expected):
    assert steps(pod, status)[0] == expected


def look(pod, text, **more):
    return replace(pod, status=pod_status(pod, BOUND, seen(text), more.pop("backoffs", {}), NOW, **more))


@pytest.mark.parametrize(
    ("pod", "text", "phase", "word", "initialized"),
    [
        pytest.param(a_pod(), "", "Pending", "Init:0/2", "False", id="none yet"),
        pytest.param(a_pod(), "a", "Pending", "Init:0/2", "False", id="the first one runs"),
        pytest.param(a_pod(), "a=0", "Pending", "Init:1/2", "False", id="one of two"),
        pytest.param(a_pod(), "a=0 b=0", "Pending", "ContainerCreating", "True", id="both"),
        pytest.param(a_pod(), "a=0 b=0 m", "Running", "Running", "True", id="the others run"),
        pytest.param(a_pod(policy="Never"), "a=3", "Failed", "Init:Error", "False", id="one failed for good"),
        pytest.param(a_pod("c+ a"), "c", "Pending", "Init:1/2", "False", id="a sidecar that runs counts"),
        pytest.param(a_pod("c+"), "c m", "Running", "Running", "True", id="a sidecar beside the others"),
        pytest.param(
            a_pod("c+", policy="Never"), "c m=0", "Succeeded", "Completed", "True", id="a sidecar is no reason to go on"
        ),
    ],
)
def test_phase_word_and_condition(pod, text, phase, word, initialized):
    found = look(pod, text)
    assert (found.status.phase, status_word(found)) == (phase, word)
    assert {one.type: one.status for one in pod_conditions(replace(found, spec=replace(found.spec, node_name="n")))}[
        "Initialized"
    ] == initialized


def test_a_failing_init_container_is_a_crash_loop():
    found = look(a_pod(), "a=1", backoffs={"a": Backoff(restarts=0, delay_s=200)})
    assert (found.status.phase, status_word(found)) == ("Pending", "Init:CrashLoopBackOff")
    assert [one.reason for one in found.status.container_statuses] == ["PodInitializing"]


def test_a_sidecar_that_does_not_run_makes_the_pod_unready():
    ready, unready = look(a_pod("c+"), "c m"), look(a_pod("c+"), "c=1 m")
    assert (ready.is_ready, unready.is_ready, unready.status.phase) == (True, False, "Running")


@pytest.mark.parametrize(
    ("allowed_s", "phase", "reason"),
    [
        pytest.param(None, "Running", "", id="no deadline"),
        pytest.param(201, "Running", "", id="not over yet"),
        pytest.param(200, "Failed", "DeadlineExceeded", id="over"),
    ],
)
def test_active_deadline(allowed_s, phase, reason):
    pod = a_pod("")
    pod = replace(pod, spec=replace(pod.spec, active_deadline_seconds=allowed_s))
    found = look(pod, "m")
    assert (found.status.phase, found.status.reason, status_word(found)) == (phase, reason, reason or "Running")
    again = look(found, "m=143")
    assert (again.status.phase, again.status.reason) == ("Failed" if reason else "Running", reason)
    said, wake_at = steps(found, seen("m"))
    assert said == (["send TERM to container m"] if reason else [])
    assert wake_at == (NOW + 1 if allowed_s == 201 else None)
