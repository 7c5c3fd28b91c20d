"""What is said over the connection of a check, as bytes: HTTP here, gRPC in grpc_health.py. No sockets here.

`heard` takes what came (nothing: the other end is done) and returns bytes to send, an outcome, or the check to go on with.
An HTTP answer is judged when its headers have come; a redirect is followed on the same host, up to ten times.
Source: RFC 9112; kubelet's probe/http (request headers, redirects, words).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final, Protocol
from urllib.parse import quote, urljoin, urlsplit

from netlab.netstate.health import Check, GrpcCheck, HttpCheck, Outcome, SocketCheck, TcpCheck
from netlab.netstate.links import socket_text

HEADERS_MAX: Final = 1 << 16
STATUS_DIGITS: Final = 3
USER_AGENT: Final = "kube-probe/1.32"
GOOD, REDIRECT, BAD = 200, 300, 400
REFERRING: Final = frozenset({301, 302, 303, 307, 308})
UNESCAPED: Final = "/?&=%:;,+$!*'()@~#[]"

Reply = bytes | Outcome | HttpCheck


class Conversation(Protocol):
    """One side of a conversation: ours."""

    def opening(self) -> Reply:
        """Return what is said first."""
        ...

    def heard(self, data: bytes) -> Reply:
        """Return what follows from `data`; empty data is the end of what the other side says."""
        ...


class Silence:
    """Nothing is said: that the connection opened is the answer."""

    def opening(self) -> Reply:
        """Return success."""
        return Outcome(success=True)

    def heard(self, data: bytes) -> Reply:
        """Nothing is waited for."""
        raise NotImplementedError(data)


class HttpRequest:
    """GET, and the status of the answer."""

    def __init__(self, check: HttpCheck) -> None:
        self._check = check
        self._answer = b""

    def opening(self) -> Reply:
        """Return the request. What the check says of a header wins over what every probe sends."""
        check = self._check
        usual = (("Host", socket_text(check.host, check.port)), ("User-Agent", USER_AGENT), ("Accept", "*/*"))
        headers = {name.lower(): (name, value) for name, value in (*usual, *check.headers)}
        lines = [f"{name}: {value}" for name, value in headers.values() if value]
        path = quote(check.path, safe=UNESCAPED)
        return "\r\n".join([f"GET {path} HTTP/1.1", *lines, "Connection: close", "", ""]).encode()

    def heard(self, data: bytes) -> Reply:
        """Return the outcome as soon as the headers are complete."""
        self._answer += data
        head, complete, _ = self._answer.partition(b"\r\n\r\n")
        if not complete and data and len(head) < HEADERS_MAX:
            return b""
        if not head:
            return self._failed("EOF")
        first, *lines = head.decode("latin-1").split("\r\n")
        words = first.split(" ", 2)
        status = words[1] if len(words) > 1 else ""
        if not first.startswith("HTTP/1.") or len(status) != STATUS_DIGITS or not status.isdecimal():
            return self._failed(f'net/http: HTTP/1.x transport connection broken: malformed HTTP response "{first[:80]}"')
        return self._judged(int(status), dict(_header(line) for line in lines))

    def _judged(self, status: int, headers: dict[str, str]) -> Reply:
        if status in REFERRING and headers.get("location"):
            return self._referred(headers["location"])
        if GOOD <= status < BAD:
            return Outcome(success=True)
        return Outcome(success=False, text=f"HTTP probe failed with statuscode: {status}")

    def _referred(self, location: str) -> Reply:
        """The check of the place that a redirect on the same host names; another host is good enough as it is."""
        try:
            target = urlsplit(urljoin(self._check.url, location))
            port = target.port or (443 if target.scheme == "https" else 80)
        except ValueError:
            return self._failed(f'failed to parse Location header "{location[:80]}"')
        if target.hostname != self._check.host.lower():
            return Outcome(success=True)
        path = f"{target.path or '/'}{f'?{target.query}' if target.query else ''}"
        return replace(self._check, port=port, path=path, tls=target.scheme == "https")

    def _failed(self, why: str) -> Outcome:
        return Outcome(success=False, text=f'Get "{self._check.url}": {why}')


def _header(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name.strip().lower(), value.strip()


def conversation(check: Check) -> Conversation:
    """Return what is to be said over the connection of a check."""
    if isinstance(check, HttpCheck):
        return HttpRequest(check)
    if isinstance(check, GrpcCheck):
        from netlab.kernel.grpc_health import HealthCall  # noqa: PLC0415 - few probes need HTTP/2

        return HealthCall(check)
    return Silence()


def broken(check: SocketCheck, why: str) -> Outcome:
    """Return the outcome of a connection that came to nothing, in the kubelet's words."""
    match check:
        case HttpCheck():
            text = f'Get "{check.url}": {why}'
        case GrpcCheck():
            text = f'error: failed to connect service at "{socket_text(check.host, check.port)}": {why}'
        case TcpCheck():
            text = why
    return Outcome(success=False, text=text)


def too_late(check: SocketCheck, *, connected: bool) -> Outcome:
    """Return the outcome of a check that took too long."""
    match check:
        case HttpCheck():
            return broken(check, "context deadline exceeded (Client.Timeout exceeded while awaiting headers)")
        case GrpcCheck() if connected:
            text = f"timeout: health rpc did not complete within {check.timeout_s}s"
        case GrpcCheck():
            where = f'"{socket_text(check.host, check.port)}" within {check.timeout_s}s'
            text = f"timeout: failed to connect service {where}: context deadline exceeded"
        case TcpCheck():
            text = f"dial tcp {socket_text(check.host, check.port)}: i/o timeout"
    return Outcome(success=False, text=text)
