"""What is done to the processes of a Pod, step by step; as text, what `plan` prints. Those of an end are in stopping.py."""

from __future__ import annotations

from netlab.desired.restarts import Backoff
from netlab.frozen import dataclass
from netlab.netstate.process import Sandbox
from netlab.plan.stopping import RunHook, StopContainer


@dataclass(frozen=True, slots=True, kw_only=True)
class StartSandbox:
    """Make the Pod's directory and its pause process; alive already, nothing happens, and a detached one is ended first."""

    sandbox: Sandbox

    def __str__(self) -> str:
        return f"start sandbox {self.sandbox.uid} in {self.sandbox.netns}"


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteFiles:
    """Bring the files of the Pod's volumes up to date, under the eyes of its containers."""

    sandbox: Sandbox

    def __str__(self) -> str:
        return f"write files of {', '.join(volume.name for volume in self.sandbox.files)} of {self.sandbox.uid}"


@dataclass(frozen=True, slots=True, kw_only=True)
class StartContainer:
    """Start one container as this attempt. `backoff`, if any, is to be stored before."""

    sandbox: Sandbox
    name: str
    attempt: int
    backoff: Backoff | None = None

    def __str__(self) -> str:
        return f"start container {self.name} of {self.sandbox.uid}, attempt {self.attempt}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Terminate:
    """Send TERM to the main process of each of these containers, once."""

    uid: str
    names: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"send TERM to the containers of {self.uid}: {', '.join(self.names)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    """End every process of the sandbox, keep its logs and exit codes."""

    uid: str

    def __str__(self) -> str:
        return f"kill sandbox {self.uid}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Remove:
    """End every process of the sandbox and clear away all its files."""

    uid: str

    def __str__(self) -> str:
        return f"remove sandbox {self.uid}"


ProcessStep = StartSandbox | WriteFiles | StartContainer | RunHook | StopContainer | Terminate | Kill | Remove
