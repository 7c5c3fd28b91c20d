"""A command whose output is wanted: started, fed, read while it runs; killed with all its processes if that takes too long.

The caller says how a command is run (`Call`): it blocks in a thread of its own and gets pipes. They are read all the time, so
no amount of output stops the command; and only until the command itself has ended, so what it left in the background holds
nobody up. Its processes are those that descend from the thread's child, and those of their sessions: nothing is found by name.
Source: pipe(7), eventfd(2), setsid(2), proc(5): /proc/PID/stat, /proc/PID/task/TID/children.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from netlab.errors import KernelError, NetlabError
from netlab.frozen import dataclass
from netlab.kernel import mounts, processes
from netlab.kernel.crun import Stdio

Call = Callable[[Stdio], int]
"""Runs a command with these three streams and returns its exit code when it has ended."""

PIPE_BYTES: Final = 1 << 20  # more than a pipe holds: one read empties it
KILL_S: Final = 5.0
LONGEST_SHOWN: Final = 2000
KILL_AGAIN_S: Final = 0.05


@dataclass(frozen=True, slots=True)
class Completed:
    """A command that has ended: its words, its exit code (128+n after signal n), what it printed as text."""

    args: tuple[str, ...]
    code: int
    stdout: str
    stderr: str


class CommandFailed(NetlabError):
    """A command ended with another exit code than 0. `completed` holds all it printed; the message shows the end of that."""

    def __init__(self, where: str, completed: Completed) -> None:
        self.completed = completed
        super().__init__(f"{where}: {' '.join(completed.args)}: exit code {completed.code}{_shown(completed)}")


class TimedOut(NetlabError, TimeoutError):
    """Something did not happen in time; the message says what was seen last."""


def captured(
    call: Call, args: Sequence[str], *, where: str, given: str | None = None, check: bool = True, timeout_s: float | None = None
) -> Completed:
    """Run a command to its end and return what it printed.

    Args:
        call: runs the command.
        args: the command's words, for messages.
        where: the Pod or Node it runs in, for messages.
        given: its standard input; None: there is none.
        check: an exit code other than 0 is an error.
        timeout_s: after so many seconds all its processes are killed; None: it takes as long as it takes.

    Raises:
        CommandFailed: its exit code is not 0, and `check` is set.
        TimedOut: it was still running after `timeout_s`.
        KernelError: its processes do not end.
    """
    run = _Run(call, given)
    try:
        in_time = run.follow(timeout_s)
    finally:
        run.end()
    if run.error is not None:
        raise run.error
    out, err = (bytes(text).decode(errors="replace") for text in (run.stdout, run.stderr))
    completed = Completed(tuple(args), run.code, out, err)
    if not in_time:
        raise TimedOut(f"{where}: {' '.join(args)}: no end after {timeout_s:g} s{_shown(completed)}")
    if check and completed.code:
        raise CommandFailed(where, completed)
    return completed


def netns_call(netns: str, args: Sequence[str]) -> Call:
    """Return the Call that runs a program in a network namespace, as `ip netns exec` does, in a session of its own."""

    def call(stdio: Stdio) -> int:
        words = ["ip", "netns", "exec", netns, *args]
        try:
            done = subprocess.run(words, stdin=stdio[0], stdout=stdio[1], stderr=stdio[2], start_new_session=True, check=False)
        except OSError as error:
            raise KernelError(f"{words[0]}: {error.strerror}") from error
        return done.returncode if done.returncode >= 0 else 128 - done.returncode

    return call


def _shown(completed: Completed) -> str:
    parts = (("standard error", completed.stderr), ("standard output", completed.stdout))
    return "".join(f"\n{title}: {text[-LONGEST_SHOWN:].rstrip()}" for title, text in parts if text.strip())


class _Run:
    """One command under way. The ends of the pipes that are ours do not block."""

    def __init__(self, call: Call, given: str | None) -> None:
        self.code = 0
        self.error: BaseException | None = None
        self.stdout, self.stderr = bytearray(), bytearray()
        self._call, self._given = call, memoryview((given or "").encode())
        self._thread_id = 0
        self._ended = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        (self._stdin, feeding), (reading, out), (reading_errors, err) = os.pipe(), os.pipe(), os.pipe()
        self._theirs = (self._stdin, out, err)
        self._reading = {reading: self.stdout, reading_errors: self.stderr}
        self._feeding: int | None = feeding
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._ended, selectors.EVENT_READ)
        self._selector.register(feeding, selectors.EVENT_WRITE)
        for handle in self._reading:
            self._selector.register(handle, selectors.EVENT_READ)
        for handle in (feeding, *self._reading):
            os.set_blocking(handle, False)
        self._thread = threading.Thread(target=self._work, name="command", daemon=True)
        self._thread.start()

    def _work(self) -> None:
        try:
            self.code = mounts.inside(self._begin)
        except BaseException as error:  # noqa: BLE001 - carried over to the caller, whatever it is
            self.error = error
        finally:
            os.eventfd_write(self._ended, 1)

    def _begin(self) -> int:
        self._thread_id = threading.get_native_id()
        return self._call(self._theirs)

    def follow(self, timeout_s: float | None) -> bool:
        """Feed and read the command until it has ended; False if it has not after `timeout_s`."""
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        while True:
            left_s = None if deadline is None else deadline - time.monotonic()
            if left_s is not None and left_s <= 0:
                return False
            ready = [key.fd for key, _ in self._selector.select(left_s)]
            for handle in ready:
                self._serve(handle)
            if self._ended in ready:
                return True

    def end(self) -> None:
        """Kill what still runs of the command, take what is left in the pipes, and close everything."""
        deadline = time.monotonic() + KILL_S
        while self._thread.is_alive() and not self.follow(KILL_AGAIN_S):
            if time.monotonic() > deadline:
                raise KernelError(f"the processes of a command do not end: {sorted(_family(self._thread_id))}")
            processes.kill(map(processes.find, _family(self._thread_id)), KILL_S)
        self._thread.join()
        for handle in self._reading:
            self._serve(handle)
        self._selector.close()
        self._stop_feeding()
        for handle in (*self._theirs, *self._reading, self._ended):
            os.close(handle)

    def _serve(self, handle: int) -> None:
        """Do what can be done with one end of a pipe without waiting."""
        with contextlib.suppress(BlockingIOError):
            if handle == self._feeding:
                self._feed(handle)
            elif handle in self._reading:
                self._reading[handle] += os.read(handle, PIPE_BYTES)

    def _feed(self, handle: int) -> None:
        while self._given:
            self._given = self._given[os.write(handle, self._given) :]
        self._selector.unregister(handle)
        self._stop_feeding()

    def _stop_feeding(self) -> None:
        """Close standard input: the command reads its end."""
        if self._feeding is not None:
            os.close(self._feeding)
            self._feeding = None


def _family(thread_id: int) -> list[int]:
    """Return the processes that this thread of ours started, all that descend from them, and all others of their sessions.

    Parents stand before their children: a shell that is killed first does not say of its children that they were killed.
    """
    table = dict(_stat())
    try:
        started = Path(f"/proc/self/task/{thread_id}/children").read_text().split()
    except OSError:
        return []
    found = [pid for pid in map(int, started) if pid in table]
    for parent in found:  # grows as children are found
        found += [pid for pid, (of, _) in table.items() if of == parent and pid not in found]
    sessions = {table[pid][1] for pid in found} - {0, os.getsid(0)}
    return found + [pid for pid, (_, session) in table.items() if session in sessions and pid not in found]


def _stat() -> Iterator[tuple[int, tuple[int, int]]]:
    """Yield pid, and parent and session, of every process."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with contextlib.suppress(OSError):
                _, parent, _, session, *_ = (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()
                yield int(entry.name), (int(parent), int(session))
