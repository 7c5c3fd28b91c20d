"""`logs` of real containers: several at once, followed while they write, and none that has not run."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys

import pytest

TALKERS = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: talk}
spec:
  replicas: 2
  selector: {matchLabels: {app: talk}}
  template:
    metadata: {labels: {app: talk}}
    spec:
      terminationGracePeriodSeconds: 0
      containers:
      - {name: main, image: host, command: [sh, -c, 'echo main begins; sleep infinity']}
      - name: side
        image: host
        command: [sh, -c, 'echo side begins >&2; while sleep 0.1; do [ -e /tmp/go ] && rm /tmp/go && echo went on; done']
---
apiVersion: v1
kind: Pod
metadata: {name: counter}
spec:
  restartPolicy: Never
  containers: [{name: main, image: host, command: [sh, -c, 'for i in 1 2 3; do echo $i; sleep 0.2; done']}]
---
apiVersion: v1
kind: Pod
metadata: {name: again}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - name: main
    image: host
    command: [sh, -c, 'printf "one\\377\\nhalf"; until [ -e /tmp/go ]; do sleep 0.05; done; rm /tmp/go; echo " done"']
---
apiVersion: v1
kind: Pod
metadata: {name: stuck}
spec: {nodeSelector: {no: such}, containers: [{name: main, image: host, command: ["true"]}]}
"""


@pytest.fixture(scope="module")
def talkers(module_program):
    module_program("up", "--nodes", "2")
    module_program.apply(TALKERS)
    module_program("wait", "--for=condition=Available", "deployment/talk", "--timeout=60s")
    return module_program


def test_all_containers_of_all_pods_each_in_its_name(talkers, until):
    until(lambda: len(talkers("logs", "-l", "app=talk", "--all-containers").splitlines()) == 4)
    lines = talkers("logs", "-l", "app=talk", "--all-containers", "--prefix").splitlines()
    names = sorted(pod["metadata"]["name"] for pod in talkers.pods("talk"))
    assert lines == [f"[pod/{name}/{which}] {which} begins" for name in names for which in ("main", "side")]
    assert talkers("logs", "deploy/talk", "--all-pods", "-c", "side").splitlines() == [lines[1], lines[3]]
    assert talkers("logs", f"pod/{names[0]}", "side") == "side begins\n"


def test_time_to_the_nanosecond(talkers, until):
    until(lambda: talkers("logs", "deploy/talk"))
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}\S+ main begins\n", talkers("logs", "deploy/talk", "--timestamps")
    )
    assert not talkers("logs", "deploy/talk", "--since-time=2099-01-01T00:00:00Z")
    assert talkers("logs", "deploy/talk", "--since=1h") == "main begins\n"


def test_following_ends_with_the_container(talkers):
    assert talkers("logs", "-f", "counter") == "1\n2\n3\n"


def test_following_ends_with_this_run_although_the_container_starts_again(talkers, until):
    with subprocess.Popen(
        [sys.executable, "-m", "netlab", "logs", "-f", "again", "--lab", talkers.lab], stdout=subprocess.PIPE
    ) as following:
        assert following.stdout.readline() == b"one\xff\n"
        talkers("exec", "again", "--", "touch", "/tmp/go")
        assert following.communicate(timeout=60)[0] == b"half done\n"
        assert following.returncode == 0
    until(lambda: talkers.json("pod", "again")["status"]["containerStatuses"][0]["restartCount"])
    assert talkers("logs", "-f", "-p", "again", "--tail=1") == "half done\n"


@pytest.mark.parametrize(
    ("flags", "printed"),
    [
        (("--limit-bytes=3",), "1\n2"),
        (("--limit-bytes=3", "-f"), "1\n2"),
        (("--tail=2", "-f"), "2\n3\n"),
        (("--since=1ns",), ""),
        (("--since-time=2099-01-01T00:00:00Z", "-f"), ""),
        (("--prefix", "--tail=1"), "[pod/counter/main] 3\n"),
    ],
    ids=" ".join,
)
def test_a_part_of_what_was_printed(talkers, flags, printed):
    talkers("wait", "--for=jsonpath={.status.phase}=Succeeded", "pod/counter")
    assert talkers("logs", "counter", *flags) == printed


def test_logs_before_one_that_is_not_there_are_printed(talkers):
    talkers("label", "pod", "counter", "stuck", "both=yes", "--overwrite")
    talkers("wait", "--for=jsonpath={.status.phase}=Succeeded", "pod/counter")
    done = talkers.run("logs", "-l", "both=yes")
    assert (done.code, done.out) == (1, "1\n2\n3\n")
    assert "waiting to start" in done.err
    done = talkers.run("logs", "-l", "both=yes", "-f", "--ignore-errors")
    assert (done.code, done.out) == (0, "1\n2\n3\n")
    assert "waiting to start" in done.err


def test_several_are_followed_at_once(talkers):
    words = ["logs", "-f", "-l", "app=talk", "--all-containers", "--prefix", "--lab", talkers.lab]
    with subprocess.Popen(
        [sys.executable, "-m", "netlab", *words], stdout=subprocess.PIPE, start_new_session=True
    ) as following:
        try:
            begun = b"".join(following.stdout.readline() for _ in range(4))
            pod = talkers.pods("talk")[0]["metadata"]["name"]
            talkers("exec", pod, "-c", "side", "--", "touch", "/tmp/go")
            assert following.stdout.readline().decode() == f"[pod/{pod}/side] went on\n"
        finally:
            os.killpg(following.pid, signal.SIGINT)
        assert following.wait(60) == 130
    assert begun.count(b"main begins") == begun.count(b"side begins") == 2


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("stuck",), 'Error from server (BadRequest): container "main" in pod "stuck" is waiting to start: ContainerCreating'),
        (("counter", "-p"), 'Error from server (BadRequest): previous terminated container "main" in pod "counter" not found'),
        (
            ("-f", "-l", "app=talk", "--all-containers", "--max-log-requests=3"),
            "error: you are attempting to follow 4 log streams, but maximum allowed concurrency is 3",
        ),
    ],
)
def test_logs_there_are_not(talkers, words, message):
    done = talkers.run("logs", *words)
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith(message)


def test_nothing_by_label_is_no_error(talkers):
    done = talkers.run("logs", "-l", "app=nosuch")
    assert (done.code, done.out, done.err) == (0, "", "No resources found in default namespace.\n")
