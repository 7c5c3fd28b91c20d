"""A query in, an answer out. Rows: the question, and the whole answer as dig would print it."""

import dns.flags
import dns.message
import dns.opcode
import dns.rcode
import dns.rdatatype
import dns.reversename
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netlab.dns.answer import answer, answers
from netlab.dns.records import parse
from netlab.dns.wire import FormatError, read_query

SOA_LINE = "ns.dns.cluster.local. hostmaster.cluster.local. 7 7200 1800 86400 5"
TEXT = f"""; zone cluster.local. serial 7
; namespace default
; namespace empty
cluster.local. 5 IN SOA {SOA_LINE}
cluster.local. 5 IN NS kube-dns.kube-system.svc.cluster.local.
dns-version.cluster.local. 5 IN TXT "1.1.0"
96.10.in-addr.arpa. 5 IN SOA ns.dns.96.10.in-addr.arpa. hostmaster.96.10.in-addr.arpa. 7 7200 1800 86400 5
0.1.d.f.ip6.arpa. 5 IN SOA ns.dns.0.1.d.f.ip6.arpa. hostmaster.0.1.d.f.ip6.arpa. 7 7200 1800 86400 5

; default/all
kube-dns.kube-system.svc.cluster.local. 5 IN A 10.96.0.10
web.default.svc.cluster.local. 5 IN A 10.96.0.20
_http._tcp.web.default.svc.cluster.local. 5 IN SRV 0 100 80 web.default.svc.cluster.local.
db.default.svc.cluster.local. 5 IN A 10.244.1.5
db.default.svc.cluster.local. 5 IN A 10.244.1.6
db.default.svc.cluster.local. 5 IN A 10.244.1.7
alias.default.svc.cluster.local. 5 IN CNAME web.default.svc.cluster.local.
wiki.default.svc.cluster.local. 5 IN CNAME en.wikipedia.org.
gone.default.svc.cluster.local. 5 IN CNAME nothing.default.svc.cluster.local.
loop.default.svc.cluster.local. 5 IN CNAME loop.default.svc.cluster.local.
two.default.svc.cluster.local. 5 IN A 10.96.0.21
two.default.svc.cluster.local. 5 IN AAAA fd10::15
_http._tcp.two.default.svc.cluster.local. 5 IN SRV 0 100 80 two.default.svc.cluster.local.
5.1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1.d.f.ip6.arpa. 5 IN PTR two.default.svc.cluster.local.
20.0.96.10.in-addr.arpa. 5 IN PTR web.default.svc.cluster.local.
""" + "".join(f"many.default.svc.cluster.local. 5 IN A 10.244.9.{n}\n" for n in range(1, 201))
RECORDS = parse(TEXT)
SOA = f"! cluster.local. 5 IN SOA {SOA_LINE}"
REVERSE_SOA = "! 96.10.in-addr.arpa. 5 IN SOA ns.dns.96.10.in-addr.arpa. hostmaster.96.10.in-addr.arpa. 7 7200 1800 86400 5"


def ask(name, kind="A", records=RECORDS, turn=0, **more):
    query = dns.message.make_query(name, kind, **more)
    return dns.message.from_wire(answer(query.to_wire(), records, turn=turn))


def shown(response):
    """The answer as text: rcode and flags, then records; `!` marks the authority section, `+` the additional one."""
    lines = [f"{dns.rcode.to_text(response.rcode())} {dns.flags.to_text(response.flags)}"]
    for mark, section in (("", response.answer), ("! ", response.authority), ("+ ", response.additional)):
        lines += [mark + line for rrset in section for line in rrset.to_text().splitlines()]
    return lines


S = "default.svc.cluster.local."


@pytest.mark.parametrize(
    ("name", "kind", "lines"),
    [
        pytest.param(f"web.{S}", "A", ["NOERROR QR AA RD", f"web.{S} 5 IN A 10.96.0.20"], id="a Service"),
        pytest.param(f"WEB.{S}", "A", ["NOERROR QR AA RD", f"WEB.{S} 5 IN A 10.96.0.20"], id="case does not matter and is kept"),
        pytest.param(f"web.{S}", "AAAA", ["NOERROR QR AA RD", SOA], id="no such type: NODATA"),
        pytest.param(S, "A", ["NOERROR QR AA RD", SOA], id="a name between: NODATA"),
        pytest.param("empty.svc.cluster.local.", "A", ["NOERROR QR AA RD", SOA], id="an empty Namespace: NODATA"),
        pytest.param(f"nothing.{S}", "A", ["NXDOMAIN QR AA RD", SOA], id="no such name"),
        pytest.param(f"a\\.b.{S}", "A", ["NXDOMAIN QR AA RD", SOA], id="a dot inside a label"),
        pytest.param(f"example.com.{S}", "A", ["NXDOMAIN QR AA RD", SOA], id="the search list asks for foreign names"),
        pytest.param(
            f"_http._tcp.web.{S}", "SRV",
            ["NOERROR QR AA RD", f"_http._tcp.web.{S} 5 IN SRV 0 100 80 web.{S}", f"+ web.{S} 5 IN A 10.96.0.20"],
            id="a named port, with the address it needs",
        ),
        pytest.param("20.0.96.10.in-addr.arpa.", "PTR", ["NOERROR QR AA RD", f"20.0.96.10.in-addr.arpa. 5 IN PTR web.{S}"], id="back"),
        pytest.param("21.0.96.10.in-addr.arpa.", "PTR", ["NXDOMAIN QR AA RD", REVERSE_SOA], id="an address without a name"),
        pytest.param("0.96.10.in-addr.arpa.", "PTR", ["NOERROR QR AA RD", REVERSE_SOA], id="half an address"),
        pytest.param("1.0.0.127.in-addr.arpa.", "PTR", ["REFUSED QR RD"], id="an address of somebody else"),
        pytest.param("example.com.", "A", ["REFUSED QR RD"], id="outside: there is nobody to ask"),
        pytest.param(".", "NS", ["REFUSED QR RD"], id="the root"),
        pytest.param(
            f"alias.{S}", "A", ["NOERROR QR AA RD", f"alias.{S} 5 IN CNAME web.{S}", f"web.{S} 5 IN A 10.96.0.20"], id="an alias inside"
        ),
        pytest.param(f"alias.{S}", "CNAME", ["NOERROR QR AA RD", f"alias.{S} 5 IN CNAME web.{S}"], id="the alias itself"),
        pytest.param(f"alias.{S}", "AAAA", ["NOERROR QR AA RD", f"alias.{S} 5 IN CNAME web.{S}", SOA], id="an alias to NODATA"),
        pytest.param(f"wiki.{S}", "A", ["NOERROR QR AA RD", f"wiki.{S} 5 IN CNAME en.wikipedia.org."], id="an alias out of the cluster"),
        pytest.param(
            f"gone.{S}", "A", ["NXDOMAIN QR AA RD", f"gone.{S} 5 IN CNAME nothing.{S}", SOA], id="an alias to nothing (RFC 6604)"
        ),
        pytest.param(f"web.{S}", "ANY", ["NOERROR QR AA RD", f'web.{S} 5 IN HINFO "RFC8482" ""'], id="ANY is answered minimally"),
        pytest.param("dns-version.cluster.local.", "TXT", ["NOERROR QR AA RD", 'dns-version.cluster.local. 5 IN TXT "1.1.0"'], id="TXT"),
        pytest.param("cluster.local.", "SOA", ["NOERROR QR AA RD", SOA[2:]], id="the authority"),
        pytest.param(
            "cluster.local.", "NS",
            ["NOERROR QR AA RD", "cluster.local. 5 IN NS kube-dns.kube-system.svc.cluster.local.",
             "+ kube-dns.kube-system.svc.cluster.local. 5 IN A 10.96.0.10"],
            id="the name server, with its address",
        ),
        pytest.param("cluster.local.", "AXFR", ["REFUSED QR RD"], id="no zone transfer"),
        pytest.param(
            "10-244-1-5.default.pod.cluster.local.", "A",
            ["NOERROR QR AA RD", "10-244-1-5.default.pod.cluster.local. 5 IN A 10.244.1.5"], id="a Pod by its address",
        ),
        pytest.param("10-244-1-5.default.pod.cluster.local.", "AAAA", ["NOERROR QR AA RD", SOA], id="which is IPv4"),
        pytest.param("10-244-1-5.nowhere.pod.cluster.local.", "A", ["NXDOMAIN QR AA RD", SOA], id="a Pod of no Namespace"),
        pytest.param("10-244-1-256.default.pod.cluster.local.", "A", ["NXDOMAIN QR AA RD", SOA], id="not an address"),
        pytest.param("10-244-1-05.default.pod.cluster.local.", "A", ["NXDOMAIN QR AA RD", SOA], id="not its only spelling"),
        pytest.param("fd00-10--5.default.pod.cluster.local.", "AAAA",
                     ["NOERROR QR AA RD", "fd00-10--5.default.pod.cluster.local. 5 IN AAAA fd00:10::5"], id="a Pod by its IPv6 address"),
        pytest.param("fd00-10--5.default.pod.cluster.local.", "A", ["NOERROR QR AA RD", SOA], id="which is no IPv4 address"),
        pytest.param("fd00-10--5--6.default.pod.cluster.local.", "AAAA", ["NXDOMAIN QR AA RD", SOA], id="not an IPv6 address"),
        pytest.param("1-2-3-4.a.default.pod.cluster.local.", "A", ["NXDOMAIN QR AA RD", SOA], id="a label too many"),
        pytest.param(f"two.{S}", "A", ["NOERROR QR AA RD", f"two.{S} 5 IN A 10.96.0.21"], id="dual stack: IPv4"),
        pytest.param(f"two.{S}", "AAAA", ["NOERROR QR AA RD", f"two.{S} 5 IN AAAA fd10::15"], id="dual stack: IPv6"),
        pytest.param(f"_http._tcp.two.{S}", "SRV",
                     ["NOERROR QR AA RD", f"_http._tcp.two.{S} 5 IN SRV 0 100 80 two.{S}",
                      f"+ two.{S} 5 IN A 10.96.0.21", f"+ two.{S} 5 IN AAAA fd10::15"], id="a port, with both addresses"),
        pytest.param(dns.reversename.from_address("fd10::15").to_text(), "PTR",
                     ["NOERROR QR AA RD", f"{dns.reversename.from_address('fd10::15')} 5 IN PTR two.{S}"], id="back from IPv6"),
        pytest.param(f"web.{S}", "TYPE65", ["NOERROR QR AA RD", SOA], id="a type unknown here (HTTPS): NODATA"),
        pytest.param("a-b-c-d.default.pod.cluster.local.", "A", ["NXDOMAIN QR AA RD", SOA], id="not numbers"),
    ],
)  # fmt: skip
def test_answer(name, kind, lines):
    assert shown(ask(name, kind)) == lines


def test_an_alias_to_itself_ends():
    assert {rrset.to_text() for rrset in ask(f"loop.{S}").answer} == {f"loop.{S} 5 IN CNAME loop.{S}"}


@pytest.mark.parametrize(("turn", "first"), [(0, "10.244.1.5"), (1, "10.244.1.6"), (2, "10.244.1.7"), (3, "10.244.1.5")])
def test_addresses_take_turns(turn, first):
    found = [item.address for item in ask(f"db.{S}", turn=turn).answer[0]]
    assert found[0] == first
    assert sorted(found) == ["10.244.1.5", "10.244.1.6", "10.244.1.7"]


@pytest.mark.parametrize(
    ("udp", "payload", "count", "longest"),
    [
        pytest.param(True, None, 0, 512, id="UDP without EDNS: 512 bytes, cut"),
        pytest.param(True, 1232, 0, 1232, id="UDP with EDNS: still too much"),
        pytest.param(True, 65535, 0, 1232, id="UDP never carries more than 1232 bytes"),
        pytest.param(False, None, 200, 65535, id="TCP carries all"),
    ],
)
def test_what_does_not_fit_is_cut(udp, payload, count, longest):
    more = {"use_edns": 0, "payload": payload} if payload else {"use_edns": False}
    wire = answer(dns.message.make_query(f"many.{S}", "A", **more).to_wire(), RECORDS, udp=udp)
    response = dns.message.from_wire(wire)
    assert len(wire) <= longest
    assert bool(response.flags & dns.flags.TC) == (count == 0)
    assert sum(map(len, response.answer)) == count


def test_edns_is_answered_with_edns():
    response = ask(f"web.{S}", use_edns=0, payload=4096)
    assert (response.edns, response.payload) == (0, 1232)
    assert ask(f"web.{S}", use_edns=False).edns == -1


@pytest.mark.parametrize("wants", [False, True])
def test_do_is_given_back(wants):
    assert bool(ask(f"web.{S}", want_dnssec=wants, use_edns=0).ednsflags & dns.flags.DO) is wants


def test_the_question_is_given_back_as_it_came():
    """Clients mix upper and lower case to tell an answer from a forged one, and compare it."""
    query = dns.message.make_query(f"wEb.DeFaUlT.SvC.{S.partition('svc.')[2]}", "A").to_wire()
    assert answer(query, RECORDS)[12 : len(query)] == query[12:]


def test_every_order_is_made_once():
    found = answers(dns.message.make_query(f"db.{S}", "A").to_wire(), RECORDS)
    firsts = [dns.message.from_wire(b"id" + item).answer[0][0].address for item in found]
    assert firsts == ["10.244.1.5", "10.244.1.6", "10.244.1.7"]
    assert len(answers(dns.message.make_query(f"many.{S}", "A").to_wire(), RECORDS, udp=False)) == 12


def test_a_later_version_of_edns_is_refused():
    response = ask(f"web.{S}", use_edns=1)
    assert (response.rcode(), response.edns, response.answer) == (dns.rcode.BADVERS, 0, [])


def test_before_there_are_records_the_answer_is_servfail():
    assert ask(f"web.{S}", records=None).rcode() == dns.rcode.SERVFAIL


def test_another_class_is_refused():
    assert ask("version.bind.", "TXT", rdclass="CH").rcode() == dns.rcode.REFUSED


OPT = bytes.fromhex("00 0029 04d0 00000000 0000")
QUERY = dns.message.make_query(f"web.{S}", "A", id=0x1234).to_wire()


@pytest.mark.parametrize(
    ("query", "found"),
    [
        pytest.param(b"", None, id="nothing"),
        pytest.param(QUERY[:11], None, id="less than a header"),
        pytest.param(QUERY[:2] + b"\x81\x80" + QUERY[4:], None, id="an answer is not answered"),
        pytest.param(QUERY[:20], "1234 8101", id="cut inside the question: FORMERR"),
        pytest.param(QUERY + b"x", "1234 8101", id="rubbish behind the question: FORMERR"),
        pytest.param(QUERY[:4] + b"\0\0" + QUERY[6:12], "1234 8101", id="no question: FORMERR"),
        pytest.param(QUERY[:4] + b"\0\2" + QUERY[6:] + QUERY[12:], "1234 8101", id="two questions: FORMERR (RFC 9619)"),
        pytest.param(QUERY[:12] + b"\xc0\x0c" + QUERY[-4:], "1234 8101", id="a name that points to itself"),
        pytest.param(QUERY[:12] + b"\x40" + QUERY[13:], "1234 8101", id="a label of a kind that does not exist"),
        pytest.param(QUERY[:12] + (b"\x01a" * 127) + b"\0\0\1\0\1", "1234 8105", id="the longest name: REFUSED, as nobody's"),
        pytest.param(QUERY[:12] + (b"\x01a" * 128) + b"\0\0\1\0\1", "1234 8101", id="a name longer than any can be"),
        pytest.param(QUERY[:10] + b"\0\2" + QUERY[12:] + OPT * 2, "1234 8101", id="EDNS twice"),
        pytest.param(QUERY[:10] + b"\0\1" + QUERY[12:] + b"\1a" + OPT, "1234 8101", id="EDNS with a name"),
        pytest.param(QUERY[:10] + b"\0\1" + QUERY[12:] + OPT[:-1], "1234 8101", id="half of EDNS"),
        pytest.param(QUERY[:10] + b"\0\2" + QUERY[12:] + OPT, "1234 8101", id="fewer records than announced"),
        pytest.param(QUERY[:2] + b"\x28\0" + QUERY[4:], "1234 a804", id="an UPDATE: NOTIMP"),
        pytest.param(QUERY[:2] + b"\x78\0" + QUERY[4:], "1234 f804", id="an opcode that does not exist: NOTIMP"),
    ],
)
def test_what_is_not_a_proper_query(query, found):
    given_back = answer(query, RECORDS)
    if found is None:
        assert given_back is None
    else:
        assert given_back[:4] == bytes.fromhex(found)
        assert found.endswith("5") or given_back[4:] == bytes(8)


MUTATED = st.lists(st.tuples(st.integers(0, len(QUERY) - 1), st.integers(0, 255)), max_size=6)


def mutate(changes):
    query = bytearray(QUERY)
    for place, byte in changes:
        query[place] = byte
    return bytes(query)


@settings(max_examples=400)
@given(st.binary(max_size=200) | st.binary(max_size=100).map(lambda rest: b"\0\7\1\0\0\1" + rest) | MUTATED.map(mutate))
def test_no_bytes_break_it(query):
    for records in (RECORDS, None):
        found = answer(query, records)
        if found is not None:
            assert found[:2] == query[:2]
            assert found[2] & 0x80
            dns.message.from_wire(found)


@settings(max_examples=400)
@given(
    MUTATED.map(mutate)
    | st.builds(lambda query, tail: query[:10] + b"\0\1" + query[12:] + tail, MUTATED.map(mutate), st.just(OPT))
)
def test_what_another_library_reads_is_read_the_same(query):
    """Where dnspython reads a single question without pointers, we read the same; where it finds no DNS, we may be less strict."""
    try:
        theirs = dns.message.from_wire(query, ignore_trailing=False)
    except Exception:  # noqa: BLE001 - whatever it is
        return
    if len(theirs.question) != 1 or theirs.opcode() or b"\xc0" in query[12:]:
        return
    try:
        ours = read_query(query)
    except FormatError:
        pytest.fail(f"{query!r} is a query")
    question = theirs.question[0]
    labels = [label.lower().replace(b".", b"\0") for label in question.name.labels]
    assert ours.name.encode("latin-1") == b".".join(labels) or question.name.labels == (b"",)
    assert (ours.type, ours.rdclass) == (question.rdtype, question.rdclass)
    assert (ours.edns.version if ours.edns else -1) == theirs.edns
