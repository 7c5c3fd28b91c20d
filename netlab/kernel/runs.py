"""What runs, read from files and /proc: the status of a sandbox and the newest run of each of its containers.

    failed ........ could not be started          created ....... made, or to be made, not yet started
    exit file ..... exited, its content is the code
    conmon lives .. running
    neither ....... conmon was killed: the container is killed too (its output would go nowhere), its exit is unknown

What a container wrote to its terminationMessagePath is read when it has ended. Source: kubelet getTerminationMessage.
An exit file appears before conmon ends, so a dead conmon without exit file is looked for a second time and then believed.
"""

from __future__ import annotations

import contextlib
import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Final

from netlab.kernel import hooks, netns, processes
from netlab.kernel.files import read, replace_text
from netlab.kernel.health import health_of
from netlab.kernel.poddir import Bundle, PodDirectory
from netlab.kernel.volume_files import written
from netlab.netstate.process import ContainerRun, SandboxStatus

KILLED: Final = 128 + signal.SIGKILL
LONGEST_MESSAGE: Final = 4096  # bytes
LAST_LINES, LAST_BYTES, LOOK_BACK = 80, 2048, 65536


def sandbox_status(pod: PodDirectory, exits: Path) -> SandboxStatus:
    """Return what exists of a sandbox. Raises KernelError if its files cannot be read."""
    names = pod.containers()
    attempts = {name: pod.attempts(name) for name in names}
    newest, before = ([(name, found[-at]) for name, found in attempts.items() if len(found) >= at] for at in (1, 2))
    lives, attached = processes.is_alive(pod.pause_process()), is_attached(pod)
    return SandboxStatus(
        uid=pod.uid,
        alive=lives and attached,
        started_at=_modified(pod.pause.path / "process"),
        detached=lives and not attached,
        terminating=(pod.path / "terminating").exists(),
        files=written(pod.path),
        evicted=read(pod.path / "evicted") or "",
        runs=tuple(container_run(name, attempt, pod.bundle(name, attempt), exits) for name, attempt in newest),
        previous=tuple(container_run(name, attempt, pod.bundle(name, attempt), exits) for name, attempt in before),
    )


def is_attached(pod: PodDirectory) -> bool:
    """Tell whether the pause process is in the network namespace that has the Pod's name now."""
    process, name = pod.pause_process(), pod.pause.read("netns")
    if process is None or name is None:
        return False
    try:
        own, named = Path(f"/proc/{process.pid}/ns/net").stat(), netns.path(name.strip()).stat()
    except OSError:
        return False
    return (own.st_dev, own.st_ino) == (named.st_dev, named.st_ino)


def container_run(name: str, attempt: int, bundle: Bundle, exits: Path) -> ContainerRun:
    """Return how one attempt stands; a container whose conmon was killed is ended."""
    made_from = bundle.read("revision") or ""
    error = bundle.read("failed")
    if error is not None:
        moment = _modified(bundle.path / "failed")
        return ContainerRun(
            name=name, attempt=attempt, state="failed", error=error.strip(), started_at=moment, finished_at=moment,
            revision=made_from, id=bundle.id,
        )  # fmt: skip
    run = bundle.run()
    if run is None:
        error, moment = bundle.read("unprepared") or "", _modified(bundle.path / "unprepared")
        return ContainerRun(
            name=name, attempt=attempt, state="created", error=error.strip(), finished_at=moment, revision=made_from
        )
    stopping_at = _modified(bundle.path / "stopping")
    known = ContainerRun(
        name=name, attempt=attempt, state="running", started_at=run.started_at, revision=made_from, stopping_at=stopping_at,
        id=bundle.id,
        image=(bundle.read("image") or "").strip().rpartition("\n")[2],
        term_at=_modified(bundle.path / "term") if stopping_at else 0.0, health=health_of(bundle),
        post_start=hooks.state(bundle, "postStart"), pre_stop=hooks.state(bundle, "preStop") if stopping_at else "",
    )  # fmt: skip
    ended = _exit(bundle, exits)
    if ended is None and processes.is_alive(run.conmon):
        return known
    code, moment = ended or _exit(bundle, exits) or _lost(bundle)
    return replace(
        known,
        state="exited",
        exit_code=code,
        message=last_words(bundle, failed=code != 0),
        # conmon marks a killed child of the main process too
        oom_killed=code == KILLED and (bundle.path / "oom").exists(),
        finished_at=max(moment, run.started_at),
    )


def last_words(bundle: Bundle, *, failed: bool) -> str:
    """Return the message that a container left: what it wrote for that, or the end of its log if that is to count."""
    path = bundle.disk / "last-words"
    with contextlib.suppress(OSError), path.open("rb") as file:
        if text := file.read(LONGEST_MESSAGE).decode(errors="replace"):
            return text
    return _end_of_log(bundle) if failed and (bundle.path / "log-speaks").exists() else ""


def _end_of_log(bundle: Bundle) -> str:
    """The last lines of what it printed. A line of the file is: time, stream, tag, text (CRI)."""
    with contextlib.suppress(OSError), (bundle.disk / "log").open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - LOOK_BACK))
        lines = file.read(LOOK_BACK).splitlines()[-LAST_LINES:]
        texts = (line.split(b" ", 3)[-1] for line in lines if line.count(b" ") >= 3)  # noqa: PLR2004 - its four fields
        return (b"\n".join(texts) + b"\n")[-LAST_BYTES:].decode(errors="replace")
    return ""


def _exit(bundle: Bundle, exits: Path) -> tuple[int | None, float] | None:
    path = exits / bundle.id
    text = read(path)
    if text is None:
        return None
    return (int(text) if text.strip().isdecimal() else None), _modified(path)


def _lost(bundle: Bundle) -> tuple[None, float]:
    mark = bundle.path / "lost"
    if not mark.exists():
        run = bundle.run()
        processes.send(run.main if run else None, signal.SIGKILL)
        replace_text(mark, "its conmon was killed\n")
    return None, _modified(mark)


def _modified(path: Path) -> float:
    """When a file was written, in seconds since the epoch; 0 if it is gone."""
    try:
        return os.stat(path).st_mtime  # noqa: PTH116 - called for each container of each Pod
    except FileNotFoundError:
        return 0.0
