"""What cgroups count: from files as version 1 and 2 write them, and of a process that really works."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from netlab.kernel import cgroups, usage

vm = pytest.mark.skipif(not os.environ.get("NETLAB_TEST_VM"), reason="runs inside scripts/test")
pytestmark = pytest.mark.kernel

TICK_S = 0.02  # so late a cgroup may hear of what a running process has used
LAB, UID = f"u{os.getpid()}", "00000001-0000-4000-8000-000000000000"
BUSY = "import sys; sys.stdin.read(); block = bytearray(b'x') * (50 << 20); print(len(block), flush=True)\nwhile True: pass"


def write(directory: Path, files: dict[str, str]) -> Path:
    directory.mkdir()
    for name, text in files.items():
        (directory / name).write_text(text)
    return directory


V2 = {
    "cpu.stat": "usage_usec 1500000\nuser_usec 1000000\nsystem_usec 500000\n",
    "memory.current": "5000\n",
    "memory.stat": "anon 1000\ninactive_file 2000\nactive_file 500\n",
}
V1_CPU = {"cpuacct.usage": "1500000000\n", "cpuacct.stat": "user 100\nsystem 50\n"}
V1_MEMORY = {
    "memory.usage_in_bytes": "5000\n",
    "memory.stat": "cache 3000\ninactive_file 1\ntotal_cache 3000\ntotal_inactive_file 2000\n",
}


@pytest.mark.parametrize(
    ("hierarchies", "cpu_s", "memory_bytes"),
    [
        pytest.param([V2], 1.5, 3000, id="version 2"),
        pytest.param([V1_CPU, {"freezer.state": "THAWED\n"}, V1_MEMORY], 1.5, 3000, id="version 1, a tree for each controller"),
        pytest.param(
            [{"cpu.stat": "nr_periods 0\nnr_throttled 0\n"}, V1_CPU], 1.5, None, id="version 1: cpu.stat has no usage"
        ),
        pytest.param(
            [V1_CPU, V1_MEMORY, {"cpu.stat": "usage_usec 9\n"}], 1.5, 3000, id="hybrid: the tree with the controllers"
        ),
        pytest.param([{**V2, "memory.current": "1500\n"}], 1.5, 0, id="never less than nothing"),
        pytest.param([{"cpu.stat": V2["cpu.stat"]}], 1.5, None, id="a tree without the memory controller"),
        pytest.param([{}], None, None, id="nothing counted"),
        pytest.param([], None, None, id="no tree"),
    ],
)
def test_figures_of_a_cgroup(tmp_path, hierarchies, cpu_s, memory_bytes):
    directories = [write(tmp_path / str(n), files) for n, files in enumerate(hierarchies)]
    assert usage.read_cpu(directories) == cpu_s
    assert usage.read_memory(directories) == memory_bytes


def test_what_the_machine_has(tmp_path):
    (tmp_path / "meminfo").write_text("MemTotal:        4028440 kB\nMemFree:          100000 kB\n")
    assert usage.capacity(tmp_path / "meminfo") == (os.cpu_count(), 4028440 * 1024)
    assert usage.capacity().memory_bytes > 1 << 20


@pytest.fixture
def container():
    """A process in a cgroup as a container has it, in every tree; it works all the time and has 50 MiB."""
    for root in cgroups.hierarchies():
        with contextlib.suppress(OSError):  # a tree that cannot be divided further, as cpuset without its lists
            where = root / cgroups.ROOT
            where.mkdir(exist_ok=True)
            for name in (LAB, UID, "c"):
                if (controllers := where / "cgroup.controllers").exists():  # version 2 counts what is asked for, as crun does
                    wanted = {"cpu", "memory"} & {*controllers.read_text().split()}
                    (where / "cgroup.subtree_control").write_text(" ".join(f"+{one}" for one in wanted))
                where /= name
                where.mkdir()

    program = subprocess.Popen([sys.executable, "-c", BUSY], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    for directory in cgroups.directories(LAB, UID, "c"):
        with contextlib.suppress(OSError):
            (directory / "cgroup.procs").write_text(str(program.pid))
    program.stdin.close()  # now it may begin
    try:
        assert program.stdout.readline()
        yield program.pid
    finally:
        program.kill()
        program.wait()
        program.stdout.close()
        cgroups.remove(LAB)
        cgroups.remove_root_if_empty()
    assert cgroups.directories(LAB) == []


@vm
def test_a_container_that_works(container, monkeypatch):
    """It never waits, but the machine may have others to serve: what it used is what the kernel says of the process itself.

    The two looks at its cgroup are between the process's own clock read by us around everything, and around the wait alone.
    """
    here, gone = (UID, "c"), (UID, "gone")
    clock = ~container << 3 | 2  # MAKE_PROCESS_CPUCLOCK(pid, CPUCLOCK_SCHED), as clock_getcpuclockid(3) makes it
    waits, select = [], usage.select.select

    def now():
        return time.clock_gettime(clock), time.monotonic()

    def spent(begun):
        return [after - before for before, after in zip(begun, now(), strict=True)]

    def waited(*words):
        begun = now()
        select(*words)
        waits.append(spent(begun))

    monkeypatch.setattr(usage.select, "select", waited)
    begun = now()
    found = usage.measure(LAB, [here, gone], window_s=0.5)
    (most_cpu_s, most_s), [(least_cpu_s, least_s)] = spent(begun), waits
    assert set(found) == {here}, "what does not run is left out"
    assert (least_cpu_s - TICK_S) / most_s <= found[here].cores <= (most_cpu_s + TICK_S) / least_s
    assert 50 << 20 <= found[here].memory_bytes < 200 << 20


@vm
def test_nothing_to_measure_takes_no_time(monkeypatch):
    monkeypatch.setattr(usage.select, "select", pytest.fail)
    assert usage.measure("nosuch", [(UID, "c")]) == {}
