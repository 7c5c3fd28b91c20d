"""What seeing costs: packets captured at every interface between two Pods on two Nodes, and what that takes of a processor.

One datagram passes ten interfaces: Pod, its port, cni0 and eth0 of the Node, two ports of the fabric, and the same on the other
Node. So 5,000 datagrams a second are 50,000 packets a second that are seen. The peer is one tcpdump for each interface.

    sent ........ by one process in the Pod, in steps of a millisecond; its receiver throws them away
    CPU ......... of the processes that capture, while packets come
    lost ........ what the filters let through and no file has; the way itself may lose more, where bursts are too long
"""

from __future__ import annotations

import os
import re
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from pods import LAB, NETLAB
from report import Figures, add

from netlab import Lab
from netlab.kernel.interfaces import ethernet_interfaces
from netlab.kernel.netns import in_namespace
from netlab.kernel.packet_sockets import PacketSockets
from netlab.netstate.seen import Place

PORT, PAYLOAD_BYTES, SECONDS, HOPS = 9, 100, 5.0, 10
RATE = 51_000  # so that 50,000 come
RATES = (RATE, 75_000, 100_000, 150_000, 200_000)
DEADLINE_S = 20.0
UNREAD_S = 1.5
"""So long tcpdump may leave packets where the kernel has put them, and at Ctrl-C it throws those away."""
TICK = os.sysconf("SC_CLK_TCK")
FILTER = ("udp", "port", str(PORT))
SENDER = f"""
import select, socket, sys, time
address, rate, seconds = sys.argv[1], float(sys.argv[2]), float(sys.argv[3])
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
    udp.connect((address, {PORT}))
    sent, data, begun = 0, bytes({PAYLOAD_BYTES}), time.monotonic()
    while sent < rate * seconds:
        due = min(int((time.monotonic() - begun) * rate), int(rate * seconds))
        for _ in range(due - sent):
            udp.send(data)
        sent = due
        select.select([], [], [], 0.001)
    print(time.monotonic() - begun)
"""


def pod(name: str, node: str) -> dict[str, object]:
    """A Pod that does nothing."""
    container = {"name": "c", "image": "host", "command": ["sleep", "infinity"]}
    return {
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name},
        "spec": {"nodeName": node, "terminationGracePeriodSeconds": 0, "containers": [container]},
    }  # fmt: skip


def measure(runs: int) -> Figures:
    """Return processor shares in percent, losses and rates in packets, times in milliseconds."""
    found: Figures = {}
    lab = Lab(2, name=LAB).up()
    try:
        lab.apply([pod("sender", "node-1"), pod("receiver", "node-2")])
        lab.wait_ready(DEADLINE_S)
        address = lab.pod("receiver").ip
        with receiving(address):
            for _ in range(runs):
                take_turns(found, address)
            most(found, address)
        for _ in range(runs):
            instruments(found)
    finally:
        subprocess.run([*NETLAB, "down", "--lab", LAB], check=True, capture_output=True)
    return found


@contextmanager
def receiving(address: str) -> Iterator[None]:
    """Somebody whom datagrams are for, who never reads them: what does not fit is thrown away without a word."""

    def bound() -> socket.socket:
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        udp.bind((address, PORT))
        return udp

    with in_namespace(f"{LAB}.default.receiver", bound):
        yield


def take_turns(found: Figures, address: str) -> None:
    """Netlab and its peer, one after the other, with the same packets."""
    for name, capture in (("netlab", netlab), ("10 tcpdump", tcpdumps)):
        cpu, lost, rate = load(capture, address, RATE)
        add(found, f"capture at 10 interfaces: {name}", "/s", rate)
        add(found, f"  CPU: {name}", "%", cpu)
        add(found, f"  lost: {name}", "packets", lost)


def most(found: Figures, address: str) -> None:
    """How many packets a second netlab captures without losing one, of a few rates."""
    best = 0.0
    for wanted in RATES:
        _, lost, rate = load(netlab, address, wanted)
        if lost or rate < best:
            break
        best = rate
    add(found, "  most without loss, of a few rates: netlab", "/s", best)


Counted = tuple[int, int]
"""Packets that were captured, and those that the filters let through."""
Capture = Callable[[Path], tuple[Sequence[int], Callable[[], Counted]]]
"""Begins to capture into a folder; returns the processes, and what ends them."""


def load(capture: Capture, address: str, rate: float) -> tuple[float, float, float]:
    """Return the share of a processor in percent, packets lost, and packets that came a second."""
    with tempfile.TemporaryDirectory() as folder:
        running, end = capture(Path(folder))
        before = sum(map(cpu_s, running))
        words = ["ip", "netns", "exec", f"{LAB}.default.sender", sys.executable, "-c", SENDER, address]
        done = subprocess.run([*words, str(rate / HOPS), str(SECONDS)], check=True, capture_output=True, text=True)
        took_s = float(done.stdout)
        share = 100 * (sum(map(cpu_s, running)) - before) / took_s
        captured, came = end()
    return share, came - captured, came / took_s


def netlab(folder: Path) -> tuple[Sequence[int], Callable[[], Counted]]:
    """One `netlab capture` of everything."""
    words = [*NETLAB, "capture", "--lab", LAB, "--all", "-w", str(folder / "x.pcapng"), *FILTER]
    process = subprocess.Popen(words, stderr=subprocess.PIPE, text=True)
    assert process.stderr
    said = process.stderr.readline()
    if "listening" not in said:
        sys.exit(f"netlab capture: {said}")
    return [process.pid], lambda: ended([process])


def tcpdumps(folder: Path) -> tuple[Sequence[int], Callable[[], Counted]]:
    """A tcpdump at each interface where the datagrams pass."""
    processes = []
    for place in way():
        words = [
            "ip",
            "netns",
            "exec",
            place.netns,
            "tcpdump",
            "-i",
            place.ifname,
            "-U",
            "-w",
            str(folder / f"{len(processes)}"),
            *FILTER,
        ]
        processes.append(subprocess.Popen(words, stderr=subprocess.PIPE, text=True))
    for process in processes:
        assert process.stderr
        while "listening" not in process.stderr.readline():
            pass
    return [process.pid for process in processes], lambda: ended(processes)


def ended(processes: Sequence[subprocess.Popen[str]]) -> Counted:
    """End captures by Ctrl-C when they have read all that came."""
    select.select([], [], [], UNREAD_S)
    captured = came = 0
    for process in processes:
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=DEADLINE_S)
        told = re.search(r"(\d+) packets? captured\n(\d+) packets? received by filter", err)
        if told is None:
            sys.exit(err)
        captured, came = captured + int(told[1]), came + int(told[2])
    return captured, came


def way() -> list[Place]:
    """The interfaces between the two Pods."""
    names = {name: f"{LAB}.{name}" for name in ("default.sender", "node-1", "fabric", "node-2", "default.receiver")}
    there = ethernet_interfaces(names.values())
    found = [Place(name, one) for name in (names["default.sender"], names["default.receiver"]) for one in ("eth0",)]
    found += [Place(names["fabric"], one) for one in ("node-1", "node-2")]
    for node in ("node-1", "node-2"):
        pods_port = lab_port(node, there[names[node]])
        found += [Place(names[node], one) for one in ("eth0", "cni0", pods_port)]
    assert len(found) == HOPS
    return found


def lab_port(node: str, ifnames: Sequence[str]) -> str:
    """The port of our Pod on a Node: the youngest one, as the cluster DNS was there before it."""
    return [one for one in ifnames if one.startswith("veth")][-1]


def instruments(found: Figures) -> None:
    """Sockets at many interfaces, opened and closed."""
    there = ethernet_interfaces(f"{LAB}.{name}" for name in ("default.sender", "node-1", "fabric", "node-2", "outside"))
    places = [Place(name, one) for name, ifnames in there.items() for one in ifnames]
    begun = time.perf_counter()
    sockets = PacketSockets(places)
    opened = time.perf_counter()
    sockets.close()
    count = len(sockets.places)
    add(found, f"packet sockets at {count} interfaces: on", "ms", (opened - begun) * 1000)
    add(found, f"packet sockets at {count} interfaces: off", "ms", (time.perf_counter() - opened) * 1000)


def cpu_s(pid: int) -> float:
    """Processor seconds that a process has used so far."""
    user, system = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / TICK
