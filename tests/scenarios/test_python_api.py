"""`from netlab import Lab`: what the commands do, from Python, in real labs."""

from __future__ import annotations

import doctest
import os
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest

import netlab.lab.lab
from netlab import CommandFailed, Lab, TimedOut
from netlab.engine.agent import agent_pid
from netlab.errors import Conflict, ManifestError, NotFound
from netlab.kernel.netns import names_in_use
from netlab.store.paths import DATA_ROOT, LabPaths, labs

WEB = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "web", "labels": {"app": "web"}},
    "spec": {
        "terminationGracePeriodSeconds": 0,
        "containers": [{"name": "main", "image": "host", "command": ["python3", "-m", "http.server", "8080"]}],
    },
}
SERVICE = """
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {type: NodePort, selector: {app: web}, ports: [{port: 80, targetPort: 8080, nodePort: 30080}]}
"""
CURL = ("curl", "-s", "-o", "/dev/null", "--retry", "20", "--retry-connrefused", "--retry-delay", "1")


def pod(name: str, *command: str, **spec) -> dict:
    containers = [{"name": "main", "image": "host", "command": list(command)}]
    return {**WEB, "metadata": {"name": name}, "spec": {**WEB["spec"], "containers": containers, **spec}}


def never_ready(name: str) -> dict:
    made = pod(name, "sleep", "infinity")
    probe = {"tcpSocket": {"port": 1}}
    return {**made, "spec": {**made["spec"], "containers": [{**made["spec"]["containers"][0], "readinessProbe": probe}]}}


@pytest.fixture
def lab():
    """A lab of one Node; the conftest's fixture of this name runs the command instead."""
    with Lab(nodes=1) as made:
        yield made
    assert is_gone(made)


def is_gone(lab: Lab) -> bool:
    left = [name for name in names_in_use() if name.startswith(f"{lab.name}.")]
    return lab.name not in labs() and not left and not (DATA_ROOT / lab.name).exists()


def sleeping(seconds: str) -> bool:
    """Tell whether a `sleep` of so many seconds lives anywhere."""
    return any(cmdline == f"sleep\0{seconds}\0" for cmdline in map(words_of, Path("/proc").iterdir()))


def words_of(entry: Path) -> str:
    try:
        return (entry / "cmdline").read_text()
    except OSError:
        return ""


def test_example_of_the_class():
    found = doctest.DocTestFinder(recurse=False).find(netlab.lab.lab.Lab, "Lab", globs={})
    assert doctest.DocTestRunner().run(found[0]) == doctest.TestResults(failed=0, attempted=3)


def test_service_is_reached_from_everywhere(until):
    with Lab(nodes=["left", "right"]) as lab:
        done = lab.apply([WEB, pod("client", "sleep", "infinity", nodeName="right")])
        done += lab.apply(SERVICE)
        assert [(str(one.key), one.verdict) for one in done] == [
            ("pod/web", "created"),
            ("pod/client", "created"),
            ("service/web", "created"),
        ]
        lab.wait_ready()
        web = lab.service("web")
        assert (web.ports, web.node_ports, web.endpoints) == ((80,), (30080,), (lab.pod("web").ip,))
        lab.pod("client").exec(*CURL, f"http://{web.cluster_ip}/")
        lab.outside.exec(*CURL, f"http://{lab.node('left').ip}:30080/")
        until(lambda: lab.pod("client").ip in lab.pod("web").logs())
        assert web.cluster_ip in lab.rules("left")
        assert {one.node for one in map(lab.pod, ("web", "client"))} <= {"left", "right"}
        assert [one.metadata.name for one in lab.get("pods", labels="app=web")] == ["web"]
        assert [one.kind for one in lab.get("pods,svc,no")] == ["Pod", "Pod", "Service", "Service", "Node", "Node"]
    assert is_gone(lab)


def test_pod_handle_is_live(lab):
    lab.apply(WEB)
    web = lab.pod("web")
    before = web.uid
    assert (web.phase, web.is_ready, web.node) == ("Running", True, "node-1")
    assert web.netns in names_in_use()
    assert f" {web.ip}/" in subprocess.run(["ip", "-n", web.netns, "addr"], capture_output=True, text=True, check=True).stdout
    lab.delete("pod/web")
    with pytest.raises(NotFound, match='pods "web" not found'):
        web.ip  # noqa: B018 - the look is what is tested
    lab.apply(WEB)
    assert web.uid != before


@pytest.mark.parametrize("where", ["pod", "node"])
def test_exec(lab, where):
    """Its output and input however much there is, its exit code, and no process of it left after a timeout."""
    lab.apply(pod("web", "sleep", "infinity"))
    machine = lab.pod("web") if where == "pod" else lab.node("node-1")
    done = machine.exec(
        "sh", "-c", "head -c 3000000 /dev/zero | tr '\\0' o; head -c 2000000 /dev/zero | tr '\\0' e >&2; exit 7", check=False
    )
    assert (done.code, done.stdout, done.stderr) == (7, "o" * 3_000_000, "e" * 2_000_000)
    assert machine.exec("cat", input="é\n" * 300_000).stdout == "é\n" * 300_000
    assert machine.exec("true", input="x" * 300_000).code == 0, "input that nobody reads"
    assert machine.exec("cat").stdout == "", "no input"
    with pytest.raises(CommandFailed, match="oops") as caught:
        machine.exec("sh", "-c", "echo oops >&2; exit 3")
    assert caught.value.completed.code == 3


@pytest.mark.parametrize("where", ["pod", "node"])
def test_exec_that_takes_too_long_ends_with_all_its_processes(lab, where):
    lab.apply(pod("web", "sleep", "infinity"))
    machine = lab.pod("web") if where == "pod" else lab.node("node-1")
    script = "echo begun; sleep 7001 & sleep 7002 >/dev/null 2>&1 & (sleep 7003 &) ; yes >/dev/null"
    with pytest.raises(TimedOut, match=r"no end after 5 s\nstandard output: begun"):
        machine.exec("sh", "-c", script, timeout_s=5.0)
    assert not any(map(sleeping, ("7001", "7002", "7003")))
    assert machine.exec("echo", "again").stdout == "again\n"


def test_exec_does_not_wait_for_what_runs_in_the_background(lab):
    lab.apply(pod("web", "sleep", "infinity"))
    begun = time.monotonic()
    assert lab.pod("web").exec("sh", "-c", "sleep 300 & echo here").stdout == "here\n"
    assert time.monotonic() - begun < 150


def test_interrupted_exec_leaves_no_process(lab, until):
    lab.apply(pod("web", "sleep", "infinity"))

    def interrupt():
        until(lambda: sleeping("7004"))
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        lab.pod("web").exec("sleep", "7004")
    thread.join()
    assert not sleeping("7004")


def test_logs_of_this_run_and_the_one_before(lab):
    lab.apply(pod("web", "sh", "-c", "echo said; exit 3"))
    lab.wait("pod/web", lambda item: item.status.container_statuses[0].restart_count >= 1)
    assert lab.pod("web").logs() == lab.pod("web").logs(previous=True) == "said\n"


def test_wait_says_what_it_saw_last(lab):
    lab.apply(pod("web", "no-such-program"))
    with pytest.raises(TimedOut, match=r"not in 0.3 s; last seen: pod/web is .*no-such-program"):
        lab.wait("pod/web", timeout_s=0.3)
    with pytest.raises(TimedOut, match="pod/web is "):
        lab.wait_ready(0.3)


def test_wait_sees_what_others_do(lab):
    lab.apply(WEB)
    thread = threading.Timer(0.3, Lab(name=lab.name, attach=True).delete, ("pod/web",))
    thread.start()
    assert lab.wait("pod/web", "Deleted", timeout_s=60) is None
    thread.join()


def test_apply_can_wait_for_its_pods(lab):
    lab.apply(WEB, wait_s=60)
    with pytest.raises(TimedOut, match="pod/late"):
        lab.apply(never_ready("late"), wait_s=0.3)


def test_refused_manifest_changes_nothing(lab):
    with pytest.raises(ManifestError):
        lab.apply([WEB, {**WEB, "metadata": {"name": "Bad_Name"}}])
    with pytest.raises(NotFound, match="nowhere"):
        lab.apply(WEB, namespace="nowhere")
    assert lab.get("pods") == []


def test_delete_of_what_is_not_there(lab):
    lab.apply(WEB)
    with pytest.raises(NotFound, match='services "web" not found'):
        lab.delete("svc/web", "pod/web")
    assert lab.get("pods") == []
    with pytest.raises(Conflict, match="always exists"):
        lab.delete("namespace/default")


def test_name_that_is_up_is_refused_and_can_be_attached(lab):
    with pytest.raises(Conflict, match="is up already"):
        Lab(name=lab.name).up()
    assert lab.get("nodes"), "the refused one has removed nothing"
    with Lab(name=lab.name, attach=True) as other:
        other.apply(WEB)
    assert lab.pod("web").is_ready, "the attached one has removed nothing"


def test_nothing_can_be_attached_where_nothing_is():
    with pytest.raises(NotFound, match="there is no lab 'nosuch'"):
        Lab(name="nosuch", attach=True).up()


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_lab_is_removed_after_an_error(error):
    with pytest.raises(error), Lab(nodes=1) as lab:
        raise error
    assert is_gone(lab)


def test_error_of_the_block_and_of_the_removal_are_both_told():
    def fail(lab: Lab) -> None:
        subprocess.run(["mount", "-t", "tmpfs", "none", str(DATA_ROOT / lab.name)], check=True)
        raise ValueError("mine")

    with pytest.raises(ValueError, match="mine") as caught, Lab(nodes=1) as lab:
        fail(lab)
    assert f"lab {lab.name} was not removed: " in caught.value.__notes__[0]
    assert str(DATA_ROOT / lab.name) in caught.value.__notes__[0]
    subprocess.run(["umount", str(DATA_ROOT / lab.name)], check=True)
    lab.down()
    assert is_gone(lab)


def test_lab_that_cannot_be_made_is_removed():
    """The name of a Node's namespace is taken by somebody else."""
    lab = Lab(nodes=1)
    foreign = f"{lab.name}.node-1"
    subprocess.run(["ip", "netns", "add", foreign], check=True)
    try:
        with pytest.raises(netlab.errors.KernelError, match=foreign):
            lab.up()
        assert lab.name not in labs()
        assert foreign in names_in_use()
    finally:
        subprocess.run(["ip", "netns", "del", foreign], check=True)


def test_kept_lab_stays_up_without_with_and_down_can_be_repeated():
    with Lab(nodes=1, keep=True) as lab:
        pass
    assert lab.get("nodes")
    lab.down()
    lab.down()
    assert is_gone(lab)


def test_an_agent_that_died_is_started_again(lab):
    first = agent_pid(LabPaths(lab.name))
    os.kill(first, signal.SIGKILL)
    os.waitpid(first, 0)
    lab.apply(WEB, wait_s=60)
    assert agent_pid(LabPaths(lab.name)) not in {None, first}


def test_agent_is_no_zombie_after_down():
    lab = Lab(nodes=1).up()
    pid = agent_pid(LabPaths(lab.name))
    assert pid
    lab.down()
    assert not Path(f"/proc/{pid}").exists()


def test_labs_side_by_side_do_not_see_each_other():
    with Lab(nodes=1) as one, Lab(nodes=1) as other:
        one.apply(WEB)
        assert other.get("pods") == []
        assert one.node("node-1").ip == other.node("node-1").ip


def test_the_machine_of_a_node_dies_and_comes_back(lab):
    lab.apply(WEB, wait_s=60)
    node = lab.node("node-1")
    node.stop(notice_after_s=0)
    assert lab.pod("web").phase == "Unknown"
    with pytest.raises(NotFound):
        lab.outside.stop()
    node.start()
    lab.wait("pod/web", timeout_s=60)
    assert lab.pod("web").object.status.container_statuses[0].restart_count == 1
