"""Deployments become ReplicaSets and Pods: which are made, which go, and how they are called."""

import re
from dataclasses import replace

import pytest

from netlab.desired.templates import HASH_LABEL, template_hash
from netlab.model.container import Container
from netlab.model.lab import Cluster, Lab
from netlab.model.meta import LabelSelector, ObjectMeta
from netlab.model.pod import Pod, PodSpec
from netlab.model.pod_status import ContainerStatus, PodStatus
from netlab.model.workload import Deployment, DeploymentSpec, PodTemplateSpec, TemplateMeta
from tests.controllers import converged, running, with_uid

LABELS = {"app": "web"}
NAME = re.compile(r"web-[bcdfghjklmnpqrstvwxz2456789]{7,10}-[bcdfghjklmnpqrstvwxz2456789]{5}")


def deployment(replicas=3, program="nginx", name="web", uid="d1", deleted=""):
    spec = PodSpec(containers=(Container(name="c", image="host", command=(program,)),))
    template = PodTemplateSpec(metadata=TemplateMeta(labels=LABELS, annotations={"a": "b"}), spec=spec)
    return Deployment(
        metadata=ObjectMeta(name=name, namespace="shop", uid=uid, deletion_timestamp=deleted),
        spec=DeploymentSpec(selector=LabelSelector(match_labels=LABELS), template=template, replicas=replicas),
    )


SETS = {}  # every ReplicaSet that was made, by uid


def lab(*objects):
    """A cluster with these objects, and with the ReplicaSets of the Pods among them."""
    owners = {owner.uid for item in objects for owner in item.metadata.owner_references}
    sets = [item for uid, item in SETS.items() if uid in owners]
    return Cluster(lab=Lab(metadata=ObjectMeta(name="demo"))).with_objects((*sets, *objects))


def converge(cluster, revision=0):
    """The Pods that are made, and the names of those that are to go."""
    done = converged(cluster, revision=revision)
    SETS.update({item.metadata.uid: item for item in done.cluster.replica_sets})
    return done.made(cluster), done.doomed(cluster)


def stored(pods):
    return [with_uid(pod) for pod in pods]


def changed(pod, **meta):
    return replace(pod, metadata=replace(pod.metadata, **meta))


def settled(wish):
    """The running Pods of a Deployment that is as it should be."""
    return [running(pod) for pod in converge(lab(wish))[0]]


def names(*pods):
    return {pod.metadata.name for pod in pods}


def test_new_deployment_makes_its_replicas():
    create, delete = converge(lab(deployment()))
    assert (len(create), delete) == (3, set())
    assert len({pod.metadata.name for pod in create}) == 3
    pod = create[0]
    assert NAME.fullmatch(pod.metadata.name)
    hash_text = template_hash(deployment().spec.template)
    assert pod.metadata.name.startswith(f"web-{hash_text}-")
    assert pod.metadata.labels == {"app": "web", HASH_LABEL: hash_text}
    assert pod.metadata.annotations == {"a": "b"}
    owner = pod.metadata.owner_references[0]
    assert (owner.kind, owner.name, owner.uid, owner.controller) == (
        "ReplicaSet",
        f"web-{hash_text}",
        f"u-ReplicaSet-web-{hash_text}",
        True,
    )
    assert pod.spec == deployment().spec.template.spec


def test_repeated_after_a_crash_it_makes_the_same_pods():
    assert converge(lab(deployment())) == converge(lab(deployment()))


def test_settled_deployment_needs_nothing():
    assert converge(lab(deployment(), *settled(deployment()))) == ([], set())


def test_crash_after_some_of_the_pods_were_stored_makes_only_the_rest():
    create, delete = converge(lab(deployment(), *settled(deployment())[:2]))
    assert (len(create), delete) == (1, set())


def test_scale_up_keeps_what_is_there():
    create, delete = converge(lab(deployment(replicas=5), *settled(deployment())))
    assert (len(create), delete) == (2, set())


def test_scale_to_zero():
    pods = settled(deployment())
    assert converge(lab(deployment(replicas=0), *pods)) == ([], names(*pods))


CRASHED = {"container_statuses": (ContainerStatus(name="c", state="waiting", reason="CrashLoopBackOff", restart_count=4),)}
RESTARTED = {"container_statuses": (ContainerStatus(name="c", state="running", ready=True, restart_count=4),)}


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda pod: replace(pod, status=PodStatus()), id="unbound before bound"),
        pytest.param(lambda pod: running(pod, phase="Pending"), id="Pending before Running"),
        pytest.param(lambda pod: running(pod, **CRASHED), id="not ready before ready"),
        pytest.param(lambda pod: running(pod, **RESTARTED), id="often restarted before quiet"),
        pytest.param(lambda pod: changed(pod, creation_timestamp="2026-01-31T13:00:00Z"), id="newest before old"),
    ],
)
@pytest.mark.parametrize("which", [0, 1, 2])
def test_scale_down_takes(change, which):
    pods = settled(deployment())
    pods[which] = change(pods[which])
    assert converge(lab(deployment(replicas=2), *pods)) == ([], names(pods[which]))


def test_pod_being_deleted_is_replaced_under_a_new_name():
    pods = settled(deployment())
    pods[0] = changed(pods[0], deletion_timestamp="2026-01-31T13:00:00Z")
    create, delete = converge(lab(deployment(), *pods))
    assert (len(create), delete) == (1, set())
    assert create[0].metadata.name not in {pod.metadata.name for pod in pods}


def test_replacement_after_replacement_never_takes_an_old_name():
    wish, seen = deployment(replicas=1), set()
    alive = settled(wish)
    for _ in range(20):
        assert alive[0].metadata.name not in seen
        seen.add(alive[0].metadata.name)
        alive = stored(converge(lab(wish, changed(alive[0], deletion_timestamp="2026-01-31T13:00:00Z")))[0])


def test_pod_gone_without_a_trace_gets_another_name_with_the_next_revision():
    first, second = (converge(lab(deployment(replicas=1)), revision=revision)[0][0] for revision in (1, 2))
    assert first.metadata.name != second.metadata.name


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
def test_ended_pod_is_replaced_and_stays_to_be_looked_at(phase):
    pods = settled(deployment())
    pods[0] = replace(pods[0], status=PodStatus(phase=phase))
    create, delete = converge(lab(deployment(), *pods))
    assert (len(create), delete) == (1, set())


@pytest.mark.parametrize(
    "left",
    [
        pytest.param([], id="gone"),
        pytest.param([deployment(replicas=0, uid="d2")], id="made anew under the same name"),
        pytest.param([deployment(replicas=0, name="other", uid="d3")], id="only another one is there"),
    ],
)
def test_pods_go_with_their_deployment(left):
    pods = settled(deployment())
    assert converge(lab(*left, *pods)) == ([], names(*pods))


def test_pod_without_an_owner_is_left_alone():
    bare = Pod(metadata=ObjectMeta(name="web", namespace="shop", labels=LABELS), spec=deployment().spec.template.spec)
    create, delete = converge(lab(deployment(replicas=1), bare))
    assert (len(create), delete) == (1, set())


def test_pod_whose_label_was_edited_is_let_go_and_replaced():
    pods = settled(deployment())
    pods[0] = changed(pods[0], labels={**pods[0].metadata.labels, "app": "quarantine"})
    create, delete = converge(lab(deployment(), *pods))
    assert (len(create), delete) == (1, set())


def test_two_deployments_with_the_same_template_do_not_share_pods():
    both = [deployment(replicas=1), deployment(replicas=2, name="web-b", uid="d2")]
    create, _ = converge(lab(*both))
    assert [pod.metadata.name.startswith("web-b-") for pod in create] == [False, True, True]
    assert converge(lab(*both, *stored(create))) == ([], set())


def test_name_stays_usable_as_a_host_name():
    create, _ = converge(lab(deployment(replicas=2, name="w" * 60)))
    assert {len(pod.metadata.name) for pod in create} == {63}
    assert converge(lab(deployment(replicas=2, name="w" * 60), *stored(create))) == ([], set())


def test_hash_does_not_depend_on_the_order_of_labels():
    one, two = (
        PodTemplateSpec(metadata=TemplateMeta(labels=labels), spec=PodSpec(containers=()))
        for labels in ({"a": "1", "b": "2"}, {"b": "2", "a": "1"})
    )
    assert template_hash(one) == template_hash(two)


def test_hash_is_the_same_in_every_version():
    """Golden: if this changes, an upgrade of netlab replaces every Pod of every Deployment."""
    assert template_hash(deployment().spec.template) == "77f8f96d6c"
