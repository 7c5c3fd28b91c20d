"""What each field of a status means, a sentence each, and of what only `get -o yaml` has: fields that the nouns keep flat.

Statuses are written by netlab alone. Their times are RFC 3339 in UTC with whole seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from netlab.model.event import Event, EventSource, InvolvedObject
from netlab.model.meta import Condition
from netlab.model.pod_status import ContainerStateTerminated, ContainerStatus, PodStatus

Sentences = Mapping[type[Any], Mapping[str, str]]
"""Noun -> name of the field in Python -> one sentence."""

STATUS_SENTENCES: Sentences = {
    PodStatus: {
        "phase": (
            "Where the Pod is in its life: Pending until all containers were created, Running while one runs or will be"
            " restarted, then Succeeded or Failed for good; Unknown while it ran on a Node that cannot be reached."
        ),
        "reason": ("One word for why the Pod as a whole is as it is: DeadlineExceeded; containers have reasons of their own."),
        "message": "The reason in words, or why the Pod has no Node yet.",
        "pod_ips": "The Pod's addresses, one of each IP family, the primary one first.",
        "host_ips": "The addresses of the Pod's Node on the fabric, one of each IP family.",
        "start_time": "When the Pod was first seen with a Node.",
        "init_container_statuses": "What is known of each init container, in the order of the spec.",
        "container_statuses": "What is known of each container, in the order of the spec; none while the Pod has no Node.",
        "conditions": (
            "PodScheduled, PodReadyToStartContainers (it has its namespaces and its network), Initialized, ContainersReady and"
            " Ready with the time since when; made anew from the rest of the status whenever somebody looks."
        ),
        "qos_class": (
            "Guaranteed if every container has limits for cpu and memory and requests no less, BestEffort if none has limits or"
            " requests, else Burstable."
        ),
    },
    Event: {
        "metadata": "The Event's own name; Events of Nodes and Namespaces are in the Namespace `default`.",
        "involved_object": "What it happened to.",
        "type": "Normal, or Warning for what somebody should look at.",
        "reason": "One word for what happened, the kubelet's or the scheduler's: Scheduled, Started, BackOff, Killing.",
        "message": "A sentence about what happened.",
        "source": "Who noticed.",
        "first_timestamp": "When it happened for the first time.",
        "last_timestamp": "When it happened last.",
        "count": "How often it happened; the same again counts up, and makes no new Event.",
    },
    InvolvedObject: {
        "kind": "The object's kind.",
        "name": "The object's name, which may be that of an object that is gone.",
        "namespace": "The object's Namespace; empty for a Node or a Namespace.",
    },
    EventSource: {
        "component": "The part of Kubernetes that would have noticed; in netlab they are all one program.",
    },
    ContainerStatus: {
        "name": "The container's name in the spec.",
        "state": "What the container does now; exactly one of its fields is set.",
        "reason": (
            "One word for the state: ContainerCreating, PodInitializing, CreateContainerConfigError, ErrImagePull,"
            " ImagePullBackOff, ErrImageNeverPull, InvalidImageName, CrashLoopBackOff or RunContainerError while it waits,"
            " Completed, Error, OOMKilled, StartError or ContainerStatusUnknown when it has ended."
        ),
        "message": "The same in words for people, such as what could not be started, or how far the pull of the image is.",
        "exit_code": (
            "The program's exit code, 128 plus the signal's number if a signal ended it, 128 if it could never be started, 137"
            " if nobody saw its end."
        ),
        "started_at": "When this run began.",
        "finished_at": "When the run ended.",
        "restart_count": "How often the container was started again in this Pod, replacements after a change included.",
        "ready": (
            "Whether the container runs and has passed its startup and readiness probes, if it has such; of an init container,"
            " whether it has succeeded."
        ),
        "started": "Whether the container runs and has passed its startup probe, if it has one.",
        "image": "The image that the spec names.",
        "image_id": (
            "What exactly the newest run has its root directory from: the image's repository and the digest of its manifest;"
            " empty for `host`."
        ),
        "container_id": "What the container runtime calls the newest run: `crun --root=/run/netlab/LAB/crun list` has it.",
        "last_state": "How the run before ended; of a container that waits for its restart, the run that just ended.",
    },
    ContainerStateTerminated: {
        "exit_code": (
            "The program's exit code, 128 plus the signal's number if a signal ended it, 128 if it could never be started, 137"
            " if nobody saw its end."
        ),
        "reason": "One word for the end: Completed, Error, OOMKilled, StartError or ContainerStatusUnknown.",
        "message": "What the container wrote to its terminationMessagePath, or what could not be started, and why.",
        "started_at": "When the run began.",
        "finished_at": "When the run ended.",
    },
    Condition: {
        "type": (
            "What is said: PodScheduled, Initialized, ContainersReady or Ready of a Pod, Available or Progressing of a"
            " Deployment, Complete, Failed or Suspended of a Job; `netlab wait --for=condition=TYPE` waits for it."
        ),
        "status": "Whether it is so.",
        "last_transition_time": "Since when.",
        "reason": "One word for why it is so; empty if there is nothing to explain.",
        "message": "The same in words for people.",
    },
}

# Type -> field -> sentence, in the names of the manifest: what the nouns have no field of their own for (see `wire`).
WIRE_ONLY: Mapping[str, Mapping[str, str]] = {
    "Namespace": {"status": "What is known of the Namespace."},
    "NamespaceStatus": {"phase": "Active, or Terminating while what is inside is deleted."},
    "PodStatus": {
        "podIP": "The first of `podIPs`, the address other Pods reach this one at.",
        "hostIP": "The first of `hostIPs`.",
    },
    "PodIP": {"ip": "One address."},
    "HostIP": {"ip": "One address."},
    "ContainerState": {
        "waiting": "It is to be created or to be started again; `reason` says what it waits for.",
        "running": "Its program runs.",
        "terminated": "It has ended, and the restartPolicy leaves it so.",
    },
}
