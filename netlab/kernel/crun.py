"""crun, called: its options, its errors, and what of them is the user's own mistake rather than trouble.

crun's stderr must not be a pipe of ours: a container started by `run -d` or `create` would inherit it and keep it open.
So errors come through --log, into a file in memory.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Final

from netlab.errors import KernelError
from netlab.kernel import processes, sealed
from netlab.kernel.files import remove_tree

DEADLINE_S: Final = 20.0
Stdio = tuple[int | IO[bytes] | None, int | IO[bytes] | None, int | IO[bytes] | None]
"""Standard input, output and error of a program; None means ours."""
# All of the environment that runtime programs get: nothing a user's shell happens to hold ends up in a Pod.
ENVIRONMENT: Final = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}

# What crun says about a command that cannot be run: (its words, ours, exit code as in a shell). `{0}` is the name it quotes.
_UNSTARTABLE: Final[tuple[tuple[str, Callable[[str, str], str], int], ...]] = (
    (r"executable file `([^`]*)` not found", lambda name, _: _not_found(name), 127),
    (r"exec container process `([^`]*)`: No such file or directory", lambda name, _: _not_found(name), 127),
    (r"exec container process (?:.*)`([^`]*)`: (.+)", lambda name, why: f'exec: "{name}": {why.lower()}', 126),
    (r"open executable(): (.+)", lambda _, __: "exec: permission denied", 126),
    (r"chdir(?: to)? `([^`]*)`: (.+)", lambda name, why: f'chdir to cwd ("{name}"): {why.lower()}', 126),
    (r"OOM: the memory limit could be too low(:)", lambda _, __: "container init was OOM-killed (memory limit too low?)", 128),
    (r"(?:cannot )?mount `([^`]*)` to (.+)", lambda name, why: f'mount "{name}" to {_plain(why)}', 126),
)


class Unstartable(Exception):
    """A container's program cannot be started; the message is for the user. `code` is what a shell would exit with."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


class AlreadyMade(KernelError):
    """crun knows a container of this name."""


class Unprepared(Exception):
    """A container cannot be made as its Pod wishes it, which may be otherwise later; the message is for the user."""


def unstartable(message: str, program: str = "") -> Unstartable | None:
    """Return the user's mistake that crun's message speaks of, None if it is trouble of another kind."""
    for pattern, words, code in _UNSTARTABLE:
        if found := re.search(pattern, message):
            text = words(found[1], found[2] if found.re.groups > 1 else "")
            return Unstartable(text.replace("exec: permission", f'exec: "{program}": permission'), code)
    return None


def _not_found(name: str) -> str:
    return (
        f'exec: "{name}": not found or not executable' if "/" in name else f'exec: "{name}": executable file not found in $PATH'
    )


def _plain(text: str) -> str:
    return text.replace("`", '"').lower()


class Crun:
    """crun with its state in one directory."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def options(self, manager: str = "cgroupfs") -> list[str]:
        """Return the options that all calls for the same container share."""
        return [f"--root={self.root}", f"--cgroup-manager={manager}"]

    def call(self, *args: str, manager: str = "cgroupfs") -> None:
        """Run a command of crun to its end. Raises Unstartable or KernelError (`crun create ID: reason`)."""
        self.begin(*args, manager=manager)()

    def begin(self, *args: str, manager: str = "cgroupfs") -> Callable[[], None]:
        """Begin a command of crun and return what waits for its end, to be called once. Both raise as `call` does."""
        finish = begin_logged(["crun", *self.options(manager)], args)

        def end() -> None:
            code, message = finish(DEADLINE_S)
            if code:
                raise refused(f"crun {args[0]} {args[-1]}", message or f"exit code {code}")

        return end

    def start(self, name: str) -> None:
        """Let a container that was created run its program. Raises KernelError if it waits no longer, or never did.

        As `crun start`, a program for each container whose start takes longer than this. The container waits for one byte
        in this pipe; crun takes it for created as long as there is the pipe. A container that has ended does not hold us up:
        then nobody reads. Unlike crun we write first: if we are killed in between it must not read in vain, again and again.
        Source: libcrun_status_write_exec_fifo in crun's src/libcrun/status.c, container_init in container.c.
        """
        pipe = self.root / name / "exec.fifo"
        try:
            handle = os.open(pipe, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            try:
                os.write(handle, b"0")
                pipe.unlink()
            finally:
                os.close(handle)
        except OSError as error:
            raise KernelError(f"start {name}: {error.strerror}") from error

    def delete(self, name: str) -> None:
        """End and forget a container, running or not; one that is not known is fine. Raises KernelError.

        State that crun cannot read (it was killed while writing it) is taken away: no container came of it.
        """
        if not self.knows(name):
            return
        try:
            self.call("delete", "-f", name)
        except (KernelError, Unstartable):
            if (self.root / name / "status").exists():
                raise
        self.forget(name)

    def forget(self, name: str) -> None:
        """Take away the state of a container none of whose processes lives; its cgroup is the caller's to remove."""
        remove_tree(self.root / name)

    def knows(self, name: str) -> bool:
        """Tell whether crun has state of a container."""
        return (self.root / name).exists()

    def ids(self) -> list[str]:
        """Return the names of all containers crun knows, sorted."""
        try:
            return sorted(os.listdir(self.root))  # noqa: PTH208 - names, not paths
        except FileNotFoundError:
            return []


def executable() -> str:
    """Return the path of the crun to run, as long as this process lives. Raises OSError without crun."""
    return sealed.program("crun", ENVIRONMENT["PATH"])


def text(config: Mapping[str, Any]) -> str:
    """Return a configuration as crun reads it."""
    return json.dumps(config, ensure_ascii=False, separators=(",", ":"))


def refused(what: str, message: str, program: str = "") -> Exception:
    """Return the exception that stands for what crun said."""
    kind = AlreadyMade if message.endswith("already exists") else KernelError
    return unstartable(message, program) or kind(f"{what}: {message}")


def run_logged(
    command: Sequence[str],
    args: Sequence[str],
    *,
    stdio: Stdio = (subprocess.DEVNULL, subprocess.DEVNULL, subprocess.DEVNULL),
    deadline_s: float | None = DEADLINE_S,
) -> tuple[int, str]:
    """Run crun and return its exit code and what it logged.

    Args:
        command: crun and its global options.
        args: the command of crun with its arguments.
        stdio: standard input, output and error.
        deadline_s: after this time it is killed; None waits as long as it takes.

    Raises:
        KernelError: it cannot be run, or took too long.
    """
    return begin_logged(command, args, stdio)(deadline_s)


def begin_logged(
    command: Sequence[str], args: Sequence[str], stdio: Stdio = (subprocess.DEVNULL, subprocess.DEVNULL, subprocess.DEVNULL)
) -> Callable[[float | None], tuple[int, str]]:
    """Begin what run_logged runs, and return the rest of it, to be called once. Raises KernelError."""
    log = os.memfd_create("log", os.MFD_CLOEXEC)
    words = [*command, f"--log=/proc/self/fd/{log}", *args]
    try:
        process = subprocess.Popen(
            words, executable=executable(), stdin=stdio[0], stdout=stdio[1], stderr=stdio[2],
            env=ENVIRONMENT, cwd="/", pass_fds=(log,),
        )  # fmt: skip
    except OSError as error:
        os.close(log)
        raise KernelError(f"{command[0]}: {error.strerror}") from error

    def end(deadline_s: float | None) -> tuple[int, str]:
        try:
            finish(process, f"{command[0]} {args[0]}", deadline_s)
            return process.returncode, message_of(_content(log).splitlines())
        finally:
            os.close(log)

    return end


def finish(process: subprocess.Popen[bytes], what: str, deadline_s: float | None) -> None:
    """Wait for a child; kill it and raise KernelError after `deadline_s`. Popen.wait would sleep and look again."""
    if deadline_s is not None:
        handle = os.pidfd_open(process.pid)
        try:
            in_time = processes.wait_readable(handle, deadline_s)
        finally:
            os.close(handle)
        if not in_time:
            process.kill()
            process.wait()
            raise KernelError(f"{what}: no end after {deadline_s:.0f} s")
    process.wait()


def message_of(lines: Iterable[str]) -> str:
    """Return crun's words without time stamps and JSON, joined."""
    found = []
    for line in lines:
        text = line.strip()
        if text.startswith("{"):
            with contextlib.suppress(ValueError):
                text = str(json.loads(text).get("msg", text))
        text = re.sub(r"^\d{4}-\d\d-\d\dT[\d:.]+Z?:?\s*", "", text)
        if text:
            found.append(text)
    return "; ".join(found)


def _content(handle: int) -> str:
    size = os.fstat(handle).st_size
    return os.pread(handle, size, 0).decode(errors="replace")
