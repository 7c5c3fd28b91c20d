"""`netlab conntrack` with real connections: their list with names, and their timeline while endpoints come and go."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time

import pytest

DEADLINE_S = 60.0
MANIFEST = """
apiVersion: v1
kind: Pod
metadata: {name: %s, labels: {app: web}}
spec:
  nodeName: node-2
  terminationGracePeriodSeconds: 0
  containers: [{name: c, image: host, command: [python3, -c, "%s"]}]
"""
SERVER = (
    "import socket; u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); u.bind(('', 5000)); print('ready', flush=True); "
    "[u.sendto(b'yes', u.recvfrom(99)[1]) for _ in iter(int, 1)]"
)
REST = """
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {clusterIP: 10.96.0.80, selector: {app: web}, ports: [{port: 80, targetPort: 5000, protocol: UDP}]}
---
apiVersion: v1
kind: Pod
metadata: {name: client}
spec:
  nodeName: node-1
  terminationGracePeriodSeconds: 0
  containers: [{name: c, image: host, command: [sleep, infinity]}]
"""
ASK = (
    "import socket; u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); u.bind(('', 4444)); u.settimeout(20); "
    "u.sendto(b'?', ('10.96.0.80', 80)); print(u.recv(9))"
)


@pytest.fixture
def talking(lab, until):
    lab.apply(MANIFEST % ("first", SERVER) + "---" + REST)
    lab("wait", "--for=condition=Ready", "pod/first", "pod/client", "--timeout=60s")
    until(lambda: "ready" in lab.run("logs", "first").out)
    for node in ("node-1", "node-2"):  # no flow goes by itself while somebody waits for its end
        for kind in ("udp_timeout", "udp_timeout_stream"):
            lab("exec", node, "--", "sysctl", "-qw", f"net.netfilter.nf_conntrack_{kind}=3600")
    return lab


def ask(lab):
    assert lab("exec", "client", "--", "python3", "-c", ASK) == "b'yes'\n"


def test_connections_have_names(talking):
    assert talking.run("conntrack", "svc/web").err == "No connections found.\n"
    ask(talking)
    heading, *rows = (line.split("   ") for line in talking("conntrack", "svc/web").splitlines())
    assert [cell.strip() for cell in heading if cell] == [
        "NODE",
        "PROTO",
        "STATE",
        "SOURCE",
        "DESTINATION",
        "ENDPOINT",
        "SEEN AS",
    ]
    (cells,) = [[cell.strip() for cell in row if cell.strip()] for row in rows]
    client, first = talking.pod_ip("client"), talking.pod_ip("first")
    assert cells == [
        "node-1", "udp", "ANSWERED", f"{client}:4444 (client)", "10.96.0.80:80 (svc/web)", f"{first}:5000 (first)", "<none>",
    ]  # fmt: skip
    found = [json.loads(line) for line in talking("conntrack", "pod/first", "-o", "json").splitlines()]
    assert [(one["node"], one["destinationTranslated"]) for one in found] == [("node-1", True), ("node-2", False)]
    assert found[0]["original"]["destinationName"] == "svc/web"
    assert found[0]["reply"]["sourceName"] == "first"
    assert not found[0]["stale"]
    assert {line.split()[0] for line in talking("conntrack", "node-2").splitlines()[1:]} == {"node-2"}


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("svc/nobody", 'Error from server (NotFound): services "nobody" not found'),
        ("outside", "error: outside tracks no connections"),
    ],
)
def test_what_has_no_connections_is_said(lab, word, message):
    done = lab.run("conntrack", word)
    assert done.code == 1
    assert done.err.startswith(message)


def test_the_timeline_of_a_flow_whose_endpoint_goes(talking, until):
    command = [sys.executable, "-m", "netlab", "conntrack", "--lab", talking.lab, "-w", "svc/web"]
    with subprocess.Popen([*command, "-o", "json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as watch:
        try:
            said: list[dict] = []
            assert watch.stderr.readline() == b"watching; Ctrl-C ends\n"
            ask(talking)
            read_until(watch, said, lambda: said and said[-1]["change"] == "refreshed")
            assert [one["change"] for one in said] == ["translated", "refreshed"]
            assert said[0]["detail"] == f"DNAT to {talking.pod_ip('first')}:5000 (first)"
            talking.apply(MANIFEST % ("second", SERVER))
            until(lambda: "ready" in talking.run("logs", "second").out)
            talking("delete", "pod", "first", "--now")
            read_until(watch, said, lambda: said[-1]["change"] == "gone")
            assert {one["change"] for one in said[2:]} <= {"refreshed", "stale", "gone"}
            ask(talking)
            read_until(watch, said, lambda: said[-1]["change"] == "refreshed")
            assert said[-2]["detail"] == f"DNAT to {talking.pod_ip('second')}:5000 (second)"
        finally:
            watch.kill()


def read_until(watch, said, condition):
    end = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < end, said
        read(watch, said, 0.5)


def read(watch, said, timeout_s):
    ready, _, _ = select.select([watch.stdout], [], [], timeout_s)
    if ready:
        said += [one for line in os.read(watch.stdout.fileno(), 1 << 20).splitlines() if "change" in (one := json.loads(line))]
