"""Ctrl-C at any moment of a command: it ends at once and quietly, and the same command again finishes the work.

The moments are spread over the time that the command takes when nobody interrupts it, from when netlab has taken SIGINT from
Python, whose start is not ours; a terminal sends SIGINT to the whole foreground process group, and so is it done here. A process that catches SIGINT ends with 130, and one that SIGINT ends is 130
to its shell. (Python chooses the second if SIGINT came while it ran a text as code, as dataclasses are made.)
Source: signal(7), termios(3) INTR; CPython, Python/pythonrun.c, run_eval_code_obj.
"""

from __future__ import annotations

import os
import select
import shlex
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.program import netlab

MOMENTS, EARLY = 12, 2
LATE_S = 60.0
INTERRUPTED = {128 + signal.SIGINT, -signal.SIGINT}
NETLAB = (sys.executable, "-m", "netlab")
GUESTBOOK = "netlab/demos/guestbook"
PAGE = "http://{}:30080/guestbook.php?cmd=get&key=messages"
LINES = {
    "up": ("up", "--nodes", "1"),
    "apply": ("apply", "-f", GUESTBOOK),
    "delete": ("delete", "--ignore-not-found", "-f", GUESTBOOK),
    "down": ("down",),
}
# Runs netlab, and interrupts it when it begins to import the module that is named first.
AT_IMPORT = """
import os, runpy, signal, sys
module = sys.argv.pop(1)
def hook(event, args):
    if event == "import" and args[0] == module:
        os.kill(os.getpid(), signal.SIGINT)
sys.addaudithook(hook)
runpy.run_module("netlab", run_name="__main__", alter_sys=True)
"""


# The same when all is done, and Python ends.
AT_EXIT = """
import os, runpy, signal
leave = os._exit
os._exit = lambda code: (os.kill(os.getpid(), signal.SIGINT), leave(code))
runpy.run_module("netlab", run_name="__main__", alter_sys=True)
"""


@dataclass(frozen=True)
class Ended:
    """How a command ended that was interrupted, unless it was done before."""

    code: int
    out: str
    err: str


def started(*line):
    """A command as a shell starts it in the foreground: in a process group of its own."""
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(line, text=True, start_new_session=True, **streams)


def ended(running):
    out, err = running.communicate(timeout=LATE_S)
    return Ended(running.returncode, out, err)


def interrupted(after_s, *line):
    """Run a command line, press Ctrl-C so many seconds after it can take it unless it has ended, and return how it ended."""
    with started(*line) as running:
        handle = os.pidfd_open(running.pid)
        try:
            done = []
            while not done and not can_be_interrupted(running.pid):
                done, _, _ = select.select([handle], [], [], 0.001)
            if not done:
                done, _, _ = select.select([handle], [], [], after_s)
        finally:
            os.close(handle)
        if not done:
            os.killpg(running.pid, signal.SIGINT)
        return ended(running)


def can_be_interrupted(pid):
    """Tell whether netlab has given SIGINT back to Linux: Python, which ignores SIGPIPE from its start, catches it no longer."""
    fields = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    ignored, caught = (int(fields[name], 16) for name in ("SigIgn", "SigCgt"))
    return bool(ignored & 1 << signal.SIGPIPE - 1) and not caught & 1 << signal.SIGINT - 1


def must_be_quiet(done):
    assert done.code in INTERRUPTED, done
    assert done.err.strip() == ""


@dataclass(frozen=True)
class Times:
    """How long Python and netlab's modules take to load, and each line when nobody interrupts it, in seconds."""

    loading: float
    lines: dict[str, float]

    def moments(self, name):
        """Moments between the begin and the end of what a line does; the first one is while modules are loaded."""
        step = (self.lines[name] - self.loading) / MOMENTS
        return [step * number for number in range(MOMENTS)]


def seconds(lab, *words):
    begun = time.monotonic()
    done = netlab(*words, environment={"NETLAB_LAB": lab})
    assert done.code == 0, done.err
    return time.monotonic() - begun


def measured(lab):
    """The times of a lab that is gone again."""
    loading = min(seconds(lab, "version") for _ in range(3))
    return Times(loading, {name: seconds(lab, *line) for name, line in LINES.items()})


@pytest.fixture(scope="module")
def times(module_program):
    return measured(module_program.lab)


def pages(program):
    """Tell whether the guestbook's Service answers a client outside, through the Node's port."""
    done = program.run("exec", "outside", "--", "curl", "-s", "--max-time", "2", PAGE.format(program.node_ip("node-1")))
    return '"data":' in done.out


def must_be_healed(program, name, until):
    """The line has been said again; what it is for is so."""
    match name:
        case "up":
            assert program.run("status").code == 0
        case "apply":
            until(lambda: pages(program))
        case "delete":
            assert program("get", "all,configmaps", "-o", "name") == "service/kubernetes\n"
        case "down":
            assert program.lab not in program.run("labs", "-o", "name").out.splitlines()


@pytest.mark.parametrize("moment", range(MOMENTS))
def test_what_was_interrupted_is_finished_by_the_same_command(program, times, until, moment):
    for name, (verb, *words) in LINES.items():
        done = interrupted(times.moments(name)[moment], *NETLAB, verb, "--lab", program.lab, *words)
        if done.code != 0:
            must_be_quiet(done)
        program(verb, *words)
        must_be_healed(program, name, until)


def test_moments_are_inside_of_what_is_interrupted(program, times):
    """The proof that the test above interrupts at all: each line, early enough that six times the speed is no way out.

    It may be one on a machine that had much else to do when the times were taken: then they are taken anew.
    """
    left = set(LINES)
    for _ in range(5):
        for name, (verb, *words) in LINES.items():
            done = interrupted(times.moments(name)[EARLY], *NETLAB, verb, "--lab", program.lab, *words)
            if done.code != 0:
                must_be_quiet(done)
                left.discard(name)
            program(verb, *words)
        if not left:
            break
        times = measured(program.lab)
    assert not left


@pytest.mark.parametrize(
    "module",
    [
        pytest.param("netlab.cli.main", id="before anything"),
        pytest.param("click", id="while the command line is loaded"),
        pytest.param("netlab.errors", id="while netlab is loaded"),
        pytest.param("netlab.cli.mutation", id="while a verb is loaded"),
        pytest.param("netlab.kernel.links", id="while what goes to Linux is loaded"),
    ],
)
def test_an_interrupt_while_modules_are_loaded_is_quiet(program, module):
    with started(sys.executable, "-c", AT_IMPORT, module, "up", "--lab", program.lab) as running:
        must_be_quiet(ended(running))


def test_an_interrupt_when_all_is_done_is_quiet():
    with started(sys.executable, "-c", AT_EXIT, "version") as running:
        must_be_quiet(ended(running))


POD = """
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  terminationGracePeriodSeconds: 0
  containers: [{name: main, image: host, command: [sh, -c, "echo ready; exec sleep infinity"], ports: [{containerPort: 80}]}]
"""


@pytest.fixture(scope="module")
def talking(module_program):
    """A lab with a Pod that has said something."""
    module_program("up", "--nodes", "1")
    module_program.apply(POD)
    module_program("wait", "--for=condition=Ready", "pod/web")
    return module_program


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("get pods -w", id="get -w"),
        pytest.param("get pods -w -o json", id="get -w -o json"),
        pytest.param("events -A -w", id="events -w"),
        pytest.param("logs web -f", id="logs -f"),
        pytest.param("exec node-1 -- sh -c 'echo ready; exec sleep infinity'", id="exec on a Node"),
    ],
)
def test_what_goes_on_until_ctrl_c_ends_quietly(talking, line):
    verb, *words = shlex.split(line)
    with started(*NETLAB, verb, "--lab", talking.lab, *words) as running:
        assert running.stdout.readline()
        os.killpg(running.pid, signal.SIGINT)
        must_be_quiet(ended(running))


def test_a_command_in_a_pod_is_interrupted_and_says_its_exit_code(talking):
    line = ["exec", "--lab", talking.lab, "web", "--", "sh", "-c", "echo ready; exec sleep infinity"]
    with started(*NETLAB, *line) as running:
        assert running.stdout.readline() == "ready\n"
        os.killpg(running.pid, signal.SIGINT)
        done = ended(running)
    assert (done.code, done.err) == (130, "command terminated with exit code 130\n")


def test_port_forward_ends_as_kubectls_does(talking):
    with started(*NETLAB, "port-forward", "--lab", talking.lab, "web", "0:80") as running:
        assert running.stdout.readline().startswith("Forwarding from")
        os.killpg(running.pid, signal.SIGINT)
        done = ended(running)
    assert (done.code, done.err) == (0, "")


def test_waiting_is_interrupted_at_once(talking):
    with started(*NETLAB, "wait", "--lab", talking.lab, "--for=delete", "pod/web", "--timeout=60s") as running:
        handle = os.pidfd_open(running.pid)
        assert not select.select([handle], [], [], 0.5)[0]
        os.killpg(running.pid, signal.SIGINT)
        assert select.select([handle], [], [], LATE_S)[0]
        os.close(handle)
        must_be_quiet(ended(running))
