"""The processes of Pods: what is done, from what is wished and what is seen."""

from __future__ import annotations

from dataclasses import replace

import pytest

from netlab.desired.restarts import Backoff
from netlab.model.container import Container
from netlab.model.meta import ObjectMeta
from netlab.model.pod import Pod, PodSpec
from netlab.model.pod_status import PodStatus
from netlab.model.probe import Probe
from netlab.netstate.health import Health
from netlab.netstate.names import NetnsName
from netlab.netstate.process import ContainerProcess, ContainerRun, Sandbox, SandboxStatus
from netlab.plan.processes import Wish, plan_processes

NOW = 1_700_000_000.0
SANDBOX = Sandbox(
    uid="u1",
    netns=NetnsName("lab.default.web"),
    hostname="web",
    hosts="",
    resolv_conf="",
    containers=(ContainerProcess(name="a", args=("true",)), ContainerProcess(name="b", args=("true",))),
)


def a_pod(*, phase="Pending", policy="Always", deletion="", names=("a", "b")) -> Pod:
    meta = ObjectMeta(name="web", namespace="default", uid="u1", deletion_timestamp=deletion)
    containers = tuple(Container(name=name, image="host", command=("true",)) for name in names)
    return Pod(metadata=meta, spec=PodSpec(containers=containers, restart_policy=policy), status=PodStatus(phase=phase))


def run(name="a", state="running", attempt=0, code=None, ended=0.0) -> ContainerRun:
    return ContainerRun(name=name, attempt=attempt, state=state, exit_code=code, started_at=NOW - 100, finished_at=ended)


def unprepared(seconds: float, attempt=0) -> ContainerRun:
    """Container a, which could not be made so long ago."""
    return ContainerRun(name="a", attempt=attempt, state="created", error="leads out", finished_at=NOW - seconds)


def seen(*runs, alive=True, detached=False, terminating=False) -> dict[str, SandboxStatus]:
    return {"u1": SandboxStatus(uid="u1", alive=alive, detached=detached, terminating=terminating, runs=runs)}


def words(pod, observed, backoffs=None, sandbox=SANDBOX) -> list[str]:
    plan = plan_processes([Wish(pod=pod, sandbox=sandbox, backoffs=backoffs or {})], observed, NOW)
    return [str(step) for steps in plan.steps.values() for step in steps]


START = "start sandbox u1 in lab.default.web"
PAST, SOON = "2023-11-14T22:13:00Z", "2023-11-14T22:13:30Z"  # NOW is 22:13:20


@pytest.mark.parametrize(
    ("pod", "observed", "expected"),
    [
        pytest.param(
            a_pod(), {}, [START, "start container a of u1, attempt 0", "start container b of u1, attempt 0"], id="from nothing"
        ),
        pytest.param(
            a_pod(), seen(), ["start container a of u1, attempt 0", "start container b of u1, attempt 0"], id="sandbox only"
        ),
        pytest.param(a_pod(), seen(run(), run("b")), [], id="all running: nothing"),
        pytest.param(
            a_pod(), seen(run(), run("b", "created")), ["start container b of u1, attempt 0"], id="killed before the start"
        ),
        pytest.param(
            a_pod(policy="Never"), seen(unprepared(10, 1), run("b")), ["start container a of u1, attempt 1"], id="made again"
        ),
        pytest.param(a_pod(policy="Never"), seen(unprepared(9), run("b")), [], id="not made: a pause"),
        pytest.param(a_pod(deletion=SOON), seen(unprepared(9)), ["remove sandbox u1"], id="deleting what was never made"),
        pytest.param(
            a_pod(), seen(run(), run("b", "exited", 0, 1)), ["start container b of u1, attempt 1"], id="first restart at once"
        ),
        pytest.param(a_pod(policy="Never"), seen(run(), run("b", "exited", 0, 1)), [], id="restartPolicy Never"),
        pytest.param(a_pod(policy="OnFailure"), seen(run(), run("b", "exited", 0, 0)), [], id="OnFailure, success"),
        pytest.param(
            a_pod(),
            seen(run("a", "exited", 0, 137), run("b", "exited", 0, 137), alive=False),
            [START, "start container a of u1, attempt 1", "start container b of u1, attempt 1"],
            id="pause killed: a new sandbox, containers start again",
        ),
        pytest.param(a_pod(phase="Failed"), seen(run("a", "exited", 0, 1)), ["kill sandbox u1"], id="finished: sandbox stops"),
        pytest.param(a_pod(phase="Succeeded"), seen(run("a", "exited", 0, 0), alive=False), [], id="finished and stopped"),
        pytest.param(a_pod(phase="Succeeded"), {}, [], id="finished and cleared away"),
        pytest.param(
            a_pod(phase="Failed"),
            seen(run("a", "exited", 0, 1), alive=False, detached=True),
            ["kill sandbox u1"],
            id="finished, its netns gone",
        ),
        pytest.param(a_pod(), seen(run(), run("b"), alive=False, detached=True), [START], id="netns deleted: a new sandbox"),
        pytest.param(a_pod(deletion=SOON), seen(run()), ["send TERM to the containers of u1: a"], id="deleting: TERM first"),
        pytest.param(a_pod(deletion=SOON), seen(run(), terminating=True), [], id="TERM is sent once"),
        pytest.param(
            a_pod(deletion=SOON), seen(run("a", "exited", 0, 0), terminating=True), ["remove sandbox u1"], id="all have ended"
        ),
        pytest.param(a_pod(deletion=PAST), seen(run(), terminating=True), ["remove sandbox u1"], id="grace period is over"),
        pytest.param(a_pod(deletion=SOON), {}, [], id="deleting without processes"),
    ],
)
def test_steps(pod, observed, expected):
    assert words(pod, observed) == expected


def test_sandbox_without_pod_is_removed():
    assert [str(step) for step in plan_processes([], seen(run()), NOW).steps["u1"]] == ["remove sandbox u1"]


def test_pod_that_lacks_its_configuration_waits():
    assert words(a_pod(), {}, sandbox=None) == []


def test_back_off_waits_and_says_until_when():
    crashed = run("a", "exited", 1, 1, ended=NOW - 4)
    backoffs = {"a": Backoff(restarts=1, delay_s=10)}
    plan = plan_processes([Wish(pod=a_pod(names=("a",)), sandbox=SANDBOX, backoffs=backoffs)], seen(crashed), NOW)
    assert not plan.steps
    assert plan.wake_at == NOW + 6
    assert plan.backoffs["u1", "a"].until == NOW + 6


def test_what_could_not_be_made_says_when_it_is_tried_again():
    plan = plan_processes([Wish(pod=a_pod(policy="Never"), sandbox=SANDBOX)], seen(unprepared(4), run("b")), NOW)
    assert plan.wake_at == NOW + 6


def test_grace_period_says_when_to_look_again():
    plan = plan_processes([Wish(pod=a_pod(deletion=SOON), sandbox=SANDBOX)], seen(run(), terminating=True), NOW)
    assert plan.wake_at == NOW + 10


def test_granted_restart_is_stored_before_it_is_done():
    plan = plan_processes([Wish(pod=a_pod(names=("a",)), sandbox=SANDBOX)], seen(run("a", "exited", 0, 1)), NOW)
    assert plan.steps["u1"][0].backoff == Backoff(restarts=1, delay_s=10)


def test_pods_do_not_touch_each_other():
    other = replace(a_pod(names=("a",)), metadata=ObjectMeta(name="db", namespace="default", uid="u2"))
    wish = Wish(pod=other, sandbox=replace(SANDBOX, uid="u2"))
    plan = plan_processes([Wish(pod=a_pod(), sandbox=SANDBOX), wish], seen(run(), run("b")), NOW)
    assert set(plan.steps) == {"u2"}


def made_from(revision, sandbox=SANDBOX) -> Sandbox:
    """The sandbox with the first container's wish at this revision."""
    first, *others = sandbox.containers
    return replace(sandbox, containers=(replace(first, revision=revision), *others))


@pytest.mark.parametrize(
    ("old", "policy", "expected"),
    [
        pytest.param(run(), "Always", ["send TERM to container a of u1"], id="running: TERM"),
        pytest.param(replace(run(), stopping_at=NOW - 5), "Always", [], id="TERM is sent once"),
        pytest.param(
            replace(run(), stopping_at=NOW - 30), "Always", ["send KILL to container a of u1"],
            id="its grace period is over",
        ),
        pytest.param(
            run("a", "exited", 2, 0), "Never", ["start container a of u1, attempt 3"], id="ended: anew, whatever the restartPolicy"
        ),
        pytest.param(run("a", "failed", 0), "Always", ["start container a of u1, attempt 1"], id="a failed start has no back-off"),
        pytest.param(run("a", "created", 1), "Always", ["start container a of u1, attempt 1"], id="not started yet"),
    ],
)  # fmt: skip
def test_container_whose_definition_changed_is_replaced_and_the_others_run_on(old, policy, expected):
    observed = seen(replace(old, revision="1"), run("b"))
    assert words(a_pod(policy=policy), observed, sandbox=made_from("2")) == expected


@pytest.mark.parametrize("revision", ["1", ""])
def test_container_of_the_same_or_of_no_known_definition_stays(revision):
    assert words(a_pod(), seen(replace(run(), revision=revision), run("b")), sandbox=made_from("1")) == []


def test_replacement_says_when_to_look_again():
    wish = Wish(pod=a_pod(), sandbox=made_from("2"))
    old = replace(run(), revision="1", stopping_at=NOW - 10)
    assert plan_processes([wish], seen(old, run("b")), NOW).wake_at == NOW + 20


def unwell(run_, kind="liveness"):
    return replace(run_, health=Health(started=True, ready=True, since=1.0, failed=kind))


@pytest.mark.parametrize(
    ("sick", "grace_s", "policy", "expected"),
    [
        pytest.param(unwell(run()), None, "Always", ["send TERM to container a of u1"], id="it failed: TERM"),
        pytest.param(unwell(replace(run(), stopping_at=NOW - 5)), None, "Always", [], id="TERM is sent once"),
        pytest.param(
            unwell(replace(run(), stopping_at=NOW - 5)), 4, "Always", ["send KILL to container a of u1"],
            id="the probe's own grace period is over",
        ),
        pytest.param(
            unwell(run("a", "exited", 0, 143)), None, "Always", ["start container a of u1, attempt 1"], id="ended: restarted"
        ),
        pytest.param(unwell(run("a", "exited", 0, 0)), None, "OnFailure", [], id="it ended well, and policy asks for no more"),
        pytest.param(unwell(run("a", "exited", 0, 143)), None, "Never", [], id="ended for good"),
    ],
)  # fmt: skip
def test_container_that_fails_its_probe_is_ended_and_restart_policy_decides(sick, grace_s, policy, expected):
    probe = Probe(termination_grace_period_seconds=grace_s)
    pod = a_pod(policy=policy)
    first, second = pod.spec.containers
    pod = replace(pod, spec=replace(pod.spec, containers=(replace(first, liveness_probe=probe), second)))
    assert words(pod, seen(sick, run("b"))) == expected


@pytest.mark.parametrize(
    ("policy", "kind", "why"),
    [
        ("Always", "liveness", "Container a failed liveness probe, will be restarted"),
        ("Never", "startup", "Container a failed startup probe"),
    ],
)
def test_it_says_why_it_ends_a_container(policy, kind, why):
    plan = plan_processes([Wish(pod=a_pod(policy=policy), sandbox=SANDBOX)], seen(unwell(run(), kind), run("b")), NOW)
    assert [step.why for step in plan.steps["u1"]] == [why]
