"""Sightings and rules joined by what translation leaves alone: the ways of packets, whatever happened to them on the way."""

from __future__ import annotations

from dataclasses import replace

import pytest

from netlab.netstate.names import IfName, NetnsName
from netlab.netstate.rule_trace import Rules, RuleText, TraceEvent
from netlab.netstate.seen import Place
from netlab.packets.joining import Evidence, calls, journeys, sent_packet
from netlab.packets.packet import Packet
from netlab.packets.sighting import IcmpError, Sighting

POD, NODE, SERVER = NetnsName("l.default.client"), NetnsName("l.node-1"), NetnsName("l.default.server")
SENT = Packet(protocol="tcp", source="10.0.0.2", source_port=40000, destination="10.96.0.9", destination_port=80)
THERE = SENT.to("10.0.0.3", 8080)


def sighting(  # noqa: PLR0917 - a row of a table
    when: int, netns: NetnsName, dev: str, way: str, packet: Packet, identity: str = "syn", **more
) -> Sighting:
    place = Place(netns, IfName(dev))
    return Sighting(place=place, time_ns=when, outgoing=way == "out", identity=(identity,), packet=packet, **more)


SYN = (
    sighting(1, POD, "eth0", "out", SENT),
    sighting(2, NODE, "veth1", "in", SENT),
    sighting(2, NODE, "cni0", "in", SENT),
    sighting(3, NODE, "cni0", "out", replace(THERE, ttl=63)),
    sighting(4, NODE, "veth2", "out", replace(THERE, ttl=63)),
    sighting(5, SERVER, "eth0", "in", replace(THERE, ttl=63)),
)
ANSWER = (
    sighting(6, SERVER, "eth0", "out", THERE.answer, "syn-ack"),
    sighting(7, NODE, "veth2", "in", THERE.answer, "syn-ack"),
    sighting(9, POD, "eth0", "in", SENT.answer, "syn-ack"),
)
BRIDGES = frozenset({Place(NODE, IfName("cni0"))})


def ways(*seen: Sighting) -> list[tuple[str, list[str]]]:
    """Each journey's direction, and where it was."""
    found = journeys(Evidence(sightings=seen, bridges=BRIDGES), (), POD, SENT)
    return [
        (one.direction, [f"{step.place.netns.rpartition('.')[2]}/{step.place.ifname}" for step in one.sightings])
        for one in found
    ]


def test_a_packet_is_followed_through_its_translation_and_its_answer_is_found():
    there = ["client/eth0", "node-1/veth1", "node-1/cni0", "node-1/cni0", "node-1/veth2", "server/eth0"]
    assert ways(*ANSWER, *SYN) == [("forward", there), ("reply", ["server/eth0", "node-1/veth2", "client/eth0"])]


def test_what_came_by_a_bridge_is_seen_at_the_port_first_though_the_clock_says_the_same():
    assert ways(SYN[0], SYN[2], SYN[1]) == [("forward", ["client/eth0", "node-1/veth1", "node-1/cni0"])]


def test_what_left_one_end_of_a_veth_comes_before_what_the_other_end_received_though_the_clock_says_the_same():
    late = sighting(2, POD, "eth0", "out", SENT)
    assert ways(SYN[2], SYN[1], late) == [("forward", ["client/eth0", "node-1/veth1", "node-1/cni0"])]


def test_a_packet_that_is_sent_again_just_so_is_another_journey():
    again = [replace(one, time_ns=one.time_ns + 100) for one in SYN[:2]]
    assert ways(*SYN[:2], *again) == [("forward", ["client/eth0", "node-1/veth1"])] * 2


def test_other_connections_are_left_out():
    other = replace(SENT, source_port=40001)
    assert ways(sighting(1, POD, "eth0", "out", other, "other"), *SYN[:1]) == [("forward", ["client/eth0"])]


def test_an_answer_that_is_not_translated_back_is_an_answer_all_the_same():
    """It comes to the client as from the endpoint, which it never asked: the client's namespace does not know it."""
    stray = sighting(9, POD, "eth0", "in", THERE.answer, "syn-ack")
    assert ways(*SYN, *ANSWER[:2], stray)[1] == ("reply", ["server/eth0", "node-1/veth2", "client/eth0"])


def test_an_error_belongs_to_the_packet_that_it_quotes():
    packet = Packet(protocol="icmp", source="10.0.0.1", destination="10.0.0.2", destination_port=3)
    error = sighting(6, NODE, "cni0", "out", packet, "error", error=IcmpError(3, 1, SENT))
    foreign = sighting(7, NODE, "cni0", "out", packet, "foreign", error=IcmpError(3, 1, replace(SENT, source_port=1)))
    assert ways(*SYN[:2], error, foreign)[1:] == [("error", ["node-1/cni0"])]


def test_a_packet_of_which_only_rules_tell_is_told_of_if_they_ended_it():
    where = Rules("inet", "t", "out")
    hook = "type filter hook output priority filter; policy accept;"

    def event(verdict: str) -> TraceEvent:
        header = bytes.fromhex("45000034 12344000 4006 0000 0a000002 0a600009".replace(" ", ""))
        transport = bytes.fromhex("9c40 0050 00000001 00000000 5002 ffff 0000 0000".replace(" ", ""))
        return TraceEvent(
            netns=POD, identity=7, where=where, kind="rule", handle=4, verdict=verdict, target="", iif=0, oif=2, mark=0,
            network_header=header, transport_header=transport, time_ns=5,
        )  # fmt: skip

    for verdict, number in (("drop", 1), ("accept", 0)):
        evidence = Evidence(events=(event(verdict),), texts={(POD, where, 0): RuleText(hook, "")})
        found = calls(evidence, "netlab-trace-")
        assert [(one.hook, one.packet) for one in found] == [("output", SENT)]
        assert len(journeys(evidence, found, POD, SENT)) == number


def test_rules_that_only_mark_are_nobodys_way():
    where = Rules("inet", "netlab-trace-5", "prerouting-450")
    marking = TraceEvent(
        netns=NODE, identity=1, where=where, kind="rule", handle=3, verdict="continue", target="", iif=1, oif=0, mark=0,
        network_header=bytes(20), transport_header=bytes(20), time_ns=1,
    )  # fmt: skip
    assert calls(Evidence(events=(marking,)), "netlab-trace-") == ()


@pytest.mark.parametrize(
    ("packet", "wanted"),
    [
        pytest.param(
            replace(SENT, source="10.0.0.77"), replace(SENT, source="10.0.0.77"), id="the kernel chose another source"
        ),
        pytest.param(replace(SENT, source_port=1), SENT, id="a packet of somebody else says nothing"),
    ],
)
def test_sent_packet(packet, wanted):
    evidence = Evidence(sightings=(sighting(1, POD, "eth0", "out", packet),))
    assert sent_packet(evidence, POD, SENT) == wanted


@pytest.mark.parametrize(
    ("chain", "declared", "hook"),
    [
        ("filter-out", "type filter hook output priority filter; policy accept;", "output"),
        ("nat-pre", "type nat hook prerouting priority dstnat; policy accept;", "prerouting"),
        ("POSTROUTING", None, "postrouting"),
        ("INPUT", None, "input"),
    ],
)
def test_the_hook_of_a_chain_is_as_it_is_declared_or_as_iptables_calls_it(chain, declared, hook):
    where = Rules("ip", "nat", chain)
    event = TraceEvent(
        netns=NODE, identity=1, where=where, kind="policy", handle=0, verdict="accept", target="", iif=1, oif=0, mark=0,
        network_header=bytes([0x45, *bytes(19)]), transport_header=bytes(20), time_ns=1,
    )  # fmt: skip
    texts = {(NODE, where, 0): RuleText(declared, "")} if declared else {}
    (call,) = calls(Evidence(events=(event,), texts=texts), "netlab-trace-")
    assert call.hook == hook
