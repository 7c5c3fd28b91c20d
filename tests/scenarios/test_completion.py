"""Tab in real shells: each is given the script that `netlab completion SHELL` prints, and asked what could be typed next.

bash is asked through the function that Tab calls, and once by a Tab on a terminal; fish by its own `complete -C`; zsh by Tabs on
a terminal, because its completion runs nowhere else. The lab is the one that NETLAB_LAB names.
Source: bash(1), Programmable Completion; zshcompsys(1); fish(1), complete.
"""

from __future__ import annotations

import os
import pty
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

LATE_S = 60.0
MANIFEST = """
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - {name: main, image: host, command: [sleep, infinity]}
---
apiVersion: v1
kind: Service
metadata: {name: web-front}
spec: {selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {key: value}
"""
# What is typed before Tab, and all that may come then.
WHOLE = [
    pytest.param("netlab ge", {"get"}, id="a verb"),
    pytest.param("netlab set im", {"image"}, id="a verb behind a verb"),
    pytest.param("netlab get po", {"pods"}, id="a kind"),
    pytest.param("netlab get pods w", {"web"}, id="a name"),
    pytest.param("netlab describe pod w", {"web"}, id="a name behind the singular of its kind"),
    pytest.param("netlab describe po w", {"web"}, id="a name behind the short name of its kind"),
    pytest.param("netlab get svc ", {"kubernetes", "web-front"}, id="all names"),
    pytest.param("netlab get pods,svc web", {"web", "web-front"}, id="names of two kinds"),
    pytest.param("netlab get pods web w", set(), id="a name is not said twice"),
    pytest.param("netlab get pod/w", {"pod/web"}, id="kind and name in one word"),
    pytest.param("netlab delete svc web-", {"web-front"}, id="what is deleted"),
    pytest.param("netlab label cm s", {"settings"}, id="what is labelled"),
    pytest.param("netlab get nodes n", {"node-1"}, id="a Node"),
    pytest.param("netlab drain n", {"node-1"}, id="a Node that is emptied"),
    pytest.param("netlab node st", {"stop", "start"}, id="what is done to a Node"),
    pytest.param("netlab node stop n", {"node-1"}, id="a Node that is stopped"),
    pytest.param("netlab taint nodes n", {"node-1"}, id="a Node that is tainted"),
    pytest.param("netlab exec web -c ", {"main"}, id="a container"),
    pytest.param("netlab logs pod/web -c m", {"main"}, id="a container behind kind and name"),
    pytest.param("netlab shell nosuch -c ", set(), id="no container of what there is not"),
    pytest.param("netlab exec w", {"web"}, id="where a command runs"),
    pytest.param("netlab exec out", {"outside"}, id="the outside"),
    pytest.param("netlab shell node", {"node-1"}, id="where a shell runs"),
    pytest.param("netlab get pods -n kube-s", {"kube-system"}, id="a Namespace"),
    pytest.param("netlab -n kube-system get svc kube", {"kube-dns"}, id="a name in a Namespace"),
    pytest.param("netlab get svc -n kube-system kube", {"kube-dns"}, id="a name in a Namespace that is said behind"),
    pytest.param("netlab get pods -o ya", {"yaml"}, id="a form"),
    pytest.param("netlab get pods --show-", {"--show-labels", "--show-kind"}, id="a flag"),
    pytest.param("netlab explain pod.spec.hostn", {"pod.spec.hostname"}, id="a field"),
    pytest.param("netlab completion z", {"zsh"}, id="a shell"),
    pytest.param("netlab help ge", {"get"}, id="a verb whose help is wanted"),
    pytest.param("netlab help serv", {"services"}, id="a topic"),
    pytest.param("netlab wait pod w", {"web"}, id="what is waited for"),
    pytest.param("netlab port-forward w", {"web"}, id="what is forwarded to"),
    pytest.param("netlab logs w", {"web"}, id="whose logs are read"),
    pytest.param("netlab capture w", {"web"}, id="whose packets are captured"),
    pytest.param("netlab capture svc/web", {"svc/web-front"}, id="a Service whose packets are captured"),
    pytest.param("netlab conntrack n", {"node-1"}, id="a Node whose connections are shown"),
    pytest.param("netlab top pods w", {"web"}, id="whose use is shown"),
    pytest.param("netlab exec svc/web", {"svc/web-front"}, id="a Service where a command runs"),
    pytest.param("netlab get pods -o nonsense w", {"web"}, id="a name behind a wrong value"),
    pytest.param("netlab get nonsense ", set(), id="nothing behind what there is not"),
    pytest.param("netlab nonsense w", set(), id="nothing behind a verb that there is not"),
]
# fish leaves out by itself what does not begin with what was typed; bash takes what it is given.
IN_BASH = [*WHOLE, pytest.param("netlab demo guest", {"guestbook"}, id="a demo")]
BASH = r"""
source <(netlab completion bash) || exit 9
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}
compopt() { echo "compopt $1 $2"; }
_netlab_completion "$1" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
printf '%s\n' "${COMPREPLY[@]}"
"""


def words_of(typed):
    """The words of a line; one that ends with a space goes on with an empty word."""
    return [*typed.split(), *([""] if typed.endswith(" ") else [])]


class Shells:
    """The shells of this machine, the lab known to each by NETLAB_LAB."""

    def __init__(self, program):
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        self.known = os.environ | {"NETLAB_LAB": program.lab, "PATH": path, "TERM": "dumb"}
        self.known.pop("NO_COLOR", None)

    def run(self, *words):
        """What a program prints; it has nothing to complain of."""
        done = subprocess.run(words, env=self.known, capture_output=True, text=True, timeout=LATE_S, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    def bash(self, typed):
        """The candidates that bash's own function of ours puts into COMPREPLY."""
        return {line for line in self.run("bash", "--norc", "-c", BASH, "bash", *words_of(typed)).splitlines() if line}

    def fish(self, typed):
        """The candidates of fish; what stands behind a tab is their description."""
        script = "netlab completion fish | source; complete -C $argv[1]"
        return {line.partition("\t")[0] for line in self.run("fish", "-N", "-c", script, typed).splitlines() if line}

    def on_terminal(self, words, first, typed, until):
        """What a shell shows on a terminal when `first` has been run and `typed` is followed by Tabs, until `until` is seen."""
        with Terminal(words, self.known) as terminal:
            terminal.type(f"{first}; echo re''ady\n")
            terminal.read_until("ready")
            terminal.type(f"{typed}\t\t")
            return terminal.read_until(until)


class Terminal:
    """A program on a terminal of its own."""

    def __init__(self, words, environment):
        self._ours, its = pty.openpty()
        self._running = subprocess.Popen(words, env=environment, stdin=its, stdout=its, stderr=its, start_new_session=True)
        os.close(its)
        self._seen = ""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._running.kill()
        self._running.wait()
        os.close(self._ours)

    def type(self, text):
        self._seen = ""
        os.write(self._ours, text.encode())

    def read_until(self, text):
        """What was shown since the last line was typed, as soon as `text` is there."""
        end = time.monotonic() + LATE_S
        while text not in self._seen:
            assert select.select([self._ours], [], [], max(0.0, end - time.monotonic()))[0], self._seen
            self._seen += os.read(self._ours, 65536).decode(errors="replace")
        return self._seen


def needs(shell):
    return pytest.mark.skipif(shutil.which(shell) is None, reason=f"{shell} is not installed")


@pytest.fixture(scope="module")
def shells(module_program):
    module_program("up", "--nodes", "1")
    module_program.apply(MANIFEST)
    return Shells(module_program)


@pytest.mark.parametrize(("typed", "candidates"), IN_BASH)
def test_bash(shells, typed, candidates):
    assert shells.bash(typed) == candidates


@needs("fish")
@pytest.mark.parametrize(("typed", "candidates"), WHOLE)
def test_fish(shells, typed, candidates):
    assert shells.fish(typed) == candidates


def test_names_come_from_the_lab_that_is_named(shells, module_program):
    assert shells.bash(f"netlab get pods --lab {module_program.lab} w") == {"web"}
    assert shells.bash("netlab get pods --lab none w") == set()
    assert shells.bash(f"netlab status --lab {module_program.lab[:3]}") == {module_program.lab}


def test_bash_is_told_to_complete_files(shells):
    for typed in ("netlab apply -f we", "netlab up -f we", "netlab cp we"):
        assert shells.bash(typed) == {"compopt -o default"}


def test_a_tab_in_bash(shells):
    shown = shells.on_terminal(["bash", "--norc", "-i"], "source <(netlab completion bash)", "netlab describe pod w", "web ")
    assert "netlab describe pod web " in shown


@needs("zsh")
@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        pytest.param("netlab get po", "pods", id="a kind"),
        pytest.param("netlab describe pod w", "web", id="a name"),
        pytest.param("netlab get pods --show-", "--show-labels", id="a flag"),
    ],
)
def test_a_tab_in_zsh(shells, typed, shown):
    first = "autoload -Uz compinit; compinit -u -D; source <(netlab completion zsh)"
    assert shown in shells.on_terminal(["zsh", "-f", "-i"], first, typed, shown)


def test_a_tab_is_quiet_and_changes_nothing_without_a_lab(shells, tmp_path):
    shells_without = {**shells.known, "NETLAB_LAB": "none"}
    words = ["bash", "--norc", "-c", BASH, "bash", "netlab", "get", "pods", ""]
    done = subprocess.run(words, env=shells_without, capture_output=True, text=True, timeout=LATE_S, check=False)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "", "")
    assert not Path("/run/netlab/none").exists()
