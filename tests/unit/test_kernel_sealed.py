"""A program run from a copy in memory: what is executed, that nobody can write to it, that an upgrade is noticed."""

import os
import shutil
import subprocess

import pytest

from netlab.kernel import processes, sealed


@pytest.fixture
def tool(tmp_path):
    """A program of its own that ends with 0; `replace` puts another one in its place."""
    path = tmp_path / "tool"
    shutil.copy("/bin/true", path)
    return path


def code(path):
    return subprocess.run(["tool"], executable=sealed.program("tool", str(path.parent)), check=False).returncode


def test_a_copy_is_run_and_made_once(tool):
    assert code(tool) == 0
    first = sealed.program("tool", str(tool.parent))
    assert first == sealed.program("tool", str(tool.parent)) != str(tool)
    assert os.stat(first).st_ino != tool.stat().st_ino


def test_nobody_can_write_to_it(tool):
    copy = sealed.program("tool", str(tool.parent))
    with pytest.raises(PermissionError), open(copy, "r+b") as file:
        file.write(b"#!")
    with pytest.raises(PermissionError):
        os.truncate(copy, 1)


def test_a_program_that_was_replaced_is_copied_anew(tool, tmp_path):
    assert code(tool) == 0
    shutil.copy("/bin/false", tmp_path / "new")
    os.replace(tmp_path / "new", tool)
    assert code(tool) == 1


def test_where_nothing_may_be_run_from_memory_it_is_the_program_itself(tool, monkeypatch):
    def refused(*_):
        raise PermissionError

    monkeypatch.setattr(os, "memfd_create", refused)
    assert sealed.program("tool", str(tool.parent)) == str(tool)


def test_the_first_program_of_that_name_is_taken(tool, tmp_path):
    for name, is_there in (("none", False), ("a-directory", True), ("not-to-be-run", False)):
        (tmp_path / name / "tool" if is_there else tmp_path / name).mkdir(parents=True)
    (tmp_path / "not-to-be-run/tool").write_text("#!/bin/false\n")
    path = ":".join(str(tmp_path / name) for name in ("none", "a-directory", "not-to-be-run", "."))
    assert subprocess.run(["tool"], executable=sealed.program("tool", path), check=False).returncode == 0


def test_a_program_that_is_missing(tmp_path):
    with pytest.raises(FileNotFoundError, match="tool"):
        sealed.program("tool", str(tmp_path))


@pytest.mark.parametrize(
    ("link", "name"),
    [
        ("/usr/bin/conmon", "conmon"),
        ("/usr/bin/conmon (deleted)", "conmon"),
        ("/memfd:crun (deleted)", "crun"),
        ("/", "crun"),
        ("/pause", "pause"),
    ],
)
def test_the_program_of_a_process(link, name):
    assert processes.program_of(link) == name
