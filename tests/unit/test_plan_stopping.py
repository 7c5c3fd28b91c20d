"""Hooks of containers: when they are begun, what waits for them, and how the end of a container goes on after them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from netlab.desired.probing import Place
from netlab.model.container import Container
from netlab.model.meta import ObjectMeta
from netlab.model.pod import Pod, PodSpec
from netlab.model.pod_status import PodStatus
from netlab.model.probe import ExecAction, HTTPGetAction, Lifecycle, LifecycleHandler, SleepAction
from netlab.netstate.health import ExecCheck, Health, HttpCheck
from netlab.netstate.hooks import Pause
from netlab.netstate.names import NetnsName
from netlab.netstate.process import ContainerProcess, ContainerRun, Sandbox, SandboxStatus
from netlab.plan.processes import Wish, plan_processes
from netlab.plan.stopping import RunHook

NOW = 1_700_000_000.0
PAST, SOON = "2023-11-14T22:13:00Z", "2023-11-14T22:13:30Z"  # NOW is 22:13:20
PLACE = Place(NetnsName("lab.node-1"), "10.244.0.7")
NAMES = ("a", "b")
SANDBOX = Sandbox(
    uid="u1", netns=NetnsName("lab.default.web"), hostname="web", hosts="", resolv_conf="",
    containers=tuple(ContainerProcess(name=name, args=("true",)) for name in NAMES),
)  # fmt: skip
EXEC = LifecycleHandler(exec=ExecAction(command=("true",)))
START_A, START_B = (f"start container {name} of u1, attempt 0" for name in NAMES)
HOOK, TERM, KILL = "run preStop of container a of u1", "send TERM to container a of u1", "send KILL to container a of u1"
BEGUN = "run postStart of container a of u1"


def a_pod(lifecycle=None, *, deletion="", phase="Running") -> Pod:
    meta = ObjectMeta(name="web", namespace="default", uid="u1", deletion_timestamp=deletion)
    first, *others = (Container(name=name, image="host") for name in NAMES)
    spec = PodSpec(containers=(replace(first, lifecycle=lifecycle), *others))
    return Pod(metadata=meta, spec=spec, status=PodStatus(phase=phase))


def run(name="a", state="running", **more) -> ContainerRun:
    return ContainerRun(name=name, attempt=0, state=state, started_at=NOW - 100, **more)


def plan(pod, *runs):
    observed = {"u1": SandboxStatus(uid="u1", alive=True, runs=runs)}
    return plan_processes([Wish(pod=pod, sandbox=SANDBOX, place=PLACE)], observed, NOW)


def words(found) -> list[str]:
    return [str(step) for steps in found.steps.values() for step in steps]


@pytest.mark.parametrize(
    ("runs", "expected"),
    [
        pytest.param((), [START_A, BEGUN], id="begun with the container, and the next one waits"),
        pytest.param((run(),), [BEGUN], id="whoever started it died before it could begin the hook"),
        pytest.param((run(post_start="running"),), [], id="it lasts"),
        pytest.param((run(post_start="done"),), [START_B], id="done: the next container"),
        pytest.param((run(post_start="failed"), run("b")), [TERM], id="failed: the container is ended"),
        pytest.param((run(state="exited", exit_code=0, finished_at=NOW), run("b")), ["start container a of u1, attempt 1", BEGUN], id="anew with each run"),
    ],
)  # fmt: skip
def test_post_start(runs, expected):
    assert words(plan(a_pod(Lifecycle(post_start=EXEC)), *runs)) == expected


def ending(**more) -> ContainerRun:
    """A run that fails its liveness probe."""
    return run(health=Health(failed="liveness"), **more)


@pytest.mark.parametrize(
    ("first", "expected", "wake_at"),
    [
        pytest.param(ending(), [HOOK], None, id="first the hook"),
        pytest.param(ending(stopping_at=NOW - 5, pre_stop="running"), [], NOW + 25, id="it lasts"),
        pytest.param(ending(stopping_at=NOW - 5, pre_stop="done"), [TERM], None, id="then TERM"),
        pytest.param(ending(stopping_at=NOW - 5, pre_stop="failed"), [TERM], None, id="also if it failed"),
        pytest.param(ending(stopping_at=NOW - 31, pre_stop="running"), [TERM], None, id="it used up the grace period"),
        pytest.param(
            ending(stopping_at=NOW - 31, pre_stop="running", term_at=NOW - 1),
            [],
            NOW + 1,
            id="two seconds for TERM nevertheless",
        ),
        pytest.param(ending(stopping_at=NOW - 33, pre_stop="done", term_at=NOW - 2), [KILL], None, id="and then KILL"),
        pytest.param(
            ending(stopping_at=NOW - 20, pre_stop="done", term_at=NOW - 15), [], NOW + 10, id="what is left of the grace period"
        ),
    ],
)
def test_a_container_that_is_unwell_ends_after_its_pre_stop_hook(first, expected, wake_at):
    found = plan(a_pod(Lifecycle(pre_stop=EXEC)), first, run("b"))
    assert (words(found), found.wake_at) == (expected, wake_at)


@pytest.mark.parametrize(
    ("deletion", "first", "expected"),
    [
        pytest.param(SOON, run(), [HOOK, "send TERM to container b of u1"], id="each container its own way"),
        pytest.param(SOON, run(stopping_at=NOW - 1, pre_stop="done"), [TERM, "send TERM to container b of u1"], id="then TERM"),
        pytest.param(PAST, run(stopping_at=NOW - 30, pre_stop="running"), [TERM, "send TERM to container b of u1"], id="time is over: TERM"),
        pytest.param(PAST, run(stopping_at=NOW - 30, pre_stop="running", term_at=NOW - 3), ["remove sandbox u1"], id="and the end"),
    ],
)  # fmt: skip
def test_a_pod_that_is_deleted_ends_after_its_pre_stop_hooks(deletion, first, expected):
    assert words(plan(a_pod(Lifecycle(pre_stop=EXEC), deletion=deletion), first, run("b"))) == expected


@pytest.mark.parametrize(
    ("handler", "expected"),
    [
        pytest.param(EXEC, ExecCheck(uid="u1", container="a", attempt=0, args=("true",), kind="postStart"), id="exec"),
        pytest.param(LifecycleHandler(sleep=SleepAction(seconds=3)), Pause(3), id="sleep"),
        pytest.param(
            LifecycleHandler(http_get=HTTPGetAction(port=80, path="bye")),
            HttpCheck(netns=PLACE.netns, host=PLACE.ip, port=80, path="/bye"),
            id="httpGet asks the Pod",
        ),
        pytest.param(LifecycleHandler(http_get=HTTPGetAction(port="none")), None, id="a port that there is not: failed"),
    ],
)
def test_what_a_hook_does(handler, expected):
    found = plan(a_pod(Lifecycle(post_start=handler)), run(), run("b"))
    (step,) = found.steps["u1"]
    assert isinstance(step, RunHook)
    assert (step.kind, step.hook) == ("postStart", expected)
