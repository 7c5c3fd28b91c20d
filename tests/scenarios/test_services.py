"""Services as clients meet them: from Pods, from Nodes, from outside; with endpoints, without, and when they change."""

from __future__ import annotations

import pytest

# Answers every TCP connection and every UDP datagram with its own name and the client's address.
ECHO = """
import socket, threading, os
s = socket.create_server(("", 8080))
def tcp():
    while True:
        c, peer = s.accept(); c.sendall(f"{os.uname().nodename} {peer[0]}".encode()); c.close()
threading.Thread(target=tcp, daemon=True).start()
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); u.bind(("", 5353))
print("ready", flush=True)
while True:
    data, peer = u.recvfrom(2048); u.sendto(f"{os.uname().nodename} {peer[0]}".encode(), peer)
"""
ECHO_CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: echo}\ndata:\n  program: |\n" + "".join(
    f"    {line}\n" for line in ECHO.strip().splitlines()
)
SERVER = """
apiVersion: v1
kind: Pod
metadata: {name: %s, labels: {app: echo}}
spec:
  terminationGracePeriodSeconds: 0
  nodeName: %s
  containers:
  - name: echo
    image: host
    command: [python3, -c, $(PROGRAM)]
    env: [{name: PROGRAM, valueFrom: {configMapKeyRef: {name: echo, key: program}}}]
    ports: [{name: web, containerPort: 8080}, {name: dgram, containerPort: 5353, protocol: UDP}]
"""
CLIENT = """
apiVersion: v1
kind: Pod
metadata: {name: client}
spec:
  terminationGracePeriodSeconds: 0
  nodeName: node-1
  containers: [{name: main, image: host, command: [sleep, infinity]}]
"""
SERVICE = """
apiVersion: v1
kind: Service
metadata: {name: echo}
spec:
  type: NodePort
  selector: {app: echo}
  ports:
  - {name: http, port: 80, targetPort: web, nodePort: 30080}
  - {name: udp, port: 53, targetPort: 5353, protocol: UDP, nodePort: 30053}
"""
# Both ask as often as they are told, each time by a socket of its own, whose endpoint is drawn anew.
TCP = """
import socket, sys
for _ in range(int(sys.argv[3])):
    with socket.create_connection((sys.argv[1], int(sys.argv[2])), 5) as c: print(c.recv(99).decode())
"""
UDP = """
import socket, sys
for _ in range(int(sys.argv[3])):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as u:
        u.settimeout(5); u.bind(("", int(sys.argv[4]))); u.connect((sys.argv[1], int(sys.argv[2])))
        u.send(b"?"); print(u.recv(99).decode())
"""
DRAWS = 40  # of two endpoints; all the same once in 10^11 runs


def asked(lab, where: str, program: str, address: str, port: int, *, times: int = 1, source_port: int = 0):
    """Run one of the programs and return how that went."""
    return lab.run("exec", where, "--", "python3", "-c", program, address, str(port), str(times), str(source_port))


def answers(lab, *words, **more) -> list[tuple[str, str]]:
    """Which Pod answered each time, and which client address it saw."""
    done = asked(lab, *words, **more)
    assert done.code == 0, done.err
    found = [line.split() for line in done.out.splitlines()]
    return [(pod, client) for pod, client in found]


def ask(lab, where: str, address: str, port: int) -> tuple[str, str]:
    """Which Pod answered, and which client address it saw."""
    [answer] = answers(lab, where, TCP, address, port)
    return answer


def ask_udp(lab, where: str, address: str, port: int, source_port: int) -> str:
    """Which Pod answered a client that always has the same port."""
    [(pod, _)] = answers(lab, where, UDP, address, port, source_port=source_port)
    return pod


def drawn(lab, where: str, address: str, port: int, program: str = TCP) -> set[str]:
    """All Pods that answer; and the complaint, if once nobody did."""
    done = asked(lab, where, program, address, port, times=DRAWS)
    return {line.split()[0] for line in done.out.splitlines()} | ({done.err} if done.code else set())


def server(name: str, node: str = "node-1") -> str:
    return SERVER % (name, node)


@pytest.fixture
def echo(lab, until):
    """Two servers on different Nodes behind one Service, and a client beside one of them."""
    lab.apply("---".join((ECHO_CONFIG, server("one"), server("two", "node-2"), CLIENT, SERVICE)))
    for name in ("one", "two"):
        until(lambda name=name: "ready" in lab.run("logs", name).out)
    return lab


def test_cluster_ip_reaches_all_endpoints_and_keeps_the_client(echo):
    """N4."""
    ip = echo.cluster_ip("echo")
    found = answers(echo, "client", TCP, ip, 80, times=DRAWS)
    assert {pod for pod, _ in found} == {"one", "two"}
    assert {client for _, client in found} == {echo.pod_ip("client")}


def test_udp_is_forwarded_too(echo):
    ip = echo.cluster_ip("echo")
    assert drawn(echo, "client", ip, 53, UDP) == {"one", "two"}


def test_node_reaches_the_cluster_ip(echo):
    ip = echo.cluster_ip("echo")
    assert drawn(echo, "node-2", ip, 80) == {"one", "two"}


def test_outside_reaches_node_ports_on_every_node_and_no_cluster_ip(echo):
    """N7; the Node masquerades, so that the answer comes back through it."""
    for node in ("node-1", "node-2"):
        ip = echo.node_ip(node)
        found = answers(echo, "outside", TCP, ip, 30080, times=DRAWS)
        assert {pod for pod, _ in found} == {"one", "two"}
        assert "172.18.0.1" not in {client for _, client in found}
    assert asked(echo, "outside", TCP, echo.cluster_ip("echo"), 80).code != 0


def test_hairpin_a_pod_reaches_itself_through_its_service(lab, until):
    lab.apply("---".join((ECHO_CONFIG, server("one"), SERVICE)))
    until(lambda: "ready" in lab.run("logs", "one").out)
    assert ask(lab, "one", lab.cluster_ip("echo"), 80)[0] == "one"


def test_service_without_endpoints_refuses_at_once(lab, until):
    lab.apply("---".join((CLIENT, SERVICE)))
    for where, address, port in (
        ("client", lab.cluster_ip("echo"), 80),
        ("node-1", lab.cluster_ip("echo"), 80),
        ("outside", lab.node_ip("node-1"), 30080),
    ):
        done = asked(lab, where, TCP, address, port)
        assert "ConnectionRefusedError" in done.err, (where, done.err)


def test_udp_flow_follows_the_endpoints(echo, until):
    """A client that keeps its port is translated anew when its endpoint goes, and refused when the last one has gone."""
    ip = echo.cluster_ip("echo")
    first = ask_udp(echo, "client", ip, 53, 40000)
    other = {"one": "two", "two": "one"}[first]
    assert ask_udp(echo, "client", ip, 53, 40000) == first
    echo("delete", "pod", first)
    assert ask_udp(echo, "client", ip, 53, 40000) == other
    echo("delete", "pod", other)
    assert "ConnectionRefusedError" in asked(echo, "client", UDP, ip, 53, source_port=40000).err


def test_endpoints_follow_a_crashing_container(echo, until):
    """The agent sees the end of the container; no command is needed. In back-off the Pod gets no traffic."""
    ip = echo.cluster_ip("echo")

    def crashed_and_avoided() -> bool:
        # The second end is followed by a pause of ten seconds, each further one by a longer one: long enough for any machine.
        echo.run("exec", "one", "--", "pkill", "-9", "-x", "python3")
        waits = "CrashLoopBackOff" in echo("get", "pod", "one")
        return waits and drawn(echo, "client", ip, 80) == {"two"}

    until(crashed_and_avoided, deadline_s=100)
    until(lambda: drawn(echo, "client", ip, 80) == {"one", "two"}, deadline_s=100)


def test_selectorless_service_with_hand_written_slice(echo):
    manifest = """
apiVersion: v1
kind: Service
metadata: {name: byhand}
spec: {ports: [{name: http, port: 81}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: byhand-1, labels: {kubernetes.io/service-name: byhand}}
addressType: IPv4
ports: [{name: http, port: 8080}]
endpoints: [{addresses: ["%s"]}]
"""
    echo.apply(manifest % echo.pod_ip("two"))
    assert ask(echo, "client", echo.cluster_ip("byhand"), 81)[0] == "two"


def test_hand_written_endpoints_are_mirrored_and_followed(echo):
    service = "apiVersion: v1\nkind: Service\nmetadata: {name: older}\nspec: {ports: [{name: http, port: 81}]}\n"
    subset = "[{addresses: [{ip: %s}], notReadyAddresses: [{ip: %s}], ports: [{name: http, port: 8080}]}]"
    manifest = f"apiVersion: v1\nkind: Endpoints\nmetadata: {{name: older}}\nsubsets: {subset}\n"
    one, two = echo.pod_ip("one"), echo.pod_ip("two")
    echo.apply(f"{service}---\n{manifest % (one, two)}")
    ip = echo.cluster_ip("older")
    assert drawn(echo, "client", ip, 81) == {"one"}
    assert f"{one}:8080" in echo("get", "endpoints", "older")
    assert one in echo(
        "get", "endpointslices", "-l", "endpointslice.kubernetes.io/managed-by=endpointslicemirroring-controller.k8s.io"
    )
    assert "endpoints/older configured" in echo.apply(manifest % (two, one))
    assert drawn(echo, "client", ip, 81) == {"two"}
    echo("delete", "endpoints", "older")
    assert "ConnectionRefusedError" in asked(echo, "client", TCP, ip, 81).err
    echo.apply(manifest % (one, two))
    echo("delete", "service", "older")
    assert "older" not in echo("get", "endpoints,endpointslices")


def test_endpoints_of_a_service_with_a_selector_are_shown_as_kubectl_does(echo):
    shown = echo("get", "endpoints", "echo", "--no-headers").split()
    assert shown[0] == "echo"
    assert {f"{echo.pod_ip(name)}:8080" for name in ("one", "two")} <= set(shown[1].split(",")), shown


def test_cluster_ip_and_node_port_stay(echo):
    ip = echo.cluster_ip("echo")
    assert "unchanged" in echo.apply(SERVICE)
    echo.apply(SERVICE.replace("name: echo", "name: echo2").replace("30080", "30081").replace("30053", "30054"))
    assert echo.cluster_ip("echo") == ip
    assert echo.cluster_ip("echo2") != ip


def test_a_change_of_type_is_followed_by_name_address_and_port(echo, until):
    """ExternalName -> ClusterIP -> NodePort -> LoadBalancer -> ExternalName: each has what it should, and packets get there."""
    manifest = "apiVersion: v1\nkind: Service\nmetadata: {name: turns}\nspec: {type: %s}\n"
    ports = "%s, selector: {app: echo}, ports: [{port: 80, targetPort: web}]"
    alias, name = "ExternalName, externalName: echo.default.svc.cluster.local", "turns.default.svc.cluster.local"

    def spec() -> dict:
        return echo.json("service", "turns")["spec"]

    def cname() -> str:
        return echo("exec", "client", "--", "dig", "+short", name, "CNAME").strip()

    echo.apply(manifest % alias)
    assert "clusterIP" not in spec()
    assert cname() == "echo.default.svc.cluster.local."
    echo.apply(manifest % (ports % "ClusterIP"))
    ip = spec()["clusterIP"]
    assert cname() == ""
    assert ask(echo, "client", name, 80)[0] in {"one", "two"}
    assert "nodePort" not in spec()["ports"][0]
    echo.apply(manifest % (ports % "NodePort"))
    node_port = spec()["ports"][0]["nodePort"]
    assert ask(echo, "outside", echo.node_ip("node-2"), node_port)[0] in {"one", "two"}
    echo.apply(manifest % (ports % "LoadBalancer"))
    (ingress,) = echo.json("service", "turns")["status"]["loadBalancer"]["ingress"]
    assert ask(echo, "node-1", ingress["ip"], 80)[0] in {"one", "two"}
    assert (spec()["clusterIP"], spec()["ports"][0]["nodePort"]) == (ip, node_port)
    echo.apply(manifest % alias)
    assert "clusterIP" not in spec()
    assert cname() == "echo.default.svc.cluster.local."
    assert asked(echo, "node-1", TCP, ip, 80).code != 0
    assert "ConnectionRefusedError" in asked(echo, "outside", TCP, echo.node_ip("node-2"), node_port).err


def test_node_port_collision_is_refused_whole(echo):
    done = echo.run("apply", "-f", "-", stdin=SERVICE.replace("name: echo", "name: echo3") + "---" + server("three"))
    assert done.code == 1
    assert "30080" in done.err
    assert "echo" in done.err
    assert "three" not in echo("get", "pods")
