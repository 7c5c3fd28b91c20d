"""What of an object can be changed while it exists: the manifest before, the manifest after, and why it is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from netlab.desired.assignments import Assignments
from netlab.desired.updates import check_update, merged
from netlab.errors import Conflict
from netlab.manifest.checked import checked
from netlab.model.lab import Lab
from netlab.model.meta import ObjectMeta

LAB = Lab(metadata=ObjectMeta(name="x"))
MAIN = {"name": "main", "image": "host", "command": ["run"]}
LABELS = {"matchLabels": {"app": "x"}}
TOLERATION = {"key": "disk", "operator": "Exists"}


def pod(meta=None, container=None, **spec):
    containers = [{**MAIN, **(container or {})}]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "x", **(meta or {})},
        "spec": {"containers": containers, **spec},
    }


def deployment(labels=LABELS, **spec):
    template = {"metadata": {"labels": labels["matchLabels"]}, "spec": {"containers": [MAIN]}}
    whole = {"selector": labels, "template": template, **spec}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "x"}, "spec": whole}


def job(command="run", **spec):
    template = {"spec": {"restartPolicy": "Never", "containers": [{**MAIN, "command": [command]}]}}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "x"}, "spec": {"template": template, **spec}}


def settings(value="1", **more):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}, "data": {"a": value}, **more}


POD_FIXED = "of a Pod only image, command, args, env, envFrom and workingDir"


@pytest.mark.parametrize(
    ("before", "after", "refused"),
    [
        pytest.param(pod(), pod(container={"command": ["other"]}), None, id="a Pod's command"),
        pytest.param(pod(), pod(container={"env": [{"name": "A", "value": "b"}]}), None, id="a Pod's variables"),
        pytest.param(pod(), pod({"labels": {"a": "b"}}), None, id="a Pod's labels"),
        pytest.param(pod(), pod(tolerations=[TOLERATION]), None, id="a toleration that a Pod gets"),
        pytest.param(pod(tolerations=[TOLERATION]), pod(), POD_FIXED, id="a toleration that a Pod loses"),
        pytest.param(pod(), pod(hostname="other"), POD_FIXED, id="a Pod's host name"),
        pytest.param(pod(), pod(container={"name": "other"}), POD_FIXED, id="the name of a container"),
        pytest.param(pod(), pod(container={"ports": [{"containerPort": 80}]}), POD_FIXED, id="a port of a container"),
        pytest.param(deployment(), deployment(replicas=3), None, id="the replicas of a Deployment"),
        pytest.param(
            deployment(), deployment({"matchLabels": {"app": "y"}}), r"spec\.selector cannot be changed", id="its selector"
        ),
        pytest.param(job(), job(parallelism=2), None, id="the parallelism of a Job"),
        pytest.param(job(), job("other"), "template, completions and completionMode of a Job", id="its template"),
        pytest.param(job(), job(completions=2), "template, completions and completionMode of a Job", id="its completions"),
        pytest.param(settings(), settings("2"), None, id="the data of a ConfigMap"),
        pytest.param(settings(immutable=True), settings("2", immutable=True), "immutable", id="that is immutable"),
    ],
)
def test_what_can_be_changed_while_it_exists(before, after, refused):
    old = checked(before)
    new = merged(old, checked(after), LAB, Assignments())
    if refused is None:
        check_update(old, new)
    else:
        with pytest.raises(Conflict, match=refused):
            check_update(old, new)


def test_what_is_being_deleted_cannot_be_changed():
    new = checked(pod({"labels": {"a": "b"}}))
    old = replace(new, metadata=replace(new.metadata, labels={}, deletion_timestamp="2026-01-31T12:00:00Z"))
    with pytest.raises(Conflict, match="pod/x is being deleted"):
        check_update(old, merged(old, new, LAB, Assignments()))


@pytest.mark.parametrize("manifest", [pod({"labels": {"a": "b"}}), deployment(), job(), settings()])
def test_of_a_wish_that_says_nothing_new_the_old_object_itself_remains(manifest):
    wish = checked(manifest)
    old = replace(wish, metadata=replace(wish.metadata, uid="1", creation_timestamp="2026-01-31T12:00:00Z"))
    assert merged(old, wish, LAB, Assignments()) is old


@pytest.mark.parametrize("changed", [{"labels": {"a": "c"}}, {"annotations": {"note": "new"}}, {"labels": {}}])
def test_a_label_or_an_annotation_alone_is_something_new(changed):
    old = checked(pod({"labels": {"a": "b"}}))
    assert merged(old, replace(old, metadata=replace(old.metadata, **changed)), LAB, Assignments()) != old
