"""Bad input and a bad day of the machine: a clear error with the right exit code, never a traceback, nothing half-done."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from netlab.store.paths import DATA_ROOT, STATE_ROOT

POD = """
apiVersion: v1
kind: Pod
metadata: {name: %s}
spec: {terminationGracePeriodSeconds: 0, containers: [{name: main, image: host, command: [sleep, infinity]}]}
"""
SERVICE = "apiVersion: v1\nkind: Service\nmetadata: {name: %s}\nspec: %s\n"


@contextlib.contextmanager
def small_disk(path: Path, size: str):
    """A file system of this size at `path` for as long as the block lasts."""
    path.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(path)], check=True)
    try:
        yield path
    finally:
        subprocess.run(["umount", str(path)], check=True)


def refused(lab, code: int, *words: str, stdin: str = "") -> str:
    """The message of a command that must fail with this code."""
    done = lab.run(*words, stdin=stdin)
    assert done.code == code, (done.code, done.out, done.err)
    assert "Traceback" not in done.err
    assert done.err.strip()
    return done.err


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("get", "pods", "nosuch"), 1, 'pods "nosuch" not found'),
        (("get", "nosuch"), 1, "doesn't have a resource type"),
        (("get", "pods", "-l", "a in b"), 1, "unable to parse requirement"),
        (("delete", "pod", "nosuch"), 1, "not found"),
        (("delete", "namespace", "default"), 1, "always exists"),
        (("delete", "node", "node-1"), 1, "netlab down"),
        (("describe", "svc", "nosuch"), 1, "not found"),
        (("logs", "nosuch"), 1, "not found"),
        (("exec", "nosuch", "--", "true"), 1, "not found"),
        (("apply", "-f", "/no/such/file.yaml"), 1, "does not exist"),
        (("apply",), 1, "-f"),
        (("up", "--nodes", "0"), 1, "--nodes"),
        (("diff",), 2, "-f"),
        (("diff", "--nosuch"), 2, "unknown flag"),
        (("frobnicate",), 1, "unknown command"),
        (("up", "--nodes", "1"), 1, "Nodes can only be added"),
    ],
)
def test_wrong_words(lab, words, code, said):
    assert said in refused(lab, code, *words)


@pytest.mark.parametrize(
    ("manifest", "code", "said"),
    [
        pytest.param("a: [", 2, "stdin:8: not YAML", id="not YAML"),
        pytest.param(POD % "../up", 2, "metadata.name", id="path as a name"),
        pytest.param(POD % ("x" * 300), 2, "metadata.name", id="300 characters"),
        pytest.param(POD % "same" + "---" + POD % "same", 2, "same", id="twice"),
        pytest.param(POD.replace("Pod", "Gadget") % "x", 2, "Gadget", id="unknown kind"),
        pytest.param((POD % "x").replace("{name: x}", "{name: x, namespace: nowhere}"), 1, "nowhere", id="no such Namespace"),
        pytest.param(SERVICE % ("a", "{ports: [{port: 70000}]}"), 2, "spec.ports[0].port", id="port 70000"),
        pytest.param(SERVICE % ("a", "{clusterIP: 10.97.0.1, ports: [{port: 80}]}"), 1, "10.96.0.0/16", id="ClusterIP outside"),
        pytest.param(SERVICE % ("a", "{clusterIP: 10.96.0.10, ports: [{port: 80}]}"), 1, "kube-dns", id="ClusterIP taken"),
        pytest.param(
            SERVICE % ("a", "{type: NodePort, ports: [{port: 80, nodePort: 80}]}"), 1, "30000-32767", id="NodePort range"
        ),
    ],
)
def test_bad_manifests_apply_nothing(lab, manifest, code, said):
    good = POD % "good"
    assert said in refused(lab, code, "apply", "-f", "-", stdin=f"{good}---\n{manifest}")
    assert lab.pods() == []


def test_pod_spec_cannot_be_changed(lab):
    lab.apply(POD % "web")
    changed = (POD % "web").replace("containers:", "hostname: other, containers:")
    assert "delete" in refused(lab, 1, "apply", "-f", "-", stdin=changed)
    assert "unchanged" in lab.apply(POD % "web")


def test_exhausted_cluster_ips(program):
    manifest = (
        "apiVersion: netlab/v1\nkind: Lab\nmetadata: {name: %s}\nspec: {serviceSubnet: 10.96.0.0/28, nodes: [{name: n1}]}\n"
    )
    path = Path(f"/run/{program.lab}.yaml")
    path.write_text(manifest % program.lab)
    program("up", "-f", str(path))
    path.unlink()
    # 14 hosts, of which .1 is the Service kubernetes and .10 the cluster DNS
    for number in range(12):
        program.apply(SERVICE % (f"s{number}", "{ports: [{port: 80}]}"))
    assert "serviceSubnet 10.96.0.0/28" in refused(
        program, 1, "apply", "-f", "-", stdin=SERVICE % ("more", "{ports: [{port: 80}]}")
    )
    assert len({item["spec"]["clusterIP"] for item in program.json("services")["items"]}) == 13


def test_not_root():
    words = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", sys.executable, "-P", "-m", "netlab", "up"]
    done = subprocess.run(
        words, capture_output=True, text=True, check=False, cwd="/", env={**os.environ, "PYTHONPATH": str(Path.cwd())}
    )
    if "No module named" in done.stderr or "Permission denied" in done.stderr:
        pytest.skip("nobody may not read this checkout")
    assert done.returncode == 4
    assert "root" in done.stderr


def test_state_is_for_root_only(lab):
    for path in (STATE_ROOT / lab.lab, DATA_ROOT / lab.lab):
        assert path.stat().st_mode & 0o077 == 0, path


def test_full_disk_for_state(program):
    with small_disk(STATE_ROOT, "1M"):
        filler = STATE_ROOT / "filler"
        filler.write_bytes(bytes(1000 * 1024))
        assert "space" in refused(program, 1, "up", "--nodes", "1")
        filler.unlink()
        program("up", "--nodes", "1")
        with contextlib.suppress(OSError):
            filler.write_bytes(bytes(2000 * 1024))
        big = "".join(
            f"---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c{n}}}\ndata: {{a: {'x' * 20000}}}\n" for n in range(12)
        )
        assert "space" in refused(program, 1, "apply", "-f", "-", stdin=big)
        assert program("get", "configmaps") == ""
        filler.unlink()
        program.apply(big)
        program("down")


def test_full_disk_for_pods(program):
    with small_disk(DATA_ROOT, "100k"):
        assert "free some space" in refused(program, 4, "up", "--nodes", "1")
    program("up", "--nodes", "1")


@pytest.mark.parametrize("content", [b"garbage", b"", b"SQLite format 3\0 and then nothing"])
def test_damaged_state_file(lab, processes, content):
    """Everything still carries the mark, and that is enough to clear it away."""
    lab.apply(POD % "web")
    path = STATE_ROOT / lab.lab / "store.db"
    path.write_bytes(content)
    assert "netlab" in refused(lab, 1, "get", "pods")
    assert "0 objects left" in lab("down")
    assert not processes(lab.lab)
    assert "is not up" in lab("down")
    lab("up", "--nodes", "1")


def test_commands_at_the_same_moment(lab):
    words = [sys.executable, "-m", "netlab", "apply", "--lab", lab.lab, "-f", "-"]
    started = [subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(6)]
    for number, process in enumerate(started):
        process.stdin.write(POD % f"p{number}")
        process.stdin.close()
    for process in started:
        assert process.wait(180) == 0
        process.stdout.close()
    pods = lab.pods()
    assert {pod["status"]["phase"] for pod in pods} == {"Running"}
    assert len({pod["status"]["podIP"] for pod in pods}) == 6


def test_up_and_down_at_the_same_moment(program):
    program("up", "--nodes", "1")
    words = [[sys.executable, "-m", "netlab", verb, "--lab", program.lab] for verb in ("down", "up", "down", "up")]
    started = [subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) for line in words]
    for process in started:
        said = process.communicate(timeout=180)[1]
        assert process.returncode in {0, 1}, said
        assert "Traceback" not in said
    program("up")
    assert "0 changes" in program("up")


def test_foreign_namespace_of_our_name_is_left_alone(program):
    """Law 4: the name is taken by somebody else; that is an error, not a licence."""
    name = f"{program.lab}.node-1"
    subprocess.run(["ip", "netns", "add", name], check=True)
    try:
        subprocess.run(["ip", "-n", name, "link", "set", "lo", "alias", "somebody else's"], check=True)
        assert name in refused(program, 3, "up", "--nodes", "1")
        program("down")
        links = subprocess.run(["ip", "-n", name, "link", "show", "lo"], capture_output=True, text=True, check=True).stdout
        assert "somebody else's" in links
    finally:
        subprocess.run(["ip", "netns", "del", name], check=True)
