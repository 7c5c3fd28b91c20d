"""Init containers: which containers of a Pod may run now. Pure.

    init-a   init-b (sidecar)   init-c        one after the other: each has ended with 0, a sidecar has started
    main ...                                  all at once, when that is so of every init container

Once a main container was started in a sandbox, the Pod is initialized for as long as the sandbox lives, and sidecars are
started again like any other container. A sandbox that is made anew begins from the first init container.
Source: Kubernetes docs, init-containers and sidecar-containers; kubelet computeInitContainerActions.
"""

from __future__ import annotations

from collections.abc import Mapping

from netlab.desired.probing import has_started
from netlab.model.container import Container
from netlab.model.pod import PodSpec, RestartPolicy
from netlab.netstate.process import ContainerRun, SandboxStatus

Runs = Mapping[str, ContainerRun]


def present_runs(sandbox: SandboxStatus | None) -> Runs:
    """Return the newest runs by container, of those that were begun in the sandbox as it is now."""
    if sandbox is None or not sandbox.alive:
        return {}
    return {run.name: run for run in sandbox.runs if run.state == "created" or run.started_at >= sandbox.started_at}


def is_initialized(spec: PodSpec, runs: Runs) -> bool:
    """Tell whether the main containers may run, `runs` being those of the present sandbox."""
    return any(container.name in runs for container in spec.containers) or not incomplete(spec, runs)


def incomplete(spec: PodSpec, runs: Runs) -> list[Container]:
    """Return the init containers that have not done their part yet, in their order."""
    return [container for container in spec.init_containers if not _is_done(container, runs.get(container.name))]


def due(spec: PodSpec, runs: Runs) -> tuple[Container, ...]:
    """Return the containers that are to run or have run, in the order in which they start; those behind wait for them."""
    if is_initialized(spec, runs):
        return (*spec.sidecars, *spec.containers)
    first = incomplete(spec, runs)[0]
    before = spec.init_containers[: spec.init_containers.index(first)]
    return (*(container for container in before if container.is_sidecar), first)


def restart_policy(spec: PodSpec, container: Container) -> RestartPolicy:
    """Return when a container is started again: an init container has no reason to after it succeeded, a sidecar always."""
    if container.is_sidecar:
        return "Always"
    if container in spec.init_containers and spec.restart_policy == "Always":
        return "OnFailure"
    return spec.restart_policy


def _is_done(container: Container, run: ContainerRun | None) -> bool:
    if run is None or run.state == "created":
        return False
    if container.is_sidecar:
        return run.state != "failed" and has_started(container, run)
    return run.state == "exited" and run.exit_code == 0
