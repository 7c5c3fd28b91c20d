"""`describe` and `events` on a real lab: what they say is what Linux has."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest

WEB = """
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec:
  containers:
  - {name: main, image: host, command: [sleep, infinity], ports: [{name: http, containerPort: 8080}]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  type: NodePort
  selector: {app: web}
  ports: [{port: 80, targetPort: http, nodePort: 30080}]
"""


@pytest.fixture(scope="module")
def shop(module_program):
    module_program("up", "--nodes", "2")
    module_program.apply(WEB)
    module_program("wait", "pod/web", "--for=condition=Ready", "--timeout=60s")
    return module_program


def section(page: str, title: str) -> list[str]:
    """The lines below a title."""
    lines = iter(page.splitlines())
    for line in lines:
        if line.startswith(f"{title}:"):
            break
    found = []
    for line in lines:
        if not line.startswith(" "):
            return found
        found.append(line.strip())
    return found


def test_the_status_counts_the_objects_that_are_listed(shop):
    objects = json.loads(shop("status", "-o", "json"))["objects"]
    objects.pop("events", None)
    assert {"endpoints", "endpointslices", "services", "pods", "nodes"} <= objects.keys()
    assert {kind: len(json.loads(shop("get", kind, "-A", "-o", "json"))["items"]) for kind in objects} == objects


def test_rules_of_a_service_are_in_the_table_of_every_node(shop, until):
    until(lambda: "goto service-1" in shop("exec", "node-1", "--", "nft", "list", "table", "inet", "netlab"))
    rules = [line.partition(":  ")[2].strip() or line for line in section(shop("describe", "svc", "web"), "Rules")]
    assert any("goto service-1" in rule for rule in rules)
    assert any("30080" in rule for rule in rules)
    for node in ("node-1", "node-2"):
        table = " ".join(shop("exec", node, "--", "nft", "list", "table", "inet", "netlab").split())
        table = table.replace(' comment "default/web"', "")
        own = (rule.replace(shop.node_ip("node-1"), shop.node_ip(node)) for rule in rules)  # NodePorts are at its address
        assert not [rule for rule in own if rule not in table]


@pytest.mark.parametrize("subject", ["pod/web", "node/node-2"])
def test_links_addresses_and_routes_are_those_of_the_namespace(shop, subject):
    name = subject.partition("/")[2]
    lines = section(shop("describe", subject), "Network Namespace")
    assert lines
    addresses = shop("exec", name, "--", "ip", "-o", "-4", "address")
    routes = shop("exec", name, "--", "ip", "-4", "route")
    links = shop("exec", name, "--", "ip", "-o", "link")
    for line in lines:
        word, first, *more = line.split()
        if word == "link":
            assert f" {first}" in links
            assert more[more.index("address") + 1] in links
        else:
            assert f"{first} " in (addresses if word == "address" else routes), line


def test_events_stream_as_they_happen(shop, until):
    words = [sys.executable, "-m", "netlab", "events", "-w", "-o", "json", "--lab", shop.lab, "--for", "pod/late"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, start_new_session=True) as watching:
        try:
            shop.apply(WEB.partition("---")[0].replace("name: web,", "name: late,").replace("app: web", "app: late"))
            found = [json.loads(watching.stdout.readline()) for _ in range(2)]
        finally:
            os.killpg(watching.pid, signal.SIGINT)
        assert watching.wait(60) == 130
    assert [event["reason"] for event in found] == ["Scheduled", "Started"]
    assert {event["involvedObject"]["name"] for event in found} == {"late"}
    listed = shop.json("events", "--field-selector", "involvedObject.name=late,reason=Started")["items"]
    assert listed == found[1:]


def test_description_ends_with_what_happened(shop):
    page = shop("describe", "pod", "we")
    assert "Successfully assigned default/web to " in page.partition("\nEvents:\n")[2]
    assert "Events:" not in shop("describe", "pod", "web", "--show-events=false")
