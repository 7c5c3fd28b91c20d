"""Commands run in a container that runs: `exec`, in the foreground, with our standard input and output."""

from __future__ import annotations

import json
import os
import signal
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from netlab.errors import KernelError
from netlab.kernel import oci, processes
from netlab.kernel.crun import Crun, Stdio, run_logged, unstartable
from netlab.kernel.files import translated
from netlab.kernel.poddir import Bundle

FORWARDED: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


def execute(
    crun: Crun, bundle: Bundle, args: Sequence[str], *, env: Mapping[str, str], cwd: str, tty: bool, stdio: Stdio
) -> int:
    """Return the exit code of a command in a container: 128+n after signal n, 127 or 126 if it cannot be run.

    Raises:
        KernelError: the runtime had other trouble.
    """
    config = json.loads(bundle.read("config.json") or "{}")
    process = oci.exec_process(config, args, env=env, cwd=cwd, tty=tty)
    with _process_file(crun.root.parent, oci.text(process)) as path, processes.adopting_orphans():
        code, message = run_logged(
            ["crun", *crun.options()],
            ["exec", *(("--tty",) if tty else ()), "--process", str(path), bundle.id],
            stdio=stdio,
            deadline_s=None,
        )
    if not message:
        return code
    error = unstartable(message, args[0])
    if error is None:
        raise KernelError(f"crun exec {bundle.id}: {message}")
    return error.code  # crun has said why, on our standard error


@contextmanager
def _process_file(directory: Path, text: str) -> Iterator[Path]:
    with translated("write", directory):
        handle, name = tempfile.mkstemp(prefix="exec-", suffix=".json", dir=directory)
        with os.fdopen(handle, "w") as file:
            file.write(text)
    try:
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)


@contextmanager
def signals_left_to_the_command() -> Iterator[None]:
    """Let a terminal's Ctrl-C end the command, not this program while it waits; only from the main thread.

    A handler of ours, unlike SIG_IGN, is not inherited by the command.
    """
    before = {number: signal.signal(number, lambda *_: None) for number in FORWARDED}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
