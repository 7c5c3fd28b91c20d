"""Instruments on real namespaces: they see, they prove that they see (law 8), and nothing is left of them."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from netlab.errors import KernelError
from netlab.kernel import netns, nft
from netlab.kernel.instruments import Instruments
from netlab.netstate.seen import Place
from netlab.packets.marking import Match, table
from tests.cable import LEFT, RIGHT, ip

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.skipif(not os.environ.get("NETLAB_TEST_VM"), reason="runs inside scripts/test"),
]

PEERS = {LEFT: RIGHT, RIGHT: LEFT}
RULES = "table inet t {\n chain in {\n type filter hook input priority 0; policy accept;\n udp dport 5353 accept\n }\n}\n"
WANTED = Match("udp", "192.0.2.1", 0, "192.0.2.2", 5353)
PROOF_S = 60.0


@pytest.fixture
def ruled(pair):
    """The right one has a rule."""
    netns.in_namespace(RIGHT.netns, lambda: nft.run(RULES))


def instruments():
    return Instruments([LEFT, RIGHT], {RIGHT.netns: table("netlab-trace-1", [WANTED])}, b"", PEERS)


def rules():
    return netns.in_namespace(RIGHT.netns, lambda: nft.run("list ruleset"))


def send(words):
    def inside():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
            one.sendto(words, ("192.0.2.2", 5353))

    netns.in_namespace(LEFT.netns, inside)


def test_a_packet_is_seen_at_interfaces_at_rules_and_in_conntrack(ruled):
    with instruments() as on:
        assert on.prove(PROOF_S) == frozenset()
        send(b"are you there")
        assert on.prove(PROOF_S) == frozenset()
        sent = [one for one in sorted(on.packets) if b"are you there" in one.data and one.data[23] == socket.IPPROTO_UDP]
        assert [(one.place, one.outgoing) for one in sent] == [(LEFT, True), (RIGHT, False)]
        assert sent[0].time_ns == sent[1].time_ns  # what LEFT sent is told by RIGHT
        (rule,) = [one for one in on.events if one.where.table == "t" and one.handle]
        assert (rule.where.chain, rule.verdict, rule.netns) == ("in", "accept", RIGHT.netns)
        new = [
            one.entry.original for one in on.connections if one.change == "new" and one.entry.original.destination_port == 5353
        ]
        assert [str(one).partition(":")[0] for one in new] == ["192.0.2.1"]
        assert on.losses() == {}


def test_an_interface_that_is_down_is_not_proved(ruled):
    ip("-n", RIGHT.netns, "link", "set", "eth0", "down")
    with instruments() as on:
        assert str(RIGHT) in on.prove(0.2)


def test_that_its_peer_has_received_something_does_not_prove_an_interface(ruled):
    with instruments() as on:
        on.sockets.close_places([LEFT])
        assert on.prove(0.2) == {str(LEFT)}


def test_without_a_peer_both_directions_are_looked_at(ruled):
    with Instruments([LEFT], {}, b"", {}) as on:
        assert on.prove(PROOF_S) == frozenset()
        send(b"are you there")
        assert on.prove(PROOF_S) == frozenset()
    assert (LEFT, True) in {(one.place, one.outgoing) for one in on.packets if b"are you there" in one.data}


def test_an_instrument_whose_table_is_gone_is_not_proved(ruled):
    with instruments() as on:
        assert on.prove(PROOF_S) == frozenset()
        on._tables[0].close()
        assert f"rules of {RIGHT.netns}" in on.prove(0.2)


def test_nobody_else_can_change_the_marking_table_and_it_ends_with_its_owner(ruled):
    before = rules()
    with instruments():
        assert "netlab-trace-1" in rules()
        with pytest.raises(nft.NftError, match="not permitted"):
            netns.in_namespace(RIGHT.netns, lambda: nft.run("delete table inet netlab-trace-1"))
    assert rules() == before
    assert not netns.in_namespace(RIGHT.netns, tracked)


def tracked():
    """The canaries' connections that are still there."""
    done = subprocess.run(["conntrack", "-L", "-p", "udp", "--dport", "9"], capture_output=True, text=True, check=False)
    return done.stdout


def test_kill_9_leaves_nothing(ruled, tmp_path):
    before = rules()
    program = f"import sys; sys.path.insert(0, {str(Path.cwd())!r})\nimport tests.kernel.test_instruments as t\non = t.instruments()\nprint('on', flush=True)\nsys.stdin.read()\n"
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout.readline() == "on\n"
        assert "netlab-trace-1" in rules()
        running.send_signal(signal.SIGKILL)
        running.wait()
    assert rules() == before


def test_a_place_that_is_not_there_is_refused_and_nothing_is_left(ruled):
    before = rules()
    with pytest.raises(KernelError, match="eth7"):
        Instruments([LEFT, Place(RIGHT.netns, "eth7")], {RIGHT.netns: table("netlab-trace-1", [WANTED])}, b"", {})
    with pytest.raises(KernelError, match="syntax error"):
        Instruments([LEFT], {RIGHT.netns: "table inet netlab-trace-1 { nonsense"}, b"", {})
    assert rules() == before
