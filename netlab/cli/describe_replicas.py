"""What `describe` says of Deployments, ReplicaSets, DaemonSets and Jobs. Source: kubectl describe (v1.32)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from netlab.cli.cells import duration, selector_words
from netlab.cli.describe_pod import template_lines
from netlab.cli.tabbed import NONE, block, long_time, mapping
from netlab.desired.deployments import rollout_of
from netlab.desired.owning import by_controller, controller_of, owned_by
from netlab.model.daemon_set import DaemonSet
from netlab.model.job import Job
from netlab.model.lab import Cluster
from netlab.model.owners import Workload
from netlab.model.pod import Pod
from netlab.model.times import epoch
from netlab.model.workload import Deployment, ReplicaSet, RollingUpdateDeployment

Lines = Iterator[str]


def workload_lines(item: Workload, cluster: Cluster, now: float) -> Lines:
    """Yield what there is to say of a workload behind its Namespace. `now` is in seconds since the epoch."""
    match item:
        case Deployment():
            yield from _deployment(item, cluster, now)
        case ReplicaSet():
            yield from _replica_set(item, owned_by(cluster, item))
        case DaemonSet():
            yield from _daemon_set(item, owned_by(cluster, item))
        case Job():
            yield from _job(item)


def _labels(item: Workload) -> Lines:
    yield from mapping("Labels", item.metadata.labels)
    yield from mapping("Annotations", item.metadata.annotations, sign=": ")


def _deployment(item: Deployment, cluster: Cluster, now: float) -> Lines:
    spec, status = item.spec, item.status
    yield f"CreationTimestamp:\t{long_time(item.metadata.creation_timestamp)}"
    yield from _labels(item)
    yield f"Selector:\t{selector_words(spec.selector)}"
    counts = (
        (spec.replicas, "desired"), (status.updated_replicas, "updated"), (status.replicas, "total"),
        (status.available_replicas, "available"), (status.unavailable_replicas, "unavailable"),
    )  # fmt: skip
    yield f"Replicas:\t{' | '.join(f'{count} {word}' for count, word in counts)}"
    yield f"StrategyType:\t{spec.strategy.type}"
    yield f"MinReadySeconds:\t{spec.min_ready_seconds}"
    if spec.strategy.type == "RollingUpdate":
        rolling = spec.strategy.rolling_update or RollingUpdateDeployment()
        yield f"RollingUpdateStrategy:\t{rolling.max_unavailable} max unavailable, {rolling.max_surge} max surge"
    yield from template_lines(spec.template)
    conditions = [[condition.type, condition.status, condition.reason] for condition in status.conditions]
    if conditions:
        yield from block("Conditions", ["Type", "Status", "Reason"], conditions)
    rollout = rollout_of(item, by_controller(cluster.replica_sets).get(item.metadata.uid, []), {}, now)
    yield f"OldReplicaSets:\t{', '.join(_created(one) for one in rollout.old) or NONE}"
    yield f"NewReplicaSet:\t{_created(rollout.new) if rollout.new else NONE}"


def _created(item: ReplicaSet) -> str:
    return f"{item.metadata.name} ({item.status.replicas}/{item.spec.replicas} replicas created)"


def _replica_set(item: ReplicaSet, pods: Sequence[Pod]) -> Lines:
    yield f"Selector:\t{selector_words(item.spec.selector)}"
    yield from _labels(item)
    if owner := controller_of(item):
        yield f"Controlled By:\t{owner.kind}/{owner.name}"
    yield f"Replicas:\t{item.status.replicas} current / {item.spec.replicas} desired"
    yield _pods_status(pods)
    yield from template_lines(item.spec.template)


def _daemon_set(item: DaemonSet, pods: Sequence[Pod]) -> Lines:
    status = item.status
    yield f"Selector:\t{selector_words(item.spec.selector)}"
    node_selector = item.spec.template.spec.node_selector
    yield f"Node-Selector:\t{','.join(f'{key}={value}' for key, value in sorted(node_selector.items())) or NONE}"
    yield from _labels(item)
    # Sentences, not cells: kubectl writes these without a column.
    yield f"Desired Number of Nodes Scheduled: {status.desired_number_scheduled}"
    yield f"Current Number of Nodes Scheduled: {status.current_number_scheduled}"
    yield f"Number of Nodes Scheduled with Up-to-date Pods: {status.updated_number_scheduled}"
    yield f"Number of Nodes Scheduled with Available Pods: {status.number_available}"
    yield f"Number of Nodes Misscheduled: {status.number_misscheduled}"
    yield _pods_status(pods)
    yield from template_lines(item.spec.template)


def _job(item: Job) -> Lines:
    spec, status = item.spec, item.status
    yield f"Selector:\t{selector_words(spec.selector) if spec.selector else NONE}"
    yield from _labels(item)
    yield f"Parallelism:\t{spec.parallelism}"
    yield f"Completions:\t{_completions(item)}"
    yield f"Completion Mode:\t{spec.completion_mode}"
    yield f"Suspend:\t{str(spec.suspend).lower()}"
    yield f"Backoff Limit:\t{spec.backoff_limit}"
    if status.start_time:
        yield f"Start Time:\t{long_time(status.start_time)}"
    if status.completion_time:
        yield f"Completed At:\t{long_time(status.completion_time)}"
        yield f"Duration:\t{duration(int(epoch(status.completion_time) - epoch(status.start_time)))}"
    if spec.active_deadline_seconds:
        yield f"Active Deadline Seconds:\t{spec.active_deadline_seconds}s"
    at_work = f"{status.active} Active ({status.ready} Ready)"
    yield f"Pods Statuses:\t{at_work} / {status.succeeded} Succeeded / {status.failed} Failed"
    if spec.completion_mode == "Indexed":
        yield f"Completed Indexes:\t{status.completed_indexes or NONE}"
    yield from template_lines(spec.template)


def _completions(item: Job) -> str:
    """One, unless it was said otherwise: several Pods at once without a number of completions share out the work."""
    spec = item.spec
    return str(spec.completions) if spec.completions is not None else "<unset>" if spec.parallelism > 1 else "1"


def _pods_status(pods: Sequence[Pod]) -> str:
    phases = Counter("Waiting" if pod.status.phase == "Pending" else pod.status.phase for pod in pods)
    return "Pods Status:\t" + " / ".join(f"{phases[word]} {word}" for word in ("Running", "Waiting", "Succeeded", "Failed"))
