"""conmon, called: the parent of a container, one each. It notes the exit code, marks OOM kills, writes the log.

It belongs to nobody and survives netlab. It calls `crun create` itself, when it reads a byte from a pipe, and answers through
another one: {"data": pid}, or {"data": -1, "message": why}. It finds their numbers in the environment variables _OCI_STARTPIPE
and _OCI_SYNCPIPE. If netlab is killed before it wrote that byte, conmon goes on, and what it makes is a half like all others.
Source: conmon(8), conmon's src/conmon.c and parent_pipe_fd.c; the log is in CRI's format.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any, Final

from netlab.errors import KernelError
from netlab.kernel import crun, processes
from netlab.kernel.poddir import Bundle
from netlab.kernel.processes import Process

DEADLINE_S: Final = 30.0


@contextlib.contextmanager
def loaded(bundle: Bundle, *, exits: Path, options: Sequence[str]) -> Iterator[Callable[[str], tuple[Process, Process]]]:
    """Load a conmon for a bundle and yield what lets it create the container; without that it ends with the block.

    That is called once, when config.json is complete, with the first argument of the container's process for error messages.
    It returns the main process, which waits for Crun.start, and conmon's own. It raises Unstartable if the program cannot be
    run, KernelError for anything else that went wrong.

    Args:
        bundle: its directories are there.
        exits: the directory for the exit file, whose name is the bundle's id.
        options: crun's.

    Raises:
        KernelError: conmon cannot be run.
    """
    with contextlib.ExitStack() as stack:
        answers, answering = _pipe(stack)
        waiting, word = _pipe(stack)
        try:
            with (bundle.path / "conmon.err").open("wb") as stderr:
                process = subprocess.Popen(
                    _command(bundle, exits, options),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=stderr,
                    env={**crun.ENVIRONMENT, "_OCI_SYNCPIPE": str(answering.fileno()), "_OCI_STARTPIPE": str(waiting.fileno())},
                    cwd="/",
                    pass_fds=(answering.fileno(), waiting.fileno()),
                )
        except OSError as error:
            raise KernelError(f"conmon for {bundle.id}: {error.strerror}") from error
        stack.callback(_end, process)
        answering.close()
        waiting.close()

        def create(program: str) -> tuple[Process, Process]:
            with contextlib.suppress(BrokenPipeError):  # it has ended, and said why
                word.write(b"0")
            word.close()
            crun.finish(process, "conmon", DEADLINE_S)  # only the process that puts itself into the background
            return _created(bundle, _answer(answers.fileno()), program)

        yield create


def _pipe(stack: contextlib.ExitStack) -> tuple[IO[bytes], IO[bytes]]:
    reader, writer = os.pipe()
    return stack.enter_context(open(reader, "rb", buffering=0)), stack.enter_context(open(writer, "wb", buffering=0))  # noqa: PTH123


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a conmon that was not told to create anything: it is our child still."""
    if process.returncode is None:
        process.kill()
        process.wait()


def _created(bundle: Bundle, answer: dict[str, Any] | None, program: str) -> tuple[Process, Process]:
    if answer is None:
        said = crun.message_of((bundle.read("conmon.err") or "").splitlines())
        raise KernelError(f"conmon for {bundle.id}: {said or 'it ended without an answer'}")
    if int(answer.get("data", -1)) <= 0:
        raise crun.refused(f"crun create {bundle.id}", crun.message_of(str(answer.get("message", "")).splitlines()), program)
    main, conmon = processes.find(int(answer["data"])), processes.find(int(bundle.read("conmon.pid") or 0))
    if main is None or conmon is None:
        raise KernelError(f"container {bundle.id} ended before it was started")
    return main, conmon


def _command(bundle: Bundle, exits: Path, options: Sequence[str]) -> list[str]:
    path = str(bundle.path)
    return [
        "conmon",
        *("--api-version", "1", "-c", bundle.id, "-u", bundle.id, "-n", bundle.id),
        *("-r", crun.executable()),
        *(word for option in options for word in ("--runtime-arg", option)),
        *("-b", path, "-p", f"{path}/pidfile", "-P", f"{path}/conmon.pid"),
        # without --full-attach conmon wants a directory for links to sockets, and dies silently if it is missing
        *("--exit-dir", str(exits), "--persist-dir", path, "--full-attach"),
        *("-l", f"k8s-file:{bundle.disk}/log", "--no-sync-log"),
    ]


def _answer(reader: int) -> dict[str, Any] | None:
    """The line conmon writes, None if it ended without one. Raises KernelError after the deadline."""
    deadline = time.monotonic() + DEADLINE_S
    received = b""
    while b"\n" not in received:
        if not processes.wait_readable(reader, deadline - time.monotonic()):
            raise KernelError(f"conmon: no answer after {DEADLINE_S:.0f} s")
        chunk = os.read(reader, 65536)
        if not chunk:
            break
        received += chunk
    try:
        answer = json.loads(received)
    except ValueError:
        return None
    return answer if isinstance(answer, dict) else None
