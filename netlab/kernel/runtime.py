"""The container runtime of a lab: sandboxes (Pods) and their containers. crun, conmon and catatonit do the work.

Nothing is remembered here: what there is stands in files (poddir.py) and in /proc, so any command can go on where a killed
one stopped. Methods for different Pods may run at the same time (`each`); for one Pod, one after the other.
"""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from netlab.errors import KernelError, NetlabError, NotFound
from netlab.kernel import cgroups, ending, hooks, mounts, processes, runs
from netlab.kernel import health as health_file
from netlab.kernel.crun import AlreadyMade, Crun
from netlab.kernel.files import remove_trees, translated
from netlab.kernel.netns import run_in_threads
from netlab.kernel.poddir import LabDirectories
from netlab.netstate.health import Health
from netlab.netstate.hooks import Hook, HookKind
from netlab.netstate.process import Sandbox, SandboxStatus
from netlab.netstate.volume import DiskUsage

if TYPE_CHECKING:
    from netlab.kernel.checks import Checker
    from netlab.kernel.seccomp_programs import Filters

Item = TypeVar("Item")


class ContainerRuntime:
    """The processes of one lab. `state` is gone after a reboot; `data` must not be in /usr or on an overlay."""

    def __init__(self, *, state: Path, data: Path, lab: str, clock: Callable[[], float] = time.time) -> None:
        self._places = LabDirectories(state=state, data=data, lab=lab)
        self._crun = Crun(self._places.crun)
        self._clock = clock

    @functools.cached_property
    def _filters(self) -> Filters:
        from netlab.kernel.seccomp_programs import Filters  # noqa: PLC0415 - most commands start nothing

        return Filters(self._places.filters)

    @property
    def exits(self) -> Path:
        """The directory into which conmon moves a file when a container has ended."""
        return self._places.exits

    def prepare(self) -> None:
        """Look whether containers can be run, make the lab's directories. Raises HostUnready, KernelError."""
        from netlab.kernel import runtime_host  # noqa: PLC0415 - who runs a command in a container has no use for it

        runtime_host.check()
        runtime_host.make_directories(self._places)

    def version(self) -> str:
        """Return the version of crun, as Kubernetes writes it: `crun://1.8.1`. Raises OSError without crun."""
        from netlab.kernel import installed  # noqa: PLC0415 - asked once in the life of a lab

        words = [installed.runtime_program("crun") or "crun", *installed.PROGRAMS["crun"].options]
        numbers = installed.version_of(words)
        return f"crun://{'.'.join(map(str, numbers))}"

    def each(
        self, work: Mapping[str, Sequence[Item]], do: Callable[[Item], object], beside: Callable[[], None] = lambda: None
    ) -> dict[str, NetlabError | None]:
        """Call `do` for every item, those under one key in order, up to four keys at a time, and `beside` in one more thread.

        Without work nothing is called. Returns for each key the error that ended its row, or None. Other exceptions than
        NetlabError are raised.
        """
        if not work:
            return {}
        if len(work) >= mounts.WORKERS:
            cgroups.expect_moves()
            return mounts.each(work, do, beside=beside)
        with cgroups.expecting_moves():
            return mounts.each(work, do, beside=beside)

    def start_sandbox(self, sandbox: Sandbox, first: str | None = None) -> None:
        """Make the Pod's files and its pause process; alive already, only changed files are rewritten.

        The container named `first` is started with it, as attempt 0: most of what that takes needs no pause process. Raises
        what start_container raises.
        """
        from netlab.kernel import starting  # noqa: PLC0415 - most commands start nothing

        def beside(made: Callable[[], None]) -> None:
            if first is not None:
                self._start_container(sandbox, first, 0, made)

        mounts.inside(lambda: _healing(lambda: starting.start_sandbox(self._places, self._crun, sandbox, beside)))

    def start_container(self, sandbox: Sandbox, name: str, attempt: int) -> None:
        """Start a container as this attempt; done before, nothing happens.

        A program that cannot be run is no error here: the attempt is then seen as `failed`, with the reason.

        Raises:
            NotFound: the sandbox has no such container.
            KernelError: the sandbox is not alive, or the runtime had other trouble.
        """
        mounts.inside(lambda: _healing(lambda: self._start_container(sandbox, name, attempt)))

    def _start_container(
        self, sandbox: Sandbox, name: str, attempt: int, sandbox_made: Callable[[], None] = lambda: None
    ) -> None:
        from netlab.kernel import starting  # noqa: PLC0415 - as above
        from netlab.kernel.image_store import STORE, ImageStore  # noqa: PLC0415

        images = ImageStore(data=self._places.data.parent / STORE, state=self._places.state.parent / STORE)

        def start() -> None:
            starting.start_container(
                self._places, self._crun, sandbox, name, attempt,
                filters=self._filters, images=images, sandbox_made=sandbox_made, clock=self._clock,
            )  # fmt: skip

        mounts.privately(start)

    def observe(self) -> dict[str, SandboxStatus]:
        """Return all sandboxes there are, by Pod uid. A container whose conmon was killed is ended by looking at it."""
        return {pod.uid: runs.sandbox_status(pod, self.exits) for pod in self._places.pods()}

    def terminate(self, uid: str, names: Sequence[str]) -> None:
        """Send TERM to the main process of each of these containers that runs; the second time nothing happens."""
        ending.terminate_sandbox(self._places, self._places.pod(uid), names)

    def stop_container(self, uid: str, name: str, attempt: int, *, force: bool) -> None:
        """Send TERM, or with `force` KILL, to the main process of one container; ended already, nothing happens."""
        ending.stop_container(self._places, self._places.pod(uid), name, attempt, force=force)

    def run_hook(self, uid: str, name: str, attempt: int, kind: HookKind, hook: Hook | None) -> None:
        """Begin a hook, unless that was done before or the container does not run; nobody waits for it. Raises KernelError."""
        bundle = self._places.pod(uid).bundle(name, attempt)
        if bundle.is_running(self.exits):
            mounts.inside(lambda: hooks.begin(self._places, bundle, kind, hook))

    def note_health(self, uid: str, name: str, attempt: int, health: Health) -> None:
        """Write down what probes found of an attempt. Needs no lock: it is one file of the attempt's own, and one writer."""
        health_file.note(self._places.pod(uid).bundle(name, attempt), health)

    def disk_usage(self, uid: str) -> DiskUsage:
        """Return what a Pod has on the disk. Needs no lock, and may take as long as there are files. Raises KernelError."""
        from netlab.kernel.disk_usage import measure  # noqa: PLC0415 - few Pods have a limit

        return measure(self._places.pod(uid))

    def note_eviction(self, uid: str, message: str) -> None:
        """Write down that a Pod is to be evicted, and why. Needs no lock: one file, one writer. Raises KernelError."""
        from netlab.kernel.disk_usage import note  # noqa: PLC0415 - few Pods have a limit

        note(self._places.pod(uid), message)

    def checker(self) -> Checker[Any]:
        """Return what asks the checks of probes, outside the lab's lock."""
        from netlab.kernel.checks import Checker  # noqa: PLC0415 - most labs have no probes

        return Checker(self._places, self._crun)

    def kill(self, uid: str) -> None:
        """End every process of the sandbox; logs and exit codes stay. Raises KernelError if a process does not end."""
        ending.kill_sandbox(self._places.pod(uid))

    def remove(self, uid: str) -> None:
        """End every process of the sandbox and clear away all of it; not there, nothing happens. Raises KernelError."""
        mounts.inside(lambda: ending.remove_sandbox(self._places, self._crun, self._places.pod(uid)))

    def remove_container(self, uid: str, name: str, attempt: int) -> None:
        """Clear an attempt before the next one: its log and how it ended are kept, of those before it nothing."""
        mounts.inside(lambda: ending.retire_attempt(self._places, self._crun, self._places.pod(uid), name, attempt))

    def sandbox_handle(self, uid: str) -> int:
        """Return a file descriptor, the caller's to close, that becomes readable when the Pod's sandbox ends (a pidfd).

        Raises:
            NotFound: no such sandbox runs.
        """
        process = self._places.pod(uid).pause_process()
        try:
            handle = os.pidfd_open(process.pid) if process else None
        except ProcessLookupError:
            handle = None
        if handle is not None and processes.is_alive(process):  # the pid is that of the same process still
            return handle
        if handle is not None:
            os.close(handle)
        raise NotFound("the Pod's sandbox does not run")

    def log_path(self, uid: str, container: str, *, previous: bool = False) -> Path:
        """Return the file with a container's output (CRI's format), of the newest run or the one before; it may not exist."""
        pod = self._places.pod(uid)
        newest = max(pod.attempts(container), default=0)
        return pod.bundle(container, newest - previous).disk / "log"

    def pids(self) -> list[int]:
        """Return all processes of the lab: pause, conmon, and everything in containers. Found in /proc, not in records."""
        own = {process.pid for process in ending.makers(self._places.made_in)}
        return sorted((own | cgroups.pids(self._places.lab)) - {os.getpid()})

    def clean(self, beside: Callable[[], None] = lambda: None) -> None:
        """Clear away everything of the lab, also what no record speaks of.

        Args:
            beside: called in a thread of its own when the processes have ended, while other programs remove their many files;
                all that has ended when this returns.

        Raises:
            KernelError: something cannot be removed, or is still there afterwards.
        """
        pods = self._places.pods()
        ending.kill_all(pods)
        # What is left to do are short calls, for which several threads would only wait for each other.
        errors = mounts.each({pod.uid: (pod,) for pod in pods}, lambda pod: ending.end_sandbox(self._crun, pod), workers=1)
        for error in filter(None, errors.values()):
            raise error
        mounts.inside(lambda: ending.end_unrecorded(self._places, self._crun, pods))

        def files() -> None:
            remove_trees([pod.disk for pod in pods])  # most of them
            with translated("unmount", self._places.skeleton):
                mounts.unmount(self._places.skeleton)
            remove_trees(self._places.all)

        run_in_threads([files, lambda: ending.remove_cgroups(self._places), beside])
        left = [f"process {pid}" for pid in self.pids()] + [str(path) for path in cgroups.directories(self._places.lab)]
        if left:
            raise KernelError(f"of lab {self._places.lab} is left: {', '.join(left[:10])}")


def _healing(start: Callable[[], None]) -> None:
    """Start something again if another command made it meanwhile: one that was killed while a program was being called for it.

    Until that program is loaded nobody can see whose it is; then what it made is a half, and cleared like all halves.
    """
    try:
        start()
    except AlreadyMade:
        start()
