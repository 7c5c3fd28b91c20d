"""What each field of Deployments, ReplicaSets, DaemonSets and Jobs means, a sentence each.

Keys are as in `explanations_pod`.
"""

from __future__ import annotations

from netlab.model.daemon_set import (
    DaemonSet,
    DaemonSetSpec,
    DaemonSetStatus,
    DaemonSetUpdateStrategy,
    RollingUpdateDaemonSet,
)
from netlab.model.explanations_status import Sentences
from netlab.model.job import Job, JobSpec, JobStatus
from netlab.model.workload import (
    Deployment,
    DeploymentSpec,
    DeploymentStatus,
    DeploymentStrategy,
    PodTemplateSpec,
    ReplicaSet,
    ReplicaSetSpec,
    ReplicaSetStatus,
    RollingUpdateDeployment,
    TemplateMeta,
)

_NAMED = "Name, Namespace and labels; the names of its Pods begin with its name."
_COUNTED = "How many there are; counted whenever somebody looks."
_SELECTOR = "The labels by which it knows its Pods, required and never to be changed."
_WAIT = "How many seconds a Pod must have been ready to count as available."

WORKLOAD_SENTENCES: Sentences = {
    TemplateMeta: {
        "name": "Accepted, and without effect: each Pod's name is made from its owner's.",
        "labels": "Labels of each Pod, those of the selector among them; netlab adds pod-template-hash.",
        "annotations": "Annotations of each Pod.",
    },
    PodTemplateSpec: {
        "metadata": "Labels and annotations that each Pod gets.",
        "spec": "The spec that each Pod gets; its restartPolicy must be Always, but in a Job, where it must not.",
    },
    Deployment: {
        "metadata": _NAMED,
        "spec": "How many Pods are wished for, what each is made from, and how they are replaced.",
        "status": _COUNTED,
    },
    DeploymentSpec: {
        "selector": _SELECTOR,
        "template": "What each Pod is made from; changing it begins a rollout.",
        "replicas": "How many Pods are wished for; 0 deletes them all.",
        "strategy": "How the Pods of the old template make room for those of the new one.",
        "min_ready_seconds": _WAIT,
        "revision_history_limit": "How many ReplicaSets of earlier templates are kept for `netlab rollout undo`.",
        "paused": "Whether a changed template waits; `netlab rollout pause` and `resume` set it.",
        "progress_deadline_seconds": (
            "After so many seconds in which no Pod became ready, the rollout has failed, as Progressing and"
            " `netlab rollout status` say, although it goes on."
        ),
    },
    DeploymentStrategy: {
        "type": "RollingUpdate replaces step by step; Recreate ends all old Pods before the first new one is made.",
        "rolling_update": "How large the steps are; not together with Recreate.",
    },
    RollingUpdateDeployment: {
        "max_surge": "How many Pods there may be too many: a number, or a part of `replicas`, rounded up.",
        "max_unavailable": "How many may be missing: a number, or a part of `replicas`, rounded down.",
    },
    DeploymentStatus: {
        "replicas": "Number of the Deployment's Pods that have not ended and are not being deleted.",
        "updated_replicas": "Number of those made from the present template.",
        "ready_replicas": "Number of those that are ready.",
        "available_replicas": "Number of those that have been ready for minReadySeconds.",
        "unavailable_replicas": "How many are missing, or not available.",
        "conditions": "Available while no more Pods are missing than the strategy allows, and Progressing.",
    },
    ReplicaSet: {"metadata": _NAMED, "spec": "How many Pods are wished for, and what each is made from.", "status": _COUNTED},
    ReplicaSetSpec: {
        "selector": (
            "The labels by which it knows its Pods, never to be changed: Pods that get them are taken in, and let go that lose"
            " them."
        ),
        "template": "What each further Pod is made from; those that exist stay as they are.",
        "replicas": "How many Pods are wished for; 0 deletes them all.",
        "min_ready_seconds": _WAIT,
    },
    ReplicaSetStatus: {
        "replicas": "Number of its Pods that have not ended and are not being deleted.",
        "fully_labeled_replicas": "Number of those that have all labels of the template.",
        "ready_replicas": "Number of those that are ready.",
        "available_replicas": "Number of those that have been ready for minReadySeconds.",
    },
    DaemonSet: {"metadata": _NAMED, "spec": "What each Node's Pod is made from, and how it is replaced.", "status": _COUNTED},
    DaemonSetSpec: {
        "selector": _SELECTOR,
        "template": "What each Pod is made from; its nodeSelector and tolerations say on which Nodes there is one.",
        "update_strategy": "How Pods of an old template are replaced.",
        "min_ready_seconds": _WAIT,
    },
    DaemonSetUpdateStrategy: {
        "type": "RollingUpdate replaces Node by Node; OnDelete waits until somebody deletes a Pod.",
        "rolling_update": "How many Nodes at a time; only with RollingUpdate.",
    },
    RollingUpdateDaemonSet: {
        "max_unavailable": "On how many Nodes the Pod may be missing: a number, or a part of the Nodes, rounded up.",
    },
    DaemonSetStatus: {
        "current_number_scheduled": "Number of Nodes that have a Pod, of those that are to have one.",
        "number_misscheduled": "Number of Nodes that have one and are not to.",
        "desired_number_scheduled": "Number of Nodes that are to have one.",
        "number_ready": "Number of Nodes whose Pod is ready.",
        "updated_number_scheduled": "Number of Nodes whose Pod is made from the present template.",
        "number_available": "Number of Nodes whose Pod has been ready for minReadySeconds.",
        "number_unavailable": "Number of Nodes that are to have one and have none that is available.",
    },
    Job: {"metadata": _NAMED, "spec": "How many Pods are to succeed, and what each is made from.", "status": "How far it is."},
    JobSpec: {
        "template": "What each Pod is made from; it cannot be changed.",
        "selector": "Made by netlab: labels that no other Job's Pods have.",
        "parallelism": "How many Pods run at the same time, at most.",
        "completions": "How many Pods must succeed; if left out, one is enough, and none is made after it.",
        "completion_mode": (
            "With Indexed each Pod has a number of its own, in JOB_COMPLETION_INDEX and its host name, and each number must"
            " succeed once."
        ),
        "backoff_limit": (
            "How many Pods may fail, restarts of their containers included, before the Job has failed; the next Pod waits"
            " 10 s, 20 s, 40 s and so on."
        ),
        "active_deadline_seconds": "After so many seconds the Job has failed, however far it is.",
        "ttl_seconds_after_finished": "So many seconds after its end the Job is deleted with its Pods; if left out, never.",
        "suspend": "Whether it waits without Pods.",
    },
    JobStatus: {
        "active": "Number of its Pods at work.",
        "ready": "Number of those that are ready.",
        "succeeded": "How many have ended well.",
        "failed": "How many have failed.",
        "completed_indexes": "The numbers that are done, of an Indexed Job: `0-2,4`.",
        "start_time": "When the Job began.",
        "completion_time": "When it was complete.",
        "last_failure_time": "When a Pod of it failed the last time.",
        "conditions": "Complete or Failed at its end, with the reason; Suspended.",
        "counted": "Uids of its Pods that are in `succeeded` and `failed` already; netlab's own.",
    },
}
