"""Which packets are marked for tracing in a namespace, and the table of nft that does it: `meta nftrace set 1`, nothing else.

A packet is known by its tuple where it is sent; where it is translated already, by the tuple that conntrack has of its
connection. What a masquerade draws cannot be known before: such a match leaves the source port open, and what it marks of
others is sorted out by identity afterwards (joining.py). Source: nft(8), META and CT EXPRESSIONS; netfilter_ipv4.h.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from netlab.netstate.links import is_ipv6
from netlab.netstate.names import NetnsName
from netlab.packets.hops import Walk
from netlab.packets.packet import Packet

TABLE_STEM: Final = "netlab-trace-"
"""How the names of these tables begin; a number follows, so that several traces do not know each other."""

BEFORE_ALL, BEFORE_NAT = -450, -190
"""Priorities: before anybody's raw chains; after conntrack has looked, before filters and translation."""

CANARY: Final = "ip daddr 127.0.0.0/8 udp dport 9"
"""The datagrams that prove that rules are traced (kernel/canaries.py)."""


class Match(NamedTuple):
    """A tuple; port 0 is any port."""

    protocol: str
    source: str
    source_port: int
    destination: str
    destination_port: int


def matches(walks: Iterable[Walk]) -> Mapping[NetnsName, frozenset[Match]]:
    """Return what is to be marked in each namespace that a packet may pass on one of these walks."""
    found: dict[NetnsName, set[Match]] = defaultdict(set)
    for walk in walks:
        for hop in walk.hops:
            for name in (hop.netns, hop.peer or hop.netns):
                found[name] |= {match(one, walk.packet) for one in (hop.before, hop.after)}
    return {name: frozenset(one) for name, one in found.items()}


def match(packet: Packet, sent: Packet) -> Match:
    """Return the match of a packet: its source port only if it is still the one with which it was sent."""
    known = (packet.source, packet.source_port) == (sent.source, sent.source_port)
    ports = (0, 0) if packet.is_echo else (packet.source_port if known else 0, packet.destination_port)
    return Match(packet.protocol, packet.source, ports[0], packet.destination, ports[1])


def table(name: str, wanted: Iterable[Match]) -> str:
    """Return the script that makes the table; it belongs to whoever runs it and ends with him.

    The packets of others pass no more than the few rules that look at their protocol and ports.
    """
    found = sorted(set(wanted))
    plain = list(dict.fromkeys(line for one in found for line in (_plain(one), _plain(_answer(one)))))
    tracked = list(dict.fromkeys(line for one in found for line in _tracked(one)))
    first, then = ([f"{gate} jump {chain}" for gate in _gates(found)] for chain in ("sent", "known"))
    chains = (
        ("sent", "", plain), ("known", "", tracked),
        (f"prerouting{BEFORE_ALL}", f"hook prerouting priority {BEFORE_ALL}", first),
        (f"output{BEFORE_ALL}", f"hook output priority {BEFORE_ALL}", [f"{CANARY} meta nftrace set 1", *first]),
        (f"prerouting{BEFORE_NAT}", f"hook prerouting priority {BEFORE_NAT}", then),
        (f"output{BEFORE_NAT}", f"hook output priority {BEFORE_NAT}", then),
    )  # fmt: skip
    return "\n".join((f"table inet {name} {{", "\tflags owner", *_chains(chains), "}")) + "\n"


def _chains(chains: Iterable[tuple[str, str, list[str]]]) -> Iterator[str]:
    for name, hook, rules in chains:
        yield f"\tchain {name} {{"
        if hook:
            yield f"\t\ttype filter {hook}; policy accept;"
        yield from (f"\t\t{rule}" for rule in rules)
        yield "\t}"


def _gates(found: Iterable[Match]) -> Iterator[str]:
    """Which packets may be meant at all: by their protocol and one of their ports; of ICMP all, as it may be an error."""
    ports: dict[str, set[int]] = defaultdict(set)
    for one in found:
        ports[one.protocol] |= {one.source_port, one.destination_port} - {0}
    for protocol, numbers in sorted(ports.items()):
        if numbers and protocol not in {"icmp", "icmpv6"}:
            listed = ", ".join(str(number) for number in sorted(numbers))
            yield from (f"meta l4proto {protocol} th {side} {{ {listed} }}" for side in ("sport", "dport"))
    yield "meta l4proto { icmp, ipv6-icmp }"


def _answer(one: Match) -> Match:
    return Match(one.protocol, one.destination, one.destination_port, one.source, one.source_port)


def _plain(one: Match) -> str:
    family = "ip6" if is_ipv6(one.destination) else "ip"
    words = [f"{family} saddr {one.source} {family} daddr {one.destination} meta l4proto {_protocol(one)}"]
    words += [f"th {side} {port}" for side, port in (("sport", one.source_port), ("dport", one.destination_port)) if port]
    return f"{' '.join(words)} meta nftrace set 1"


def _tracked(one: Match) -> Iterator[str]:
    """Whatever belongs to the connection, translated or not; and errors about it."""
    family = "ip6" if is_ipv6(one.destination) else "ip"
    sides = f"ct original {family} saddr {one.source} ct original {family} daddr {one.destination}"
    words = [f"meta l4proto {_protocol(one)} {sides}"]
    words += [
        f"ct original {side} {port}"
        for side, port in (("proto-src", one.source_port), ("proto-dst", one.destination_port))
        if port
    ]
    yield f"{' '.join(words)} meta nftrace set 1"
    yield f"meta l4proto {'ipv6-icmp' if family == 'ip6' else 'icmp'} ct state related {sides} meta nftrace set 1"


def _protocol(one: Match) -> str:
    return "ipv6-icmp" if one.protocol == "icmpv6" else one.protocol
