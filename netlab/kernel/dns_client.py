"""One DNS query, sent from inside a network namespace as a program there would: UDP, and TCP if the answer was cut off.

dnspython writes and reads the messages; it is imported here only, and only when a query is sent. Source: RFC 1035, RFC 7766.
"""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING, Final

from netlab.errors import NetlabError
from netlab.kernel import netns
from netlab.netstate.dns import DnsRecord, DnsReply, Transport
from netlab.netstate.links import is_ipv6
from netlab.netstate.names import NetnsName

if TYPE_CHECKING:
    from dns.message import Message

PORT: Final = 53
_LARGEST: Final = 65535


def ask(name: NetnsName, server: str, question: str, kind: str, timeout_s: float) -> DnsReply:
    """Return what a server answers to a process in the namespace. What goes wrong on the way is in the reply.

    Args:
        name: the network namespace.
        server: the address of the server.
        question: an absolute name, with or without its last dot.
        kind: the type of records, as zone files write it.
        timeout_s: how long an answer is waited for.

    Raises:
        NetlabError: the question cannot be written as a query: a label is too long, or there is no such type.
        KernelError: there is no such namespace.
    """
    import dns.exception  # noqa: PLC0415 - a tenth of a second, which only queries pay
    import dns.message  # noqa: PLC0415

    try:
        query = dns.message.make_query(question, kind, use_edns=False)
        wire = query.to_wire()
    except (dns.exception.DNSException, ValueError) as error:
        raise NetlabError(f"{question} {kind} cannot be asked: {error}") from error
    return netns.in_namespace(name, lambda: _exchanged(query, wire, server, timeout_s))


def is_kind(word: str) -> bool:
    """Tell whether records of such a type can be asked for."""
    import dns.rdatatype  # noqa: PLC0415

    try:
        return not dns.rdatatype.is_metatype(dns.rdatatype.from_text(word))
    except (dns.rdatatype.UnknownRdatatype, ValueError):
        return False


def _exchanged(query: Message, wire: bytes, server: str, timeout_s: float) -> DnsReply:
    import dns.flags  # noqa: PLC0415

    found = _exchange(query, wire, server, timeout_s, socket.SOCK_DGRAM)
    if isinstance(found, DnsReply):
        return found
    answer, client, took_ms = found
    if answer.flags & dns.flags.TC:
        found = _exchange(query, wire, server, timeout_s, socket.SOCK_STREAM)
        if isinstance(found, DnsReply):
            return found
        answer, client, more_ms = found
        return _reply(answer, client, took_ms + more_ms, socket.SOCK_STREAM)
    return _reply(answer, client, took_ms, socket.SOCK_DGRAM)


Client = tuple[str, int]


def _exchange(
    query: Message, wire: bytes, server: str, timeout_s: float, kind: socket.SocketKind
) -> tuple[Message, Client, float] | DnsReply:
    """Send the query and return the answer, from where it was sent, and the milliseconds; or a reply without one."""
    begun = time.monotonic()
    client: Client = ("", 0)
    error = ""
    with socket.socket(socket.AF_INET6 if is_ipv6(server) else socket.AF_INET, kind) as one:
        try:
            one.settimeout(timeout_s)
            one.connect((server, PORT))
            client = one.getsockname()[:2]
            answer = _answer(one, query, wire, begun + timeout_s)
            return answer, client, (time.monotonic() - begun) * 1000
        except TimeoutError:
            error = "timed out"
        except ConnectionRefusedError:
            error = "refused"
        except OSError as failure:
            error = failure.strerror or str(failure)
        except EOFError:
            error = "the connection was closed"
    took_ms = (time.monotonic() - begun) * 1000
    return DnsReply(error=error, client=client, took_ms=took_ms, transport=_word(kind))


def _answer(one: socket.socket, query: Message, wire: bytes, deadline: float) -> Message:
    """Return the answer to our query; what else arrives is not looked at. Raises TimeoutError, OSError, EOFError."""
    import dns.exception  # noqa: PLC0415
    import dns.message  # noqa: PLC0415

    is_stream = one.type == socket.SOCK_STREAM
    one.sendall(len(wire).to_bytes(2, "big") + wire if is_stream else wire)
    while (left := deadline - time.monotonic()) > 0:
        one.settimeout(left)
        data = _read(one, int.from_bytes(_read(one, 2), "big")) if is_stream else one.recv(_LARGEST)
        try:
            answer = dns.message.from_wire(data, ignore_trailing=True, raise_on_truncation=False)
        except dns.exception.DNSException:
            continue
        if query.is_response(answer):
            return answer
    raise TimeoutError


def _read(one: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        more = one.recv(count - len(data))
        if not more:
            raise EOFError
        data += more
    return data


def _word(kind: socket.SocketKind) -> Transport:
    return "tcp" if kind == socket.SOCK_STREAM else "udp"


def _reply(answer: Message, client: Client, took_ms: float, kind: socket.SocketKind) -> DnsReply:
    import dns.rcode  # noqa: PLC0415
    import dns.rdatatype  # noqa: PLC0415

    records = tuple(
        DnsRecord(str(found.name), found.ttl, dns.rdatatype.to_text(found.rdtype), item.to_text())
        for found in answer.answer
        for item in found
    )
    return DnsReply(
        rcode=dns.rcode.to_text(answer.rcode()), records=records, transport=_word(kind), client=client, took_ms=took_ms
    )
