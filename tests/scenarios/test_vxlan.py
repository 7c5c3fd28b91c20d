"""Pods of different Nodes joined by a tunnel: what is on the wire, how large a packet may be, and the switch of a running lab."""

from __future__ import annotations

import ipaddress
import json
import socket
import subprocess

import pytest

from netlab.kernel import netns
from tests.scenarios.conftest import own_name

# Sends back whatever comes, on every connection.
ECHO = """
import os, socket, threading
family = socket.AF_INET6 if os.path.exists("/proc/net/if_inet6") else socket.AF_INET
server = socket.create_server(("", 8080), family=family, dualstack_ipv6=family == socket.AF_INET6)
def serve(client):
    while data := client.recv(65536): client.sendall(data)
while True:
    threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()
"""
# One connection: for every number on stdin so many bytes go there and back, and the number is said.
TALK = """
import socket, sys
link = socket.create_connection((sys.argv[1], 8080), 10)
for line in sys.stdin:
    wanted = bytes(int(line)); link.sendall(wanted); got = b""
    while len(got) < len(wanted): got += link.recv(65536)
    print(len(got), flush=True)
"""
PODS = {"a": "node-1", "b": "node-1", "c": "node-2"}
ETHERNET, UDP_HEADER, VXLAN_HEADER = 14, 8, 8
PORT = 8472


def lab_of(file, network: str, family: str = "ipv4", mtu: int = 1500) -> str:
    nodes = [{"name": "node-1"}, {"name": "node-2"}]
    spec = {"nodes": nodes, "network": network, "ipFamily": family, "mtu": mtu}
    file.write_text(json.dumps({"apiVersion": "netlab/v1", "kind": "Lab", "metadata": {"name": "x"}, "spec": spec}))
    return str(file)


def pods() -> str:
    container = {"name": "main", "image": "host", "command": ["python3", "-c", ECHO]}
    container["readinessProbe"] = {"tcpSocket": {"port": 8080}, "periodSeconds": 1}
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": [
        {
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name},
            "spec": {"nodeName": node, "terminationGracePeriodSeconds": 0, "containers": [container]},
        }
        for name, node in PODS.items()
    ]})  # fmt: skip


@pytest.fixture(scope="module", params=["ipv4", "dual"])
def tunnelled(request, tmp_path_factory):
    """A lab of two Nodes with a tunnel, and three Pods; with the families that it has."""
    with own_name() as lab:
        lab("up", "-f", lab_of(tmp_path_factory.mktemp("lab") / "lab.yaml", "vxlan", request.param))
        lab.apply(pods())
        lab("wait", "pod", "--all", "--for=condition=Ready", "--timeout=60s")
        yield lab


def addresses(lab, name: str) -> list[str]:
    return [item["ip"] for item in lab.json("pod", name)["status"]["podIPs"]]


def ear(lab, machine: str, dev: str) -> socket.socket:
    """A socket that hears every frame of a link."""

    def listen() -> socket.socket:
        found = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))  # all protocols
        found.bind((dev, 3))
        found.setblocking(False)
        return found

    return netns.in_namespace(f"{lab.lab}.{machine}", listen)


def heard(listening: socket.socket) -> list[bytes]:
    found = []
    while True:
        try:
            found.append(listening.recv(65536))
        except BlockingIOError:
            return found


def ends(packet: bytes) -> tuple[str, str]:
    """Source and destination of an IP packet of either family."""
    start, size = (12, 4) if packet[0] >> 4 == 4 else (8, 16)
    return tuple(str(ipaddress.ip_address(packet[start + n * size : start + (n + 1) * size])) for n in (0, 1))


def carried(frame: bytes) -> tuple[tuple[str, str], tuple[str, str]] | None:
    """The ends of the outer and the inner packet of a frame that is VXLAN over IPv4 to the port of the lab; else None."""
    outer = frame[ETHERNET:]
    if frame[12:14] != b"\x08\x00" or outer[9] != socket.IPPROTO_UDP:
        return None
    length = (outer[0] & 15) * 4
    if int.from_bytes(outer[length + 2 : length + 4], "big") != PORT:
        return None
    inner = outer[length + UDP_HEADER + VXLAN_HEADER + ETHERNET :]
    return ends(outer), ends(inner)


def test_the_fabric_carries_the_packet_of_a_pod_in_a_packet_of_its_node(tunnelled):
    nodes = ("172.18.0.2", "172.18.0.3")
    for own, other in zip(addresses(tunnelled, "a"), addresses(tunnelled, "c"), strict=True):
        with ear(tunnelled, "fabric", "node-1") as wire, ear(tunnelled, "node-1", "vxlan.1") as inside:
            tunnelled("exec", "a", "--", "ping", "-c", "1", "-w", "30", other)
            frames, plain = heard(wire), [ends(frame[ETHERNET:]) for frame in heard(inside)]
        found = [pair for frame in frames if (pair := carried(frame))]
        assert {(nodes, (own, other)), (nodes[::-1], (other, own))} <= set(found)
        assert {(own, other), (other, own)} <= set(plain)
        bare = [frame for frame in frames if frame[12:14] in {b"\x08\x00", b"\x86\xdd"} and other in ends(frame[ETHERNET:])]
        assert bare == [], "not a packet of a Pod goes over the fabric as it is"


def test_pods_of_one_node_use_no_tunnel(tunnelled):
    with ear(tunnelled, "node-1", "vxlan.1") as inside:
        for address in addresses(tunnelled, "b"):
            tunnelled("exec", "a", "--", "ping", "-c", "1", "-w", "30", address)
        quiet = heard(inside)
        tunnelled("exec", "a", "--", "ping", "-c", "1", "-w", "30", addresses(tunnelled, "c")[0])
        assert heard(inside), "the ear is deaf"
    assert quiet == []


def test_nodes_reach_pods_and_pods_reach_nodes(tunnelled):
    for node, name in (("node-1", "c"), ("node-2", "a"), ("node-2", "c")):
        for address in addresses(tunnelled, name):
            tunnelled("exec", node, "--", "ping", "-c", "1", "-w", "30", address)
        found = tunnelled.json("node", node)["status"]["addresses"]
        for address in [item["address"] for item in found if item["type"] == "InternalIP"]:
            tunnelled("exec", name, "--", "ping", "-c", "1", "-w", "30", address)


def test_the_largest_packet_passes_whole_and_a_larger_one_is_refused_at_once(tunnelled):
    assert "mtu 1450" in tunnelled("exec", "a", "--", "ip", "link", "show", "eth0")
    for address in addresses(tunnelled, "c"):
        headers = 48 if ":" in address else 28
        whole = tunnelled.run("exec", "a", "--", "ping", "-M", "do", "-c", "1", "-W", "5", "-s", str(1450 - headers), address)
        assert whole.code == 0, whole.out + whole.err
        larger = tunnelled.run("exec", "a", "--", "ping", "-M", "do", "-c", "1", "-W", "5", "-s", str(1451 - headers), address)
        assert larger.code != 0
        assert "message too long" in larger.out + larger.err


def test_a_second_up_changes_nothing(tunnelled):
    assert " 0 changes in " in tunnelled("up")


@pytest.mark.parametrize(
    ("spoiled", "healed"),
    [
        pytest.param("ip -n {0} link del vxlan.1", "link add vxlan.1", id="no tunnel"),
        pytest.param("bridge -n {0} fdb del {1} dev vxlan.1 dst 172.18.0.3 self", "fdb replace {1}", id="a forgotten MAC"),
        pytest.param("ip -n {0} neigh del 10.244.2.0 dev vxlan.1", "neigh replace 10.244.2.0", id="a forgotten neighbour"),
    ],
)
def test_what_is_done_by_hand_is_undone(tunnelled, spoiled, healed):
    node = f"{tunnelled.lab}.node-1"
    [link] = json.loads(subprocess.run(["ip", "-j", "-n", f"{tunnelled.lab}.node-2", "link", "show", "vxlan.1"], check=True, capture_output=True).stdout)  # fmt: skip
    with_agent = tunnelled.run("exec", "a", "--", "true")
    assert with_agent.code == 0
    subprocess.run(spoiled.format(node, link["address"]).split(), check=True)
    said = tunnelled("up", "-v")
    healed_by_agent = healed.format(node, link["address"]) not in said
    tunnelled("exec", "a", "--", "ping", "-c", "1", "-w", "30", addresses(tunnelled, "c")[0])
    assert healed_by_agent or " 0 changes in " not in said


@pytest.mark.parametrize("family", ["ipv4", "dual"])
def test_a_switch_under_an_open_connection(program, tmp_path, family):
    """Half a megabyte there and back over one connection, before, between and after: by routes, by tunnel, by routes."""
    file = tmp_path / "lab.yaml"
    program("up", "-f", lab_of(file, "host-gw", family))
    program.apply(pods())
    program("wait", "pod", "--all", "--for=condition=Ready", "--timeout=60s")
    talks = []
    for address in addresses(program, "c"):
        words = ["ip", "netns", "exec", f"{program.lab}.default.a", "python3", "-c", TALK, address]
        talks.append(subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
    try:
        for network, mtu in (("host-gw", 1500), ("vxlan", 1450), ("host-gw", 1500)):
            program("up", "-f", lab_of(file, network, family))
            for name in ("a", "c"):
                assert f"mtu {mtu}" in program("exec", name, "--", "ip", "link", "show", "eth0")
            with ear(program, "fabric", "node-1") as wire:
                for talk in talks:
                    talk.stdin.write("500000\n")
                    talk.stdin.flush()
                    assert talk.stdout.readline() == "500000\n"
                assert any(map(carried, heard(wire))) == (network == "vxlan")
    finally:
        for talk in talks:
            talk.stdin.close()
            assert talk.wait(timeout=60) == 0
            talk.stdout.close()
    assert "vxlan" not in program("exec", "node-1", "--", "ip", "link")
