"""One container of a running Pod is replaced (N15): the others, their connections, the Pod's address and volumes stay."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from netlab.kernel.netns import in_namespace

POD = """
apiVersion: v1
kind: Pod
metadata: {name: pair, labels: {app: pair}}
spec:
  terminationGracePeriodSeconds: 5
  volumes: [{name: shared, emptyDir: {}}]
  containers:
  - name: store
    image: host
    command: [redis-server, --save, "", --port, "6379", --protected-mode, "no"]
    volumeMounts: [{name: shared, mountPath: /shared}]
  - name: side
    image: host
    command: [sh, -c, 'echo $WORD >> /shared/words; exec sleep infinity']
    env: [{name: WORD, value: one}]
    volumeMounts: [{name: shared, mountPath: /shared}]
---
apiVersion: v1
kind: Service
metadata: {name: pair}
spec: {selector: {app: pair}, ports: [{port: 6379}]}
---
apiVersion: v1
kind: Pod
metadata: {name: client}
spec: {containers: [{name: main, image: host, command: [sleep, infinity]}]}
"""
DEADLINE_S = 60.0


class Client:
    """A client of redis that stays connected."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection

    def ask(self, *words: str) -> str:
        self.connection.sendall((" ".join(words) + "\r\n").encode())
        return self.connection.recv(8192).decode().strip()


@pytest.fixture
def connect() -> Iterator[Callable[[str, str], Client]]:
    """Connect from inside a namespace to redis at an address; closed when the test is over."""
    with contextlib.ExitStack() as stack:

        def opened(netns: str, address: str) -> Client:
            connected = in_namespace(netns, lambda: socket.create_connection((address, 6379), timeout=DEADLINE_S))
            return Client(stack.enter_context(connected))

        yield opened


def inode(path: str) -> tuple[str, int]:
    return os.readlink(path), Path(path).stat().st_ino


def namespaces(pid: str) -> dict[str, tuple[str, int]]:
    return {kind: inode(f"/proc/{pid}/ns/{kind}") for kind in ("net", "ipc", "uts", "pid", "mnt")}


@pytest.fixture
def pair(lab, until):
    lab.apply(POD)
    lab("wait", "pod", "--all", "--for=condition=Ready", "--timeout=60s")
    until(lambda: lab("exec", "pair", "-c", "side", "--", "redis-cli", "ping") == "PONG\n")
    return lab


def container(program, name):
    (pod,) = program.pods("pair")
    return next(one for one in pod["status"]["containerStatuses"] if one["name"] == name)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param(("value: one", "value: two"), "one two", id="its environment"),
        pytest.param(("'echo $WORD >> /shared/words;", "'echo other >> /shared/words;"), "one other", id="its command"),
    ],
)
def test_a_changed_container_is_replaced_and_nothing_else(pair, connect, until, change, words):
    client = connect(f"{pair.lab}.default.client", pair.cluster_ip("pair"))
    (before,), store, side = pair.pods("pair"), container(pair, "store"), container(pair, "side")
    pid = client.ask("INFO", "server").partition("process_id:")[2].split()[0]
    outside = redis_of(before["metadata"]["uid"])
    spaces = namespaces(outside)
    assert client.ask("SET", "key", "kept") == "+OK"

    assert "configured" in pair.apply(POD.replace(*change))
    until(lambda: container(pair, "side")["restartCount"] == 1 and "running" in container(pair, "side")["state"])

    assert client.ask("GET", "key").split()[-1] == "kept"
    assert client.ask("INFO", "server").partition("process_id:")[2].split()[0] == pid
    (after,) = pair.pods("pair")
    assert container(pair, "store") == store
    assert container(pair, "side") != side
    assert [after["metadata"]["uid"], after["status"]["podIP"]] == [before["metadata"]["uid"], before["status"]["podIP"]]
    assert namespaces(outside) == spaces
    until(lambda: pair("exec", "pair", "-c", "store", "--", "cat", "/shared/words").split() == words.split())


def redis_of(uid: str) -> str:
    """The pid, seen from outside, of the redis in the Pod with this uid."""
    found = [
        path.parent.name
        for path in Path("/proc").glob("[0-9]*/comm")
        if path.read_text() == "redis-server\n" and uid in (path.parent / "cgroup").read_text()
    ]
    assert len(found) == 1, found
    return found[0]
