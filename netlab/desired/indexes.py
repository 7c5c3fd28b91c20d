"""The indexes of an Indexed Job: which are done, which are free, and how a Pod knows its own. Pure.

Done ones are kept as text, `0-2,4`. Source: Kubernetes docs, Job (Completion mode); indexed_job_utils.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from netlab.model.container import EnvVar
from netlab.model.job import Job
from netlab.model.pod import Pod

INDEX = "batch.kubernetes.io/job-completion-index"
VARIABLE = "JOB_COMPLETION_INDEX"


def indexed(text: str) -> set[int]:
    """Return the numbers of `0-2,4`."""
    found: set[int] = set()
    for part in filter(None, text.split(",")):
        first, _, last = part.partition("-")
        found |= set(range(int(first), int(last or first) + 1))
    return found


def short(numbers: Iterable[int]) -> str:
    """Return numbers as text, runs of them joined: `0-2,4`."""
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ",".join(f"{first}" if first == last else f"{first}-{last}" for first, last in runs)


def short_indexes(known: str, succeeded: Iterable[Pod]) -> str:
    """Return the done indexes with those of these Pods."""
    return short(indexed(known) | {number for pod in succeeded if (number := number_of(pod)) is not None})


def number_of(pod: Pod) -> int | None:
    """Return the index of a Pod, or None if it has none."""
    text = pod.metadata.annotations.get(INDEX, "")
    return int(text) if text.isdecimal() and text.isascii() else None


def free_indexes(item: Job, active: Sequence[Pod]) -> list[int]:
    """Return the indexes that are neither done nor at work, the lowest first."""
    busy = indexed(item.status.completed_indexes) | {number_of(pod) for pod in active}
    return [number for number in range(item.spec.completions or 0) if number not in busy]


def index_of(pod: Pod, job: str, index: int) -> Pod:
    """Return the Pod as that of an index."""
    told = {INDEX: str(index)}
    meta = replace(pod.metadata, labels={**pod.metadata.labels, **told}, annotations={**pod.metadata.annotations, **told})
    variable = EnvVar(name=VARIABLE, value=str(index))
    init, main = (
        tuple(replace(container, env=(*container.env, variable)) for container in containers)
        for containers in (pod.spec.init_containers, pod.spec.containers)
    )
    spec = replace(pod.spec, containers=main, init_containers=init, hostname=pod.spec.hostname or f"{job}-{index}"[:63])
    return replace(pod, metadata=meta, spec=spec)
