"""Processes that are not our children: recognised by pid AND start time, signalled and awaited by pidfd.

A pid is given to another process sooner or later; together with the start time and the boot it stands for one process for
ever. The identity is checked after the pidfd is open, so a signal never reaches a stranger.
A zombie is gone: some machines' process 1 needs seconds to collect it. Source: proc(5), pidfd_open(2).
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Final

from netlab.frozen import dataclass

BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")
ORPHAN_S: Final = 1.0  # a child whose crun failed is about to end; one whose crun was killed goes on
_PR_SET_CHILD_SUBREAPER: Final = 36
_STATE, _START = 0, 19  # fields of /proc/PID/stat, counted from behind the name

_libc = ctypes.CDLL(None)


@dataclass(frozen=True, slots=True)
class Process:
    """One process of this or an earlier boot. `start` is in clock ticks since the boot."""

    pid: int
    start: int
    boot: str

    def __str__(self) -> str:
        return f"{self.pid} {self.start} {self.boot}"


@cache
def boot_id() -> str:
    """Return the id of this boot of the machine."""
    return BOOT_ID.read_text().strip()


def parse(text: str) -> Process | None:
    """Return the process that str() wrote, None if the text is something else."""
    words = text.split()
    if len(words) != 3 or not (words[0].isdecimal() and words[1].isdecimal()):  # noqa: PLR2004 - the three fields
        return None
    return Process(int(words[0]), int(words[1]), words[2])


def find(pid: int) -> Process | None:
    """Return the process that has this pid now; None if there is none or it has ended."""
    start = _start(pid)
    return None if start is None else Process(pid, start, boot_id())


def is_alive(process: Process | None) -> bool:
    """Tell whether the process has not ended."""
    return process is not None and process.boot == boot_id() and _start(process.pid) == process.start


def send(process: Process | None, number: signal.Signals) -> None:
    """Send a signal; nothing happens if the process has ended."""
    handle = _open(process)
    if handle is not None:
        try:
            signal.pidfd_send_signal(handle, number)
        except ProcessLookupError:
            pass
        finally:
            os.close(handle)


def kill(processes: Iterable[Process | None], deadline_s: float) -> list[int]:
    """End processes by SIGKILL and wait until they are gone; return the pids that still live after `deadline_s`."""
    alive = list(processes)
    for process in alive:
        send(process, signal.SIGKILL)
    return wait(alive, deadline_s)


def wait(processes: Iterable[Process | None], deadline_s: float) -> list[int]:
    """Wait until processes have ended; return the pids that still live after `deadline_s`."""
    deadline = time.monotonic() + deadline_s
    left = []
    for process in processes:
        handle = _open(process)
        if handle is None:
            continue
        try:
            if process and not wait_readable(handle, deadline - time.monotonic()):
                left.append(process.pid)
        finally:
            os.close(handle)
    return left


def wait_readable(handle: int, timeout_s: float) -> bool:
    """Wait for a file descriptor (a pidfd: for the end of the process); False if the time is over first."""
    poll = select.poll()
    poll.register(handle, select.POLLIN)
    return bool(poll.poll(max(0.0, timeout_s) * 1000))


def scan(belongs: Callable[[str, list[str], int], bool], names: frozenset[str]) -> Iterator[Process]:
    """Yield the living processes of one of these programs for which `belongs(program, arguments, pid)` holds."""
    for entry in os.listdir("/proc"):  # noqa: PTH208 - names, not paths
        if not entry.isdecimal():
            continue
        try:
            name = program_of(os.readlink(f"/proc/{entry}/exe"))  # noqa: PTH115 - all processes of the machine
            if name not in names:
                continue
            process = find(int(entry))
            if process and belongs(name, _read(f"/proc/{entry}/cmdline").split("\0"), int(entry)):
                yield process
        except OSError:
            continue


def program_of(link: str) -> str:
    """Return the name of the program that a link /proc/PID/exe speaks of. Its `comm` is a number if a descriptor was run.

    It may be one in memory (memfd_create(2)), or replaced since; of a crun that protected itself (sealed.py) `/` is left.
    """
    return os.path.basename(link).removeprefix("memfd:").removesuffix(" (deleted)") or "crun"  # noqa: PTH119


def environment(pid: int) -> list[str]:
    """Return the `NAME=value` lines a process was started with. Raises OSError."""
    return _read(f"/proc/{pid}/environ").split("\0")


@contextlib.contextmanager
def adopting_orphans() -> Iterator[None]:
    """Collect the processes of Pods that a `crun exec` leaves behind when the command cannot be run.

    crun does not wait for the child that failed. As a zombie of process 1 it would hold its Pod's PID namespace, and the Pod's
    end, until that process finds time. Other children are left alone: ours alone have one pid, those of Pods have two.
    """
    _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    try:
        yield
    finally:
        for pid in _children():
            with contextlib.suppress(OSError):
                if _is_of_pod(pid):
                    wait([find(pid)], ORPHAN_S)
                    os.waitpid(pid, os.WNOHANG)
        _libc.prctl(_PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


def _children() -> list[int]:
    found = []
    for task in os.listdir("/proc/self/task"):  # noqa: PTH208 - names, not paths
        with contextlib.suppress(OSError):
            found += [int(pid) for pid in _read(f"/proc/self/task/{task}/children").split()]
    return found


def _is_of_pod(pid: int) -> bool:
    status = dict(line.split(":", 1) for line in _read(f"/proc/{pid}/status").splitlines())
    return len(status["NSpid"].split()) > 1


def _open(process: Process | None) -> int | None:
    if process is None or not is_alive(process):
        return None
    try:
        handle = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return None
    if is_alive(process):
        return handle
    os.close(handle)
    return None


def _start(pid: int) -> int | None:
    try:
        fields = _read(f"/proc/{pid}/stat").rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[_STATE] in "ZX" else int(fields[_START])


def _read(path: str) -> str:
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        chunks = []
        while chunk := os.read(handle, 65536):
            chunks.append(chunk)
    finally:
        os.close(handle)
    return b"".join(chunks).decode(errors="surrogateescape")
