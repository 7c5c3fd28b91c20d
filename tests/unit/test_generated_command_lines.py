"""Whatever is typed: a result, or a refusal that says what to do; never a traceback, and after a refusal nothing has changed.

Lines are tried twice: where there is no lab, and in a lab whose network and containers are in memory. Nothing reaches Linux:
what a verb would do to this machine is kept from its lines (`ENDS`, `ON_LINUX`), or replaced (`nowhere`).
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import sqlite3
import time

import pytest
from hypothesis import given, settings

from netlab.cli import doctor as doctor_module
from netlab.cli import main as main_module
from netlab.cli import options as options_module
from netlab.engine import images as images_module
from netlab.engine import session as session_module
from netlab.engine import up as up_module
from netlab.errors import NetlabError
from netlab.kernel import skopeo
from netlab.kernel.fake import FakeNetwork
from netlab.kernel.fake_runtime import FakeRuntime
from netlab.store import paths as store_paths
from netlab.store.paths import LabPaths
from tests.generated import command_lines, verbs

LAB = "typed"
# Words at the very end of a line that keep a verb from doing what it would do to this machine.
ENDS = {
    "up": ["--dry-run"],  # would make namespaces
    "down": ["--dry-run"],  # looks, and removes nothing
    "demo": ["no-such-demo"],  # would run `netlab up`
    "wait": ["--timeout=0s"],  # would wait
}
FOREVER = ("-w", "--watch", "--watch-only", "-i", "--stdin", "-t", "--tty")
# Verbs that go to namespaces and processes, which a lab in memory does not have: they are tried without a lab only.
ON_LINUX = {
    "up",
    "down",
    "status",
    "labs",
    "doctor",
    "demo",
    "shell",
    "exec",
    "logs",
    "cp",
    "port-forward",
    "top",
    "image",
    "capture",
    "conntrack",
    "rules",
    "graph",
    "dns",
    "trace",
}
CODES = {0, 1, 2}
FIRST = re.compile(r"^(error|Error from server \(\w+\)): (?=.)", re.MULTILINE)
# What a message must have: a command, the help to read, an example, what is expected, or a hint at the end of a line.
CURE = re.compile(
    r"`netlab [^`]+`|See 'netlab[^']* -(h|-help)' for |[Dd]id you mean|Example resource|only support|for example|e\.g\. |; \w|\(.+\)$|"
    r"\b([Mm]ust|[Uu]se|expected|required|needs|consist of|accepts only|allowed formats|holds no|write|not set|is true or false)\b",
    re.MULTILINE,
)
# Messages that need none: kubectl's own words, which tests/kubectl compares, and those that name what is not there.
COMPLETE = re.compile(
    r"not found$|already exists$|the path \".*\" does not exist$|unknown command \".*\" for \"netlab\"$|is not a file name$|"
    r"timed out waiting for the condition on|[Nn]o such file or directory$|File name too long$|can not be empty$|"
    r"only one of .* can be provided$|invalid reference format$|can't parse filter expression: ",  # the last one is tcpdump's
    re.DOTALL | re.MULTILINE,
)
MANIFEST = """
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec: {containers: [{name: main, image: host, command: [sleep, infinity], ports: [{containerPort: 80}]}]}
---
apiVersion: v1
kind: Service
metadata: {name: web, labels: {app: web}}
spec: {selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: many}
spec:
  replicas: 2
  selector: {matchLabels: {app: many}}
  template:
    metadata: {labels: {app: many}}
    spec: {containers: [{name: main, image: host, command: [sleep, infinity]}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {key: value}
"""
KNOWN = verbs()
IN_MEMORY = verbs([name for name in main_module.ALL_VERBS if name not in ON_LINUX], without_options=FOREVER)


class Typed:
    """What became of a line: what it printed, and its exit code. An exception that nobody catches is the test's failure."""

    def __init__(self, line):
        # As Python opens the two: what UTF-8 cannot say is an error on one, and `\udcff` on the other.
        out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", errors) for errors in ("strict", "backslashreplace"))
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), pytest.MonkeyPatch.context() as patch:
            patch.setattr("sys.stdin", io.StringIO(""))
            self.code = main_module.run(line)
        self.out, self.err = (self._text(stream) for stream in (out, err))

    @staticmethod
    def _text(stream):
        stream.flush()
        return stream.buffer.getvalue().decode()


@pytest.fixture(scope="module")
def nowhere(tmp_path_factory):
    """A machine without a lab, seen by root, in whose current folder are the files that lines name."""
    folder = tmp_path_factory.mktemp("typed")
    (folder / "web.yaml").write_text(MANIFEST)
    (folder / "copied").write_text("copied\n")
    network, runtime = FakeNetwork(), FakeRuntime(time.time)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("NETLAB_LAB", LAB)
        patch.setattr(os, "geteuid", lambda: 0)
        patch.setattr(store_paths, "STATE_ROOT", folder / "run")
        for module in (store_paths, doctor_module):
            patch.setattr(module, "DATA_ROOT", folder / "data")
        patch.setattr(doctor_module, "examine", lambda _: iter(()))  # it tries things on the machine
        for module in (session_module, up_module):
            patch.setattr(module, "LinuxNetwork", lambda **_: network)
        for module in (options_module, up_module):
            patch.setattr(module, "ensure_agent", lambda _: None)
        patch.setattr(session_module, "new_runtime", lambda _: runtime)
        patch.setattr(images_module, "start_detached", lambda *_: _no_program())
        patch.setattr(skopeo, "program", _no_program)
        yield folder


def _no_program():
    raise NetlabError("skopeo is missing; another machine must be used")


class InMemory:
    """A lab with a few objects, on Fakes. `wishes` is all that was asked for; `restore` brings back what there was at first."""

    def __init__(self):
        paths = LabPaths(LAB)
        paths.state.mkdir(parents=True)
        paths.exits.mkdir()
        with session_module.session(paths, create=True) as opened:
            up_module.up(opened)
        done = Typed(["apply", "-f", "web.yaml"])
        assert done.code == 0, done.err
        self._store = paths.store
        self._first = paths.store.read_bytes()

    def wishes(self):
        with contextlib.closing(sqlite3.connect(self._store)) as store:
            return store.execute("SELECT kind, namespace, name, uid, body FROM objects").fetchall()

    def restore(self):
        self._store.write_bytes(self._first)


@pytest.fixture(scope="module")
def in_memory(nowhere):
    return InMemory()


def must_be_an_answer(line, done):
    """Whatever was typed, there is a result, or a refusal on standard error alone that says what to do."""
    assert done.code in CODES, done.err
    assert "Traceback" not in done.out + done.err
    if done.code == 0 or (line_verb(line) == "diff" and done.out):  # exit code 1 of diff: there is a difference
        return
    assert FIRST.search(done.err), done.err
    said = FIRST.sub("", done.err)
    assert CURE.search(said) or COMPLETE.search(said), done.err
    assert not done.out or in_part(done), done.out


def line_verb(line):
    return next((word for word in line if word in main_module.ALL_VERBS), "")


def in_part(done):
    """Tell whether all that was wrong is that some of the objects named do not exist: the others are dealt with, as in kubectl."""
    wrong = [text for text in done.err.splitlines() if FIRST.match(text)]
    return done.code == 1 and all(text.startswith("Error from server (NotFound)") for text in wrong)


@settings(max_examples=800)
@given(command_lines(KNOWN, ENDS))
def test_without_a_lab_every_line_has_an_answer(nowhere, line):
    must_be_an_answer(line, Typed(line))
    assert not (nowhere / "run" / LAB).exists()
    assert not (nowhere / "data" / LAB).exists()


@settings(max_examples=800)
@given(command_lines(IN_MEMORY, ENDS))
def test_in_a_lab_every_line_has_an_answer_and_a_refused_one_changes_nothing(in_memory, line):
    before = in_memory.wishes()
    done = Typed(line)
    must_be_an_answer(line, done)
    after = in_memory.wishes()
    if done.code and not done.out:
        assert after == before
    if after != before:
        in_memory.restore()


@pytest.mark.parametrize("output", ["jsonpath={.items[0}", "jsonpath={range .items[*]", "custom-columns=A:{.kind"])
@pytest.mark.parametrize(
    "line",
    [
        pytest.param(["label", "pod", "web", "a=b"], id="label"),
        pytest.param(["annotate", "pod", "web", "a=b"], id="annotate"),
        pytest.param(["scale", "deploy/many", "--replicas=1"], id="scale"),
        pytest.param(["set", "env", "deploy/many", "A=1"], id="set env"),
        pytest.param(["run", "one", "--", "true"], id="run"),
        pytest.param(["expose", "pod", "web", "--name=other"], id="expose"),
        pytest.param(["apply", "-fweb.yaml", "-nkube-system"], id="apply"),
    ],
)
def test_a_template_that_cannot_be_read_is_refused_before_anything_changes(in_memory, line, output):
    before = in_memory.wishes()
    done = Typed([*line[:2], "-o", output, *line[2:]])
    after = in_memory.wishes()
    in_memory.restore()
    assert done.code == 1
    assert after == before


@pytest.mark.parametrize(
    "word", [pytest.param("x" * 70_000, id="a long word"), pytest.param("a\x07\rb", id="one that moves a cursor")]
)
@pytest.mark.parametrize(
    "line",
    [
        pytest.param([], id="a verb"),
        pytest.param(["version"], id="a word too many"),
        pytest.param(["get"], id="a kind"),
        pytest.param(["get", "pod"], id="the name of an object"),
        pytest.param(["get", "pods", "-o"], id="a form"),
    ],
)
def test_a_message_is_short_and_leaves_the_terminal_alone(in_memory, line, word):
    done = Typed([*line, word])
    assert done.code == 1
    assert all(text.replace("\t", " ").isprintable() and len(text) <= 700 for text in done.err.splitlines())


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(["annotate", "pod", "web", "note=\udcff"], id="an annotation"),
        pytest.param(["set", "env", "deploy/many", "A=\udcff"], id="a variable"),
        pytest.param(["run", "one", "--env=A=\udcff", "--", "true"], id="a variable of a new Pod"),
        pytest.param(["run", "one", "--", "\udcff"], id="a program"),
    ],
)
def test_bytes_that_are_no_text_come_into_no_object(in_memory, line):
    """What is not UTF-8 on a command line stands in Python's words as surrogates."""
    before = in_memory.wishes()
    done = Typed(line)
    after = in_memory.wishes()
    in_memory.restore()
    assert done.code == 1
    assert "UTF-8" in done.err
    assert after == before
