"""`netlab proxy` without a lab: what becomes of a Lab's wish, and one Service in both kinds of rules."""

from dataclasses import replace

import pytest

from netlab.cli.describe import describe
from netlab.cli.proxy_diff import side_by_side, stages
from netlab.desired.assign import assign
from netlab.desired.assignments import Assignments
from netlab.desired.compile import iptables_parts, service_part
from netlab.engine.proxy import NodeRules, with_proxy_mode
from netlab.model.kube_proxy import KubeProxy
from netlab.netstate.nft import NftTable
from netlab.packets.stages import STAGES
from tests.service_cases import CASES

SERVICES = [name for name in CASES if name not in {"headless", "counts_of_endpoints"}]
TWO = ("node-1", "node-2")


@pytest.mark.parametrize(
    ("before", "mode", "names", "after"),
    [
        pytest.param(("nftables", "", ""), "iptables", (), ("iptables", "", ""), id="all"),
        pytest.param(("nftables", "", ""), "iptables", ("node-2",), ("nftables", "", "iptables"), id="one of them"),
        pytest.param(("nftables", "", "iptables"), "nftables", ("node-2",), ("nftables", "", ""), id="back to the lab's"),
        pytest.param(("iptables", "", "nftables"), "iptables", (), ("iptables", "", ""), id="all, the others too"),
        pytest.param(("nftables", "iptables", "iptables"), "nftables", (), ("nftables", "", ""), id="all, those of their own"),
        pytest.param(("nftables", "", ""), "iptables", TWO, ("nftables", "iptables", "iptables"), id="each by name"),
    ],
)
def test_where_a_mode_is_written(build, before, mode, names, after):
    spec = wish(build, *before)
    found = with_proxy_mode(spec, mode, names, "legacy")
    assert (found.kube_proxy.mode, *(node.kube_proxy_mode for node in found.nodes)) == after
    assert found.kube_proxy.iptables_variant == "legacy"
    assert all(found.proxy_mode(name) == (mode if name in names or not names else spec.proxy_mode(name)) for name in TWO)


def wish(build, mode, *own):
    spec = build.lab(*TWO, kube_proxy=KubeProxy(mode=mode)).spec
    return replace(spec, nodes=tuple(replace(node, kube_proxy_mode=one) for node, one in zip(spec.nodes, own, strict=True)))


def parts(build, name, mode="nftables", node=""):
    cluster = build.cluster(*CASES[name](build), of=build.lab(kube_proxy=KubeProxy(mode=mode)))
    assignments = assign(cluster, Assignments())
    [service] = cluster.services
    return service_part(cluster, assignments, service, node), iptables_parts(cluster, assignments, service, node)


@pytest.mark.parametrize("name", SERVICES)
def test_nothing_of_either_is_left_out(build, name):
    table, rules = parts(build, name)
    drawn = [line.strip() for _, left, right in stages(table, rules) for line in (*left, *right)]
    for chain in table.chains:
        assert {f"chain {chain.name}", *chain.rules} <= set(drawn)
    for item in table.sets:
        assert f"{item.keyword} {item.name}" in drawn
    for found in (table for one in rules for table in one.tables):
        for chain in found.chains:
            assert set(chain.rules) <= set(drawn)


@pytest.mark.parametrize("mode", ["nftables", "iptables"])
def test_both_are_shown_whatever_the_mode_is(build, mode):
    assert parts(build, "nodeport", mode) == parts(build, "nodeport")


@pytest.mark.parametrize("name", ["nodeport_local", "no_endpoints"])
def test_side_by_side(build, golden, name):
    golden(f"cli/proxy-diff/{name}.txt", "".join(f"{line}\n" for line in side_by_side(*parts(build, name), 200)))


@pytest.mark.parametrize(
    ("own", "sections"),
    [
        pytest.param(("", ""), ["nft list table inet netlab, on every Node"], id="nftables"),
        pytest.param(("iptables", "iptables"), ["iptables-nft-save, on every Node"], id="iptables"),
        pytest.param(
            ("", "iptables"), ["nft list table inet netlab, on node-1", "iptables-nft-save, on node-2"], id="a Node of each"
        ),
    ],
)
def test_describe_shows_the_rules_that_are_there(build, own, sections):
    lab = build.lab(*TWO)
    lab = replace(lab, spec=wish(build, "nftables", *own))
    cluster = build.cluster(*CASES["nodeport"](build), of=lab)
    [service] = cluster.services
    page = describe(service, cluster, assign(cluster, Assignments()), 0.0)
    assert [line.split(None, 1)[1] for line in page.splitlines() if line.startswith("Rules:")] == sections
    assert ("KUBE-SEP-" in page) == ("iptables" in own)
    assert ("map service-ips:" in page) == ("" in own)


@pytest.mark.parametrize("width", [1, 80, 133, 1000])
def test_columns_are_no_wider_than_they_may_be(build, width):
    lines = list(side_by_side(*parts(build, "affinity"), width))
    assert max(map(len, lines)) <= min(240, max(80, width))


def test_each_stage_has_a_line_for_what_one_side_lacks(build):
    _, rules = parts(build, "nodeport")
    assert "  -  " in "\n".join(side_by_side(NftTable(), rules, 80))
    assert {title for title, *_ in stages(NftTable(), rules)} <= {stage.title for stage in STAGES}


def test_a_service_is_shown_as_a_node_has_it(build):
    (_, here), (_, there) = (parts(build, "nodeport_local_and_nobody_here", node=node) for node in TWO)
    assert "KUBE-SVL-" not in str(*here)
    assert "KUBE-SVL-" in str(*there)


def test_both_families_are_shown(build):
    cluster = build.cluster(
        build.pod("a"),
        build.service("web", build.port(80, node_port=30080), type="NodePort", ip_family_policy="RequireDualStack"),
        of=build.lab(ip_family="dual"),
    )
    [service] = cluster.services
    assignments = assign(cluster, Assignments())
    rules = iptables_parts(cluster, assignments, service)
    assert [one.program for one in rules] == ["iptables-nft", "ip6tables-nft"]
    drawn = "\n".join(side_by_side(service_part(cluster, assignments, service), rules, 240))
    assert "iptables: iptables-nft, ip6tables-nft" in drawn
    assert "KUBE-NODEPORTS (ip6tables)" in drawn


@pytest.mark.parametrize(
    ("program", "other", "is_hidden"),
    [
        ("nft", "iptables-legacy", True), ("nft", "iptables-nft", False), ("iptables-nft", "ip6tables-legacy", True),
        ("iptables-legacy", "iptables-nft", True), ("iptables-legacy", "iptables-legacy", False),
    ],
)  # fmt: skip
def test_which_program_shows_the_rules_of_another(program, other, is_hidden):
    one = NodeRules(node="node-1", mode="iptables", program=program, version="", rules=0, strangers={})
    assert one.hides(other) == is_hidden
