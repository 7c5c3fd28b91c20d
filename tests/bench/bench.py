"""Measure netlab, and peers beside it in the same run: a table for people, JSON for machines. Never a test.

Every figure is the median of several runs with the lowest and the highest beside it, as a machine is never quiet; the load
average says how noisy it was. Runs as root inside `unshare --net --mount` (scripts/bench).
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cluster_dns
import command_line
import dns.message
import dns.rdatatype
import pod_networks
import pods
import probes
import services
import traces
import xray
from report import Figures, add, show, write

from netlab.kernel import nft
from netlab.kernel.memory import pss_bytes
from netlab.kernel.netns import in_namespace
from netlab.store.paths import LabPaths

ROOT = Path(__file__).resolve().parents[2]
GUESTBOOK = ROOT / "netlab/demos/guestbook/guestbook.yaml"
LAB = "bench"
NETLAB = (sys.executable, "-m", "netlab")
DEADLINE_S = 20.0
PAGE = "frontend.default.svc.cluster.local"
SLEEPERS = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: sleeper}
spec:
  replicas: %d
  selector: {matchLabels: {app: sleeper}}
  template:
    metadata: {labels: {app: sleeper}}
    spec:
      terminationGracePeriodSeconds: 0
      containers: [{name: sleep, image: host, command: [sleep, infinity]}]
"""

Measured = dict[str, list[float]]


def netlab(*words: str, stdin: str = "") -> str:
    """Run the command and return what it printed; an error ends the bench."""
    done = subprocess.run([*NETLAB, *words, "--lab", LAB], input=stdin, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"netlab {' '.join(words)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stderr


@contextlib.contextmanager
def timed(found: Measured, name: str) -> Iterator[None]:
    begun = time.perf_counter()
    yield
    found.setdefault(name, []).append((time.perf_counter() - begun) * 1000)


def page_answers(pod: str) -> None:
    """Ask as a Pod does, from its namespace: the name at the cluster DNS, then the page at the address; until it is there."""
    end = time.monotonic() + DEADLINE_S

    def ask() -> None:
        while time.monotonic() < end:
            try:
                query = dns.message.make_query(PAGE, dns.rdatatype.A)
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
                    udp.settimeout(0.05)
                    udp.connect(("10.96.0.10", 53))
                    udp.send(query.to_wire())
                    address = dns.message.from_wire(udp.recv(4096)).answer[0][0].address
                with socket.create_connection((address, 80), timeout=0.5) as tcp:
                    tcp.sendall(b"GET / HTTP/1.0\r\nHost: frontend\r\n\r\n")
                    answer = b"".join(iter(lambda: tcp.recv(65536), b""))
                if answer.split(b" ")[1] == b"200":
                    return
            except (OSError, IndexError):
                pass
            select.select([], [], [], 0.002)
        sys.exit("the page did not answer")

    in_namespace(pod, ask)


def breakdown(found: Measured, verb: str, stderr: str) -> None:
    """Keep the command's own account of its time."""
    for line in stderr.splitlines():
        part, _, rest = line.strip().partition(" ")
        if rest.strip().endswith(" ms"):
            found.setdefault(f"  {verb}: {part}", []).append(float(rest.split()[0]))


def guestbook(found: Measured, memory: list[float]) -> None:
    """From nothing to the page, and back to nothing."""
    begun = time.perf_counter()
    with timed(found, "up"):
        breakdown(found, "up", netlab("up", "--timings"))
    with timed(found, "apply guestbook"):
        breakdown(found, "apply", netlab("apply", "-f", str(GUESTBOOK), "--timings"))
    pod = next(name for name in os.listdir("/run/netns") if name.startswith(f"{LAB}.default.frontend"))
    with timed(found, "then wait for the page"):
        page_answers(pod)
    found.setdefault("cold up + guestbook + page by DNS name", []).append((time.perf_counter() - begun) * 1000)
    with timed(found, "apply, unchanged"):
        netlab("apply", "-f", str(GUESTBOOK))
    memory.append(pss_bytes(lab_pids()) / 1e6)
    with timed(found, "down"):
        netlab("down")


def lab_pids() -> list[int]:
    """All processes of the lab: those in its cgroups, pause and conmon, and the agent."""
    from netlab.engine.agent import agent_pid  # noqa: PLC0415 - only here
    from netlab.engine.containers import new_runtime  # noqa: PLC0415 - only here

    paths = LabPaths(LAB)
    agent = agent_pid(paths)
    return [*new_runtime(paths).pids(), *([agent] if agent else [])]


def many_pods(found: Measured, count: int, runs: int) -> None:
    """`get pods` with many of them, and what else is typed in such a lab."""
    netlab("up", "--nodes", "2")
    with timed(found, f"apply {count} Pods"):
        netlab("apply", "-f", "-", stdin=SLEEPERS % count)
    for _ in range(runs):
        with timed(found, f"get pods, {count} Pods"):
            netlab("get", "pods")
    found |= command_line.measure(runs, LAB)
    with timed(found, f"down, {count} Pods"):
        netlab("down")


MORTALS = """
apiVersion: v1
kind: Service
metadata: {name: all}
spec: {selector: {app: mortal}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: each}
spec: {clusterIP: None, selector: {app: mortal}, ports: [{port: 80}]}
"""
MORTAL = """---
apiVersion: v1
kind: Pod
metadata: {name: mortal-%d, labels: {app: mortal}}
spec:
  restartPolicy: Never
  terminationGracePeriodSeconds: 0
  containers: [{name: sleep, image: host, command: [sleep, infinity]}]
"""


def reaction(found: Measured, runs: int) -> None:
    """How long after the end of a container a Node's rules and the cluster DNS no longer know the Pod."""
    netlab("up", "--nodes", "2")
    netlab("apply", "-f", "-", stdin=MORTALS + "".join(MORTAL % number for number in range(runs)))
    words = [*NETLAB, "get", "pods", "-o", "json", "--lab", LAB]
    pods = json.loads(subprocess.run(words, capture_output=True, check=True).stdout)["items"]
    node = f"{LAB}.node-1"
    for pod in pods:
        ip, uid = pod["status"]["podIP"], pod["metadata"]["uid"]
        os.kill(next(pid for pid in lab_pids() if is_sleep_of(pid, uid)), signal.SIGKILL)
        with timed(found, "container ends -> rules of a Node"):
            await_gone(lambda ip=ip: in_namespace(node, lambda: f": {ip} . 80" in str(nft.observe())))
        with timed(found, "  then -> cluster DNS"):
            await_gone(lambda ip=ip: ip in addresses(node, "each.default.svc.cluster.local"))
    netlab("down")


def is_sleep_of(pid: int, uid: str) -> bool:
    """Tell whether the process is the main one of the Pod's container."""
    try:
        return uid in Path(f"/proc/{pid}/cgroup").read_text() and Path(f"/proc/{pid}/comm").read_text() == "sleep\n"
    except OSError:
        return False


def await_gone(is_there: Callable[[], bool]) -> None:
    end = time.monotonic() + DEADLINE_S
    while is_there():
        if time.monotonic() > end:
            sys.exit("the lab did not follow")


def addresses(netns: str, name: str) -> set[str]:
    """The A records of a name, asked in a namespace."""

    def ask() -> set[str]:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.settimeout(1)
            udp.connect(("10.96.0.10", 53))
            udp.send(dns.message.make_query(name, dns.rdatatype.A).to_wire())
            answer = dns.message.from_wire(udp.recv(4096)).answer
            return {item.address for record in answer for item in record}

    return in_namespace(netns, ask)


def in_ms(times: Measured) -> Figures:
    """Give milliseconds their unit."""
    found: Figures = {}
    for name, values in times.items():
        add(found, name, "ms", *values)
    return found


def whole_lab(given: argparse.Namespace) -> Figures:
    """From nothing to the guestbook's page and back, and what follows from the end of a container."""
    times: Measured = {}
    memory: list[float] = []
    for _ in range(given.runs):
        guestbook(times, memory)
    reaction(times, given.runs)
    found = in_ms(times)
    add(found, "memory of all processes, guestbook", "MB", *memory)
    return found


def commands(given: argparse.Namespace) -> Figures:
    """What is typed in labs with many Pods."""
    times: Measured = {}
    for count in given.pods:
        many_pods(times, count, given.runs)
    return in_ms(times)


def networks(_: argparse.Namespace) -> Figures:
    """Pod networks alone, and peers."""
    found: Figures = {}
    for name, (work, count) in pod_networks.CONTENDERS.items():
        add(found, name, "/s", *(count / work(count) for _ in range(3)))
    return found


def machine() -> Figures:
    """How fast the machine itself is: figures of two machines are compared by it."""
    times: Measured = {}
    for _ in range(10):
        with timed(times, "python -c pass"):
            subprocess.run([sys.executable, "-c", "pass"], check=True)
    return in_ms(times)


PARTS: dict[str, Callable[[argparse.Namespace], Figures]] = {
    "lab": whole_lab,
    "commands": commands,
    "networks": networks,
    "pods": lambda given: pods.measure(given.runs),
    "probes": lambda _: probes.measure(),
    "dns": lambda given: cluster_dns.measure(given.runs),
    "services": lambda given: services.measure(given.runs, given.plot, given.services),
    "xray": lambda given: traces.measure(given.runs) | xray.measure(given.runs),
}


def main() -> None:
    """Run what was asked for and report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--pods", type=int, nargs="*", default=[100, 500])
    parser.add_argument("--services", type=int, nargs="*", default=services.COUNTS)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--plot", type=Path, metavar="FILE", help="of the part `services`: cost against number, as SVG")
    given = parser.parse_args()
    load = os.getloadavg()[0]
    found = machine()
    for name in given.only:
        found |= PARTS[name](given)
    show(found, load)
    if given.json:
        write(given.json, found, load)


if __name__ == "__main__":
    main()
