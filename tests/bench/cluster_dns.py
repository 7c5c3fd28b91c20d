"""The cluster DNS at 10,000 Services, and unbound beside it with the same zone: answers a second, latency, and how soon a change is told.

The zone is made by desired/zone.py and read by `python -m netlab.dns`, as in a lab. The two take turns on one processor, with
dnsperf on another. All in namespaces of the bench's own (scripts/bench); nothing is asked outside.
"""

from __future__ import annotations

import random
import re
import select
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from os import sched_getaffinity
from pathlib import Path
from typing import NamedTuple

import dns.exception
import dns.message
import dns.query
from report import Figures, add

from netlab.desired.zone import Zone, zone
from netlab.kernel.files import replace_text
from netlab.model.lab import Cluster, Lab, LabSpec
from netlab.model.meta import Key, ObjectMeta
from netlab.model.service import Endpoint, EndpointPort, EndpointSlice, Service, ServicePort, ServiceSpec

SERVICES, HEADLESS_EVERY = 10_000, 10
SECONDS, PACED, WHILE_CHANGING = 3, 10_000, 2_000
HOST, OURS, THEIRS = "127.0.0.1", 5301, 5302
START_S = 30.0
CHANGES = 10
UNBOUND = """
server:
  do-daemonize: no
  num-threads: 1
  interface: {host}@{port}
  access-control: 127.0.0.0/8 allow
  username: ""
  chroot: ""
  directory: "{work}"
  pidfile: ""
  use-syslog: no
  verbosity: 0
{zones}
{records}
remote-control:
  control-enable: no
"""


class World(NamedTuple):
    """What the zone is made of."""

    cluster: Cluster
    slices: tuple[EndpointSlice, ...]
    ips: dict[Key, tuple[str, ...]]

    def zone(self) -> Zone:
        """Return the zone."""
        return zone(self.cluster, self.slices, self.ips)


class Run(NamedTuple):
    """What dnsperf says: answers a second, queries that got none, and how long each took, if it was asked for."""

    rate: float
    lost: int
    latencies_us: list[float]


def world() -> World:
    """Return 10,000 Services with two endpoints each, every tenth of them headless."""
    services, slices = [], []
    for number in range(SERVICES):
        spec = ServiceSpec(
            ports=(ServicePort(port=80, name="http"),),
            cluster_ip="" if number % HEADLESS_EVERY else "None",
            selector={"app": "a"},
        )
        meta = ObjectMeta(name=f"svc-{number}", namespace="default")
        services.append(Service(metadata=meta, spec=spec))
        endpoints = tuple(Endpoint(addresses=(ip,)) for ip in (address("10.244", 2 * number), address("10.245", 2 * number)))
        labels = {EndpointSlice.SERVICE_LABEL: meta.name}
        slices.append(
            EndpointSlice(
                metadata=ObjectMeta(name=f"{meta.name}-abcde", namespace="default", labels=labels),
                endpoints=endpoints,
                ports=(EndpointPort(port=80, name="http"),),
            )
        )
    ips = {item.key: (address("10.96", number),) for number, item in enumerate(services, 20) if item.has_cluster_ip}
    lab = Lab(metadata=ObjectMeta(name="lab"), spec=LabSpec())
    return World(Cluster(lab=lab).with_objects(services), tuple(slices), ips)


def address(net: str, number: int) -> str:
    """Return the n-th address of a /16."""
    return f"{net}.{number // 256}.{number % 256}"


def measure(runs: int) -> Figures:
    """Return the figures; nothing, and a word about it, where there is no dnsperf."""
    found: Figures = {}
    if not shutil.which("dnsperf"):
        print("no dnsperf here: the cluster DNS is not measured")
        return found
    wish = world()
    made = wish.zone()
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        work = Path(name)
        records, known, unknown = work / "records", work / "known", work / "unknown"
        replace_text(records, str(made))
        names = [f"svc-{number}.default.svc.cluster.local" for number in range(SERVICES)]
        random.Random(1).shuffle(names)
        known.write_text("".join(f"{item} A\n" for item in names))
        unknown.write_text("".join(f"{item}.default.svc.cluster.local A\n" for item in names))  # as search lists make them
        words = (sys.executable, "-m", "netlab.dns", "--records", str(records), "--listen", f"{HOST}:{OURS}")
        stack.enter_context(server(OURS, *words))
        is_there_a_peer = shutil.which("unbound") is not None
        if is_there_a_peer:
            (work / "unbound.conf").write_text(unbound_settings(made, work))
            stack.enter_context(server(THEIRS, "unbound", "-d", "-c", str(work / "unbound.conf")))
        for _ in range(runs):
            for what, questions in (("10000 Services", known), ("names that do not exist", unknown)):
                ours = dnsperf(OURS, questions).rate
                add(found, f"DNS answers, {what}", "/s", ours)
                if is_there_a_peer:
                    theirs = dnsperf(THEIRS, questions).rate
                    add(found, f"beside it: unbound, {what}", "/s", theirs)
                    add(found, f"  against unbound, {what}", "x", ours / theirs)
            add(found, f"DNS p99 latency at {PACED}/s", "µs", p99_us(OURS, known))
            if is_there_a_peer:
                add(found, f"beside it: unbound, p99 latency at {PACED}/s", "µs", p99_us(THEIRS, known))
        changes(found, wish, records, known)
    return found


def p99_us(port: int, questions: Path) -> float:
    """Return the latency in microseconds that one of a hundred queries exceeds, when they come at an even pace."""
    return statistics.quantiles(dnsperf(port, questions, "-v", "-Q", str(PACED)).latencies_us, n=100)[98]


def changes(found: Figures, wish: World, records: Path, questions: Path) -> None:
    """From a Service with another ClusterIP to the file and to the answer, while others are asked for all the time."""
    key = next(iter(wish.ips))
    words = dnsperf_words(OURS, questions, "-Q", str(WHILE_CHANGING))
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as load:
        for number in range(CHANGES):
            ip = address("10.97", number)
            later = wish._replace(ips=wish.ips | {key: (ip,)})
            begun = time.perf_counter()
            text = str(later.zone())
            made = time.perf_counter()
            replace_text(records, text)
            written = time.perf_counter()
            while ask(OURS, f"{key.name}.default.svc.cluster.local") != [ip]:
                pass
            told = time.perf_counter()
            add(found, "DNS record changed -> answer", "ms", 1000 * (told - begun))
            add(found, "  of that, the zone is made", "ms", 1000 * (made - begun))
            add(found, "  of that, the file is written", "ms", 1000 * (written - made))
            add(found, "  of that, it is read and told", "ms", 1000 * (told - written))
        output, _ = load.communicate()
    add(found, "  queries lost meanwhile", "", read(output).lost)


def unbound_settings(made: Zone, work: Path) -> str:
    """Return unbound's settings: the same records, and authority over the same zones."""
    records = list(made.records)
    zones = "\n".join(f"  local-zone: {record.name} static" for record in records if record.type == "SOA")
    data = "\n".join(f"  local-data: '{record.name} 5 IN {record.type} {record.data}'" for record in records)
    return UNBOUND.format(host=HOST, port=THEIRS, work=work, zones=zones, records=data)


@contextmanager
def server(port: int, *words: str) -> Iterator[None]:
    """A server on the first processor, that answers."""
    process = subprocess.Popen(["taskset", "-c", str(min(sched_getaffinity(0))), *words], stderr=subprocess.DEVNULL)
    try:
        end = time.monotonic() + START_S
        while ask(port, "svc-1.default.svc.cluster.local") == []:
            if process.poll() is not None or time.monotonic() > end:
                sys.exit(f"{words[0]} did not answer")
        yield
    finally:
        process.terminate()
        process.wait()


def ask(port: int, name: str) -> list[str]:
    """Return the addresses of a name, none if there is no answer soon."""
    try:
        answer = dns.query.udp(dns.message.make_query(name, "A"), HOST, timeout=1, port=port).answer
    except (OSError, dns.exception.Timeout):
        select.select([], [], [], 0.05)
        return []
    return [item.address for rrset in answer for item in rrset]


def dnsperf_words(port: int, questions: Path, *more: str) -> list[str]:
    """Return the words of dnsperf, on the last processor."""
    cpu = str(max(sched_getaffinity(0)))
    return ["taskset", "-c", cpu, "dnsperf", "-s", HOST, "-p", str(port), "-d", str(questions), "-l", str(SECONDS), *more]


def dnsperf(port: int, questions: Path, *more: str) -> Run:
    """Ask all questions over and over."""
    done = subprocess.run(dnsperf_words(port, questions, *more), capture_output=True, text=True, check=True)
    return read(done.stdout)


def read(output: str) -> Run:
    """Read what dnsperf printed."""
    rate, lost = (re.search(pattern, output) for pattern in (r"Queries per second: +([\d.]+)", r"Queries lost: +(\d+)"))
    if not rate or not lost:
        sys.exit(f"dnsperf says something unknown:\n{output}")
    latencies = re.findall(r"^> \S+ \S+ \S+ ([\d.]+)$", output, re.MULTILINE)
    return Run(float(rate[1]), int(lost[1]), [1e6 * float(value) for value in latencies])
