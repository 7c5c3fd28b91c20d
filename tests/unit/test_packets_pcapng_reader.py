"""What netlab wrote as pcapng is read back as it was."""

import pytest

from netlab.packets.pcapng import Counts, Interface, enhanced_packet, head, tail
from netlab.packets.pcapng_reader import KeptPacket, read_capture

ETH0, CNI0 = Interface(name="web/eth0", filter="tcp"), Interface(name="node-1/cni0", description="netns lab.node-1")
NAMES = {"10.244.1.2": ["web"], "fd00::2": ["web", "also"], "10.9.9.9": []}
FILE = b"".join(
    (
        head([ETH0, CNI0], application="netlab", system="Linux", names=NAMES, comment="a test"),
        enhanced_packet(0x1_0000_0005, 1, True, 60, b"\xaa\xbb\xcc", "hop 1: out; hop 2: DNAT"),
        enhanced_packet(7, 0, False, 4, b"\1\2\3\4"),
        tail({0: Counts(packets=1, dropped=0), 1: Counts(packets=3, dropped=2)}, started_ns=1, ended_ns=2),
    )
)


def test_a_file_with_all_kinds_of_blocks():
    kept = read_capture(FILE)
    assert kept.places == ("web/eth0", "node-1/cni0")
    assert kept.lost == {"web/eth0": 0, "node-1/cni0": 2}
    assert kept.names == {"10.244.1.2": "web", "fd00::2": "web"}
    assert kept.packets == (
        KeptPacket(
            place="node-1/cni0", time_ns=0x1_0000_0005, outgoing=True, data=b"\xaa\xbb\xcc", comment="hop 1: out; hop 2: DNAT"
        ),
        KeptPacket(place="web/eth0", time_ns=7, outgoing=False, data=b"\1\2\3\4"),
    )


def test_a_capture_that_saw_nothing():
    kept = read_capture(head([ETH0], application="netlab"))
    assert (kept.places, kept.lost, kept.names, kept.packets) == (("web/eth0",), {}, {}, ())


@pytest.mark.parametrize("size", range(len(FILE)))
def test_a_file_that_is_cut_off_is_refused_or_ends_at_a_block(size):
    try:
        kept = read_capture(FILE[:size])
    except ValueError:
        return
    assert kept.packets == read_capture(FILE).packets[: len(kept.packets)]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\xd4\xc3\xb2\xa1" + bytes(20), id="pcap"),
        pytest.param(FILE[:8] + FILE[8:12][::-1] + FILE[12:], id="of a big-endian machine"),
        pytest.param(head([], application="x") + b"\6\0\0\0" + bytes(8), id="a block of no length"),
        pytest.param(
            head([], application="x") + enhanced_packet(7, 3, False, 4, b"\1\2\3\4"), id="of an interface that is not there"
        ),
    ],
)
def test_what_is_refused(data):
    with pytest.raises(ValueError, match=r"block|pcapng"):
        read_capture(data)
