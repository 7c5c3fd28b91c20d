"""What follows from probes: which are asked, what a row of answers means, when a container has started and is ready. Pure.

    startup .... alone, until it succeeds; each run of the container has to pass it once
    liveness ... then; failure ends the container, and restartPolicy says what next
    readiness .. then; its last verdict is whether the container is ready, also while the Pod is being deleted
    none ....... of a container without a startup probe: it has started when it runs; without a readiness probe: it is ready
                 when it has started

An answer becomes a verdict when there were enough equal ones in a row. A probe that could not be asked is no answer.
Source: Kubernetes docs, Configure Liveness, Readiness and Startup Probes; kubelet prober/worker.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Literal, NamedTuple

from netlab.desired.assignments import Assignments
from netlab.errors import NetlabError
from netlab.frozen import dataclass
from netlab.model.container import Container
from netlab.model.lifecycle import FINAL_PHASES
from netlab.model.meta import Key
from netlab.model.pod import Pod
from netlab.model.probe import HTTPGetAction, LifecycleHandler, PortReference, Probe
from netlab.netstate.health import Check, ExecCheck, GrpcCheck, Health, HttpCheck, TcpCheck
from netlab.netstate.hooks import Hook, HookKind, Pause
from netlab.netstate.names import NetnsName, machine_netns
from netlab.netstate.process import ContainerRun, SandboxStatus

Kind = Literal["startup", "liveness", "readiness"]
NEVER_WHILE_DELETING: frozenset[Kind] = frozenset({"startup", "liveness"})


@dataclass(frozen=True, slots=True)
class History:
    """The newest answer of one probe, and how often it came in a row."""

    success: bool | None = None
    count: int = 0


class Place(NamedTuple):
    """From where a Pod is asked, the network namespace of its Node, and at which address."""

    netns: NetnsName
    ip: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """One run of a container that has probes: who it is, what it is asked, and from where."""

    about: Key
    uid: str
    container: str
    attempt: int
    started_at: float
    health: Health
    probes: Mapping[Kind, Probe]
    checks: Mapping[Kind, Check | str]
    """The question of each probe, or why it cannot be asked."""
    deleting: bool = False


def probes_of(container: Container) -> dict[Kind, Probe]:
    """Return the probes a container has."""
    found: tuple[tuple[Kind, Probe | None], ...] = (
        ("startup", container.startup_probe), ("liveness", container.liveness_probe), ("readiness", container.readiness_probe)
    )  # fmt: skip
    return {kind: probe for kind, probe in found if probe is not None}


def awaits_hook(container: Container, run: ContainerRun) -> bool:
    """Tell whether a run is still to begin or to end its postStart hook: until then it does not count as running."""
    has_hook = container.lifecycle is not None and container.lifecycle.post_start is not None
    return has_hook and run.state == "running" and run.post_start in {"", "running"}


def is_unwell(run: ContainerRun) -> bool:
    """Tell whether a run is to be ended because a probe or its postStart hook has failed."""
    return bool(run.health.failed) or run.post_start == "failed"


def has_started(container: Container, run: ContainerRun) -> bool:
    """Tell whether what comes after a sidecar may start, and the other probes be asked."""
    return not awaits_hook(container, run) and (container.startup_probe is None or run.health.started)


def is_ready(container: Container, run: ContainerRun) -> bool:
    """Tell whether a container that runs is ready."""
    return has_started(container, run) and (container.readiness_probe is None or run.health.ready)


def asked(probes: Mapping[Kind, Probe], health: Health, *, deleting: bool) -> list[Kind]:
    """Return the probes that are to be asked as long as the health of the run is this."""
    if health.failed:
        return []
    awaited: list[Kind] = ["startup"] if "startup" in probes and not health.started else ["liveness", "readiness"]
    return [kind for kind in awaited if kind in probes and not (deleting and kind in NEVER_WHILE_DELETING)]


def counted(history: History, success: bool) -> History:  # noqa: FBT001 - the answer itself
    """Return the history with one more answer."""
    return History(success, history.count + 1 if history.success == success else 1)


def verdict(probe: Probe, history: History) -> bool | None:
    """Return what a row of answers means, None while it is too short to mean anything."""
    needed = probe.success_threshold if history.success else probe.failure_threshold
    return history.success if history.count >= needed else None


def health_after(kind: Kind, health: Health, success: bool, now: float) -> Health:  # noqa: FBT001 - the verdict itself
    """Return the health that follows from a verdict; `since` is `now` if what others see of it has changed."""
    match kind:
        case "startup":
            changed = replace(health, started=True) if success else replace(health, failed=kind)
        case "liveness":
            changed = health if success else replace(health, failed=kind)
        case "readiness":
            changed = replace(health, ready=success)
    moved = (changed.started, changed.ready) != (health.started, health.ready)
    return replace(changed, since=now) if moved else changed


def place_of(pod: Pod, assignments: Assignments, lab: str) -> Place | None:
    """Return from where a Pod is asked, None while it has no address."""
    bound = assignments.pods.get(pod.key)
    return Place(machine_netns(lab, bound.node), bound.ips[0]) if bound and bound.ips else None


def patients(pods: Iterable[Pod], seen: Mapping[str, SandboxStatus], assignments: Assignments, lab: str) -> Iterator[Patient]:
    """Yield every container that runs and has probes."""
    for pod in pods:
        probed = [container for container in pod.spec.all_containers if probes_of(container)]
        sandbox = seen.get(pod.metadata.uid) if probed and pod.status.phase not in FINAL_PHASES else None
        place = place_of(pod, assignments, lab)
        if sandbox is None or not sandbox.alive or place is None:
            continue
        deleting = bool(pod.metadata.deletion_timestamp)
        runs = {run.name: run for run in sandbox.runs if run.state == "running" and not (run.stopping_at and not deleting)}
        for container in probed:
            run = runs.get(container.name)
            if run and not awaits_hook(container, run):
                yield _patient(pod, container, run, place)


def _patient(pod: Pod, container: Container, run: ContainerRun, place: Place) -> Patient:
    probes = probes_of(container)
    return Patient(
        about=pod.key,
        uid=pod.metadata.uid,
        container=container.name,
        attempt=run.attempt,
        started_at=run.started_at,
        health=run.health,
        probes=probes,
        checks={
            kind: _check_or_reason(pod.metadata.uid, container, run.attempt, probe, place, kind=kind)
            for kind, probe in probes.items()
        },
        deleting=bool(pod.metadata.deletion_timestamp),
    )


def _check_or_reason(uid: str, container: Container, attempt: int, probe: Probe, place: Place, *, kind: Kind) -> Check | str:
    try:
        return check_of(uid, container, attempt, probe, place, kind=kind)
    except NetlabError as error:
        return str(error)


def check_of(uid: str, container: Container, attempt: int, probe: Probe, place: Place, *, kind: Kind) -> Check:
    """Return the single question a probe asks. Raises NetlabError if it names a port that the container does not have."""
    if probe.exec is not None:
        return ExecCheck(uid=uid, container=container.name, attempt=attempt, args=probe.exec.command, kind=kind)
    if probe.tcp_socket is not None:
        port = port_number(container, probe.tcp_socket.port)
        return TcpCheck(netns=place.netns, host=probe.tcp_socket.host or place.ip, port=port)
    if probe.http_get is not None:
        return http_check(container, probe.http_get, place)
    if (grpc := probe.grpc) is not None:
        return GrpcCheck(
            netns=place.netns, host=place.ip, port=grpc.port, service=grpc.service, timeout_s=probe.timeout_seconds
        )
    raise NetlabError("the probe has no action")


def http_check(container: Container, action: HTTPGetAction, place: Place) -> HttpCheck:
    """Return the question of an `httpGet`. Raises NetlabError if it names a port that the container does not have."""
    return HttpCheck(
        netns=place.netns,
        host=action.host or place.ip,
        port=port_number(container, action.port),
        path=f"/{action.path.removeprefix('/')}",
        tls=action.scheme == "HTTPS",
        headers=tuple((header.name, header.value) for header in action.http_headers),
    )


def hook_of(
    uid: str, container: Container, attempt: int, handler: LifecycleHandler, place: Place | None, *, kind: HookKind
) -> Hook | None:
    """Return what a hook does; None if it names a port that the container does not have, or the Pod has no address."""
    if handler.exec is not None:
        return ExecCheck(uid=uid, container=container.name, attempt=attempt, args=handler.exec.command, kind=kind)
    if handler.sleep is not None:
        return Pause(handler.sleep.seconds)
    if handler.http_get is None or place is None:
        return None
    try:
        return http_check(container, handler.http_get, place)
    except NetlabError:
        return None


def port_number(container: Container, port: PortReference) -> int:
    """Return the number of a port of a container. Raises NetlabError if it has no port of that name."""
    if isinstance(port, int):
        return port
    number = next((item.container_port for item in container.ports if item.name == port), 0)
    if not number:
        raise NetlabError(f"couldn't find port: {port} in container {container.name}")
    return number
