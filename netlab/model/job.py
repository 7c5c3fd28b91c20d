"""Job: Pods that end, until enough of them have ended well. Source: Kubernetes API reference, batch/v1 Job."""

from __future__ import annotations

from dataclasses import field
from typing import Annotated, ClassVar, Literal

from netlab.frozen import dataclass
from netlab.model.meta import Condition, Key, LabelSelector, ObjectMeta
from netlab.model.workload import PodTemplateSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSpec:
    """`spec` of a Job. Without `completions` one success is enough, and no Pod is made after it."""

    template: PodTemplateSpec
    selector: LabelSelector | None = None
    parallelism: Annotated[int, "non-negative"] = 1
    completions: Annotated[int, "non-negative"] | None = None
    completion_mode: Literal["NonIndexed", "Indexed"] = "NonIndexed"
    backoff_limit: Annotated[int, "non-negative"] = 6
    active_deadline_seconds: Annotated[int, "positive"] | None = None
    ttl_seconds_after_finished: Annotated[int, "non-negative"] | None = None
    suspend: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class JobStatus:
    """How far a Job has come. `counted` are the uids of those Pods that `succeeded` and `failed` count: each counts once."""

    active: int = 0
    ready: int = 0
    succeeded: int = 0
    failed: int = 0
    completed_indexes: str = ""
    start_time: str = ""
    completion_time: str = ""
    last_failure_time: str = ""
    conditions: tuple[Condition, ...] = ()
    counted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Pods that run to their end."""

    kind: ClassVar[str] = "Job"
    api_version: ClassVar[str] = "batch/v1"
    metadata: ObjectMeta
    spec: JobSpec
    status: JobStatus = field(default_factory=JobStatus)

    @property
    def key(self) -> Key:
        """The Job's identity."""
        return Key("Job", self.metadata.namespace, self.metadata.name)
