"""What probes found of a run of a container, and the single question a probe asks, in Linux words.

A check is asked once, from the Node's network namespace or inside the container, and ends in an outcome. What follows from
outcomes is `Health`; it is written down whenever it changes, and belongs to one run: the next one begins anew.
"""

from __future__ import annotations

from typing import TypeAlias

from netlab.frozen import dataclass
from netlab.netstate.links import socket_text
from netlab.netstate.names import NetnsName


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What probes found of one run of a container.

    `started` and `ready` are the last verdicts of its startup and readiness probe, of no meaning without such a probe; `since`
    is when one of them last changed (seconds since the epoch, 0: never). `failed` is the probe that wants it ended:
    `liveness`, `startup`, or empty.
    """

    started: bool = False
    ready: bool = False
    since: float = 0.0
    failed: str = ""


UNPROBED = Health()


@dataclass(frozen=True, slots=True, kw_only=True)
class TcpCheck:
    """Does a TCP connection from the namespace open?"""

    netns: NetnsName
    host: str
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpCheck:
    """What does an HTTP server answer to GET? `headers` are in the order in which they are sent."""

    netns: NetnsName
    host: str
    port: int
    path: str = "/"
    tls: bool = False
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def url(self) -> str:
        """What is asked for, as the kubelet writes it."""
        return f"{'https' if self.tls else 'http'}://{socket_text(self.host, self.port)}{self.path}"


@dataclass(frozen=True, slots=True, kw_only=True)
class GrpcCheck:
    """What does a server's grpc.health.v1.Health say of a service? `timeout_s` is only for the words of an answer too late."""

    netns: NetnsName
    host: str
    port: int
    service: str = ""
    timeout_s: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecCheck:
    """How does a command in a container end? `kind` is that of its probe or hook: of each one is asked at a time."""

    uid: str
    container: str
    attempt: int
    args: tuple[str, ...]
    kind: str


SocketCheck: TypeAlias = TcpCheck | HttpCheck | GrpcCheck
Check: TypeAlias = SocketCheck | ExecCheck


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a check ended. `success` is None if it could not be asked at all; `text` says what was found."""

    success: bool | None
    text: str = ""
