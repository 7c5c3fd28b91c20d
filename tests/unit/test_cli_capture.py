"""The words of `netlab capture`, its lines, and its last words."""

import json

import pytest

from netlab.cli.capture import checked, limited
from netlab.cli.capture_lines import JsonLines, Lines, clock, totals
from netlab.cli.capture_words import split_words
from netlab.errors import ManifestError
from netlab.netstate.seen import Place
from netlab.packets.names import Names

NAMES = Names(addresses={"10.244.1.1": "node-1"}, services={}, namespaces={"lab.node-1": "node-1", "lab.default.web": "web"})
PLACES = (Place("lab.default.web", "eth0"), Place("lab.node-1", "cni0"))
PING = bytes.fromhex(
    "020000000002" "020000000001" "0800" "4500001c00010000400165d30af401020af40101" "0800f7fd00010001"
)  # fmt: skip


@pytest.mark.parametrize(
    ("words", "objects", "expression"),
    [
        (("pod/web",), 1, ()),
        (("web", "svc/shop", "tcp", "port", "80"), 2, ("tcp", "port", "80")),
        (("node-1", "tcp port 80"), 1, ("tcp port 80",)),
        (("outside", "not", "arp"), 1, ("not", "arp")),
        (("web", "ip[8] < 5"), 1, ("ip[8] < 5",)),
        (("web", "!", "arp"), 1, ("!", "arp")),
        (("web", "(", "tcp", ")"), 1, ("(", "tcp", ")")),
        (("pod/tcp", "tcp"), 1, ("tcp",)),
        (("host", "10.0.0.1"), 0, ("host", "10.0.0.1")),
        (("ds/node.js", "net", "10.0.0.0/8"), 1, ("net", "10.0.0.0/8")),
        ((), 0, ()),
    ],
)
def test_objects_come_before_the_filter(words, objects, expression):
    assert split_words(words) == (words[:objects], expression)


def packet(time_ns=1_700_000_000_000_000_001, place=0, *, outgoing=True):
    return (time_ns, place, outgoing, len(PING), PING)


def test_a_line(monkeypatch):
    monkeypatch.setenv("TZ", "UTC")
    lines = Lines(PLACES, NAMES)
    assert (
        lines.line(packet()).partition(" ")[2]
        == "web/eth0    → icmp 10.244.1.2 > 10.244.1.1 (node-1) echo request id 1, seq 1, length 0"
    )
    assert lines.line(packet(place=1, outgoing=False)).partition(" ")[2].startswith("node-1/cni0 ← icmp ")


SYN = bytes.fromhex(
    "020000000002" "020000000001" "0800" "4500002800010000400600000af401020af40101" "9c40005000000001000000005002ffff00000000"
)  # fmt: skip
TRANSLATED = SYN[:30] + bytes.fromhex("0af40103") + SYN[34:]


def test_a_line_as_json():
    lines = JsonLines(PLACES, NAMES)
    first = json.loads(lines.line((5, 0, True, len(SYN), SYN)))
    assert first == {
        "schema": "netlab.capture/v1", "timeNs": 5, "where": "web/eth0", "netns": "lab.default.web", "interface": "eth0",
        "kind": "out", "wireBytes": 54, "keptBytes": 54, "flags": ["SYN"], "payloadBytes": 0, "tunnel": None, "translated": [],
        "summary": "tcp 10.244.1.2:40000 > 10.244.1.1:80 (node-1) SYN, length 0",
        "packet": {
            "protocol": "tcp", "ttl": 64, "source": {"address": "10.244.1.2", "port": 40000, "name": ""},
            "destination": {"address": "10.244.1.1", "port": 80, "name": "node-1"},
        },
    }  # fmt: skip
    then = json.loads(lines.line((6, 1, False, 1500, TRANSLATED)))
    assert (then["where"], then["kind"], then["wireBytes"], then["keptBytes"]) == ("node-1/cni0", "in", 1500, 54)
    assert then["translated"] == ["DNAT 10.244.1.1:80 -> 10.244.1.3:80"]


def test_what_a_tunnel_carries_is_the_packet_as_json():
    carried = SYN[:14].hex() + "4500004e0001000040110000ac120002ac120003" + "d00012b5003a0000" + "0800000000000100"
    found = json.loads(JsonLines(PLACES, NAMES).line((5, 0, True, 104, bytes.fromhex(carried) + SYN)))
    assert found["packet"]["destination"]["port"] == 80
    assert found["tunnel"]["destination"] == {"address": "172.18.0.3", "port": 4789, "name": ""}
    assert found["summary"].startswith("vxlan ")


def test_what_is_no_ip_has_no_packet_as_json():
    found = json.loads(JsonLines(PLACES, NAMES).line((5, 0, True, 60, bytes(12) + b"\x88\xb5" + bytes(46))))
    assert (found["packet"], found["flags"], found["payloadBytes"]) == (None, [], 0)


def test_the_time_is_that_of_the_day_to_the_nanosecond():
    assert clock(1_700_000_000_000_000_001).endswith(":20.000000001")


def test_last_words():
    assert totals(1, {PLACES[0]: (1, 0)}, NAMES) == [
        "1 packet captured",
        "1 packet received by filter",
        "0 packets dropped by kernel",
    ]
    assert totals(5, {PLACES[0]: (4, 0), PLACES[1]: (9, 8)}, NAMES) == [
        "5 packets captured", "13 packets received by filter", "8 packets dropped by kernel", "  8 of them at node-1/cni0",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("sizes", "limit", "expected"),
    [
        ((3, 3), 0, [3, 3]),
        ((3, 3), 4, [3, 1]),
        ((3, 3), 3, [3]),
        ((3, 3), 9, [3, 3]),
    ],
)
def test_a_number_of_packets_ends_it(sizes, limit, expected):
    assert [len(batch) for batch in limited([[packet()] * size for size in sizes], limit)] == expected


@pytest.mark.parametrize(
    ("write", "size", "count", "with_lines", "message"),
    [
        ("", 1, 0, False, "-C needs a file"),
        ("-", 1, 0, False, "-C needs a file"),
        ("x", 0, 3, False, "-W needs -C"),
        ("-", 0, 0, True, "cannot both go to standard output"),
    ],
)
def test_flags_that_do_not_fit(write, size, count, with_lines, message):
    with pytest.raises(ManifestError, match=message):
        checked(write, size, count, with_lines=with_lines)


def test_how_lines_are_printed_is_asked_of_somebody_who_prints_some():
    with pytest.raises(ManifestError, match="-w prints none"):
        checked("x", 0, 0, with_lines=False, form="json")


def test_where_packets_go():
    assert checked("", 0, 0, with_lines=False).lines is Lines
    assert checked("x", 0, 0, with_lines=False).lines is None
    assert checked("x", 0, 0, with_lines=True, form="json").lines is JsonLines
    assert checked("x", 2, 3, with_lines=True).rotate_bytes == 2_000_000
