"""The Pod phase table (N21-N24) and the STATUS word, one row for each fact."""

import pytest

from netlab.model.container import Container
from netlab.model.lifecycle import next_phase, pod_phase, status_word
from netlab.model.meta import ObjectMeta
from netlab.model.pod import Pod, PodSpec
from netlab.model.pod_status import ContainerStatus, PodStatus


def waiting(reason="ContainerCreating"):
    return ContainerStatus(name="c", state="waiting", reason=reason)


def ended(code, reason=""):
    return ContainerStatus(name="c", state="terminated", reason=reason, exit_code=code)


RUNS = ContainerStatus(name="c", state="running")
OK, BAD = ended(0, "Completed"), ended(1, "Error")


@pytest.mark.parametrize(
    ("policy", "statuses", "phase"),
    [
        pytest.param("Always", [], "Pending", id="N21 nothing is set up yet"),
        pytest.param("Always", [waiting()], "Pending", id="N21 the only container is being created"),
        pytest.param("Always", [RUNS, waiting()], "Pending", id="N21 one runs, one is not created yet"),
        pytest.param("Never", [BAD, waiting()], "Pending", id="N21 one failed, one is not created yet"),
        pytest.param("Always", [waiting("CreateContainerConfigError")], "Pending", id="N21 its ConfigMap is missing"),
        pytest.param("Always", [RUNS], "Running", id="N22 runs"),
        pytest.param("Never", [RUNS, OK, BAD], "Running", id="N22 at least one runs"),
        pytest.param("Always", [OK], "Running", id="N22 Always restarts after success"),
        pytest.param("Always", [BAD], "Running", id="N22 Always restarts after failure"),
        pytest.param("OnFailure", [BAD], "Running", id="N22 OnFailure restarts after failure"),
        pytest.param("OnFailure", [OK, BAD], "Running", id="N22 one ended well, one restarts"),
        pytest.param("Always", [waiting("CrashLoopBackOff")], "Running", id="N22 a crash loop is a phase of restarting"),
        pytest.param("Always", [waiting("RunContainerError")], "Running", id="N22 created, but its program does not start"),
        pytest.param("Never", [OK, OK], "Succeeded", id="N23 Never: all ended with 0"),
        pytest.param("OnFailure", [OK], "Succeeded", id="N23 OnFailure: all ended with 0"),
        pytest.param("Never", [BAD], "Failed", id="N24 Never: ended with 1"),
        pytest.param("Never", [OK, BAD, OK], "Failed", id="N24 at least one ended abnormally"),
        pytest.param("Never", [ended(None, "StartError")], "Failed", id="N24 an unknown exit code is no success"),
    ],
)
def test_phase(policy, statuses, phase):
    assert pod_phase(policy, statuses) == phase


@pytest.mark.parametrize(
    ("statuses", "phase"),
    [
        pytest.param([OK], "Succeeded", id="ended well"),
        pytest.param([ended(143, "Error")], "Failed", id="ended by TERM"),
        pytest.param([RUNS, OK], "Running", id="one still runs"),
    ],
)
def test_nothing_restarts_in_a_pod_that_is_being_deleted(statuses, phase):
    assert pod_phase("Always", statuses, deleting=True) == phase


@pytest.mark.parametrize(
    ("earlier", "found", "phase"),
    [
        ("Pending", "Running", "Running"),
        ("Running", "Pending", "Pending"),
        ("Succeeded", "Pending", "Succeeded"),
        ("Failed", "Running", "Failed"),
    ],
)
def test_only_final_phases_stay(earlier, found, phase):
    assert next_phase(earlier, found) == phase


@pytest.mark.parametrize(
    ("phase", "statuses", "word"),
    [
        pytest.param("Pending", (), "Pending", id="not bound to a Node"),
        pytest.param("Pending", (waiting(),), "ContainerCreating", id="being created"),
        pytest.param("Running", (RUNS,), "Running", id="runs"),
        pytest.param("Running", (RUNS, waiting("CrashLoopBackOff")), "CrashLoopBackOff", id="one of two crashes"),
        pytest.param("Running", (waiting("RunContainerError"),), "RunContainerError", id="no such program"),
        pytest.param("Succeeded", (OK,), "Completed", id="ended well"),
        pytest.param("Failed", (BAD,), "Error", id="ended badly"),
        pytest.param("Failed", (ended(137, "OOMKilled"), BAD), "OOMKilled", id="the first container names the reason"),
        pytest.param("Failed", (ended(3),), "ExitCode:3", id="no reason known"),
        pytest.param("Running", (OK, RUNS), "NotReady", id="one completed, one runs"),
        pytest.param("Running", (BAD, RUNS), "Error", id="one failed, one runs"),
    ],
)
def test_status_word(phase, statuses, word):
    assert status_word(pod(phase, statuses)) == word


@pytest.mark.parametrize(
    ("phase", "word"), [("Running", "Terminating"), ("Pending", "Terminating"), ("Succeeded", "Completed")]
)
def test_status_word_while_being_deleted(phase, word):
    statuses = (OK,) if phase == "Succeeded" else (RUNS,)
    assert status_word(pod(phase, statuses, deleted="2026-01-31T12:00:00Z")) == word


def pod(phase, statuses, deleted=""):
    return Pod(
        metadata=ObjectMeta(name="web", namespace="default", deletion_timestamp=deleted),
        spec=PodSpec(containers=(Container(name="c", image="host"),)),
        status=PodStatus(phase=phase, container_statuses=statuses),
    )
