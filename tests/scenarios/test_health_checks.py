"""What a load balancer asks the Nodes before it sends them packets, with curl from outside: healthCheckNodePort, and 10256."""

from __future__ import annotations

import json
import os
import signal
import subprocess

import pytest

from netlab.engine import agent
from netlab.store.paths import LabPaths

PORT = 30900
POD = """
apiVersion: v1
kind: Pod
metadata: {name: %s, labels: {app: web}}
spec:
  nodeName: %s
  terminationGracePeriodSeconds: 600
  containers:
  - name: main
    image: host
    command: [sh, -c, 'trap "" TERM; touch /tmp/ready; exec python3 -m http.server 8080']
    readinessProbe: {exec: {command: [test, -e, /tmp/ready]}, periodSeconds: 1}
"""
SERVICE = """
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  type: LoadBalancer
  externalTrafficPolicy: Local
  healthCheckNodePort: 30900
  selector: {app: web}
  ports: [{port: 80, targetPort: 8080}]
"""


def curl(lab, node: str, path: str = "/", port: int = PORT) -> tuple[int, str]:
    """The status and the body, or the exit code of curl and nothing."""
    url = f"http://{lab.node_ip(node)}:{port}{path}"
    done = lab.run("exec", "outside", "--", "curl", "-s", "-m", "5", "-w", "\n%{http_code}", url)
    body, _, status = done.out.rpartition("\n")
    return (int(status), body) if done.code == 0 else (done.code, "")


def counts(lab) -> dict[str, tuple[int, int]]:
    """Status and number of endpoints that each Node answers."""
    found = {}
    for node in ("node-1", "node-2"):
        status, body = curl(lab, node)
        found[node] = status, json.loads(body)["localEndpoints"] if body else -1
    return found


@pytest.fixture
def web(lab, until):
    lab.apply("---".join((POD % ("one", "node-1"), SERVICE)))
    until(lambda: counts(lab) == {"node-1": (200, 1), "node-2": (503, 0)})
    return lab


def test_the_answer_is_that_of_kube_proxy(web):
    url = f"http://{web.node_ip('node-1')}:{PORT}/"
    head, _, body = web("exec", "outside", "--", "curl", "-si", url).replace("\r", "").partition("\n\n")
    assert {"Content-Type: application/json", "X-Content-Type-Options: nosniff", "X-Load-Balancing-Endpoint-Weight: 1"} <= set(
        head.splitlines()
    )
    said = {"service": {"namespace": "default", "name": "web"}, "localEndpoints": 1, "serviceProxyHealthy": True}
    assert json.loads(body) == said


def test_the_answers_follow_the_pods(web, until):
    web.apply(POD % ("two", "node-2"))
    until(lambda: counts(web) == {"node-1": (200, 1), "node-2": (200, 1)})
    web("delete", "pod", "one", "--force", "--grace-period=0")
    until(lambda: counts(web) == {"node-1": (503, 0), "node-2": (200, 1)})
    web("delete", "service", "web")
    until(lambda: curl(web, "node-2")[0] == 7)  # connection refused


def test_an_endpoint_that_terminates_serves_and_is_not_counted(web, until):
    web("delete", "pod", "one", "--wait=false")
    until(lambda: counts(web)["node-1"] == (503, 0))
    node_port = web.json("service", "web")["spec"]["ports"][0]["nodePort"]
    assert curl(web, "node-1", port=node_port)[0] == 200
    web("delete", "pod", "one", "--force", "--grace-period=0")


def test_a_killed_agent_answers_nobody_and_the_next_one_does(web, until):
    pid = agent.agent_pid(LabPaths(web.lab))
    os.kill(pid, signal.SIGKILL)
    url = f"http://{web.node_ip('node-1')}:{PORT}/"
    ask = ["ip", "netns", "exec", f"{web.lab}.outside", "curl", "-s", "-m", "5", url]  # no command that starts an agent
    until(lambda: subprocess.run(ask, check=False, capture_output=True).returncode == 7)
    web("status")
    until(lambda: counts(web) == {"node-1": (200, 1), "node-2": (503, 0)})
    assert agent.agent_pid(LabPaths(web.lab)) != pid


def test_a_machine_that_stops_and_starts(web, until):
    web("node", "stop", "node-1")
    until(lambda: curl(web, "node-1")[0] not in {200, 503})
    web("node", "start", "node-1")
    until(lambda: curl(web, "node-1")[0] == 200)


def test_the_rules_of_every_node_are_kept(lab, until):
    for node in ("node-1", "node-2"):
        until(lambda node=node: curl(lab, node, "/healthz", 10256)[0] == 200)
        found = json.loads(curl(lab, node, "/healthz", 10256)[1])
        assert found.keys() == {"lastUpdated", "currentTime", "nodeEligible"}
    lab("taint", "node", "node-1", "ToBeDeletedByClusterAutoscaler=now:NoSchedule")
    until(lambda: curl(lab, "node-1", "/healthz", 10256)[0] == 503)
    assert curl(lab, "node-1", "/livez", 10256)[0] == 200
    assert curl(lab, "node-2", "/healthz", 10256)[0] == 200


def test_a_port_that_somebody_else_has_is_an_event(lab, until):
    """A Pod in the Node's network listens there first."""
    lab.apply(
        """
apiVersion: v1
kind: Pod
metadata: {name: first}
spec:
  nodeName: node-1
  hostNetwork: true
  terminationGracePeriodSeconds: 0
  containers:
  - {name: main, image: host, command: [python3, -m, http.server, "30900"], readinessProbe: {tcpSocket: {port: 30900}, periodSeconds: 1}}
"""
    )
    until(lambda: lab.run("wait", "--for=condition=Ready", "pod/first", "--timeout=5s").code == 0)
    lab.apply(SERVICE)
    said = 'node node-1 failed to start healthcheck "default/web" on port 30900'
    until(lambda: said in lab("describe", "service", "web"))
    until(lambda: curl(lab, "node-2")[0] == 503)
    lab("delete", "pod", "first")
    until(lambda: curl(lab, "node-1")[0] == 503)
