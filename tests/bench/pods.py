"""Pods: how long one takes, how many a second, what they cost, how long commands in them take; podman beside it in the same run."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time
from pathlib import Path

from podman_peer import podman
from report import Figures, add

from netlab import Lab
from netlab.engine.agent import agent_pid
from netlab.engine.containers import directories, new_runtime
from netlab.kernel import mounts
from netlab.kernel.commands import run_command
from netlab.kernel.memory import pss_bytes
from netlab.store.paths import LabPaths

LAB = "pods"
NETLAB = (str(Path(sys.executable).parent / "netlab"),)
BULK, PEER_BULK, CROWD = 50, 10, 300
IDLE_S, SETTLED = 10.0, 0.02
TIMEOUT_S = 60.0


def pod(name: str) -> dict[str, object]:
    """A Pod with one container."""
    return {
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name},
        "spec": {
            "terminationGracePeriodSeconds": 0,
            "containers": [{"name": "main", "image": "host", "command": ["sleep", "infinity"]}],
        },
    }  # fmt: skip


def measure(runs: int) -> Figures:
    """Return the figures of a lab of one Node; netlab and podman take turns."""
    found: Figures = {}
    with podman() as peer, Lab(1, name=LAB) as lab:
        for _ in range(runs):
            if peer:
                add(found, "beside it: podman kube play, one Pod", "ms", 1000 * peer.play("alone"))
                peer.clear()
            rest()
            add(found, "one Pod alone, created to Running", "ms", 1000 * started(lab, "alone"))
            lab.delete("pod/alone", grace_s=0)
        for number in range(3):
            names = [f"many-{number}-{n}" for n in range(BULK)]
            add(found, "Pods in bulk, created to Running", "/s", BULK / started(lab, *names))
            lab.delete(*(f"pod/{name}" for name in names), grace_s=0)
            if peer:
                rate = PEER_BULK / peer.play(*(f"many-{n}" for n in range(PEER_BULK)))
                add(found, "beside it: podman kube play, in bulk", "/s", rate)
                peer.clear()
        commands(found, lab, runs)
    crowd(found)
    return found


def started(lab: Lab, *names: str) -> float:
    """Return the seconds from the wish for these Pods until all of them are Running."""
    wishes = [pod(name) for name in names]
    begun = time.perf_counter()
    lab.apply(wishes)
    ended = time.perf_counter()
    if any(one.status.phase != "Running" for one in lab.get("pods")):
        lab.wait_ready(TIMEOUT_S)
        ended = time.perf_counter()
    return ended - begun


def commands(found: Figures, lab: Lab, runs: int) -> None:
    """`netlab exec`, the whole program, and crun's own exec of the same."""
    started(lab, "one")
    uid = next(one.metadata.uid for one in lab.get("pods") if one.metadata.name == "one")
    words = ["crun", f"--root={LabPaths(LAB).state}/crun", "exec", f"{LAB}-{uid[:8]}-main-0", "true"]
    assert run_command(directories(LabPaths(LAB)), uid, "main", ["true"]) == 0
    for _ in range(runs):
        own = mounts.inside(lambda: taken(words))
        whole = taken([*NETLAB, "exec", "one", "--lab", LAB, "--", "true"])
        add(found, "crun exec of true", "ms", own)
        add(found, "netlab exec of true", "ms", whole)
        add(found, "exec of true, more than crun's own", "ms", whole - own)


def taken(words: list[str]) -> float:
    """Return the milliseconds that a command takes; one that fails ends the bench."""
    begun = time.perf_counter()
    subprocess.run(words, check=True, stdin=subprocess.DEVNULL, capture_output=True)
    return (time.perf_counter() - begun) * 1000


def crowd(found: Figures) -> None:
    """Many Pods: what each of them costs, what the agent costs while nothing happens, how long the end takes."""
    paths = LabPaths(LAB)
    for _ in range(3):
        lab = Lab(2, name=LAB).up()
        try:
            empty = pss_bytes(pids(paths))
            started(lab, *(f"pod-{n}" for n in range(CROWD)))
            agent = rest()
            everything = pids(paths)
            programs = [pid for pid in everything if Path(f"/proc/{pid}/comm").read_text() == "sleep\n"]
            assert len(programs) == CROWD
            cost = (pss_bytes(everything) - empty - pss_bytes(programs)) / CROWD
            add(found, "memory of a Pod beyond its program", "MB", cost / 1e6)
            add(found, "agent idle, 300 Pods", "%", 100 * busy(agent, IDLE_S))
        finally:
            add(found, "down, 300 ready Pods", "ms", taken([*NETLAB, "down", "--lab", LAB]))


def rest() -> int:
    """Return the agent's pid when it has nothing to do any more: after each change it looks at the lab, too."""
    agent = agent_pid(LabPaths(LAB))
    assert agent
    while busy(agent, 0.5) > SETTLED:
        pass
    return agent


def pids(paths: LabPaths) -> list[int]:
    """All processes of the lab, the agent too."""
    agent = agent_pid(paths)
    return [*new_runtime(paths).pids(), *([agent] if agent else [])]


def busy(pid: int, seconds: float) -> float:
    """Return which share of a processor a process used while it was looked at for so long."""
    before, begun = cpu_seconds(pid), time.monotonic()
    select.select([], [], [], seconds)
    return (cpu_seconds(pid) - before) / (time.monotonic() - begun)


def cpu_seconds(pid: int) -> float:
    """Return the CPU time of a process with all its threads, and of the children that it waited for."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(fields[n]) for n in (11, 12, 13, 14)) / os.sysconf("SC_CLK_TCK")
