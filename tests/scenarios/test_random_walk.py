"""Law 1 on the real kernel: after any walk over manifests, what is observed is what is desired, and nothing is left to do."""

from __future__ import annotations

import random

import pytest

from netlab.desired.compile import compile_net, mark
from netlab.kernel.linux import LinuxNetwork
from netlab.kernel.port import Scope
from netlab.netstate.names import machine_netns
from netlab.plan.diff import diff
from netlab.store.lock import locked
from netlab.store.paths import LabPaths
from netlab.store.store import Store

POD = """
apiVersion: v1
kind: Pod
metadata: {name: %s, labels: {app: %s}}
spec:
  terminationGracePeriodSeconds: 0
  containers: [{name: main, image: host, command: [sleep, infinity], ports: [{name: web, containerPort: %d}]}]
"""
SERVICE = """
apiVersion: v1
kind: Service
metadata: {name: %s}
spec: {type: %s, selector: {app: %s}, ports: [{name: a, port: %d, targetPort: %s}, {name: b, port: 53, protocol: UDP}]}
"""
DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: many}
spec:
  replicas: %d
  selector: {matchLabels: {app: p}}
  template:
    metadata: {labels: {app: p}}
    spec:
      terminationGracePeriodSeconds: 0
      containers: [{name: main, image: host, command: [sleep, infinity]}]
"""
SLICE = """
apiVersion: v1
kind: Service
metadata: {name: byhand}
spec: {ports: [{port: %d}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: byhand, labels: {kubernetes.io/service-name: byhand}}
addressType: IPv4
ports: [{port: 8080}]
endpoints: [{addresses: [192.0.2.%d]}, {addresses: [192.0.2.7]}]
"""


SWITCHED = 0.4
SWITCHES = (
    ("node", "stop", "node-2", "--notice-after", "0s"), ("node", "stop", "node-2"), ("node", "start", "node-2"),
    ("cordon", "node-2"), ("uncordon", "node-2"),
)  # fmt: skip


def step(rng: random.Random) -> tuple[str, str]:
    """One thing a user may do: a verb and a manifest."""
    app, name, port = rng.choice("pqr"), rng.choice("abc"), rng.choice((80, 81))
    manifest = rng.choice(
        [
            POD % (f"pod-{name}", app, 8000 + port),
            SERVICE % (f"svc-{name}", rng.choice(("ClusterIP", "NodePort")), app, port, rng.choice(("web", "8080"))),
            DEPLOYMENT % rng.randrange(4),
            SLICE % (port, rng.randrange(1, 5)),
        ]
    )
    return rng.choice(("apply", "apply", "delete")), manifest


def left_to_do(lab) -> str:
    """The plan between what the store wants and what the kernel has, made by this process and not by the program.

    It holds the lab's lock, or it might look at what the agent has half done.
    """
    paths = LabPaths(lab.lab)
    with locked(paths.lock):
        store = Store(paths.store, lambda: 0.0)
        try:
            cluster, assignments, names = store.cluster(), store.assignments(), store.namespaces()
        finally:
            store.close()
        desired = compile_net(cluster, assignments)
        label = mark(cluster.lab.metadata.uid)
        observed = LinuxNetwork().observe(Scope(mark=label, names=names))
    assert set(observed.by_name) == set(desired.by_name)
    return str(diff(desired, observed, label))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_random_walk(lab, seed):
    rng = random.Random(seed)
    path = []
    for _ in range(12):
        verb, manifest = step(rng)
        if verb == "apply" and "kind: Pod" in manifest:
            lab.run("delete", "--ignore-not-found", "-f", "-", stdin=manifest)  # the spec of a Pod cannot be changed
        done = lab.run(verb, "-f", "-", *(("--ignore-not-found",) if verb == "delete" else ()), stdin=manifest)
        path.append(f"{verb} {manifest}")
        assert done.code == 0, f"{done.err}\nafter {path}"
        if rng.random() < SWITCHED:
            words = rng.choice(SWITCHES)
            path.append(" ".join(words))
            done = lab.run(*words)
            assert done.code == 0, f"{done.err}\nafter {path}"
        assert left_to_do(lab) == "# 0 changes", f"after {path}"
    lab("node", "start", "node-1", "node-2")
    assert "0 changes" in lab("up")
    assert machine_netns(lab.lab, "node-1") in left_names(lab)


def left_names(lab) -> list[str]:
    store = Store(LabPaths(lab.lab).store, lambda: 0.0)
    try:
        return sorted(store.namespaces())
    finally:
        store.close()
