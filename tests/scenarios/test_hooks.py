"""Hooks of real programs: what is done at the start and before the end of a container, and what follows from its failure."""

from __future__ import annotations

import time

import pytest

POD = """
apiVersion: v1
kind: Pod
metadata: {name: NAME, labels: {app: web}}
spec:
  terminationGracePeriodSeconds: GRACE
  containers:
  - name: main
    image: host
    command: COMMAND
    workingDir: /tmp
    volumeMounts: [{name: notes, mountPath: /notes}]
    MORE
  volumes: [{name: notes, hostPath: {path: NOTES}}]
---
"""
SERVER = '[python3, -m, http.server, "80"]'
TELLS_OF_TERM = (
    "[sh, -c, \"trap 'echo TERM >> /notes/log; exit 3' TERM; echo begin >> /notes/log; while :; do sleep 0.05; done\"]"
)
DEAF = '[sh, -c, "trap : TERM; while :; do sleep 0.05; done"]'


@pytest.fixture
def notes(tmp_path):
    """A directory that the container writes to, and that outlives it."""
    tmp_path.chmod(0o777)
    for parent in tmp_path.parents[:2]:
        parent.chmod(0o755)
    return tmp_path


@pytest.fixture
def a_pod(notes):
    """`a_pod("web", DEAF, "lifecycle: {...}")`, a manifest."""

    def made(name, command, more, *, grace_s=20):
        words = {"NAME": name, "GRACE": str(grace_s), "COMMAND": command, "MORE": more, "NOTES": str(notes)}
        text = POD
        for word, value in words.items():
            text = text.replace(word, value)
        return text

    return made


def row(lab, name):
    """READY, STATUS and RESTARTS of a Pod."""
    return lab("get", "pod", name, "--no-headers").split()[1:4]


def told(lab, name):
    """What the Events of a Pod say: (reason, message)."""
    found = lab.json("events", "--field-selector", f"involvedObject.name={name}")["items"]
    return [(one["reason"], one["message"]) for one in found]


def log(notes):
    path = notes / "log"
    return path.read_text().split() if path.exists() else []


def test_a_container_runs_when_its_post_start_hook_has_ended(lab, notes, a_pod, until):
    hook = "lifecycle: {postStart: {exec: {command: [sh, -c, 'until [ -e /notes/go ]; do sleep 0.05; done; echo hook >> /notes/log']}}}"
    lab.apply(a_pod("web", TELLS_OF_TERM, hook))
    until(lambda: log(notes) == ["begin"])
    assert row(lab, "web") == ["0/1", "ContainerCreating", "0"]
    (notes / "go").touch()
    lab("wait", "pod/web", "--for=condition=Ready", "--timeout=60s")
    assert log(notes) == ["begin", "hook"]
    assert row(lab, "web") == ["1/1", "Running", "0"]


def test_the_next_container_waits_for_the_hook_of_the_one_before(lab, notes, a_pod, until):
    hook = "lifecycle: {postStart: {exec: {command: [sh, -c, 'until [ -e /notes/go ]; do sleep 0.05; done']}}}"
    second = "\n  - {name: second, image: host, command: [sleep, infinity]}"
    lab.apply(a_pod("web", TELLS_OF_TERM, hook + second))
    until(lambda: log(notes) == ["begin"])
    assert [one["state"] for one in lab.json("pod", "web")["status"]["containerStatuses"]] == [
        {"waiting": {"reason": "ContainerCreating"}}
    ] * 2
    assert lab.run("exec", "web", "-c", "second", "--", "true").code != 0
    (notes / "go").touch()
    lab("wait", "pod/web", "--for=condition=Ready", "--timeout=60s")


@pytest.mark.parametrize(
    "handler",
    [
        pytest.param("exec: {command: [sh, -c, 'exit 1']}", id="a command that fails"),
        pytest.param("exec: {command: [no-such-program]}", id="a command that does not exist"),
        pytest.param("httpGet: {port: 81}", id="nobody answers"),
        pytest.param("httpGet: {port: named}", id="a port that the container does not have"),
    ],
)
def test_a_failed_post_start_hook_ends_the_container_and_it_is_restarted(lab, a_pod, until, handler):
    lab.apply(a_pod("web", TELLS_OF_TERM, f"lifecycle: {{postStart: {{{handler}}}}}"))
    until(lambda: row(lab, "web")[1] == "CrashLoopBackOff")
    assert ("FailedPostStartHook", "PostStartHook failed") in told(lab, "web")
    assert ("Killing", "FailedPostStartHook") in told(lab, "web")
    last = lab.json("pod", "web")["status"]["containerStatuses"][0]["lastState"]["terminated"]
    assert last["exitCode"] == 3


def test_a_hook_may_pause_or_ask_over_http(lab, a_pod, until):
    probe = "readinessProbe: {periodSeconds: 1, httpGet: {port: 80}}"
    begun = time.monotonic()
    lab.apply(a_pod("sleeper", SERVER, "lifecycle: {postStart: {sleep: {seconds: 2}}}\n    " + probe))
    lab("wait", "pod/sleeper", "--for=condition=Ready", "--timeout=60s")
    assert time.monotonic() - begun >= 2
    slow = '[sh, -c, "exec python3 -m http.server 80"]'
    lab.apply(a_pod("asker", slow, "lifecycle: {preStop: {httpGet: {port: 80, path: /farewell}}}"))
    until(lambda: row(lab, "asker")[0] == "1/1")
    until(lambda: lab.run("exec", "asker", "--", "curl", "-s", "127.0.0.1").code == 0)
    lab("delete", "pod", "asker", "--wait=false")
    until(lambda: lab.run("get", "pod", "asker").code == 1)
    assert ("FailedPreStopHook", "PreStopHook failed") in told(lab, "asker"), "404 is no success"


@pytest.mark.parametrize("code", [pytest.param(0, id="that succeeds"), pytest.param(1, id="that fails")])
def test_term_comes_after_the_pre_stop_hook(lab, notes, a_pod, until, code):
    hook = f"echo hook >> /notes/log; exit {code}"
    lab.apply(a_pod("web", TELLS_OF_TERM, f"lifecycle: {{preStop: {{exec: {{command: [sh, -c, '{hook}']}}}}}}"))
    until(lambda: log(notes) == ["begin"])
    lab("delete", "pod", "web")
    assert log(notes) == ["begin", "hook", "TERM"]
    assert told(lab, "web").count(("FailedPreStopHook", "PreStopHook failed")) == code
    assert told(lab, "web").count(("Killing", "Stopping container main")) == 1


def test_the_grace_period_holds_the_hook_too_and_term_gets_two_seconds_more(lab, notes, a_pod, until):
    lab.apply(a_pod("web", TELLS_OF_TERM, "lifecycle: {preStop: {exec: {command: [sleep, infinity]}}}", grace_s=2))
    lab.apply(a_pod("deaf", DEAF, "lifecycle: {preStop: {exec: {command: [sleep, infinity]}}}", grace_s=2))
    until(lambda: log(notes) == ["begin"] and row(lab, "deaf")[0] == "1/1")
    begun = time.monotonic()
    lab("delete", "pod", "web", "deaf")
    assert log(notes) == ["begin", "TERM"]
    assert 4 <= time.monotonic() - begun < 30, "neither hook nor program ends by itself"


def test_a_deletion_without_grace_waits_for_no_hook(lab, notes, a_pod, until):
    lab.apply(a_pod("web", TELLS_OF_TERM, "lifecycle: {preStop: {exec: {command: [sleep, infinity]}}}", grace_s=120))
    until(lambda: log(notes) == ["begin"])
    begun = time.monotonic()
    lab("delete", "pod", "web", "--grace-period=0", "--force")
    assert time.monotonic() - begun < 60
    assert log(notes) == ["begin"]


def test_the_pre_stop_hook_is_run_for_a_container_that_fails_its_liveness_probe(lab, notes, a_pod, until):
    more = (
        "lifecycle: {preStop: {exec: {command: [sh, -c, 'echo hook >> /notes/log']}}}"
        "\n    livenessProbe: {periodSeconds: 1, timeoutSeconds: 20, failureThreshold: 1, exec: {command: [test, -e, /notes/well]}}"
    )
    (notes / "well").touch()
    lab.apply(a_pod("web", TELLS_OF_TERM, more))
    until(lambda: log(notes) == ["begin"])
    (notes / "well").unlink()
    until(lambda: log(notes)[:4] == ["begin", "hook", "TERM", "begin"])
    (notes / "well").touch()
    assert ("Killing", "Container main failed liveness probe, will be restarted") in told(lab, "web")
    until(lambda: row(lab, "web")[:2] == ["1/1", "Running"])
