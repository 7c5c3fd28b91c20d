"""The mode of Nodes changed in a lab that runs: connections stay open, new ones come through, nothing of the other is left."""

from __future__ import annotations

import json
import socket

import pytest

from netlab.kernel import netns

SERVE = (
    "import os,socket,threading\n"
    "def talk(c):\n"
    " while c.recv(99): c.sendall(os.uname().nodename.encode())\n"
    "s=socket.create_server(('::',8080),family=socket.AF_INET6,dualstack_ipv6=True); print('ready',flush=True)\n"
    "while True: threading.Thread(target=talk,args=(s.accept()[0],),daemon=True).start()"
)
PODS = """
apiVersion: v1
kind: Pod
metadata: {{name: {name}, labels: {{app: {app}}}}}
spec:
  terminationGracePeriodSeconds: 0
  nodeName: {node}
  containers:
  - {{name: main, image: host, command: [python3, -c, {program}], readinessProbe: {{tcpSocket: {{port: 8080}}, periodSeconds: 1}}}}
---
"""
SERVICES = """
apiVersion: v1
kind: Service
metadata: {name: echo}
spec: {type: NodePort, selector: {app: echo}, ports: [{port: 80, targetPort: 8080, nodePort: 30080}]}
---
apiVersion: v1
kind: Service
metadata: {name: nobody}
spec: {selector: {app: nobody}, ports: [{port: 80}]}
"""
LAB = """
apiVersion: netlab/v1
kind: Lab
metadata: {name: %s}
spec:
  ipFamily: dual
  nodes: [{name: node-1}, {name: node-2}]
  kubeProxy: {mode: iptables}
"""
NODES = ("node-1", "node-2")
NFT, IPTABLES = ("nftables", "nft"), ("iptables", "iptables-nft")


@pytest.fixture(scope="module")
def lab(module_program):
    module_program("up", "--nodes", "2", "-q")
    start(module_program)
    return module_program


@pytest.fixture
def nftables(lab):
    """The lab as it begins."""
    lab("proxy", "mode", "nftables")
    return lab


def modes(lab) -> dict[str, tuple[str, str]]:
    """What `netlab proxy` says: mode and program of each Node; and that there are rules."""
    found = [json.loads(line) for line in lab("proxy", "-o", "json").splitlines()]
    assert all(one["rules"] > 10 and one["version"] and not one["strangers"] for one in found)
    return {one["node"]: (one["mode"], one["program"]) for one in found}


def rules_there(lab, node) -> set[str]:
    """Which of the three kinds of rules a Node has, as their own programs say."""
    found = set()
    if "table inet netlab" in lab("exec", node, "--", "nft", "list", "tables"):
        found.add("nft")
    for program in ("iptables-nft", "iptables-legacy"):
        if "KUBE-" in lab("exec", node, "--", f"{program}-save"):
            found.add(program)
    return found


def connected(lab, place: str, ip: str, port: int) -> socket.socket:
    return netns.in_namespace(f"{lab.lab}.{place}", lambda: socket.create_connection((ip, port), 3.0))


def ask(connection: socket.socket) -> str:
    connection.sendall(b"?")
    return connection.recv(99).decode()


def start(lab) -> None:
    """Two Pods behind a Service, one on each Node, and a client; a Service without any."""
    pods = (("a", "echo", "node-1"), ("b", "echo", "node-2"), ("client", "client", "node-1"))
    program = json.dumps(SERVE)
    lab.apply("".join(PODS.format(name=name, app=app, node=node, program=program) for name, app, node in pods))
    lab.apply(SERVICES)
    lab("wait", "--for=condition=Ready", "pod", "--all", "--timeout=60s")


def who(lab, place: str, ip: str, port: int) -> str:
    with connected(lab, place, ip, port) as asked:
        return ask(asked)


def ways(lab) -> list[tuple[str, str, int]]:
    """From a Pod by the ClusterIP; from outside and from a Node by each NodePort."""
    nodes = [lab.node_ip(node) for node in NODES]
    cluster_ip = lab.cluster_ip("echo")
    return [
        ("default.client", cluster_ip, 80), ("node-1", cluster_ip, 80), *(("outside", ip, 30080) for ip in nodes),
        *(("node-2", ip, 30080) for ip in nodes),
    ]  # fmt: skip


def assert_all_ways_lead_to_both(lab) -> None:
    for way in ways(lab):
        assert_leads_to_both(lab, way)
    with pytest.raises(ConnectionRefusedError):
        connected(lab, "default.client", lab.cluster_ip("nobody"), 80)


def assert_leads_to_both(lab, way: tuple[str, str, int]) -> None:
    seen = set()
    for _ in range(40):  # once in 10^11 runs so many tosses are the same
        seen.add(who(lab, *way))
        if len(seen) > 1:
            break
    assert seen == {"a", "b"}, way


def test_open_connections_survive_the_change_there_and_back(nftables):
    lab = nftables
    held = [(way, connected(lab, *way)) for way in ways(lab) for _ in range(4)]
    answered = [ask(connection) for _, connection in held]
    assert set(answered) == {"a", "b"}
    for words in (["iptables"], ["iptables", "--variant", "legacy"], ["iptables", "--variant", "nft"], ["nftables"]):
        lab("proxy", "mode", *words)
        for (way, connection), name in zip(held, answered, strict=True):
            assert ask(connection) == name, (words, way)
    for _, connection in held:
        connection.close()


@pytest.mark.parametrize("variant", ["nft", "legacy"])
def test_a_lab_in_iptables_mode(nftables, variant):
    lab = nftables
    said = lab("proxy", "mode", "iptables", "--variant", variant)
    assert said.splitlines() == [f"node/{node} changed: iptables by iptables-{variant}" for node in NODES]
    assert modes(lab) == dict.fromkeys(NODES, ("iptables", f"iptables-{variant}"))
    assert_all_ways_lead_to_both(lab)
    assert {node: rules_there(lab, node) for node in NODES} == {node: {f"iptables-{variant}"} for node in NODES}
    assert "0 changes" in lab("up")
    assert lab("proxy", "mode", "nftables") == "node/node-1 changed: nftables\nnode/node-2 changed: nftables\n"
    assert {node: rules_there(lab, node) for node in NODES} == {node: {"nft"} for node in NODES}
    assert_all_ways_lead_to_both(lab)


def test_a_lab_with_a_node_of_each(nftables):
    lab = nftables
    assert (
        lab("proxy", "mode", "iptables", "--variant", "nft", "--node", "node-2")
        == "node/node-2 changed: iptables by iptables-nft\n"
    )
    assert modes(lab) == {"node-1": NFT, "node-2": IPTABLES}
    assert_all_ways_lead_to_both(lab)
    assert lab("proxy", "mode", "iptables", "--node", "node-2") == "node/node-2 unchanged: iptables by iptables-nft\n"
    assert {node: rules_there(lab, node) for node in NODES} == {"node-1": {"nft"}, "node-2": {"iptables-nft"}}


@pytest.mark.parametrize(
    "tampering",
    [
        pytest.param(("iptables-nft", "-t", "nat", "-F", "KUBE-SERVICES"), id="a chain emptied"),
        pytest.param(("iptables-nft", "-t", "nat", "-D", "PREROUTING", "1"), id="a jump deleted"),
        pytest.param(("nft", "flush", "ruleset"), id="everything deleted"),
        pytest.param(("iptables-legacy", "-t", "nat", "-N", "KUBE-SERVICES"), id="a chain of ours of the other program"),
    ],
)
def test_rules_that_were_tampered_with_are_mended(nftables, tampering):
    lab = nftables
    lab("proxy", "mode", "iptables", "--variant", "nft")
    lab("exec", "node-1", "--", *tampering)
    lab("up")
    assert rules_there(lab, "node-1") == {"iptables-nft"}
    assert_all_ways_lead_to_both(lab)


def test_rules_of_others_stay_and_are_said(nftables):
    lab = nftables
    rule = ("FORWARD", "-s", "192.0.2.1/32", "-j", "DROP")
    lab("exec", "node-1", "--", "iptables-legacy", "-A", *rule)
    lab("exec", "node-2", "--", "iptables-nft", "-A", *rule)
    lab("proxy", "mode", "iptables", "--variant", "nft")
    done = lab.run("proxy")
    assert done.err.splitlines() == [
        "node-1: in the built-in chains of iptables-legacy are 1 rules of others, which packets meet too. iptables-nft does not show them.",
        "node-2: in the built-in chains of iptables-nft are 1 rules of others, which packets meet too.",
    ]
    for node, program in (("node-1", "iptables-legacy"), ("node-2", "iptables-nft")):
        assert f"-A {' '.join(rule)}" in lab("exec", node, "--", f"{program}-save")
        lab("exec", node, "--", program, "-D", *rule)


def test_that_clients_are_forgotten_is_said(nftables):
    lab = nftables
    said = "1 Service with sessionAffinity: the next connection of a client may go to another endpoint, and later ones stay there\n"
    assert lab.run("proxy", "mode", "iptables").err == ""
    lab.apply(json.dumps({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "sticky"},
        "spec": {"selector": {"app": "echo"}, "ports": [{"port": 80}], "sessionAffinity": "ClientIP"},
    }))  # fmt: skip
    assert [lab.run("proxy", "mode", "nftables").err for _ in range(2)] == [said, ""]
    lab("delete", "service", "sticky")


def test_what_is_wrong_is_said(nftables):
    lab = nftables
    unknown = lab.run("proxy", "mode", "iptables", "--node", "node-9")
    assert (unknown.code, unknown.err) == (1, 'Error from server (NotFound): nodes "node-9" not found\n')
    assert modes(lab) == dict.fromkeys(NODES, NFT)
    senseless = lab.run("proxy", "mode", "nftables", "--variant", "legacy")
    assert (senseless.code, "--variant" in senseless.err) == (1, True)
    assert lab.run("proxy", "diff", "svc/none").err == 'Error from server (NotFound): services "none" not found\n'
    assert "is no Service" in lab.run("proxy", "diff", "pod/a").err


def test_both_kinds_are_shown_of_one_service(lab):
    before = modes(lab)
    drawn = lab("proxy", "diff", "svc/echo")
    assert drawn.splitlines()[0].split() == ["nftables:", "inet", "netlab", "|", "iptables:", "iptables-nft"]
    text = lab("proxy", "diff", "echo", "-o", "text")
    assert text.startswith("table inet netlab {\n")
    assert "\n*nat\n:KUBE-EXT-" in text
    assert modes(lab) == before


def test_a_lab_of_both_families_can_begin_in_iptables_mode(program):
    program("up", "-f", "-", "-q", stdin=LAB % program.lab)
    start(program)
    program.apply(SERVICES.replace("{type: NodePort,", "{type: NodePort, ipFamilyPolicy: PreferDualStack,"))
    for ip in program.json("service", "echo")["spec"]["clusterIPs"]:
        assert_leads_to_both(program, ("default.client", ip, 80))
    for node in program.json("nodes")["items"]:
        for address in node["status"]["addresses"]:
            if address["type"] == "InternalIP":
                assert_leads_to_both(program, ("outside", address["address"], 30080))
    for family in ("iptables", "ip6tables"):
        assert "KUBE-SEP-" in program("exec", "node-1", "--", f"{family}-nft-save")
    assert "0 changes" in program("up")
