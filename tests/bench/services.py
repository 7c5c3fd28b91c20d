"""Services by the thousand: rules loaded and changed beside kube-proxy's two layouts, connections through them, the whole way.

    load, change ..... of one Node, in a namespace of its own; iptables includes the start of its program, as does a peer's load
    connections ...... from a Pod to a Pod on another Node, direct and through the first, middle and last of the Services, in turn
    apply ............ `netlab apply` of all objects until it returns: then the rules are in place on all Nodes
    readiness ........ from the answer to the probe that finds a Pod ready, until the rules of every Node follow

Whoever is measured against another one takes turns with it.
"""

from __future__ import annotations

import gc
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import plot
import rule_layouts
import yaml
from report import Figures, add, leave_out
from rule_layouts import LAYOUTS, PEER_S, PORT, TARGET_PORT, Backends

from netlab.kernel.generation import Generation, generation, generations
from netlab.kernel.netns import create, delete, in_namespace, prepare_directory, run_in_thread

LAB = "bench"
NETLAB = (sys.executable, "-m", "netlab")
COUNTS, OURS_ALONE, MANY = (1_000, 2_000, 5_000, 10_000), 50_000, 10_000
CHANGES, CONNECTIONS, ROUNDS, SECONDS = 5, 2000, 25, 0.25
DEADLINE_S = 60.0
FEW = 1_000
"""So many Services tell how long a peer takes for more of them: at worst it grows as their square."""
DEAR_MS = 3_000.0
"""What takes longer is measured once."""
NAMESPACE = "many"
PODS = """
apiVersion: v1
kind: Namespace
metadata: {name: many}
---
apiVersion: v1
kind: Pod
metadata: {name: client}
spec: {nodeName: node-1, containers: [{name: c, image: host, command: [sleep, infinity]}]}
---
apiVersion: v1
kind: Pod
metadata: {name: server, labels: {app: server}}
spec:
  nodeName: node-2
  containers:
  - name: c
    image: host
    command: [sleep, infinity]
    readinessProbe: {httpGet: {path: /, port: 8081}, periodSeconds: 1, failureThreshold: 1}
---
apiVersion: v1
kind: Service
metadata: {name: ready}
spec: {clusterIP: 10.96.200.200, selector: {app: server}, ports: [{port: 80, targetPort: 8080}]}
"""
READY_IP = "10.96.200.200"
# The processes in the Pods: one that takes connections, one that makes them, one that answers probes. Each prints JSON lines.
SERVER = """
import socket, threading
def serve(one):
    with one:
        first = one.recv(65536)
        if first == b"?":
            one.sendall(b"!")
        else:
            while one.recv(1 << 20):
                pass
listening = socket.create_server(("", 8080), backlog=1024)
print("{}", flush=True)
while True:
    threading.Thread(target=serve, args=(listening.accept()[0],), daemon=True).start()
"""
CLIENT = """
import json, socket, sys, time
targets, connections, rounds, seconds = json.loads(sys.argv[1])
times, rates = {name: [] for name in targets}, {name: [] for name in targets}
for turn in range(connections + 20):
    for name, address in targets.items():
        begun = time.perf_counter()
        with socket.create_connection((address[0], address[1]), timeout=5) as one:
            one.sendall(b"?")
            one.recv(1)
        if turn >= 20:
            times[name].append(time.perf_counter() - begun)
block = bytes(1 << 18)
for _ in range(rounds):
    for name, address in targets.items():
        sent, end = 0, time.perf_counter() + seconds
        with socket.create_connection((address[0], address[1]), timeout=5) as one:
            begun = time.perf_counter()
            while time.perf_counter() < end:
                one.sendall(block)
                sent += len(block)
            rates[name].append(sent * 8 / (time.perf_counter() - begun))
print(json.dumps([times, rates]), flush=True)
"""
PROBED = """
import http.server, sys, threading, time
is_ready = False
class Answer(http.server.BaseHTTPRequestHandler):
    said = None
    def do_GET(self):
        self.send_response(200 if is_ready else 503)
        self.end_headers()
        if Answer.said is not is_ready:
            Answer.said = is_ready
            print("[%s, %f]" % (str(is_ready).lower(), time.monotonic()), flush=True)
    def log_message(self, *_):
        pass
server = http.server.ThreadingHTTPServer(("", 8081), Answer)
threading.Thread(target=server.serve_forever, daemon=True).start()
print("{}", flush=True)
for line in sys.stdin:
    is_ready = line.strip() == "ready"
"""


def measure(runs: int, drawing: Path | None = None, counts: Sequence[int] = COUNTS) -> Figures:
    """Return all figures; `drawing` is the file for the plot of cost against number."""
    found: Figures = {}
    points = loads(found, runs, counts)
    whole_way(found, runs)
    if drawing is not None:
        drawing.write_text(plot.svg("Rules of one Node", points, x="Services, 2 endpoints each", y="ms"))
    return found


# Rules alone ---------------------------------------------------------------------------------------------------------------


def loads(found: Figures, runs: int, counts: Sequence[int]) -> Mapping[str, list[tuple[float, float]]]:
    """Load and change each layout in a namespace of its own; return the medians, for the plot."""
    points: dict[str, list[tuple[float, float]]] = {}
    seen = dict.fromkeys(LAYOUTS, (0, 0.0))  # the largest number of Services so far, and how many milliseconds they took
    prepare_directory()
    for count in (*counts, OURS_ALONE):
        some = rule_layouts.services(count)
        numbers = range(0, count, max(1, count // CHANGES))[:CHANGES]
        made: dict[str, tuple[Any, list[Any]]] = {}
        for name in LAYOUTS if count != OURS_ALONE else ["netlab"]:
            expected = _expected_ms(name, count, *seen[name])
            if LAYOUTS[name].is_peer and expected > PEER_S * 1000:
                leave_out(found, _title(count, name), f"left out: might take {expected / 1000:.0f} s")
            else:
                made[name] = _made(name, some, numbers)
        for turn in range(max(1, runs // 2)):
            for name in [name for name in made if not turn or seen[name][1] < DEAR_MS]:
                try:
                    times = _load_and_change(name, *made[name])
                except subprocess.TimeoutExpired:
                    leave_out(found, _title(count, name), f"left out: took more than {PEER_S:.0f} s")
                    del made[name]
                    seen[name] = count, PEER_S * 1000
                    continue
                for what, values in times.items():
                    add(found, _title(count, name, what), "ms", *values)
                seen[name] = count, times["load"][0]
        for name in made:
            for what in ("load", "change"):
                middle = statistics.median(found[_title(count, name, what)].values)
                points.setdefault(f"{name}: {what}", []).append((count, middle))
    return points


def _title(count: int, name: str, what: str = "load") -> str:
    return f"{what}, {count} Services: {name}"


def _expected_ms(name: str, count: int, known: int, known_ms: float) -> float:
    """How long so many Services may take at worst, from what `known` of them took; of a peer a few are tried if none are known."""
    if not known and count > FEW and LAYOUTS[name].is_peer:
        known, known_ms = FEW, _load_and_change(name, *_made(name, rule_layouts.services(FEW), ()))["load"][0]
    return known_ms * (count / known) ** (2 if LAYOUTS[name].is_peer else 1) if known else 0.0


def _made(name: str, some: Sequence[Backends], numbers: Sequence[int]) -> tuple[Any, list[Any]]:
    """What a layout loads and changes. Millions of objects are made for it, of which none is garbage."""
    gc.disable()
    try:
        return LAYOUTS[name].made(some, numbers)
    finally:
        gc.enable()


def _load_and_change(name: str, load: Any, changes: Sequence[Any]) -> Mapping[str, list[float]]:
    """Changes come apart: before each, what the one before has deleted is freed."""
    run, netns = LAYOUTS[name].run, f"{LAB}.rules"

    def change(step: Any) -> float:
        generation()  # it waits for that
        return _ms(run, step)

    def work() -> Mapping[str, list[float]]:
        return {"load": [_ms(run, load)], "change": [change(step) for step in changes]}

    with _namespace(netns):
        return in_namespace(netns, work)


@contextmanager
def _namespace(name: str) -> Iterator[None]:
    run_in_thread(lambda: create(name, lambda: None))
    try:
        yield
    finally:
        delete(name)


def _ms(work: Callable[[Any], object], what: Any) -> float:
    begun = time.perf_counter()
    work(what)
    return (time.perf_counter() - begun) * 1000


# The whole way -------------------------------------------------------------------------------------------------------------


def whole_way(found: Figures, runs: int) -> None:
    """What a user does, in a lab of three Nodes."""
    with tempfile.TemporaryDirectory() as folder:
        for name, file in _files(Path(folder)).items():
            for turn in reversed(range(max(1, runs // 2))):
                netlab("up", "--nodes", "3")
                netlab("apply", "-f", "-", stdin=PODS)
                for what in ("rules on 3 Nodes", "unchanged"):
                    add(
                        found, f"apply of {MANY} {name}, {what}", "ms", _ms(lambda text: netlab("apply", "-f", text), str(file))
                    )
                if name == "Services and slices, YAML" and not turn:
                    _connections(found)
                    _readiness(found, runs)
                netlab("down")


def _files(folder: Path) -> dict[str, Path]:
    """Write the objects down in three ways. The first, the middle and the last have a server behind them, by and by."""
    some = rule_layouts.services(MANY)
    slices = [item for one in some for item in _plain(one)]
    found = {"Services and slices, YAML": folder / "slices.yaml", "Services and slices, JSON": folder / "slices.json"}
    found["Services with selectors, YAML"] = folder / "selectors.yaml"
    found["Services and slices, YAML"].write_text(_yaml(some, _plain))
    found["Services and slices, JSON"].write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": slices}))
    found["Services with selectors, YAML"].write_text(_yaml(some, lambda one: [_service(one.name, {"app": "server"})]))
    return found


def _yaml(some: Sequence[Backends], items: Callable[[Backends], Iterable[dict[str, Any]]]) -> str:
    """The documents of all Services: one is written by PyYAML, the others like it, in a hundredth of the time."""
    words = Backends("THE-NAME", "THE-ADDRESS", ("THE-FIRST", "THE-SECOND"))
    one = "---\n" + yaml.safe_dump_all(items(words), sort_keys=False)
    return "".join(
        one.replace(words.name, item.name).replace(words.pods[0], item.pods[0]).replace(words.pods[1], item.pods[1])
        for item in some
    )


def _service(name: str, selector: dict[str, str] | None = None) -> dict[str, Any]:
    spec = {"ports": [{"name": "http", "port": PORT, "targetPort": TARGET_PORT}]} | ({"selector": selector} if selector else {})
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": NAMESPACE}, "spec": spec}


def _plain(one: Backends) -> Iterator[dict[str, Any]]:
    yield _service(one.name)
    labels = {"kubernetes.io/service-name": one.name}
    yield {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": one.name, "namespace": NAMESPACE, "labels": labels},
        "addressType": "IPv4",
        "endpoints": [{"addresses": [pod]} for pod in one.pods],
        "ports": [{"name": "http", "port": TARGET_PORT}],
    }


def _connections(found: Figures) -> None:
    """Connect, ask, close; then send as much as goes: direct, and through three of the Services."""
    server = get("pod", "server")["status"]["podIP"]
    some = rule_layouts.services(MANY)
    chosen = {"first": some[0], "middle": some[MANY // 2], "last": some[-1]}
    moved = [item for one in chosen.values() for item in _plain(one._replace(pods=(server,)))]
    netlab("apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": moved}))
    targets = {"direct": (server, TARGET_PORT)}
    for name, one in chosen.items():
        targets[name] = (get("service", one.name, NAMESPACE)["spec"]["clusterIP"], PORT)
    given = json.dumps([targets, CONNECTIONS, ROUNDS, SECONDS])
    with _program("server", SERVER), _program("client", CLIENT, given) as client:
        times, rates = client.said()
    for name, values in times.items():
        add(
            found,
            f"connect, ask, close: {name} of {MANY}" if name != "direct" else "connect, ask, close: direct",
            "ms",
            *(1000 * one for one in values),
        )
        add(found, f"throughput: {name}", "Gbit/s", *(one / 1e9 for one in rates[name]))
    for name in chosen:
        for word, of in (("median", statistics.median), ("p99", _p99)):
            add(found, f"  {name} against direct, {word}", "x", of(times[name]) / of(times["direct"]))
        beside = (mine / direct for mine, direct in zip(rates[name], rates["direct"], strict=True))  # sent one after the other
        add(found, f"  {name} against direct, throughput", "x", *beside)


def _p99(values: Sequence[float]) -> float:
    """The p99 as most parts of the run had it: one stroke of somebody else's work would decide that of the whole."""
    parts = [values[start : start + 200] for start in range(0, len(values), 200)]
    return statistics.median(statistics.quantiles(part, n=100)[98] for part in parts)


def _readiness(found: Figures, runs: int) -> None:
    """Let the probe find the Pod ready and not ready, again and again, and wait until every Node has other rules."""
    nodes = [f"{LAB}.node-{number}" for number in (1, 2, 3)]
    with _program("server", SERVER), _program("server", PROBED) as probed:
        for _ in range(runs):
            for word, what in (("ready", "Pod is ready"), ("gone", "Pod is not ready")):
                before = {node: in_namespace(node, generation) for node in nodes}
                probed.tell(word)
                moment = probed.said()[1]
                last = max(in_namespace(node, lambda was=was: _when_other(was)) for node, was in before.items())
                add(found, f"{what} -> rules on 3 Nodes, {MANY} Services", "ms", (last - moment) * 1000)
                if in_namespace(nodes[-1], _answers) != (word == "ready"):
                    sys.exit(f"the rules are others, but not those of a Pod that is {word}")


def _when_other(before: Generation | None) -> float:
    """Return when (time.monotonic) the rules of this namespace are not those of `before`."""
    end = time.monotonic() + DEADLINE_S
    with generations() as newest:
        while newest() == before:
            if time.monotonic() > end:
                sys.exit("the rules did not follow")
        return time.monotonic()


def _answers() -> bool:
    try:
        socket.create_connection((READY_IP, PORT), timeout=1).close()
    except OSError:
        return False
    return True


class _Process:
    """A program in a Pod's network that says something in lines of JSON."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def said(self) -> Any:
        """Return the next line."""
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline() or sys.exit("a program of the bench has ended"))

    def tell(self, word: str) -> None:
        """Write a line to it."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{word}\n")
        self._process.stdin.flush()


@contextmanager
def _program(pod: str, text: str, *args: str) -> Iterator[_Process]:
    words = [sys.executable, "-c", text, *args]
    pipe = subprocess.PIPE
    process = in_namespace(f"{LAB}.default.{pod}", lambda: subprocess.Popen(words, stdin=pipe, stdout=pipe, text=True))
    try:
        found = _Process(process)
        if text is not CLIENT:
            found.said()
        yield found
    finally:
        process.kill()
        process.wait()


def netlab(*words: str, stdin: str = "") -> str:
    """Run the command and return what it printed; an error ends the bench."""
    done = subprocess.run(
        [*NETLAB, *words, "--lab", LAB], input=stdin, capture_output=True, text=True, check=False, env=dict(os.environ)
    )
    if done.returncode:
        sys.exit(f"netlab {' '.join(words)}: exit {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout


def get(kind: str, name: str, namespace: str = "default") -> Any:
    """Return one object."""
    return json.loads(netlab("get", kind, name, "-n", namespace, "-o", "json"))
