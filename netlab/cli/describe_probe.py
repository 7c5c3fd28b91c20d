"""What `describe` says of a container's probes. Source: kubectl describe (v1.32), DescribeProbe."""

from __future__ import annotations

from collections.abc import Iterator

from netlab.model.container import Container
from netlab.model.probe import Probe


def probe_lines(container: Container) -> Iterator[str]:
    """Yield a line for each probe the container has."""
    for label, probe in (
        ("Liveness", container.liveness_probe), ("Readiness", container.readiness_probe), ("Startup", container.startup_probe)
    ):  # fmt: skip
        if probe is not None:
            yield f"{label}:\t{_action(probe)} {_numbers(probe)}"


def _action(probe: Probe) -> str:
    if probe.exec is not None:
        return f"exec [{' '.join(probe.exec.command)}]"
    if (http := probe.http_get) is not None:
        return f"http-get {http.scheme.lower()}://{http.host}:{http.port}{http.path}"
    if (tcp := probe.tcp_socket) is not None:
        return f"tcp-socket {tcp.host}:{tcp.port}"
    if (grpc := probe.grpc) is not None:
        return f"grpc <pod>:{grpc.port} {grpc.service}"
    return "unknown"


def _numbers(probe: Probe) -> str:
    return (
        f"delay={probe.initial_delay_seconds}s timeout={probe.timeout_seconds}s period={probe.period_seconds}s"
        f" #success={probe.success_threshold} #failure={probe.failure_threshold}"
    )
