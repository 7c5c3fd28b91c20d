"""What goes where: results to standard output, errors to standard error alone, colours to a terminal alone; a reader that has
gone is no error.

A program whose reader has gone ends by SIGPIPE, which its shell calls 141; netlab ends with 141 as well, and as quietly.
Source: signal(7); no-color.org; ECMA-48 (SGR); pty(7).
"""

from __future__ import annotations

import contextlib
import os
import pty
import re
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

UNREAD = 141
LATE_S = 60.0
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
NETLAB = (sys.executable, "-m", "netlab")
MANIFEST = """
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - {name: main, image: host, command: [sh, -c, "seq 20000; exec sleep infinity"], env: [{name: A, value: "1"}]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
"""


@pytest.fixture(scope="module")
def lab(module_program, tmp_path_factory):
    """A lab with a Pod that has printed much."""
    folder = tmp_path_factory.mktemp("output")
    (folder / "web.yaml").write_text(MANIFEST)
    (folder / "changed.yaml").write_text(MANIFEST.replace("port: 80", "port: 81"))
    module_program("up", "--nodes", "1")
    module_program("apply", "-f", str(folder / "web.yaml"))
    module_program("wait", "--for=condition=Ready", "pod", "--all", "-A")
    return Lab(module_program, folder)


class Lab:
    """Lines are typed in a folder with web.yaml and changed.yaml, which differ; the environment names the lab."""

    def __init__(self, program, folder):
        self.program, self.folder = program, folder

    def started(self, line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, **variables):
        plain = {name: value for name, value in os.environ.items() if name not in {"NO_COLOR", "TERM", "PYTHONPATH"}}
        known = plain | {"NETLAB_LAB": self.program.lab, "TERM": "xterm-256color", "PYTHONPATH": str(Path.cwd())} | variables
        return subprocess.Popen(
            [*NETLAB, *line.split()], cwd=self.folder, env=known, stdin=stdin, stdout=stdout, stderr=stderr, text=True
        )

    def run(self, line, **variables):
        """What a line prints into pipes, and its exit code."""
        with self.started(line, **variables) as running:
            out, err = running.communicate(timeout=LATE_S)
        return running.returncode, out, err

    def run_by_shell(self, line, redirection):
        """Run a line as a shell does with `>&-` and the like behind it; return its exit code. It has no traceback to show."""
        words = ["sh", "-c", f'exec "$@" {redirection}', "sh", *NETLAB, *line.split()]
        known = os.environ | {"NETLAB_LAB": self.program.lab, "PYTHONPATH": str(Path.cwd())}
        done = subprocess.run(words, cwd=self.folder, env=known, capture_output=True, text=True, timeout=LATE_S, check=False)
        assert "Traceback" not in done.stdout + done.stderr
        return done.returncode

    def on_terminal(self, line, **variables):
        """What a line prints on a terminal."""
        ours, its = pty.openpty()
        try:
            with self.started(line, stdin=its, stdout=its, stderr=its, **variables) as running:
                os.close(its)
                text = b"".join(iter(lambda: read(ours), b""))
                running.wait(LATE_S)
        finally:
            os.close(ours)
        return text.decode()


def read(terminal):
    """What the terminal shows next; nothing when nobody has it open any more."""
    assert select.select([terminal], [], [], LATE_S)[0]
    with contextlib.suppress(OSError):  # EIO: the other side is closed
        return os.read(terminal, 65536)
    return b""


# Closed pipes -----------------------------------------------------------------------------------------------------------

PRINTING = """
--help / get --help / help set env / version / version -o json / api-resources / completion bash / explain pod --recursive
get pods -A / get all -A -o yaml / get pods -A -o json / get pods -o name / get pods -o jsonpath={.items} / describe pods -A
describe nodes / events -A / events -o json / commands / commands --down / status / labs / doctor / top pods -A / demo
logs web / logs web --tail=1 / set env pod/web --list / label pod web --list / diff -f changed.yaml
get pods -w / get pods -A -w -o json / events -A -w / logs -f web
label pod web a=b --overwrite / apply -f web.yaml / apply -f web.yaml -o yaml / run one --dry-run=client -o yaml -- true
wait --for=condition=Ready pod/web / up --dry-run / up --nodes 1
"""


def lines(text):
    return [line.strip() for line in text.replace("\n", " / ").split(" / ") if line.strip()]


def without_reader(lab, line):
    """Run a line into a pipe that nobody reads any more; return its exit code and what it said."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        with lab.started(line, stdout=writer) as running:
            _, err = running.communicate(timeout=LATE_S)
    finally:
        os.close(writer)
    return running.returncode, err


@pytest.mark.parametrize("line", lines(PRINTING))
def test_a_line_whose_reader_has_gone_ends_as_quietly_as_by_sigpipe(lab, line):
    assert without_reader(lab, line) == (UNREAD, "")


def test_head_takes_one_line_and_nobody_minds(lab):
    with lab.started("logs web") as running:
        head = subprocess.run(["head", "-1"], stdin=running.stdout, capture_output=True, text=True, check=True)
        running.stdout.close()
        assert running.stderr.read() == ""
    assert head.stdout == "1\n"


def test_what_was_applied_is_made_also_if_nobody_reads_about_it(lab, until):
    text = MANIFEST.replace("name: web", "name: unread").replace("app: web", "app: unread")
    (lab.folder / "unread.yaml").write_text(text)
    without_reader(lab, "apply -f unread.yaml")
    until(lambda: lab.program.json("pod", "unread")["status"].get("phase") == "Running")
    without_reader(lab, "delete -f unread.yaml")
    until(lambda: "unread" not in lab.program("get", "pods,services"))


# Colours ----------------------------------------------------------------------------------------------------------------

READING = """
--help / get -h / up --help / version / api-resources / explain pod / explain deploy.spec --recursive / labs / doctor / status / commands
get all -A / get pods -o wide --show-labels / get pods -o yaml / describe all / describe node node-1 / events -A / top pods / top nodes
logs web --tail=3 / set env pod/web --list / label pod web --list / demo / up --nodes 1 / up --dry-run -v / diff -f changed.yaml
apply -f web.yaml / get nonsense / get pod none / nonsense
"""
COLOURED = ["up --nodes 1", "status", "doctor", "diff -f changed.yaml"]


@pytest.mark.parametrize("line", lines(READING))
def test_what_is_no_terminal_gets_no_escape_sequence(lab, line):
    _, out, err = lab.run(line)
    assert out + err
    assert "\x1b" not in out + err


@pytest.mark.parametrize("line", COLOURED)
def test_a_terminal_gets_colours(lab, line):
    assert COLOUR.search(lab.on_terminal(line))


@pytest.mark.parametrize("line", [*COLOURED, "get pods -A", "nonsense", "describe pod web", "up --help"])
def test_no_color_takes_all_colours_away(lab, line):
    shown = lab.on_terminal(line, NO_COLOR="1")
    assert shown.strip()
    assert not COLOUR.search(shown)


@pytest.mark.parametrize("line", COLOURED)
def test_an_empty_no_color_means_nothing(lab, line):
    assert COLOUR.search(lab.on_terminal(line, NO_COLOR=""))


@pytest.mark.parametrize("line", ["get pods -A", "get pods -o json", "commands", "logs web --tail=2"])
def test_what_is_meant_for_programs_is_the_same_on_a_terminal(lab, line):
    shown = lab.on_terminal(line).replace("\r\n", "\n")
    assert re.sub(r"\b[0-9]+[smh]\b", "AGE", shown) == re.sub(r"\b[0-9]+[smh]\b", "AGE", lab.run(line)[1])


# Errors -----------------------------------------------------------------------------------------------------------------

FAILING = """
nonsense / --nonsense / get / get nonsense / get pod none / get pods -o nonsense / get pods -o jsonpath={ / get pods -l a=(b / get -n
describe pod none / describe / delete / delete pod none / delete node node-1 / apply / apply -f none.yaml / diff / diff -f none.yaml
run / run X -- true / expose pod none --port=80 / scale pod/web --replicas=1 / label pod none a=b / annotate pod none a=b
set / set env pod/none A=1 / set image pod/web none=host / wait / wait --for=delete pod/web --timeout=0.1s / exec / exec none -- true
exec web -- / logs none / logs web -c none / logs / cp / cp none web:/ / port-forward / port-forward web x / top / top pods none
events --for=none / explain nonsense / explain pod.nonsense / api-resources x / completion tcsh / version x / up --nodes 0 / up x
down x / status x / labs x / doctor x / commands x / demo none / shell / shell none / get pods --lab none / status --lab none
exec web -- false / exec node-1 -- false
"""


@pytest.mark.parametrize("line", lines(FAILING))
def test_an_error_is_on_standard_error_alone(lab, line):
    code, out, err = lab.run(line)
    assert code not in {0, None}
    assert out == ""
    assert "Traceback" not in err
    assert err.strip() or line.endswith("false")


# Standard streams that are full or not there ----------------------------------------------------------------------------


@pytest.mark.parametrize("line", ["version", "get pods", "get pods -o yaml", "logs web", "--help", "get pods -w", "status"])
def test_a_full_disk_is_said_once(lab, line):
    with Path("/dev/full").open("w") as full, lab.started(line, stdout=full) as running:
        _, err = running.communicate(timeout=LATE_S)
    assert running.returncode == 1
    assert err == "error: system: No space left on device\n"


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize(("line", "code"), [("version", 0), ("get pods", 0), ("apply -f web.yaml", 0), ("get nonsense", 1)])
def test_a_stream_that_is_not_there_is_not_missed(lab, line, code, closed):
    assert lab.run_by_shell(line, closed) == code


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-"])
def test_logs_without_a_stream(lab, closed):
    assert lab.run_by_shell("logs web", closed) == 0


def test_a_watch_sees_that_its_reader_has_gone(lab):
    """Not before it has something to say: nobody else can tell."""
    with lab.started("get pods -w") as running:
        running.stdout.readline()
        running.stdout.close()
        begun = time.monotonic()
        while running.poll() is None:
            assert time.monotonic() < begun + LATE_S
            lab.program("label", "pod", "web", f"now={time.monotonic_ns()}", "--overwrite")
        assert running.stderr.read() == ""
