"""Containers and their images, in a round: those whose image is not ready are held back, and pulls are begun for them.

A round only begins a pull and looks at what became of it: it never waits. Which containers would start is what the plan says;
the words for it are `desired/image_pulls.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from netlab.desired.image_names import HOST, InvalidImageName, parse
from netlab.desired.image_pulls import BACKOFF, FAILED, INVALID, NEVER, ImageWait, image_wait, pulling, was_pulled
from netlab.desired.image_status import Waits
from netlab.engine.look import Look
from netlab.engine.session import Session
from netlab.errors import NetlabError
from netlab.kernel.port import Images
from netlab.model.container import Container
from netlab.model.event import Event, event_of
from netlab.model.lifecycle import FINAL_PHASES
from netlab.model.pod import Pod
from netlab.model.pod_status import ContainerStatus
from netlab.netstate.process import SandboxStatus
from netlab.netstate.pull import ImageLook
from netlab.plan.process_steps import StartContainer
from netlab.plan.processes import ProcessPlan, Wish, plan_processes

NO_WAITS: Waits = {}


def look_at_images(images: Images, pods: Iterable[Pod]) -> dict[str, ImageLook]:
    """Return what there is of every image that a Pod names, by the name in the manifest. Raises KernelError."""
    words = {
        container.image for pod in pods if pod.status.phase not in FINAL_PHASES for container in pod.spec.all_containers
    } - {HOST}
    found = {}
    for word in words:
        try:
            found[word] = images.look(parse(word))
        except InvalidImageName:
            found[word] = ImageLook()
    return found


def waits_of(look: Look, wish: Wish) -> Waits:
    """Return the containers of a Pod that would start now but for their images."""
    if wish.sandbox is None or not any(container.image != HOST for container in wish.pod.spec.all_containers):
        return NO_WAITS
    uid = wish.pod.metadata.uid
    seen = look.seen.get(uid)
    plan = plan_processes([wish], {uid: seen} if seen else {}, look.now)
    starting = {step.name for step in plan.steps.get(uid, ()) if isinstance(step, StartContainer)}
    return {
        container.name: wait
        for container in wish.pod.spec.all_containers
        if container.name in starting and container.image != HOST and (wait := _wait(look, container, seen))
    }


def _wait(look: Look, container: Container, seen: SandboxStatus | None) -> ImageWait | None:
    found, since = look.images[container.image], due_since(container, seen)
    return image_wait(container.image, container.image_pull_policy, found, since, look.now)


def due_since(container: Container, seen: SandboxStatus | None) -> float | None:
    """Return since when a container that is to start was due, in seconds since the epoch: its last end, or its Pod's start.

    The Pod's own startTime is in whole seconds: what was pulled in the same second may be older than the Pod.
    """
    if seen is None or not seen.alive:
        return None
    return max([seen.started_at, *(run.finished_at for run in seen.runs if run.name == container.name)])


def held_back(plan: ProcessPlan, waits: Mapping[str, Waits]) -> ProcessPlan:
    """Return the plan without the containers that wait, by Pod uid, for their images; it looks again when one of them may."""
    steps = {
        uid: tuple(step for step in row if not (isinstance(step, StartContainer) and step.name in waits.get(uid, NO_WAITS)))
        for uid, row in plan.steps.items()
    }
    moments = [wait.until for row in waits.values() for wait in row.values() if wait.until is not None]
    until = min([*moments, *([plan.wake_at] if plan.wake_at is not None else [])], default=None)
    return replace(plan, steps={uid: row for uid, row in steps.items() if row}, wake_at=until)


def begin_pulls(session: Session, look: Look, waits: Mapping[str, Waits]) -> list[str]:
    """Begin the pulls that are due, one for each image; return a sentence for each that could not be begun."""
    wanted: dict[str, ImageWait] = {}
    for pod in look.cluster.pods:
        for container in pod.spec.all_containers:
            wait = waits.get(pod.metadata.uid, NO_WAITS).get(container.name)
            if wait is not None and wait.pull:
                wanted[str(parse(container.image))] = wait
    problems = []
    for name, wait in wanted.items():
        try:
            session.images.pull(parse(name), wait.failures, look.now)
        except NetlabError as error:
            problems.append(f"pull image {name}: {error}")
    return problems


def waiting_events(pod: Pod, image: str, earlier: ContainerStatus, item: ContainerStatus) -> Iterator[Event]:
    """Yield what the kubelet would say about a container that has begun to wait for its image, or waits in another way."""
    begun = pulling(image)
    if item.message.startswith(begun):
        if not earlier.message.startswith(begun):
            yield event_of(pod.key, "Normal", "Pulling", begun)
        return
    if (item.reason, item.message) == (earlier.reason, earlier.message):
        return
    told = {
        FAILED: ("Warning", "Failed", f'Failed to pull image "{image}": {item.message}'),
        BACKOFF: ("Normal", "BackOff", f'Back-off pulling image "{image}"'),
        NEVER: ("Warning", "ErrImageNeverPull", item.message),
        INVALID: ("Warning", "InspectFailed", item.message),
    }
    kind, reason, message = told[item.reason]
    yield event_of(pod.key, "Warning" if kind == "Warning" else "Normal", reason, message)
    yield event_of(pod.key, "Warning", "Failed", f"Error: {item.reason}")


def waits_for_image(image: str, item: ContainerStatus) -> bool:
    """Tell whether a container's status is that of one that waits for its image."""
    told = item.reason in {FAILED, BACKOFF, NEVER, INVALID} or item.message.startswith(pulling(image))
    return item.state == "waiting" and told


def started_event(look: Look, pod: Pod, name: str) -> Event | None:
    """Return what the kubelet would say of the image of a container that is started now; nothing of `host`."""
    container = next(item for item in pod.spec.all_containers if item.name == name)
    found = look.images.get(container.image)
    if container.image == HOST or found is None:
        return None
    message = f'Container image "{container.image}" already present on machine'
    if found.record and was_pulled(found, due_since(container, look.seen.get(pod.metadata.uid))):
        took = f"{found.record.finished_at - found.record.started_at:.3g}s"
        message = (
            f'Successfully pulled image "{container.image}" in {took} ({took} including waiting).'
            f" Image size: {found.record.size} bytes."
        )
    return event_of(pod.key, "Normal", "Pulled", message)
