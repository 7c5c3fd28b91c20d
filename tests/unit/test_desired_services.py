"""The rules of a Node as text: one golden file for each idea (N1, N4, N7), and what holds for all of them."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from netlab.desired.assign import assign
from netlab.desired.assignments import Assignments
from netlab.desired.compile import compile_net
from netlab.desired.endpoints import all_slices
from netlab.desired.frontend import COMMENT_MAX, owner
from netlab.desired.frontends import frontends
from netlab.desired.host_ports import host_ports
from netlab.desired.services import udp_endpoints
from netlab.model.kube_proxy import KubeProxy
from tests.service_cases import CASES, LOCAL, VIP, table, with_host_port


def elements(found, name):
    return {element.key: element.value for item in found.sets if item.name == name for element in item.elements}


@pytest.mark.parametrize("name", CASES)
def test_rules(build, golden, name):
    golden(f"rules/{name}.nft", str(table(build, *CASES[name](build))))


def test_rules_of_both_families(build, golden):
    dual = {"ip_family_policy": "RequireDualStack", "session_affinity": "ClientIP", **VIP}
    web = build.service("web", build.port(80, 8080), cluster_ips=("10.96.0.20", "fd00:10:96::20"), **dual)
    found = table(build, build.pod("a"), build.pod("b"), web, of=build.lab(ip_family="dual"))
    golden("rules/both_families_with_affinity.nft", str(found))


@pytest.mark.parametrize(
    "path", sorted((Path(__file__).parent.parent / "golden/rules").glob("*.nft")), ids=lambda path: path.stem
)
def test_no_rule_asks_a_map_only_whether_it_has_a_key(path):
    """Linux 6.1 refuses the whole table (nft_lookup_init in net/netfilter/nft_lookup.c), newer ones do not."""
    text = path.read_text()
    maps = re.findall(r"^\tmap (\S+) {", text, re.MULTILINE)
    asked = re.findall(r"(?<!map )(?<!update )(?<!delete )@(\S+)", text)
    assert set(maps).isdisjoint(asked)


BALANCED = {"type": "LoadBalancer", "load_balancer_ip": "192.0.2.9", **VIP}
PROXIES = {
    "a_proxy_for_both_families": lambda b: (
        b.pod("a"),
        b.service("web", b.port(80, 8080, node_port=30080), ip_family_policy="RequireDualStack", **BALANCED),
    ),
    "a_proxy_with_source_ranges_and_affinity": lambda b: (
        b.pod("a", node="node-2"),
        b.service(
            "web",
            b.port(80, 8080, node_port=30080),
            load_balancer_source_ranges=("203.0.113.0/24",),
            session_affinity="ClientIP",
            **BALANCED | LOCAL,
        ),
    ),
    "a_proxy_with_nobody_behind_it": lambda b: (b.service("web", b.port(80, 8080, node_port=30080), **BALANCED),),
}


def proxy(build, name, **spec):
    """A lab in which the machine outside is the load balancer."""
    of = build.lab(load_balancer_ip_mode="Proxy", ip_family="dual" if "both" in name else "IPv4", **spec)
    made = build.cluster(*PROXIES[name](build), of=of)
    return compile_net(made, assign(made, Assignments())).by_name


@pytest.mark.parametrize("name", PROXIES)
def test_rules_of_a_load_balancer_outside(build, golden, name):
    golden(f"rules/{name}.nft", str(proxy(build, name)["demo.outside"].table))


@pytest.mark.parametrize("name", PROXIES)
def test_a_load_balancer_outside_is_the_same_for_nodes_of_both_modes(build, name):
    one, two = (proxy(build, name, kube_proxy=KubeProxy(mode=mode))["demo.outside"] for mode in ("nftables", "iptables"))
    assert one == two


@pytest.mark.parametrize("name", PROXIES)
def test_nodes_have_no_rule_for_a_load_balancer_outside(build, name):
    for mode in ("nftables", "iptables"):
        assert "192.0.2.9" not in str(proxy(build, name, kube_proxy=KubeProxy(mode=mode))["demo.node-1"])


@pytest.mark.parametrize("name", ["clusterip_two_endpoints", "affinity", "nodeport", "external_ip"])
def test_nodes_have_the_same_rules(build, name):
    one, two = (table(build, *CASES[name](build), node=node) for node in ("node-1", "node-2"))
    assert one.chains == two.chains


def test_what_all_nodes_have_is_made_once(build):
    one, two = (table(build, *CASES["clusterip_two_endpoints"](build), node=node) for node in ("node-1", "node-2"))
    assert {item.name for item in one.sets - two.sets} == {"hairpins"}


@pytest.mark.parametrize(
    ("name", "config", "ips"),
    [
        pytest.param("clusterip_two_endpoints", KubeProxy(), {"10.244.1.2"}, id="its own Pods: each Node translates for them"),
        pytest.param("nodeport", KubeProxy(), {"10.244.1.2"}, id="who comes to a NodePort is masqueraded anyway"),
        pytest.param("nodeport_local_and_nobody_here", KubeProxy(), {"10.244.2.2"}, id="shortcuts take Pods of other Nodes"),
        pytest.param("handwritten_slice", KubeProxy(), set(), id="another machine is marked, as it is no Pod"),
        pytest.param("handwritten_slice", KubeProxy(detect_local_mode="None"), {"198.51.100.7"}, id="unless nobody is"),
    ],
)
def test_who_needs_a_hairpin_on_a_node(build, name, config, ips):
    found = table(build, *CASES[name](build), of=build.lab(kube_proxy=config))
    assert set(elements(found, "hairpins")) == {f"{ip} . {ip}" for ip in ips}


@pytest.mark.parametrize("name", CASES)
def test_a_key_leads_to_one_place(build, name):
    for item in table(build, *CASES[name](build)).sets:
        keys = [element.key for element in item.elements]
        assert len(keys) == len(set(keys)), item.name


@pytest.mark.parametrize(
    "how",
    [
        pytest.param({}, id="ClusterIP"),
        pytest.param({"type": "NodePort"}, id="NodePort"),
        pytest.param({"type": "NodePort", **LOCAL}, id="NodePort, Local"),
        pytest.param({"session_affinity": "ClientIP"}, id="affinity"),
        pytest.param({"type": "LoadBalancer", "load_balancer_source_ranges": ("198.51.100.0/24",)}, id="load balancer"),
    ],
)
def test_no_chain_and_no_set_is_made_for_a_service(build, how):
    few = table(build, build.pod("a"), build.service("s0", 80, **how))
    many = table(build, build.pod("a"), *(build.service(f"s{n}", 80, **how) for n in range(50)))
    assert few.chains == many.chains
    assert {item.name for item in few.sets} == {item.name for item in many.sets}
    assert len(elements(many, "cluster-ips")) == 50


def test_a_port_without_endpoints_is_refused_and_not_translated(build):
    found = table(build, *CASES["no_endpoints"](build))
    assert not elements(found, "service-ips")
    assert elements(found, "cluster-ips") == {"10.96.0.20": ""}
    refused = {"10.96.0.20 . tcp . 80": "goto refuse", "172.18.0.2 . tcp . 30080": "goto refuse"}
    assert elements(found, "no-endpoint-services") == refused


def test_endpoints_of_one_service_port_may_have_different_numbers(build):
    found = table(build, *CASES["two_ports_by_name"](build))
    assert set(elements(found, "endpoints-2").values()) == {"10.244.1.2 . 8080", "10.244.2.2 . 8081"}
    assert set(elements(found, "endpoints-1").values()) == {"10.244.1.2 . 9090"}


def test_one_number_for_tcp_and_udp(build):
    both = (build.port(53, name="tcp", node_port=30053), build.port(53, name="udp", protocol="UDP", node_port=30053))
    found = table(build, build.pod("a"), build.service("dns", *both, type="NodePort", cluster_ip="10.96.0.20"))
    here = {f"10.96.0.20 . {protocol} . 53" for protocol in ("tcp", "udp")}
    assert set(elements(found, "service-ips")) == here | {f"172.18.0.2 . {protocol} . 30053" for protocol in ("tcp", "udp")}


def test_a_comment_names_the_owner_and_has_at_most_128_bytes(build):
    ports = (build.port(80, name="a" * 15, node_port=30080), build.port(81, name="b" * 15))
    affine = {"session_affinity": "ClientIP", "cluster_ip": "10.96.0.20", "type": "NodePort"}
    long = build.service("s" * 63, *ports, namespace="n" * 63, **affine)
    found = table(build, build.pod("a", namespace="n" * 63), with_host_port(build, "h" * 253), long)
    assert {len(element.comment) for item in found.sets for element in item.elements} == {0, 127, COMMENT_MAX}
    assert len(set(elements(found, "affinity-ids").values())) == 2
    assert owner(build.service("web", 80), build.port(80)) == "default/web"
    assert owner(build.service("web", 80), build.port(80, name="http")) == "default/web:http"
    assert len({owner(long, port)[:COMMENT_MAX] for port in ports}) == 1


def test_udp_endpoints_are_those_that_may_answer(build):
    ports = (build.port(53, name="u", protocol="UDP", node_port=30053), build.port(80, name="t", node_port=30080))
    made = build.cluster(build.pod("a"), build.service("dns", *ports, type="NodePort", cluster_ip="10.96.0.20"))
    chosen = assign(made, Assignments())
    found = frontends(made, all_slices(made, chosen), chosen)
    only = frozenset({"10.244.1.2"})
    assert udp_endpoints(found, host_ports(made, chosen)) == {
        "node-1": {("10.96.0.20", 53): only, ("172.18.0.2", 30053): only},
        "node-2": {("10.96.0.20", 53): only, ("172.18.0.3", 30053): only},
        "outside": {},
    }


def test_at_a_load_balancer_outside_nodes_answer_for_udp(build):
    port = build.port(53, protocol="UDP", node_port=30053)
    made = build.cluster(build.pod("a"), build.service("dns", port, **BALANCED), of=build.lab(load_balancer_ip_mode="Proxy"))
    chosen = assign(made, Assignments())
    found = udp_endpoints(frontends(made, all_slices(made, chosen), chosen), host_ports(made, chosen))
    assert found["outside"] == {("192.0.2.9", 53): frozenset({"172.18.0.2", "172.18.0.3"})}


@pytest.mark.parametrize(
    ("port", "leads"),
    [
        pytest.param({}, {"172.18.0.2 . tcp . 8080": "10.244.1.2 . 80"}, id="at the Node's address"),
        pytest.param({"protocol": "UDP"}, {"172.18.0.2 . udp . 8080": "10.244.1.2 . 80"}, id="UDP"),
        pytest.param({"host_ip": "0.0.0.0"}, {"172.18.0.2 . tcp . 8080": "10.244.1.2 . 80"}, id="at every address"),
        pytest.param({"host_ip": "172.18.0.2"}, {"172.18.0.2 . tcp . 8080": "10.244.1.2 . 80"}, id="at its address, said"),
        pytest.param({"host_ip": "203.0.113.1"}, {}, id="not at an address that is another machine's"),
        pytest.param({"host_port": 0}, {}, id="no hostPort"),
    ],
)
def test_a_port_of_the_node_leads_to_one_pod(build, port, leads):
    found = table(build, with_host_port(build, **port))
    assert elements(found, "host-ports") == leads
    assert bool(elements(found, "hairpins")) == bool(leads)
    assert elements(table(build, with_host_port(build, **port), node="node-2"), "host-ports") == {}


def test_a_pod_that_has_ended_has_no_port(build):
    pod = with_host_port(build)
    assert elements(table(build, replace(pod, status=replace(pod.status, phase="Succeeded"))), "host-ports") == {}


def test_a_pod_in_its_nodes_network_has_its_ports_without_translation(build):
    pod = with_host_port(build, container_port=8080)
    assert elements(table(build, replace(pod, spec=replace(pod.spec, host_network=True))), "host-ports") == {}


def test_ports_of_nodes_are_elements_and_no_rules(build):
    assert table(build, with_host_port(build)).chains == table(build, build.pod("web", node="node-1")).chains


@pytest.mark.parametrize(
    ("mode", "match"),
    [
        pytest.param("ClusterCIDR", "ip saddr != 10.244.0.0/16 ", id="by the subnet of all Pods"),
        pytest.param("NodeCIDR", "ip saddr != 10.244.1.0/24 ", id="by that of the Node's own"),
        pytest.param("BridgeInterface", 'iifname != "cni0" ', id="by the bridge"),
        pytest.param("InterfaceNamePrefix", 'iifname != "cni*" ', id="by the name of the interface"),
    ],
)
def test_who_is_no_pod_is_masqueraded(build, mode, match):
    found = table(build, *CASES["clusterip_two_endpoints"](build), of=build.lab(kube_proxy=KubeProxy(detect_local_mode=mode)))
    chain = next(chain for chain in found.chains if chain.name == "service-2")
    assert chain.rules == (f"{match}meta mark set meta mark | 0x00004000", "goto pick-2")


@pytest.mark.parametrize(
    ("config", "way"),
    [
        pytest.param(KubeProxy(detect_local_mode="None"), "goto pick-2", id="nobody, if Pods cannot be known"),
        pytest.param(KubeProxy(masquerade_all=True), "goto external-2", id="everybody, if so wished"),
    ],
)
def test_masquerading_of_all_or_none(build, config, way):
    found = table(build, *CASES["clusterip_two_endpoints"](build), of=build.lab(kube_proxy=config))
    assert elements(found, "service-ips") == {"10.96.0.20 . tcp . 80": way}
