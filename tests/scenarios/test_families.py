"""Labs of IPv4, of IPv6 and of both: real packets from everywhere to everywhere, and none that waits until it may go."""

from __future__ import annotations

import ipaddress
import itertools
import json
import socket
import struct

import pytest

from netlab.kernel import netns
from tests.scenarios.conftest import own_name

# Answers every TCP connection, of either family, with the client's address.
SERVER = """
import os, socket
family = socket.AF_INET6 if os.path.exists("/proc/net/if_inet6") else socket.AF_INET
server = socket.create_server(("", 8080), family=family, dualstack_ipv6=family == socket.AF_INET6)
while True:
    client, peer = server.accept(); client.sendall(peer[0].encode()); client.close()
"""
ASK = "import socket,sys; c=socket.create_connection((sys.argv[1],8080),5); print(c.recv(99).decode())"
PODS = {"a": "node-1", "b": "node-1", "c": "node-2"}
SUBNETS = {
    "ipv4": {"nodes": ["172.18.0.0/16"], "pods": ["10.244.0.0/16"]},
    "ipv6": {"nodes": ["fc00:f853:ccd:e793::/64"], "pods": ["fd00:10:244::/56"]},
}
SUBNETS["dual"] = {what: SUBNETS["ipv4"][what] + SUBNETS["ipv6"][what] for what in ("nodes", "pods")}
NEIGHBOUR_SOLICITATION = 135


def lab_of(word: str) -> str:
    return json.dumps({
        "apiVersion": "netlab/v1", "kind": "Lab", "metadata": {"name": "x"},
        "spec": {"ipFamily": word, "nodes": [{"name": "node-1"}, {"name": "node-2"}]},
    })  # fmt: skip


def pod(name: str, node: str, *command: str, **spec) -> str:
    container = {"name": "main", "image": "host", "command": list(command)}
    return json.dumps({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name},
        "spec": {"nodeName": node, "terminationGracePeriodSeconds": 0, "containers": [container], **spec},
    })  # fmt: skip


@pytest.fixture(scope="module", params=["ipv4", "ipv6", "dual"])
def served(request, tmp_path_factory):
    """A lab of two Nodes and three Pods that answer; `families` is the word for what it has."""
    file = tmp_path_factory.mktemp("lab") / "lab.yaml"
    file.write_text(lab_of(request.param))
    with own_name() as lab:
        lab("up", "-f", str(file))
        ready = {"readinessProbe": {"tcpSocket": {"port": 8080}, "periodSeconds": 1}}
        for name, node in PODS.items():
            wish = json.loads(pod(name, node, "python3", "-c", SERVER))
            wish["spec"]["containers"][0] |= ready
            lab.apply(json.dumps(wish))
        lab("wait", "pod", "--all", "--for=condition=Ready", "--timeout=60s")
        yield lab, request.param


def addresses(lab, kind: str, name: str) -> list[str]:
    found = lab.json(kind, name)["status"]
    if kind == "pod":
        return [item["ip"] for item in found["podIPs"]]
    return [item["address"] for item in found["addresses"] if item["type"] == "InternalIP"]


def asked(lab, where: str, address: str) -> str:
    return lab("exec", where, "--", "python3", "-c", ASK, address).strip().removeprefix("::ffff:")


def test_everything_has_an_address_of_each_family(served):
    lab, word = served
    for what, names in (("pods", PODS), ("nodes", ("node-1", "node-2"))):
        subnets = [ipaddress.ip_network(subnet) for subnet in SUBNETS[word][what]]
        for name in names:
            found = [ipaddress.ip_address(text) for text in addresses(lab, what.removesuffix("s"), name)]
            assert [address in subnet for address, subnet in zip(found, subnets, strict=True)] == [True] * len(subnets)


@pytest.mark.parametrize(("client", "server"), [*itertools.permutations(PODS, 2), ("a", "a")])
def test_pods_reach_pods_and_keep_their_addresses(served, client, server):
    lab, _ = served
    for own, address in zip(addresses(lab, "pod", client), addresses(lab, "pod", server), strict=True):
        assert asked(lab, client, address) == (own if client != server else address)


@pytest.mark.parametrize("node", ["node-1", "node-2"])
def test_a_node_reaches_all_pods(served, node):
    lab, _ = served
    mine = set(addresses(lab, "node", node))
    for name, place in PODS.items():
        for address in addresses(lab, "pod", name):
            seen = asked(lab, node, address)
            assert (seen in mine) == (place != node), "its own Pods see the address of their bridge"


def test_outside_and_pods_reach_nodes(served):
    lab, _ = served
    for where, node in (("outside", "node-1"), ("a", "node-2"), ("a", "node-1"), ("node-1", "node-2")):
        for address in addresses(lab, "node", node):
            assert lab.run("exec", where, "--", "ping", "-c", "1", "-w", "30", address).code == 0


def test_outside_reaches_no_pod(served):
    lab, _ = served
    for address in addresses(lab, "pod", "a"):
        assert "Network is unreachable" in lab.run("exec", "outside", "--", "ping", "-c", "1", address).err


def test_the_cluster_dns_knows_each_family_and_answers_on_each(served):
    lab, word = served
    lab.apply(json.dumps({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "named"},
        "spec": {"ipFamilyPolicy": "PreferDualStack", "ports": [{"port": 80}]},
    }))  # fmt: skip
    wanted = lab.json("service", "named")["spec"]["clusterIPs"]
    assert len(wanted) == len(SUBNETS[word]["pods"])
    (server,) = lab.pods("kube-dns", "kube-system")
    service = lab.json("service", "kube-dns", "-n", "kube-system")["spec"]["clusterIPs"]
    assert [ipaddress.ip_address(ip).version for ip in service] == [ipaddress.ip_address(ip).version for ip in wanted]
    for ip in (*(item["ip"] for item in server["status"]["podIPs"]), *service):
        name = "named.default.svc.cluster.local"
        words = ("dig", f"@{ip}", "+short", "+time=2", "+tries=3")
        assert lab("exec", "a", "--", *words, name, "A", name, "AAAA").split() == wanted
        assert [lab("exec", "a", "--", *words, "-x", ip).strip() for ip in wanted] == [f"{name}."] * len(wanted)
    lab("delete", "service", "named")


def test_a_second_up_changes_nothing(served):
    lab, _ = served
    assert " 0 changes in " in lab("up")
    assert "0 changes" in lab("up", "--dry-run")


def test_a_pod_knows_its_addresses(served):
    lab, _ = served
    ips = addresses(lab, "pod", "a")
    hosts = lab("exec", "a", "--", "cat", "/etc/hosts").splitlines()
    assert [line.split()[0] for line in hosts if line.endswith("\ta")] == ips


def test_a_pod_uses_its_address_in_its_first_moment(served, until):
    """One try, without a second one: an address that is still doubted cannot be connected from (EADDRNOTAVAIL)."""
    lab, _ = served
    for number, address in enumerate(addresses(lab, "pod", "c")):
        name = f"first-{number}"
        lab.apply(pod(name, "node-1", "python3", "-c", ASK, address, restartPolicy="Never"))
        phase = until(
            lambda name=name: (found := lab.json("pod", name)["status"]["phase"]) in {"Succeeded", "Failed"} and found
        )
        assert phase == "Succeeded", lab("describe", "pod", name)


def test_nobody_is_asked_whether_an_address_is_free(served, until):
    """Duplicate address detection asks from `::` (RFC 4862 section 5.4.2). That the ear hears is proved by a real question."""
    lab, word = served
    if word == "ipv4":
        assert "inet6" not in lab("exec", "node-1", "--", "ip", "-6", "addr", "show", "dev", "cni0")
        return

    def listen():
        ear = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x86DD))
        ear.bind(("cni0", 0x86DD))
        ear.setblocking(False)
        return ear

    with netns.in_namespace(f"{lab.lab}.node-1", listen) as ear:
        lab.apply(pod("new", "node-1", "sleep", "infinity"))
        lab("wait", "pod/new", "--for=condition=Ready", "--timeout=60s")
        [free] = [str(ipaddress.ip_address(ip) + 99) for ip in addresses(lab, "pod", "new") if ":" in ip]
        lab.run("exec", "new", "--", "ping", "-c", "1", "-W", "1", free)
        assert lab("exec", "new", "--", "ip", "-6", "addr", "show", "tentative") == ""
        solicitations = [
            packet for packet in heard(ear) if packet[6] == socket.IPPROTO_ICMPV6 and packet[40] == NEIGHBOUR_SOLICITATION
        ]
    sources = {str(ipaddress.IPv6Address(packet[8:24])) for packet in solicitations}
    assert sources, "not even the question of a real packet was heard"
    assert "::" not in sources
    lab("delete", "pod", "new")


def heard(ear: socket.socket) -> list[bytes]:
    found = []
    while True:
        try:
            found.append(ear.recv(65536))
        except BlockingIOError:
            return found


def test_a_pod_cannot_make_itself_the_router_of_others(served):
    """CVE-2020-10749: a router advertisement to all on the bridge is not believed."""
    lab, word = served
    if word == "ipv4":
        return
    advertisement = struct.pack("!BBHBBHII", 134, 0, 0, 64, 0, 1800, 0, 0)
    program = (
        "import socket,sys; s=socket.socket(socket.AF_INET6,socket.SOCK_RAW,socket.IPPROTO_ICMPV6);"
        "s.setsockopt(socket.IPPROTO_IPV6,socket.IPV6_MULTICAST_HOPS,255);"
        f"s.sendto(bytes.fromhex('{advertisement.hex()}'),('ff02::1%eth0',0))"
    )
    before = lab("exec", "b", "--", "ip", "-6", "route")
    lab("exec", "a", "--", "python3", "-c", program)
    lab("exec", "b", "--", "ping", "-c", "1", addresses(lab, "pod", "a")[-1])  # what a sent before has arrived by now
    assert lab("exec", "b", "--", "ip", "-6", "route") == before
