"""Machines that die and come back, and Nodes that are emptied with care, with real traffic through a Service."""

from __future__ import annotations

import json
import os
import random
import re
import signal
from pathlib import Path

import pytest

from netlab.engine import agent
from netlab.store.paths import LabPaths

DRIVER = str(Path(__file__).with_name("crash_driver.py"))
KILLED = -9
SERVE = (
    "import os,socket; s=socket.create_server(('',8080)); print('ready',flush=True)\n"
    "while True:\n c,_=s.accept(); c.sendall(os.uname().nodename.encode()); c.close()"
)
# Requests side by side, each with a draw of its own: all of 40 would draw the same of two endpoints once in 10^11 runs.
# Prints who answered each, or `-` for nobody within so many seconds.
ASK = """
import asyncio, sys
async def ask():
    reader, writer = await asyncio.open_connection(sys.argv[1], 80)
    return (await reader.read(99)).decode()
async def main():
    asked = [asyncio.create_task(ask()) for _ in range(40)]
    _, late = await asyncio.wait(asked, timeout=float(sys.argv[2]))
    print(*("-" if one in late or one.exception() else one.result() for one in asked))
asyncio.run(main())
"""
POD = """
apiVersion: v1
kind: Pod
metadata: {name: %(name)s, labels: {app: %(app)s}}
spec:
  terminationGracePeriodSeconds: 0
  nodeName: %(node)s
  containers: [{name: main, image: host, command: [python3, -c, %(program)s]}]
---
"""
SERVICE = """
apiVersion: v1
kind: Service
metadata: {name: echo}
spec: {selector: {app: echo}, ports: [{port: 80, targetPort: 8080}]}
"""
IMPATIENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 4
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 1
      tolerations:
      - {key: node.kubernetes.io/unreachable, operator: Exists, effect: NoExecute, tolerationSeconds: 2}
      containers: [{name: main, image: host, command: [sleep, infinity]}]
"""


def pod(name: str, node: str, app: str, program: str) -> str:
    return POD % {"name": name, "node": node, "app": app, "program": json.dumps(program)}


@pytest.fixture
def echo(lab, until):
    """Servers on both Nodes behind one Service, and a client on the first Node."""
    servers = pod("one", "node-1", "echo", SERVE) + pod("two", "node-2", "echo", SERVE)
    lab.apply(servers + pod("client", "node-1", "client", "import signal; signal.pause()") + SERVICE)
    for name in ("one", "two"):
        until(lambda name=name: "ready" in lab.run("logs", name).out)
    return lab


def answers(lab, patience_s: float = 20.0) -> set[str]:
    """Who answered; `-` for requests that failed."""
    return set(lab("exec", "client", "--", "python3", "-c", ASK, lab.cluster_ip("echo"), str(patience_s)).split())


def words(lab, *kinds: str) -> dict[str, str]:
    """STATUS by name."""
    rows = [line.split() for line in lab("get", ",".join(kinds or ("pods",)), "--no-headers").splitlines() if line]
    return {row[0]: row[2] if "/" in row[1] and row[1][0].isdigit() else row[1] for row in rows}


def netns(lab) -> set[str]:
    return {name.partition(".")[2] for name in os.listdir("/run/netns") if name.startswith(f"{lab.lab}.")}


def test_requests_to_a_dead_machine_fail_until_the_control_plane_notices(echo, until):
    assert answers(echo) == {"one", "two"}
    echo("node", "stop", "node-2", "--notice-after", "1h")
    assert answers(echo, patience_s=3.0) == {"one", "-"}
    assert words(echo)["two"] == "Running"
    echo("node", "start", "node-2")
    until(lambda: answers(echo) == {"one", "two"})  # its server has no probe: it runs before it listens
    echo("node", "stop", "node-2", "--notice-after", "0s")
    assert answers(echo) == {"one"}
    assert (words(echo)["two"], words(echo, "nodes")["node-2"]) == ("Unknown", "NotReady")
    echo("node", "start", "node-2")
    until(lambda: answers(echo) == {"one", "two"})
    [status] = echo.json("pod", "two")["status"]["containerStatuses"]
    assert (status["restartCount"], status["lastState"]["terminated"]["exitCode"]) == (2, 137)


def test_a_dead_machine_has_no_process_and_no_network_and_answers_nobody(echo, processes):
    uid = echo.json("pod", "two")["metadata"]["uid"]
    assert any(uid in line for line in processes(echo.lab))
    echo("node", "stop", "node-2")
    assert {"node-2", "default.two"}.isdisjoint(netns(echo))
    assert not any(uid in line for line in processes(echo.lab))
    assert "node-2" not in echo("exec", "fabric", "--", "ip", "-br", "link")
    for verb, *args in (("exec", "two", "--", "true"), ("logs", "two"), ("exec", "node-2", "--", "true"), ("shell", "node-2")):
        done = echo.run(verb, *args)
        assert (done.code, "`netlab node start node-2`" in done.err) == (1, True)
    assert "0 changes" in echo("up")
    assert "node-2" in echo("get", "nodes")
    [row] = [line.split() for line in echo("top", "nodes").splitlines() if line.startswith("node-2")]
    assert set(row[1:]) == {"<unknown>"}


def test_the_agent_notices_and_evicts_although_it_is_killed_again_and_again(lab, until):
    """Law 3: what is decided is decided from stored times, by whoever looks next."""
    lab.apply(IMPATIENT)
    lab("wait", "--for=condition=Available", "deployment/web", "--timeout=60s")
    moments = random.Random(7)
    lab("node", "stop", "node-2", "--notice-after", "1s")

    def is_done():
        if moments.random() < 0.3 and (pid := agent.agent_pid(LabPaths(lab.lab))):
            os.kill(pid, signal.SIGKILL)
        found = words(lab)  # starts the agent again
        return sorted(found.values()) == ["Running"] * 4 + ["Terminating"] * 2

    until(is_done, deadline_s=35)  # an agent that was not told to notice sooner does so after 40 s
    alive = [one for one in lab.pods("web") if "deletionTimestamp" not in one["metadata"]]
    assert {one["spec"]["nodeName"] for one in alive} == {"node-1"}
    lab("node", "start", "node-2")
    until(lambda: sorted(words(lab).values()) == ["Running"] * 4)
    assert "0 changes" in lab("up")


def steps_of(lab, *args: str) -> int:
    done = lab.run(*args, driver=(DRIVER, "0"))
    assert done.code == 0, done.err
    return int(re.search(r"steps=(\d+)", done.err)[1])


@pytest.mark.parametrize(("verb", "back", "stride"), [("stop", "start", 1), ("start", "stop", 5)])
def test_a_switch_killed_at_any_step(echo, verb, back, stride):
    """Law 3."""
    if verb == "start":
        echo("node", back, "node-2")
    total = steps_of(echo, "node", verb, "node-2")
    assert total > 3
    for step in range(1, total + 1, stride):
        echo("node", back, "node-2")
        done = echo.run("node", verb, "node-2", driver=(DRIVER, str(step)))
        assert done.code in {KILLED, 0}, done.err
        echo("node", verb, "node-2")
        assert ("node-2" in netns(echo)) is (verb == "start"), f"after a kill at step {step}"
        assert "0 changes" in echo("up"), f"after a kill at step {step}"


def test_down_with_a_dead_machine_leaves_nothing(echo, snapshot):
    echo("node", "stop", "node-2", "--notice-after", "0s")
    assert "0 objects left" in echo("down")
    assert echo.lab not in snapshot()["files"]
    echo("up", "--nodes", "1")  # a new lab of that name knows nothing of it
    assert words(echo, "nodes") == {"node-1": "Ready"}


def test_a_drained_node_is_empty_and_stays_so(lab):
    lab.apply(IMPATIENT)
    lab("wait", "--for=condition=Available", "deployment/web", "--timeout=60s")
    before = {one["metadata"]["name"] for one in lab.pods("web") if one["spec"]["nodeName"] == "node-2"}
    assert before
    said = lab("drain", "node-2", "--timeout=60s").splitlines()
    evicted = sorted(f"pod/{name} evicted" for name in before)
    assert said[0] == "node/node-2 cordoned"
    assert sorted(line for line in said if line.endswith(" evicted")) == evicted
    assert said[-1] == "node/node-2 drained"
    assert {one["spec"]["nodeName"] for one in lab.pods("web")} == {"node-1"}
    assert words(lab, "nodes")["node-2"] == "Ready,SchedulingDisabled"
    lab("scale", "deployment/web", "--replicas=6")
    assert {one["spec"]["nodeName"] for one in lab.pods("web")} == {"node-1"}
    lab("uncordon", "node-2")
    lab("scale", "deployment/web", "--replicas=8")
    assert {one["spec"]["nodeName"] for one in lab.pods("web")} == {"node-1", "node-2"}


def test_a_drain_does_not_wait_longer_than_it_is_told(lab, until):
    stubborn = "import signal; signal.signal(15, signal.SIG_IGN); print('ready', flush=True); signal.pause()"
    lab.apply(pod("stubborn", "node-2", "x", stubborn).replace("PeriodSeconds: 0", "PeriodSeconds: 60"))
    until(lambda: "ready" in lab.run("logs", "stubborn").out)
    done = lab.run("drain", "node-2", "--force", "--timeout=1s")
    assert done.code == 1
    late = 'error when waiting for pod "stubborn" in namespace "default" to terminate: global timeout reached: 1s'
    assert f'error: unable to drain node "node-2" due to error: {late}, continuing command...' in done.err
    lab("drain", "node-2", "--force", "--grace-period=0", "--timeout=60s")
    assert lab.pods() == []


def test_no_execute_drives_pods_from_a_node(echo, until):
    echo("taint", "nodes", "node-2", "maintenance:NoExecute")
    until(lambda: "two" not in words(echo))
    assert answers(echo) == {"one"}
    assert "TaintManagerEviction" in echo("events", "--for", "pod/two")
    assert "maintenance:NoExecute" in echo("describe", "node", "node-2")
    echo("taint", "nodes", "node-2", "maintenance-")
    echo.apply(pod("two", "node-2", "echo", SERVE))
    until(lambda: answers(echo) == {"one", "two"})
