"""Every line that a help page shows can be typed as it stands, in a lab of two Nodes with the guestbook."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import click
import pytest

import netlab
from netlab.cli.main import ALL_VERBS, group
from tests.images import SHELL, archive, start_registry, write_image

GUESTBOOK = Path(netlab.__file__).parent / "demos/guestbook/guestbook.yaml"
TIMEOUT_S = 180
ASSIGNMENT = re.compile(r"[a-z]+=")  # a variable that the lines below it use
# Lines that end with another exit code than 0, and why.
CODES = {"netlab diff": 1}  # there is a difference, as with diff(1)
# Words by which one sees that a line goes on until Ctrl-C.
ENDLESS = ("port-forward", " -w", " --watch", " -f deploy", " -f svc", " -f pod", " --follow")
# What an example of these verbs does is not done to the lab that the other verbs share.
OWN_LAB = (
    "up",
    "down",
    "node",
    "demo",
    "delete",
    "apply",
    "run",
    "expose",
    "scale",
    "rollout",
    "label",
    "annotate",
    "set",
    "cp",
    "doctor",
    "image",
    "create",
    "taint",
    "cordon",
    "uncordon",
    "drain",
)
KEY_PAIR = ("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=web",
            "-keyout", "web.key", "-out", "web.crt")  # fmt: skip


def commands(name: str, command: click.Command) -> list[tuple[str, click.Command]]:
    """The command, or the commands of a group, each with the words that call it."""
    if isinstance(command, click.Group):
        inside = [(f"{name} {word}", command.get_command(click.Context(command), word)) for word in command.list_commands(None)]
        return [pair for word, one in inside if one for pair in commands(word, one)]
    return [(name, command)]


def all_commands() -> list[tuple[str, click.Command]]:
    context = click.Context(group)
    return [pair for verb in ALL_VERBS for pair in commands(verb, group.get_command(context, verb))]


def lines_of(command: click.Command) -> list[str]:
    """The lines of a help page that can be typed."""
    return [line.strip() for line in (command.epilog or "").splitlines() if "netlab " in line]


@pytest.fixture(scope="module")
def shared(module_program):
    return with_guestbook(module_program)


def with_guestbook(lab):
    lab("up", "--nodes", "2")
    lab("apply", "-f", str(GUESTBOOK))
    lab("wait", "--for=condition=Available", "deployment", "--all")
    return lab


@pytest.fixture
def typed(tmp_path):
    """`typed(line, lab)` runs a line of a help page in a folder with the files that such lines name: exit code and both outputs."""
    shutil.copy(GUESTBOOK, tmp_path)
    (tmp_path / "icons").mkdir()
    (tmp_path / "icons/star.svg").write_text("<svg/>")
    (tmp_path / ".docker").mkdir()
    (tmp_path / ".docker/config.json").write_text('{"auths": {}}')
    subprocess.run(KEY_PAIR, cwd=tmp_path, check=True, capture_output=True)
    write_image(tmp_path / "web", [SHELL], "web:1")
    archive(tmp_path / "web", tmp_path / "web.tar")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"

    def run(line: str, lab) -> subprocess.CompletedProcess[str]:
        env = {**os.environ, "PATH": path, "NETLAB_LAB": lab.lab, "HOME": str(tmp_path)}
        words = ["bash", "-o", "pipefail", "-c", line]
        with subprocess.Popen(
            words, cwd=tmp_path, env=env, text=True, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        ) as process:  # fmt: skip
            first = ""
            try:
                if any(word in line for word in ENDLESS):
                    first = process.stdout.readline()
                    os.killpg(process.pid, signal.SIGINT)
                out, err = process.communicate(timeout=TIMEOUT_S)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                raise
            return subprocess.CompletedProcess(words, 0 if first else process.returncode, first + out, err)

    return run


@pytest.fixture(scope="module", autouse=True)
def registry(tmp_path_factory):
    """The registry that examples name."""
    folder = tmp_path_factory.mktemp("registry")
    found = start_registry(folder, 5000)
    write_image(folder / "web", [SHELL])
    found.push(folder / "web", "team/web:1")
    yield
    found.process.kill()
    found.process.wait()


@pytest.mark.parametrize(("verb", "command"), [pytest.param(*pair, id=pair[0]) for pair in all_commands()])
def test_the_examples_of_a_help_page_work(verb, command, shared, program, typed):
    own = verb.split()[0] in OWN_LAB
    lines = lines_of(command)
    assert lines, f"netlab {verb} --help has no example"
    lab = with_guestbook(program) if own else shared
    variables = ""
    for line in lines:
        if ASSIGNMENT.match(line):
            variables += f"{line}\n"
            continue
        done = typed(variables + line, lab)
        wanted = next((code for words, code in CODES.items() if line.startswith(words)), 0)
        assert done.returncode == wanted, f"{line}: exit code {done.returncode}\n{done.stdout}{done.stderr}"
        assert "Traceback" not in done.stderr


def test_every_verb_says_in_its_help_what_it_does():
    for verb, command in all_commands():
        text = command.get_help(click.Context(command, info_name=f"netlab {verb}"))
        assert "Usage:" in text
        assert (command.help or "").strip(), verb
