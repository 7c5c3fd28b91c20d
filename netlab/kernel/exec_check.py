"""A check that is a command in a container: it succeeds if it ends with 0. Its output says why it did not.

crun enters the container; we wait for crun's end in the loop of all checks, and never for the output's, which a process that
the command left behind may hold open. Too late, the command itself is killed, not crun alone, whose end would leave it behind.
What the command needs stands in a file of the bundle and goes with it.
Source: crun(1) exec; kubelet probe/exec; pidfd_open(2).
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from netlab.errors import KernelError
from netlab.kernel import mounts, processes
from netlab.kernel.commands import exec_process
from netlab.kernel.crun import ENVIRONMENT, Crun, executable, message_of, unstartable
from netlab.kernel.crun import text as as_text
from netlab.kernel.files import replace_text
from netlab.kernel.poddir import LabDirectories
from netlab.netstate.health import ExecCheck, Outcome

OUTPUT_MAX: Final = 10 * 1024  # of the output, as much as the kubelet keeps
CHUNK_BYTES: Final = 1 << 16
GONE: Final = "container not running"


class RunningCommand:
    """A command that is being run.

    Raises:
        KernelError: it cannot be started.
    """

    def __init__(
        self,
        places: LabDirectories,
        crun: Crun,
        selector: selectors.BaseSelector,
        check: ExecCheck,
        ended: Callable[[Outcome], None],
    ) -> None:
        self._check, self._selector, self._ended = check, selector, ended
        self._bundle = places.pod(check.uid).bundle(check.container, check.attempt)
        self._name = f"probe-{check.kind}"  # two probes may have the same command
        self._said = b""
        self._output, output = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self._log = os.memfd_create("log", os.MFD_CLOEXEC)
        try:
            os.set_blocking(output, True)
            self._process = mounts.inside(lambda: self._start(crun, output))
        except BaseException:
            os.close(self._output)
            os.close(self._log)
            raise
        finally:
            os.close(output)
        self._handle = os.pidfd_open(self._process.pid)

    def begin(self) -> None:
        """Wait for its end, and take what it says meanwhile."""
        self._selector.register(self._handle, selectors.EVENT_READ, lambda _: self._end())
        self._selector.register(self._output, selectors.EVENT_READ, lambda _: self._listen())

    def give_up(self) -> None:
        """End the command, and then crun."""
        with suppress(OSError, ValueError):
            main = processes.find(int(self._bundle.read(f"{self._name}.pid") or 0))
            if main is not None and not processes.wait_readable(self._handle, 0):  # crun has not collected it: it is the one
                processes.send(main, signal.SIGKILL)
        self._process.kill()
        words = " ".join(self._check.args)
        self._close()
        self._ended(Outcome(success=False, text=f'command "{words}" timed out'))

    def _listen(self) -> bool:
        """Take a chunk of the output; tell whether there may be more."""
        try:
            chunk = os.read(self._output, CHUNK_BYTES)
        except BlockingIOError:
            return False
        self._said = (self._said + chunk)[:OUTPUT_MAX]
        if not chunk:
            self._selector.unregister(self._output)
        return bool(chunk)

    def _end(self) -> None:
        while len(self._said) < OUTPUT_MAX and self._output in self._selector.get_map() and self._listen():
            pass
        log = os.pread(self._log, CHUNK_BYTES, 0).decode(errors="replace")
        self._close()
        self._ended(self._outcome(self._process.returncode, message_of(log.splitlines())))

    def _outcome(self, code: int, trouble: str) -> Outcome:
        """Crun has something to say of its own only if the command could not be run."""
        if trouble:
            mistake = unstartable(trouble, self._check.args[0])
            return Outcome(success=None, text=str(mistake or trouble))
        return Outcome(success=code == 0, text=self._said.decode(errors="replace"))

    def _close(self) -> None:
        self._process.wait()
        for handle in (self._handle, self._output):
            with suppress(KeyError):
                self._selector.unregister(handle)
            os.close(handle)
        os.close(self._log)

    def _start(self, crun: Crun, output: int) -> subprocess.Popen[bytes]:
        text = self._bundle.read("config.json")
        if text is None:
            raise KernelError(GONE)
        config = exec_process(json.loads(text), self._check.args, env={}, cwd="", tty=False)
        path, pid_file = (self._bundle.path / f"{self._name}.{kind}" for kind in ("json", "pid"))
        pid_file.unlink(missing_ok=True)
        replace_text(path, as_text(config))
        words = ["crun", *crun.options(), f"--log=/proc/self/fd/{self._log}", "exec", f"--pid-file={pid_file}"]
        try:
            return subprocess.Popen(
                [*words, "--process", str(path), self._bundle.id],
                executable=executable(), stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=ENVIRONMENT, cwd="/",
                pass_fds=(self._log,),
            )  # fmt: skip
        except OSError as error:
            raise KernelError(f"crun: {error.strerror}") from error
