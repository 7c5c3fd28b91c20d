"""What `rollout` says of a Deployment, in kubectl's words, and what undo makes of it."""

from dataclasses import replace

import pytest

from netlab.cli.rollout import history_page, rollout_text
from netlab.desired.deployments import CAUSE, REVISION
from netlab.desired.rollout_edits import RESTARTED_AT, restarted, rolled_back, with_pause
from netlab.errors import NetlabError
from netlab.model.container import Container
from netlab.model.meta import Condition, LabelSelector, ObjectMeta
from netlab.model.pod import PodSpec
from netlab.model.workload import (
    Deployment,
    DeploymentSpec,
    DeploymentStatus,
    PodTemplateSpec,
    ReplicaSet,
    ReplicaSetSpec,
    TemplateMeta,
)

LABELS = {"app": "web"}
SELECTOR = LabelSelector(match_labels=LABELS)


def template(program="nginx"):
    pod = PodSpec(containers=(Container(name="c", image="host", command=(program,)),))
    return PodTemplateSpec(metadata=TemplateMeta(labels=LABELS, annotations={"a": "b"}), spec=pod)


def deployment(replicas=3, program="nginx", **spec):
    facts = DeploymentSpec(selector=SELECTOR, template=template(program), replicas=replicas, **spec)
    return Deployment(metadata=ObjectMeta(name="web", namespace="shop", uid="d1"), spec=facts)


def replica_set(name="web", program="nginx", **meta):
    spec = ReplicaSetSpec(selector=SELECTOR, template=template(program))
    return ReplicaSet(metadata=ObjectMeta(name=name, namespace="shop", uid=name, **meta), spec=spec)


LATE = Condition(type="Progressing", status="False", reason="ProgressDeadlineExceeded")


@pytest.mark.parametrize(
    ("status", "text", "is_done"),
    [
        pytest.param((3, 1, 3), "1 out of 3 new replicas have been updated...", False, id="new Pods are missing"),
        pytest.param((4, 3, 4), "1 old replicas are pending termination...", False, id="old Pods are left"),
        pytest.param((3, 3, 2), "2 of 3 updated replicas are available...", False, id="new Pods are not available"),
        pytest.param((3, 3, 3), "", True, id="done"),
    ],
)
def test_how_far_it_is(status, text, is_done):
    counts = dict(zip(("replicas", "updated_replicas", "available_replicas"), status, strict=True))
    waiting = f'Waiting for deployment "web" rollout to finish: {text}'
    expected = waiting if text else 'deployment "web" successfully rolled out'
    assert rollout_text(replace(deployment(3), status=DeploymentStatus(**counts))) == (expected, is_done)


@pytest.mark.parametrize(
    ("item", "revision", "message"),
    [
        pytest.param(
            replace(deployment(), status=DeploymentStatus(conditions=(LATE,))), 0,
            'deployment "web" exceeded its progress deadline', id="nothing moved for too long",
        ),
        pytest.param(deployment(), 2, r"desired revision \(2\) is different from the running revision \(0\)", id="revision"),
        pytest.param(replica_set(), 0, "no status viewer has been implemented for ReplicaSet", id="another kind"),
    ],
)  # fmt: skip
def test_what_is_an_error(item, revision, message):
    with pytest.raises(NetlabError, match=message):
        rollout_text(item, revision)


def numbered(revision, program, cause=""):
    notes = {REVISION: str(revision)} | ({CAUSE: cause} if cause else {})
    return replica_set(f"web-{revision}", program, annotations=notes)


HISTORY = [numbered(3, "c"), numbered(1, "a", "the first"), numbered(2, "b")]


def test_history_is_sorted_by_revision():
    page = history_page(deployment(), HISTORY)
    assert page == "deployment.apps/web \nREVISION  CHANGE-CAUSE\n1         the first\n2         <none>\n3         <none>\n"


@pytest.mark.parametrize(("to_revision", "program"), [(0, "b"), (1, "a"), (3, "c")])
def test_undo_takes_the_template_of_a_revision(to_revision, program):
    back = rolled_back(deployment(program="c"), HISTORY, to_revision)
    assert back.spec.template == template(program)
    assert back.metadata.annotations == ({CAUSE: "the first"} if to_revision == 1 else {})


@pytest.mark.parametrize(
    ("act", "message"),
    [
        pytest.param(lambda: rolled_back(deployment(), HISTORY, 9), "unable to find specified revision 9", id="no such one"),
        pytest.param(lambda: rolled_back(deployment(), HISTORY[:1], 0), "no rollout history found", id="only one"),
        pytest.param(lambda: rolled_back(deployment(paused=True), HISTORY, 1), "cannot rollback a paused", id="undo paused"),
        pytest.param(lambda: rolled_back(replica_set(), HISTORY, 1), "no rollbacker", id="undo of another kind"),
        pytest.param(lambda: restarted(deployment(paused=True), "d", ""), "can't restart paused", id="restart paused"),
        pytest.param(lambda: restarted(replica_set(), "rs", ""), "restarting is not supported", id="restart another kind"),
        pytest.param(lambda: with_pause(deployment(paused=True), "d", paused=True), "is already paused", id="pause twice"),
        pytest.param(lambda: with_pause(deployment(), "d", paused=False), "is not paused", id="resume what runs"),
        pytest.param(lambda: with_pause(replica_set(), "rs", paused=True), "pausing is not supported", id="pause another"),
    ],
)
def test_what_cannot_be_done(act, message):
    with pytest.raises(NetlabError, match=message):
        act()


def test_restart_changes_the_template_alone():
    fresh = restarted(deployment(), "d", "2026-01-31T12:00:00Z")
    assert fresh.spec.template.metadata.annotations == {"a": "b", RESTARTED_AT: "2026-01-31T12:00:00Z"}
    assert replace(fresh, spec=replace(fresh.spec, template=template())) == deployment()
