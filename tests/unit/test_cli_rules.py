"""`netlab rules`: how the rules of a Service are printed; which they are stands in test_packets_reasons.py."""

from __future__ import annotations

from dataclasses import replace

import click
import pytest

from netlab.cli.rules import Fields, Page, as_plain, blocks, nothing, pages_of, say_drift, wide
from netlab.manifest.origin import Origin, SourceFile
from netlab.packets.service_rules import ServiceRule
from netlab.store.origins import Origins

RULE = ServiceRule(
    stage="Whose packet it is", program="nft", table="inet netlab", block="map", name="service-ips",
    text="10.96.0.20 . tcp . 80 : goto service-2", state="there", path="spec.ports[0].port", why="Packets are for default/web.",
)  # fmt: skip
MISSING, MOVED = replace(RULE, state="missing"), replace(RULE, state="moved")
MORE = replace(RULE, state="more", path="", why="Nobody asked for this.")
OF_LAB = replace(RULE, path="Lab spec.podSubnet")


@pytest.fixture
def fields(build):
    web = build.service("web", 80)
    origin = Origin(SourceFile("web.yaml", "", "0"), 7, verb="")
    return Fields(web, Origins(build.cluster(web), {web.metadata.uid: origin}))


def lines(build, fields, *rules, node="node-1", differs=False):
    return list(blocks(build.service("web", 80), [Page(node=node, mode="nftables", differs=differs, rules=rules)], fields, 80))


def test_a_rule_stands_above_its_field_and_its_sentence(build, fields):
    assert [click.unstyle(line) for line in lines(build, fields, RULE)[1:]] == [
        "",
        "Whose packet it is:",
        "  map service-ips",
        "    10.96.0.20 . tcp . 80 : goto service-2",
        "        web.yaml:7 spec.ports[0].port",
        "        Packets are for default/web.",
    ]


@pytest.mark.parametrize(("rule", "mark"), [(RULE, " "), (MISSING, "-"), (MORE, "+"), (MOVED, "~")])
def test_what_is_missing_or_more_has_a_mark(build, fields, rule, mark):
    assert any(f"  {mark} 10.96.0.20" in line for line in lines(build, fields, rule))
    assert next(wide([Page(node="n", mode="nftables", differs=False, rules=[rule])], fields)) == "n:"


def test_a_field_of_the_lab_is_not_looked_for_in_the_service(build, fields):
    assert fields.text("Lab spec.podSubnet") == "netlab up Lab spec.podSubnet"
    plain = as_plain(build.service("web", 80), [Page(node="n", mode="nftables", differs=False, rules=[OF_LAB, MORE])], fields)
    written = [rule["written"] for rule in plain["nodes"][0]["rules"]]
    assert written == [{"file": "netlab up", "line": 0, "filledIn": False}, {}]


def test_of_other_nodes_is_shown_what_differs_and_of_another_mode_all():
    other = replace(RULE, text="172.18.0.3 . tcp . 30080 : goto external-2")
    seen = {"node-1": [RULE], "node-2": [RULE], "node-3": [RULE, other], "node-4": None, "node-5": [RULE]}
    modes = dict.fromkeys(seen, "nftables") | {"node-5": "iptables"}
    pages = list(pages_of(seen, modes))
    assert [(page.node, page.differs, page.rules, page.alike) for page in pages] == [
        ("node-1", False, [RULE], ("node-2",)), ("node-3", True, [other], ()), ("node-4", False, None, ()),
        ("node-5", False, [RULE], ()),
    ]  # fmt: skip


def test_the_load_balancer_outside_is_a_page_of_its_own(build, fields):
    pages = list(pages_of({"node-1": [RULE], "outside": [RULE]}, {"node-1": "nftables"}))
    assert [(page.node, page.differs, page.rules, page.alike) for page in pages] == [
        ("node-1", False, [RULE], ()), ("outside", False, [RULE], ()),
    ]  # fmt: skip
    shown = [click.unstyle(line) for line in blocks(build.service("web", 80), pages, fields, 80)]
    assert [line for line in shown if line.startswith("Service")] == [
        "Service default/web on node-1, nftables mode", "Service default/web on outside, its load balancer",
    ]  # fmt: skip


def test_a_node_that_is_off_says_so(build, fields):
    page = Page(node="node-2", mode="nftables", differs=False, rules=None)
    assert "node-2: it has no network now" in next(blocks(build.service("web", 80), [page], fields, 80))


@pytest.mark.parametrize(
    ("spec", "words"),
    [({"cluster_ip": "None"}, "headless"), ({"type": "ExternalName"}, "an alias")],
)
def test_a_service_without_rules_says_why(build, spec, words):
    assert words in nothing(build.service("web", 80, **spec))


def test_drift_is_counted(capsys):
    say_drift([Page(node="n", mode="nftables", differs=False, rules=[RULE, MISSING, MORE])])
    assert capsys.readouterr().err.startswith("1 missing, 1 that nobody asked for")
    say_drift([Page(node="n", mode="nftables", differs=False, rules=[RULE, MOVED, MOVED])])
    assert capsys.readouterr().err.startswith("0 missing, 2 in another order, 0 that nobody asked for")
    say_drift([Page(node="n", mode="nftables", differs=False, rules=[RULE])])
    assert capsys.readouterr().err == ""
