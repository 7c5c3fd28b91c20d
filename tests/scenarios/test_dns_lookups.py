"""`netlab dns` in a real lab: the search list is walked, the Pod behind kube-dns is named, and what is wrong has a name."""

from __future__ import annotations

import json

import pytest

MANIFEST = """
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec:
  nodeName: node-2
  containers: [{name: main, image: host, command: [sleep, inf]}]
  hostAliases: [{ip: 10.9.9.9, hostnames: [aliased]}]
---
apiVersion: v1
kind: Pod
metadata: {name: alone}
spec: {dnsPolicy: Default, containers: [{name: main, image: host, command: [sleep, inf]}]}
---
apiVersion: v1
kind: Pod
metadata: {name: quiet}
spec:
  dnsPolicy: None
  dnsConfig: {nameservers: [192.0.2.53], options: [{name: attempts, value: "1"}, {name: timeout, value: "1"}]}
  containers: [{name: main, image: host, command: [sleep, inf]}]
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{name: http, port: 80}]}
"""


@pytest.fixture(scope="module")
def web(module_program):
    module_program("up", "--nodes", "2")
    module_program.apply(MANIFEST)
    module_program("wait", "--for=condition=Ready", "pod", "web", "alone", "quiet")
    return module_program


def lookup(lab, *words, code=0):
    done = lab.run("dns", *words, "-o", "json")
    assert done.code == code, done.err
    return json.loads(done.out)


def test_the_search_list_is_walked_and_the_pod_behind_kube_dns_is_named(web):
    found = lookup(web, "web.default", "--from", "pod/web")
    assert [query["name"] for query in found["queries"]] == [
        "web.default.default.svc.cluster.local.",
        "web.default.svc.cluster.local.",
    ]
    assert [query["rcode"] for query in found["queries"]] == ["NXDOMAIN", "NOERROR"]
    assert found["data"] == [web.cluster_ip("web")]
    [dns] = web.pods("kube-dns", "kube-system")
    assert {query["answeredBy"] for query in found["queries"]} == {
        f"{dns['status']['podIP']} ({dns['metadata']['name']}.kube-system)"
    }
    assert {query["client"].partition(":")[0] for query in found["queries"]} == {web.pod_ip("web")}


def test_the_program_in_the_pod_gets_the_same(web):
    inside = web("exec", "web", "--", "python3", "-c", "import socket; print(socket.gethostbyname('web.default'))")
    assert lookup(web, "web.default", "--from", "web")["data"] == [inside.strip()]


def test_other_types_and_addresses(web):
    assert lookup(web, "_http._tcp.web.default.svc.cluster.local.", "--type", "SRV", "--from", "web")["data"] == [
        "0 100 80 web.default.svc.cluster.local."
    ]
    assert lookup(web, web.cluster_ip("web"), "--from", "web")["data"] == ["web.default.svc.cluster.local."]


@pytest.mark.parametrize("machine", ["node-1", "outside", "fabric"])
def test_only_pods_look_up(web, machine):
    done = web.run("dns", "web", "--from", machine)
    assert done.err == f"error: {machine} is no Pod, and only Pods ask the cluster DNS (for example --from pod/web)\n"


def test_hosts_comes_first_for_most_programs(web):
    assert lookup(web, "aliased", "--from", "web", code=1)["hosts"] == "10.9.9.9"


@pytest.mark.parametrize(
    ("words", "outcome"),
    [
        pytest.param(("web.svc.cluster.local.", "--from", "web"), "no such name", id="NXDOMAIN"),
        pytest.param(("example.com.", "--from", "web"), "refused", id="REFUSED"),
        pytest.param(("web", "--from", "alone"), "closed", id="no server in resolv.conf"),
        pytest.param(("web", "--from", "quiet", "--timeout", "0.1"), "unanswered", id="a server that is nowhere"),
    ],
)
def test_what_goes_wrong_has_a_name(web, words, outcome):
    found = lookup(web, *words, code=1)
    assert (found["outcome"], found["data"]) == (outcome, [])


def test_a_pod_that_has_no_network_says_so(web):
    web.apply(
        "{apiVersion: v1, kind: Pod, metadata: {name: nowhere}, spec: {nodeSelector: {no: node}, containers: [{name: a, image: host, command: [sleep, inf]}]}}"
    )
    done = web.run("dns", "web", "--from", "pod/nowhere")
    assert done.code == 1
    assert "pod/nowhere has no network now" in done.err


def test_without_endpoints_of_kube_dns_nobody_answers(web):
    web("scale", "deployment/kube-dns", "-n", "kube-system", "--replicas=0")
    web("wait", "--for=delete", "pod", "-l", "k8s-app=kube-dns", "-n", "kube-system")
    try:
        found = lookup(web, "web", "--from", "web", code=1)
        assert (found["outcome"], len(found["queries"])) == ("closed", 2)
    finally:
        web("scale", "deployment/kube-dns", "-n", "kube-system", "--replicas=1")
