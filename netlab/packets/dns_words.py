"""A DNS message in a few words, as tcpdump(8) says them: what is asked, and what is answered.

    A? web.default.svc.cluster.local
    A? web.default.svc.cluster.local: 10.96.0.42
    A? web.cluster.local: NXDOMAIN

Of an answer, the addresses and names are said; other records by their type. What cannot be read is left out; nothing is ever
refused. Source: RFC 1035 section 4, 2782 (SRV).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from ipaddress import ip_address
from typing import Final

DNS_PORT: Final = 53
TYPES: Final = {1: "A", 2: "NS", 5: "CNAME", 6: "SOA", 12: "PTR", 15: "MX", 16: "TXT", 28: "AAAA", 33: "SRV", 65: "HTTPS"}
CODES: Final = {1: "FORMERR", 2: "SERVFAIL", 3: "NXDOMAIN", 4: "NOTIMP", 5: "REFUSED"}
NO_RECORDS: Final = "no records"
_HEADER: Final = struct.Struct("!6H")
_QUESTION: Final = struct.Struct("!2H")
_RECORD: Final = struct.Struct("!2HIH")
_SRV: Final = struct.Struct("!3H")
_RESPONSE, _OPCODE, _RCODE = 0x8000, 0x7800, 0xF
_POINTER: Final = 0xC0
_MOST_LABELS: Final = 128


def dns_words(message: bytes) -> str:
    """Return what a message says; "" if it is none, is cut off before the end of its question, or is no query of names."""
    try:
        _, flags, questions, answers, _, _ = _HEADER.unpack_from(message)
        if questions != 1 or flags & _OPCODE:
            return ""
        name, start = _name(message, _HEADER.size)
        kind, _ = _QUESTION.unpack_from(message, start)
    except (struct.error, ValueError):
        return ""
    asked = f"{TYPES.get(kind, f'TYPE{kind}')}? {name}"
    if not flags & _RESPONSE:
        return asked
    if code := flags & _RCODE:
        return f"{asked}: {CODES.get(code, f'code {code}')}"
    return f"{asked}: {', '.join(_answers(message, start + _QUESTION.size, answers)) or NO_RECORDS}"


def _answers(message: bytes, start: int, count: int) -> Iterator[str]:
    """Yield the data of each record, as far as the message goes."""
    try:
        for _ in range(count):
            _, start = _name(message, start)
            kind, _, _, size = _RECORD.unpack_from(message, start)
            start += _RECORD.size
            yield _data(message, kind, start, size)
            start += size
    except (struct.error, ValueError):
        return


def _data(message: bytes, kind: int, start: int, size: int) -> str:
    match TYPES.get(kind, ""):
        case "A" | "AAAA":
            return str(ip_address(message[start : start + size]))
        case "CNAME" | "PTR" | "NS":
            return f"{TYPES[kind]} {_name(message, start)[0]}"
        case "SRV":
            _, _, port = _SRV.unpack_from(message, start)
            return f"SRV {_name(message, start + _SRV.size)[0]}:{port}"
        case other:
            return other or f"TYPE{kind}"


def _name(message: bytes, start: int) -> tuple[str, int]:
    """Return a name without its last dot, and what is behind it. Raises ValueError for one that does not end."""
    labels: list[str] = []
    end = 0
    while len(labels) < _MOST_LABELS:
        if start >= len(message):
            raise ValueError("cut")
        size = message[start]
        if size >= _POINTER:
            end = end or start + 2
            target = int.from_bytes(message[start : start + 2]) & 0x3FFF
            if target >= start:  # a pointer leads back, or it never ends
                raise ValueError("a pointer that leads on")
            start = target
        elif size:
            labels.append(message[start + 1 : start + 1 + size].decode("ascii", "replace"))
            start += 1 + size
        else:
            return ".".join(labels) or ".", end or start + 1
    raise ValueError("a name that does not end")
