"""What the cluster DNS says: a query's bytes and a snapshot in, the answer's bytes out. Pure: no socket, no clock, no chance.

    the name has records of the type     NOERROR, the records (through CNAMEs, as far as they stay inside)
    the name has others, or is between   NOERROR without records (NODATA), SOA
    inside a zone, but no such name      NXDOMAIN, SOA
    10-244-1-5.shop.pod.cluster.local    the address in the name, if the Namespace exists (CoreDNS: `pods insecure`)
    outside every zone                   REFUSED: there is nobody to ask further. glibc goes on to the next server at once,
                                         while SERVFAIL would claim that trying again may help
    not a query, or too short for one    nothing (None): answering answers makes loops

Sources: RFC 1034, 1035 (format), 2308 (negative answers), 6891 (EDNS), 8020 (names between), 8482 (ANY), 9619 (one question).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from netlab.dns.snapshot import Snapshot

HEADER_BYTES = 12
CLASSIC_UDP_BYTES = 512
UDP_BYTES = 1232
"""The largest UDP answer, whatever the client allows: it fits every link unfragmented (DNS flag day 2020)."""
TCP_BYTES = 65535
MAX_ALIASES = 8
RESPONSE_BIT, RECURSION_DESIRED, OPCODE_MASK = 0x8000, 0x0100, 0x7800
DASHES_IN_IPV4 = 3
TRANSFERS = frozenset({dns.rdatatype.AXFR, dns.rdatatype.IXFR, dns.rdatatype.MAILA, dns.rdatatype.MAILB})


def answer(query: bytes, snapshot: Snapshot | None, *, udp: bool = True, turn: int = 0) -> bytes | None:
    """Return the answer to one query as bytes, or None if there is to be none.

    Args:
        query: the message without TCP's length prefix.
        snapshot: the records; None (not read yet) makes the answer SERVFAIL.
        udp: cut at the size that the client can take, with TC set; else at 65,535 bytes.
        turn: by how many places to rotate several records, so that clients that use the first one spread (round robin).
    """
    if len(query) < HEADER_BYTES:
        return None
    flags = struct.unpack_from("!H", query, 2)[0]
    if flags & RESPONSE_BIT:
        return None
    if flags & OPCODE_MASK:
        return _bare(query, flags, dns.rcode.NOTIMP)
    try:
        asked = dns.message.from_wire(query)
    except (dns.exception.DNSException, ValueError, struct.error):
        return _bare(query, flags, dns.rcode.FORMERR)
    if len(asked.question) != 1:
        return _bare(query, flags, dns.rcode.FORMERR)
    try:
        return _wire(_respond(asked, snapshot, turn), _limit(asked) if udp else TCP_BYTES)
    except (dns.exception.DNSException, ValueError):  # records that the snapshot reader could not know to be wrong
        return _bare(query, flags, dns.rcode.SERVFAIL)


def _bare(query: bytes, flags: int, rcode: dns.rcode.Rcode) -> bytes:
    """A header and nothing else: all that can be said of a query that was not understood."""
    kept = flags & (OPCODE_MASK | RECURSION_DESIRED)
    return query[:2] + struct.pack("!5H", RESPONSE_BIT | kept | rcode, 0, 0, 0, 0)


def _limit(asked: dns.message.Message) -> int:
    """The bytes that a UDP answer may have."""
    return max(CLASSIC_UDP_BYTES, min(asked.payload, UDP_BYTES)) if asked.edns >= 0 else CLASSIC_UDP_BYTES


def _wire(response: dns.message.Message, limit: int) -> bytes:
    """The bytes; what does not fit goes: first the additional records, then all of them, with TC: ask again over TCP."""
    for flags, sections in ((0, ()), (0, (response.additional,)), (dns.flags.TC, (response.answer, response.authority))):
        response.flags |= flags
        for section in sections:
            section.clear()
        try:
            return response.to_wire(max_size=limit, want_shuffle=False)
        except dns.exception.TooBig:
            continue
    raise dns.exception.TooBig


def _respond(asked: dns.message.Message, snapshot: Snapshot | None, turn: int) -> dns.message.Message:
    response = dns.message.make_response(asked, our_payload=UDP_BYTES)
    question = asked.question[0]
    if asked.edns > 0:
        response.use_edns(0, payload=UDP_BYTES)
        response.set_rcode(dns.rcode.BADVERS)
    elif snapshot is None:
        response.set_rcode(dns.rcode.SERVFAIL)
    elif question.rdclass != dns.rdataclass.IN or question.rdtype in TRANSFERS:
        response.set_rcode(dns.rcode.REFUSED)
    else:
        _look_up(response, snapshot, turn)
    return response


def _look_up(response: dns.message.Message, snapshot: Snapshot, turn: int) -> None:
    """Fill in the answer to a proper question about a name."""
    question = response.question[0]
    wanted = dns.rdatatype.to_text(question.rdtype)
    ttl_s, name = snapshot.ttl_s, question.name
    zone = snapshot.zone_of(_key(name))
    if zone is None:
        response.set_rcode(dns.rcode.REFUSED)
        return
    response.flags |= dns.flags.AA
    for _ in range(MAX_ALIASES):
        sets = _sets(_key(name), snapshot)
        if sets is None:
            response.set_rcode(dns.rcode.NXDOMAIN)
        elif question.rdtype == dns.rdatatype.ANY:
            response.answer.append(_rrset(name, "HINFO", ['"RFC8482" ""'], ttl_s))
            return
        elif wanted in sets:
            response.answer.append(_rrset(name, wanted, _rotated(sets[wanted], turn), ttl_s))
            _add_targets(response, snapshot)
            return
        elif alias := sets.get("CNAME"):
            response.answer.append(_rrset(name, "CNAME", alias[:1], ttl_s))
            name = response.answer[-1][0].target
            zone = snapshot.zone_of(_key(name))
            if zone is None:
                return  # there is nobody to ask about the rest
            continue
        response.authority.append(_rrset(dns.name.from_text(zone), "SOA", snapshot.sets[zone]["SOA"], ttl_s))
        return


def _sets(name: str, snapshot: Snapshot) -> dict[str, list[str]] | None:
    """What there is under a name: from the records, or computed from the name of a Pod's address."""
    found = snapshot.find(name)
    return _pod_sets(name, snapshot) if found is None else found


def _pod_sets(name: str, snapshot: Snapshot) -> dict[str, list[str]] | None:
    """The address that `10-244-1-5.shop.pod.cluster.local.` spells, or None: not such a name, or no such Namespace."""
    label, _, above = name.partition(".")
    namespace, _, rest = above.partition(".")
    numbers = label.split("-")
    if rest != f"pod.{snapshot.domain}" or namespace not in snapshot.namespaces or len(numbers) != DASHES_IN_IPV4 + 1:
        return None
    return {"A": [".".join(numbers)]} if all(map(_is_octet, numbers)) else None


def _is_octet(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= len("255") and str(int(text)) == text and int(text) < 256  # noqa: PLR2004


def _key(name: dns.name.Name) -> str:
    """A name as the snapshot spells it. A dot inside a label is escaped, so it cannot be taken for a border."""
    return str(name.to_text()).lower()


def _rotated(data: list[str], turn: int) -> list[str]:
    first = turn % len(data)
    return data[first:] + data[:first]


def _rrset(name: dns.name.Name, kind: str, data: Sequence[str], ttl_s: int) -> dns.rrset.RRset:
    return dns.rrset.from_rdata(name, ttl_s, *(dns.rdata.from_text("IN", kind, item) for item in data))


def _add_targets(response: dns.message.Message, snapshot: Snapshot) -> None:
    """Add the addresses of the names that SRV and NS records lead to, so that nobody has to ask for them."""
    targets = [getattr(item, "target", None) for item in response.answer[-1]]
    if response.question[0].rdtype not in (dns.rdatatype.SRV, dns.rdatatype.NS):
        return
    for target in dict.fromkeys(item for item in targets if item is not None):
        for kind, data in (snapshot.find(_key(target)) or {}).items():
            if kind in ("A", "AAAA"):
                response.additional.append(_rrset(target, kind, data, snapshot.ttl_s))
