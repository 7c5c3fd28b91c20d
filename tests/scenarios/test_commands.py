"""`netlab commands`: the lab is taken down and built again by a shell script alone, and nobody could tell by the network."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from netlab.kernel.linux import LinuxNetwork
from netlab.kernel.port import Scope

HOSTILE = 'it\'s $(id) `id` \\ "x"\nEND\n; exit 1 # é'
# Says what it sees, as one line of JSON, and serves its directory. The words of the script are its own: -I, -S.
SERVER = """
import http.server, json, os, socket, sys
seen = {
    "args": sys.argv[1:], "env": dict(os.environ), "directory": os.getcwd(), "hostname": socket.gethostname(),
    "resolv.conf": open("/etc/resolv.conf").read(), "/etc/hostname": open("/etc/hostname").read(), "root": sorted(os.listdir("/root")),
    "read-only": not os.access("/machine/file", os.W_OK), "machine": open("/machine/file").read(),
}
open("/shared/index.html", "w").write(socket.gethostname())
print(json.dumps(seen), flush=True)
http.server.test(http.server.SimpleHTTPRequestHandler, port=8080, bind="0.0.0.0")
"""
MANIFEST = """
apiVersion: v1
kind: ConfigMap
metadata: {name: web}
data: {program: %(program)s, hostile: %(hostile)s}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 0
      volumes:
      - {name: shared, emptyDir: {}}
      - {name: machine, hostPath: {path: %(directory)s, type: Directory}}
      containers:
      - name: web
        image: host
        command: [python3, -I, -S, -c, $(PROGRAM), $(HOSTILE), a b]
        workingDir: /shared
        env:
        - {name: PROGRAM, valueFrom: {configMapKeyRef: {name: web, key: program}}}
        - {name: HOSTILE, valueFrom: {configMapKeyRef: {name: web, key: hostile}}}
        - {name: -with.dots, value: "1"}
        volumeMounts:
        - {name: shared, mountPath: /shared}
        - {name: machine, mountPath: /machine, readOnly: true}
      - name: reader
        image: host
        command: [tail, --lines=+1, -F, /other/index.html]
        volumeMounts: [{name: shared, mountPath: /other}]
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  type: NodePort
  selector: {app: web}
  ports: [{port: 80, targetPort: 8080, nodePort: 30080}]
---
apiVersion: v1
kind: Pod
metadata: {name: client}
spec:
  terminationGracePeriodSeconds: 0
  containers: [{name: main, image: host, command: [sleep, infinity]}]
"""


@pytest.fixture
def directory(tmp_path):
    """A directory of the machine with a file and an awkward name."""
    path = tmp_path / "it's a directory"
    path.mkdir()
    (path / "file").write_text("of the machine")
    return path


@pytest.fixture
def without_netlab(tmp_path):
    """`without_netlab(text)` runs a script as a user would who has only the machine's own programs."""

    def run(text: str) -> subprocess.CompletedProcess[str]:
        file = tmp_path / "script.sh"
        file.write_text(text)
        env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root"}
        return subprocess.run(["sh", str(file)], capture_output=True, text=True, check=False, env=env, timeout=180)

    return run


@pytest.fixture
def served(lab, directory, until):
    """The lab with two servers behind a Service, and a client."""
    values = {"program": SERVER, "hostile": HOSTILE, "directory": str(directory)}
    lab.apply(MANIFEST % {name: json.dumps(value) for name, value in values.items()})
    lab("wait", "--for=condition=Ready", "pod", "--all")
    until(lambda: all(lab("logs", pod["metadata"]["name"], "-c", "web") for pod in lab.pods("web-")))
    return lab


@pytest.fixture
def scripts(served, without_netlab):
    """The script that builds the lab and the one that removes it; what the first one built is gone in the end."""
    build, remove = served("commands"), served("commands", "--down")
    yield build, remove
    if Path("/run/by-hand", served.lab).exists():
        without_netlab(remove)


def netns(*words: str) -> str:
    return subprocess.run(["ip", "netns", *words], capture_output=True, text=True, check=True).stdout


def curl(where: str, url: str) -> str:
    words = ["exec", where, "curl", "-s", "--max-time", "2", url]
    return subprocess.run(["ip", "netns", *words], capture_output=True, text=True, check=False).stdout


def names_of(lab: str) -> list[str]:
    return sorted(word for word in netns("list").split() if word.startswith(f"{lab}."))


def kernel_state(lab: str, uid: str) -> dict[str, object]:
    """The network of a lab as ip and nft show it, in an order of its own, and as netlab observes it (sysctls as well)."""
    found: dict[str, object] = {}
    for name in names_of(lab):
        rules = netns("exec", name, "nft", "list", "ruleset")
        routes = json.loads(netns("exec", name, "ip", "-json", "route", "show", "table", "all"))
        links = json.loads(netns("exec", name, "ip", "-json", "addr"))
        found[name] = {
            "rules": sorted(re.split(r"[\s,]+", rules)),  # nft lists elements in the order of a hash
            "routes": sorted(json.dumps(route, sort_keys=True) for route in routes),
            "links": sorted(
                json.dumps({key: link.get(key) for key in ("ifname", "address", "mtu", "operstate")}) for link in links
            ),
        }
    network = LinuxNetwork()
    try:
        found["observed"] = str(network.observe(Scope(mark=f"netlab {uid}", names=frozenset(names_of(lab)))))
    finally:
        network.close()
    return found


def processes_in(names: list[str]) -> list[str]:
    return [pid for name in names for pid in netns("pids", name).split()]


def answers_to_all(lab: str, cluster_ip: str, node_ip: str) -> set[str]:
    """Who answers: the client by ClusterIP and by every form of the name, and outside by NodePort; "" for nobody."""
    client, outside = f"{lab}.default.client", f"{lab}.outside"
    forms = ("web", "web.default", "web.default.svc", "web.default.svc.cluster.local", cluster_ip)
    found = {curl(client, f"http://{form}/") for form in forms}
    return found | {curl(outside, f"http://{node_ip}:30080/") for _ in range(8)}


def test_the_script_rebuilds_the_lab_without_netlab(served, scripts, without_netlab, until):
    lab, (build, remove) = served.lab, scripts
    uid = Path("/run/netlab", lab, "uid").read_text().strip()
    names, before = names_of(lab), kernel_state(lab, uid)
    pods = {pod["metadata"]["name"] for pod in served.pods("web-")}
    seen = {pod: json.loads(served("logs", pod, "-c", "web").splitlines()[0]) for pod in pods}
    cluster_ip, node_ip = served.cluster_ip("web"), served.node_ip("node-2")
    served("down")
    assert names_of(lab) == []
    assert not re.search(r"netlab", re.sub(rf"inet netlab|'netlab {uid}'", "", build + remove))

    done = without_netlab(build)
    assert (done.returncode, done.stderr) == (0, "")
    assert names_of(lab) == names
    until(lambda: kernel_state(lab, uid) == before)  # a link that has just been made is up a little later (linkwatch)
    until(lambda: answers_to_all(lab, cluster_ip, node_ip) == pods)
    for pod in pods:
        logs = Path("/run/by-hand", lab, f"{lab}.default.{pod}")
        assert json.loads((logs / "web.log").read_text().splitlines()[0]) == seen[pod]
        assert seen[pod]["args"] == [HOSTILE, "a b"]
        until(lambda file=logs / "reader.log", pod=pod: file.read_text().endswith(pod))

    assert without_netlab(build).returncode != 0, "a second time is refused"
    running = processes_in(names)
    assert running
    done = without_netlab(remove)
    assert (done.returncode, done.stderr) == (0, "")
    assert names_of(lab) == []
    assert not [pid for pid in running if Path("/proc", pid, "ns/net").exists()]
    assert not list(Path("/etc/netns").glob(f"{lab}.*"))
    assert not Path("/run/by-hand").exists()
    assert without_netlab(remove).returncode == 1, "there is nothing to remove any more"


def test_scripts_do_not_touch_a_lab_that_is_up(served, scripts, without_netlab, snapshot):
    before, running = snapshot(), processes_in(names_of(served.lab))
    for script in scripts:
        done = without_netlab(script)
        assert done.returncode == 1
        assert done.stderr.count("\n") == 1
    assert processes_in(names_of(served.lab)) == running
    assert snapshot() == before


def test_a_script_that_was_stopped_half_way_can_be_removed(served, scripts, without_netlab):
    build, remove = scripts
    served("down")
    half = build[: build.index("# ---- Routes")] + "ip link add no-such-kind type no-such-kind\n"
    assert without_netlab(half).returncode != 0
    assert names_of(served.lab)
    assert without_netlab(remove).returncode == 0
    assert names_of(served.lab) == []


def test_network_alone(lab, without_netlab):
    build, remove = lab("commands", "--network"), lab("commands", "--down")
    names = names_of(lab.lab)
    lab("down")
    try:
        assert without_netlab(build).returncode == 0
        assert names_of(lab.lab) == names
        assert processes_in(names) == []
        assert netns("exec", f"{lab.lab}.outside", "ping", "-c1", "-w30", "172.18.0.3").count("bytes from") == 1
    finally:
        assert without_netlab(remove).returncode == 0
    assert names_of(lab.lab) == []


def test_no_lab_no_script(program):
    done = program.run("commands")
    assert (done.code, done.out) == (1, "")
    assert f"there is no lab {program.lab!r}" in done.err
