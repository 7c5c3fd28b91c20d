"""Every demo tells its story to the end, from any directory, in a lab of its own or in one that is up."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from netlab.cli.demo import names


def told(lab, tmp_path, *words):
    line = [sys.executable, "-P", "-m", "netlab", "demo", *words, "--lab", lab.lab]
    return subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, timeout=100, check=False)


@pytest.mark.parametrize("name", names())
def test_a_demo_tells_its_story_twice_and_removes_its_lab_if_that_is_wished(program, tmp_path, name):
    done = told(program, tmp_path, name)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "each did what it should" in done.stdout
    assert "\nNext:\n" in done.stdout
    again = told(program, tmp_path, name, "--rm")
    assert again.returncode == 0, again.stdout + again.stderr
    assert program.run("get", "nodes").code == 0, "--rm takes away only a lab that the demo made"
    program("down")
    alone = told(program, tmp_path, name, "--rm")
    assert "0 objects left" in alone.stdout
    assert program.run("get", "nodes").code == 1


def test_a_step_that_does_not_do_what_is_said_ends_the_story(program, tmp_path):
    program("up", "--nodes", "1")
    program.apply(
        "apiVersion: v1\nkind: Service\nmetadata: {name: taken}\nspec: {type: NodePort, ports: [{port: 1, nodePort: 30080}]}\n"
    )
    done = told(program, tmp_path, "guestbook")
    assert done.returncode == 1
    assert "netlab apply -f" in done.stderr
    assert "30080" in done.stderr
    assert "Traceback" not in done.stderr


def test_demos_are_listed(program, tmp_path):
    done = told(program, tmp_path)
    assert [line.split()[0] for line in done.stdout.splitlines()] == names()


def test_a_story_that_does_not_exist(program, tmp_path):
    done = told(program, tmp_path, f"..{os.sep}guestbook")
    assert done.returncode == 1
    assert "`netlab demo` lists them" in done.stderr
