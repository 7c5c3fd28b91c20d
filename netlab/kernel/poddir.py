"""The directories of a Pod's processes, and the files in them. Everything netlab knows about them stands here and in exits/.

What netlab and the runtime note is in memory, where it goes with the processes it speaks of when the machine stops. On the disk
is what programs may write, as much as they like, and nothing else: on many disks a file more costs more than all that is in it.

    <state>/pods/<uid>/
        etc/{resolv.conf,hostname}            seen by all containers
        terminating                           TERM was sent
        evicted                               why the Pod is to be evicted: it wrote too much (disk_usage.py)
        files                                 which files of volumes were written, as digests
        pause/{config.json,pidfile,netns,process}   process: pid, start time, boot
        containers/<name>/<attempt>/          a bundle
            config.json
            mounts/<number>[.memory]          where volumes in memory and parts of volumes are attached, for its maker only
            pidfile, conmon.pid, oom, ...     written by conmon
            run                               written when it was started: main process, conmon, time
            failed                            why it could not be started
            unprepared                        why it could not be made; it is tried again
            lost                              its conmon died before it: nobody knows how it ended
            revision                          of the wish it was made from
            log-speaks                        if it fails without, the end of its log counts
            image                             id and reference of the image that its root directory is made of
            stop-signal                       what its image wishes to be sent instead of TERM
            stopping                          its end has begun: another takes its place, it is unwell, or its Pod ends
            term                              TERM was sent
            hook-<kind>, hook-<kind>.{json,end}   its hooks (hooks.py); hook.err: what they had to say
            health                            what probes found of it (health.py)
            probe-<kind>.{json,pid}           the command of an exec probe or hook, and its process

    <data>/pods/<uid>/
        hosts                                 seen by all containers
        shm/, volumes/<name>/                 shared by all containers
        <container>.<attempt>/
            log                               what it printed
            last-words                        what it wrote to its terminationMessagePath
            root[.work]/                      what it changed of its root directory (root.py)

    <state>/secrets/<uid>/<name>/             volumes with something of a Secret
    <state>/filters/<digest>                  what crun compiled of a filter of system calls (seccomp_programs.py)
    <state>/skeleton/                         a file system in memory: what `image: host` has of its own (root.py)
    <state>/root/                             where containers have their root directory

Names come from manifests and from directories: each is checked before it becomes part of a path.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from netlab.errors import KernelError
from netlab.frozen import dataclass
from netlab.kernel import processes
from netlab.kernel.files import read, replace_text
from netlab.kernel.processes import Process
from netlab.netstate.names import NAME_MAX

WORLD_WRITABLE: Final = 0o777
STICKY: Final = 0o1777


@dataclass(frozen=True, slots=True)
class Run:
    """One start of a container: its main process, its conmon, when (seconds since the epoch)."""

    main: Process
    conmon: Process
    started_at: float

    def __str__(self) -> str:
        return f"{self.main}\n{self.conmon}\n{self.started_at}\n"


@dataclass(frozen=True, slots=True)
class Bundle:
    """The directories of one attempt of one container. `id` is crun's name for it, and that of its exit file.

    `path` is in memory, `disk` holds what the container writes.
    """

    path: Path
    disk: Path
    id: str

    def read(self, name: str) -> str | None:
        """Return the text of one of its files, None if there is no such file."""
        return read(f"{self.path}/{name}")

    def write(self, name: str, text: str) -> None:
        """Make one of its files hold exactly this text. Raises KernelError."""
        replace_text(f"{self.path}/{name}", text)

    def run(self) -> Run | None:
        """Return how it was started, None if it was not."""
        lines = (self.read("run") or "").splitlines()
        if len(lines) != 3:  # noqa: PLR2004 - as Run writes it
            return None
        main, conmon = processes.parse(lines[0]), processes.parse(lines[1])
        return Run(main, conmon, float(lines[2])) if main and conmon else None

    def is_running(self, exits: Path) -> bool:
        """Tell whether its container runs: it was started, it has no exit file in `exits`, and its conmon lives."""
        run = self.run()
        return run is not None and read(exits / self.id) is None and processes.is_alive(run.conmon)

    def is_half_made(self) -> bool:
        """Tell whether no record says what became of it: its maker was killed, and what that called may be at work still."""
        return self.run() is None and self.read("failed") is None and self.read("unprepared") is None


@dataclass(frozen=True, slots=True)
class PodDirectory:
    """The directories of a Pod of a lab: `path` in memory, `disk` on the disk."""

    path: Path
    disk: Path
    lab: str
    uid: str

    @property
    def pause(self) -> Bundle:
        """The pause process's bundle. No container has its id: theirs end with a number."""
        return Bundle(self.path / "pause", self.disk, f"{self.prefix}pause")

    @property
    def prefix(self) -> str:
        """What the ids of all its bundles begin with."""
        return f"{self.lab}-{self.uid[:8]}-"

    def pause_process(self) -> Process | None:
        """Return the pause process last started; it may have ended."""
        return processes.parse(read(f"{self.path}/pause/process") or "")

    def bundle(self, container: str, attempt: int) -> Bundle:
        """Return the directories of an attempt, there or not. Raises KernelError for an impossible name."""
        path = self.path / "containers" / component(container) / str(attempt)
        disk = self.disk / component(f"{container}.{attempt}")
        return Bundle(path, disk, f"{self.prefix}{container}-{attempt}"[:NAME_MAX])

    def containers(self) -> list[str]:
        """Return the names of containers that were ever started, sorted."""
        return sorted(_entries(self.path / "containers"))

    def attempts(self, container: str) -> list[int]:
        """Return the numbers of a container's attempts of which something is left, ascending."""
        names = _entries(self.path / "containers" / component(container))
        return sorted(int(name) for name in names if name.isdecimal())

    def bundles(self) -> Iterator[Bundle]:
        """Yield every attempt of every container of which something is left."""
        for name in self.containers():
            for attempt in self.attempts(name):
                yield self.bundle(name, attempt)


@dataclass(frozen=True, slots=True, kw_only=True)
class LabDirectories:
    """Where a lab's processes keep their files: `state` in /run, gone after a reboot, and `data` on a real disk."""

    state: Path
    data: Path
    lab: str

    @property
    def exits(self) -> Path:
        """Where conmon puts exit files."""
        return self.state / "exits"

    @property
    def crun(self) -> Path:
        """Where crun keeps its state."""
        return self.state / "crun"

    @property
    def pause_root(self) -> Path:
        """The root directory of all pause processes. It has a program in it, and /run may be mounted `noexec`."""
        return self.data / "pause"

    @property
    def skeleton(self) -> Path:
        """What all root directories of `image: host` have below them."""
        return self.state / "skeleton"

    @property
    def root(self) -> Path:
        """Where every container has its root directory, each in a view of the mounts of its own."""
        return self.state / "root"

    @property
    def filters(self) -> Path:
        """Where the filters of system calls are kept that crun compiled."""
        return self.state / "filters"

    @property
    def made_in(self) -> list[str]:
        """What the paths begin with that the runtime's processes were given."""
        return [f"{self.state / 'pods'}/", f"{self.crun}/"]

    def secrets(self, uid: str) -> Path:
        """Where the files of a Pod's volumes are that must not be on a disk. Raises KernelError for an impossible uid."""
        return self.state / "secrets" / component(uid)

    @property
    def all(self) -> list[Path]:
        """Every directory that the processes of a lab have."""
        names = ("pods", "secrets", self.skeleton.name, self.root.name, self.crun.name, self.exits.name, self.filters.name)
        return [self.data, *(self.state / name for name in names)]

    def pod(self, uid: str) -> PodDirectory:
        """Return the directories of a Pod, there or not. Raises KernelError for an impossible uid."""
        return PodDirectory(self.state / "pods" / component(uid), self.data / "pods" / uid, self.lab, uid)

    def pods(self) -> list[PodDirectory]:
        """Return those of Pods of which a directory exists, by uid; after a reboot one on the disk alone."""
        return [self.pod(uid) for uid in sorted({*_entries(self.state / "pods"), *_entries(self.data / "pods")})]


def component(name: str) -> str:
    """Return `name` if it can be one component of a path. Raises KernelError otherwise."""
    if name in {"", ".", ".."} or "/" in name or "\0" in name or len(name.encode()) > NAME_MAX:
        raise KernelError(f"{name!r} is not a name of a directory")
    return name


def _entries(directory: Path) -> list[str]:
    try:
        return [name for name in os.listdir(directory) if not name.startswith(".")]  # noqa: PTH208 - names, not paths
    except (FileNotFoundError, NotADirectoryError):
        return []
