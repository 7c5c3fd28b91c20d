"""Ports of Nodes that lead to one Pod, as clients meet them: from everywhere, and again when another Pod has the port."""

from __future__ import annotations

import pytest

# Answers every TCP connection and every UDP datagram with its own name and the client's address.
ECHO = """
import socket, threading, os
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); u.bind(("", 5353))
s = socket.create_server(("", 8080))
def tcp():
    while True:
        c, peer = s.accept(); c.sendall(f"{os.environ['NAME']} {peer[0]}".encode()); c.close()
threading.Thread(target=tcp, daemon=True).start()
while True:
    data, peer = u.recvfrom(2048); u.sendto(f"{os.environ['NAME']} {peer[0]}".encode(), peer)
"""
CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: echo}\ndata:\n  program: |\n" + "".join(
    f"    {line}\n" for line in ECHO.strip().splitlines()
)
SERVER = """
apiVersion: v1
kind: Pod
metadata: {name: %(name)s, labels: {app: echo}}
spec:
  terminationGracePeriodSeconds: 0
  nodeSelector: {kubernetes.io/hostname: node-1}
  containers:
  - name: echo
    image: host
    command: [python3, -c, $(PROGRAM)]
    env:
    - {name: NAME, value: %(name)s}
    - {name: PROGRAM, valueFrom: {configMapKeyRef: {name: echo, key: program}}}
    ports: [{containerPort: 8080, hostPort: 80}, {containerPort: 5353, hostPort: 53, protocol: UDP}]
"""
CLIENT = """
apiVersion: v1
kind: Pod
metadata: {name: client-%d}
spec:
  terminationGracePeriodSeconds: 0
  nodeName: node-%d
  containers: [{name: main, image: host, command: [sleep, infinity]}]
"""
TCP = "import socket,sys; c=socket.create_connection((sys.argv[1],80),20); print(c.recv(99).decode())"
UDP = (
    "import socket,sys; u=socket.socket(socket.AF_INET,socket.SOCK_DGRAM); u.settimeout(20); u.bind(('',7777));"
    "u.connect((sys.argv[1],53)); u.send(b'?'); print(u.recv(99).decode())"
)


@pytest.fixture
def served(lab, until):
    lab.apply("---\n".join((CONFIG, SERVER % {"name": "first"}, CLIENT % (1, 1), CLIENT % (2, 2))))
    lab("wait", "pod", "--all", "--for=condition=Ready", "--timeout=60s")
    until(lambda: lab.run("exec", "outside", "--", "python3", "-c", TCP, lab.node_ip("node-1")).code == 0)
    return lab


def test_the_port_is_open_everywhere_on_its_node_and_shut_on_others(served):
    lab, own = served, served.node_ip("node-1")
    addresses = {place: lab.pod_ip(place) for place in ("client-1", "client-2", "first")}
    addresses |= {"node-1": own, "node-2": lab.node_ip("node-2")}
    addresses["first"] = "10.244.1.1"  # a Pod that reaches itself sees its Node's bridge
    for place, address in addresses.items():
        assert lab("exec", place, "--", "python3", "-c", TCP, own).split() == ["first", address], place
        assert lab("exec", place, "--", "python3", "-c", UDP, own).split() == ["first", address], place
    assert lab("exec", "outside", "--", "python3", "-c", TCP, own).split()[0] == "first"
    assert lab.run("exec", "outside", "--", "python3", "-c", TCP, lab.node_ip("node-2")).code != 0
    page = [" ".join(line.split()) for line in lab("describe", "pod", "first").splitlines()]
    assert "Ports: 8080/TCP, 5353/UDP" in page
    assert "Host Ports: 80/TCP, 53/UDP" in page


def test_a_pod_waits_for_the_port_of_another_and_then_has_its_clients(served, until):
    lab, own = served, served.node_ip("node-1")
    assert lab("exec", "outside", "--", "python3", "-c", UDP, own).split()[0] == "first"
    lab.apply(SERVER % {"name": "second"})
    (condition,) = lab.json("pod", "second")["status"]["conditions"]
    assert condition["message"] == (
        "0/2 nodes are available: 1 node(s) didn't have free ports for the requested pod ports,"
        " 1 node(s) didn't match Pod's node affinity/selector."
    )
    lab("delete", "pod", "first")
    lab("wait", "pod/second", "--for=condition=Ready", "--timeout=60s")
    for program in (TCP, UDP):
        until(lambda program=program: "second" in lab.run("exec", "outside", "--", "python3", "-c", program, own).out)


IN_THE_NODE = """
apiVersion: v1
kind: Pod
metadata: {name: inside, labels: {app: inside}}
spec:
  hostNetwork: true
  dnsPolicy: ClusterFirstWithHostNet
  terminationGracePeriodSeconds: 0
  nodeSelector: {kubernetes.io/hostname: node-1}
  containers:
  - name: echo
    image: host
    command: [python3, -c, $(PROGRAM)]
    env:
    - {name: NAME, value: inside}
    - {name: PROGRAM, valueFrom: {configMapKeyRef: {name: echo, key: program}}}
    ports: [{containerPort: 8080}]
---
apiVersion: v1
kind: Service
metadata: {name: inside}
spec:
  type: NodePort
  selector: {app: inside}
  ports: [{port: 80, targetPort: 8080, nodePort: 30080}]
"""
NODE_PORT = TCP.replace("80)", "30080)")


def test_a_pod_in_its_nodes_network_is_its_node(lab, until):
    lab.apply("---\n".join((CONFIG, IN_THE_NODE, CLIENT % (1, 1), CLIENT % (2, 2))))
    lab("wait", "pod", "--all", "--for=condition=Ready", "--timeout=60s")
    own = lab.node_ip("node-1")
    assert lab.pod_ip("inside") == own
    namespaces = {lab("exec", place, "--", "readlink", "/proc/self/ns/net") for place in ("inside", "node-1")}
    assert len(namespaces) == 1
    assert lab("exec", "inside", "--", "hostname") == "node-1\n"
    until(lambda: lab.run("exec", "outside", "--", "python3", "-c", NODE_PORT, own).code == 0)
    for place in ("client-1", "client-2", "node-1", "node-2", "outside", "inside"):
        for node in ("node-1", "node-2"):
            assert lab("exec", place, "--", "python3", "-c", NODE_PORT, lab.node_ip(node)).startswith("inside "), (place, node)
    for place in ("client-1", "client-2", "inside"):
        assert lab("exec", place, "--", "python3", "-c", TCP, "inside").startswith("inside ")
    lab("node", "stop", "node-1")
    lab("node", "start", "node-1")
    lab("wait", "pod/inside", "--for=condition=Ready", "--timeout=60s")
    until(lambda: lab.run("exec", "outside", "--", "python3", "-c", NODE_PORT, own).out.startswith("inside "))
