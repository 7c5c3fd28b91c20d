"""DNS messages in the words of tcpdump."""

import struct

import pytest

from netlab.packets.dns_words import dns_words

WEB = b"\3web\7default\0"
ANSWER = 0x8180


def message(*records, flags=0x0100, name=WEB, kind=1, questions=1):
    head = struct.pack("!6H", 7, flags, questions, len(records), 0, 0)
    return head + name + struct.pack("!2H", kind, 1) + b"".join(records)


def record(kind, data, name=b"\xc0\x0c"):
    return name + struct.pack("!2HIH", kind, 1, 30, len(data)) + data


A, AAAA = record(1, b"\x0a\x60\0\x2a"), record(28, bytes(15) + b"\1")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        pytest.param(message(), "A? web.default", id="a question"),
        pytest.param(message(kind=28), "AAAA? web.default", id="another type"),
        pytest.param(message(kind=251), "TYPE251? web.default", id="a type without a word"),
        pytest.param(message(name=b"\0", kind=2), "NS? .", id="the root"),
        pytest.param(message(A, flags=ANSWER), "A? web.default: 10.96.0.42", id="an answer"),
        pytest.param(message(A, A, flags=ANSWER), "A? web.default: 10.96.0.42, 10.96.0.42", id="two addresses"),
        pytest.param(message(AAAA, kind=28, flags=ANSWER), "AAAA? web.default: ::1", id="of IPv6"),
        pytest.param(
            message(record(5, b"\1b\xc0\x10"), flags=ANSWER), "A? web.default: CNAME b.default", id="an alias, with a pointer"
        ),
        pytest.param(
            message(record(33, b"\0\0\0\0\0\x50" + WEB), kind=33, flags=ANSWER),
            "SRV? web.default: SRV web.default:80",
            id="a port",
        ),
        pytest.param(message(record(16, b"\2ok"), kind=16, flags=ANSWER), "TXT? web.default: TXT", id="a type of no addresses"),
        pytest.param(message(record(99, b""), flags=ANSWER), "A? web.default: TYPE99", id="an unknown one"),
        pytest.param(message(flags=ANSWER), "A? web.default: no records", id="NODATA"),
        pytest.param(message(flags=ANSWER | 3), "A? web.default: NXDOMAIN", id="no such name"),
        pytest.param(message(flags=ANSWER | 11), "A? web.default: code 11", id="a code without a word"),
        pytest.param(message(A, A, flags=ANSWER)[:-3], "A? web.default: 10.96.0.42", id="cut in the second record"),
        pytest.param(message()[:-3], "", id="cut in the question"),
        pytest.param(b"", "", id="nothing"),
        pytest.param(message(questions=2), "", id="two questions"),
        pytest.param(message(flags=0x2800), "", id="an update"),
        pytest.param(message(name=b"\xc0\x0c"), "", id="a pointer to itself"),
        pytest.param(message(name=b"\1a" * 130 + b"\0"), "", id="a name without end"),
    ],
)
def test_a_message(data, words):
    assert dns_words(data) == words
