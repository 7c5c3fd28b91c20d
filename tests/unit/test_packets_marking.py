"""Which packets are marked for tracing, and the table that does it."""

from __future__ import annotations

import pytest

from netlab.packets.marking import Match, match, table
from netlab.packets.packet import Packet, ping

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
    assert text == (
        "table inet netlab-trace-7 {\n"
        "\tflags owner\n"
        "\tchain prerouting-450 {\n"
        "\t\ttype filter hook prerouting priority -450; policy accept;\n"
        "\t\tip6 saddr fd00::1 ip6 daddr fd00::2 meta l4proto ipv6-icmp meta nftrace set 1\n"
        "\t\tip6 saddr fd00::2 ip6 daddr fd00::1 meta l4proto ipv6-icmp meta nftrace set 1\n"
        "\t\tip saddr 10.244.1.4 ip daddr 10.96.0.21 meta l4proto tcp th sport 40000 th dport 80 meta nftrace set 1\n"
        "\t\tip saddr 10.96.0.21 ip daddr 10.244.1.4 meta l4proto tcp th sport 80 th dport 40000 meta nftrace set 1\n"
        "\t}\n"
        "\tchain output-450 {\n"
        "\t\ttype filter hook output priority -450; policy accept;\n"
        "\t\tip daddr 127.0.0.0/8 udp dport 9 meta nftrace set 1\n"
        "\t\tip6 saddr fd00::1 ip6 daddr fd00::2 meta l4proto ipv6-icmp meta nftrace set 1\n"
        "\t\tip6 saddr fd00::2 ip6 daddr fd00::1 meta l4proto ipv6-icmp meta nftrace set 1\n"
        "\t\tip saddr 10.244.1.4 ip daddr 10.96.0.21 meta l4proto tcp th sport 40000 th dport 80 meta nftrace set 1\n"
        "\t\tip saddr 10.96.0.21 ip daddr 10.244.1.4 meta l4proto tcp th sport 80 th dport 40000 meta nftrace set 1\n"
        "\t}\n"
        "\tchain prerouting-190 {\n"
        "\t\ttype filter hook prerouting priority -190; policy accept;\n"
        "\t\tmeta l4proto ipv6-icmp ct original ip6 saddr fd00::1 ct original ip6 daddr fd00::2 meta nftrace set 1\n"
        "\t\tmeta l4proto ipv6-icmp ct state related ct original ip6 saddr fd00::1 ct original ip6 daddr fd00::2 meta nftrace set 1\n"
        "\t\tmeta l4proto tcp ct original ip saddr 10.244.1.4 ct original ip daddr 10.96.0.21 ct original proto-src 40000"
        " ct original proto-dst 80 meta nftrace set 1\n"
        "\t\tmeta l4proto icmp ct state related ct original ip saddr 10.244.1.4 ct original ip daddr 10.96.0.21 meta nftrace set 1\n"
        "\t}\n"
        "\tchain output-190 {\n"
        "\t\ttype filter hook output priority -190; policy accept;\n"
        "\t\tmeta l4proto ipv6-icmp ct original ip6 saddr fd00::1 ct original ip6 daddr fd00::2 meta nftrace set 1\n"
        "\t\tmeta l4proto ipv6-icmp ct state related ct original ip6 saddr fd00::1 ct original ip6 daddr fd00::2 meta nftrace set 1\n"
        "\t\tmeta l4proto tcp ct original ip saddr 10.244.1.4 ct original ip daddr 10.96.0.21 ct original proto-src 40000"
        " ct original proto-dst 80 meta nftrace set 1\n"
        "\t\tmeta l4proto icmp ct state related ct original ip saddr 10.244.1.4 ct original ip daddr 10.96.0.21 meta nftrace set 1\n"
        "\t}\n"
        "}\n"
    )
