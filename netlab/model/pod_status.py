"""`status` of a Pod and of its containers: what was seen of them.

Source: Kubernetes API reference, core/v1 PodStatus.
"""

from __future__ import annotations

from typing import Literal

from netlab.frozen import dataclass
from netlab.model.meta import Condition
from netlab.model.resources import QosClass

PodPhase = Literal["Pending", "Running", "Succeeded", "Failed", "Unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerStateTerminated:
    """How a run of a container ended. Times are RFC 3339."""

    exit_code: int
    reason: str = ""
    message: str = ""
    started_at: str = ""
    finished_at: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerStatus:
    """What is known of one container. `state` is waiting, running or terminated; times are RFC 3339.

    A waiting one has `reason` and `message` alone. `last_state` is how the run before the present one ended, or, of a waiting
    container, the run before the next. `started`: it runs and has passed its startup probe; `ready`: and its readiness probe.
    """

    name: str
    state: Literal["waiting", "running", "terminated"] = "waiting"
    reason: str = ""
    message: str = ""
    exit_code: int | None = None
    started_at: str = ""
    finished_at: str = ""
    restart_count: int = 0
    ready: bool = False
    started: bool = False
    image: str = ""
    image_id: str = ""
    container_id: str = ""
    last_state: ContainerStateTerminated | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PodStatus:
    """`status` of a Pod, decided by `lifecycle` from what the containers really did.

    `conditions` and `qos_class` follow from the rest of the Pod.
    """

    phase: PodPhase = "Pending"
    reason: str = ""
    message: str = ""
    pod_ips: tuple[str, ...] = ()
    host_ips: tuple[str, ...] = ()
    start_time: str = ""
    init_container_statuses: tuple[ContainerStatus, ...] = ()
    container_statuses: tuple[ContainerStatus, ...] = ()
    conditions: tuple[Condition, ...] = ()
    qos_class: QosClass | None = None
