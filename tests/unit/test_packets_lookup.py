"""What one lookup makes of queries, as glibc does it: which names in which order, when it goes on, what the program gets."""

from __future__ import annotations

from dataclasses import replace

import pytest

from netlab.cli.dns import Page
from netlab.desired.resolver import Resolver, read_resolv_conf
from netlab.errors import NetlabError
from netlab.netstate.dns import DnsRecord, DnsReply
from netlab.packets.lookup import checked_name, hosts_entry, look_up, questions
from netlab.packets.names import Names

SEARCHES = ("default.svc.cluster.local", "svc.cluster.local", "cluster.local")
POD = Resolver(nameservers=("10.96.0.10",), searches=SEARCHES, options=("ndots:5",))
WEB = "web.default.svc.cluster.local."
A_RECORD = DnsRecord(WEB, 5, "A", "10.96.0.20")
NXDOMAIN, NODATA, REFUSED, SERVFAIL = (DnsReply(rcode=word) for word in ("NXDOMAIN", "NOERROR", "REFUSED", "SERVFAIL"))
SILENT, CLOSED = DnsReply(error="timed out"), DnsReply(error="refused")
FOUND = DnsReply(rcode="NOERROR", records=(A_RECORD,))
ALIAS = DnsReply(rcode="NOERROR", records=(DnsRecord(WEB, 5, "CNAME", "elsewhere.example."),))


class Server:
    """Answers as a table says, and everything else with NXDOMAIN; `asked` are the names in order."""

    def __init__(self, answers: dict[str, DnsReply], rest: DnsReply = NXDOMAIN) -> None:
        self.answers, self.rest = answers, rest
        self.asked: list[str] = []
        self.servers: list[str] = []

    def __call__(self, server: str, name: str, kind: str) -> DnsReply:
        assert kind == "A"
        self.asked.append(name)
        self.servers.append(server)
        return self.answers.get(server, self.answers.get(name, self.rest))


@pytest.mark.parametrize(
    ("name", "resolver", "names"),
    [
        pytest.param("web", POD, [WEB, "web.svc.cluster.local.", "web.cluster.local.", "web."], id="fewer dots than ndots"),
        pytest.param("a.b.c.d.e.f", POD, ["a.b.c.d.e.f.", *(f"a.b.c.d.e.f.{end}." for end in SEARCHES)], id="as many dots"),
        pytest.param("web.", POD, ["web."], id="a dot at the end"),
        pytest.param(
            "web", replace(POD, options=()), [WEB, "web.svc.cluster.local.", "web.cluster.local.", "web."], id="ndots is 1"
        ),
        pytest.param(
            "web.default", replace(POD, options=()), ["web.default.", f"web.default.{SEARCHES[0]}."], id="a dot is enough"
        ),
        pytest.param("web", Resolver(), ["web."], id="no search list"),
        pytest.param("web", replace(POD, options=("ndots:0",)), ["web.", WEB], id="ndots is 0"),
    ],
)
def test_which_names_are_asked_for(name, resolver, names):
    assert [question.name for question in questions(name, resolver)][: len(names)] == names


@pytest.mark.parametrize(
    ("answers", "rest", "asked", "outcome", "words"),
    [
        pytest.param({WEB: FOUND}, NXDOMAIN, 1, "found", "10.96.0.20", id="found at once"),
        pytest.param({"web.": FOUND}, NXDOMAIN, 4, "found", "10.96.0.20", id="found at last"),
        pytest.param({}, NXDOMAIN, 4, "no such name", "none of the 4 names exists (NXDOMAIN)", id="no name exists"),
        pytest.param(
            {WEB: NODATA}, NXDOMAIN, 4, "no such records", "it has no A record", id="other records only, and on it goes"
        ),
        pytest.param(
            {WEB: ALIAS}, NXDOMAIN, 1, "found", "the alias leads to no A record", id="an alias that leads nowhere ends it"
        ),
        pytest.param({WEB: SERVFAIL}, NXDOMAIN, 5, "failed", "failed (SERVFAIL)", id="a failure, asked twice, leads on"),
        pytest.param(
            {"web.": REFUSED}, NXDOMAIN, 5, "refused", "3 names do not exist, and for web. the server refuses", id="refused"
        ),
        pytest.param({}, REFUSED, 4, "refused", "refuses to answer (REFUSED)", id="refused: the search list is left"),
        pytest.param(
            {}, SILENT, 4, "unanswered", "no server answers (10.96.0.10): timed out", id="silence: the name itself is tried"
        ),
        pytest.param({}, CLOSED, 2, "closed", "port 53 of 10.96.0.10 is closed", id="nobody listens: it ends at once"),
    ],
)
def test_when_a_lookup_goes_on_and_what_the_program_gets(answers, rest, asked, outcome, words):
    server = Server(answers, rest)
    found = look_up("web", "A", POD, server)
    assert (len(server.asked), found.outcome) == (asked, outcome)
    assert words in found.said
    assert found.data == (("10.96.0.20",) if "10.96.0.20" in words else ())


def test_silence_at_a_name_of_the_search_list_skips_the_rest_of_it():
    server = Server({}, SILENT)
    look_up("web", "A", POD, server)
    assert server.asked == [WEB, WEB, "web.", "web."]


def test_of_a_name_that_is_tried_first_its_own_end_counts():
    server = Server({"a.b.": NODATA}, NXDOMAIN)
    assert look_up("a.b", "A", replace(POD, options=("ndots:1",)), server).outcome == "no such records"
    server = Server({"a.b.default.svc.cluster.local.": NODATA}, NXDOMAIN)
    assert look_up("a.b", "A", replace(POD, options=("ndots:1",)), server).outcome == "no such name"


@pytest.mark.parametrize("first", [SILENT, CLOSED, REFUSED, SERVFAIL])
def test_the_next_server_is_asked_if_one_has_nothing_to_say(first):
    server = Server({"10.0.0.1": first, WEB: FOUND})
    found = look_up("web", "A", replace(POD, nameservers=("10.0.0.1", "10.0.0.2")), server)
    assert server.servers == ["10.0.0.1", "10.0.0.2"]
    assert found.data == ("10.96.0.20",)


def test_all_servers_are_asked_as_often_as_attempts_says():
    server = Server({}, SILENT)
    look_up("web.", "A", replace(POD, nameservers=("10.0.0.1", "10.0.0.2"), options=("attempts:3",)), server)
    assert server.servers == ["10.0.0.1", "10.0.0.2"] * 3


def test_without_a_server_in_resolv_conf_the_machine_itself_is_asked():
    server = Server({}, CLOSED)
    found = look_up("web", "A", Resolver(), server)
    assert set(server.servers) == {"127.0.0.1"}
    assert "127.0.0.1, because resolv.conf names no server" in found.said


@pytest.mark.parametrize(
    ("name", "found"),
    [
        pytest.param("web", "web", id="a name"),
        pytest.param("_redis._tcp.web.", "_redis._tcp.web.", id="a service"),
        pytest.param("10.96.0.10", "10.0.96.10.in-addr.arpa.", id="an address"),
        pytest.param("fd00::1", "1." + "0." * 28 + "0.d.f.ip6.arpa.", id="an address of IPv6"),
    ],
)
def test_names_that_can_be_asked_for(name, found):
    assert checked_name(name) == found


@pytest.mark.parametrize("name", ["", ".", "a..b", ".a", "x" * 64, "a." * 127 + "bc", "bücher", "a\x1b[2Jb"])
def test_names_that_cannot_be_asked_for(name):
    with pytest.raises(NetlabError):
        checked_name(name)


def test_a_resolv_conf_is_read_as_it_was_written():
    for resolver in (POD, Resolver(), replace(POD, nameservers=("10.0.0.1", "fd00::2"), options=("ndots:2", "edns0"))):
        assert read_resolv_conf(str(resolver)) == resolver


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param("# nothing\n\nsearch a b\nsearch c\n", Resolver(searches=("c",)), id="the last search list counts"),
        pytest.param("domain here\n", Resolver(searches=("here",)), id="domain"),
        pytest.param("nameserver\nnameserver 1.1.1.1 x\n", Resolver(nameservers=("1.1.1.1",)), id="a line without an address"),
        pytest.param("".join(f"nameserver 10.0.0.{n}\n" for n in range(5)), Resolver(nameservers=("10.0.0.0", "10.0.0.1", "10.0.0.2")),
                     id="the first three servers"),
    ],
)  # fmt: skip
def test_what_stands_in_a_resolv_conf(text, found):
    assert read_resolv_conf(text) == found


@pytest.mark.parametrize(("options", "number"), [(("ndots:3",), 3), ((), 7), (("ndots:x",), 7), (("ndots:1", "ndots:2"), 2)])
def test_the_number_of_an_option(options, number):
    assert Resolver(options=options).number("ndots", 7) == number


def test_who_stands_in_hosts_is_found_there():
    text = "# hosts\n127.0.0.1\tlocalhost\n10.0.0.9  Web.example web # its names\n"
    assert [hosts_entry(text, name) for name in ("web.example.", "WEB", "its", "other")] == ["10.0.0.9", "10.0.0.9", "", ""]


def page(server, **more):
    client = ("10.244.1.5", 40000)
    answered = {client: "10.244.1.2 (kube-dns)"}
    names = Names(addresses={}, services={("udp", "10.96.0.10", 53): "svc/kube-dns"}, namespaces={})
    server.answers = {key: replace(reply, client=client, took_ms=1.25) for key, reply in server.answers.items()}
    return Page(look_up("web", "A", POD, server), "pod/a", more.get("hosts", ""), answered, names)


def test_a_query_is_shown_with_who_answered_it_behind_the_service():
    lines = list(page(Server({WEB: FOUND})).lines())
    assert "   10.96.0.10:53 (svc/kube-dns) udp, 10.244.1.2 (kube-dns): NOERROR in 1.2 ms" in lines
    assert "       web.default.svc.cluster.local. 5 A 10.96.0.20" in lines
    assert "The program gets 10.96.0.20" in lines[-1]


def test_what_hosts_says_is_said_first():
    assert (
        "  /etc/hosts has it: 10.0.0.9. Most programs look there first, and ask nobody."
        in page(Server({}), hosts="10.0.0.9").lines()
    )


def test_the_json_of_a_lookup():
    plain = page(Server({WEB: FOUND})).plain()
    assert (plain["kind"], plain["data"], plain["outcome"]) == ("Lookup", ["10.96.0.20"], "found")
    [query] = plain["queries"]
    assert query["answeredBy"] == "10.244.1.2 (kube-dns)"
    assert query["records"] == [{"name": WEB, "ttl": 5, "kind": "A", "data": "10.96.0.20"}]
    assert query["client"] == "10.244.1.5:40000"
