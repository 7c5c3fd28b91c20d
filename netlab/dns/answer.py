"""What the cluster DNS says: a query's bytes and the records in, the answer's bytes out. Pure: no socket, no clock, no chance.

    the name has records of the type     NOERROR, the records (through CNAMEs, as far as they stay inside)
    the name has others, or is between   NOERROR without records (NODATA), SOA
    inside a zone, but no such name      NXDOMAIN, SOA
    10-244-1-5.shop.pod.cluster.local    the address in the name, if the Namespace exists (CoreDNS: `pods insecure`)
    outside every zone                   REFUSED: there is nobody to ask further. glibc goes on to the next server at once,
                                         while SERVFAIL would claim that trying again may help
    not a query, or too short for one    nothing (None): answering answers makes loops

Sources: RFC 1034, 2308 (negative answers), 6604 (an alias to nothing), 6891 (EDNS), 8020 (names between), 8482 (ANY).
"""

from __future__ import annotations

from collections.abc import Iterator
from socket import AF_INET, AF_INET6, inet_pton

from netlab.dns.records import Entry, Records
from netlab.dns.wire import (
    CLASS_IN,
    HEADER,
    OPCODE_MASK,
    RESPONSE,
    FormatError,
    Query,
    Rcode,
    Reply,
    Type,
    bare_reply,
    read_query,
    record,
    record_data,
    write_reply,
)

MAX_ALIASES = 8
DASHES_IN_IPV4 = 3
TRANSFERS = frozenset({Type.AXFR, Type.IXFR, Type.MAILA, Type.MAILB})
MINIMAL = b"\x07RFC8482\x00"
ADDRESSES = (Type.A, Type.AAAA)


def answer(query: bytes, records: Records | None, *, udp: bool = True, turn: int = 0) -> bytes | None:
    """Return the answer to one query as bytes, or None if there is to be none.

    Args:
        query: the message without TCP's length prefix.
        records: what there is; None (not read yet) makes the answer SERVFAIL.
        udp: cut at the size that the client can take, with TC set; else at 65,535 bytes.
        turn: by how many places to rotate several records, so that clients that use the first one spread (round robin).
    """
    found = answers(query, records, udp=udp)
    return query[:2] + found[turn % len(found)] if found else None


def answers(query: bytes, records: Records | None, *, udp: bool = True) -> tuple[bytes, ...]:
    """Return the answers to one query without their id, one for each order of its records; none if there is to be none."""
    if len(query) < HEADER.size:
        return ()
    flags = int.from_bytes(query[2:4], "big")
    if flags & RESPONSE:
        return ()
    if flags & OPCODE_MASK:
        return (bare_reply(query, Rcode.NOTIMP),)
    try:
        asked = read_query(query)
    except FormatError:
        return (bare_reply(query, Rcode.FORMERR),)
    return write_reply(asked, _respond(asked, records), udp=udp)


def _respond(asked: Query, records: Records | None) -> Reply:
    if asked.edns and asked.edns.version:
        return Reply(Rcode.BADVERS)
    if records is None:
        return Reply(Rcode.SERVFAIL)
    zone = records.zone_of(asked.name)
    if asked.rdclass != CLASS_IN or asked.type in TRANSFERS or not zone:
        return Reply(Rcode.REFUSED)
    return _look_up(asked, zone, records)


def _look_up(asked: Query, zone: str, records: Records) -> Reply:
    """The answer to a proper question about a name inside a zone of ours."""
    question, name, aliases = asked.name, asked.name, dict[str, bytes]()
    while name not in aliases and len(aliases) < MAX_ALIASES:
        entries = _entries(name, records)
        if entries is None:
            return Reply(Rcode.NXDOMAIN, True, [*aliases.values()], authority=_authority(zone, question, records))
        if asked.type == Type.ANY:
            return Reply(Rcode.NOERROR, True, [*aliases.values()], [record(name, records.ttl_s, Type.HINFO, MINIMAL, question)])
        if found := [entry for entry in entries if entry.type == asked.type]:
            written = [_written(name, entry, question) for entry in found]
            return Reply(Rcode.NOERROR, True, [*aliases.values()], written, additional=[*_targets(found, question, records)])
        alias = next((entry for entry in entries if entry.type == Type.CNAME), None)
        if alias is None:
            return Reply(Rcode.NOERROR, True, [*aliases.values()], authority=_authority(zone, question, records))
        aliases[name] = _written(name, alias, question)
        name = alias.data
        if not (zone := records.zone_of(name)):
            break  # there is nobody to ask about the rest
    return Reply(Rcode.NOERROR, True, [*aliases.values()])


def _entries(name: str, records: Records) -> list[Entry] | None:
    """What there is under a name: from the records, or computed from the name of a Pod's address."""
    found = records.find(name)
    return _pod_entries(name, records) if found is None else found


def _pod_entries(name: str, records: Records) -> list[Entry] | None:
    """The address that `10-244-1-5.shop.pod.cluster.local.` spells, or None: not such a name, or no such Namespace."""
    label, _, above = name.partition(".")
    if not above.endswith(f".pod.{records.domain}") or records.find(above) is None:
        return None
    is_ipv4 = label.count("-") == DASHES_IN_IPV4 and "--" not in label
    kind, family, border = (Type.A, AF_INET, ".") if is_ipv4 else (Type.AAAA, AF_INET6, ":")
    address = label.replace("-", border)
    try:
        inet_pton(family, address)
    except (OSError, ValueError):
        return None
    return [Entry(kind, records.ttl_s, address)]


def _written(name: str, entry: Entry, question: str) -> bytes:
    return record(name, entry.ttl_s, entry.type, record_data(entry.type, entry.data, question), question)


def _authority(zone: str, question: str, records: Records) -> list[bytes]:
    """The SOA record of a zone: who says that there is nothing, and how long that holds."""
    return [_written(zone, entry, question) for entry in records.find(zone) or () if entry.type == Type.SOA]


def _targets(found: list[Entry], question: str, records: Records) -> Iterator[bytes]:
    """The addresses of the names that SRV and NS records lead to, so that nobody has to ask for them."""
    targets = [entry.data.rpartition(" ")[2] for entry in found if entry.type in (Type.SRV, Type.NS)]
    for target in dict.fromkeys(targets):
        for entry in records.find(target) or ():
            if entry.type in ADDRESSES:
                yield _written(target, entry, question)
