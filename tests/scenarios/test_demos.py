"""Every demo tells its story to the end, from any directory; what it claims of packets is held against what was captured.

All stories are told in one lab, one after the other: none is in the way of another. Those that want a lab of their own get one.
"""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from netlab.cli.stories import Step, names, read
from netlab.cli.telling_stories import Stage, check, tell
from netlab.errors import NetlabError
from netlab.packets.claims import Claim
from netlab.packets.pcapng_reader import read_capture

SHARED = [name for name in names() if not read(name).lab]
OWN = [name for name in names() if read(name).lab]
ABOUT_PACKETS = frozenset(name for name in names() if any(step.expect for step in read(name).steps))
# Stories that change more than their manifests say: who tells them again has to be told the same.
AGAIN = [name for name in SHARED if name in {"load-balancing", "variables"}]


def told(lab, tmp_path, *words, **more):
    line = [sys.executable, "-P", "-m", "netlab", "demo", *words, "--lab", lab.lab]
    return subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, timeout=600, check=False, **more)


def tell_well(lab, tmp_path, name, *words):
    done = told(lab, tmp_path, name, *words)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "each did what it should" in done.stdout
    assert "✗" not in done.stdout
    return done.stdout


@pytest.mark.parametrize("name", SHARED)
def test_a_demo_tells_its_story_in_a_lab_with_others(module_program, tmp_path, name):
    shown = tell_well(module_program, tmp_path, name, "--save", "kept")
    assert "\nNext:\n" in shown
    story = (tmp_path / "kept/story.txt").read_text()
    assert story in shown
    files = sorted((tmp_path / "kept").glob("*.pcapng"))
    assert bool(files) == (name in ABOUT_PACKETS)
    assert all(read_capture(file.read_bytes()).places for file in files)
    pages = {file.stem for file in (tmp_path / "kept").glob("*.html")}
    assert pages == {file.stem for file in files if file.stem.endswith("-trace")}


@pytest.mark.parametrize("name", AGAIN)
def test_a_demo_tells_its_story_again(module_program, tmp_path, name):
    tell_well(module_program, tmp_path, name)


@pytest.mark.parametrize("name", ["cluster-ip", "hairpin", "load-balancing"])
def test_a_demo_tells_its_story_of_iptables_rules(module_program, tmp_path, name):
    module_program("up")
    module_program("proxy", "mode", "iptables")
    try:
        assert "KUBE-SVC-" in tell_well(module_program, tmp_path, name)
    finally:
        module_program("proxy", "mode", "nftables")


@pytest.mark.parametrize("name", ["guestbook", *OWN])
def test_a_demo_removes_its_lab_if_that_is_wished_and_it_made_it(program, tmp_path, name):
    tell_well(program, tmp_path, name)
    tell_well(program, tmp_path, name, "--rm")
    assert program.run("get", "nodes").code == 0, "--rm takes away only a lab that the demo made"
    program("down")
    assert "0 objects left" in tell_well(program, tmp_path, name, "--rm")
    assert program.run("get", "nodes").code == 1


WRONG = [
    pytest.param(
        {"at": "far/eth0", "packet": "icmp * (far) > * (near) echo request*"}, "no such packet", id="the wrong way round"
    ),
    pytest.param({"at": "node-2/eth0", "packet": "icmp * (near) > *", "times": 0}, "1 such packets", id="it was seen there"),
    pytest.param({"at": "node-3/eth0", "times": 0}, "nobody looked at node-3/eth0", id="nobody looked there"),
]


@pytest.fixture(scope="module")
def traced(module_program, tmp_path_factory):
    """A stage on which a ping to another Node was traced."""
    stage = Stage(name="across-nodes", lab=module_program.lab, files=tmp_path_factory.mktemp("traced"))
    for number, step in enumerate(read("across-nodes").steps[:3]):
        tell(stage, number, step)
    tell(stage, 3, Step(run="netlab trace near far"))
    return stage


@pytest.mark.parametrize(("claim", "trouble"), WRONG)
def test_a_claim_that_is_wrong_ends_the_story(traced, claim, trouble):
    step = Step(run="netlab trace near far", expect=(Claim(say="So it is.", **claim),))
    with pytest.raises(NetlabError, match=f"So it is.: {trouble}"):
        check(traced, step, [traced.files / "03-trace.pcapng"])


def test_a_pause_before_each_step(module_program, tmp_path):
    done = told(module_program, tmp_path, "pod-to-pod", "--pause", input="\n" * len(read("pod-to-pod").steps))
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("[Enter]") == len(read("pod-to-pod").steps)


def test_a_step_that_does_not_do_what_is_said_ends_the_story(program, tmp_path):
    program("up", "--nodes", "1")
    program.apply(
        "apiVersion: v1\nkind: Service\nmetadata: {name: taken}\nspec: {type: NodePort, ports: [{port: 1, nodePort: 30080}]}\n"
    )
    done = told(program, tmp_path, "guestbook", "--save", "kept")
    assert done.returncode == 1
    assert "netlab apply -f" in done.stderr
    assert "30080" in done.stderr
    assert "Traceback" not in done.stderr
    assert "$ netlab apply" in (tmp_path / "kept/story.txt").read_text(), "what was told until then is kept"


def test_a_directory_that_cannot_be_made(program, tmp_path):
    (tmp_path / "kept").write_text("a file")
    done = told(program, tmp_path, "guestbook", "--save", "kept")
    assert (done.returncode, done.stderr) == (1, "error: kept: file exists\n")


def test_demos_are_listed(program, tmp_path):
    done = told(program, tmp_path)
    assert [line.split()[0] for line in done.stdout.splitlines()] == names()


def test_a_story_that_does_not_exist(program, tmp_path):
    done = told(program, tmp_path, f"..{os.sep}guestbook")
    assert done.returncode == 1
    assert "`netlab demo` lists them" in done.stderr
