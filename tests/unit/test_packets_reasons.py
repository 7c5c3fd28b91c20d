"""Every rule and element that a Service can cause says which field made it, and why: of both kinds, in both families."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from netlab.cli.explain import find
from netlab.desired.assign import assign
from netlab.desired.assignments import Assignments
from netlab.desired.compile import compile_net
from netlab.model.kube_proxy import KubeProxy
from netlab.model.meta import Key
from netlab.netstate.nft import Chain, Element
from netlab.packets.reason_rows import ELEMENTS, IPTABLES_RULES, NFT_RULES
from netlab.packets.reasons import Reasons, is_iptables, of_rule
from netlab.packets.service_rules import NOBODY, in_order, service_rules

DUAL = {"ip_family_policy": "RequireDualStack"}
VIP = {"cluster_ip": "10.96.0.20"}


def everything(build, numbers=(30080, 30053), **more):
    """A Service with all that one can have, and the Pods behind it."""
    web, dns = numbers
    ports = (build.port(80, 8080, "http", node_port=web), build.port(53, 5353, "dns", "UDP", node_port=dns))
    spec = {
        "type": "LoadBalancer", "load_balancer_ip": "192.0.2.9", "external_ips": ("198.51.100.80",),
        "load_balancer_source_ranges": ("198.51.100.0/24", "203.0.113.7/32"),
    }  # fmt: skip
    return build.pod("a", node="node-1"), build.pod("b", node="node-2"), build.service("web", *ports, **VIP, **spec | more)


CASES = {
    "policy Cluster": everything,
    "policy Local": lambda b: everything(b, external_traffic_policy="Local", internal_traffic_policy="Local"),
    "affinity": lambda b: everything(b, session_affinity="ClientIP"),
    "affinity and policy Local": lambda b: everything(b, session_affinity="ClientIP", external_traffic_policy="Local"),
    "nobody": lambda b: everything(b)[2:],
    "nobody here": lambda b: everything(b, external_traffic_policy="Local", internal_traffic_policy="Local")[1:],
    "both families": lambda b: everything(b, session_affinity="ClientIP", cluster_ips=("10.96.0.20", "fd00:10:96::20"), **DUAL),
    "no NodePorts": lambda b: everything(b, numbers=(0, 0), allocate_load_balancer_node_ports=False),
    "one NodePort": lambda b: everything(b, numbers=(0, 30080), allocate_load_balancer_node_ports=False),
    "without a selector": lambda b: (
        b.service("web", b.port(80, name="http"), app="", **VIP),
        b.slice_of("web", "198.51.100.7", ports=({"port": 8080, "name": "http"},)),
    ),
}


def shown(build, case, mode="nftables", **proxy):
    made = build.lab(ip_family="dual" if case == "both families" else "IPv4", kube_proxy=KubeProxy(mode=mode, **proxy))
    cluster = build.cluster(*CASES[case](build), of=made)
    assignments = assign(cluster, Assignments())
    service = cluster.objects[Key("Service", "default", "web")]
    seen = compile_net(cluster, assignments).by_name["demo.node-1"]
    return cluster, assignments, service, seen


def rules(build, case, mode="nftables", change=lambda seen: seen, **proxy):
    cluster, assignments, service, seen = shown(build, case, mode, **proxy)
    return service_rules(cluster, assignments, service, "node-1", change(seen))


SHOWN = ("policy Local", "affinity", "nobody here")


@pytest.mark.parametrize("mode", ["nftables", "iptables"])
@pytest.mark.parametrize("case", CASES)
def test_every_rule_and_element_has_a_reason_and_is_there(build, case, mode):
    found = rules(build, case, mode)
    assert {rule.state for rule in found} == {"there"}
    assert not [rule.text for rule in found if rule.why == NOBODY.text]


@pytest.mark.parametrize("mode", ["nftables", "iptables"])
@pytest.mark.parametrize("case", SHOWN)
def test_the_reasons(build, golden, case, mode):
    golden(f"reasons/{case.replace(' ', '_')}.{mode}.txt", "".join(told(rules(build, case, mode))))


def told(found):
    for stage, together in itertools.groupby(found, lambda rule: rule.stage):
        yield f"{stage}\n"
        yield from (f"  {rule.name}: {rule.text}\n      {rule.path or '-'}: {rule.why}\n" for rule in together)


@pytest.mark.parametrize("mode", ["nftables", "iptables"])
def test_each_field_that_is_named_is_one_of_the_service_or_of_the_lab(build, mode):
    named = {rule.path for case in CASES for rule in rules(build, case, mode)} - {""}
    for path in named:
        kind, _, rest = path.rpartition(" ")
        assert find(f"{(kind or 'Service').lower()}.{rest}"), path


@pytest.mark.parametrize("table", [ELEMENTS, NFT_RULES, IPTABLES_RULES])
def test_no_row_says_the_same_of_the_same_place_twice(table):
    assert len({(row.where, row.what) for row in table}) == len(table)


@pytest.mark.parametrize(("machine", "mode"), [("node-1", "nftables"), ("node-1", "iptables"), ("outside", "nftables")])
def test_every_rule_of_a_machine_has_a_reason_whatever_services_there_are(build, machine, mode):
    """Those that are there without any: `of_rule` knows them with no Service at hand."""
    cluster = build.cluster(of=build.lab(kube_proxy=KubeProxy(mode=mode), load_balancer_ip_mode="Proxy"))
    seen = compile_net(cluster, assign(cluster, Assignments())).by_name[f"demo.{machine}"]
    chains = (
        seen.table.chains if seen.table else [chain for one in seen.iptables for table in one.tables for chain in table.chains]
    )
    found = [(chain.name, rule, of_rule(chain.name, rule)) for chain in chains for rule in chain.rules]
    assert found
    assert not [(chain, rule) for chain, rule, reason in found if reason is None]


def at_the_balancer(build, case):
    """What the Service causes on the machine outside, where load balancers are proxies."""
    of = build.lab(ip_family="dual" if case == "both families" else "IPv4", load_balancer_ip_mode="Proxy")
    cluster = build.cluster(*CASES[case](build), of=of)
    assignments = assign(cluster, Assignments())
    service, seen = cluster.objects[Key("Service", "default", "web")], compile_net(cluster, assignments).by_name["demo.outside"]
    return service_rules(cluster, assignments, service, "outside", seen)


@pytest.mark.parametrize("case", [case for case in CASES if case != "without a selector"])
def test_every_rule_of_a_load_balancer_outside_has_a_reason_and_is_there(build, case):
    found = at_the_balancer(build, case)
    assert {rule.state for rule in found} == {"there"}
    assert not [rule.text for rule in found if rule.why == NOBODY.text]


@pytest.mark.parametrize(
    ("case", "fields"),
    [
        ("policy Cluster", "selector"),
        ("policy Local", "externalTrafficPolicy"),
        ("no NodePorts", "allocateLoadBalancerNodePorts"),
        ("one NodePort", "selector allocateLoadBalancerNodePorts"),
    ],
)
def test_which_nodes_a_load_balancer_outside_leads_to_is_said_by(build, case, fields):
    chosen = [rule for rule in at_the_balancer(build, case) if rule.name in {"pick-2", "no-endpoint-services"}]
    assert {rule.path for rule in chosen} == {f"spec.{field}" for field in fields.split()}


def test_the_reasons_of_a_load_balancer_outside(build, golden):
    golden("reasons/policy_Local.outside.txt", "".join(told(at_the_balancer(build, "policy Local"))))


def test_masquerade_all_is_named_where_it_is_why(build):
    for mode, path in (("nftables", "spec.externalTrafficPolicy"), ("iptables", "Lab spec.kubeProxy.masqueradeAll")):
        found = rules(build, "policy Cluster", mode, masquerade_all=True)
        assert any(rule.path == path and "masqueradeAll" in rule.why for rule in found), mode


def by_state(found, state):
    return [(rule.name, rule.text) for rule in found if rule.state == state]


def with_table(change):
    """The Node's namespace with a changed table."""
    return lambda seen: replace(seen, table=change(seen.table))


def without_element(table):
    sets = {item for item in table.sets if item.name != "service-ips"}
    [changed] = [item for item in table.sets if item.name == "service-ips"]
    kept = {element for element in changed.elements if not element.key.startswith("10.96.0.20 . tcp")}
    return replace(table, sets=frozenset({*sets, replace(changed, elements=frozenset(kept))}))


def led_elsewhere(table):
    """The endpoint of one draw is another one."""
    [item] = [item for item in table.sets if item.name == "endpoints-2"]
    one = next(element for element in item.elements if element.key == "10.96.0.20 . tcp . 80 . 0")
    changed = replace(item, elements=item.elements - {one} | {one._replace(value="10.9.9.9 . 80", comment="")})
    return replace(table, sets=table.sets - {item} | {changed})


def with_rule(table):
    [chain] = [chain for chain in table.chains if chain.name == "service-2"]
    changed = Chain(name=chain.name, rules=("counter packets 0 bytes 0 accept", *chain.rules[1:]))
    return replace(table, chains=table.chains - {chain} | {changed})


def turned_round(table):
    [chain] = [chain for chain in table.chains if chain.name == "service-2"]
    assert len(chain.rules) > 1
    return replace(table, chains=table.chains - {chain} | {Chain(name=chain.name, rules=(*chain.rules[1:], chain.rules[0]))})


def test_a_rule_that_was_moved_within_its_chain_is_marked(build):
    found = rules(build, "policy Cluster", change=with_table(turned_round))
    assert by_state(found, "moved") == [("service-2", "ip saddr != 10.244.0.0/16 meta mark set meta mark | 0x00004000")]
    assert by_state(found, "missing") == by_state(found, "more") == []


@pytest.mark.parametrize(
    ("places", "settled"),
    [
        pytest.param((), (), id="nothing"),
        pytest.param((4, 5, 9), (4, 5, 9), id="others between them are no disorder"),
        pytest.param((3, 0, 1, 2), (0, 1, 2), id="the first one has gone to the end"),
        pytest.param((0, 3, 1, 2), (0, 1, 2), id="one has gone behind two others"),
        pytest.param((1, 0, 3, 2), (0, 2), id="two pairs are turned round"),
        pytest.param((2, 1, 0), (0,), id="all are turned round"),
    ],
)
def test_what_is_in_order(places, settled):
    assert in_order(places) == frozenset(settled)


@pytest.mark.parametrize(
    ("change", "missing", "more"),
    [
        pytest.param(without_element, [("service-ips", "10.96.0.20 . tcp . 80 : goto service-2")], [], id="an element is gone"),
        pytest.param(
            led_elsewhere,
            [("endpoints-2", "10.96.0.20 . tcp . 80 . 0 : 10.244.1.2 . 8080")],
            [("endpoints-2", "10.96.0.20 . tcp . 80 . 0 : 10.9.9.9 . 80")],
            id="an element leads elsewhere",
        ),
        pytest.param(
            with_rule,
            [("service-2", "ip saddr != 10.244.0.0/16 meta mark set meta mark | 0x00004000")],
            [("service-2", "counter packets 0 bytes 0 accept")],
            id="a rule is another one",
        ),
    ],
)
def test_what_was_changed_by_hand_is_marked(build, change, missing, more):
    found = rules(build, "policy Cluster", change=with_table(change))
    assert by_state(found, "missing") == missing
    assert by_state(found, "more") == more


def test_a_node_without_rules_lacks_all(build):
    found = rules(build, "policy Cluster", change=lambda seen: replace(seen, table=None))
    assert {rule.state for rule in found} == {"missing"}


def test_what_an_earlier_address_of_the_service_left_is_its_own(build):
    left = Element("10.96.0.99 . tcp . 80", "goto service-2", "default/web:http")
    strange = Element("10.96.0.98 . tcp . 80", "goto service-2", "default/other:http")

    def change(table):
        [item] = [item for item in table.sets if item.name == "service-ips"]
        return replace(table, sets=table.sets - {item} | {replace(item, elements=item.elements | {left, strange})})

    assert by_state(rules(build, "policy Cluster", change=with_table(change)), "more") == [
        ("service-ips", "10.96.0.99 . tcp . 80 : goto service-2")
    ]


def test_rules_of_iptables_that_were_changed_are_marked(build):
    def change(seen):
        [one] = seen.iptables
        [nat] = [table for table in one.tables if table.name == "nat"]
        tables = one.tables - {nat} | {replace(nat, chains=frozenset(map(_changed, nat.chains)))}
        return replace(seen, iptables=frozenset({replace(one, tables=tables)}))

    def _changed(chain):
        rules = tuple(rule for rule in chain.rules if "default/web:http cluster IP" not in rule or "KUBE-SVC" not in rule)
        if chain.name == "KUBE-SERVICES":
            rules += ('-d 9.9.9.9/32 -m comment --comment "default/web:http by hand" -j ACCEPT', "-j ACCEPT")
        return replace(chain, rules=rules)

    found = rules(build, "policy Cluster", "iptables", change=change)
    assert [name for name, _ in by_state(found, "missing")] == ["KUBE-SERVICES"]
    assert by_state(found, "more") == [
        ("KUBE-SERVICES", '-d 9.9.9.9/32 -m comment --comment "default/web:http by hand" -j ACCEPT')
    ]


def test_a_dynamic_element_says_what_the_node_remembers(build):
    cluster, assignments, service, _ = shown(build, "affinity")
    reasons = Reasons(cluster, assignments, service, "node-1")
    found = reasons.of("affinity-clients", Element("10.244.2.9 . 0xa3916514", "0x43882206"))
    assert found == ("spec.sessionAffinityConfig.clientIP.timeoutSeconds", "A client that came before keeps slot 0x43882206.")


@pytest.mark.parametrize(
    ("chain", "is_one"), [("KUBE-SERVICES", True), ("PREROUTING", True), ("IP-MASQ", True), ("pick-2", False)]
)
def test_chains_of_iptables_are_known_by_their_names(chain, is_one):
    assert is_iptables(chain) == is_one
