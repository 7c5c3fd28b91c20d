"""Bytes of packets are read as their RFCs say; cut and senseless ones give what is there and say what is not."""

import random
import struct
from ipaddress import ip_address

import pytest

from netlab.packets.frame import Arp, Ethernet, Frame, Icmp, Ip, Sctp, Tcp, Udp
from netlab.packets.headers import decode, decode_ip
from netlab.packets.packet import Packet

MACS = bytes.fromhex("020000000002020000000001")
ETHERNET = {"source": "02:00:00:00:00:01", "destination": "02:00:00:00:00:02"}
SYN, ACK, PSH = 2, 16, 8


def ipv4(
    body, *, protocol=6, source="10.244.1.2", destination="10.96.0.42", ident=7, fragment=0, ttl=64, total=None, options=b""
):
    header = (20 + len(options)) // 4 | 0x40
    length = 20 + len(options) + len(body) if total is None else total
    return (
        struct.pack("!BBHHHBBH", header, 0, length, ident, fragment, ttl, protocol, 0)
        + ip_address(source).packed + ip_address(destination).packed + options + body
    )  # fmt: skip


def ipv6(body, *, protocol=6, source="fd00::1", destination="fd00::2", label=0xABCDE, hops=64, length=None):
    head = struct.pack("!IHBB", 6 << 28 | label, len(body) if length is None else length, protocol, hops)
    return head + ip_address(source).packed + ip_address(destination).packed + body


def tcp(payload=b"", *, sport=40000, dport=80, seq=1, ack=0, flags=SYN, options=b""):
    return (
        struct.pack("!HHIIBBHHH", sport, dport, seq, ack, (20 + len(options)) * 4, flags, 64240, 0xBEEF, 0) + options + payload
    )


def udp(payload=b"", *, sport=40000, dport=53):
    return struct.pack("!HHHH", sport, dport, 8 + len(payload), 0xBEEF) + payload


def icmp(kind, code=0, high=0, low=0, payload=b""):
    return struct.pack("!BBHHH", kind, code, 0xBEEF, high, low) + payload


def ethernet(body):
    kind = {4: 0x0800, 6: 0x86DD}[body[0] >> 4]
    return MACS + struct.pack("!H", kind) + body


IP4 = Ip(family=4, source="10.244.1.2", destination="10.96.0.42", ttl=64, protocol=6, identification=7)
IP6 = Ip(family=6, source="fd00::1", destination="fd00::2", ttl=64, protocol=6, flow_label=0xABCDE)
SEGMENT = Tcp(source_port=40000, destination_port=80, sequence=1, flags=SYN, window=64240, checksum=0xBEEF)
DATAGRAM = Udp(source_port=40000, destination_port=53, checksum=0xBEEF)


def of(ip, **changes):
    return Ip(**{name: getattr(ip, name) for name in Ip.__slots__} | changes)


def with_payload(noun, payload, length=None):
    values = {name: getattr(noun, name) for name in type(noun).__slots__}
    return type(noun)(**values | {"payload": payload, "payload_bytes": len(payload) if length is None else length})


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param(ipv4(tcp()), Frame(ip=IP4, transport=SEGMENT), id="tcp"),
        pytest.param(ipv6(tcp()), Frame(ip=IP6, transport=SEGMENT), id="tcp-over-ipv6"),
        pytest.param(ipv4(tcp(b"GET /", options=bytes(12))), Frame(ip=IP4, transport=with_payload(SEGMENT, b"GET /")), id="tcp-options"),
        pytest.param(ipv4(tcp(), options=bytes(8)), Frame(ip=IP4, transport=SEGMENT), id="ip-options"),
        pytest.param(ipv4(tcp()) + bytes(6), Frame(ip=IP4, transport=SEGMENT), id="padding-is-no-payload"),
        pytest.param(
            ipv4(tcp(b"x" * 90), total=0), Frame(ip=IP4, transport=with_payload(SEGMENT, b"x" * 90)), id="longer-than-its-header-can-tell"
        ),
        pytest.param(
            ipv6(tcp(b"x" * 90), length=0), Frame(ip=IP6, transport=with_payload(SEGMENT, b"x" * 90)), id="longer-than-its-ipv6-header-can-tell"
        ),
        pytest.param(
            ipv4(udp(b"query"), protocol=17), Frame(ip=of(IP4, protocol=17), transport=with_payload(DATAGRAM, b"query")), id="udp"
        ),
        pytest.param(
            ipv4(struct.pack("!HHII", 1, 2, 77, 88) + b"\1\0\0\4", protocol=132),
            Frame(
                ip=of(IP4, protocol=132),
                transport=Sctp(source_port=1, destination_port=2, tag=77, checksum=88, chunk=1, payload_bytes=4, payload=b"\1\0\0\4"),
            ),
            id="sctp-init",
        ),
        pytest.param(
            ipv4(icmp(8, 0, 5, 1, b"abc"), protocol=1),
            Frame(
                ip=of(IP4, protocol=1),
                transport=Icmp(type=8, code=0, identifier=5, sequence=1, checksum=0xBEEF, payload_bytes=3, payload=b"abc"),
            ),
            id="echo-request",
        ),
        pytest.param(
            ipv6(icmp(135, 0, 0, 0, ip_address("fd00::9").packed), protocol=58),
            Frame(
                ip=of(IP6, protocol=58),
                transport=Icmp(
                    type=135, code=0, checksum=0xBEEF, target="fd00::9", payload_bytes=16, payload=ip_address("fd00::9").packed
                ),
            ),
            id="neighbour-solicitation",
        ),
        pytest.param(ipv4(b"anything", protocol=50), Frame(ip=of(IP4, protocol=50)), id="another-protocol"),
        pytest.param(
            ipv6(b"\6\0" + bytes(6) + tcp(), protocol=0), Frame(ip=IP6, transport=SEGMENT), id="hop-by-hop-options"
        ),
        pytest.param(
            ipv6(b"\x3c\0" + bytes(6) + b"\6\1" + bytes(14) + tcp(), protocol=43), Frame(ip=IP6, transport=SEGMENT), id="routing-and-destination-options"
        ),
        pytest.param(ipv6(b"\6\4" + bytes(22) + tcp(), protocol=51), Frame(ip=IP6, transport=SEGMENT), id="authentication-header"),
        pytest.param(ipv6(b"", protocol=59), Frame(ip=of(IP6, protocol=59)), id="no-next-header"),
        pytest.param(
            ipv4(udp(b"begin"), protocol=17, fragment=0x2000),
            Frame(ip=of(IP4, protocol=17, more_fragments=True), transport=with_payload(DATAGRAM, b"begin")),
            id="first-fragment",
        ),
        pytest.param(
            ipv4(b"the rest", protocol=17, fragment=185), Frame(ip=of(IP4, protocol=17, fragment_offset=1480)), id="last-fragment"
        ),
        pytest.param(
            ipv6(struct.pack("!BBHI", 17, 0, 1, 99) + udp(b"begin"), protocol=44),
            Frame(
                ip=of(IP6, protocol=17, more_fragments=True, identification=99), transport=with_payload(DATAGRAM, b"begin")
            ),
            id="first-fragment-of-ipv6",
        ),
        pytest.param(
            ipv6(struct.pack("!BBHI", 17, 0, 1448, 99) + b"the rest", protocol=44),
            Frame(ip=of(IP6, protocol=17, fragment_offset=1448, identification=99)),
            id="last-fragment-of-ipv6",
        ),
    ],
)  # fmt: skip
def test_a_packet_is_read(data, expected):
    assert decode_ip(data) == expected


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param(
            ethernet(ipv4(tcp())), Frame(ethernet=Ethernet(**ETHERNET, kind=0x0800), ip=IP4, transport=SEGMENT), id="ipv4"
        ),
        pytest.param(
            ethernet(ipv6(tcp())), Frame(ethernet=Ethernet(**ETHERNET, kind=0x86DD), ip=IP6, transport=SEGMENT), id="ipv6"
        ),
        pytest.param(
            MACS + bytes.fromhex("8100e0070800") + ipv4(tcp()),
            Frame(ethernet=Ethernet(**ETHERNET, kind=0x0800, vlan=7), ip=IP4, transport=SEGMENT),
            id="vlan",
        ),
        pytest.param(
            MACS + bytes.fromhex("080600010800060400020200000000010af401020200000000020af40101") + bytes(18),
            Frame(
                ethernet=Ethernet(**ETHERNET, kind=0x0806),
                arp=Arp(operation=2, sender_mac="02:00:00:00:00:01", sender="10.244.1.2", target="10.244.1.1"),
            ),
            id="arp",
        ),
        pytest.param(MACS + b"\x88\xcc" + bytes(46), Frame(ethernet=Ethernet(**ETHERNET, kind=0x88CC)), id="lldp"),
    ],
)
def test_a_frame_is_read(data, expected):
    assert decode(data) == expected


ERROR = icmp(3, 4, 0, 1400, ipv4(tcp(), total=1500))


def test_an_error_quotes_the_packet_it_is_about_and_says_which_mtu_would_do():
    frame = decode_ip(ipv4(ERROR, protocol=1, source="10.244.1.1", destination="10.244.1.2"))
    assert frame.is_error
    assert (frame.transport.type, frame.transport.code, frame.transport.mtu) == (3, 4, 1400)
    assert frame.quoted.packet == decode_ip(ipv4(tcp())).packet
    assert frame.quoted.missing == "cut in the data"
    assert frame.missing == ""
    assert frame.packet is None


def test_an_old_router_quotes_eight_bytes_which_is_the_ports_and_the_sequence_number():
    frame = decode_ip(ipv4(icmp(11, 0, payload=ipv4(tcp(seq=5))[:28]), protocol=1))
    assert frame.quoted.transport == Tcp(source_port=40000, destination_port=80, sequence=5)
    assert frame.quoted.missing == "cut in the TCP header"


def test_too_big_of_ipv6_tells_the_mtu_in_32_bits():
    frame = decode_ip(ipv6(icmp(2, 0, 1, 2, ipv6(tcp())), protocol=58))
    assert frame.transport.mtu == 65538
    assert frame.quoted.transport == SEGMENT


def test_a_tunnel_has_a_frame_inside():
    inner = ethernet(ipv4(tcp()))
    frame = decode(ethernet(ipv4(udp(bytes.fromhex("0800000000000100") + inner, dport=8472), protocol=17)))
    assert frame.vni == 1
    assert frame.inner == decode(inner)
    assert frame.packet.protocol == "udp"


@pytest.mark.parametrize(
    ("data", "missing"),
    [
        pytest.param(b"", "cut in the Ethernet header", id="nothing"),
        pytest.param(MACS, "cut in the Ethernet header", id="half-an-ethernet-header"),
        pytest.param(MACS + b"\x08\x00", "cut before the IP header", id="no-ip-header"),
        pytest.param(ethernet(ipv4(tcp()))[:30], "cut in the IPv4 header", id="half-an-ipv4-header"),
        pytest.param(ethernet(ipv6(tcp()))[:50], "cut in the IPv6 header", id="half-an-ipv6-header"),
        pytest.param(ethernet(ipv6(b"\6\0" + bytes(6) + tcp(), protocol=0))[:58], "cut in an IPv6 extension header", id="half-an-extension"),
        pytest.param(ethernet(ipv4(tcp()))[:36], "cut in the TCP header", id="no-whole-port"),
        pytest.param(ethernet(ipv4(tcp()))[:50], "cut in the TCP header", id="half-a-tcp-header"),
        pytest.param(ethernet(ipv4(udp(), protocol=17))[:41], "cut in the UDP header", id="half-a-udp-header"),
        pytest.param(ethernet(ipv4(udp(b"query"), protocol=17))[:45], "cut in the data", id="half-the-data"),
        pytest.param(MACS + b"\x08\x00" + b"\x75" + bytes(40), "IP version 7", id="version"),
        pytest.param(MACS + b"\x08\x00" + b"\x42" + ipv4(tcp())[1:], "an IPv4 header of 8 bytes in a packet of 40", id="short-header"),
        pytest.param(ethernet(ipv4(tcp(), total=12)), "an IPv4 header of 20 bytes in a packet of 12", id="short-packet"),
        pytest.param(
            ethernet(ipv6(b"\6\xff" + bytes(6) + tcp(), protocol=0)), "an IPv6 extension header that is longer than the packet", id="long-extension"
        ),
        pytest.param(MACS + b"\x08\x06" + bytes(10), "cut in the ARP message", id="half-an-arp-message"),
        pytest.param(MACS + b"\x08\x06" + bytes(28), "ARP about other things than MACs of IPv4 addresses", id="other-arp"),
    ],
)  # fmt: skip
def test_what_is_missing_is_said(data, missing):
    assert decode(data).missing == missing


def test_half_a_tcp_header_still_has_its_ports():
    assert decode(ethernet(ipv4(tcp()))[:40]).packet == Packet(
        protocol="tcp", source="10.244.1.2", destination="10.96.0.42", source_port=40000, destination_port=80
    )


@pytest.mark.parametrize(
    ("data", "text"),
    [
        pytest.param(ipv4(tcp()), "tcp 10.244.1.2:40000 > 10.96.0.42:80", id="tcp"),
        pytest.param(ipv6(udp(), protocol=17), "udp [fd00::1]:40000 > [fd00::2]:53", id="udp"),
        pytest.param(ipv4(icmp(0, 0, 5), protocol=1), "icmp echo reply 10.244.1.2 > 10.96.0.42", id="echo"),
        pytest.param(ipv4(icmp(5), protocol=1), "None", id="redirect"),
        pytest.param(ipv4(b"", protocol=50), "None", id="esp"),
        pytest.param(ipv4(b"", protocol=17, fragment=9), "None", id="later-fragment"),
    ],
)
def test_the_tuple_is_that_of_conntrack(data, text):
    assert str(decode_ip(data).packet) == text


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(
            ipv4(tcp(b"GET /", flags=PSH | ACK)),
            ipv4(tcp(b"GET /", flags=PSH | ACK, sport=9, dport=8080), source="172.18.0.2", destination="10.244.2.7", ttl=62),
            id="tcp-with-both-ends-translated",
        ),
        pytest.param(
            ipv4(udp(b"query", sport=1, dport=53), protocol=17),
            ipv4(udp(b"query", sport=2, dport=5353), protocol=17, destination="10.244.1.9"),
            id="udp",
        ),
        pytest.param(ipv6(tcp()), ipv6(tcp(dport=6379), destination="fd00::77", hops=63), id="ipv6"),
        pytest.param(
            ipv4(icmp(8, 0, 5, 1, b"x"), protocol=1), ipv4(icmp(8, 0, 6, 1, b"x"), protocol=1, source="172.18.0.2"), id="echo"
        ),
        pytest.param(
            ipv4(icmp(3, 3, payload=ipv4(udp(b"q"), protocol=17)), protocol=1),
            ipv4(
                icmp(3, 3, payload=ipv4(udp(b"q", dport=9), protocol=17, destination="10.0.0.1")),
                protocol=1,
                source="10.96.0.42",
            ),
            id="an-error-that-is-translated-inside-too",
        ),
    ],
)
def test_a_translated_packet_keeps_its_key(one, other):
    assert decode_ip(one).key == decode_ip(other).key != ()


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(ipv4(tcp(b"abc"), ident=8), id="next-packet-of-the-sender"),
        pytest.param(ipv4(tcp(b"abc", seq=4)), id="next-segment"),
        pytest.param(ipv4(tcp(b"abc", ack=1)), id="acknowledges-more"),
        pytest.param(ipv4(tcp(b"abc", flags=ACK)), id="flags"),
        pytest.param(ipv4(tcp(b"abcd")), id="length"),
        pytest.param(ipv4(udp(b"abc"), protocol=17), id="protocol"),
        pytest.param(ipv4(b"abc", fragment=2), id="fragment"),
        pytest.param(ipv6(tcp(b"abc"), label=7), id="family"),
    ],
)
def test_another_packet_has_another_key(other):
    assert decode_ip(ipv4(tcp(b"abc"))).key != decode_ip(other).key


def test_datagrams_that_differ_in_their_data_alone_have_different_keys():
    assert decode_ip(ipv4(udp(b"one"), protocol=17)).key != decode_ip(ipv4(udp(b"two"), protocol=17)).key


def test_an_error_quotes_the_key_of_the_packet():
    packet = ipv4(tcp(seq=99))
    assert decode_ip(ipv4(icmp(3, 1, payload=packet), protocol=1)).quoted.key == decode_ip(packet).key


def test_what_is_no_ip_has_no_key():
    assert decode(MACS + b"\x88\xcc").key == ()


def test_packets_in_packets_end():
    data = ethernet(ipv4(tcp()))
    for _ in range(50):
        data = ethernet(ipv4(udp(bytes.fromhex("0800000000000100") + data, dport=4789), protocol=17))
    depth, frame = 0, decode(data)
    while frame.inner is not None:
        depth, frame = depth + 1, frame.inner
    assert depth <= 4


def test_garbage_is_never_an_exception():
    chance = random.Random(5)
    seeds = [
        ethernet(ipv4(tcp(b"x" * 30))),
        ethernet(ipv6(b"\x2c\0" + bytes(6) + struct.pack("!BBHI", 17, 0, 1, 9) + udp(b"y" * 20, dport=8472), protocol=0)),
        ethernet(ipv4(icmp(3, 4, 0, 1400, ipv4(udp(b"abc"), protocol=17)), protocol=1)),
        ethernet(
            ipv4(udp(bytes.fromhex("0800000000000100") + ethernet(ipv6(icmp(135, 0), protocol=58)), dport=4789), protocol=17)
        ),
    ]
    for _ in range(20_000):
        data = bytearray(chance.choice(seeds)[: chance.randrange(1, 140)])
        for _ in range(chance.randrange(6)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        frame = decode(bytes(data))
        assert isinstance(frame.key, tuple)
        assert frame.packet is None or str(frame.packet)
