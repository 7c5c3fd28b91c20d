"""What probes cost: the share of a processor that the agent, and every program it starts for them, uses while they are asked.

Each Pod is asked once a second. The programs of the Pods are the smallest there are (busybox httpd), and not counted; that of a
gRPC server is Python, so there are fewer of them. Of exec probes crun's share is counted, not that of the command it starts.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from pods import LAB, NETLAB, SETTLED, busy
from report import Figures, add

from netlab import Lab
from netlab.engine.agent import agent_pid
from netlab.store.paths import LabPaths

LOOK_S, TIMEOUT_S = 10.0, 120.0
WEB = ("busybox", "httpd", "-f", "-p", "80", "-h", "/usr/share")
GRPC = (sys.executable, "-c", (Path(__file__).parents[1] / "grpc_health_server.py").read_text(), "80")
TCP_PROBE, HTTP_PROBE = {"tcpSocket": {"port": 80}}, {"httpGet": {"port": 80, "path": "/common-licenses/BSD"}}
# What is measured: how many Pods, the program of each, and the actions of their probes in turn.
ROWS = {
    "500 Pods, 1-second probes, half TCP half HTTP": (500, WEB, (TCP_PROBE, HTTP_PROBE)),
    "  100 Pods, 1-second TCP probes": (100, WEB, (TCP_PROBE,)),
    "  100 Pods, 1-second HTTP probes": (100, WEB, (HTTP_PROBE,)),
    "  20 Pods, 1-second gRPC probes": (20, ("sh", "-c", 'touch serving; exec "$0" "$@"', *GRPC), ({"grpc": {"port": 80}},)),
    "  20 Pods, 1-second exec probes": (20, ("sleep", "infinity"), ({"exec": {"command": ["true"]}},)),
}


def pod(number: int, program: tuple[str, ...], action: dict[str, object]) -> dict[str, object]:
    """A Pod that is asked once a second whether it is ready."""
    container = {
        "name": "main", "image": "host", "workingDir": "/tmp", "command": list(program),
        "readinessProbe": {"periodSeconds": 1, **action},
    }  # fmt: skip
    return {
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": f"pod-{number}"},
        "spec": {"terminationGracePeriodSeconds": 0, "containers": [container]},
    }  # fmt: skip


def measure(looks: int = 3) -> Figures:
    """Return percents of a processor, each of so many looks of ten seconds."""
    found: Figures = {}
    if not shutil.which("busybox"):
        print("no busybox here: probes are not measured")
        return found
    for name, (count, program, actions) in ROWS.items():
        lab = Lab(3, name=LAB).up()
        try:
            lab.apply([pod(n, program, actions[n % len(actions)]) for n in range(count)])
            lab.wait_ready(TIMEOUT_S)
            agent = agent_pid(LabPaths(LAB))
            assert agent
            settle(agent)
            add(found, name, "%", *(100 * busy(agent, LOOK_S) for _ in range(looks)))
        finally:
            subprocess.run([*NETLAB, "down", "--lab", LAB], check=True, capture_output=True)
    return found


def settle(agent: int) -> None:
    """Return when the agent uses no more in a second than in the one before: the Pods' beginning is over."""
    before = 1.0
    while (now := busy(agent, 1.0)) < before - SETTLED:
        before = now
