"""Pods that really run: started, observed, entered, ended, broken by SIGKILL at bad moments and healed. Nothing may be left."""

import base64
import contextlib
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from netlab.errors import HostUnready, KernelError, NotFound
from netlab.kernel import cgroups, conmon, crun, ending, mounts, netns, oci, processes, root
from netlab.kernel.checks import Checker
from netlab.kernel.commands import run_command
from netlab.kernel.crun import Crun
from netlab.kernel.inotify import Watch
from netlab.kernel.machine import mounts_below
from netlab.kernel.poddir import LabDirectories
from netlab.kernel.runtime import ContainerRuntime
from netlab.netstate.health import ExecCheck
from netlab.netstate.process import BindMount, ContainerProcess, Sandbox
from netlab.netstate.rights import Rights
from netlab.netstate.volume import HostPath, Scratch
from tests.descriptors import open_files

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.skipif(not os.environ.get("NETLAB_TEST_VM"), reason="runs inside scripts/test"),
]

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
FOREVER = ("sleep", "1000")
USUAL = Rights()
DEADLINE_S = 60.0
MOUNTINFO = Path("/proc/self/mountinfo")
NUMBERS = itertools.count(1)


class TestLab:
    """A lab of its own name, its namespaces, and short words for what tests do."""

    __test__ = False

    def __init__(self, name):
        self.name = name
        self.places = LabDirectories(state=Path(f"/run/netlab/{name}"), data=Path(f"/var/lib/netlab/{name}"), lab=name)
        self.runtime = ContainerRuntime(state=self.places.state, data=self.places.data, lab=name)
        self.runtime.prepare()
        self.uids = itertools.count(1)
        self.namespaces = []

    def sandbox(self, *args, **changes):
        uid = f"{next(self.uids):08x}-0000-4000-8000-000000000000"
        name = f"{self.name}.default.p{uid[:8]}"
        subprocess.run(["ip", "netns", "add", name], check=True)
        self.namespaces.append(name)
        process = ContainerProcess(
            name="c", args=args or FOREVER, env=(("PATH", PATH), ("HOME", "/root"), ("GREETING", "hello"))
        )
        given = {
            "uid": uid,
            "netns": name,
            "hostname": "web-0",
            "hosts": "127.0.0.1\tlocalhost\n",
            "resolv_conf": "nameserver 10.96.0.10\n",
            "containers": (process,),
        }
        return Sandbox(**(given | changes))

    def start(self, sandbox, attempt=0):
        self.runtime.start_sandbox(sandbox)
        for container in sandbox.containers:
            self.runtime.start_container(sandbox, container.name, attempt)
        return sandbox

    def started(self, *args, **changes):
        return self.start(self.sandbox(*args, **changes))

    def run(self, sandbox, name="c"):
        return {run.name: run for run in self.runtime.observe()[sandbox.uid].runs}[name]

    def until(self, condition):
        """Wait for exit files until `condition` holds."""
        deadline = time.monotonic() + DEADLINE_S
        with Watch([self.runtime.exits]) as watch:
            while not condition():
                assert watch.wait(deadline - time.monotonic()), self.runtime.observe()

    def ended(self, sandbox, name="c"):
        self.until(lambda: self.run(sandbox, name).state in {"exited", "failed"})
        return self.run(sandbox, name)

    def exec(self, capfd, sandbox, *args, name="c", **options):
        capfd.readouterr()
        code = run_command(self.places, sandbox.uid, name, args, **options)
        done = capfd.readouterr()
        return code, done.out, done.err

    def main(self, sandbox, name="c", attempt=0):
        return self.places.pod(sandbox.uid).bundle(name, attempt).run()

    def pause(self, sandbox):
        return self.places.pod(sandbox.uid).pause_process()

    def log(self, sandbox, **options):
        return [line.split(" ", 3)[3] for line in self.runtime.log_path(sandbox.uid, "c", **options).read_text().splitlines()]


@pytest.fixture
def make_lab():
    before = MOUNTINFO.read_text()
    crun.executable()  # stays open as long as the process lives
    descriptors = open_files()
    labs = []

    def make():
        labs.append(TestLab(f"t-{os.getpid()}-{next(NUMBERS)}"))
        return labs[-1]

    netns.prepare_directory()
    before = MOUNTINFO.read_text()
    yield make
    for lab in labs:
        lab.runtime.clean()
        for name in lab.namespaces:
            netns.delete(name)
        assert lab.runtime.pids() == []
        assert not lab.places.data.exists()
        assert os.listdir(lab.places.state) == []
        assert cgroups.directories(lab.name) == []
        assert mounts_below(lab.places.data) + mounts_below(lab.places.state) == []
        lab.places.state.rmdir()
    assert MOUNTINFO.read_text() == before
    assert open_files() <= descriptors


@pytest.fixture
def lab(make_lab):
    return make_lab()


def kill9(process):
    assert processes.is_alive(process)
    processes.kill([process], DEADLINE_S)


def test_a_pod_is_one_unit_of_containers(lab, capfd):
    pod = lab.sandbox()
    second = replace(pod.containers[0], name="d")
    pod = lab.start(replace(pod, containers=(pod.containers[0], second)))
    assert lab.exec(capfd, pod, "sh", "-c", "hostname; echo shared > /dev/shm/x; cat /proc/1/comm")[:2] == (0, "web-0\npause\n")
    assert lab.exec(capfd, pod, "cat", "/dev/shm/x", "/etc/hosts", "/etc/resolv.conf", "/etc/hostname", name="d")[:2] == (
        0,
        "shared\n127.0.0.1\tlocalhost\nnameserver 10.96.0.10\nweb-0\n",
    )
    kinds = ("net", "ipc", "uts", "pid")
    links = [[os.readlink(f"/proc/{lab.main(pod, name).main.pid}/ns/{kind}") for kind in kinds] for name in "cd"]
    assert links[0] == links[1]
    status = lab.runtime.observe()[pod.uid]
    assert (status.alive, status.terminating, [run.state for run in status.runs]) == (True, False, ["running", "running"])


def test_without_sharing_each_container_is_process_one(lab, capfd):
    pod = lab.started("sh", "-c", "trap 'exit 4' TERM; while :; do sleep 1000 & wait; done", share_process_namespace=False)
    assert lab.exec(capfd, pod, "cat", "/proc/1/comm")[:2] == (0, "sh\n")
    lab.runtime.kill(pod.uid)
    assert (lab.run(pod).exit_code, lab.runtime.observe()[pod.uid].alive) == (137, False)


def test_containers_are_confined(lab, capfd):
    pod = lab.started()
    code, out, _ = lab.exec(
        capfd,
        pod,
        "sh",
        "-c",
        "mount -t tmpfs x /mnt; unshare -m true; echo 1 > /proc/sys/net/ipv4/ip_forward; cat /etc/shadow; ls /root /home; grep -E 'Seccomp:|NoNewPrivs' /proc/self/status; touch /usr/mine",
    )
    assert code == 0
    assert out.split() == ["/home:", "/root:", "NoNewPrivs:", "1", "Seccomp:", "2"]
    assert not Path("/usr/mine").exists()


def test_a_root_directory_has_the_machines_programs_and_settings_and_nothing_else_of_it(lab, capfd):
    pod = lab.started()
    names = lab.exec(capfd, pod, "ls", "-1", "/")[1].split()
    assert set(names) <= {
        name for name in (*root.SKELETON, "bin", "sbin", *(f"lib{bits}" for bits in ("", "32", "64", "x32"))) if "/" not in name
    }
    devices = lab.exec(capfd, pod, "stat", "-c", "%d", "/", "/usr", "/usr/bin/env", "/etc/passwd")[1].split()
    assert len(set(devices)) == 1
    assert (
        lab.exec(capfd, pod, "sh", "-c", "echo own > /etc/passwd; rm /usr/bin/env; mkdir /srv/x; cat /etc/passwd")[1] == "own\n"
    )
    assert Path("/usr/bin/env").exists()
    changed = lab.places.pod(pod.uid).bundle("c", 0).disk / root.WRITTEN[0] / root.HOST
    assert (changed / "etc/passwd").read_text() == "own\n"
    assert lab.exec(capfd, lab.started(), "ls", "/usr/bin/env")[:2] == (0, "/usr/bin/env\n")


def test_a_skeleton_that_was_half_made_is_made_anew(lab):
    skeleton = lab.places.skeleton
    (skeleton / root.HOST).rename(skeleton / f".{root.HOST}")
    shutil.rmtree(skeleton / f".{root.HOST}/var")
    lab.runtime.prepare()
    assert [path.name for path in skeleton.iterdir()] == [root.HOST]
    assert lab.run(lab.started()).state == "running"
    mounted = mounts_below(skeleton)
    lab.runtime.prepare()
    assert mounts_below(skeleton) == mounted


def test_a_filter_is_compiled_once_and_is_that_of_all_with_the_same_rights(lab):
    def filtered(rights=USUAL):
        """Start a container; return what it was given, what crun applies to its commands, what its program says of itself."""
        pod = lab.sandbox("grep", "Seccomp:", "/proc/self/status")
        pod = lab.start(replace(pod, containers=(replace(pod.containers[0], rights=rights),)))
        assert lab.ended(pod).exit_code == 0
        bundle = lab.places.pod(pod.uid).bundle("c", 0)
        given = json.loads(bundle.read("config.json"))["annotations"].get(oci.COMPILED, "")
        return base64.b64decode(given), (lab.places.crun / bundle.id / "seccomp.bpf").read_bytes(), lab.log(pod)

    given, compiled, said = filtered()
    assert (given, said) == (b"", ["Seccomp:\t2"])
    assert filtered() == (compiled, compiled, said)
    lab.runtime = ContainerRuntime(state=lab.places.state, data=lab.places.data, lab=lab.name)  # the next command's
    assert filtered() == (compiled, compiled, said)
    given, other, said = filtered(Rights(capabilities=frozenset()))
    assert (given, said) == (b"", ["Seccomp:\t2"])
    assert other != compiled


def test_starting_twice_changes_nothing(lab):
    pod = lab.started()
    before = lab.runtime.observe(), lab.runtime.pids()
    lab.start(pod)
    assert (lab.runtime.observe(), lab.runtime.pids()) == before


def test_files_of_the_pod_change_in_place(lab, capfd):
    pod = lab.started()
    lab.runtime.start_sandbox(replace(pod, hosts="127.0.0.1\tother\n"))
    assert lab.exec(capfd, pod, "cat", "/etc/hosts")[1] == "127.0.0.1\tother\n"


@pytest.mark.parametrize(
    ("script", "code"),
    [
        pytest.param("exit 0", 0, id="success"),
        pytest.param("exit 3", 3, id="failure"),
        pytest.param("kill -SEGV $$", 139, id="signal"),
    ],
)
def test_exit_codes_are_seen(lab, script, code):
    began = time.time()
    run = lab.ended(lab.started("sh", "-c", script))
    assert (run.state, run.exit_code, run.oom_killed) == ("exited", code, False)
    assert began - 1 <= run.started_at <= run.finished_at <= time.time() + 1


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        pytest.param({"args": ("nosuch",)}, 'exec: "nosuch": executable file not found in $PATH', id="no such command"),
        pytest.param({"args": ("/etc/passwd",)}, 'exec: "/etc/passwd": permission denied', id="not executable"),
        pytest.param({"cwd": "/etc/passwd"}, 'chdir to cwd ("/etc/passwd"): not a directory', id="working directory"),
        pytest.param(
            {"mounts": (BindMount(source="/nosuch", destination="/x"),)},
            'mount "/nosuch" to "/x": no such file or directory',
            id="mount source",
        ),
    ],
)
def test_a_program_that_cannot_start_is_recorded(lab, changes, error):
    pod = lab.sandbox()
    pod = lab.start(replace(pod, containers=(replace(pod.containers[0], **changes),)))
    run = lab.run(pod)
    assert (run.state, run.error, run.exit_code) == ("failed", error, None)
    assert lab.runtime.observe()[pod.uid].alive
    began = time.monotonic()
    lab.runtime.remove(pod.uid)
    assert time.monotonic() - began < ending.DEADLINE_S / 2, "somebody's zombie held the Pod's PID namespace"


def test_a_missing_namespace_is_trouble(lab):
    with pytest.raises(KernelError, match="nosuch"):
        lab.start(replace(lab.sandbox(), netns="t-nosuch"))


@pytest.mark.parametrize("first", ["c", None])
def test_a_pause_process_that_cannot_run_is_trouble_and_no_end_of_a_container(lab, first):
    program = lab.places.pause_root / "pause"
    pod, away = lab.sandbox(), program.rename(lab.places.pause_root / "away")
    with pytest.raises(KernelError, match=f"the pause process of {pod.netns}"):
        lab.runtime.start_sandbox(pod, first)
    assert [run.state for run in lab.runtime.observe()[pod.uid].runs] == ["created"] * bool(first)
    away.rename(program)
    lab.runtime.start_sandbox(pod, first)
    assert [run.state for run in lab.runtime.observe()[pod.uid].runs] == ["running"] * bool(first)


def test_volumes_are_shared_and_host_paths_made(lab, capfd):
    made = Path(f"/run/{lab.name}/deep")
    volumes = (
        BindMount(source="volumes/v", destination="/data"),
        BindMount(source=str(made), destination="/host"),
    )
    paths = (HostPath(name="h", path=str(made), type="DirectoryOrCreate"),)
    pod = lab.sandbox(scratch=(Scratch(name="v"),), host_paths=paths)
    first = replace(pod.containers[0], mounts=volumes)
    second = replace(first, name="d", mounts=(replace(volumes[0], read_only=True),))
    pod = lab.start(replace(pod, containers=(first, second)))
    assert lab.exec(capfd, pod, "sh", "-c", "echo x > /data/f; echo y > /host/f")[0] == 0
    assert lab.exec(capfd, pod, "sh", "-c", "cat /data/f; touch /data/g 2>/dev/null || echo ro", name="d")[1] == "x\nro\n"
    assert (made / "f").read_text() == "y\n"


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"uid": "../x"}, id="uid"),
        pytest.param({"scratch": (Scratch(name=".."),)}, id="volume"),
        pytest.param({"netns": "../../etc/passwd"}, id="namespace"),
    ],
)
def test_names_that_lead_elsewhere_are_refused(lab, changes):
    with pytest.raises(KernelError):
        lab.start(lab.sandbox(**changes))


def test_exec_gives_the_commands_code_and_environment(lab, capfd):
    pod = lab.started()
    assert lab.exec(capfd, pod, "sh", "-c", "echo $GREETING $EXTRA; pwd; exit 7", env=[("EXTRA", "more")], cwd="/usr")[:2] == (
        7,
        "hello more\n/usr\n",
    )
    assert lab.exec(capfd, pod, "sh", "-c", "kill -KILL $$")[0] == 137
    code, _, err = lab.exec(capfd, pod, "nosuch")
    assert (code, err.count("\n")) == (127, 1)
    assert "nosuch" in err
    assert lab.exec(capfd, pod, "/usr")[0] == 126
    assert lab.exec(capfd, pod, "cat")[:2] == (0, ""), "standard input must be empty"
    with pytest.raises(NotFound):
        lab.exec(capfd, pod, "true", name="nosuch")
    lab.runtime.kill(pod.uid)
    with pytest.raises(NotFound):
        lab.exec(capfd, pod, "true")


def test_exec_passes_input_and_terminal(lab):
    pod = lab.started()
    program = (
        "import sys; from pathlib import Path; from netlab.kernel.commands import run_command as run;"
        "from netlab.kernel.poddir import LabDirectories as L;"
        f"places = L(state=Path({str(lab.places.state)!r}), data=Path({str(lab.places.data)!r}), lab={lab.name!r});"
        f"sys.exit(run(places, {pod.uid!r}, 'c', sys.argv[2:], stdio=(None, None, None), tty=sys.argv[1] == 'tty'))"
    )
    done = subprocess.run([sys.executable, "-c", program, "", "cat"], input=b"through\n", capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"through\n", b"")
    words = " ".join(["python3", "-c", f'"{program}"', "tty", "sh", "-c", "'test -t 0 && echo $TERM && exit 9'"])
    done = subprocess.run(
        ["script", "-qec", words.replace("python3", sys.executable, 1), "/dev/null"], capture_output=True, check=False
    )
    assert done.returncode == 9
    assert b"xterm" in done.stdout


def test_two_probes_with_one_command_that_hangs_leave_none_of_it_behind(lab):
    pod, now, kinds = lab.started(), [0.0], ("liveness", "readiness")
    before, bundle = cgroups.pids(lab.name), lab.places.pod(pod.uid).bundle("c", 0)
    checker = Checker(lab.places, Crun(lab.places.crun), lambda: now[0])
    with Watch([bundle.path]) as watch:
        for kind in kinds:
            checker.submit(kind, ExecCheck(uid=pod.uid, container="c", attempt=0, args=FOREVER, kind=kind), 1.0)
        while not all(bundle.read(f"probe-{kind}.pid") for kind in kinds):
            assert watch.wait(DEADLINE_S)
    now[0] = 2.0
    assert {ticket: outcome.success for ticket, outcome in checker.wait(0.0)} == dict.fromkeys(kinds, False)
    checker.close()
    left = [processes.find(pid) for pid in cgroups.pids(lab.name) - before]
    assert processes.wait(left, DEADLINE_S) == []


def test_logs_of_this_and_the_previous_run_are_kept(lab):
    pod = lab.sandbox("sh", "-c", "echo $$ out; echo err >&2; exit 1")
    texts = []
    for attempt in range(4):
        if attempt:
            lab.runtime.remove_container(pod.uid, "c", attempt - 1)
            assert lab.run(pod).exit_code == 1
        lab.start(pod, attempt)
        assert lab.ended(pod).attempt == attempt
        texts.append(sorted(lab.log(pod)))
    assert texts[0][1] == "err"
    assert sorted(lab.log(pod, previous=True)) == texts[2]
    assert lab.places.pod(pod.uid).attempts("c") == [2, 3]
    assert len(os.listdir(lab.runtime.exits)) == 2
    (before,) = lab.runtime.observe()[pod.uid].previous
    assert (before.name, before.attempt, before.state, before.exit_code) == ("c", 2, "exited", 1)


@pytest.mark.parametrize(
    ("script", "changes", "message"),
    [
        pytest.param("printf bye > /dev/termination-log; exit 3", {}, "bye", id="what it wrote"),
        pytest.param("printf bye > /tmp/last; exit 3", {"last_words": "/tmp/last"}, "bye", id="where it was told to"),
        pytest.param("echo said; exit 3", {}, "", id="its log does not count"),
        pytest.param("echo said; echo more >&2; exit 3", {"log_speaks": True}, "said\nmore\n", id="unless it was told to"),
        pytest.param("echo said; exit 0", {"log_speaks": True}, "", id="and failed"),
        pytest.param("echo said; echo word > /dev/termination-log; exit 1", {"log_speaks": True}, "word\n", id="and wrote none"),
        pytest.param("yes 0123456 | head -c 8192 > /dev/termination-log", {}, "0123456\n" * 512, id="4096 bytes of it"),
        pytest.param("seq -w 1000; exit 1", {"log_speaks": True}, "".join(f"{n:04}\n" for n in range(921, 1001)), id="80 lines"),
    ],
)  # fmt: skip
def test_the_message_that_a_container_leaves(lab, script, changes, message):
    pod = lab.sandbox("sh", "-c", script)
    lab.start(replace(pod, containers=(replace(pod.containers[0], **changes),)))
    assert lab.ended(pod).message == message


def test_a_restart_leaves_the_rest_of_the_pod_alone(lab):
    pod = lab.sandbox()
    leaves = replace(pod.containers[0], name="d", args=("sh", "-c", "sleep 1000 & exit 1"))
    pod = lab.start(replace(pod, containers=(pod.containers[0], leaves)))
    lab.ended(pod, "d")
    pause, other = lab.pause(pod), lab.main(pod).main
    lab.runtime.remove_container(pod.uid, "d", 0)
    assert cgroups.pids(lab.name, pod.uid, "d") == set(), "what the main process left behind ends with its container"
    lab.runtime.start_container(pod, "d", 1)
    assert (lab.pause(pod), lab.main(pod).main) == (pause, other)
    assert processes.is_alive(other)


def test_term_is_sent_once(lab, capfd):
    pod = lab.started("sh", "-c", "trap 'echo TERM' TERM; echo ready; while :; do sleep 0.05; done")
    log = lab.runtime.log_path(pod.uid, "c")
    with Watch([log.parent], modified=True) as watch:
        while "ready" not in log.read_text():
            assert watch.wait(DEADLINE_S)
        lab.runtime.terminate(pod.uid, ["c"])
        lab.runtime.terminate(pod.uid, ["c"])
        while "TERM" not in log.read_text():
            assert watch.wait(DEADLINE_S)
    assert lab.runtime.observe()[pod.uid].terminating
    lab.runtime.kill(pod.uid)
    assert lab.log(pod).count("TERM") == 1
    assert lab.run(pod).exit_code == 137


def test_a_well_behaved_program_ends_on_term(lab):
    pod = lab.started()
    lab.runtime.terminate(pod.uid, ["c"])
    assert lab.ended(pod).exit_code == 143


def test_killed_pods_keep_their_logs(lab):
    pod = lab.started("sh", "-c", "echo hello; exec sleep 1000")
    log = lab.runtime.log_path(pod.uid, "c")
    with Watch([log.parent], modified=True) as watch:
        while not log.read_text():
            assert watch.wait(DEADLINE_S)
    lab.runtime.kill(pod.uid)
    lab.runtime.kill(pod.uid)
    assert (lab.log(pod), lab.run(pod).exit_code, lab.runtime.pids()) == (["hello"], 137, [])


def test_removing_is_complete_and_repeatable(lab):
    pod = lab.started()
    lab.runtime.remove(pod.uid)
    lab.runtime.remove(pod.uid)
    assert (lab.runtime.observe(), lab.runtime.pids(), os.listdir(lab.runtime.exits)) == ({}, [], [])
    assert cgroups.directories(lab.name, pod.uid) == []
    assert os.listdir(lab.places.crun) == []


def test_a_killed_pause_process_ends_the_pod_and_it_can_be_made_again(lab):
    pod = lab.started()
    kill9(lab.pause(pod))
    assert lab.ended(pod).exit_code == 137
    assert not lab.runtime.observe()[pod.uid].alive
    lab.runtime.start_sandbox(pod)
    lab.runtime.remove_container(pod.uid, "c", 0)
    lab.runtime.start_container(pod, "c", 1)
    assert lab.runtime.observe()[pod.uid].alive
    assert lab.run(pod).state == "running"


def test_a_killed_pause_process_takes_containers_with_own_namespaces_along(lab):
    pod = lab.started(share_process_namespace=False)
    kill9(lab.pause(pod))
    assert lab.run(pod).state == "running"
    lab.runtime.start_sandbox(pod)
    assert lab.run(pod).exit_code == 137


def test_a_container_without_conmon_is_ended_and_its_exit_unknown(lab):
    pod = lab.started()
    run = lab.main(pod)
    kill9(run.conmon)
    seen = lab.run(pod)
    assert (seen.state, seen.exit_code) == ("exited", None)
    assert processes.wait([run.main], DEADLINE_S) == []
    assert lab.run(pod) == seen
    lab.runtime.remove_container(pod.uid, "c", 0)
    lab.runtime.start_container(pod, "c", 1)
    assert lab.run(pod).state == "running"


def test_a_pid_of_somebody_else_is_never_signalled(lab):
    pod = lab.started()
    main, conmon, moment = lab.main(pod).main, lab.main(pod).conmon, lab.main(pod).started_at
    lab.runtime.kill(pod.uid)
    with subprocess.Popen(FOREVER) as stranger:
        fake = replace(main, pid=stranger.pid)
        bundle = lab.places.pod(pod.uid).bundle("c", 0)
        (bundle.path / "run").write_text(f"{fake}\n{replace(conmon, pid=stranger.pid)}\n{moment}\n")
        (lab.places.pod(pod.uid).pause.path / "process").write_text(f"{fake}\n")
        lab.runtime.observe()
        lab.runtime.terminate(pod.uid, ["c"])
        lab.runtime.remove(pod.uid)
        assert stranger.poll() is None
        stranger.kill()


HALVES = {
    "nothing but the directory": lambda lab, pod: lab.places.pod(pod.uid).path.mkdir(),
    "an empty attempt": lambda lab, pod: (
        lab.runtime.start_sandbox(pod),
        lab.places.pod(pod.uid).bundle("c", 0).path.mkdir(parents=True),
    ),
    "a pause process without record": lambda lab, pod: (
        lab.runtime.start_sandbox(pod),
        (lab.places.pod(pod.uid).pause.path / "process").unlink(),
    ),
    "a pause process that crun did not live to note": lambda lab, pod: (
        lab.runtime.start_sandbox(pod),
        (lab.places.pod(pod.uid).pause.path / "process").unlink(),
        shutil.rmtree(lab.places.crun / lab.places.pod(pod.uid).pause.id),
    ),
    "a container without record": lambda lab, pod: (
        lab.start(pod),
        (lab.places.pod(pod.uid).bundle("c", 0).path / "run").unlink(),
    ),
    "state of crun half-written": lambda lab, pod: (
        lab.runtime.start_sandbox(pod),
        (lab.places.crun / lab.places.pod(pod.uid).bundle("c", 0).id).mkdir(),
    ),
    "a removal half done": lambda lab, pod: (
        lab.start(pod),
        lab.runtime.kill(pod.uid),
        shutil.rmtree(lab.places.pod(pod.uid).path / "containers"),
    ),
}


@pytest.mark.parametrize("half", HALVES)
def test_halves_are_healed(lab, half):
    pod = lab.sandbox()
    HALVES[half](lab, pod)
    assert pod.uid in lab.runtime.observe()
    lab.start(pod)
    assert lab.run(pod).state == "running"
    assert len(lab.runtime.pids()) == 3, "pause, conmon, sleep"


@pytest.mark.parametrize("half", HALVES)
def test_halves_are_removed(lab, half):
    pod = lab.sandbox()
    HALVES[half](lab, pod)
    lab.runtime.remove(pod.uid)
    assert lab.runtime.observe() == {}
    assert lab.runtime.pids() == []


@pytest.mark.parametrize("delay_ms", range(0, 60, 6))
def test_a_command_killed_at_any_moment_is_finished_by_the_next(lab, delay_ms):
    pod = lab.sandbox()
    child = os.fork()
    if not child:
        with contextlib.suppress(BaseException):
            lab.runtime.start_sandbox(pod, "c")  # as the engine does
        os._exit(0)
    handle = os.pidfd_open(child)
    processes.wait_readable(handle, delay_ms / 1000)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    os.close(handle)
    lab.start(pod)
    assert lab.run(pod).state == "running"
    assert len(lab.runtime.pids()) == 3, "pause, conmon, sleep"


def test_a_container_is_not_left_waiting_for_one_who_was_killed_while_starting_it(lab, monkeypatch):
    pod = lab.sandbox("true")
    ended = lab.places.exits / lab.places.pod(pod.uid).bundle("c", 0).id
    lab.runtime.start_sandbox(pod)
    with monkeypatch.context() as patched:
        patched.setattr(Path, "unlink", lambda _: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            lab.runtime.start_container(pod, "c", 0)
    lab.until(ended.exists)


def a_pause_of_another(made, first):
    def begin(*args, **options):
        if next(first, False):
            made(*args, **options)()
        return made(*args, **options)

    return begin


def a_container_of_another(made, first):
    @contextlib.contextmanager
    def loaded(*args, **options):
        with contextlib.ExitStack() as stack:
            creates = [stack.enter_context(made(*args, **options)) for _ in range(1 + next(first, False))]
            yield lambda program: [create(program) for create in creates][-1]

    return loaded


@pytest.mark.parametrize(
    ("place", "name", "doubled"),
    [
        pytest.param(Crun, "begin", a_pause_of_another, id="a pause process"),
        pytest.param(conmon, "loaded", a_container_of_another, id="a container"),
    ],
)
def test_what_a_killed_command_had_begun_may_come_to_light_late(lab, monkeypatch, place, name, doubled):
    first = iter([True])
    monkeypatch.setattr(place, name, doubled(getattr(place, name), first))
    pod = lab.started()
    assert next(first, None) is None
    assert lab.run(pod).state == "running"
    assert len(lab.runtime.pids()) == 3, "pause, conmon, sleep"


def test_crun_at_work_is_found_and_needs_no_copy_of_its_own(lab):
    pause, caller = lab.places.pod(lab.started().uid).pause, Crun(lab.places.crun)
    mounts.inside(lambda: caller.call("create", "-b", str(pause.path), "other", manager="disabled"))
    try:
        [waiting] = ending.makers([f"{pause.path}/"], frozenset({"crun"}))
        assert Path(f"/proc/{waiting.pid}/exe").readlink() == Path("/memfd:crun (deleted)")
    finally:
        mounts.inside(lambda: caller.delete("other"))


def test_seven_pods_at_once(lab, record_property):
    pods = {pod.uid: pod for pod in (lab.sandbox() for _ in range(7))}
    began = time.perf_counter()
    results = lab.runtime.each({uid: (pod,) for uid, pod in pods.items()}, lab.start)
    started = time.perf_counter()
    assert set(results.values()) == {None}
    seen = lab.runtime.observe()
    looked = time.perf_counter()
    assert sorted(seen) == sorted(pods)
    assert {run.state for status in seen.values() for run in status.runs} == {"running"}
    assert len(lab.runtime.pids()) == 21
    before = time.perf_counter()
    lab.runtime.clean()
    print(
        f"start {1000 * (started - began):.0f} ms, observe {1000 * (looked - started):.1f} ms,"
        f" clean {1000 * (time.perf_counter() - before):.0f} ms"
    )


def test_one_pods_trouble_is_its_own(lab):
    good, bad = lab.sandbox(), replace(lab.sandbox(), netns="t-nosuch")
    results = lab.runtime.each({"good": (good,), "bad": (bad,)}, lab.start)
    assert results["good"] is None
    assert isinstance(results["bad"], KernelError)
    assert lab.run(good).state == "running"


def test_two_labs_do_not_see_each_other(make_lab):
    first, second = make_lab(), make_lab()
    one, two = first.started(), second.started()
    assert not set(first.runtime.pids()) & set(second.runtime.pids())
    first.runtime.clean()
    assert second.run(two).state == "running"
    assert one.uid not in first.runtime.observe()
    assert len(second.runtime.pids()) == 3


def test_another_runtime_object_goes_on_where_the_first_stopped(lab):
    pod = lab.started()
    lab.runtime = ContainerRuntime(state=lab.places.state, data=lab.places.data, lab=lab.name)
    lab.start(pod)
    assert len(lab.runtime.pids()) == 3
    lab.runtime.remove(pod.uid)


def test_clean_finds_processes_whose_records_are_lost(lab):
    lab.started()
    shutil.rmtree(lab.places.state / "pods")
    assert len(lab.runtime.pids()) == 3
    lab.runtime.clean()
    assert lab.runtime.pids() == []


def test_what_somebody_mounted_among_the_files_is_not_removed_with_them(lab):
    place = lab.places.data / "pods/theirs"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "none", place], check=True)
    try:
        (place / "kept").touch()
        lab.started()
        with pytest.raises(KernelError, match="theirs"):
            lab.runtime.clean()
        assert (place / "kept").exists()
        assert lab.runtime.pids() == []
    finally:
        subprocess.run(["umount", place], check=True)


def test_namespaces_come_and_go_in_threads_of_the_runtime(lab):
    name = f"{lab.name}.later"

    def look():
        netns.run_in_thread(lambda: netns.create(name, lambda: None))
        seen = netns.open_netns(name)
        assert seen is not None
        os.close(seen)

    mounts.inside(look)
    assert name in netns.names_in_use()
    pod = lab.started()
    netns.delete(name)
    view = Path(f"/proc/{lab.main(pod).conmon.pid}/mountinfo").read_text()
    assert name not in view


def test_a_full_disk_is_named_with_the_cure(lab):
    directory = f"{lab.places.data}/pods"
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k,mode=700", "none", directory], check=True)
    try:
        with pytest.raises(KernelError, match="No space left on device; free some space"):
            lab.start(lab.sandbox(hosts="x" * 100_000))
    finally:
        subprocess.run(["umount", directory], check=True)


def test_data_on_an_overlay_is_refused_with_the_cure(make_lab, tmp_path):
    base = Path("/run/t-overlay")
    for name in ("upper", "work", "merged"):
        (base / name).mkdir(parents=True, exist_ok=True)
    merged = base / "merged"
    subprocess.run(
        ["mount", "-t", "overlay", "-o", f"lowerdir=/opt,upperdir={base}/upper,workdir={base}/work", "none", merged], check=True
    )
    try:
        with pytest.raises(HostUnready, match="overlay"):
            ContainerRuntime(state=base / "state", data=merged / "data", lab="t-overlay").prepare()
    finally:
        subprocess.run(["umount", merged], check=True)
        shutil.rmtree(base)


def test_resolv_conf_that_is_a_link_into_run(lab, capfd):
    etc = Path("/run/t-etc")
    etc.mkdir()
    for name in ("passwd", "group", "nsswitch.conf", "ld.so.cache"):
        shutil.copy(f"/etc/{name}", etc)
    (etc / "resolv.conf").symlink_to("../run/systemd/resolve/stub-resolv.conf")
    subprocess.run(["mount", "--bind", etc, "/etc"], check=True)
    try:
        pod = lab.started()
        assert lab.exec(capfd, pod, "cat", "/etc/resolv.conf")[:2] == (0, "nameserver 10.96.0.10\n")
    finally:
        subprocess.run(["umount", "/etc"], check=True)
        shutil.rmtree(etc)
