"""The objects that make Pods from a template, taken together."""

from __future__ import annotations

from typing import Final, TypeAlias

from netlab.model.daemon_set import DaemonSet
from netlab.model.job import Job
from netlab.model.workload import Deployment, ReplicaSet

Workload: TypeAlias = Deployment | ReplicaSet | DaemonSet | Job
WORKLOADS: Final = (Deployment, ReplicaSet, DaemonSet, Job)
