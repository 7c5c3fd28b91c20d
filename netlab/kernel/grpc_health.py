"""One call of grpc.health.v1.Health/Check, as bytes: HTTP/2 without TLS, and two messages of one field each. No sockets here.

    request ..... field 1, text: the service that is asked for
    response .... field 1, a number: UNKNOWN, SERVING, NOT_SERVING, SERVICE_UNKNOWN

What comes is whatever a program in a Pod likes to send: it is bounded, and nothing in it is believed to be there.
Source: grpc/doc/PROTOCOL-HTTP2.md, health-checking.md; RFC 9113 (h2); kubelet's probe/grpc, its words.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from urllib.parse import unquote

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import ConnectionTerminated, DataReceived, ResponseReceived, StreamEnded, StreamReset, TrailersReceived
from h2.exceptions import H2Error

from netlab.kernel.conversations import USER_AGENT, Reply
from netlab.netstate.health import GrpcCheck, Outcome
from netlab.netstate.links import socket_text

METHOD: Final = "/grpc.health.v1.Health/Check"
STATUSES: Final = ("UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN")
CODES: Final = (
    "OK", "Canceled", "Unknown", "InvalidArgument", "DeadlineExceeded", "NotFound", "AlreadyExists", "PermissionDenied",
    "ResourceExhausted", "FailedPrecondition", "Aborted", "OutOfRange", "Unimplemented", "Internal", "Unavailable",
    "DataLoss", "Unauthenticated",
)  # fmt: skip
NO_HEALTH: Final = "error: this server does not implement the grpc health protocol (grpc.health.v1.Health)"
PREFIX_BYTES: Final = 5  # is it compressed, and its length
LONGEST: Final = 4096  # of a message that should have two bytes
WORDS_MAX: Final = 200
RECEIVED_MAX: Final = 1 << 18


class HealthCall:
    """The call, and its answer."""

    def __init__(self, check: GrpcCheck) -> None:
        self._check = check
        self._link = H2Connection(H2Configuration(client_side=True, header_encoding=None))
        self._stream = 0
        self._received = 0
        self._message = b""
        self._headers: dict[bytes, bytes] = {}

    def opening(self) -> Reply:
        """Return the whole call: nothing of it depends on what the server says."""
        self._link.initiate_connection()
        self._stream = self._link.get_next_available_stream_id()
        head = (
            (":method", "POST"), (":scheme", "http"), (":path", METHOD),
            (":authority", socket_text(self._check.host, self._check.port)), ("content-type", "application/grpc"),
            ("user-agent", USER_AGENT), ("te", "trailers"),
        )  # fmt: skip
        self._link.send_headers(self._stream, head)
        service = self._check.service.encode()
        body = b"\x0a" + _varint(len(service)) + service if service else b""
        self._link.send_data(self._stream, b"\0" + len(body).to_bytes(4, "big") + body, end_stream=True)
        return self._link.data_to_send()

    def heard(self, data: bytes) -> Reply:
        """Return the outcome when the server has said all, and what HTTP/2 has to say until then."""
        self._received += len(data)
        if not data:
            return _failed("Unavailable", "connection closed before the answer was complete")
        if self._received > RECEIVED_MAX:
            return _failed("ResourceExhausted", "the answer does not end")
        try:
            for event in self._link.receive_data(data):
                if (outcome := self._taken(event)) is not None:
                    return outcome
        except (H2Error, ValueError, OverflowError) as error:
            return _failed("Unavailable", f"connection error: {type(error).__name__}: {str(error)[:WORDS_MAX]}")
        return self._link.data_to_send()

    def _taken(self, event: object) -> Outcome | None:
        match event:
            case ResponseReceived() | TrailersReceived():
                self._headers |= _by_name(event.headers or ())
            case DataReceived():
                self._message += event.data or b""
                if len(self._message) > PREFIX_BYTES + LONGEST:
                    return _failed("ResourceExhausted", "the message is too long")
            case StreamEnded():
                return self._judged()
            case StreamReset():
                return _failed("Unavailable", f"stream terminated by RST_STREAM with error code {int(event.error_code or 0)}")
            case ConnectionTerminated():
                return _failed("Unavailable", f"connection closed by GOAWAY with error code {int(event.error_code or 0)}")
            case _:
                pass
        return None

    def _judged(self) -> Outcome:
        http = self._headers.get(b":status", b"").decode("latin-1")
        if b"grpc-status" not in self._headers:
            if http != "200":
                return _failed("Unknown", f"unexpected HTTP status code received from server: {http}")
            return _failed("Internal", "server closed the stream without sending trailers")
        number, words = self._headers[b"grpc-status"], self._headers.get(b"grpc-message", b"")
        code = CODES[int(number)] if number.isdigit() and len(number) <= 2 and int(number) < len(CODES) else "Unknown"  # noqa: PLR2004
        said = unquote(words.decode("latin-1"))[:WORDS_MAX]
        if code == "Unimplemented":
            return Outcome(success=False, text=f"{NO_HEALTH}: {said}")
        if code != "OK":
            return _failed(code, said)
        status = _status(self._message)
        if status == "SERVING":
            return Outcome(success=True)
        return Outcome(success=False, text=f'service unhealthy (responded with "{status}")')


def _failed(code: str, why: str) -> Outcome:
    return Outcome(success=False, text=f"error: health rpc probe failed: rpc error: code = {code} desc = {why}")


def _by_name(headers: Iterable[tuple[bytes | str, bytes | str]]) -> dict[bytes, bytes]:
    return {_bytes(name).lower(): _bytes(value) for name, value in headers}


def _bytes(text: bytes | str) -> bytes:
    return text.encode() if isinstance(text, str) else text


def _status(message: bytes) -> str:
    """The one field of the answer; a field that is missing is 0, as in every message."""
    body = message[PREFIX_BYTES:]
    prefix = b"\0" + len(body).to_bytes(PREFIX_BYTES - 1, "big")
    if message[:PREFIX_BYTES] != prefix:
        return "a message that cannot be read"
    if not body:
        return STATUSES[0]
    if len(body) == 2 and body[:1] == b"\x08":  # noqa: PLR2004 - the field and its value, below 128
        return STATUSES[body[1]] if body[1] < len(STATUSES) else str(body[1])
    return "a message that cannot be read"


def _varint(number: int) -> bytes:
    found = b""
    while number >= 0x80:  # noqa: PLR2004 - seven bits in each byte
        found, number = found + bytes((number & 0x7F | 0x80,)), number >> 7
    return found + bytes((number,))
