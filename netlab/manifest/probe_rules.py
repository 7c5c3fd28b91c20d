"""What the fields of a container's probes and hooks demand of each other. Each fault is (field path, message, hint).

Source: Kubernetes pkg/apis/core/validation (validateProbe, validateLivenessProbe, validateHandler).
"""

from __future__ import annotations

from collections.abc import Iterator

from netlab.model.codec import FieldProblem
from netlab.model.container import Container
from netlab.model.probe import LifecycleHandler, Probe

ACTIONS = "exec, httpGet, tcpSocket, grpc"
HOOK_ACTIONS = "exec, httpGet, sleep"


def probe_problems(container: Container, path: str, *, lasts: bool) -> Iterator[FieldProblem]:
    """Yield the faults of the probes of the container at `path`; `lasts`: it is no init container that ends."""
    for field, probe in (
        ("livenessProbe", container.liveness_probe),
        ("readinessProbe", container.readiness_probe),
        ("startupProbe", container.startup_probe),
    ):
        if probe is None:
            continue
        where = f"{path}.{field}"
        if not lasts:
            yield where, "may not be set for init containers without restartPolicy=Always", "probe a sidecar or a container"
        yield from _action_problems(probe, where)
        if field != "readinessProbe" and probe.success_threshold != 1:
            yield f"{where}.successThreshold", f"must be 1, is {probe.success_threshold}", ""
        if field == "readinessProbe" and probe.termination_grace_period_seconds is not None:
            yield f"{where}.terminationGracePeriodSeconds", "must not be set for readinessProbes", ""


def hook_problems(container: Container, path: str, grace_s: int, *, lasts: bool) -> Iterator[FieldProblem]:
    """Yield the faults of the hooks of the container at `path`; `lasts`: it is no init container that ends.

    `grace_s` is the Pod's terminationGracePeriodSeconds, longer than which no hook may sleep.
    """
    lifecycle = container.lifecycle
    if lifecycle is None:
        return
    if not lasts:
        yield f"{path}.lifecycle", "may not be set for init containers without restartPolicy=Always", "give it to a sidecar"
    for field, handler in (("postStart", lifecycle.post_start), ("preStop", lifecycle.pre_stop)):
        if handler is not None:
            where = f"{path}.lifecycle.{field}"
            yield from _action_problems(handler, where, HOOK_ACTIONS)
            if handler.sleep is not None and handler.sleep.seconds > grace_s:
                why = f"must be at most terminationGracePeriodSeconds ({grace_s}), is {handler.sleep.seconds}"
                yield f"{where}.sleep.seconds", why, ""


def _action_problems(probe: Probe | LifecycleHandler, path: str, actions: str = ACTIONS) -> Iterator[FieldProblem]:
    if not probe.actions:
        yield path, "must specify a handler type", actions
    if len(probe.actions) > 1:
        yield path, "may not specify more than 1 handler type", actions
    if probe.exec is not None and not probe.exec.command:
        yield f"{path}.exec.command", "required", "a program and its arguments, without a shell"
