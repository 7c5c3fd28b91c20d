"""Init containers and sidecars as real processes: in order, beside the others, and ended after them."""

from __future__ import annotations

import re

import pytest

POD = """
apiVersion: v1
kind: Pod
metadata: {name: ordered, labels: {app: ordered}}
spec:
  restartPolicy: Never
  terminationGracePeriodSeconds: 60
  volumes: [{name: diary, hostPath: {path: DIARY}}]
  initContainers:
  - name: first
    image: host
    command: [sh, -c, 'sleep 0.3; echo first >> /diary/text']
    volumeMounts: [{name: diary, mountPath: /diary}]
  - name: side
    image: host
    restartPolicy: Always
    command: [sh, -c, 'trap "echo side ends >> /diary/text; exit 0" TERM; echo side >> /diary/text; while sleep 0.1; do :; done']
    volumeMounts: [{name: diary, mountPath: /diary}]
  - name: second
    image: host
    command: [sh, -c, 'echo second >> /diary/text']
    volumeMounts: [{name: diary, mountPath: /diary}]
  containers:
  - name: main
    image: host
    command: [sh, -c, 'trap "echo main ends >> /diary/text; exit 0" TERM; echo main >> /diary/text; while sleep 0.1; do :; done']
    volumeMounts: [{name: diary, mountPath: /diary}]
"""


@pytest.fixture
def diary(tmp_path):
    tmp_path.chmod(0o777)
    return tmp_path


def test_in_order_beside_and_after(lab, diary, until):
    text = POD.replace("DIARY", str(diary))
    lab.apply(text)
    lab("wait", "pod/ordered", "--for=condition=Ready", "--timeout=60s")
    until(lambda: (diary / "text").read_text().split() == ["first", "side", "second", "main"])
    assert lab("get", "pod", "ordered", "--no-headers").split()[1:3] == ["2/2", "Running"]
    (pod,) = lab.pods("ordered")
    states = [(one["name"], *one["state"]) for one in pod["status"]["initContainerStatuses"]]
    assert states == [("first", "terminated"), ("side", "running"), ("second", "terminated")]
    assert lab("exec", "ordered", "-c", "side", "--", "echo", "inside") == "inside\n"
    lab("delete", "pod", "ordered")
    assert (diary / "text").read_text().splitlines()[4:] == ["main ends", "side ends"]


def test_a_pod_is_over_with_its_containers_and_so_are_sidecars(lab, diary, until):
    text = POD.replace("DIARY", str(diary))
    lab.apply(text.replace("echo main >> /diary/text; while sleep 0.1; do :; done", "exit 0"))
    lab("wait", "pod/ordered", "--for=jsonpath={.status.phase}=Succeeded", "--timeout=60s")
    until(lambda: "side ends" in (diary / "text").read_text())
    until(lambda: not [line for line in lab("exec", "node-1", "--", "ps", "-eo", "args").splitlines() if "side ends" in line])


def test_one_that_fails_is_a_crash_loop_and_the_others_wait(lab, until):
    lab.apply("""
apiVersion: v1
kind: Pod
metadata: {name: stuck}
spec:
  initContainers: [{name: check, image: host, command: [sh, -c, 'echo not yet; exit 1']}]
  containers: [{name: main, image: host, command: [sleep, infinity]}]
""")
    until(lambda: lab("get", "pod", "stuck", "--no-headers").split()[1:3] == ["0/1", "Init:CrashLoopBackOff"])
    assert lab("logs", "stuck", "-c", "check") == "not yet\n"
    page = lab("describe", "pod", "stuck")
    assert "Init Containers:\n  check:" in page
    assert re.search(r"(?m)^ *Initialized +False$", page)


def test_a_pod_that_is_active_too_long_fails(lab, until):
    lab.apply("""
apiVersion: v1
kind: Pod
metadata: {name: late}
spec:
  activeDeadlineSeconds: 1
  containers: [{name: main, image: host, command: [sh, -c, 'trap "echo told; exit 0" TERM; while sleep 0.1; do :; done']}]
""")
    lab("wait", "pod/late", "--for=jsonpath={.status.reason}=DeadlineExceeded", "--timeout=60s")
    until(lambda: lab("logs", "late") == "told\n")
    until(lambda: lab.pods("late")[0]["status"]["containerStatuses"][0]["state"].get("terminated", {}).get("exitCode") == 0)
    assert lab.pods("late")[0]["status"]["phase"] == "Failed"


def test_a_new_sandbox_begins_with_the_init_containers(lab, diary, until):
    text = POD.replace("DIARY", str(diary))
    lab.apply(text.replace("restartPolicy: Never\n  term", "term"))
    lab("wait", "pod/ordered", "--for=condition=Ready", "--timeout=60s")
    begun = ["first", "side", "second", "main"]
    until(lambda: (diary / "text").read_text().split() == begun)
    uid = lab.pods("ordered")[0]["metadata"]["uid"]
    pause = f"/run/netlab/{lab.lab}/pods/{uid}/pause/pidfile"
    lab("exec", "node-1", "--", "sh", "-c", f"kill -9 $(cat {pause})")
    until(lambda: (diary / "text").read_text().split() == begun * 2)
