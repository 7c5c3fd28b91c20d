"""Which packets are marked for tracing, and the table that does it."""

from __future__ import annotations

from pathlib import Path

import pytest

from netlab.packets.marking import Match, match, table
from netlab.packets.packet import Packet, ping

GOLDEN = Path(__file__).parent.parent / "golden/traces"
SENT = Packet(protocol="tcp", source="10.244.1.4", source_port=40000, destination="10.96.0.21", destination_port=80)


@pytest.mark.parametrize(
    ("packet", "wanted"),
    [
        pytest.param(SENT, Match("tcp", "10.244.1.4", 40000, "10.96.0.21", 80), id="as it was sent: by its whole tuple"),
        pytest.param(
            SENT.to("10.244.2.7", 8080),
            Match("tcp", "10.244.1.4", 40000, "10.244.2.7", 8080),
            id="with another destination: its source port is still known",
        ),
        pytest.param(
            SENT.come_from("172.18.0.2", 40000),
            Match("tcp", "172.18.0.2", 0, "10.96.0.21", 80),
            id="masqueraded: nobody knows which port that will have",
        ),
        pytest.param(
            ping("10.244.1.4", "10.244.2.7"), Match("icmp", "10.244.1.4", 0, "10.244.2.7", 0), id="a ping has no ports"
        ),
    ],
)
def test_match(packet, wanted):
    assert match(packet, SENT) == wanted


def test_the_table_marks_and_does_nothing_else():
    """Before anybody's rules by the plain tuple, both directions; and where conntrack knows the connection, by its entry."""
    text = table("netlab-trace-7", [match(SENT, SENT), Match("icmpv6", "fd00::1", 0, "fd00::2", 0)])
    assert text == (GOLDEN / "marking.nft").read_text()
