"""Sandboxes in memory: the Fake of kernel.port.Runtime. Programs run until a test ends them (`exits`), times come from a clock.

It is as strict as the real one about order: a container needs a living sandbox, an attempt that is there is not started
again, and a sandbox that was removed is gone with all of its runs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from netlab.errors import KernelError, NetlabError, NotFound
from netlab.netstate.health import Health
from netlab.netstate.hooks import Hook, HookKind, HookState
from netlab.netstate.process import ContainerRun, Sandbox, SandboxStatus
from netlab.netstate.volume import digest_of

Item = TypeVar("Item")
KILLED = 137


class FakeRuntime:
    """Sandboxes by Pod uid. `unknown` are programs that cannot be started; `stubborn` are uids that ignore TERM."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.sandboxes: dict[str, SandboxStatus] = {}
        self.unknown: set[str] = set()
        self.stubborn: set[str] = set()
        self.hooks: list[tuple[str, int, HookKind]] = []
        self._clock = clock

    def prepare(self) -> None:
        """Memory is always ready."""

    def version(self) -> str:
        """Return a version that is none of crun's."""
        return "fake://1.0"

    def each(
        self, work: Mapping[str, Sequence[Item]], do: Callable[[Item], object], beside: Callable[[], None] = lambda: None
    ) -> dict[str, NetlabError | None]:
        """One row after the other, before them what is to be done beside; return the error that ended each."""
        if work:
            beside()
        results: dict[str, NetlabError | None] = {}
        for key, items in work.items():
            results[key] = None
            try:
                for item in items:
                    do(item)
            except NetlabError as error:
                results[key] = error
        return results

    def observe(self) -> dict[str, SandboxStatus]:
        """Return all sandboxes, by Pod uid."""
        return dict(self.sandboxes)

    def start_sandbox(self, sandbox: Sandbox, first: str | None = None) -> None:
        """Make a sandbox, or its pause process anew; runs of before are kept."""
        known = self.sandboxes.get(sandbox.uid)
        if known and not known.alive:
            self._end_all(sandbox.uid, KILLED)
            known = self.sandboxes[sandbox.uid]
        status = known or SandboxStatus(uid=sandbox.uid, alive=False)
        began = status.started_at if status.alive else self._clock()
        self.sandboxes[sandbox.uid] = replace(
            status, alive=True, detached=False, started_at=began, files=digest_of(sandbox.files)
        )
        if first is not None:
            self.start_container(sandbox, first, 0)

    def start_container(self, sandbox: Sandbox, name: str, attempt: int) -> None:
        """Start an attempt. Raises KernelError without a living sandbox, NotFound for a container it does not have."""
        status = self.sandboxes.get(sandbox.uid)
        if status is None or not status.alive:
            raise KernelError(f"sandbox {sandbox.uid} is not alive")
        process = next((item for item in sandbox.containers if item.name == name), None)
        if process is None:
            raise NotFound(f"sandbox {sandbox.uid} has no container {name}")
        if any(run.name == name and run.attempt == attempt for run in status.runs):
            return
        run = ContainerRun(
            name=name, attempt=attempt, state="running", started_at=self._clock(), revision=process.revision,
            id=f"{sandbox.uid}-{name}-{attempt}",
        )  # fmt: skip
        if process.args[0] in self.unknown:
            run = replace(run, state="failed", error=f"exec: {process.args[0]}: not found", finished_at=self._clock())
        self._put(sandbox.uid, run)

    def remove_container(self, uid: str, name: str, attempt: int) -> None:
        """Nothing of an ended attempt is kept but how it ended, which the next one replaces."""

    def stop_container(self, uid: str, name: str, attempt: int, *, force: bool) -> None:
        """End one container with code 0 or 137; a stubborn Pod's only with `force`."""
        for run in self.sandboxes[uid].runs:
            if (run.name, run.attempt, run.state) == (name, attempt, "running"):
                self._put(uid, replace(run, stopping_at=run.stopping_at or self._clock(), term_at=self._clock()))
                if force or uid not in self.stubborn:
                    self.exits(uid, name, KILLED if force else 0)

    def run_hook(self, uid: str, name: str, attempt: int, kind: HookKind, hook: Hook | None) -> None:
        """Begin a hook, once; a test ends it (`hook_ends`). Raises KernelError for one that was begun before."""
        run = next(run for run in self.sandboxes[uid].runs if (run.name, run.attempt) == (name, attempt))
        self.hooks.append((name, attempt, kind))
        if len(set(self.hooks)) < len(self.hooks):
            raise KernelError(f"hook {kind} of container {name}, attempt {attempt}, was begun before")
        how: HookState = "running" if hook else "failed"
        changed = {"post_start": how} if kind == "postStart" else {"pre_stop": how, "stopping_at": self._clock()}
        self._put(uid, replace(run, **changed))

    def hook_ends(self, uid: str, name: str, how: HookState = "done") -> None:
        """The hook of a container that is running ends."""
        run = next(run for run in self.sandboxes[uid].runs if run.name == name)
        self._put(uid, replace(run, pre_stop=how) if run.pre_stop == "running" else replace(run, post_start=how))

    def note_health(self, uid: str, name: str, attempt: int, health: Health) -> None:
        """Keep what probes found of a run."""
        for run in self.sandboxes[uid].runs if uid in self.sandboxes else ():
            if (run.name, run.attempt) == (name, attempt):
                self._put(uid, replace(run, health=health))

    def terminate(self, uid: str, names: Sequence[str]) -> None:
        """End these containers with code 0, unless the Pod is stubborn."""
        if uid in self.sandboxes:
            self.sandboxes[uid] = replace(self.sandboxes[uid], terminating=True)
            for run in self.sandboxes[uid].runs if uid not in self.stubborn else ():
                if run.state == "running" and run.name in names:
                    self.exits(uid, run.name, 0)

    def kill(self, uid: str) -> None:
        """End all running containers with code 137, and the sandbox."""
        if uid in self.sandboxes:
            self._end_all(uid, KILLED)
            self.sandboxes[uid] = replace(self.sandboxes[uid], alive=False, detached=False)

    def remove(self, uid: str) -> None:
        """Forget the sandbox."""
        self.sandboxes.pop(uid, None)

    def detach(self, uid: str) -> None:
        """Somebody deletes the Pod's network namespace under its processes."""
        self.sandboxes[uid] = replace(self.sandboxes[uid], alive=False, detached=True)

    def exits(self, uid: str, name: str, code: int) -> None:
        """The program of a running container ends by itself with this code."""
        run = next(run for run in self.sandboxes[uid].runs if run.name == name and run.state == "running")
        self._put(uid, replace(run, state="exited", exit_code=code, finished_at=self._clock()))

    def _end_all(self, uid: str, code: int) -> None:
        for run in self.sandboxes[uid].runs:
            if run.state == "running":
                self.exits(uid, run.name, code)

    def _put(self, uid: str, run: ContainerRun) -> None:
        status = self.sandboxes[uid]
        before = {item.name: item for item in status.previous}
        runs = {item.name: item for item in status.runs}
        if run.name in runs and runs[run.name].attempt < run.attempt:
            before[run.name] = runs[run.name]
        runs[run.name] = run
        newest, previous = (tuple(found[name] for name in sorted(found)) for found in (runs, before))
        self.sandboxes[uid] = replace(status, runs=newest, previous=previous)
