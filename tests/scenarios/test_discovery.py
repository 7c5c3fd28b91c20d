"""N8, N9: Services are found by environment variables and by DNS; and the guestbook works by both."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import netlab
from netlab import Lab

GUESTBOOK = Path(netlab.__file__).parent / "demos/guestbook/guestbook.yaml"
CLIENT = """
apiVersion: v1
kind: Pod
metadata: {name: %s}
spec:
  terminationGracePeriodSeconds: 0
  containers: [{name: main, image: host, command: [sleep, infinity]}]
"""
SERVICES = """
apiVersion: v1
kind: Service
metadata: {name: redis-master}
spec:
  selector: {app: none}
  ports: [{name: redis, port: 6379}, {name: metrics, port: 9121}]
---
apiVersion: v1
kind: Service
metadata: {name: elsewhere}
spec: {type: ExternalName, externalName: redis-master.default.svc.cluster.local}
---
apiVersion: v1
kind: Service
metadata: {name: peers}
spec: {clusterIP: None, selector: {app: peer}, ports: [{name: web, port: 80}]}
---
apiVersion: v1
kind: Pod
metadata: {name: peer-0, labels: {app: peer}}
spec:
  hostname: peer-0
  subdomain: peers
  terminationGracePeriodSeconds: 0
  containers: [{name: main, image: host, command: [sleep, infinity]}]
"""
LATE = "apiVersion: v1\nkind: Service\nmetadata: {name: late}\nspec: {ports: [{port: 1}]}\n"
ZONE = "default.svc.cluster.local"

with_services = pytest.mark.netlab(nodes=2, manifests=["---".join((SERVICES, CLIENT % "client"))])


def dig(lab: Lab, *words: str) -> list[str]:
    """The short answer, asked from a Pod; the server gets a moment to start."""
    done = lab.pod("client").exec("dig", "+short", "+search", "+time=1", "+tries=5", *words)
    return sorted(done.stdout.splitlines())


@with_services
def test_dns_follows_services(netlab):
    ip = netlab.service("redis-master").cluster_ip
    assert dig(netlab, f"redis-master.{ZONE}") == [ip]
    assert dig(netlab, "redis-master") == [ip]
    assert dig(netlab, "redis-master.default") == [ip]
    assert dig(netlab, "+tcp", "redis-master") == [ip]
    assert dig(netlab, f"redis-master.{ZONE}", "AAAA") == []
    assert dig(netlab, f"_redis._tcp.redis-master.{ZONE}", "SRV")[0].endswith(f" 6379 redis-master.{ZONE}.")
    assert dig(netlab, "-x", ip) == [f"redis-master.{ZONE}."]
    assert f"redis-master.{ZONE}." in dig(netlab, f"elsewhere.{ZONE}")
    peer = netlab.pod("peer-0").ip
    assert dig(netlab, f"peers.{ZONE}") == [peer]
    assert dig(netlab, f"peer-0.peers.{ZONE}") == [peer]


@with_services
def test_new_service_has_its_record_at_once(netlab):
    netlab.apply(LATE)
    assert dig(netlab, f"late.{ZONE}") == [netlab.service("late").cluster_ip]
    netlab.delete("service/late")
    assert dig(netlab, f"late.{ZONE}") == []


@with_services
def test_environment_names_the_services_that_exist(netlab):
    """N8: not the ones made later."""
    netlab.apply(LATE)
    netlab.apply(CLIENT % "second")
    first, second = (netlab.pod(name).exec("env").stdout.splitlines() for name in ("client", "second"))
    ip = netlab.service("redis-master").cluster_ip
    assert f"REDIS_MASTER_SERVICE_HOST={ip}" in second
    assert "REDIS_MASTER_SERVICE_PORT=6379" in second
    assert f"REDIS_MASTER_PORT_6379_TCP=tcp://{ip}:6379" in second
    assert not any(line.startswith("LATE_") for line in first)
    assert any(line.startswith("LATE_SERVICE_HOST=") for line in second)


@pytest.mark.netlab(nodes=3)
@pytest.mark.parametrize("source", ["dns", "env"])
def test_guestbook(netlab, until, source):
    """The main job: written through a frontend to the master, read back from a slave, from outside (N5, N6, N7)."""
    netlab.apply(GUESTBOOK.read_text().replace('value: "dns"', f'value: "{source}"').replace("value: dns", f"value: {source}"))
    netlab.wait_ready()
    page = f"http://{netlab.node('node-2').ip}:30080/guestbook.php"

    def ask(query: str) -> str:
        return netlab.outside.exec("curl", "-s", "--max-time", "2", f"{page}?{query}", check=False).stdout

    until(lambda: "data" in ask("cmd=get&key=messages"))
    until(lambda: "Updated" in ask("cmd=set&key=messages&value=hello"))
    until(lambda: "hello" in json.loads(ask("cmd=get&key=messages") or '{"data": ""}')["data"])
    assert len(netlab.get("pods")) == 6


@pytest.mark.netlab(nodes=1)
def test_a_pod_with_a_resolver_and_hosts_of_its_own(netlab):
    netlab.apply("""
apiVersion: v1
kind: Pod
metadata: {name: own}
spec:
  dnsPolicy: None
  dnsConfig: {nameservers: [10.96.0.10], searches: [kube-system.svc.cluster.local], options: [{name: ndots, value: "2"}]}
  hostAliases: [{ip: 192.0.2.1, hostnames: [foo.local, bar.local]}]
  containers: [{name: main, image: host, command: [sleep, infinity]}]
""")
    pod = netlab.pod("own")
    assert pod.exec("getent", "hosts", "bar.local").stdout.split() == ["192.0.2.1", "foo.local", "bar.local"]
    assert pod.exec("getent", "hosts", "kube-dns").stdout.split() == ["10.96.0.10", "kube-dns.kube-system.svc.cluster.local"]
