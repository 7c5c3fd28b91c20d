"""What a trace costs: from Enter to its last line, its instruments, and what it takes from the traffic of others meanwhile.

Enter ......... `netlab trace` as a process of its own, from a Pod to a Service whose Pod is on another Node
on ............ instruments set and proved; off: nothing left of them
others ........ a connection between the same Pods on another port, in turn: while instruments are on all the time, in a second in
                which one `netlab trace` runs, in one in which a process computes as long, and without. By the clock it counts
                that netlab needs a processor, too; by processor time only what is done for each packet. It is the worst there
                is: a round trip takes 40 microseconds
"""

from __future__ import annotations

import os
import select
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager
from functools import cache
from typing import NamedTuple

from pods import LAB, NETLAB
from report import Figures, add

from netlab import Lab
from netlab.engine.trace import Request, plan_of
from netlab.engine.xray import observe
from netlab.kernel.instruments import Instruments
from netlab.kernel.netns import in_namespace
from netlab.kernel.packet_filter import compile_filter
from netlab.kernel.rule_traces import with_rules
from netlab.netstate.names import NetnsName
from netlab.packets.marking import TABLE_STEM
from netlab.packets.trace_plan import Plan
from netlab.store.paths import LabPaths

PORT, OTHER_PORT = 8080, 8081
DEADLINE_S, PROOF_S = 20.0, 10.0
SECONDS, TURNS = 1.0, 2
TRACE = (*NETLAB, "trace", "--lab", LAB, "sender", "svc/receiver")
CHUNK = bytes(1 << 16)
Work = Callable[[socket.socket, socket.socket], int]
SERVICE = {
    "apiVersion": "v1", "kind": "Service", "metadata": {"name": "receiver"},
    "spec": {"selector": {"name": "receiver"}, "ports": [{"port": 80, "targetPort": PORT}]},
}  # fmt: skip


def pod(name: str, node: str) -> dict[str, object]:
    """A Pod that serves files on PORT."""
    container = {
        "name": "c", "image": "host", "command": ["python3", "-m", "http.server", str(PORT)],
        "readinessProbe": {"tcpSocket": {"port": PORT}, "periodSeconds": 1},
    }  # fmt: skip
    return {
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"name": name}},
        "spec": {"nodeName": node, "terminationGracePeriodSeconds": 0, "containers": [container]},
    }  # fmt: skip


def measure(runs: int) -> Figures:
    """Return times in milliseconds, and shares of what others have without instruments."""
    found: Figures = {}
    lab = Lab(2, name=LAB).up()
    try:
        lab.apply([pod("sender", "node-1"), pod("receiver", "node-2"), SERVICE])
        lab.wait_ready(DEADLINE_S)
        subprocess.run(TRACE, check=True, capture_output=True)  # the first one compiles what was never imported
        for _ in range(runs):
            begun = time.perf_counter()
            subprocess.run(TRACE, check=True, capture_output=True)
            add(found, "trace across two Nodes, Enter to the last line", "ms", (time.perf_counter() - begun) * 1000)
        for _ in range(runs):
            switched(found, lab.pod("receiver").ip)
        with connected(lab.pod("receiver").ip) as (client, server):
            for _ in range(TURNS * runs):
                in_turn(found, lab.pod("receiver").ip, client, server)
    finally:
        subprocess.run([*NETLAB, "down", "--lab", LAB], check=True, capture_output=True)
    return found


def ruled(plan: Plan) -> Mapping[NetnsName, str]:
    """The tables that are needed."""
    return {name: plan.tables[name] for name in with_rules(plan.tables)}


@contextmanager
def instruments(address: str) -> Iterator[Instruments]:
    """The instruments of a trace to the receiver, on and proved."""
    request = Request(netns=NetnsName(f"{LAB}.default.sender"), protocol="tcp", address=address, port=PORT)
    plan = plan_of(observe(LabPaths(LAB)), request, 40000, f"{TABLE_STEM}{os.getpid()}")
    with Instruments(plan.places, ruled(plan), compile_filter(plan.words), plan.peers) as on:
        if on.prove(PROOF_S):
            raise TimeoutError("an instrument did not see its canary")
        yield on


def switched(found: Figures, address: str) -> None:
    """Instruments on, proved, and off."""
    request = Request(netns=NetnsName(f"{LAB}.default.sender"), protocol="tcp", address=address, port=PORT)
    plan = plan_of(observe(LabPaths(LAB)), request, 40000, f"{TABLE_STEM}{os.getpid()}")
    begun = time.perf_counter()
    program = compile_filter(plan.words)
    tables = ruled(plan)
    on = Instruments(plan.places, tables, program, plan.peers)
    there = time.perf_counter()
    on.prove(PROOF_S)
    proved = time.perf_counter()
    on.close()
    add(found, f"instruments on, {len(plan.places)} interfaces, {len(tables)} Nodes", "ms", (there - begun) * 1000)
    add(found, "  proved by canaries", "ms", (proved - there) * 1000)
    add(found, "  off", "ms", (time.perf_counter() - proved) * 1000)


@contextmanager
def connected(address: str) -> Iterator[tuple[socket.socket, socket.socket]]:
    """A connection between the Pods, on a port that nobody traces."""
    listener = in_namespace(f"{LAB}.default.receiver", lambda: socket.create_server((address, OTHER_PORT)))
    with closing(listener):
        client = in_namespace(f"{LAB}.default.sender", lambda: socket.create_connection((address, OTHER_PORT), DEADLINE_S))
        server, _ = listener.accept()
        with closing(client), closing(server):
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            yield client, server


class Rate(NamedTuple):
    """How much is done in a second: by the clock, and of the time of the processor that does it."""

    clock: float
    processor: float


def in_turn(found: Figures, address: str, client: socket.socket, server: socket.socket) -> None:
    """Without, with, without, with ...: so that what the machine does meanwhile falls on all of them."""
    for what, work in (("round trips", round_trips), ("throughput", throughput)):
        before = rate(work, client, server)
        for when, meanwhile in MEANWHILE.items():
            with meanwhile(address):
                during = rate(work, client, server)
            after = rate(work, client, server)
            usual = Rate(*(statistics.mean(pair) for pair in zip(before, after, strict=True)))
            add(found, f"others {when}, {what}", "x", during.clock / usual.clock)
            add(found, f"  by processor time, {when}, {what}", "x", during.processor / usual.processor)
            before = after


def rate(work: Work, client: socket.socket, server: socket.socket) -> Rate:
    """What this process gets done, which is both ends of the connection; the kernel's work on the way is done in its time."""
    cpu, begun = time.process_time(), time.perf_counter()
    done = work(client, server)
    return Rate(done / (time.perf_counter() - begun), done / (time.process_time() - cpu))


@contextmanager
def traced(_: str) -> Iterator[None]:
    """One `netlab trace`, from its start on."""
    with subprocess.Popen(TRACE, stdout=subprocess.DEVNULL):
        yield


@contextmanager
def computing(_: str) -> Iterator[None]:
    """A process that looks at nothing, and takes as much of a processor as `netlab trace`."""
    with subprocess.Popen([sys.executable, "-c", f"import time\nwhile time.process_time() < {trace_cpu_s()}: pass"]):
        yield


@cache
def trace_cpu_s() -> float:
    """Processor time of one `netlab trace`."""
    before = sum(os.times()[2:4])
    subprocess.run(TRACE, check=True, capture_output=True)
    return sum(os.times()[2:4]) - before


MEANWHILE: Mapping[str, Callable[[str], AbstractContextManager[object]]] = {
    "while instruments are on": instruments,
    "in a second with a trace": traced,
    "in a second with as much computing": computing,
}


def round_trips(client: socket.socket, server: socket.socket) -> int:
    """How often one byte goes there and back."""
    count, end = 0, time.perf_counter() + SECONDS
    while time.perf_counter() < end:
        client.send(b"?")
        server.recv(1)
        server.send(b"!")
        client.recv(1)
        count += 1
    return count


def throughput(client: socket.socket, server: socket.socket) -> int:
    """How many bytes go there."""
    end = time.perf_counter() + SECONDS
    sent = [0]

    def send() -> None:
        while time.perf_counter() < end:
            sent[0] += client.send(CHUNK)

    sender = threading.Thread(target=send)
    sender.start()
    received = 0
    while sender.is_alive() or received < sent[0]:
        if select.select([server], [], [], 0.1)[0]:
            received += len(server.recv(1 << 20))
    sender.join()
    return received
