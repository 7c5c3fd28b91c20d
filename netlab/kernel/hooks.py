"""Hooks as processes of their own: begun once, outliving whoever began them, their end written down beside the container.

    hook-<kind>          claimed: exclusive creation makes sure that nobody begins it twice; holds the process
    hook-<kind>.json     what is to be done, for that process (hook_process.py)
    hook-<kind>.end      how it ended

A hook whose process was killed has no end and counts as done: it may have been, and is never done twice.
Neither the lab's lock nor a round of the engine waits for it; its end is seen by those who wait for containers to end.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final

from netlab.errors import KernelError
from netlab.kernel import processes
from netlab.kernel.detached import KEPT_VARIABLES
from netlab.kernel.files import replace_text, touch, translated
from netlab.kernel.poddir import Bundle, LabDirectories
from netlab.netstate.health import ExecCheck, HttpCheck
from netlab.netstate.hooks import Hook, HookKind, HookState, Pause
from netlab.netstate.names import NetnsName

_KINDS: Final[Mapping[str, type[Hook]]] = {cls.__name__: cls for cls in (ExecCheck, HttpCheck, Pause)}
_begun: list[subprocess.Popen[bytes]] = []  # children of this process, to be collected


def begin(places: LabDirectories, bundle: Bundle, kind: HookKind, hook: Hook | None) -> None:
    """Begin a hook, unless that was done before; one that cannot be done (None) has failed. Raises KernelError."""
    claim = bundle.path / f"hook-{kind}"
    if kind == "preStop" and bundle.read("stopping") is None:  # first: its end must not be taken for the program's own
        replace_text(bundle.path / "stopping", "its preStop hook was begun\n")
    with translated("make", claim):
        try:
            handle = os.open(claim, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except FileExistsError:
            return
    try:
        if hook is None:
            end(places, bundle, kind, success=False)
            return
        replace_text(bundle.path / f"hook-{kind}.json", json.dumps([type(hook).__name__, asdict(hook)]))
        process = _start(places, bundle, kind)
        os.write(handle, str(processes.find(process.pid)).encode())
    finally:
        os.close(handle)


def _start(places: LabDirectories, bundle: Bundle, kind: HookKind) -> subprocess.Popen[bytes]:
    words = [str(places.state), str(places.data), places.lab, str(bundle.path), str(bundle.disk), bundle.id, kind]
    env = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
    with translated("write", bundle.path), (bundle.path / "hook.err").open("ab") as complaints:
        try:
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", "netlab.kernel.hook_process", *words],
                stdin=subprocess.DEVNULL, stdout=complaints, stderr=complaints, env=env, cwd="/", start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            raise KernelError(f"start {sys.executable}: {error.strerror}") from error
    _begun.append(process)
    return process


def read_hook(bundle: Bundle, kind: str) -> Hook:
    """Return what a hook is to do, as `begin` wrote it down. Raises KernelError if nothing stands there."""
    text = bundle.read(f"hook-{kind}.json")
    if text is None:
        raise KernelError(f"{bundle.path}: no hook {kind}")
    name, fields = json.loads(text)
    return _KINDS[name](**_typed(fields))


def _typed(fields: dict[str, Any]) -> dict[str, Any]:
    """JSON has lists for tuples."""
    if "headers" in fields:
        fields["headers"] = tuple((name, value) for name, value in fields["headers"])
        fields["netns"] = NetnsName(fields["netns"])
    if "args" in fields:
        fields["args"] = tuple(fields["args"])
    return fields


def end(places: LabDirectories, bundle: Bundle, kind: str, *, success: bool) -> None:
    """Write down how a hook ended, and let those know who wait for containers. Raises KernelError."""
    replace_text(bundle.path / f"hook-{kind}.end", "done\n" if success else "failed\n")
    touch(places.exits / ".hook")


def state(bundle: Bundle, kind: HookKind) -> HookState:
    """Return how a hook of an attempt stands."""
    _begun[:] = [process for process in _begun if process.poll() is None]
    claimed = bundle.read(f"hook-{kind}")
    if claimed is None:
        return ""
    ended = bundle.read(f"hook-{kind}.end")
    if ended is None and processes.is_alive(processes.parse(claimed)):
        return "running"
    ended = ended or bundle.read(f"hook-{kind}.end")  # it may have ended between the two looks
    return "failed" if ended == "failed\n" else "done"
