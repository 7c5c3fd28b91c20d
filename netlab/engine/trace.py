"""One request, traced: instruments are set on the way that it may take, it is sent, and what they saw becomes its story.

look      the lab as it is in the kernel, and every way that the request may take through it (packets/walk.py)
on        instruments at all interfaces and rules of those ways; canaries prove them
send      one real request; its port was known before
off       canaries again, so that everything before them has been read; then nothing is left of the instruments
tell      what was seen, joined by identity (packets/joining.py, story.py), and the verdict (packets/verdict.py)
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import closing, nullcontext
from functools import partial
from typing import Final

from netlab.frozen import dataclass
from netlab.kernel import netns
from netlab.kernel.canaries import ETHERTYPE
from netlab.kernel.drop_counters import MEANINGS, counters, grown
from netlab.kernel.instruments import Instruments
from netlab.kernel.packet_filter import compile_filter
from netlab.kernel.rule_traces import rule_texts, with_rules
from netlab.kernel.talking import Ping, Talk, TcpTalk, UdpTalk
from netlab.netstate.links import Bridge
from netlab.netstate.names import NetnsName
from netlab.netstate.rule_trace import Rules, RuleText
from netlab.netstate.seen import Place, SeenPacket
from netlab.netstate.state import NetState
from netlab.packets import marking
from netlab.packets.hops import Walk
from netlab.packets.joining import Evidence, Texts, calls, is_like, journeys, sent_packet
from netlab.packets.packet import Packet
from netlab.packets.rule_texts import in_words_of_iptables
from netlab.packets.sighting import sighting
from netlab.packets.steps import Passage
from netlab.packets.story import Teller
from netlab.packets.strays import without_strays
from netlab.packets.trace_plan import Plan, matched_elements, plan_for, untold_rules
from netlab.packets.walk import Walker

ANY_PORT: Final = 0
ANSWER_S, AFTERWARDS_S = 5.0, 0.1
"""How long the answer to somebody else's request is waited for, and how long what follows it is looked at."""
PROOF_S: Final = 10.0
"""How long a canary is waited for: it takes milliseconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is asked from where: `netns` sends to `address`; `port` is 0 for a ping. `words` are what is sent as data.

    `live`: nothing is sent, but the next request of somebody in `netns` to that address and port is waited for.
    """

    netns: NetnsName
    protocol: str
    address: str
    port: int = 0
    words: bytes = b""
    ttl: int = 0
    timeout_s: float = 2.0
    live: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What the sender was told: `state` is `answered`, `failed` (with `trouble`), or still `asked`; and how long it took."""

    state: str
    trouble: str
    heard: bytes
    took_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """What was seen of a request. `unproved` instruments did not see their canaries, `lost` ones lost something.

    `counted` says for each namespace on the way for what its kernel threw packets away meanwhile.
    """

    request: Request
    sent: Packet
    started_ns: int
    passages: tuple[Passage, ...]
    outcome: Outcome
    walks: tuple[Walk, ...]
    packets: tuple[SeenPacket, ...]
    unproved: frozenset[str]
    lost: Mapping[str, int]
    counted: Mapping[NetnsName, tuple[str, ...]]


def take(net: NetState, request: Request, number: int) -> Trace:
    """Send the request, or wait for the next one, and return what was seen of it. Raises KernelError.

    Args:
        net: the lab as it is.
        request: what to send.
        number: tells this trace from others that run at the same time.
    """
    with closing(new_talk(request)) if not request.live else nullcontext() as talk:
        plan = plan_of(net, request, talk.port if talk else ANY_PORT, f"{marking.TABLE_STEM}{number}")
        ruled, before = with_rules(plan.tables), counters(plan.tables)
        on = Instruments(plan.places, {name: plan.tables[name] for name in ruled}, compile_filter(plan.words), plan.peers)
        try:
            unproved = on.prove(PROOF_S)
            started_ns, outcome = _send(talk, on, request.timeout_s) if talk else _await_request(on, request, plan.sent)
            unproved |= on.prove(PROOF_S)
            lost = on.losses()
        finally:
            # Nobody else is to feel them any longer than that; all the rest is done meanwhile.
            off = threading.Thread(target=on.close, name="instruments")
            off.start()
    try:
        texts, after = _texts(ruled), counters(plan.tables)
        passages, sent = _story(net, plan, on, request, in_words_of_iptables(texts, net))
    finally:
        off.join()
    return Trace(
        request=request, sent=sent, started_ns=started_ns, passages=passages, outcome=outcome, walks=plan.walks,
        packets=tuple(on.packets), unproved=unproved, lost=lost,
        counted={name: tuple(MEANINGS[one] for one in found) for name, found in grown(before, after).items()},
    )  # fmt: skip


def _story(net: NetState, plan: Plan, on: Instruments, request: Request, texts: Texts) -> tuple[tuple[Passage, ...], Packet]:
    """Return the ways of the packets, and the tuple with which the first of them left its sender."""
    evidence = Evidence(
        sightings=tuple(found for one in without_strays(on.packets, net) if (found := sighting(one))),
        events=tuple(on.events),
        texts=texts,
        bridges=frozenset(
            Place(item.name, link.name) for item in net.namespaces for link in item.links if isinstance(link, Bridge)
        ),
    )
    passed = calls(evidence, marking.TABLE_STEM)
    legacy = {item.name for item in net.namespaces for rules in item.iptables if rules.variant == "legacy"}
    teller = Teller(
        texts,
        Walker(net).routes,
        on.connections,
        partial(matched_elements, plan.walks),
        partial(untold_rules, plan.walks, legacy),
    )
    sent = sent_packet(evidence, request.netns, plan.sent)
    return teller.tell(journeys(evidence, passed, request.netns, sent)), sent


def new_talk(request: Request) -> Talk:
    """Return the request, ready to be sent."""
    if request.protocol == "tcp":
        return TcpTalk(request.netns, request.address, request.port, words=request.words, ttl=request.ttl)
    if request.protocol == "udp":
        return UdpTalk(request.netns, request.address, request.port, words=request.words, ttl=request.ttl)
    return Ping(request.netns, request.address, words=request.words, ttl=request.ttl)


def plan_of(net: NetState, request: Request, port: int, table: str) -> Plan:
    """Return where to look for a request that is sent from this port."""
    destination_port = request.port or {"icmp": 8, "icmpv6": 128}[request.protocol]
    packet = Packet(protocol=request.protocol, destination=request.address, source_port=port, destination_port=destination_port)
    return plan_for(net, request.netns, packet, table, f"ether proto {ETHERTYPE}")


def _send(talk: Talk, on: Instruments, timeout_s: float) -> tuple[int, Outcome]:
    """Send it and wait for what becomes of it; meanwhile the instruments are read, as they hold only so much."""
    started_ns, begun = time.time_ns(), time.monotonic()
    talk.begin()
    while True:
        talk.advance()
        left = begun + timeout_s - time.monotonic()
        if talk.state != "asked" or left <= 0 or _is_told(on, talk.port):
            break
        on.read(min(left, 0.005))
    outcome = Outcome(state=talk.state, trouble=talk.trouble, heard=talk.heard, took_s=time.monotonic() - begun)
    talk.close()
    return started_ns, outcome


def _await_request(on: Instruments, request: Request, expected: Packet) -> tuple[int, Outcome]:
    """Wait for the next request and for its answer, and a little longer for what follows it."""
    started_ns, end, looked = time.time_ns(), time.monotonic() + request.timeout_s, 0
    sent: Packet | None = None
    state, took_s = "asked", 0.0
    while (left := end - time.monotonic()) > 0:
        on.read(left)
        fresh, looked = sorted(on.packets[looked:]), len(on.packets)
        for one in (found for seen in fresh if (found := sighting(seen)) and found.place.netns == request.netns):
            if sent is None and one.outgoing and one.packet and is_like(one.packet, expected):
                sent, started_ns = one.packet, one.time_ns
                end = time.monotonic() + ANSWER_S
            elif sent is not None and state == "asked" and not one.outgoing and one.packet == sent.answer:
                state, took_s = "failed" if "RST" in one.flags else "answered", (one.time_ns - started_ns) / 1e9
                end = time.monotonic() + AFTERWARDS_S
    return started_ns, Outcome(state=state, trouble="", heard=b"", took_s=took_s)


def _is_told(on: Instruments, port: int) -> bool:
    """Tell whether an error about the request is under way to its sender, who may not believe it yet and try again."""
    seen = (sighting(one) for one in on.packets if one.data[23:24] == b"\x01" or one.data[20:21] == b"\x3a")
    return any(one.error.about.source_port == port for one in seen if one and one.error and one.error.about)


def _texts(names: Sequence[NetnsName]) -> dict[tuple[NetnsName, Rules, int], RuleText]:
    """Return the rules of namespaces by their handles. Raises KernelError."""
    found = netns.run_in_threads([partial(netns.in_namespace, name, rule_texts) for name in names])
    return {
        (name, where, handle): text for name, one in zip(names, found, strict=True) for (where, handle), text in one.items()
    }
