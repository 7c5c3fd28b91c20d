"""How many Pods each ReplicaSet of a Deployment is to have next, on the way from one template to another. Pure arithmetic.

    RollingUpdate   at most replicas + maxSurge Pods, at least replicas - maxUnavailable available ones: the new set grows into
                    what the surge allows; the old ones shrink, Pods that are not available first, as availability allows
    Recreate        the old sets go to 0; the new one grows when the last of their Pods is gone
    another number  all sets in proportion, so that a rollout under way goes on as it is

Source: Kubernetes docs, Deployment; pkg/controller/deployment: rolling.go, recreate.go, sync.go, util ResolveFenceposts.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from netlab.model.workload import Deployment, DeploymentSpec, ReplicaSet, RollingUpdateDeployment

Sizes = dict[str, int]
"""`replicas` by the name of the ReplicaSet."""


class Rollout(NamedTuple):
    """A Deployment with its ReplicaSets, oldest first; `available` has the number of available Pods of each, by name.

    `new` is the set of the present template. `has_old_pods`: some Pod of the others has not ended.
    """

    deployment: Deployment
    new: ReplicaSet | None
    old: Sequence[ReplicaSet]
    available: Mapping[str, int]
    has_old_pods: bool = False

    @property
    def sets(self) -> list[ReplicaSet]:
        """All ReplicaSets."""
        return [*self.old, *([self.new] if self.new else [])]

    @property
    def sizes(self) -> Sizes:
        """The number of Pods that each set is to have now."""
        return {item.metadata.name: item.spec.replicas for item in self.sets}


def allowance(spec: DeploymentSpec) -> tuple[int, int]:
    """Return how many Pods there may be too many, and too few; a percentage is rounded up for the one, down for the other."""
    if spec.strategy.type == "Recreate":
        return 0, 0
    rolling = spec.strategy.rolling_update or RollingUpdateDeployment()
    surge = part_of(rolling.max_surge, spec.replicas, up=True)
    unavailable = part_of(rolling.max_unavailable, spec.replicas, up=False)
    return surge, min(unavailable, spec.replicas) if surge or unavailable else 1


def part_of(value: int | str, whole: int, *, up: bool) -> int:
    """Return a number, or the part of `whole` that a percentage means."""
    if isinstance(value, int):
        return value
    hundredths = int(value.removesuffix("%")) * whole
    return -(-hundredths // 100) if up else hundredths // 100


def first_size(rollout: Rollout) -> int:
    """Return how many Pods the set of a new template begins with."""
    replicas, (surge, _) = rollout.deployment.spec.replicas, allowance(rollout.deployment.spec)
    if rollout.deployment.spec.strategy.type == "Recreate":
        return replicas
    return max(0, min(replicas + surge - sum(rollout.sizes.values()), replicas))


def next_sizes(rollout: Rollout) -> Sizes:
    """Return the sizes of all sets after the next step of a rollout; the same ones when there is nothing to do."""
    if rollout.new is None:
        return rollout.sizes
    return _recreate(rollout) if rollout.deployment.spec.strategy.type == "Recreate" else _roll(rollout)


def _recreate(rollout: Rollout) -> Sizes:
    sizes = rollout.sizes | {item.metadata.name: 0 for item in rollout.old}
    if rollout.new and not rollout.has_old_pods:
        sizes[rollout.new.metadata.name] = rollout.deployment.spec.replicas
    return sizes


def _roll(rollout: Rollout) -> Sizes:
    sizes, replicas = rollout.sizes, rollout.deployment.spec.replicas
    if rollout.new is None:
        return sizes
    name = rollout.new.metadata.name
    surge, _ = allowance(rollout.deployment.spec)
    room = replicas + surge - sum(sizes.values())
    grown = replicas if sizes[name] > replicas else sizes[name] + max(0, min(room, replicas - sizes[name]))
    if grown != sizes[name]:
        return sizes | {name: grown}
    return _shrink_old(rollout, sizes)


def _shrink_old(rollout: Rollout, sizes: Sizes) -> Sizes:
    """Take away Pods that are not available, then as many others as availability allows."""
    if rollout.new is None:
        return sizes
    name, replicas = rollout.new.metadata.name, rollout.deployment.spec.replicas
    least = replicas - allowance(rollout.deployment.spec)[1]
    spare = sum(sizes.values()) - least - (sizes[name] - rollout.available.get(name, 0))
    if spare <= 0:
        return sizes
    for item in rollout.old:
        old = item.metadata.name
        gone = min(spare, max(0, sizes[old] - rollout.available.get(old, 0)))
        sizes, spare = sizes | {old: sizes[old] - gone}, spare - gone
    surplus = sum(rollout.available.values()) - least
    for item in rollout.old:
        old = item.metadata.name
        gone = max(0, min(sizes[old], surplus))
        sizes, surplus = sizes | {old: sizes[old] - gone}, surplus - gone
    return sizes


def scaled(rollout: Rollout, known: Mapping[str, int]) -> Sizes:
    """Return the sizes after the number of replicas was changed.

    `known` has, for each set, the largest number of Pods there might be when it got its size, by name.
    """
    sizes, replicas = rollout.sizes, rollout.deployment.spec.replicas
    active = [item for item in rollout.sets if item.spec.replicas > 0]
    if len(active) <= 1:
        only = active[0] if active else rollout.new
        return sizes | {only.metadata.name: replicas} if only else sizes
    if rollout.deployment.spec.strategy.type == "Recreate":
        return sizes
    most = replicas + allowance(rollout.deployment.spec)[0] if replicas else 0
    to_add = most - sum(sizes.values())
    # The largest first if Pods are added, the smallest of the new ones last if they are taken away.
    left = to_add
    for item in sorted(active, key=lambda one: -one.spec.replicas):
        name = item.metadata.name
        share = _share(sizes[name], most, known.get(name) or sum(rollout.sizes.values()))
        change = max(min(share, left), 0) if to_add > 0 else min(max(share, left), 0)
        sizes, left = sizes | {name: sizes[name] + change}, left - change
    first = max(active, key=lambda one: one.spec.replicas).metadata.name
    return sizes | {first: max(0, sizes[first] + left)}


def _share(size: int, most: int, known: int) -> int:
    """By how much a set of this size is to change when all of them together may have `most` instead of `known`."""
    return math.floor(size * most / known + 0.5) - size if known else 0
