"""Moves that are to come: what is asked of the kernel before, in which hierarchy, how often."""

import os
import threading

import pytest

from netlab.kernel import cgroups

V1 = "12:pids:/a/b\n3:cpu,cpuacct:/a\n1:name=systemd:/\n0::/user.slice\n"
V2 = "0::/user.slice\n"


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A function that makes a machine with these cgroups of ours; it returns what is read where moves are asked for."""
    opened = []

    def make(membership, *directories):
        (tmp_path / "membership").write_text(membership)
        monkeypatch.setattr(cgroups, "MEMBERSHIP", tmp_path / "membership")
        monkeypatch.setattr(cgroups, "CGROUPS", tmp_path)
        for directory in directories:
            (tmp_path / directory).mkdir(parents=True)
            os.mkfifo(tmp_path / directory / "cgroup.procs")
            opened.append(os.open(tmp_path / directory / "cgroup.procs", os.O_RDWR))
        return opened

    yield make
    for handle in opened:
        os.close(handle)


def wait_for_threads():
    for thread in threading.enumerate():
        if thread.name == "cgroups":
            thread.join()


def written(handle):
    os.set_blocking(handle, False)
    try:
        return os.read(handle, 100)
    except BlockingIOError:
        return b""


@pytest.mark.parametrize(
    ("membership", "directories", "asked"),
    [
        pytest.param(V1, ("pids/a/b", "cpu,cpuacct/a", "user.slice"), [b"0", b"", b""], id="the first of v1"),
        pytest.param(V1, ("cpu,cpuacct/a",), [b"0"], id="the first that is mounted"),
        pytest.param(V1, (), [], id="none is mounted"),
        pytest.param(V2, ("user.slice",), [b""], id="v2 alone"),
        pytest.param("", (), [], id="no cgroups"),
    ],
)
def test_a_move_to_where_we_are_is_asked_for(machine, membership, directories, asked):
    procs = machine(membership, *directories)
    cgroups.expect_moves()
    wait_for_threads()
    assert [written(handle) for handle in procs] == asked


def test_it_is_asked_for_again_until_the_block_ends(machine):
    [procs] = machine(V1, "pids/a/b")
    with cgroups.expecting_moves():
        assert [os.read(procs, 1) for _ in range(3)] == [b"0"] * 3
    wait_for_threads()
