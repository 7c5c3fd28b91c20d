"""Namespaces by name: made and unmade as `ip netns` would, healed after a crash, entered by threads only."""

import os
import subprocess
import threading
from pathlib import Path

import pytest

from netlab.errors import KernelError
from netlab.kernel import netns

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.skipif(not os.environ.get("NETLAB_TEST_VM"), reason="runs inside scripts/test"),
]


def inode(path="/proc/thread-self/ns/net"):
    return Path(path).stat().st_ino


@pytest.fixture
def name():
    netns.prepare_directory()
    before = set(Path("/proc/self/fd").iterdir())
    home = inode()
    yield "t1.made"
    netns.delete("t1.made")
    assert "t1.made" not in netns.names_in_use()
    assert inode() == home, "the main thread has moved"
    left = {entry for entry in Path("/proc/self/fd").iterdir() if entry.exists()} - before
    assert not left  # not ==: what another test forgot may be collected meanwhile


def create(name, prepare=lambda: None):
    netns.run_in_thread(lambda: netns.create(name, prepare))


def test_a_new_namespace_is_one_of_ip_netns(name):
    create(name)
    listed = subprocess.run(["ip", "-j", "netns"], check=True, capture_output=True, text=True).stdout
    assert f'"{name}"' in listed
    assert Path(f"/run/netns/{name}").stat().st_ino != inode()


def test_prepare_runs_inside_before_the_name_is_there(name):
    seen = []
    create(name, lambda: seen.append((netns.open_netns(name), inode())))
    assert seen == [(None, inode(f"/run/netns/{name}"))]


def test_a_failed_preparation_leaves_no_namespace_and_the_next_try_works(name):
    with pytest.raises(ZeroDivisionError):
        create(name, lambda: 1 // 0)
    assert netns.open_netns(name) is None
    create(name)
    assert netns.in_namespace(name, inode) == inode(f"/run/netns/{name}")


def test_an_empty_file_of_a_crash_is_used_again(name):
    Path(f"/run/netns/{name}").touch(mode=0)
    assert netns.open_netns(name) is None
    create(name)
    assert netns.in_namespace(name, inode) != inode()


def test_a_file_with_content_is_somebody_elses(name):
    path = Path(f"/run/netns/{name}")
    path.write_text("mine")
    with pytest.raises(FileExistsError):
        create(name)
    with pytest.raises(FileExistsError):
        netns.delete(name)
    assert path.read_text() == "mine"
    path.unlink()


def test_a_taken_name_stays_the_namespace_it_was(name):
    create(name)
    first = inode(f"/run/netns/{name}")
    with pytest.raises(FileExistsError):
        create(name)
    assert inode(f"/run/netns/{name}") == first


def test_deleting_twice_is_fine_and_takes_only_the_name(name):
    create(name)
    process = subprocess.Popen(["ip", "netns", "exec", name, "cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        process.stdin.write(b"x")
        process.stdin.flush()
        assert process.stdout.read(1) == b"x"  # it runs, so it is inside
        netns.delete(name)
        netns.delete(name)
        assert process.poll() is None
    finally:
        process.communicate()
    assert not Path(f"/run/netns/{name}").exists()


def test_ip_netns_deletes_ours_and_we_delete_its(name):
    create(name)
    subprocess.run(["ip", "netns", "del", name], check=True)
    assert netns.open_netns(name) is None
    subprocess.run(["ip", "netns", "add", name], check=True)
    netns.delete(name)
    assert not Path(f"/run/netns/{name}").exists()


def test_the_directory_is_a_shared_mount_once(name):
    netns.prepare_directory()
    lines = [line for line in Path("/proc/self/mountinfo").read_text().splitlines() if line.split()[4] == "/run/netns"]
    assert len(lines) == 1
    assert " shared:" in lines[0]


def test_the_main_thread_never_leaves():
    with pytest.raises(RuntimeError, match="main thread"):
        netns.enter(0)
    with pytest.raises(RuntimeError, match="main thread"):
        netns.create("t1.never", lambda: None)


@pytest.mark.parametrize("bad", ["", ".", "..", "a/b", "../x", "a\0b", "x" * 256])
def test_names_that_lead_out_of_the_directory_are_refused(bad):
    for function in (netns.delete, netns.open_netns):
        with pytest.raises(KernelError, match="is not a name"):
            function(bad)


def test_a_missing_namespace_is_named():
    with pytest.raises(KernelError, match=r"t1\.none: no such network namespace"):
        netns.in_namespace("t1.none", inode)


def test_threads_end_and_the_first_exception_comes_back():
    def fail():
        raise ValueError("first")

    with pytest.raises(ValueError, match="first"):
        netns.run_in_threads([fail, inode])
    assert [thread for thread in threading.enumerate() if thread.name == "netns"] == []
    assert netns.run_in_threads([lambda: 1, lambda: 2]) == [1, 2]
