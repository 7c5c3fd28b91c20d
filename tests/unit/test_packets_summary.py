"""A packet in one line."""

import pytest

from netlab.packets.frame import Arp, Ethernet, Frame, Icmp, Ip, Sctp, Tcp, Udp
from netlab.packets.names import Names
from netlab.packets.summary import summary

NAMES = Names(
    addresses={"10.244.1.2": "web", "10.244.1.1": "node-1", "fd00::1": "node-1", "172.18.0.2": "node-1"},
    services={("tcp", "10.96.0.42", 6379): "svc/redis"},
    namespaces={},
)


def ip(protocol=6, family=4, **more):
    sides = ("10.244.1.2", "10.96.0.42") if family == 4 else ("fd00::1", "fd00::2")
    return Ip(family=family, source=sides[0], destination=sides[1], ttl=64, protocol=protocol, **more)


TCP = Tcp(source_port=40000, destination_port=6379, flags=18, payload_bytes=5)
UDP = Udp(source_port=5353, destination_port=53, payload_bytes=30)
DNS_QUERY = bytes.fromhex("0007 0100 0001 0000 0000 0000 03 776562 00 0001 0001")
QUOTED = Frame(ip=ip(17), transport=UDP)


@pytest.mark.parametrize(
    ("frame", "line"),
    [
        pytest.param(
            Frame(ip=ip(), transport=TCP), "tcp 10.244.1.2:40000 (web) > 10.96.0.42:6379 (svc/redis) SYN ACK, length 5", id="tcp"
        ),
        pytest.param(
            Frame(ip=ip(), transport=Tcp(source_port=1, destination_port=2)), "tcp 10.244.1.2:1 (web) > 10.96.0.42:2 no flags, length 0",
            id="tcp without flags",
        ),
        pytest.param(Frame(ip=ip(17), transport=UDP), "udp 10.244.1.2:5353 (web) > 10.96.0.42:53 length 30", id="udp"),
        pytest.param(
            Frame(ip=ip(17), transport=Udp(source_port=5353, destination_port=53, payload_bytes=20, payload=DNS_QUERY)),
            "udp 10.244.1.2:5353 (web) > 10.96.0.42:53 length 20, A? web", id="a question to a name server",
        ),
        pytest.param(
            Frame(ip=ip(17), transport=Udp(source_port=5353, destination_port=54, payload_bytes=20, payload=DNS_QUERY)),
            "udp 10.244.1.2:5353 (web) > 10.96.0.42:54 length 20", id="the same to another port",
        ),
        pytest.param(
            Frame(ip=ip(17, 6), transport=UDP), "udp [fd00::1]:5353 (node-1) > [fd00::2]:53 length 30", id="udp over IPv6"
        ),
        pytest.param(
            Frame(ip=ip(132), transport=Sctp(source_port=1, destination_port=2, chunk=1, payload_bytes=20)),
            "sctp 10.244.1.2:1 (web) > 10.96.0.42:2 INIT, length 20", id="sctp",
        ),
        pytest.param(
            Frame(ip=ip(132), transport=Sctp(source_port=1, destination_port=2, chunk=200)),
            "sctp 10.244.1.2:1 (web) > 10.96.0.42:2 chunk 200, length 0", id="an unknown chunk",
        ),
        pytest.param(
            Frame(ip=ip(1), transport=Icmp(type=8, code=0, identifier=7, sequence=2, payload_bytes=56)),
            "icmp 10.244.1.2 (web) > 10.96.0.42 echo request id 7, seq 2, length 56", id="ping",
        ),
        pytest.param(
            Frame(ip=ip(1), transport=Icmp(type=3, code=3), quoted=QUOTED),
            "icmp 10.244.1.2 (web) > 10.96.0.42 port unreachable: udp 10.244.1.2:5353 (web) > 10.96.0.42:53", id="an error",
        ),
        pytest.param(
            Frame(ip=ip(1), transport=Icmp(type=3, code=4, mtu=1400), quoted=Frame(missing="cut before the IP header")),
            "icmp 10.244.1.2 (web) > 10.96.0.42 fragmentation needed (mtu 1400)", id="too big, about nothing",
        ),
        pytest.param(
            Frame(ip=ip(1), transport=Icmp(type=11, code=0), quoted=Frame(ip=ip(1), transport=Icmp(type=8, code=0))),
            "icmp 10.244.1.2 (web) > 10.96.0.42 time exceeded in transit: icmp echo request 10.244.1.2 > 10.96.0.42",
            id="a ping that took too many hops",
        ),
        pytest.param(
            Frame(ip=ip(58, 6), transport=Icmp(type=135, code=0, target="fd00::1")),
            "icmpv6 fd00::1 (node-1) > fd00::2 neighbour solicitation: who has fd00::1 (node-1)", id="neighbour solicitation",
        ),
        pytest.param(
            Frame(ip=ip(1), transport=Icmp(type=40, code=2)), "icmp 10.244.1.2 (web) > 10.96.0.42 type 40, code 2", id="other icmp"
        ),
        pytest.param(Frame(ip=ip(50)), "ip protocol 50 10.244.1.2 (web) > 10.96.0.42", id="another protocol"),
        pytest.param(
            Frame(ip=ip(17, fragment_offset=1480)), "udp 10.244.1.2 (web) > 10.96.0.42 fragment at 1480", id="the last fragment"
        ),
        pytest.param(
            Frame(ip=ip(17, more_fragments=True), transport=UDP),
            "udp 10.244.1.2:5353 (web) > 10.96.0.42:53 length 30 fragment at 0, more follow", id="the first fragment",
        ),
        pytest.param(
            Frame(arp=Arp(operation=1, sender_mac="02:00:00:00:00:01", sender="10.244.1.2", target="10.244.1.1")),
            "arp who has 10.244.1.1 (node-1)? tell 10.244.1.2 (web)", id="who has",
        ),
        pytest.param(
            Frame(arp=Arp(operation=2, sender_mac="02:00:00:00:00:01", sender="10.244.1.2", target="10.244.1.1")),
            "arp 10.244.1.2 (web) is at 02:00:00:00:00:01", id="is at",
        ),
        pytest.param(
            Frame(
                ip=Ip(family=4, source="172.18.0.2", destination="172.18.0.3", ttl=64, protocol=17), transport=UDP, vni=1,
                inner=Frame(ip=ip(), transport=TCP),
            ),
            "vxlan 1 172.18.0.2 (node-1) > 172.18.0.3: "
            "tcp 10.244.1.2:40000 (web) > 10.96.0.42:6379 (svc/redis) SYN ACK, length 5",
            id="a tunnel",
        ),
        pytest.param(
            Frame(ethernet=Ethernet(source="02:00:00:00:00:01", destination="02:00:00:00:00:02", kind=0x88CC)),
            "ethertype 0x88cc, 02:00:00:00:00:01 > 02:00:00:00:00:02", id="no IP",
        ),
        pytest.param(
            Frame(ip=ip(), missing="cut in the TCP header"), "tcp 10.244.1.2 (web) > 10.96.0.42 [cut in the TCP header]", id="cut"
        ),
        pytest.param(Frame(missing="cut in the Ethernet header"), "[cut in the Ethernet header]", id="nothing"),
    ],
)  # fmt: skip
def test_lines(frame, line):
    assert summary(frame, NAMES) == line
