"""What images and the runtime add to the status of a Pod: what each container is made of, and what it waits for. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from netlab.desired.image_pulls import ImageWait
from netlab.model.pod import Pod
from netlab.model.pod_status import ContainerStateTerminated, ContainerStatus, PodStatus
from netlab.netstate.process import SandboxStatus

RUNTIME = "crun"
Waits = Mapping[str, ImageWait]
"""By container, why it cannot start."""


def with_images(status: PodStatus, pod: Pod, seen: SandboxStatus | None, waits: Waits) -> PodStatus:
    """Return the status with the images of containers, those in `waits` waiting for the reason given there."""
    images = {container.name: container.image for container in pod.spec.all_containers}
    runs = {run.name: run for run in seen.runs if run.state != "created"} if seen else {}

    def told(item: ContainerStatus) -> ContainerStatus:
        named = replace(item, image=images[item.name])
        if run := runs.get(item.name):
            named = replace(named, image_id=run.image, container_id=f"{RUNTIME}://{run.id}")
        return _held(named, waits[item.name]) if item.name in waits else named

    return replace(
        status,
        init_container_statuses=tuple(told(item) for item in status.init_container_statuses),
        container_statuses=tuple(told(item) for item in status.container_statuses),
    )


def _held(item: ContainerStatus, wait: ImageWait) -> ContainerStatus:
    """The container as waiting; how its last run ended is kept."""
    last = item.last_state
    if item.state == "terminated" and item.exit_code is not None:
        last = ContainerStateTerminated(
            exit_code=item.exit_code, reason=item.reason, message=item.message,
            started_at=item.started_at, finished_at=item.finished_at,
        )  # fmt: skip
    return ContainerStatus(
        name=item.name, state="waiting", reason=wait.reason, message=wait.message, restart_count=item.restart_count,
        last_state=last, image=item.image, image_id=item.image_id, container_id=item.container_id,
    )  # fmt: skip
