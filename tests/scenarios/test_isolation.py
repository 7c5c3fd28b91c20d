"""What a container may do and use, seen from outside: cgroup files, /proc, and how the kernel answers."""

from __future__ import annotations

import os
import re
from pathlib import Path

POD = """
apiVersion: v1
kind: Pod
metadata: {{name: {name}}}
spec:
  restartPolicy: Never
  terminationGracePeriodSeconds: 1
  containers:
  - name: main
    image: host
    command: {command}
    resources: {resources}
"""
CGROUPS = Path("/sys/fs/cgroup")


def pod(name, resources="{}", command="[sleep, infinity]"):
    return POD.format(name=name, command=command, resources=resources)


def cgroup_files(lab, name, *names):
    """The first of these files that the container's cgroup has, in any hierarchy."""
    uid = lab.json("pod", name)["metadata"]["uid"]
    for root, _, files in os.walk(CGROUPS, followlinks=False):
        if root.endswith(f"/netlab/{lab.lab}/{uid}/main") and (found := [one for one in names if one in files]):
            return (Path(root) / found[0]).read_text().split()
    raise AssertionError(f"no cgroup of {name} has {names}")


def test_requests_and_limits_are_in_the_cgroup(lab):
    lab.apply(pod("limited", "{limits: {cpu: 500m, memory: 64Mi}, requests: {cpu: 250m}}"))
    lab("wait", "pod/limited", "--for=condition=Ready", "--timeout=60s")
    assert cgroup_files(lab, "limited", "memory.max", "memory.limit_in_bytes") == [str(64 << 20)]
    assert cgroup_files(lab, "limited", "cpu.max", "cpu.cfs_quota_us")[0] == "50000"
    assert cgroup_files(lab, "limited", "cpu.weight", "cpu.shares") in (["256"], ["10"])
    page = lab("describe", "pod", "limited")
    assert "    Limits:\n      cpu:     500m\n      memory:  64Mi\n    Requests:\n      cpu:        250m\n" in page
    assert re.search(r"(?m)^QoS Class: +Burstable$", page)
    lab("exec", "limited", "--", "true")


def test_a_disk_of_the_machine_can_be_named_and_not_read(lab):
    lab.apply(pod("curious"))
    lab("wait", "pod/curious", "--for=condition=Ready", "--timeout=60s")
    device = Path("/").stat().st_dev
    make = f"mknod /var/disk b {os.major(device)} {os.minor(device)} && head -c1 /var/disk"
    done = lab.run("exec", "curious", "--", "sh", "-c", make)
    assert (done.code, "Operation not permitted" in done.err) == (1, True)
    allowed = cgroup_files(lab, "curious", "devices.list") if (CGROUPS / "devices").is_dir() else []
    assert "a" not in allowed
    lab("exec", "curious", "--", "sh", "-c", "head -c1 /dev/urandom > /dev/null")


def test_more_memory_than_the_limit_is_the_end(lab):
    lab.apply(pod("hog", "{limits: {memory: 32Mi}}", "[python3, -c, 'bytearray(200 << 20)']"))
    lab("wait", "pod/hog", "--for=jsonpath={.status.phase}=Failed", "--timeout=60s")
    (status,) = lab.json("pod", "hog")["status"]["containerStatuses"]
    assert (status["state"]["terminated"]["reason"], status["state"]["terminated"]["exitCode"]) == ("OOMKilled", 137)


def test_a_limit_in_which_nothing_can_start_is_the_users_mistake(lab):
    lab.apply(pod("tiny", "{limits: {memory: 1k}}"))
    lab("wait", "pod/tiny", "--for=jsonpath={.status.phase}=Failed", "--timeout=60s")
    assert "memory limit too low" in lab("describe", "pod", "tiny")


def test_a_pod_that_asks_for_more_than_there_is_waits_until_there_is(lab, until):
    cpus = len(os.sched_getaffinity(0))
    lab.apply(pod("large", f"{{requests: {{cpu: {cpus - 0.3}}}}}"))
    lab.apply(pod("second", f"{{requests: {{cpu: {cpus - 0.3}}}}}"))
    lab.apply(pod("third", f"{{requests: {{cpu: {cpus - 0.3}}}}}"))
    (third,) = lab.pods("third")
    (condition,) = third["status"]["conditions"]
    assert condition["message"] == "0/2 nodes are available: 2 Insufficient cpu."
    assert "Insufficient cpu" in lab("get", "events")
    lab("delete", "pod", "large")
    lab("wait", "pod/third", "--for=condition=Ready", "--timeout=60s")


CAREFUL = """
apiVersion: v1
kind: Pod
metadata: {name: careful}
spec:
  terminationGracePeriodSeconds: 1
  securityContext: {runAsUser: 1234, runAsGroup: 2345, runAsNonRoot: true, supplementalGroups: [3456], fsGroup: 4567}
  volumes: [{name: own, emptyDir: {}}, {name: machine, hostPath: {path: SHARED}}]
  containers:
  - name: main
    image: host
    command: [sleep, infinity]
    volumeMounts: [{name: own, mountPath: /own}, {name: machine, mountPath: /machine}]
    securityContext:
      readOnlyRootFilesystem: true
      capabilities: {drop: [ALL]}
  - name: bold
    image: host
    command: [sleep, infinity]
    volumeMounts: [{name: own, mountPath: /own}]
    securityContext:
      runAsUser: 0
      runAsNonRoot: false
      allowPrivilegeEscalation: true
      seccompProfile: {type: Unconfined}
      capabilities: {add: [NET_ADMIN], drop: [CHOWN]}
"""


def status_of(lab, pod, container):
    """/proc/PID/status of a container's main process, as this machine sees it."""
    uid = lab.json("pod", pod)["metadata"]["uid"]
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if f"/netlab/{lab.lab}/{uid}/{container}\n" in (entry / "cgroup").read_text():
                return dict(line.split(":\t", 1) for line in (entry / "status").read_text().splitlines() if ":\t" in line)
        except OSError:
            continue
    raise AssertionError(f"no process of {pod}/{container}")


def test_rights_are_those_of_the_security_context(lab, tmp_path):
    shared = tmp_path / "shared"
    shared.mkdir()
    lab.apply(CAREFUL.replace("SHARED", str(shared)))
    lab("wait", "pod/careful", "--for=condition=Ready", "--timeout=60s")
    main, bold = status_of(lab, "careful", "main"), status_of(lab, "careful", "bold")
    assert (main["Uid"].split()[0], main["Gid"].split()[0], main["Groups"].split()) == ("1234", "2345", ["3456", "4567"])
    assert (int(main["CapEff"], 16), int(main["CapBnd"], 16), main["NoNewPrivs"], main["Seccomp"]) == (0, 0, "1", "2")
    assert (bold["Uid"].split()[0], bold["NoNewPrivs"], bold["Seccomp"]) == ("0", "0", "0")
    net_admin, chown = 1 << 12, 1 << 0
    assert int(bold["CapEff"], 16) & (net_admin | chown) == net_admin
    inside = lab(
        "exec", "careful", "-c", "main", "--", "sh", "-c", "id -u; touch /own/mine; stat -c %g /own/mine /own; echo $HOME"
    )
    assert inside.split() == ["1234", "4567", "4567", "/"]
    for path in ("/tmp/x", "/run/x", "/usr/x", "/etc/x", "/var/tmp/x", "/x", "/machine/x"):
        assert lab.run("exec", "careful", "-c", "main", "--", "touch", path).code == 1
    assert shared.stat().st_gid == tmp_path.stat().st_gid
    lab("exec", "careful", "-c", "bold", "--", "ip", "link", "set", "lo", "mtu", "9000")


def test_a_container_that_must_not_be_root_is_not_started_as_root(lab, until):
    lab.apply(pod("nobody").replace("    resources", "    securityContext: {runAsNonRoot: true}\n    resources"))
    (status,) = lab.json("pod", "nobody")["status"]["containerStatuses"]
    waiting = status["state"]["waiting"]
    assert waiting["reason"] == "CreateContainerConfigError"
    assert waiting["message"].startswith('container has runAsNonRoot and image will run as root (pod: "nobody_default(')


TUNED = """
apiVersion: v1
kind: Pod
metadata: {name: tuned}
spec:
  hostname: one
  subdomain: many
  setHostnameAsFQDN: true
  securityContext:
    sysctls:
    - {name: net.ipv4.tcp_keepalive_time, value: "77"}
    - {name: net.ipv4.ping_group_range, value: "1 0"}
    - {name: kernel.shm_rmid_forced, value: "1"}
  containers: [{name: main, image: host, command: [sleep, infinity]}]
"""


def test_kernel_parameters_and_host_name_are_the_pods_own(lab):
    keys = ("net/ipv4/tcp_keepalive_time", "net/ipv4/ping_group_range", "kernel/shm_rmid_forced")
    before = [Path("/proc/sys", key).read_text() for key in keys]
    lab.apply(TUNED)
    lab("wait", "pod/tuned", "--for=condition=Ready", "--timeout=60s")
    paths = [f"/proc/sys/{key}" for key in keys]
    assert lab("exec", "tuned", "--", "cat", *paths) == "77\n1\t0\n1\n"
    assert lab("exec", "tuned", "--", "hostname") == "one.many.default.svc.cluster.local\n"
    lab.apply(pod("usual"))  # another look at the network: what the Pod set stays
    assert lab("exec", "tuned", "--", "cat", *paths) == "77\n1\t0\n1\n"
    assert [Path("/proc/sys", key).read_text() for key in keys] == before
