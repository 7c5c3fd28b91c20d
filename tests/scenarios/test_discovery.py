"""N8, N9: Services are found by environment variables and by DNS; and the guestbook works by both."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import netlab

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
ZONE = "default.svc.cluster.local"


def dig(lab, *words: str) -> list[str]:
    """The short answer, asked from a Pod; the server gets a moment to start."""
    done = lab("exec", "client", "--", "dig", "+short", "+search", "+time=1", "+tries=5", *words)
    return sorted(done.split("\n")[:-1])


@pytest.fixture
def found(lab):
    lab.apply("---".join((SERVICES, CLIENT % "client")))
    return lab


def test_dns_follows_services(found):
    ip = found.cluster_ip("redis-master")
    assert dig(found, f"redis-master.{ZONE}") == [ip]
    assert dig(found, "redis-master") == [ip]
    assert dig(found, "redis-master.default") == [ip]
    assert dig(found, "+tcp", "redis-master") == [ip]
    assert dig(found, f"redis-master.{ZONE}", "AAAA") == []
    assert dig(found, f"_redis._tcp.redis-master.{ZONE}", "SRV")[0].endswith(f" 6379 redis-master.{ZONE}.")
    assert dig(found, "-x", ip) == [f"redis-master.{ZONE}."]
    assert f"redis-master.{ZONE}." in dig(found, f"elsewhere.{ZONE}")
    peer = found.pod_ip("peer-0")
    assert dig(found, f"peers.{ZONE}") == [peer]
    assert dig(found, f"peer-0.peers.{ZONE}") == [peer]


def test_new_service_has_its_record_at_once(found):
    found.apply("apiVersion: v1\nkind: Service\nmetadata: {name: late}\nspec: {ports: [{port: 1}]}\n")
    assert dig(found, f"late.{ZONE}") == [found.cluster_ip("late")]
    found("delete", "service", "late")
    assert dig(found, f"late.{ZONE}") == []


def test_environment_names_the_services_that_exist(found):
    """N8: not the ones made later."""
    found.apply("apiVersion: v1\nkind: Service\nmetadata: {name: late}\nspec: {ports: [{port: 1}]}\n")
    found.apply(CLIENT % "second")
    first = found("exec", "client", "--", "env").splitlines()
    second = found("exec", "second", "--", "env").splitlines()
    ip = found.cluster_ip("redis-master")
    assert f"REDIS_MASTER_SERVICE_HOST={ip}" in second
    assert "REDIS_MASTER_SERVICE_PORT=6379" in second
    assert f"REDIS_MASTER_PORT_6379_TCP=tcp://{ip}:6379" in second
    assert not any(line.startswith("LATE_") for line in first)
    assert any(line.startswith("LATE_SERVICE_HOST=") for line in second)


@pytest.mark.parametrize("source", ["dns", "env"])
def test_guestbook(program, until, source):
    """The main job: written through a frontend to the master, read back from a slave, from outside (N5, N6, N7)."""
    program("up")
    program.apply(GUESTBOOK.read_text().replace('value: "dns"', f'value: "{source}"').replace("value: dns", f"value: {source}"))
    page = f"http://{program.node_ip('node-2')}:30080/guestbook.php"

    def ask(query: str) -> str:
        return program.run("exec", "outside", "--", "curl", "-s", "--max-time", "2", f"{page}?{query}").out

    until(lambda: "data" in ask("cmd=get&key=messages"))
    ask("cmd=set&key=messages&value=hello")
    until(lambda: "hello" in json.loads(ask("cmd=get&key=messages") or '{"data": ""}')["data"])
    assert "Running" in program("get", "pods")
    assert len(program.pods()) == 6
