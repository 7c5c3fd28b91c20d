"""Law 3: any command killed at any step, then the next command heals: nothing lost, nothing leaked, Pods keep running."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

DRIVER = str(Path(__file__).with_name("crash_driver.py"))
KILLED = -9
MANIFEST = """
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec:
  terminationGracePeriodSeconds: 0
  containers: [{name: main, image: host, command: [sleep, infinity]}]
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
"""


def steps_of(lab, verb: str, *args: str, stdin: str = "") -> int:
    """How many steps the command takes when nobody kills it."""
    done = lab.run(verb, *args, stdin=stdin, driver=(DRIVER, "0"))
    assert done.code == 0, done.err
    return int(re.search(r"steps=(\d+)", done.err)[1])


def killed(lab, step: int, verb: str, *args: str, stdin: str = "") -> None:
    done = lab.run(verb, *args, stdin=stdin, driver=(DRIVER, str(step)))
    assert done.code in {KILLED, 0}, done.err


def picture(lab) -> list[str]:
    """What must be the same in every healed lab: names, addresses, phases."""
    pods = [(pod["metadata"]["name"], pod["spec"]["nodeName"], pod["status"]["phase"]) for pod in lab.pods()]
    return [*map(str, sorted(pods)), lab("get", "services", "-A", "--no-headers").replace("\n", " ").split()[0]]


@pytest.mark.timeout(1800)  # there are many steps, and after each of them several commands
def test_up_killed_after_every_step(program):
    total = steps_of(program, "up", "--nodes", "1")
    assert total > 20
    program("down")
    for step in range(1, total + 1):
        killed(program, step, "up", "--nodes", "1")
        program("up", "--nodes", "1")
        assert "0 changes" in program("up"), f"after a kill at step {step}"
        [dns] = program.pods("kube-dns", namespace="kube-system")
        assert dns["status"]["phase"] == "Running", f"after a kill at step {step}"
        program("down")


@pytest.mark.timeout(1800)
def test_apply_killed_after_every_step(program):
    program("up", "--nodes", "1")
    total = steps_of(program, "apply", "-f", "-", stdin=MANIFEST)
    expected = picture(program)
    for step in range(1, total + 1):
        program("delete", "-f", "-", "--ignore-not-found", stdin=MANIFEST)
        killed(program, step, "apply", "-f", "-", stdin=MANIFEST)
        program.apply(MANIFEST)
        assert picture(program) == expected, f"after a kill at step {step}"
        assert "0 changes" in program("up"), f"after a kill at step {step}"


def test_delete_killed_after_every_step(program):
    program("up", "--nodes", "1")
    program.apply(MANIFEST)
    total = steps_of(program, "delete", "-f", "-", stdin=MANIFEST)
    for step in range(1, total + 1):
        program.apply(MANIFEST)
        killed(program, step, "delete", "-f", "-", stdin=MANIFEST)
        program("delete", "-f", "-", "--ignore-not-found", stdin=MANIFEST)
        assert program.pods() == [], f"after a kill at step {step}"
        assert "0 changes" in program("up"), f"after a kill at step {step}"


def test_down_killed_after_every_step(program, snapshot, processes):
    before = snapshot()
    program("up", "--nodes", "1")
    program.apply(MANIFEST)
    total = steps_of(program, "down")
    assert total > 3
    for step in range(1, total + 1):
        program("up", "--nodes", "1")
        program.apply(MANIFEST)
        killed(program, step, "down")
        program("down")
        assert snapshot() == before, f"after a kill at step {step}"
        assert not processes(program.lab)


def test_up_after_a_killed_down_makes_a_new_lab(program):
    program("up", "--nodes", "1")
    program.apply(MANIFEST)
    killed(program, 2, "down")
    program("up", "--nodes", "1")
    assert program.pods() == []
