"""The words of `netlab capture`, its lines, and its last words."""

import pytest

from netlab.cli.capture import checked, limited
from netlab.cli.capture_lines import Lines, clock, totals
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


def test_where_packets_go():
    assert (checked("", 0, 0, with_lines=False).lines, checked("x", 0, 0, with_lines=False).lines) == (
        True,
        False,
    )
    assert checked("x", 2, 3, with_lines=True).rotate_bytes == 2_000_000
