"""Log files of containers: opened, printed, and followed while conmon writes them.

A log is that of one run of a container. Following it ends with the run: if the container is started again, it writes elsewhere.
Source: kubectl logs (v1.32); conmon(8); inotify(7).
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from netlab.cli.log_lines import Printer, Wanted
from netlab.cli.words import resource
from netlab.engine.containers import new_runtime
from netlab.errors import NotFound
from netlab.kernel.inotify import Watch
from netlab.model.pod import Pod
from netlab.netstate.process import SandboxStatus
from netlab.store.paths import LabPaths

LOOK_AGAIN_S = 1.0
LIVING = frozenset({"created", "running"})
STARTING = "ContainerCreating"


@dataclass(slots=True, eq=False)
class Log:
    """The log of one run of a container, open, and how it is printed."""

    uid: str
    container: str
    path: Path
    file: TextIO
    printer: Printer
    _half: str = field(default="", init=False)

    def lines(self) -> Iterator[str]:
        """Yield the lines of the file that were not read yet; one that is half written is left for the next time."""
        for piece in self.file:
            self._half += piece
            if self._half.endswith("\n"):
                line, self._half = self._half, ""
                yield line


@contextlib.contextmanager
def open_log(paths: LabPaths, pod: Pod, container: str, printer: Printer, *, previous: bool) -> Iterator[Log]:
    """Open the log of the newest run, or of the one before. Raises NotFound if there was no such run."""
    path = new_runtime(paths).log_path(pod.metadata.uid, container, previous=previous)
    try:
        file = path.open(encoding="utf-8", errors="surrogateescape", newline="\n")
    except FileNotFoundError:
        raise _no_log(pod, container, previous=previous) from None
    with file:
        yield Log(pod.metadata.uid, container, path, file, printer)


def _no_log(pod: Pod, container: str, *, previous: bool) -> NotFound:
    where = f'container "{container}" in pod "{pod.metadata.name}"'
    reasons = (status.reason for status in pod.all_statuses if status.name == container)
    why = next(reasons, "") or STARTING
    told = f"previous terminated {where} not found" if previous else f"{where} is waiting to start: {why}"
    cure = f"`netlab describe {resource(Pod.kind)}/{pod.metadata.name}` says why"
    return NotFound(f"{told}; {cure}", origin="Error from server (BadRequest)")


def show(log: Log, wanted: Wanted) -> None:
    """Print whole lines: those that are wanted of what was not read yet."""
    _write(log.printer.lines(wanted.of(log.lines())))


def show_rest(log: Log) -> None:
    """Print what stands behind the last newline: nothing more will come."""
    _write([log.printer.rest()])


def follow_logs(paths: LabPaths, logs: Sequence[Log], wanted: Wanted) -> None:
    """Print what is written from now on, line by line as it comes, until all these runs have ended."""
    runtime, left = new_runtime(paths), list(logs)
    there = {log.path.parent for log in left if log.path.exists()}  # of a Pod that was deleted meanwhile it does not
    with Watch({paths.exits, *there}, modified=True) as watch:
        while left:
            # looked at before the files are read, so that what was written before the end is read
            seen = runtime.observe()
            living = [log for log in left if _is_living(log, seen, runtime.log_path(log.uid, log.container))]
            for log in left:
                show(log, wanted)
                if log not in living or log.printer.is_full:
                    show_rest(log)
            left = [log for log in living if not log.printer.is_full]
            if left:
                watch.wait(LOOK_AGAIN_S)


def _is_living(log: Log, seen: Mapping[str, SandboxStatus], newest: Path) -> bool:
    sandbox = seen.get(log.uid)
    runs = sandbox.runs if sandbox and sandbox.alive else ()
    return log.path == newest and any(run.name == log.container and run.state in LIVING for run in runs)


def _write(texts: Iterable[str]) -> None:
    """Print bytes as the container wrote them, whatever they are."""
    for text in texts:
        sys.stdout.buffer.write(text.encode(errors="surrogateescape"))
    sys.stdout.buffer.flush()
