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
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import IO, TYPE_CHECKING, Final

from netlab.errors import KernelError
from netlab.kernel import oci, processes
from netlab.kernel.crun import ENVIRONMENT, Crun, Stdio, message_of, unstartable
from netlab.kernel.poddir import Bundle

if TYPE_CHECKING:
    from netlab.kernel.terminal import Relay

FROM_TERMINAL: Final = (signal.SIGINT, signal.SIGQUIT)
FROM_OTHERS: Final = (signal.SIGTERM, signal.SIGHUP)
HANG_UP_S: Final = 2.0  # then a command that goes on without its terminal is left to itself
NO_STREAMS: Final[Stdio] = (subprocess.DEVNULL, subprocess.DEVNULL, subprocess.DEVNULL)


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
        process = oci.exec_process(config, self._args, env=self._env, cwd=self._cwd, tty=self._tty)
        if self._tty:
            from netlab.kernel.terminal import size_of  # noqa: PLC0415 - most commands have no terminal

            size = size_of(self._handle(0), self._handle(1))
            process |= {"consoleSize": {"height": size[0], "width": size[1]}} if size else {}
        return oci.text(process)

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
                stdin=stdio[0], stdout=stdio[1], stderr=stdio[2], env=ENVIRONMENT, cwd="/", pass_fds=(log, process),
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
