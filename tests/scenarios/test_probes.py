"""Probes of real programs: who gets traffic, who is restarted, and that neither depends on the agent's life."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

from netlab.engine.agent import agent_pid
from netlab.store.paths import LabPaths

SERVICE = """
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
---
"""
POD = """
apiVersion: v1
kind: Pod
metadata: {name: NAME, labels: {app: web}}
spec:
  terminationGracePeriodSeconds: GRACE
  containers:
  - name: main
    image: host
    command: COMMAND
    workingDir: /tmp
    PROBES
---
"""
WEB = '[sh, -c, "hostname > name; touch ok; exec python3 -m http.server 80"]'
GRPC_SERVER = Path(__file__).parents[1] / "grpc_health_server.py"
REDIS = "[redis-server, --save, '']"


def a_pod(name, command, *, grace_s=5, **probes):
    """`liveness="{tcpSocket: ...}"`; asked every second unless it says otherwise."""
    lines = "\n    ".join(f"{kind}Probe: {text[:-1]}, periodSeconds: 1}}" for kind, text in probes.items())
    return POD.replace("NAME", name).replace("GRACE", str(grace_s)).replace("COMMAND", command).replace("PROBES", lines)


def row(lab, name):
    """READY, STATUS and RESTARTS of a Pod."""
    return lab("get", "pod", name, "--no-headers").split()[1:4]


def condition(lab, name, kind="Ready"):
    found = lab.json("pod", name)["status"]["conditions"]
    return next(one["status"] for one in found if one["type"] == kind)


def who_answers(lab):
    """The names of the Pods that answer for the Service, asked from a Node; of two all would be the same once in 10^11 runs."""
    often = 'for n in $(seq 40); do curl -s --max-time 5 "$0" || echo nobody; done'
    return set(lab("exec", "node-2", "--", "sh", "-c", often, f"http://{lab.cluster_ip('web')}/name").split())


@pytest.fixture(scope="module")
def module_lab(module_program):
    """One lab of one Node for all rows of a test."""
    module_program("up", "--nodes", "1")
    return module_program


PATIENT = "timeoutSeconds: 20"  # a busy machine may let a probe wait for long, and that is not what is tested
READY_IF_OK = f"{{httpGet: {{path: /ok, port: 80}}, failureThreshold: 1, {PATIENT}}}"


def test_a_service_sends_nothing_to_a_pod_that_is_not_ready(lab, until):
    lab.apply(SERVICE + "".join(a_pod(name, WEB, readiness=READY_IF_OK) for name in ("one", "two")))
    lab("wait", "pod", "--all", "--for=condition=Ready", "--timeout=60s")
    assert who_answers(lab) == {"one", "two"}
    lab("exec", "one", "--", "rm", "ok")
    until(lambda: row(lab, "one")[:2] == ["0/1", "Running"])
    assert who_answers(lab) == {"two"}
    assert condition(lab, "one") == condition(lab, "one", "ContainersReady") == "False"
    assert "Readiness probe failed: HTTP probe failed with statuscode: 404" in lab("describe", "pod", "one")
    lab("exec", "one", "--", "touch", "ok")
    until(lambda: condition(lab, "one") == "True")
    assert who_answers(lab) == {"one", "two"}


def test_the_agent_may_die_and_nobody_becomes_unready(lab, until):
    lab.apply(
        SERVICE
        + a_pod(
            "one", WEB, readiness=READY_IF_OK, startup=f"{{httpGet: {{path: /ok, port: 80}}, failureThreshold: 60, {PATIENT}}}"
        )
    )
    lab("wait", "pod/one", "--for=condition=Ready", "--timeout=60s")
    paths = LabPaths(lab.lab)
    for _ in range(3):
        os.kill(agent_pid(paths), signal.SIGKILL)
        until(lambda: agent_pid(paths) is None)
        assert condition(lab, "one") == "True"
        lab.apply(SERVICE)  # reconciles, and starts the agent again
        assert condition(lab, "one") == "True"
    lab("exec", "one", "--", "rm", "ok")
    until(lambda: condition(lab, "one") == "False")


def test_a_pod_that_is_being_deleted_serves_as_long_as_its_probe_says_so(lab, until):
    patient = '[sh, -c, "trap : TERM; touch ok; python3 -m http.server 80 & while [ ! -e go ]; do sleep 0.1; done"]'
    lab.apply(SERVICE + a_pod("one", patient, grace_s=120, readiness=READY_IF_OK))
    lab("wait", "pod/one", "--for=condition=Ready", "--timeout=60s")
    lab("delete", "pod", "one", "--wait=false")

    def conditions():
        (item,) = [one for one in lab.json("endpointslices")["items"] if one["metadata"]["name"].startswith("web-")]
        return item["endpoints"][0]["conditions"]

    assert conditions() == {"ready": False, "serving": True, "terminating": True}
    lab("exec", "one", "--", "rm", "ok")
    until(lambda: conditions()["serving"] is False)
    lab("exec", "one", "--", "touch", "go")


@pytest.mark.parametrize(
    ("command", "probe", "said"),
    [
        pytest.param(
            REDIS, "{exec: {command: [redis-cli, ping]}}", "", id="redis by a command"
        ),
        pytest.param(REDIS, "{tcpSocket: {port: 6379}}", "", id="redis by a connection"),
        pytest.param(
            "[sleep, infinity]", "{tcpSocket: {port: 80}}", "Readiness probe failed: dial tcp IP:80: connect: connection refused",
            id="nobody listens",
        ),
        pytest.param(
            "[sleep, infinity]", "{httpGet: {port: 80}}",
            'Readiness probe failed: Get "http://IP:80/": dial tcp IP:80: connect: connection refused', id="nobody answers",
        ),
        pytest.param(
            "[sleep, infinity]", "{grpc: {port: 80}}",
            'error: failed to connect service at "IP:80": dial tcp IP:80: connect: connection refused', id="no gRPC server at all",
        ),
        pytest.param(
            WEB, "{grpc: {port: 80}}",
            "Readiness probe failed: error: health rpc probe failed: rpc error: code = Unavailable desc = connection",
            id="a web server is no gRPC server",
        ),
        pytest.param(
            "[sleep, infinity]", "{exec: {command: [sh, -c, 'echo not yet >&2; exit 3']}}", "Readiness probe failed: not yet",
            id="a command says why",
        ),
        pytest.param(
            "[sleep, infinity]", "{exec: {command: [sleep, '7654321']}}",
            'Readiness probe failed: command "sleep 7654321" timed out', id="a command takes too long",
        ),
        pytest.param(
            "[sleep, infinity]", "{exec: {command: [nosuch]}}",
            'Readiness probe errored and resulted in unknown state: exec: "nosuch": executable file not found in $PATH',
            id="a command that is not there",
        ),
        pytest.param(
            "[python3, -c, 'import socket; s = socket.create_server((\"\", 80)); [s.accept() for _ in iter(int, 1)]']",
            "{httpGet: {port: 80}}",
            'Get "http://IP:80/": context deadline exceeded (Client.Timeout exceeded while awaiting headers)',
            id="a server that says nothing",
        ),
    ],
)  # fmt: skip
def test_what_a_probe_finds(module_lab, until, command, probe, said):
    lab = module_lab
    lab.apply(a_pod("it", command, readiness=probe))
    if said:
        until(lambda: said.replace("IP", lab.pod_ip("it")) in lab("events"))
        assert condition(lab, "it") == "False"
    else:
        lab("wait", "pod/it", "--for=condition=Ready", "--timeout=60s")
    lab("delete", "pod", "it")
    assert "sleep 7654321" not in lab("exec", "node-1", "--", "ps", "-eo", "args")


def test_a_grpc_server_says_itself_whether_it_serves(lab, until):
    program = "".join(f"          {line}\n" for line in GRPC_SERVER.read_text().splitlines())
    command = f'[sh, -c, "touch serving; exec {sys.executable} -c \\"$PROGRAM\\" 50051"]'
    wish = a_pod(
        "one", command, readiness="{grpc: {port: 50051}}", liveness="{grpc: {port: 50051, service: known}, failureThreshold: 5}",
        startup="{grpc: {port: 50051}, failureThreshold: 60}",
    )  # fmt: skip
    lab.apply(
        SERVICE
        + wish.replace("    livenessProbe", f"    env:\n    - name: PROGRAM\n      value: |\n{program}    livenessProbe")
    )
    lab("wait", "pod/one", "--for=condition=Ready", "--timeout=60s")
    lab("exec", "one", "--", "rm", "serving")
    until(lambda: condition(lab, "one") == "False")
    said = lab("events", "--for", "pod/one")
    assert 'Readiness probe failed: service unhealthy (responded with "NOT_SERVING")' in said
    until(lambda: row(lab, "one")[2].startswith("1"))  # its liveness asks the same
    lab("wait", "pod/one", "--for=condition=Ready", "--timeout=60s")
    assert "Container main failed liveness probe, will be restarted" in lab("events", "--for", "pod/one")
    assert " grpc <pod>:50051 known delay=0s timeout=1s period=1s #success=1 #failure=5" in lab("describe", "pod", "one")


def test_liveness_restarts_a_container_and_its_readiness_begins_anew(lab, until):
    liveness = f"{{httpGet: {{path: /name, port: 80}}, failureThreshold: 2, {PATIENT}}}"
    lab.apply(a_pod("one", WEB, readiness=READY_IF_OK, liveness=liveness))
    lab("wait", "pod/one", "--for=condition=Ready", "--timeout=60s")
    lab("exec", "one", "--", "rm", "name")
    until(lambda: row(lab, "one") == ["1/1", "Running", "1"])
    (status,) = lab.json("pod", "one")["status"]["containerStatuses"]
    assert (status["started"], status["lastState"]["terminated"]["exitCode"]) == (True, 143)
    said = lab("events", "--for", "pod/one")
    assert "Liveness probe failed: HTTP probe failed with statuscode: 404" in said
    assert "Container main failed liveness probe, will be restarted" in said


def test_a_startup_probe_that_never_succeeds_ends_the_container(lab, until):
    lab.apply(a_pod("one", "[sleep, infinity]", startup="{exec: {command: ['false']}, failureThreshold: 1}"))
    until(lambda: row(lab, "one")[1] == "CrashLoopBackOff")
    assert "Container main failed startup probe, will be restarted" in lab("events", "--for", "pod/one")
