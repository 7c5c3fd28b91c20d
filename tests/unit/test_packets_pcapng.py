"""Blocks of pcapng, byte by byte."""

import struct

import pytest

from netlab.packets.pcapng import Counts, Interface, enhanced_packet, head, name_resolution, tail

ETH0 = Interface(name="frontend/eth0")


def blocks(data):
    """Walk a file as a reader does: (type, body) of each block; both lengths must agree and be whole words."""
    found = []
    while data:
        kind, size = struct.unpack_from("<II", data)
        assert size % 4 == 0
        assert struct.unpack_from("<I", data, size - 4) == (size,)
        found.append((kind, data[8 : size - 4]))
        data = data[size:]
    return found


def options(data):
    """The options in order, without their padding."""
    found = []
    while True:
        code, size = struct.unpack_from("<HH", data)
        if code == 0:
            assert (size, len(data)) == (0, 4)
            return found
        found.append((code, data[4 : 4 + size]))
        data = data[4 + size + -size % 4 :]


def test_the_shortest_head():
    assert head([], application="netlab").hex() == (
        "0a0d0d0a" "2c000000" "4d3c2b1a" "01000000" "ffffffffffffffff"  # type, length, magic, version 1.0, length of section unknown
        "04000600" "6e65746c61620000" "00000000" "2c000000"  # the application in whole words, end of options, length
    )  # fmt: skip


def test_a_packet():
    assert enhanced_packet(0x1_0000_0005, 2, True, 60, b"\xaa\xbb\xcc").hex() == (
        "06000000" "30000000" "02000000" "01000000" "05000000" "03000000" "3c000000"  # type, length, interface, time, 3 of 60 bytes
        "aabbcc00" "02000400" "02000000" "00000000" "30000000"  # data, outbound, end of options, length
    )  # fmt: skip


@pytest.mark.parametrize("size", range(9))
def test_data_is_padded_to_whole_words(size):
    ((kind, body),) = blocks(enhanced_packet(1, 0, False, size, b"x" * size))
    assert kind == 6
    assert body[20 : 20 + size] == b"x" * size
    assert options(body[20 + size + -size % 4 :]) == [(2, b"\1\0\0\0")]


def test_a_comment_stands_before_the_direction():
    ((_, body),) = blocks(enhanced_packet(1, 0, True, 4, b"data", comment="hop 4: DNAT →"))
    assert options(body[24:]) == [(1, "hop 4: DNAT →".encode()), (2, b"\2\0\0\0")]


def test_interfaces_are_numbered_by_their_order_and_have_nanoseconds():
    data = head(
        [ETH0, Interface(name="node-1/cni0", description="bridge", filter="tcp port 80", snaplen_bytes=96)], application="a"
    )
    _, first, second = blocks(data)
    assert (first[0], first[1][:8]) == (1, struct.pack("<HHI", 1, 0, 0))
    assert options(first[1][8:]) == [(2, b"frontend/eth0"), (9, b"\x09")]
    assert second[1][:8] == struct.pack("<HHI", 1, 0, 96)
    assert options(second[1][8:]) == [(2, b"node-1/cni0"), (3, b"bridge"), (9, b"\x09"), (11, b"\0tcp port 80")]


def test_names_of_both_families():
    data = name_resolution({"10.96.0.42": ["svc/redis", "redis.default"], "fd00::1": ["pod/web"], "10.0.0.1": []})
    ((kind, body),) = blocks(data)
    assert kind == 4
    assert options(body) == [
        (1, bytes([10, 96, 0, 42]) + b"svc/redis\0redis.default\0"),
        (2, bytes.fromhex("fd00" + "0" * 27 + "1") + b"pod/web\0"),
    ]


def test_names_come_before_the_packets_and_only_if_there_are_some():
    assert [kind for kind, _ in blocks(head([ETH0], application="a", names={"10.0.0.1": ["x"]}))] == [0x0A0D0D0A, 1, 4]
    assert [kind for kind, _ in blocks(head([ETH0], application="a", names={}))] == [0x0A0D0D0A, 1]


def test_the_tail_tells_what_each_interface_counted():
    first, second = blocks(
        tail({1: Counts(packets=9, dropped=2), 0: Counts(packets=5, dropped=0)}, started_ns=1, ended_ns=1 << 32)
    )
    assert first[1][:12] == struct.pack("<III", 0, 1, 0)
    assert options(second[1][12:]) == [
        (2, struct.pack("<II", 0, 1)),
        (3, struct.pack("<II", 1, 0)),
        (4, struct.pack("<Q", 9)),
        (5, struct.pack("<Q", 2)),
        (7, struct.pack("<Q", 2)),
    ]


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        pytest.param("x" * 70_000, b"x" * 65_534, id="cut"),
        pytest.param("é" * 40_000, "é".encode() * 32_767, id="not-in-the-middle-of-a-character"),
        pytest.param("bad \udcff", b"bad ?", id="what-is-no-text"),
    ],
)
def test_text_that_does_not_fit(text, kept):
    ((_, body),) = blocks(enhanced_packet(1, 0, True, 0, b"", comment=text))
    assert options(body[20:])[0] == (1, kept)
