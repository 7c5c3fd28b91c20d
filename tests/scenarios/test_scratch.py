"""Directories that go with a Pod: in memory, where they are full, and on the disk, where who writes too much is evicted."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path

import pytest

from netlab.store.paths import LabPaths

BOTH = """
apiVersion: v1
kind: Pod
metadata: {name: both}
spec:
  terminationGracePeriodSeconds: 0
  securityContext: {fsGroup: 2000}
  volumes:
  - {name: cache, emptyDir: {medium: Memory, sizeLimit: 1Mi}}
  containers:
  - name: a
    image: host
    command: [sleep, infinity]
    env:
    - {name: CPU, valueFrom: {resourceFieldRef: {resource: limits.cpu, divisor: 1m}}}
    - {name: MEMORY, valueFrom: {resourceFieldRef: {containerName: b, resource: limits.memory}}}
    resources: {limits: {cpu: 250m, memory: 64Mi}}
    volumeMounts: [{name: cache, mountPath: /cache}]
  - name: b
    image: host
    command: [sleep, infinity]
    volumeMounts:
    - {name: cache, mountPath: /part, subPath: part}
    - {name: cache, mountPath: /read, readOnly: true}
"""
WRITER = """
apiVersion: v1
kind: Pod
metadata: {name: %s}
spec:
  terminationGracePeriodSeconds: 0
  volumes: [{name: v, emptyDir: {%s}}]
  containers:
  - name: main
    image: host
    command: [sh, -c, "head -c 3000000 /dev/zero > %s; exec sleep infinity"]
    resources: {limits: {%s}}
    volumeMounts: [{name: v, mountPath: /v}]
"""
WRITERS = {
    "volume": ("sizeLimit: 1Mi", "/v/x", "", 'Usage of EmptyDir volume "v" exceeds the limit "1Mi". '),
    "layer": (
        "",
        "/root/x",
        "ephemeral-storage: 2Mi",
        "Pod ephemeral local storage usage exceeds the total limit of containers 2Mi. ",
    ),
}


def mounts() -> list[str]:
    """The machine's own mounts, without numbers that change, and without namespaces that have names."""
    rows = (line.split()[3:] for line in Path("/proc/self/mountinfo").read_text().splitlines())
    return [" ".join(row) for row in rows if not row[0].startswith("net:")]


def test_a_volume_in_memory_is_shared_is_full_and_is_the_pods_alone(lab):
    before = mounts()
    lab.apply(BOTH)
    lab("wait", "pod/both", "--for=condition=Ready", "--timeout=60s")

    def inside(name: str, script: str) -> str:
        done = lab.run("exec", "both", "-c", name, "--", "sh", "-c", script)
        return done.out + done.err

    assert inside("a", "stat -fc %T /cache; stat -c '%a %g' /cache; echo $CPU") == "tmpfs\n2777 2000\n250\n"
    assert int(inside("a", "echo $MEMORY")) == os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 1024 * 1024
    assert inside("a", "echo seen > /cache/x && mkdir -p /cache/part && echo deep > /cache/part/y") == ""
    assert inside("b", "cat /part/y /read/x") == "deep\nseen\n"
    assert "Read-only file system" in inside("b", "touch /read/z")
    assert "No space left on device" in inside("a", "head -c 2000000 /dev/zero > /cache/big")
    assert mounts() == before, "only the Pod sees it"
    assert not list(Path("/var/lib/netlab", lab.lab).rglob("x"))
    lab("set", "env", "pod/both", "-c", "b", "NEW=1")  # one container is replaced, the volume stays
    lab("wait", "pod/both", "--for=condition=Ready", "--timeout=60s")
    assert inside("b", "echo $NEW; cat /read/x") == "1\nseen\n"


@pytest.mark.parametrize("name", WRITERS)
def test_a_pod_that_writes_too_much_is_evicted_whoever_is_killed(lab, until, name):
    size, path, limit, message = WRITERS[name]
    lab.apply(WRITER % (name, size, path, limit))
    until(lambda: lab.pods(name)[0]["status"].get("reason") == "Evicted")
    agent = int(LabPaths(lab.lab).agent_lock.read_bytes())
    os.kill(agent, signal.SIGKILL)
    status = lab.pods(name)[0]["status"]
    assert (status["phase"], status["message"]) == ("Failed", message)
    assert re.search(r"(?m)^Reason: +Evicted$", lab("describe", "pod", name))
    assert [event["message"] for event in lab.json("events")["items"] if event["reason"] == "Evicted"] == [message]
    until(lambda: "sleep infinity" not in lab.run("exec", name, "--", "ps", "ax").out)
    assert lab.run("exec", name, "--", "true").code != 0
