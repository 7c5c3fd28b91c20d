"""DNS messages as bytes: a query read, records and answers written. Pure.

Names are text as the records spell them: absolute, in lower case, a dot behind every label. Every character of such a text is
one byte in a message, so a place in the text is a place in the bytes: to compress is to find one name at the end of another.
Names are compressed against the question only, which stands at the same place in every message. So the bytes of a record do
not depend on what is before it, and the records of an answer can change places.

Sources: RFC 1035 4.1 (messages, compression), 2782 (SRV: its target is not compressed), 3596 (AAAA), 6891 (EDNS), 3225 (DO).
"""

from __future__ import annotations

import functools
import struct
from collections.abc import Sequence
from enum import IntEnum
from socket import AF_INET, AF_INET6, inet_pton
from typing import NamedTuple

HEADER, BEHIND_ID = struct.Struct("!6H"), struct.Struct("!5H")
RESPONSE, AUTHORITATIVE, TRUNCATED, RECURSION_DESIRED = 0x8000, 0x0400, 0x0200, 0x0100
OPCODE_MASK = 0x7800
CLASSIC_UDP_BYTES = 512
UDP_BYTES = 1232
"""The largest UDP message, whatever the client allows: it fits every link unfragmented (DNS flag day 2020)."""
TCP_BYTES = 65535
NAME_BYTES_MAX = 255
LABEL_BYTES_MAX = 63
CLASS_IN = 1
DO = 0x8000
ROOT_OWNER, DOT = b"\0", b"."
POINTER = 0xC000
TURNS = 12
"""Orders of the records of one answer: even for 1, 2, 3, 4, 6 and 12 of them."""

_FIXED = struct.Struct("!HHIH")
_SRV = struct.Struct("!3H")
_SOA = struct.Struct("!5I")


class Rcode(IntEnum):
    """What became of a query. 16 does not fit the header: its upper bits stand in the EDNS record."""

    NOERROR = 0
    FORMERR = 1
    SERVFAIL = 2
    NXDOMAIN = 3
    NOTIMP = 4
    REFUSED = 5
    BADVERS = 16


class Type(IntEnum):
    """The types of records that can be answered, and those that are treated in a way of their own."""

    A = 1
    NS = 2
    CNAME = 5
    SOA = 6
    PTR = 12
    HINFO = 13
    TXT = 16
    AAAA = 28
    SRV = 33
    OPT = 41
    IXFR = 251
    AXFR = 252
    MAILB = 253
    MAILA = 254
    ANY = 255


class FormatError(ValueError):
    """The bytes are not a DNS query."""


class Edns(NamedTuple):
    """What a client says of itself: how many bytes of UDP it takes, the version it speaks, and whether it wants DNSSEC (DO)."""

    payload: int
    version: int
    is_dnssec_ok: bool


class Query(NamedTuple):
    """One question. `section` is its bytes as they came, in the client's own upper and lower case."""

    flags: int
    section: bytes
    name: str
    type: int
    rdclass: int
    edns: Edns | None


def read_query(message: bytes) -> Query:
    """Return what a message of at least a header asks.

    Raises:
        FormatError: not exactly one question (RFC 9619), a name that is none, two EDNS records, or bytes left over.
    """
    _, flags, questions, *others = HEADER.unpack_from(message)
    if questions != 1:
        raise FormatError
    try:
        name, at = _read_name(message, HEADER.size)
        kind, rdclass = struct.unpack_from("!HH", message, at)
        at += 4
        section, edns = message[HEADER.size : at], None
        for _ in range(sum(others)):
            at, found = _read_record(message, at)
            if found and edns:
                raise FormatError
            edns = found or edns
    except (IndexError, struct.error) as error:  # it ends too early
        raise FormatError from error
    if at != len(message):
        raise FormatError
    return Query(flags, section, name, kind, rdclass, edns)


def _read_name(message: bytes, at: int) -> tuple[str, int]:
    """The name at a place, and where it ends. There is nothing before the question that a pointer could lead to.

    A dot inside a label becomes a NUL, which no name of ours has, so that it is not taken for a border.
    """
    start, borders = at + 1, []
    while length := message[at]:
        if length > LABEL_BYTES_MAX:
            raise FormatError
        at += 1 + length
        borders.append(at)
    if at + 2 - start > NAME_BYTES_MAX:
        raise FormatError
    text = bytearray(message[start : at + 1] if borders else DOT).replace(DOT, b"\0")
    for border in borders or [start]:  # where the length of the next label stands
        text[border - start] = ord(DOT)
    return text.lower().decode("latin-1"), at + 1


def _read_record(message: bytes, at: int) -> tuple[int, Edns | None]:
    """The end of the record at a place, and what it says if it is the client's EDNS record; the others do not matter."""
    owner = at
    while length := message[at]:
        at += 1 + length
        if length > LABEL_BYTES_MAX:  # a pointer of two bytes, the end of this name: where to does not matter
            break
    at += 1
    kind, payload, extended, data_bytes = _FIXED.unpack_from(message, at)
    at += _FIXED.size + data_bytes
    if kind != Type.OPT:
        return at, None
    if message[owner]:
        raise FormatError
    return at, Edns(payload, extended >> 16 & 0xFF, bool(extended & DO))


def record(owner: str, ttl_s: int, kind: Type, data: bytes, question: str) -> bytes:
    """Return a record in class IN as bytes."""
    return write_name(owner, question) + _FIXED.pack(kind, CLASS_IN, ttl_s, len(data)) + data


def record_data(kind: Type, text: str, question: str) -> bytes:
    """Return the data of a record that is correct, as a master file has it, as bytes."""
    match kind:
        case Type.A:
            return inet_pton(AF_INET, text)
        case Type.AAAA:
            return inet_pton(AF_INET6, text)
        case Type.SRV:
            *numbers, target = text.split(" ")
            return _SRV.pack(*map(int, numbers)) + write_name(target)
        case Type.SOA:
            return _soa_data(text)
        case Type.TXT:
            return bytes((len(text) - 2,)) + text[1:-1].encode("ascii")
        case _:
            return write_name(text, question)


@functools.lru_cache(64)
def _soa_data(text: str) -> bytes:
    """The data of an SOA record, which is in every answer without records; not compressed, so that it is the same in all."""
    server, mailbox, *times = text.split(" ")
    return write_name(server) + write_name(mailbox) + _SOA.pack(*map(int, times))


def write_name(name: str, question: str = "") -> bytes:
    """Return a name as bytes; its end is a pointer to where the question has the same, if it has."""
    written = b""
    rest = name if name != "." else ""
    while rest:
        if question.endswith(rest) and (len(rest) == len(question) or question[-len(rest) - 1] == "."):
            return written + (POINTER | HEADER.size + len(question) - len(rest)).to_bytes(2, "big")
        label, _, rest = rest.partition(".")
        written += bytes((len(label),)) + label.encode("ascii")
    return written + ROOT_OWNER


class Reply(NamedTuple):
    """What is answered: sections as lists of records in bytes. `aliases` are the CNAME records before the `records`."""

    rcode: Rcode = Rcode.NOERROR
    is_authoritative: bool = False
    aliases: Sequence[bytes] = ()
    records: Sequence[bytes] = ()
    authority: Sequence[bytes] = ()
    additional: Sequence[bytes] = ()


def write_reply(query: Query, reply: Reply, *, udp: bool) -> tuple[bytes, ...]:
    """Return the messages, without their id, that say this: one for each order in which the records may stand, TURNS at most.

    What does not fit goes: first the additional records, then all of them, with TC: ask again over TCP.
    """
    edns = b"" if query.edns is None else _edns(query.edns, reply.rcode)
    flags = RESPONSE | query.flags & RECURSION_DESIRED | AUTHORITATIVE * reply.is_authoritative | reply.rcode & 0xF
    records, counts = reply.records, (len(reply.aliases) + len(reply.records), len(reply.authority), len(reply.additional))
    aliases, main, authority, additional = map(b"".join, reply[2:])
    room = (_udp_limit(query.edns) if udp else TCP_BYTES) - HEADER.size - len(query.section) - len(edns)
    if len(aliases) + len(main) + len(authority) > room:
        flags, counts, records = flags | TRUNCATED, (0, 0, 0), ()
        aliases = main = authority = additional = b""
    elif len(aliases) + len(main) + len(authority) + len(additional) > room:
        counts, additional = (*counts[:2], 0), b""
    head = BEHIND_ID.pack(flags, 1, *counts[:2], counts[2] + bool(edns)) + query.section + aliases
    tail = authority + additional + edns
    if len(records) <= 1:
        return (head + main + tail,)
    return tuple(b"".join((head, *records[first:], *records[:first], tail)) for first in range(min(TURNS, len(records))))


def _edns(asked: Edns, rcode: Rcode) -> bytes:
    """Our own EDNS record: version 0, the upper bits of the rcode, and DO given back."""
    extended = (rcode >> 4) << 24 | DO * asked.is_dnssec_ok
    return ROOT_OWNER + _FIXED.pack(Type.OPT, UDP_BYTES, extended, 0)


def _udp_limit(edns: Edns | None) -> int:
    return CLASSIC_UDP_BYTES if edns is None else max(CLASSIC_UDP_BYTES, min(edns.payload, UDP_BYTES))


def bare_reply(query: bytes, rcode: Rcode) -> bytes:
    """Return a header without its id and nothing else: all that can be said of a query that was not understood."""
    kept = int.from_bytes(query[2:4], "big") & (OPCODE_MASK | RECURSION_DESIRED)
    return BEHIND_ID.pack(RESPONSE | kept | rcode, 0, 0, 0, 0)
