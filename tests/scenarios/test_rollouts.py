"""Rollouts in a lab: a Service answers all the while, and what `rollout` says and does."""

from __future__ import annotations

import socket
import threading

import pytest

from netlab.kernel.netns import in_namespace

MANIFEST = """
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 6379}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 3
  minReadySeconds: 1
  strategy: {rollingUpdate: {maxSurge: 1, maxUnavailable: 0}}
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 3
      containers:
      - name: store
        image: host
        command: [sh, -c, 'trap "sleep 2; exit 0" TERM; redis-server --save "" --port 6379 --protected-mode no & wait; wait']
        readinessProbe: {tcpSocket: {port: 6379}, periodSeconds: 1, timeoutSeconds: 20}
---
apiVersion: v1
kind: Pod
metadata: {name: client}
spec: {containers: [{name: main, image: host, command: [sleep, infinity]}]}
"""
STATUS = ("rollout", "status", "deployment/web", "--timeout=120s")


class Asking(threading.Thread):
    """A client that connects to an address again and again and counts the answers."""

    def __init__(self, netns: str, address: str) -> None:
        super().__init__(daemon=True)
        self.netns, self.address = netns, address
        self.answers, self.errors = 0, []
        self.over = threading.Event()

    def run(self) -> None:
        in_namespace(self.netns, self._ask)

    def _ask(self) -> None:
        while not self.over.wait(0.01):
            try:
                with socket.create_connection((self.address, 6379), timeout=20) as connection:
                    connection.sendall(b"PING\r\n")
                    self.answers += connection.recv(64) == b"+PONG\r\n"
            except OSError as error:
                self.errors.append(str(error))


@pytest.fixture
def rolled(lab):
    lab.apply(MANIFEST)
    lab(*STATUS)
    return lab


def versions(lab):
    """The names of the ReplicaSets whose Pods are there and not on their way out."""
    pods = [item["metadata"] for item in lab.json("pods", "-l", "app=web")["items"]]
    return {meta["name"].rpartition("-")[0] for meta in pods if "deletionTimestamp" not in meta}


def test_a_service_answers_all_through_a_rollout(rolled):
    lab = rolled
    client = Asking(f"{lab.lab}.default.client", lab.cluster_ip("web"))
    before = versions(lab)
    client.start()
    lab("set", "env", "deployment/web", "COLOUR=blue")
    out = lab(*STATUS)
    client.over.set()
    client.join(timeout=60)
    assert out.endswith('deployment "web" successfully rolled out\n')
    assert out.startswith('Waiting for deployment "web" rollout to finish: ')
    assert versions(lab).isdisjoint(before)
    assert (client.errors, client.answers > 50) == ([], True)


def test_undo_goes_back_to_the_old_template(rolled):
    lab = rolled
    first = versions(lab)
    lab("set", "env", "deployment/web", "COLOUR=blue")
    lab(*STATUS)
    assert lab("rollout", "undo", "deployment/web") == "deployment.apps/web rolled back\n"
    lab(*STATUS)
    assert versions(lab) == first
    assert lab("rollout", "history", "deployment/web").split()[3::2] == ["2", "3"]


def test_paused_it_waits(rolled):
    lab = rolled
    first = versions(lab)
    lab("rollout", "pause", "deployment/web")
    lab("set", "env", "deployment/web", "COLOUR=blue")
    lab("scale", "deployment/web", "--replicas=4")
    lab("wait", "--for=jsonpath={.status.readyReplicas}=4", "deployment/web")
    assert versions(lab) == first
    lab("rollout", "resume", "deployment/web")
    lab(*STATUS)
    assert versions(lab).isdisjoint(first)


def test_a_rollout_that_cannot_succeed_leaves_the_old_pods_alone(rolled):
    lab = rolled
    broken = MANIFEST.replace("minReadySeconds: 1", "progressDeadlineSeconds: 2\n  minReadySeconds: 1").replace(
        "sh, -c", "'false', -c"
    )
    lab.apply(broken)
    told = lab.run(*STATUS)
    assert (told.code, told.err) == (1, 'error: deployment "web" exceeded its progress deadline\n')
    assert lab.json("deployment", "web")["status"]["availableReplicas"] == 3


def test_what_is_left_without_its_owner_is_adopted_again(rolled):
    lab = rolled
    pods = {item["metadata"]["uid"] for item in lab.json("pods", "-l", "app=web")["items"]}
    lab("delete", "deployment", "web", "--cascade=orphan")
    (left,) = lab.json("replicasets")["items"]
    assert "ownerReferences" not in left["metadata"]
    lab.apply(MANIFEST)
    lab(*STATUS)
    assert {item["metadata"]["uid"] for item in lab.json("pods", "-l", "app=web")["items"]} == pods
    lab("delete", "deployment", "web", "--cascade=foreground")
    assert lab.json("replicasets")["items"] == lab.json("pods", "-l", "app=web")["items"] == []


def test_a_replica_set_alone_keeps_its_pods(lab):
    alone = MANIFEST.replace("kind: Deployment", "kind: ReplicaSet").replace(
        "  strategy: {rollingUpdate: {maxSurge: 1, maxUnavailable: 0}}\n", ""
    )
    lab.apply(alone)
    lab("scale", "rs/web", "--current-replicas=3", "--replicas=1")
    lab("wait", "--for=jsonpath={.status.readyReplicas}=1", "rs/web")
    assert lab("exec", "rs/web", "--", "echo", "hello") == "hello\n"
    assert lab("expose", "rs", "web", "--name=again", "--port=6379") == "service/again exposed\n"
