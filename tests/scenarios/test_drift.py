"""What somebody else does to a Node is told on the Node: rules changed by hand, a table of connections that is full."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from netlab.engine.agent import wake_agent
from netlab.store.paths import LabPaths

MOST_ENTRIES = 300_000  # of which a test can fill all: a tenth of a gigabyte of the kernel's memory
# One packet to each of so many addresses and ports of the loopback: nobody answers, every one is a connection of its own.
FILL = """
import socket, sys
end = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
end.bind(("127.0.0.1", 0))
for n in range(int(sys.argv[1])):
    try: end.sendto(b"", (f"127.1.{n >> 15 & 255}.1", 1024 + (n & 32767)))
    except OSError: pass
"""


def in_node(lab, *words, **more):
    """Run a command in the first Node without netlab, which would start an agent."""
    return subprocess.run(
        ["ip", "netns", "exec", f"{lab.lab}.node-1", *words], check=True, capture_output=True, text=True, **more
    )


def events_of(lab, reason: str) -> list[tuple[str, str]]:
    return [
        (event["involvedObject"]["name"], event["message"])
        for event in lab.json("events", "-A")["items"]
        if event["reason"] == reason
    ]


@pytest.mark.parametrize(
    ("words", "reason", "message"),
    [
        pytest.param("nft flush ruleset", "RulesRepaired", "table inet netlab was deleted by hand", id="flush ruleset"),
        pytest.param(
            "nft add rule inet netlab services drop", "RulesRepaired", "table inet netlab: 1 rule was changed by hand", id="a rule"
        ),
        pytest.param("ip route del 10.244.2.0/24", "NetworkRepaired", "1 route was changed by hand", id="a route"),
    ],
)  # fmt: skip
def test_changed_by_hand_repaired_and_told(lab, words, reason, message):
    in_node(lab, *words.split())
    lab("up")
    assert "0 changes" in lab("up")
    assert events_of(lab, reason) == [("node-1", message)]
    assert message in lab("describe", "node", "node-1")
    assert message in lab("get", "events")


WEB = """
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
spec: {type: NodePort, selector: {app: web}, ports: [{port: 80}]}
"""


def test_the_agent_finds_it_too_and_ordinary_changes_are_not_told(lab, until):
    lab.apply(WEB)
    lab("delete", "-f", "-", stdin=WEB)
    assert events_of(lab, "RulesRepaired") == events_of(lab, "NetworkRepaired") == []
    in_node(lab, "nft", "flush", "ruleset")
    wake_agent(LabPaths(lab.lab))
    until(lambda: events_of(lab, "RulesRepaired"))
    assert "netlab" in in_node(lab, "nft", "list", "tables").stdout


def test_a_full_table_of_connections_is_said(lab, until):
    limit = int(Path("/proc/sys/net/netfilter/nf_conntrack_max").read_text())
    if not 0 < limit <= MOST_ENTRIES:
        pytest.skip(f"the table has room for {limit} connections")
    assert "conntrack" not in lab("status")
    in_node(lab, "python3", "-c", FILL, str(limit + limit // 8))
    wake_agent(LabPaths(lab.lab))
    until(lambda: events_of(lab, "ConntrackFull"))
    [(node, message)] = events_of(lab, "ConntrackFull")
    assert (node, f"room for {limit} connections" in message) == ("node-1", True)
    [line] = [line for line in lab("status").splitlines() if line.startswith("conntrack")]
    assert "node-1: " in line
