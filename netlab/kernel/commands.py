"""Commands run in a container that runs: `exec`, in the foreground.

    without a terminal   the command has our standard input, output and error
    with a terminal      it has one of its own (terminal.py), which crun makes and sends us through a socket

Signals sent to this program while it waits are for the command. Ctrl-C of a terminal that is not raw reaches crun by itself,
which is in our process group and passes signals on; TERM and HUP are passed on here. A command with a terminal loses it
instead, and with it, unless it takes care, its life.
Source: crun(1); signal(7); OCI runtime-spec, `process`.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from types import FrameType
from typing import IO, TYPE_CHECKING, Any, Final

from netlab.errors import KernelError, NotFound
from netlab.kernel import cgroups, mounts, processes
from netlab.kernel.crun import ENVIRONMENT, Crun, Stdio, executable, message_of, text, unstartable
from netlab.kernel.poddir import Bundle, LabDirectories

if TYPE_CHECKING:
    from netlab.kernel.terminal import Relay

FROM_TERMINAL: Final = (signal.SIGINT, signal.SIGQUIT)
FROM_OTHERS: Final = (signal.SIGTERM, signal.SIGHUP)
HANG_UP_S: Final = 2.0  # then a command that goes on without its terminal is left to itself
NO_STREAMS: Final[Stdio] = (subprocess.DEVNULL, subprocess.DEVNULL, subprocess.DEVNULL)


def run_command(
    places: LabDirectories,
    uid: str,
    container: str,
    args: Sequence[str],
    *,
    env: Iterable[tuple[str, str]] = (),
    cwd: str = "",
    tty: bool = False,
    stdio: Stdio = (subprocess.DEVNULL, None, None),
) -> int:
    """Run a command in a container, without standard input and with our output; return its exit code when it has ended.

    `env` is added to the container's variables; without `cwd` it runs in the container's. With `tty` it has a terminal of
    its own, tied to the one that `stdio` names. The code is 128+n after signal n, and 127 or 126 with the reason on
    standard error if the command cannot be run.

    Raises:
        NotFound: no such container runs.
        KernelError: the runtime had other trouble.
    """
    cgroups.expect_moves()
    pod = places.pod(uid)
    attempts = pod.attempts(container)
    bundle = pod.bundle(container, attempts[-1] if attempts else 0)
    if not bundle.is_running(places.exits):
        raise NotFound(f"container {container!r} does not run")
    command = Command(Crun(places.crun), bundle, args, env=dict(env), cwd=cwd, tty=tty, stdio=stdio)
    is_main = threading.current_thread() is threading.main_thread()
    with command.receiving_signals() if is_main else nullcontext():
        return mounts.inside(command.run)


def exec_process(
    config: Mapping[str, Any], args: Sequence[str], *, env: Mapping[str, str], cwd: str, tty: bool
) -> dict[str, Any]:
    """Return what `crun exec --process` reads: the rights, limits and variables of the container, another command.

    `env` is added to the container's own variables; an empty `cwd` means the container's.
    """
    variables = dict(line.split("=", 1) for line in config["process"]["env"])
    if tty:
        variables.setdefault("TERM", "xterm")
    variables |= env
    lines = [f"{name}={value}" for name, value in variables.items()]
    changed = {"terminal": tty, "args": list(args), "env": lines, "cwd": cwd or config["process"]["cwd"]}
    return {**config["process"], **changed}


class Command:
    """A command of a container, to be run once.

    Args:
        crun: the runtime.
        bundle: of the container.
        args: the command and its arguments.
        env: added to the container's variables.
        cwd: where it runs; empty: where the container does.
        tty: give it a terminal, tied to our standard input and output.
        stdio: its streams, or with `tty` the ends of our terminal.
    """

    def __init__(
        self, crun: Crun, bundle: Bundle, args: Sequence[str], *, env: Mapping[str, str], cwd: str, tty: bool, stdio: Stdio
    ) -> None:
        self._crun, self._bundle, self._args = crun, bundle, args
        self._env, self._cwd, self._tty, self._stdio = env, cwd, tty, stdio
        self._process: subprocess.Popen[bytes] | None = None
        self._relay: Relay | None = None
        self._signal = 0

    def run(self) -> int:
        """Return its exit code: 128+n after signal n, 127 or 126 if it cannot be run (standard error says why).

        Raises:
            KernelError: the runtime had other trouble.
        """
        with _in_memory() as log, _in_memory(self._config()) as process:
            with processes.adopting_orphans():
                code = self._with_terminal(process, log) if self._tty else self._with_streams(process, log)
            message = message_of(Path(f"/proc/self/fd/{log}").read_text(errors="replace").splitlines())
        return self._code(code, message)

    @contextmanager
    def receiving_signals(self) -> Iterator[None]:
        """Let the command have the signals sent to this program; only from the main thread.

        A handler of ours, unlike SIG_IGN, is not inherited by the command.
        """
        numbers = (*FROM_TERMINAL, *FROM_OTHERS, *((signal.SIGWINCH,) if self._tty else ()))
        before = {number: signal.signal(number, self._receive) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _receive(self, number: int, _: FrameType | None) -> None:
        relay = self._relay
        if number == signal.SIGWINCH:
            if relay:
                relay.resize()
        elif self._tty or number in FROM_OTHERS:
            self._signal = number
            self._pass_on()

    def _pass_on(self) -> None:
        """Hand over the signal that came, if the command is there already; later this is called again."""
        relay = self._relay
        if not self._signal:
            return
        if relay:
            relay.hang_up()
        elif self._process and not self._tty:
            self._process.send_signal(self._signal)

    def _config(self) -> str:
        config = json.loads(self._bundle.read("config.json") or "{}")
        process = exec_process(config, self._args, env=self._env, cwd=self._cwd, tty=self._tty)
        if self._tty:
            from netlab.kernel.terminal import size_of  # noqa: PLC0415 - most commands have no terminal

            size = size_of(self._handle(0), self._handle(1))
            process |= {"consoleSize": {"height": size[0], "width": size[1]}} if size else {}
        return text(process)

    def _with_streams(self, process: int, log: int) -> int:
        self._process = self._start(process, log, self._stdio)
        self._pass_on()
        return self._process.wait()

    def _with_terminal(self, process: int, log: int) -> int:
        from netlab.kernel.terminal import console_socket, received_master  # noqa: PLC0415 - as above

        place = self._crun.root.parent / f"exec-{os.getpid()}-{log}.sock"
        with console_socket(place) as listener:
            self._process = self._start(process, log, NO_STREAMS, "--tty", f"--console-socket={place}")
            ended = os.pidfd_open(self._process.pid)
            try:
                master = received_master(listener, ended)
                if master is not None:
                    self._tie(master, ended)
                if self._signal and not processes.wait_readable(ended, HANG_UP_S):
                    self._process.kill()
            finally:
                os.close(ended)
        code = self._process.wait()
        return 128 + self._signal if self._signal else code

    def _tie(self, master: int, ended: int) -> None:
        from netlab.kernel.terminal import Relay  # noqa: PLC0415 - as above

        relay = Relay(master=master, keyboard=self._handle(0), screen=self._handle(1) or 1, ended=ended)
        try:
            self._relay = relay
            self._pass_on()
            relay.run()
        finally:
            relay.close()

    def _start(self, process: int, log: int, stdio: Stdio, *options: str) -> subprocess.Popen[bytes]:
        words = ["crun", *self._crun.options(), f"--log=/proc/self/fd/{log}"]
        words += ["exec", *options, f"--process=/proc/self/fd/{process}"]
        try:
            return subprocess.Popen(
                [*words, self._bundle.id],
                executable=executable(), stdin=stdio[0], stdout=stdio[1], stderr=stdio[2],
                env=ENVIRONMENT, cwd="/", pass_fds=(log, process),
            )  # fmt: skip
        except OSError as error:
            raise KernelError(f"crun: {error.strerror}") from error

    def _handle(self, which: int) -> int | None:
        """The file descriptor of one of our streams; None if it is to be empty."""
        stream: int | IO[bytes] | None = self._stdio[which]
        if stream is None or isinstance(stream, int):
            return which if stream is None else stream if stream >= 0 else None
        return stream.fileno()

    def _code(self, code: int, message: str) -> int:
        """What the command's end means. Why one cannot be run was said by crun, on its standard error or the new terminal."""
        if not message or self._signal:
            return code
        error = unstartable(message, self._args[0])
        if error is None:
            raise KernelError(f"crun exec {self._bundle.id}: {message}")
        return error.code


@contextmanager
def _in_memory(text: str = "") -> Iterator[int]:
    """A file that nobody has to clear away, by its number."""
    handle = os.memfd_create("netlab", os.MFD_CLOEXEC)
    try:
        os.pwrite(handle, text.encode(errors="surrogateescape"), 0)
        yield handle
    finally:
        os.close(handle)
