"""The rules of a Node in iptables mode as text: the ideas of test_desired_services.py once more, and kube-proxy's own names."""

import pytest

from netlab.desired.assign import assign
from netlab.desired.assignments import Assignments
from netlab.desired.backends import Target
from netlab.desired.compile import compile_net
from netlab.desired.frontend import Frontend
from netlab.desired.iptables import ProxyRules
from netlab.desired.iptables_rules import chain_name, comment, dnat, draw, rule
from netlab.desired.iptables_services import PodSource
from netlab.kernel.iptables_listing import parse_save
from netlab.model.kube_proxy import KubeProxy
from netlab.netstate.iptables import TABLES, is_ours, target
from tests.service_cases import CASES, VIP, with_host_port

CASES = CASES | {
    "host_port": lambda b: (with_host_port(b), b.service("web", b.port(80), **VIP)),
    "long_lists_have_no_comments": lambda b: (
        b.service("many", b.port(80, name="http"), app="", **VIP),
        *(
            b.slice_of("many", *(f"198.51.{part}.{n}" for n in range(1, 101)), suffix=str(part), ports=({"port": 80, "name": "http"},))
            for part in range(11)
        ),
    ),
}  # fmt: skip
SERVICE_CHAINS = ("KUBE-SVC-", "KUBE-SVL-", "KUBE-EXT-", "KUBE-FW-", "KUBE-SEP-", "KUBE-NODEPORTS", "KUBE-SERVICES", "CNI-DN-")


def rules(build, *objects, node="node-1", **config):
    made = build.cluster(*objects, of=build.lab(kube_proxy=KubeProxy(mode="iptables", **config)))
    space = compile_net(made, assign(made, Assignments())).by_name[f"demo.{node}"]
    assert space.table is None
    [found] = space.iptables
    return found


def chains(found, table="nat"):
    return {name: list(chain.rules) for name, chain in found.by_name[table].by_name.items()}


@pytest.mark.parametrize("name", [name for name in CASES if name != "long_lists_have_no_comments"])
def test_rules(build, golden, name):
    golden(f"rules/{name}.iptables", str(rules(build, *CASES[name](build))))


@pytest.mark.parametrize("name", CASES)
def test_every_chain_is_there_and_led_to(build, name):
    found = rules(build, *CASES[name](build))
    for table in found.by_name.values():
        leads_to = {target(text) for chain in table.chains for text in chain.rules}
        ours = {name for name in table.by_name if is_ours(name)}
        assert {name for name in leads_to if is_ours(name)} <= ours
        assert {name for name in ours if name.startswith(SERVICE_CHAINS)} <= leads_to
        assert all(name in TABLES[table.name] or is_ours(name) for name in table.by_name)
        assert max(map(len, table.by_name)) <= 28
    assert parse_save(str(found)).ours == found


@pytest.mark.parametrize("name", CASES)
def test_no_rule_is_there_twice(build, name):
    for table in rules(build, *CASES[name](build)).by_name.values():
        for chain in table.chains:
            assert len(set(chain.rules)) == len(chain.rules)


NAMES = [
    pytest.param("SVC", ("ns1/svc1:p80", "tcp"), "KUBE-SVC-XPGD46QRK7WJZT7O", id="Service"),
    pytest.param("SEP", ("ns1/svc1:p80", "tcp", "10.180.0.1:80"), "KUBE-SEP-SXIVWICOYRO3J4NJ", id="endpoint"),
    pytest.param("EXT", ("ns2/svc2:p80", "tcp"), "KUBE-EXT-GNZBNJ2PO5MGZ6GT", id="external"),
    pytest.param("FW", ("ns5/svc5:p80", "tcp"), "KUBE-FW-NUKIZ6OKUXPJNT4C", id="firewall"),
    pytest.param("EXT", ("ns3/svc3:p80", "tcp"), "KUBE-EXT-X27LE4BHSL4DOUIK", id="another"),
]


@pytest.mark.parametrize(("kind", "parts", "name"), NAMES)
def test_names_are_kube_proxys(kind, parts, name):
    assert chain_name(kind, *parts) == name


@pytest.mark.parametrize(
    ("count", "printed"),
    [
        (1, "1.00000000000"),
        (2, "0.50000000000"),
        (3, "0.33333333349"),
        (7, "0.14285714272"),
        (150, "0.00666666683"),
        (1000, "0.00100000016"),
    ],
)
def test_a_probability_is_what_the_kernel_keeps(count, printed):
    assert draw(count) == f"-m statistic --mode random --probability {printed}"


@pytest.mark.parametrize(
    ("made", "text"),
    [
        (rule(comment("a b"), src="! 10.0.0.0/8", dst="10.0.0.1", dev="cni0", protocol="tcp", to="X"), '! -s 10.0.0.0/8 -d 10.0.0.1/32 -i cni0 -p tcp -m comment --comment "a b" -j X'),
        (rule(dev="! cni+", to="X"), "! -i cni+ -j X"),
        (rule(src="fd00::1", to=dnat(Target("fd00::2", 80))), "-s fd00::1/128 -j DNAT --to-destination [fd00::2]:80"),
        (rule(dst="10.0.0.1", src="0.0.0.0/0", to="X"), "-d 10.0.0.1/32 -j X"),
        (rule(src="::/0", to="X"), "-j X"),
        (rule(comment("plain")), "-m comment --comment plain"),
        (rule(comment("default/web")), '-m comment --comment "default/web"'),
    ],
)  # fmt: skip
def test_a_rule_is_written_as_the_program_prints_it(made, text):
    assert made == text


def test_ports_of_a_service_with_a_long_name_have_chains_of_their_own(build):
    ports = (build.port(80, 8080, name="a" * 15), build.port(81, 8081, name="b" * 15))
    long = build.service("s" * 63, *ports, namespace="n" * 63, cluster_ip="10.96.0.20")
    found = chains(rules(build, build.pod("a", namespace="n" * 63), long))
    assert len([name for name in found if name.startswith("KUBE-SVC-")]) == 2
    assert len([name for name in found if name.startswith("KUBE-SEP-")]) == 2
    assert comment("c" * 300) == f"-m comment --comment {'c' * 255}"


def test_many_endpoints_have_no_comments(build):
    found = chains(rules(build, *CASES["long_lists_have_no_comments"](build)))
    several = {name: texts for name, texts in found.items() if name.startswith(("KUBE-SEP-", "KUBE-SVC-"))}
    assert len(several) == 1101
    said = [text for texts in several.values() for text in texts if "comment" in text]
    [mark] = said
    assert mark.endswith("-j KUBE-MARK-MASQ")
    assert '"default/many:http cluster IP"' in mark


NODE_PORT = CASES["nodeport"]


@pytest.mark.parametrize(
    ("config", "last", "loopback"),
    [
        pytest.param({}, ["-m addrtype --dst-type LOCAL -j KUBE-NODEPORTS"], "1", id="all of them"),
        pytest.param({"node_port_addresses": ("0.0.0.0/0",)}, ["-m addrtype --dst-type LOCAL -j KUBE-NODEPORTS"], "1", id="all, in words"),
        pytest.param({"node_port_addresses": ("fd00::/8",)}, ["-m addrtype --dst-type LOCAL -j KUBE-NODEPORTS"], "1", id="ranges of the other family"),
        pytest.param({"node_port_addresses": ("primary",)}, ["-d 172.18.0.2/32 ... -j KUBE-NODEPORTS"], "0", id="its own"),
        pytest.param({"node_port_addresses": ("10.0.0.0/8",)}, ["-d 10.244.1.1/32 ... -j KUBE-NODEPORTS"], "0", id="a range"),
        pytest.param({"node_port_addresses": ("127.0.0.0/8",)}, ["-d 127.0.0.1/32 ... -j KUBE-NODEPORTS"], "1", id="only its loopback"),
        pytest.param({"node_port_addresses": ("192.0.2.0/24",)}, [], "0", id="none"),
    ],
)  # fmt: skip
def test_which_addresses_have_node_ports(build, config, last, loopback):
    made = build.cluster(*NODE_PORT(build), of=build.lab(kube_proxy=KubeProxy(mode="iptables", **config)))
    space = compile_net(made, assign(made, Assignments())).by_name["demo.node-1"]
    [found] = space.iptables
    said = '-m comment --comment "kubernetes service nodeports; NOTE: this must be the last rule in this chain"'
    lines = [text for text in chains(found)["KUBE-SERVICES"] if "nodeports" in text]
    assert lines == [line.replace("...", said) if "..." in line else f"{said} {line}" for line in last]
    assert {one.value for one in space.sysctls if one.key.endswith("route_localnet")} == {loopback}
    assert ("KUBE-FIREWALL" in chains(found, "filter")) == (loopback == "1")


@pytest.mark.parametrize(
    ("config", "marks"),
    [
        pytest.param({}, "! -s 10.244.0.0/16 -d 10.96.0.20/32 ", id="by the subnet of all Pods"),
        pytest.param({"detect_local_mode": "NodeCIDR"}, "! -s 10.244.1.0/24 -d 10.96.0.20/32 ", id="by the Node's subnet"),
        pytest.param({"detect_local_mode": "BridgeInterface"}, "-d 10.96.0.20/32 ! -i cni0 ", id="by the bridge"),
        pytest.param({"detect_local_mode": "InterfaceNamePrefix"}, "-d 10.96.0.20/32 ! -i cni+ ", id="by a name"),
        pytest.param({"detect_local_mode": "None"}, None, id="not"),
        pytest.param({"masquerade_all": True}, "-d 10.96.0.20/32 ", id="everybody"),
    ],
)
def test_whose_source_is_replaced_on_the_way_to_a_cluster_ip(build, config, marks):
    found = chains(rules(build, *CASES["clusterip_two_endpoints"](build), **config))
    [svc] = [texts for name, texts in found.items() if name.startswith("KUBE-SVC-")]
    said = '-p tcp -m comment --comment "default/web cluster IP" -m tcp --dport 80 -j KUBE-MARK-MASQ'
    assert [text for text in svc if "MARK-MASQ" in text] == ([f"{marks}{said}"] if marks else [])


@pytest.mark.parametrize("mode", ["None", "BridgeInterface"])
def test_pods_have_a_shortcut_if_they_can_be_known(build, mode):
    found = chains(rules(build, *CASES["nodeport_local"](build), detect_local_mode=mode))
    [ext] = [texts for name, texts in found.items() if name.startswith("KUBE-EXT-")]
    assert any("pod traffic" in text for text in ext) == (mode != "None")
    assert any("route LOCAL traffic" in text for text in ext)


def ipv6(*targets, **more):
    """The rules of a Node with a Service of IPv6 that has session affinity, and a NodePort."""
    port = Frontend(
        owner="default/web", kind="ClusterIP", address="fd00:96::20", protocol="udp", port=53,
        targets=targets, masquerade="off-cluster", affinity_s=60,
    )  # fmt: skip
    node_port = port._replace(kind="NodePort", address="fd00::2", port=30053, masquerade="always")
    return ProxyRules(
        family="ip6", frontends=(port, node_port), node_port_ips=None, pods=PodSource(src="fd00:244::/56"),
        pod_subnets=("fd00:244::/56",), node_ips=("fd00::2",), **more,
    ).compiled("nft")  # fmt: skip


ENDPOINT_OF_IPV6 = ipv6(Target("fd00:244::2", 5353), Target("fd00:244::3", 5353))


def test_ipv6_has_its_words():
    found, svc = chains(ENDPOINT_OF_IPV6), chain_name("SVC", "default/web", "udp")
    sep = chain_name("SEP", "default/web", "udp", "[fd00:244::2]:5353")
    whole = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"
    last = '-m comment --comment "kubernetes service nodeports; NOTE: this must be the last rule in this chain"'
    remember = f"-m recent --set --name {sep} --mask {whole} --rsource"
    assert found["KUBE-SERVICES"] == [
        f'-d fd00:96::20/128 -p udp -m comment --comment "default/web cluster IP" -m udp --dport 53 -j {svc}',
        f"! -d ::1/128 {last} -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS",
    ]
    assert found[sep] == [
        '-s fd00:244::2/128 -m comment --comment "default/web" -j KUBE-MARK-MASQ',
        f'-p udp -m comment --comment "default/web" {remember} -m udp -j DNAT --to-destination [fd00:244::2]:5353',
    ]
    assert "KUBE-FIREWALL" not in chains(ENDPOINT_OF_IPV6, "filter")


def test_ipv6_is_refused_in_its_words():
    refused = [text for texts in chains(ipv6(), "filter").values() for text in texts if "REJECT" in text]
    assert [text.rpartition(" -j ")[2] for text in refused] == ["REJECT --reject-with icmp6-port-unreachable"] * 2


def test_the_variant_is_the_labs(build):
    assert rules(build, *NODE_PORT(build), iptables_variant="legacy").program == "iptables-legacy"
