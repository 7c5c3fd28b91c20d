"""Session affinity as rules: a client that came before gets the endpoint it had. Pure.

    affinity-ids       frontend                  -> the number of its Service port, the same for all its addresses
    affinity-clients   client . number           -> the slot that it got last; filled by packets, forgets by itself
    slots-N-SECONDS    frontend . random         -> a slot
    affine-slots       frontend . slot              of each endpoint: whether a slot still stands for one
    affine-endpoints   frontend . slot           -> the endpoint

A slot is a number that stands for one endpoint as long as it is one. A remembered slot that is no longer among the frontend's
is forgotten and another one drawn, so what is remembered ends with its endpoint, in the same transaction. Only the first packet
of a connection meets NAT rules, so only new connections renew. One chain for each number of endpoints and each time, none for a
Service.

The number is held in the packet's mark and the slot in the connection's, because nft can look up by a mark what it has looked
up before; the packet's mark is free again before anybody else reads it. (`update` renews an element and keeps its old value,
so a slot that went must be deleted first.) The slots are in a set beside the map of the endpoints, because Linux 6.1 refuses a
rule that asks only whether a map has a key (nft_lookup_init in nft_lookup.c). A client of IPv6 is remembered by a hash of its
address and the number, because nft 1.0.6 ends at an assertion when the key of such a statement is longer than 16 bytes; one
seed, so that all chains agree.
Source: nft(8), set statement; kube-proxy.md section 3 (Endpoint choice).
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence

from netlab.desired.backends import Target
from netlab.desired.frontend import Frontend
from netlab.desired.packet_keys import IPV6, Family, key_of
from netlab.netstate.names import digest
from netlab.netstate.nft import Chain, Element

CLIENTS_MAX = 262144
"""How many clients a Node remembers; more are served, and not remembered."""
NUMBERS = 1 << 32


def affinity_ids(frontends: Iterable[Frontend]) -> Mapping[tuple[str, str], int]:
    """Return the number of each Service port with affinity, by owner and protocol. It follows from the name."""
    return _ids(frozenset((item.owner, item.protocol) for item in frontends if item.affinity_s))


@functools.lru_cache(maxsize=1)
def _ids(names: frozenset[tuple[str, str]]) -> Mapping[tuple[str, str], int]:
    """The same numbers as objects too, by which what follows from them is known."""
    ordered = sorted(names)
    return dict(zip(ordered, _numbers("/".join(name) for name in ordered), strict=True))


def slots(targets: Sequence[Target]) -> list[int]:
    """Return the slot of each endpoint: from its address and port alone, so that the others keep theirs when one goes."""
    return list(_numbers(f"{target.ip} {target.port}" for target in targets))


def _numbers(names: Iterable[str]) -> Iterator[int]:
    """Yield a number other than 0 for each name; where two names have the same, the second gets the next one."""
    taken = {0}
    for name in names:
        number = int(digest(name)[:8], 16)
        while number in taken:
            number = (number + 1) % NUMBERS
        taken.add(number)
        yield number


def remember_name(family: Family, count: int, seconds: int, stem: str) -> str:
    """Return the name of the chain that finds a client's slot among those of `count` endpoints: `remember-2-10800`."""
    return family.name(f"{stem}remember", count, seconds)


def remember_chain(family: Family, count: int, seconds: int, stem: str) -> Chain:
    """Return the chain that puts the client's slot into the connection's mark, the old one or a new one, and remembers it."""
    there, clients = family.name(f"{stem}affine-slots"), family.name("affinity-clients")
    is_gone = f"{family.frontend} . ct mark != @{there}"
    who = _client(family)
    rules = (
        f"meta mark set {family.frontend} map @{family.name('affinity-ids')}",
        *([f"meta mark set jhash {family.saddr} . meta mark mod 4294967295 seed 0x1"] if family is IPV6 else []),
        f"ct mark set {who} map @{clients}",
        f"{is_gone} delete @{clients} {{ {who} : ct mark }}",
        f"{is_gone} ct mark set {_drawn(family, count)} map @{_slots_name(family, count, seconds, stem)}",
        f"update @{clients} {{ {who} timeout {duration(seconds)} : ct mark }}",
        "meta mark set 0x00000000",
    )
    return Chain(name=remember_name(family, count, seconds, stem), rules=rules)


def _client(family: Family) -> str:
    """What a client of a Service port is remembered by."""
    return "meta mark" if family is IPV6 else f"{family.saddr} . meta mark"


def translate(family: Family, stem: str) -> str:
    """Return the rule that translates to the endpoint of the slot in the connection's mark."""
    return f"dnat {family.keyword} to {family.frontend} . ct mark map @{family.name(f'{stem}affine-endpoints')}"


def _drawn(family: Family, count: int) -> str:
    return f"{family.frontend} . numgen random mod {count}"


def _slots_name(family: Family, count: int, seconds: int, stem: str) -> str:
    return family.name(f"{stem}slots", count, seconds)


def endpoint_elements(
    family: Family, frontend: Frontend, targets: Sequence[Target], stem: str
) -> Iterator[tuple[str, str, Element]]:
    """Yield the elements for a frontend's endpoints: the name and the type of the set, and the element."""
    key, count = key_of(frontend), len(targets)
    there = family.name(f"{stem}affine-slots"), f"type {family.frontend_type} . mark"
    endpoints = family.name(f"{stem}affine-endpoints"), f"type {family.frontend_type} . mark : {family.target_type}"
    drawn = _slots_name(family, count, frontend.affinity_s, stem), f"typeof {_drawn(family, count)} : ct mark"
    for number, (slot, target) in enumerate(zip(slots(targets), targets, strict=True)):
        mark = f"0x{slot:08x}"
        yield *there, Element(f"{key} . {mark}", comment=frontend.comment)
        yield *endpoints, Element(f"{key} . {mark}", f"{target.ip} . {target.port}", frontend.comment)
        yield *drawn, Element(f"{key} . {number}", mark, frontend.comment)


def memory(family: Family, frontend: Frontend, number: int) -> Iterator[tuple[str, str, Element | None]]:
    """Yield the element that gives a frontend its number, and the map of clients without one: packets fill it."""
    ids = Element(key_of(frontend), f"0x{number:08x}", frontend.comment)
    yield family.name("affinity-ids"), f"type {family.frontend_type} : mark", ids
    client = "mark" if family is IPV6 else f"{family.address_type} . mark"
    kind = f"type {client} : mark\n\t\tsize {CLIENTS_MAX}\n\t\tflags dynamic,timeout"
    yield family.name("affinity-clients"), kind, None


def duration(seconds: int) -> str:
    """Return a time as nft prints it: `3h`, `1m30s`."""
    found = ""
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        count, seconds = divmod(seconds, length)
        found += f"{count}{unit}" if count else ""
    return found
