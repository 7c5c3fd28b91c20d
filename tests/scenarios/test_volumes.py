"""Volumes in real containers: files that follow their ConfigMap all at once, parts of volumes nobody gets out of, what waits."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

SETTINGS = """
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {a: "NUMBER", b: "NUMBER"}
"""
LOGIN = """
apiVersion: v1
kind: Secret
metadata: {name: login}
stringData: {password: hunter2}
"""
# Reads both files out of one directory, again and again: they are of one change, or the directory has been replaced meanwhile.
READER = """
apiVersion: v1
kind: Pod
metadata: {name: reader, labels: {tier: low}}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - name: main
    image: host
    command:
    - sh
    - -c
    - |
      while :; do
          cd -P /settings/..data && a=$(cat a 2>/dev/null) && b=$(cat b 2>/dev/null) && echo "$a $b" >>/seen/pairs
      done
    env:
    - {name: POD, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
    - {name: PASSWORD, valueFrom: {secretKeyRef: {name: login, key: password}}}
    volumeMounts:
    - {name: settings, mountPath: /settings}
    - {name: settings, mountPath: /etc/one, subPath: a}
    - {name: login, mountPath: /login}
    - {name: self, mountPath: /self}
    - {name: seen, mountPath: /seen, subPathExpr: deep/$(POD)}
    - {name: seen, mountPath: /all, readOnly: true}
  volumes:
  - {name: settings, configMap: {name: settings, defaultMode: 0440}}
  - {name: login, secret: {secretName: login, items: [{key: password, path: deep/password, mode: 0400}]}}
  - {name: self, downwardAPI: {items: [{path: labels, fieldRef: {fieldPath: metadata.labels}}]}}
  - {name: seen, emptyDir: {}}
"""
ATTACKER = """
apiVersion: v1
kind: Pod
metadata: {name: attacker}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - name: main
    image: host
    command:
    - sh
    - -c
    - 'cd /v; mkdir real a; ln -s /etc link; while :; do for n in link real; do mv -T a aside; mv -T $n a; mv -T aside $n; done; done'
    volumeMounts: [{name: v, mountPath: /v}]
  volumes: [{name: v, hostPath: {path: SHARED}}]
"""
VICTIM = """
---
apiVersion: v1
kind: Pod
metadata: {name: victim-N}
spec:
  restartPolicy: Never
  terminationGracePeriodSeconds: 0
  containers:
  - {name: main, image: host, command: [ls, /v], volumeMounts: [{name: v, mountPath: /v, subPath: a}]}
  volumes: [{name: v, hostPath: {path: SHARED}}]
"""
VICTIMS = 12
ASTRAY = """
apiVersion: v1
kind: Pod
metadata: {name: astray}
spec:
  restartPolicy: Never
  terminationGracePeriodSeconds: 30
  containers:
  - {name: main, image: host, command: [cat, /v/found], volumeMounts: [{name: v, mountPath: /v, subPath: way}]}
  - {name: beside, image: host, command: [sleep, infinity]}
  volumes: [{name: v, hostPath: {path: SHARED}}]
"""
CANNOT_PREPARE = 'failed to prepare subPath for volumeMount "v" of container "main"'


def test_files_follow_every_change_and_nobody_sees_half_of_one(lab, until):
    lab.apply(READER)
    assert lab("get", "pod", "reader", "--no-headers").split()[1:3] == ["0/1", "ContainerCreating"]
    told = [event for event in lab.json("events")["items"] if event["reason"] == "FailedMount"]
    assert [event["message"] for event in told] == [
        'MountVolume.SetUp failed for volume "settings" : configmap "settings" not found'
    ]
    lab.apply(SETTINGS.replace("NUMBER", "0") + "---" + LOGIN)
    lab("wait", "pod/reader", "--for=condition=Ready", "--timeout=60s")

    def inside(*command):
        return lab("exec", "reader", "--", *command)

    for number in range(1, 6):
        lab.apply(SETTINGS.replace("NUMBER", str(number)))
        assert inside("cat", "/settings/a", "/settings/b") == f"{number}{number}", "at once"
        until(lambda number=number: f"{number} {number}" in inside("cat", "/seen/pairs"))
    pairs = {tuple(line.split()) for line in inside("cat", "/all/deep/reader/pairs").splitlines()}
    assert {pair for pair in pairs if len(pair) == 2 and pair[0] != pair[1]} == set()
    assert len(pairs) >= 5
    assert inside("cat", "/etc/one") == "0", "a part of a volume does not follow"
    assert inside("sh", "-c", "stat -Lc %a /settings/a /login/deep/password; cat /login/deep/password; echo -$PASSWORD") == (
        "440\n400\nhunter2-hunter2\n"
    )
    lab("label", "pod", "reader", "tier=high", "--overwrite")
    assert inside("cat", "/self/labels") == 'tier="high"'
    done = lab.run("exec", "reader", "--", "sh", "-c", "for d in settings login self all; do touch /$d/x && echo $d; done")
    assert (done.out, done.err.count("Read-only file system")) == ("", 4)


def test_what_is_secret_is_in_memory_and_not_in_any_word(lab, until):
    lab.apply(SETTINGS.replace("NUMBER", "0") + "---" + LOGIN + "---" + READER)
    lab("wait", "pod/reader", "--for=condition=Ready", "--timeout=60s")
    disk = Path("/var/lib/netlab", lab.lab)
    assert [path for path in disk.rglob("*") if path.is_file() and b"hunter2" in path.read_bytes()] == []
    for words in (
        ["describe", "secret", "login"],
        ["describe", "pod", "reader"],
        ["events"],
        ["get", "pods", "-o", "yaml"],
        ["commands"],
    ):
        assert "hunter2" not in lab(*words), words
    assert "hunter2" not in Path("/run/netlab", lab.lab, "agent.log").read_text()
    lab("delete", "pod", "reader")
    assert not list(Path("/run/netlab", lab.lab, "secrets").iterdir())


def test_nobody_leaves_a_volume_by_exchanging_directories_and_links(lab, tmp_path, until):
    tmp_path.chmod(0o777)
    lab.apply(ATTACKER.replace("SHARED", str(tmp_path)))
    until(lambda: (tmp_path / "link").is_symlink() or (tmp_path / "a").is_symlink())
    lab.apply("".join(VICTIM.replace("N", str(n), 1).replace("SHARED", str(tmp_path)) for n in range(VICTIMS)))

    def said(pod):
        state = pod["status"]["containerStatuses"][0]["state"]
        return next((state[kind]["reason"] for kind in ("waiting", "terminated") if kind in state), "")

    # Refused by us, or by crun: the attacker renames something over the directory that was opened, which is then nowhere.
    over = {"Completed", "CreateContainerConfigError", "StartError"}
    until(lambda: {said(pod) for pod in lab.pods("victim")} <= over)
    seen = [lab.run("logs", f"victim-{n}").out for n in range(VICTIMS)]
    assert not [text for text in seen if "passwd" in text]


def test_a_container_whose_part_of_a_volume_is_outside_is_tried_again_until_it_is_not(lab, tmp_path, until):
    (tmp_path / "way").symlink_to("/etc")
    lab.apply(ASTRAY.replace("SHARED", str(tmp_path)))

    def seen(name):
        status = lab.json("pod", "astray")["status"]
        return next(item for item in status["containerStatuses"] if item["name"] == name)

    until(lambda: seen("beside")["state"].keys() == {"running"})
    assert seen("main")["state"]["waiting"] == {"reason": "CreateContainerConfigError", "message": CANNOT_PREPARE}
    assert lab.json("pod", "astray")["status"]["phase"] == "Pending"
    (tmp_path / "way").unlink()
    (tmp_path / "way").mkdir()
    (tmp_path / "way/found").write_text("inside")
    until(lambda: seen("main")["state"].get("terminated", {}).get("reason") == "Completed")
    assert (lab("logs", "astray", "-c", "main"), seen("main")["restartCount"]) == ("inside", 0)
    told = {event["message"] for event in lab.json("events")["items"] if event["reason"] == "Failed"}
    assert told == {f"Error: {CANNOT_PREPARE}"}


def test_a_pod_that_never_began_is_deleted_at_once(lab, tmp_path, until):
    (tmp_path / "way").symlink_to("/etc")
    alone = ASTRAY.replace("SHARED", str(tmp_path)).replace("  - {name: beside, image: host, command: [sleep, infinity]}\n", "")
    lab.apply(alone)
    until(lambda: lab("get", "pod", "astray", "--no-headers").split()[2] == "CreateContainerConfigError")
    lab("delete", "pod", "astray", "--wait=false")
    until(lambda: not lab.pods("astray"))


@pytest.mark.parametrize("sort", ["Directory", "File"])
def test_a_pod_waits_for_a_path_of_the_machine(lab, tmp_path, until, sort):
    path = tmp_path / "late"
    pod = {
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "waits"},
        "spec": {
            "containers": [{
                "name": "main", "image": "host", "command": ["sleep", "infinity"],
                "volumeMounts": [{"name": "v", "mountPath": "/v"}],
            }],
            "volumes": [{"name": "v", "hostPath": {"path": str(path), "type": sort}}],
            "terminationGracePeriodSeconds": 0,
        },
    }  # fmt: skip
    lab.apply(json.dumps(pod))
    assert lab("get", "pod", "waits", "--no-headers").split()[2] == "ContainerCreating"
    told = [event["message"] for event in lab.json("events")["items"] if event["reason"] == "FailedMount"]
    assert told == [f'MountVolume.SetUp failed for volume "v" : hostPath type check failed: {path} is not a {sort.lower()}']
    path.mkdir() if sort == "Directory" else path.touch()
    lab("wait", "pod/waits", "--for=condition=Ready", "--timeout=60s")
