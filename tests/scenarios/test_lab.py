"""A lab as a user meets it: up, Pods on Nodes, exec, logs, restarts, deletion, down."""

from __future__ import annotations

import pytest

POD = """
apiVersion: v1
kind: Pod
metadata: {name: %s, labels: {app: %s}}
spec:
  terminationGracePeriodSeconds: 1
  containers:
  - {name: main, image: host, command: [sh, -c, "%s"]}
"""


def pod(name: str, script: str = "exec sleep infinity") -> str:
    return POD % (name, name, script)


def test_second_up_changes_nothing(lab):
    assert "0 changes" in lab("up")


def test_nodes_reach_all_pods_and_outside_reaches_none(lab):
    lab.apply(pod("a") + "---" + pod("b"))
    for name in ("a", "b"):
        ip = lab.pod_ip(name)
        assert lab.run("exec", "node-1", "--", "ping", "-c", "1", "-w", "30", ip).code == 0
        assert lab.run("exec", "node-2", "--", "ping", "-c", "1", "-w", "30", ip).code == 0
        assert lab.run("exec", "outside", "--", "ping", "-c", "1", "-W", "1", ip).code != 0


def test_pod_to_pod_across_nodes_keeps_its_address(lab, until):
    """N19: flat network, no translation."""
    lab.apply(pod("a") + "---" + pod("b", "exec python3 -m http.server 8000 --bind 0.0.0.0"))
    nodes = {item["metadata"]["name"]: item["spec"]["nodeName"] for item in lab.pods()}
    assert nodes["a"] != nodes["b"]
    url = f"http://{lab.pod_ip('b')}:8000/"
    lab("exec", "a", "--", "curl", "-s", "-o", "/dev/null", "--retry", "20", "--retry-connrefused", "--retry-delay", "1", url)
    until(lambda: lab.pod_ip("a") in lab("logs", "b"))


def test_exec_passes_the_exit_code_on(lab):
    lab.apply(pod("a"))
    assert lab.run("exec", "a", "--", "sh", "-c", "exit 7").code == 7
    assert lab.run("exec", "node-1", "--", "sh", "-c", "exit 8").code == 8
    assert lab.run("exec", "outside", "--", "true").code == 0
    assert lab.run("exec", "nosuch", "--", "true").code == 1
    assert lab.run("exec", "a", "--", "no-such-program").code in {126, 127}


def test_logs_of_this_run_and_the_one_before(lab, until):
    lab.apply(pod("a", "echo one line; exit 3"))
    until(lambda: lab.pods()[0]["status"]["containerStatuses"][0]["restartCount"] >= 1)
    assert lab("logs", "a") == "one line\n"
    assert lab("logs", "a", "--previous") == "one line\n"


def test_crash_loop_backs_off(lab, until):
    lab.apply(pod("a", "exit 3"))
    until(lambda: "CrashLoopBackOff" in lab("get", "pods"))
    assert lab.pods()[0]["status"]["phase"] == "Running"
    assert "BackOff" in lab("events", "--for", "pod/a")


@pytest.mark.parametrize(("script", "phase", "word"), [("exit 0", "Succeeded", "Completed"), ("exit 4", "Failed", "Error")])
def test_finished_pods(lab, until, script, phase, word):
    lab.apply(pod("a", script).replace("spec:", "spec:\n  restartPolicy: Never", 1))
    until(lambda: lab.pods()[0]["status"]["phase"] == phase)
    assert word in lab("get", "pods")


def test_command_that_does_not_exist_is_named(lab, until):
    lab.apply(pod("a").replace('[sh, -c, "exec sleep infinity"]', "[no-such-program]"))
    until(lambda: "no-such-program" in lab("describe", "pod", "a"))


def test_containers_of_a_pod_share_what_a_pod_shares(lab):
    """N11, N12, N18: network, IPC, UTS, PID shared; files only through a volume."""
    lab.apply(
        """
apiVersion: v1
kind: Pod
metadata: {name: both}
spec:
  terminationGracePeriodSeconds: 1
  volumes: [{name: shared, emptyDir: {}}]
  containers:
  - {name: server, image: host, command: [python3, -m, http.server, "8000", --directory, /data],
     volumeMounts: [{name: shared, mountPath: /data}]}
  - {name: client, image: host, command: [sleep, infinity], volumeMounts: [{name: shared, mountPath: /files}]}
"""
    )
    lab("exec", "both", "-c", "client", "--", "sh", "-c", "echo hello > /files/page; touch /only-here /dev/shm/seen")
    page = "http://localhost:8000/page"
    got = lab(
        "exec", "both", "-c", "client", "--", "curl", "-s", "--retry", "20", "--retry-connrefused", "--retry-delay", "1", page
    )
    assert got == "hello\n"
    assert lab.run("exec", "both", "-c", "server", "--", "test", "-e", "/only-here").code == 1
    assert lab.run("exec", "both", "-c", "server", "--", "test", "-e", "/dev/shm/seen").code == 0
    spaces = {
        name: lab(
            "exec",
            "both",
            "-c",
            name,
            "--",
            "sh",
            "-c",
            "readlink /proc/self/ns/net /proc/self/ns/ipc /proc/self/ns/uts /proc/self/ns/pid",
        )
        for name in ("server", "client")
    }
    assert spaces["server"] == spaces["client"]
    mounts = {lab("exec", "both", "-c", name, "--", "readlink", "/proc/self/ns/mnt") for name in ("server", "client")}
    assert len(mounts) == 2
    assert lab("exec", "both", "-c", "client", "--", "hostname").strip() == "both"


def test_delete_sends_term_and_waits(lab):
    lab.apply(pod("a", "trap 'echo got TERM; exit 0' TERM; sleep infinity & wait"))
    assert 'pod "a" deleted' in lab("delete", "pod", "a")
    assert lab.pods() == []


def test_delete_kills_what_ignores_term(lab):
    lab.apply(pod("a", "trap '' TERM; while true; do sleep 1; done"))
    lab("delete", "pod", "a", "--grace-period", "1")
    assert lab.pods() == []


def test_scheduling_is_sticky_and_spreads(lab):
    """N20."""
    lab.apply("---".join(pod(name) for name in ("a", "b", "c", "d")))
    nodes = {item["metadata"]["name"]: item["spec"]["nodeName"] for item in lab.pods()}
    assert sorted(nodes.values()) == ["node-1", "node-1", "node-2", "node-2"]
    lab("delete", "pod", "a")
    lab.apply(pod("e"))
    later = {item["metadata"]["name"]: item["spec"]["nodeName"] for item in lab.pods()}
    assert {name: later[name] for name in "bcd"} == {name: nodes[name] for name in "bcd"}
    assert later["e"] == nodes["a"]


def test_down_leaves_the_machine_as_it_was(program, snapshot, processes):
    """Law 2."""
    before = snapshot()
    program("up")
    program.apply(pod("a") + "---" + pod("b", "exit 1"))
    assert snapshot() != before
    assert "0 objects left" in program("down")
    assert snapshot() == before
    assert not processes(program.lab)


def test_up_and_apply_change_nothing_of_the_machine_itself(program, snapshot):
    """No link, address, route, rule or sysctl of the machine's own namespace."""
    before = snapshot()
    program("up")
    program.apply(pod("a"))
    during = snapshot()
    for part in ("links", "addresses", "routes", "policy", "nft", "sysctls"):
        assert during[part] == before[part], part


def test_two_labs_at_once(program, lab, until):
    """Law 4: same names and addresses inside, nothing in common outside."""
    assert program is lab
    other = type(lab)(f"{lab.lab}-b")
    try:
        other("up", "--nodes", "1")
        lab.apply(pod("a"))
        other.apply(pod("a"))
        assert lab.node_ip("node-1") == other.node_ip("node-1")
        lab("delete", "pod", "a")
        assert other.pods()[0]["status"]["phase"] == "Running"
    finally:
        other("down")
    assert lab("get", "nodes").count("Ready") == 2


def test_the_last_words_of_a_container_are_in_its_status(lab, until):
    lab.apply("""
apiVersion: v1
kind: Pod
metadata: {name: a}
spec:
  restartPolicy: Never
  containers: [{name: main, image: host, command: [sh, -c, "printf 'disk full\\nreally' > /dev/termination-log; exit 3"]}]
""")
    ended = until(lambda: lab.pods("a")[0]["status"]["containerStatuses"][0]["state"].get("terminated"))
    assert (ended["reason"], ended["exitCode"], ended["message"]) == ("Error", 3, "disk full\nreally")
    assert "Message:      disk full\n                    really" in lab("describe", "pod", "a")
