"""The mode of load balancers changed in a lab that runs: who takes the packets, what a trace tells of it, and nothing is left."""

from __future__ import annotations

import json
import subprocess

import pytest

LAB = """
apiVersion: netlab/v1
kind: Lab
metadata: {name: %s}
spec:
  ipFamily: dual
  nodes: [{name: node-1}, {name: node-2}]
  loadBalancerIPMode: %s
"""
WEB = """
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec:
  terminationGracePeriodSeconds: 0
  nodeName: node-2
  containers:
  - name: main
    image: host
    command: [python3, -m, http.server, "8080", --bind, "::"]
    readinessProbe: {tcpSocket: {port: 8080}, periodSeconds: 1}
---
apiVersion: v1
kind: Pod
metadata: {name: client}
spec:
  terminationGracePeriodSeconds: 0
  nodeName: node-1
  containers: [{name: main, image: host, command: [sleep, infinity]}]
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  type: LoadBalancer
  ipFamilyPolicy: RequireDualStack
  externalTrafficPolicy: Local
  selector: {app: web}
  ports: [{port: 80, targetPort: 8080}]
"""


@pytest.fixture(scope="module")
def lab(module_program):
    up(module_program, "VIP")
    module_program.apply(WEB)
    module_program("wait", "--for=condition=Ready", "pod", "--all", "--timeout=60s")
    return module_program


@pytest.fixture
def proxied(lab):
    up(lab, "Proxy")
    return lab


def up(lab, mode: str) -> str:
    return lab("up", "-f", "-", stdin=LAB % (lab.lab, mode))


def ingress(lab) -> list[dict[str, str]]:
    return lab.json("service", "web")["status"]["loadBalancer"]["ingress"]


def passed(lab, source: str, *options: str) -> list[str]:
    """The machines whose rules translate a request to the load balancer, in their order, as a trace has seen it."""
    told = lab("trace", source, f"{ingress(lab)[0]['ip']}:80" if source != "outside" else "svc/web", *options)
    sentence = told.rpartition("\n")[2] or told.splitlines()[-1]
    assert sentence.startswith(f"answered: {source} reached web"), told
    assert "spec.ports[0].targetPort" in told, told  # the element by which the last of them found the Pod
    words = sentence.split()
    return [words[number - 1] for number, word in enumerate(words) if word == "made"]


def test_who_takes_the_packets_is_changed_while_the_lab_runs(lab):
    up(lab, "VIP")
    for mode in ("Proxy", "VIP"):
        before = {one["ip"] for one in ingress(lab)}
        assert "0 changes" not in up(lab, mode)
        assert "0 changes" in up(lab, mode)
        assert {one["ip"]: one["ipMode"] for one in ingress(lab)} == dict.fromkeys(before, mode)
        assert lab("describe", "service", "web").count(f"({mode})") == len(before) == 2
        passing = passed(lab, "outside")
        assert ("outside" in passing) == (mode == "Proxy"), passing
        outside = (
            lab("exec", "outside", "--", "nft", "list", "tables"),
            lab("exec", "outside", "--", "sysctl", "-n", "net.ipv4.ip_forward"),
        )
        assert outside == (("table inet netlab\n", "1\n") if mode == "Proxy" else ("", "0\n"))


@pytest.mark.parametrize("family", ["-4", "-6"])
def test_a_request_from_outside_is_told_from_the_load_balancer_to_the_pod(proxied, family):
    assert passed(proxied, "outside", family) == ["outside", "outside", "node-2"]


def test_a_pod_gets_there_by_way_of_the_load_balancer(proxied):
    assert passed(proxied, "client") == ["node-1", "outside", "outside", "node-2"]


def test_the_rules_of_the_load_balancer_are_shown_with_their_reasons(proxied):
    _, _, page = proxied("rules", "svc/web").partition("Service default/web on outside, its load balancer\n")
    assert "node/node-2" in page
    assert "spec.externalTrafficPolicy" in page
    assert proxied("rules", "svc/web", "--node", "outside").count("Service default/web on ") == 1


def test_its_connections_are_listed_with_those_of_the_nodes(proxied):
    passed(proxied, "outside")
    assert any("svc/web" in line for line in proxied("conntrack", "outside").splitlines())


@pytest.mark.parametrize(
    ("words", "reason", "message"),
    [
        ("nft flush ruleset", "RulesRepaired", "outside: table inet netlab was deleted by hand"),
        ("ip addr flush dev lo scope global", "NetworkRepaired", "outside: 4 addresses were changed by hand"),
    ],
)
def test_what_somebody_changes_there_by_hand_is_put_right_and_told(proxied, words, reason, message):
    subprocess.run(["ip", "netns", "exec", f"{proxied.lab}.outside", *words.split()], check=True)
    assert "0 changes" not in proxied("up")
    assert passed(proxied, "outside") == ["outside", "outside", "node-2"]
    events = json.loads(proxied("events", "--for", f"lab/{proxied.lab}", "-o", "json"))["items"]
    assert (reason, message) in [(event["reason"], event["message"]) for event in events]


def test_when_the_endpoint_goes_the_load_balancer_refuses(proxied):
    """And a stopped machine leaves it: this Node is the only one with an endpoint."""
    proxied("node", "stop", "node-2")
    try:
        done = proxied.run("trace", "outside", "svc/web")
        assert done.code == 1
        assert "refused" in done.out, done.out
    finally:
        proxied("node", "start", "node-2")
        proxied("wait", "--for=condition=Ready", "pod", "--all", "--timeout=60s")
