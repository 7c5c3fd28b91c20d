"""How large each ReplicaSet is on the way from one template to another, and what holds at every step of the way."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from netlab.desired.availability import is_available
from netlab.desired.deployments import MOST, REVISION
from netlab.desired.owning import is_active
from netlab.desired.rollouts import Rollout, allowance, next_sizes, part_of, scaled
from netlab.model.container import Container
from netlab.model.lab import Cluster, Lab
from netlab.model.meta import Key, LabelSelector, ObjectMeta
from netlab.model.pod import PodSpec
from netlab.model.pod_status import PodStatus
from netlab.model.workload import (
    Deployment,
    DeploymentSpec,
    DeploymentStrategy,
    PodTemplateSpec,
    ReplicaSet,
    ReplicaSetSpec,
    RollingUpdateDeployment,
    TemplateMeta,
)
from tests.controllers import converged, running, with_uid

LABELS = {"app": "web"}
WEB = Key("Deployment", "shop", "web")


def deployment(replicas=4, surge="25%", unavailable="25%", program="a", **spec):
    rolling = RollingUpdateDeployment(max_surge=surge, max_unavailable=unavailable)
    strategy = DeploymentStrategy(rolling_update=rolling) if surge is not None else DeploymentStrategy(type="Recreate")
    pod = PodSpec(containers=(Container(name="c", image="host", command=(program,)),))
    template = PodTemplateSpec(metadata=TemplateMeta(labels=LABELS), spec=pod)
    facts = {"replicas": replicas, "strategy": strategy, "template": template} | spec
    return Deployment(
        metadata=ObjectMeta(name="web", namespace="shop", uid="d1", creation_timestamp="2026-01-31T12:00:00Z"),
        spec=DeploymentSpec(selector=LabelSelector(match_labels=LABELS), **facts),
    )


def replica_set(name, size, most=0):
    spec = deployment().spec
    meta = ObjectMeta(name=name, namespace="shop", uid=f"u-{name}", annotations={MOST: str(most)})
    return ReplicaSet(metadata=meta, spec=ReplicaSetSpec(selector=spec.selector, template=spec.template, replicas=size))


@pytest.mark.parametrize(
    ("value", "whole", "up", "found"),
    [
        pytest.param(2, 10, True, 2, id="a number is itself"),
        pytest.param("25%", 10, True, 3, id="a surge is rounded up"),
        pytest.param("25%", 10, False, 2, id="what may be missing is rounded down"),
        pytest.param("0%", 10, True, 0, id="nothing"),
        pytest.param("150%", 10, True, 15, id="more than all"),
    ],
)
def test_a_part(value, whole, up, found):
    assert part_of(value, whole, up=up) == found


@pytest.mark.parametrize(
    ("wish", "surge", "unavailable"),
    [
        pytest.param(deployment(4), 1, 1, id="a quarter each way"),
        pytest.param(deployment(1), 1, 0, id="of one Pod none may be missing"),
        pytest.param(deployment(4, "0%", "1%"), 0, 1, id="something must be possible"),
        pytest.param(deployment(4, 2, 0), 2, 0, id="numbers"),
        pytest.param(deployment(4, None), 0, 0, id="Recreate"),
    ],
)
def test_allowance(wish, surge, unavailable):
    assert allowance(wish.spec) == (surge, unavailable)


@pytest.mark.parametrize(
    ("wish", "new", "old", "available", "after"),
    [
        pytest.param(deployment(4), 0, 4, {"old": 4}, {"new": 1, "old": 4}, id="the new set grows into the surge"),
        pytest.param(deployment(4), 1, 4, {"old": 4}, {"new": 1, "old": 3}, id="an old Pod goes, as one may be missing"),
        pytest.param(deployment(4), 1, 3, {"old": 3}, {"new": 2, "old": 3}, id="which makes room"),
        pytest.param(deployment(4), 2, 3, {"old": 3}, {"new": 2, "old": 3}, id="then all wait for a new Pod to be available"),
        pytest.param(deployment(4), 2, 3, {"old": 3, "new": 2}, {"new": 2, "old": 1}, id="which lets old ones go"),
        pytest.param(deployment(4), 1, 4, {"old": 2}, {"new": 1, "old": 3}, id="Pods that are not available go first"),
        pytest.param(deployment(4), 4, 0, {"new": 4}, {"new": 4, "old": 0}, id="nothing is left to do"),
        pytest.param(deployment(2), 4, 0, {"new": 4}, {"new": 2, "old": 0}, id="a set that is too large"),
        pytest.param(deployment(4, 0, 1), 0, 4, {"old": 4}, {"new": 0, "old": 3}, id="without a surge an old Pod goes first"),
        pytest.param(deployment(4, 1, 0), 1, 4, {"old": 4}, {"new": 1, "old": 4}, id="none may be missing: wait"),
    ],
)
def test_next_sizes(wish, new, old, available, after):
    rollout = Rollout(wish, replica_set("new", new), [replica_set("old", old)], available)
    assert next_sizes(rollout) == after


@pytest.mark.parametrize(
    ("has_old_pods", "after"),
    [
        pytest.param(True, {"new": 0, "old": 0}, id="the old ones end first"),
        pytest.param(False, {"new": 4, "old": 0}, id="then all new ones are made"),
    ],
)
def test_recreate(has_old_pods, after):
    rollout = Rollout(deployment(4, None), replica_set("new", 0), [replica_set("old", 4)], {}, has_old_pods)
    assert next_sizes(rollout) == after


@pytest.mark.parametrize(
    ("replicas", "sets", "after"),
    [
        pytest.param(6, {"new": 4}, {"new": 6}, id="one set takes all of it"),
        pytest.param(20, {"new": 5, "old": 8}, {"new": 10, "old": 15}, id="two sets share in proportion"),
        pytest.param(5, {"new": 5, "old": 8}, {"new": 3, "old": 4}, id="also when there are to be fewer"),
        pytest.param(0, {"new": 2, "old": 3}, {"new": 0, "old": 0}, id="none at all"),
    ],
)
def test_scaling_in_the_middle_of_a_rollout(replicas, sets, after):
    made = {name: replica_set(name, size, most=13) for name, size in sets.items()}
    old = [item for name, item in made.items() if name != "new"]
    known = dict.fromkeys(made, 13)
    assert scaled(Rollout(deployment(replicas), made["new"], old, {}), known) == after


def cluster(*objects):
    return Cluster(lab=Lab(metadata=ObjectMeta(name="demo"))).with_objects(objects)


def active(seen):
    return [pod for pod in seen.pods if is_active(pod)]


def step(seen, chance, now):
    """A moment later: some Pods have become ready, some that were to go are gone."""
    gone = [pod.key for pod in seen.pods if pod.metadata.deletion_timestamp and chance.random() < 0.5]
    ready = [running(pod, now) for pod in active(seen) if not pod.is_ready and chance.random() < 0.4]
    return converged(seen.with_objects(ready).without(gone), now).cluster


@pytest.mark.parametrize("seed", range(40))
def test_a_rollout_keeps_its_promises_and_comes_to_its_end(seed):
    chance = random.Random(seed)
    replicas = chance.randint(1, 9)
    surge, unavailable = chance.choice([(1, 0), (0, 1), ("25%", "25%"), ("50%", 0), (3, 2), ("100%", "50%")])
    wish = deployment(replicas, surge, unavailable, min_ready_seconds=chance.choice([0, 5]))
    seen, now = converged(cluster(wish), 1000.0).cluster, 1000.0
    for _ in range(200):  # first it comes up
        now += 3.0
        seen = step(seen, chance, now)
    for program in chance.sample("bcdef", 3):  # templates change faster than they are rolled out
        seen = seen.with_objects(
            [replace(seen.objects[WEB], spec=replace(wish.spec, template=deployment(program=program).spec.template))]
        )
        for _ in range(chance.randint(1, 8)):
            now += 3.0
            seen = step(seen, chance, now)
            must_hold(seen, wish, now)
    for _ in range(300):
        now += 3.0
        seen = step(seen, chance, now)
        must_hold(seen, wish, now)
    template = seen.objects[WEB].spec.template.spec
    assert [pod.spec for pod in active(seen)] == [template] * replicas
    assert [item.spec.replicas for item in seen.replica_sets if item.spec.replicas] == [replicas]


def must_hold(seen, wish, now):
    surge, unavailable = allowance(wish.spec)
    found = active(seen)
    assert len(found) <= wish.spec.replicas + surge
    assert sum(is_available(pod, wish.spec.min_ready_seconds, now) for pod in found) >= wish.spec.replicas - unavailable


def revisions(seen):
    return {item.metadata.name: int(item.metadata.annotations[REVISION]) for item in seen.replica_sets}


def test_going_back_takes_up_the_old_set_under_a_new_revision():
    first = converged(cluster(deployment(1, 1, 1))).cluster
    (old,) = first.replica_sets
    second = converged(first.with_objects([replace(first.objects[WEB], spec=deployment(1, 1, 1, "b").spec)])).cluster
    assert sorted(revisions(second).values()) == [1, 2]
    third = converged(second.with_objects([replace(second.objects[WEB], spec=deployment(1, 1, 1, "a").spec)])).cluster
    assert revisions(third)[old.metadata.name] == 3
    assert third.objects[WEB].metadata.annotations[REVISION] == "3"


def test_no_more_history_is_kept_than_is_wished():
    seen = cluster(deployment(1, 1, 1, revision_history_limit=2))
    for program in "abcdef":
        wish = deployment(1, 1, 1, program, revision_history_limit=2)
        old = seen.objects[WEB]
        seen = converged(seen.with_objects([replace(old, spec=wish.spec)])).cluster
        ready = [running(pod) for pod in active(seen)]
        gone = [pod.key for pod in seen.pods if pod.metadata.deletion_timestamp]
        seen = converged(seen.with_objects(ready).without(gone)).cluster
        seen = converged(seen.without([pod.key for pod in seen.pods if pod.metadata.deletion_timestamp])).cluster
    assert sorted(revisions(seen).values()) == [4, 5, 6]


def test_while_it_is_paused_a_changed_template_waits():
    seen = converged(cluster(deployment(2))).cluster
    paused = replace(seen.objects[WEB], spec=deployment(3, program="b", paused=True).spec)
    held = converged(seen.with_objects([paused])).cluster
    assert [item.spec.replicas for item in held.replica_sets] == [3]
    resumed = converged(held.with_objects([replace(held.objects[WEB], spec=deployment(3, program="b").spec)])).cluster
    assert len(resumed.replica_sets) == 2


def test_a_pod_that_fits_is_taken_in_and_one_that_does_not_is_let_go():
    seen = converged(cluster(deployment(2))).cluster
    first, second = seen.pods
    stray = replace(first, metadata=replace(first.metadata, name="stray", uid="u-stray", owner_references=()))
    other = replace(second, metadata=replace(second.metadata, labels={"app": "other"}))
    later = converged(seen.with_objects([with_uid(stray), other])).cluster
    owners = {pod.metadata.name: bool(pod.metadata.owner_references) for pod in active(later)}
    assert owners == {first.metadata.name: True, "stray": True, second.metadata.name: False}


def test_a_set_of_somebody_else_keeps_its_name_and_its_pods():
    seen = converged(cluster(deployment(1))).cluster
    (own,) = seen.replica_sets
    stranger = replace(
        own,
        metadata=replace(own.metadata, uid="u-stranger", owner_references=(), labels={"app": "other"}),
        spec=replace(own.spec, replicas=0),
    )
    beside = converged(cluster(deployment(1)).with_objects([stranger])).cluster
    assert beside.objects[stranger.key] == stranger
    assert len(beside.replica_sets) == 2


def test_recreate_does_not_wait_for_a_pod_that_has_ended():
    seen = converged(cluster(deployment(1, None))).cluster
    (pod,) = seen.pods
    ended = replace(pod, status=PodStatus(phase="Failed"))
    changed = replace(seen.objects[WEB], spec=deployment(1, None, program="b").spec)
    seen = converged(seen.with_objects([ended, changed])).cluster
    seen = converged(seen.without([one.key for one in seen.pods if one.metadata.deletion_timestamp])).cluster
    assert [one.spec.containers[0].command for one in active(seen)] == [("b",)]
