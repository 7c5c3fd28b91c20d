"""conmon, called: the parent of a container, one each. It notes the exit code, marks OOM kills, writes the log.

It belongs to nobody and survives netlab. It calls `crun create` itself and answers through a pipe, whose number it finds in
the environment variable _OCI_SYNCPIPE: {"data": pid}, or {"data": -1, "message": why}.
Source: conmon(8), conmon's src/conmon.c and parent_pipe_fd.c; the log is in CRI's format.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from netlab.errors import KernelError
from netlab.kernel import crun, processes
from netlab.kernel.poddir import Bundle
from netlab.kernel.processes import Process

DEADLINE_S: Final = 30.0


def create(bundle: Bundle, *, exits: Path, options: Sequence[str], program: str) -> tuple[Process, Process]:
    """Create the container of a bundle; return its main process, which waits for Crun.start, and its conmon.

    Args:
        bundle: its config.json is complete.
        exits: the directory for the exit file, whose name is the bundle's id.
        options: crun's.
        program: the first argument of the container's process, for the error message.

    Raises:
        Unstartable: the container's program cannot be run.
        KernelError: anything else that went wrong.
    """
    reader, writer = os.pipe()
    complaints = bundle.path / "conmon.err"
    try:
        with complaints.open("wb") as stderr:
            process = subprocess.Popen(
                _command(bundle, exits, options),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=stderr,
                env={**crun.ENVIRONMENT, "_OCI_SYNCPIPE": str(writer)},
                cwd="/",
                pass_fds=(writer,),
            )
        os.close(writer)
        writer = -1
        crun.finish(process, "conmon", DEADLINE_S)  # only the process that puts itself into the background
        answer = _answer(reader)
    except OSError as error:
        raise KernelError(f"conmon for {bundle.id}: {error.strerror}") from error
    finally:
        os.close(reader)
        if writer >= 0:
            os.close(writer)
    if answer is None:
        said = crun.message_of(complaints.read_text(errors="replace").splitlines())
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
