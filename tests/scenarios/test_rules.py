"""`netlab rules` on a real lab: what the kernel has, beside the lines of the manifest, in both modes; and what was changed."""

from __future__ import annotations

import json
import os
import signal
import subprocess

import pytest

WEB = """
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec: {containers: [{name: main, image: host, command: [sleep, inf]}]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  type: NodePort
  selector: {app: web}
  ports:
    - port: 80
      nodePort: 30080
"""


@pytest.fixture(scope="module")
def web(module_program, tmp_path_factory):
    path = tmp_path_factory.mktemp("web") / "web.yaml"
    path.write_text(WEB)
    module_program("up", "--nodes", "2")
    module_program("apply", "-f", str(path))
    module_program("wait", "--for=condition=Ready", "pod/web")
    return module_program, path


def rules_of(lab, *more):
    return json.loads(lab("rules", "svc/web", "-o", "json", *more))["nodes"]


@pytest.mark.parametrize("mode", ["iptables", "nftables"])
def test_what_the_kernel_has_is_what_was_asked_for_beside_its_lines(web, mode):
    lab, path = web
    lab("proxy", "mode", mode)
    first, *others = rules_of(lab)
    assert (first["node"], first["mode"]) == ("node-1", mode)
    assert [*first["alike"], *(node["node"] for node in others)] == ["node-2"]  # a NodePort of nft is at the Node's address
    assert {rule["state"] for node in (first, *others) for rule in node["rules"]} == {"there"}
    [by_port] = [rule for rule in first["rules"] if rule["path"] == "spec.ports[0].nodePort" and "30080" in rule["text"]]
    assert by_port["written"] == {
        "file": str(path),
        "line": WEB.splitlines().index("      nodePort: 30080") + 1,
        "filledIn": False,
    }


def test_what_somebody_changed_by_hand_is_marked_until_it_is_repaired(web):
    lab, _ = web
    lab("proxy", "mode", "nftables")
    agent = json.loads(lab("status", "-o", "json"))["agent"]
    os.kill(agent, signal.SIGSTOP)  # or it repairs that before anybody looks
    try:
        nft = ["ip", "netns", "exec", f"{lab.lab}.node-2", "nft"]
        subprocess.run([*nft, "flush map inet netlab service-ips"], check=True)
        subprocess.run([*nft, 'add element inet netlab cluster-ips { 10.96.9.9 comment "default/web" }'], check=True)
        [node] = rules_of(lab, "--node", "node-2")
        changed = {
            (rule["name"], rule["text"].partition(" ")[0]): rule["state"] for rule in node["rules"] if rule["state"] != "there"
        }
        assert changed.pop(("cluster-ips", "10.96.9.9")) == "more"
        assert set(changed.values()) == {"missing"}
        assert {name for name, _ in changed} == {"service-ips"}
        assert "2 missing, 1 that nobody asked for" in lab.run("rules", "web", "--node", "node-2").err
    finally:
        os.kill(agent, signal.SIGCONT)
    lab("up")
    [node] = rules_of(lab, "--node", "node-2")
    assert {rule["state"] for rule in node["rules"]} == {"there"}


def test_a_service_without_an_address_has_one_line(web):
    lab, _ = web
    lab.apply("{apiVersion: v1, kind: Service, metadata: {name: bodiless}, spec: {clusterIP: None, ports: [{port: 80}]}}")
    assert lab("rules", "bodiless").splitlines() == [
        "Service default/bodiless is headless: the cluster DNS answers for it, and no Node has a rule."
    ]
