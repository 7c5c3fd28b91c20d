"""Probes and hooks of a container: how it is asked whether it is well, and what is done at its start and before its end.

Source: Kubernetes API reference, core/v1 Probe, Lifecycle; docs, Configure Probes and Container Lifecycle Hooks.
"""

from __future__ import annotations

from typing import Annotated, Literal

from netlab.frozen import dataclass

PortNumber = Annotated[int, "port"]
PortReference = Annotated[int | str, "port-reference"]
"""A number, or the name of one of the container's ports."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecAction:
    """A command in the container, without a shell; exit code 0 is success."""

    command: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HTTPHeader:
    """One header of a request."""

    name: Annotated[str, "header-name"]
    value: Annotated[str, "one-line"] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HTTPGetAction:
    """A GET from the Node; a status from 200 to 399 is success. Certificates are not verified. `host` empty: the Pod."""

    port: PortReference
    path: str = "/"
    host: str = ""
    scheme: Literal["HTTP", "HTTPS"] = "HTTP"
    http_headers: tuple[HTTPHeader, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TCPSocketAction:
    """A TCP connection from the Node; that it opens is success. `host` empty: the Pod."""

    port: PortReference
    host: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GRPCAction:
    """A call of grpc.health.v1.Health/Check from the Node, without TLS; the answer SERVING is success."""

    port: PortNumber
    service: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """How and how often a container is asked, in seconds and in answers in a row. Exactly one of the actions is set."""

    exec: ExecAction | None = None
    http_get: HTTPGetAction | None = None
    tcp_socket: TCPSocketAction | None = None
    grpc: GRPCAction | None = None
    initial_delay_seconds: Annotated[int, "non-negative"] = 0
    timeout_seconds: Annotated[int, "positive"] = 1
    period_seconds: Annotated[int, "positive"] = 10
    success_threshold: Annotated[int, "positive"] = 1
    failure_threshold: Annotated[int, "positive"] = 3
    termination_grace_period_seconds: Annotated[int, "positive"] | None = None

    @property
    def actions(self) -> tuple[object, ...]:
        """What of the actions is set."""
        return tuple(one for one in (self.exec, self.http_get, self.tcp_socket, self.grpc) if one is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class SleepAction:
    """Nothing, for so many seconds."""

    seconds: Annotated[int, "positive"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LifecycleHandler:
    """What a hook does. Exactly one of the actions is set."""

    exec: ExecAction | None = None
    http_get: HTTPGetAction | None = None
    sleep: SleepAction | None = None

    @property
    def actions(self) -> tuple[object, ...]:
        """What of the actions is set."""
        return tuple(one for one in (self.exec, self.http_get, self.sleep) if one is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifecycle:
    """The hooks of a container: `post_start` beside its beginning, `pre_stop` before TERM, within the grace period."""

    post_start: LifecycleHandler | None = None
    pre_stop: LifecycleHandler | None = None
