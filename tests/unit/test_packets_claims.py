"""A claim about packets holds by the packets of a capture, or it does not."""

import struct

import pytest

from netlab.packets.claims import Claim, Evidence, Sight, evidence, judge
from netlab.packets.pcapng_reader import KeptCapture, KeptPacket

ASKED = "tcp 10.244.1.3:4242 (reader) > 10.96.42.156:80 (svc/books) SYN, length 0"
SENT = "tcp 10.244.1.3:4242 (reader) > 10.244.2.2:8080 (books) SYN, length 0"
DNAT = "hop 5: DNAT 10.96.42.156:80 > 10.244.2.2:8080 by svc/books on node-1"
SEEN = Evidence(
    sights=(
        Sight(place="reader/eth0", outgoing=True, packet=ASKED),
        Sight(place="node-1/cni0", outgoing=False, packet=ASKED),
        Sight(place="node-1/eth0", outgoing=True, packet=SENT, hops=(DNAT, "hop 9: SYN, out of node-1 by eth0")),
        Sight(place="books/eth0", outgoing=False, packet=SENT),
    ),
    watched=frozenset({"reader/eth0", "node-1/cni0", "node-1/eth0", "books/eth0", "fabric/node-1", "fabric/node-2"}),
    lossy=frozenset({"fabric/node-2"}),
)


@pytest.mark.parametrize(
    ("claim", "trouble"),
    [
        pytest.param({"at": "reader/eth0", "packet": "tcp * (reader) > *:80 (svc/books) SYN, *"}, "", id="it is there"),
        pytest.param(
            {"at": "books/eth0", "packet": "* (svc/books) *"}, "no such packet at books/eth0", id="another one is there"
        ),
        pytest.param({"at": "reader/eth0", "way": "in"}, "no such packet at reader/eth0", id="it went the other way"),
        pytest.param({"at": "node-1/*", "hop": "*DNAT * by *books on node-1"}, "", id="a step beside it"),
        pytest.param({"at": "node-1/*", "hop": "*SNAT*"}, "no such packet at node-1/*", id="no such step"),
        pytest.param({"at": "[!f]*", "packet": ASKED, "times": 2}, "", id="so many"),
        pytest.param({"packet": ASKED, "times": 3}, "2 such packets at *, and not 3", id="fewer"),
        pytest.param({"packet": SENT, "places": 2}, "", id="seen in so many places"),
        pytest.param(
            {"packet": SENT, "places": 1},
            "2 interfaces saw such packets (books/eth0, node-1/eth0), and not 1",
            id="in more places",
        ),
        pytest.param({"packet": "udp*", "places": 1}, "0 interfaces saw such packets (none), and not 1", id="in no place"),
        pytest.param({"at": "fabric/node-1", "times": 0}, "", id="never, where somebody looked"),
        pytest.param({"at": "reader/eth0", "packet": SENT, "times": 0}, "", id="never that one"),
        pytest.param({"at": "reader/eth0", "times": 0}, "1 such packets at reader/eth0, and not 0", id="not never"),
        pytest.param({"at": "node-2/eth0", "times": 0}, "nobody looked at node-2/eth0", id="never, where nobody looked"),
        pytest.param(
            {"at": "fabric/*", "times": 0},
            "fabric/node-2 lost packets: how many there were is not known",
            id="never, but with losses",
        ),
    ],
)
def test_a_claim(claim, trouble):
    assert judge(Claim(say="so it is", **claim), SEEN).trouble == trouble


@pytest.mark.parametrize(
    ("claim", "words"),
    [
        pytest.param({"packet": ASKED}, f"reader/eth0 → {ASKED}", id="the first packet"),
        pytest.param({"packet": ASKED, "way": "in"}, f"node-1/cni0 ← {ASKED}", id="received"),
        pytest.param({"hop": "*DNAT*"}, DNAT, id="the step, if the claim is about one"),
        pytest.param({"packet": "udp*", "times": 0}, "", id="none"),
    ],
)
def test_by_which_packet_it_is_shown(claim, words):
    assert judge(Claim(say="so it is", **claim), SEEN).words == words


def test_what_capture_files_show():
    datagram = struct.pack("!BBHHHBBH4s4s4H", 0x45, 0, 28, 1, 0, 64, 17, 0, b"\x0a\xf4\1\3", b"\x0a\xf4\1\4", 7, 9, 8, 0)
    frame = bytes(12) + b"\x08\x00" + datagram
    late, early = (
        KeptCapture(
            places=(place,), lost={place: lost}, names={"10.244.1.4": "right"},
            packets=(KeptPacket(place=place, time_ns=when, outgoing=True, data=frame, comment=f"hop {when}: a; hop 9: b"),),
        )
        for place, lost, when in (("left/eth0", 3, 2), ("left/lo", 0, 1))
    )  # fmt: skip
    text = "udp 10.244.1.3:7 > 10.244.1.4:9 (right) length 0"
    assert evidence([early, late]) == Evidence(
        sights=(
            Sight(place="left/lo", outgoing=True, packet=text, hops=("hop 1: a", "hop 9: b")),
            Sight(place="left/eth0", outgoing=True, packet=text, hops=("hop 2: a", "hop 9: b")),
        ),
        watched=frozenset({"left/lo", "left/eth0"}),
        lossy=frozenset({"left/eth0"}),
    )
