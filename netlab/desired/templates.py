"""Pods made from a template: their names, the hash that tells one template from another, which of them go first. Pure.

Names follow from what exists and from a number that grows with every change of the store: a run repeated after a crash makes
the same Pods again, and no name is given twice.
Source: Kubernetes docs, Deployment (pod-template-hash) and ReplicaSet; controller_utils.go (ActivePodsWithRanks).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import MISSING, fields, is_dataclass
from itertools import count
from typing import Any

from netlab.desired.availability import available_at
from netlab.desired.owning import adopted
from netlab.model.meta import ObjectMeta
from netlab.model.owners import Workload
from netlab.model.pod import Pod
from netlab.model.workload import PodTemplateSpec
from netlab.netstate.names import digest

HASH_LABEL = "pod-template-hash"
# Kubernetes' alphabet for generated names: no vowels and no 0, 1, 3, so that no word and no misreading comes out.
ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
SUFFIX_LENGTH = 5
BASE_MAX = 58  # 63 less the suffix: the name stays usable as a host name
HASH_DIGITS = 8  # hexadecimal: 32 bits, as Kubernetes' FNV-1a


def template_hash(template: PodTemplateSpec, collisions: int = 0) -> str:
    """Return at most ten characters that stand for the template's content.

    Fields with their default value are left out, so that a field netlab learns later does not replace every Pod. Another
    number of `collisions` gives another hash, for the case that somebody has the name that is made from it.
    """
    text = repr(_plain(template))
    number = int((digest(text, str(collisions)) if collisions else digest(text))[:HASH_DIGITS], 16)
    return "".join(ALPHABET[ord(digit) % len(ALPHABET)] for digit in str(number))


def new_pod(owner: Workload, name: str) -> Pod:
    """Return a Pod made from the owner's template."""
    template = owner.spec.template
    meta = ObjectMeta(
        name=name,
        namespace=owner.metadata.namespace,
        labels=dict(template.metadata.labels),
        annotations=dict(template.metadata.annotations),
    )
    return adopted(Pod(metadata=meta, spec=template.spec), owner)


def free_names(owner: Workload, revision: int, own: Iterable[Pod], taken: Collection[str]) -> Iterator[str]:
    """Yield names for Pods of the owner that are not in `taken`. Seeded with the uids of those it has: each is a new name."""
    base = f"{owner.metadata.name}-"[:BASE_MAX]
    uids = sorted(pod.metadata.uid for pod in own)
    given: set[str] = set()
    for number in count():
        name = base + _letters(digest(owner.metadata.uid, str(revision), str(number), *uids))
        if name not in taken and name not in given:
            given.add(name)
            yield name


def scale_down_order(pods: Iterable[Pod]) -> list[Pod]:
    """The Pods, the first to go first: unbound, Pending, not ready, ready for the shortest time, often restarted, newest."""

    def restarts(pod: Pod) -> int:
        return max((status.restart_count for status in pod.lasting_statuses), default=0)

    # Sorts are stable: the least important criterion is sorted first.
    newest = sorted(pods, key=lambda pod: (pod.metadata.creation_timestamp, pod.metadata.name), reverse=True)
    quiet = sorted(newest, key=lambda pod: -restarts(pod))
    latest = sorted(quiet, key=lambda pod: available_at(pod, 0) or 0.0, reverse=True)
    return sorted(latest, key=lambda pod: (bool(pod.status.pod_ips), pod.status.phase != "Pending", pod.is_ready))


def _letters(hexadecimal: str) -> str:
    octets = bytes.fromhex(hexadecimal)[:SUFFIX_LENGTH]
    return "".join(ALPHABET[octet % len(ALPHABET)] for octet in octets)


def _plain(value: Any) -> Any:
    """A value as sorted pairs and lists, without what is as by default: text that means the same in every version."""
    if is_dataclass(value):
        set_fields = ((item.name, getattr(value, item.name)) for item in fields(value) if not _is_default(value, item))
        return sorted((name, _plain(content)) for name, content in set_fields)
    if isinstance(value, dict):
        return sorted((key, _plain(content)) for key, content in value.items())
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def _is_default(value: Any, item: Any) -> bool:
    default = item.default_factory() if item.default_factory is not MISSING else item.default
    return bool(getattr(value, item.name) == default)
