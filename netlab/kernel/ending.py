"""Ending sandboxes and containers, whole ones and halves that a crash left. Nobody is signalled by name: only by record.

The kernel ends a Pod's PID namespace with its pause process; containers with a PID namespace of their own end with their
main process. conmon then writes the exit file and ends by itself.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final

from netlab.errors import KernelError
from netlab.kernel import cgroups, processes, root
from netlab.kernel.crun import Crun
from netlab.kernel.files import remove_tree, replace_text
from netlab.kernel.poddir import Bundle, LabDirectories, PodDirectory, Run
from netlab.kernel.processes import Process

DEADLINE_S: Final = 10.0
FINISH_S: Final = 0.5
_ROUNDS: Final = 20
_RUNTIME_PROGRAMS: Final = frozenset({"conmon", "crun", "pause"})


def pause_mark(path: Path) -> str:
    """Return the environment line by which the pause processes of a Pod directory (or of all below one) are known."""
    return f"NETLAB_SANDBOX={path}/"


def terminate_sandbox(places: LabDirectories, pod: PodDirectory, names: Iterable[str]) -> None:
    """Send TERM to the main process of each of these containers that runs, once in the life of the sandbox."""
    mark = pod.path / "terminating"
    if not pod.path.exists() or mark.exists():
        return
    for bundle in (pod.bundle(name, attempt) for name in names for attempt in pod.attempts(name)[-1:]):
        run = bundle.run()
        if run and bundle.is_running(places.exits):
            processes.send(run.main, stop_signal(bundle))
    replace_text(mark, "TERM was sent\n")


def stop_signal(bundle: Bundle) -> signal.Signals:
    """Return the signal that its image wishes to be ended by, as a name or a number; TERM without a (known) wish."""
    word = (bundle.read("stop-signal") or "").strip().upper()
    named = {item.name: item for item in signal.Signals} | {str(int(item)): item for item in signal.Signals}
    return named.get(word) or named.get(f"SIG{word}", signal.SIGTERM)


def stop_container(places: LabDirectories, pod: PodDirectory, container: str, attempt: int, *, force: bool) -> None:
    """Send the stop signal, or with `force` KILL, to one container that another one is to replace; once it is written down."""
    bundle = pod.bundle(container, attempt)
    run = bundle.run()
    if run is None or not bundle.is_running(places.exits):
        return
    if bundle.read("stopping") is None:  # before the signal: its end must not be taken for the program's own
        replace_text(bundle.path / "stopping", "TERM was sent\n")
    if bundle.read("term") is None:
        replace_text(bundle.path / "term", "TERM was sent\n")
    processes.send(run.main, signal.SIGKILL if force else stop_signal(bundle))


def kill_sandbox(pod: PodDirectory) -> None:
    """End all processes of a sandbox and wait for the exit files. Raises KernelError if a process does not end."""
    _kill(pod, _runs(pod))


def _kill(pod: PodDirectory, runs: Sequence[Run]) -> None:
    if left := processes.kill([pod.pause_process(), *(run.main for run in runs)], DEADLINE_S):
        raise KernelError(f"process {left[0]} of sandbox {pod.uid} does not end on SIGKILL")
    processes.wait([run.conmon for run in runs], DEADLINE_S)


def _runs(pod: PodDirectory) -> list[Run]:
    return [run for bundle in pod.bundles() if (run := bundle.run())]


def kill_all(pods: Iterable[PodDirectory]) -> None:
    """Send KILL to all processes of these sandboxes and wait for none: they end side by side while the first are cleared."""
    for pod in pods:
        for process in (pod.pause_process(), *(run.main for run in _runs(pod))):
            processes.send(process, signal.SIGKILL)


def end_sandbox(crun: Crun, pod: PodDirectory) -> None:
    """End all processes of a sandbox, those without a record too. Raises KernelError if one does not end."""
    if pod.path.exists():
        runs = _runs(pod)
        _kill(pod, runs)
        if pod.pause.read("process") is None or any(bundle.is_half_made() for bundle in pod.bundles()):
            end_makers([pod.path], lambda: _delete(crun, pod))
        processes.kill([run.conmon for run in runs], DEADLINE_S)


def remove_sandbox(places: LabDirectories, crun: Crun, pod: PodDirectory) -> None:
    """End all processes of a sandbox and clear away everything of it; its records go last, so this can be repeated."""
    end_sandbox(crun, pod)
    for name in _ids(crun, [pod]):
        crun.forget(name)  # nothing of it runs: `crun delete`, a program for each, would do just this
    cgroups.remove(places.lab, pod.uid)
    for path in places.exits.glob(f"{pod.prefix}*"):
        path.unlink(missing_ok=True)
    remove_tree(places.secrets(pod.uid))
    remove_tree(pod.disk)
    remove_tree(pod.path)


def _ids(crun: Crun, pods: Iterable[PodDirectory]) -> list[str]:
    """What crun knows of these Pods."""
    prefixes = tuple(pod.prefix for pod in pods)
    return [name for name in crun.ids() if name.startswith(prefixes)]


def _delete(crun: Crun, pod: PodDirectory) -> None:
    for name in _ids(crun, [pod]):
        crun.delete(name)


def retire_attempt(places: LabDirectories, crun: Crun, pod: PodDirectory, container: str, attempt: int) -> None:
    """Clear an ended attempt (killed if it is not) except for its log and records; earlier attempts wholly."""
    for number in pod.attempts(container):
        bundle = pod.bundle(container, number)
        if number < attempt:
            clear_bundle(places, crun, bundle)
        elif number == attempt:
            _end_bundle(places, crun, bundle)
            for name in root.WRITTEN:
                remove_tree(bundle.disk / name)


def clear_bundle(places: LabDirectories, crun: Crun, bundle: Bundle) -> None:
    """Clear everything of one attempt, whole or half."""
    _end_bundle(places, crun, bundle)
    (places.exits / bundle.id).unlink(missing_ok=True)
    remove_tree(bundle.disk)
    remove_tree(bundle.path)


def _end_bundle(places: LabDirectories, crun: Crun, bundle: Bundle) -> None:
    """Processes that a main process left behind end too: they are in its cgroup."""
    run = bundle.run()
    if bundle.is_half_made():
        end_makers([bundle.path], lambda: crun.delete(bundle.id))
    crun.delete(bundle.id)
    if run is not None:
        processes.wait([run.conmon], DEADLINE_S)
    cgroups.remove(places.lab, bundle.path.parents[2].name, bundle.path.parent.name)


def end_makers(paths: Iterable[Path], forget: Callable[[], None]) -> None:
    """End every conmon and crun that works in these directories without a record: the command that called them was killed.

    A crun at work may finish, so that `forget` (called here) ends what it made while a conmon lives to collect the dead:
    process 1 of some machines takes seconds for that.
    """
    prefixes = [f"{path}/" for path in paths]
    processes.wait(makers(prefixes, frozenset({"crun"})), FINISH_S)
    forget()
    for _ in range(_ROUNDS):  # a crun may have been started while we looked
        found = list(makers(prefixes))
        if not found:
            return
        processes.kill(found, DEADLINE_S)
    raise KernelError(f"process {found[0].pid} in {prefixes[0]} does not end on SIGKILL")


def makers(prefixes: list[str], names: frozenset[str] = _RUNTIME_PROGRAMS) -> Iterable[Process]:
    """Yield the runtime's processes (conmon, crun, pause) that were given a path with one of these prefixes.

    By its mark a pause process counts as given the directory of its bundle: crun begins it a little before it notes it.
    """

    def belongs(name: str, args: list[str], pid: int) -> bool:
        words = args
        if name == "pause":
            words = [f"{line.removeprefix('NETLAB_SANDBOX=')}pause" for line in processes.environment(pid)]
        return any(f"{word.removeprefix('--root=')}/".startswith(prefix) for word in words for prefix in prefixes)

    return processes.scan(belongs, names)


def end_unrecorded(places: LabDirectories, crun: Crun, pods: Iterable[PodDirectory]) -> None:
    """End what runs of a lab beside these sandboxes, which have ended: the records of others are lost. Raises KernelError."""

    def forget() -> None:
        for name in set(crun.ids()).difference(ended):
            crun.delete(name)

    ended = _ids(crun, pods)
    end_makers([places.state / "pods", places.crun], forget)
    forget()


def remove_cgroups(places: LabDirectories) -> None:
    """Remove the cgroups of a lab; processes in them end. Raises KernelError if one does not, or a directory stays."""
    cgroups.remove(places.lab)
    cgroups.remove_root_if_empty()
