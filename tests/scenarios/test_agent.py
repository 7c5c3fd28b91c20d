"""The agent: what must happen later happens without a command, and its death changes nothing for Pods."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from netlab.engine import agent
from netlab.store.paths import LabPaths

POD = """
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec:
  terminationGracePeriodSeconds: 0
  containers: [{name: main, image: host, command: [sleep, infinity]}]
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
"""


def agent_pid(lab) -> int:
    """The agent after one more command, which starts it if it is dead."""
    lab.run("status")
    return agent.agent_pid(LabPaths(lab.lab)) or 0


def main_pid(lab) -> int:
    """The machine's pid of the `sleep` of the Pod."""
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and f"/netlab/{lab.lab}/" in (entry / "cgroup").read_text():
                if (entry / "cmdline").read_bytes().startswith(b"sleep\0"):
                    return int(entry.name)
        except OSError:
            continue
    return 0


def test_killed_container_is_restarted_by_the_agent(lab, until):
    lab.apply(POD)
    pid = until(lambda: main_pid(lab))  # crun's child becomes the program when crun has ended
    os.kill(pid, signal.SIGKILL)
    until(lambda: main_pid(lab) not in {0, pid})
    until(lambda: lab.pods()[0]["status"]["containerStatuses"][0]["restartCount"] == 1)


def test_next_command_starts_a_dead_agent_again(lab, until):
    lab.apply(POD)
    first, web = agent_pid(lab), until(lambda: main_pid(lab))
    os.kill(first, signal.SIGKILL)
    until(lambda: not Path(f"/proc/{first}").exists() or "Z" in Path(f"/proc/{first}/stat").read_text().rpartition(")")[2])
    assert main_pid(lab) == web
    until(lambda: agent_pid(lab) not in {0, first})
    assert main_pid(lab) == web


def test_pod_whose_network_namespace_was_deleted_gets_a_new_one_with_its_processes(lab, until):
    lab.apply(POD)
    ip = lab.pod_ip("web")
    subprocess.run(["ip", "netns", "del", f"{lab.lab}.default.web"], check=True)
    lab("up")
    assert ip in lab("exec", "web", "--", "ip", "-o", "addr")
    assert lab.run("exec", "node-1", "--", "ping", "-c", "1", "-w", "30", ip).code == 0
    assert lab.pod_ip("web") == ip


@pytest.mark.parametrize(
    "damage",
    [
        "ip netns del {lab}.node-1",
        "ip netns del {lab}.fabric",
        "ip -n {lab}.node-1 link del cni0",
        "ip -n {lab}.fabric link del fabric0",
        "ip -n {lab}.default.web link set eth0 down",
        "ip -n {lab}.default.web addr flush dev eth0",
        "ip -n {lab}.node-1 addr flush dev eth0",
        "ip -n {lab}.node-1 route flush table main",
        "ip -n {lab}.outside route flush table main",
        "ip netns exec {lab}.node-1 nft flush ruleset",
        "ip netns exec {lab}.node-1 nft add rule inet netlab services drop",
        "ip netns exec {lab}.node-1 sysctl -qw net.ipv4.ip_forward=0",
        "ip -n {lab}.node-1 link set eth0 mtu 1300",
    ],
)
def test_next_command_repairs_any_damage(lab, damage):
    """From outside through the other Node to the Pod: the way is whole again after one command, and the second finds nothing."""
    lab.apply(
        POD.replace("[sleep, infinity]", "[python3, -m, http.server, '8080']").replace(
            "spec: {selector", "spec: {type: NodePort, selector"
        )
    )
    port = lab.json("service", "web")["spec"]["ports"][0]["nodePort"]
    subprocess.run(["sh", "-c", damage.format(lab=lab.lab)], check=True)
    lab("up")
    assert "0 changes" in lab("up")
    page = f"http://{lab.node_ip('node-2')}:{port}/"
    lab(
        "exec",
        "outside",
        "--",
        "curl",
        "-s",
        "-o",
        "/dev/null",
        "--retry",
        "20",
        "--retry-connrefused",
        "--retry-delay",
        "1",
        page,
    )


def test_agent_repairs_what_was_changed_by_hand(lab, until):
    lab.apply(POD)
    node = f"{lab.lab}.node-1"
    subprocess.run(["ip", "netns", "exec", node, "nft", "flush", "chain", "inet", "netlab", "nat-prerouting"], check=True)
    subprocess.run(["ip", "-n", node, "link", "set", "cni0", "down"], check=True)

    def repaired() -> bool:
        rules = subprocess.run(
            ["ip", "netns", "exec", node, "nft", "list", "chain", "inet", "netlab", "nat-prerouting"],
            capture_output=True,
            text=True,
            check=False,
        ).stdout
        link = subprocess.run(["ip", "-n", node, "link", "show", "cni0"], capture_output=True, text=True, check=False).stdout
        return "jump services" in rules and ",UP" in link

    until(repaired)
