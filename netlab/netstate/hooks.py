"""A hook of a container: what is done once at its start or before its end, and how that stands."""

from __future__ import annotations

from typing import Literal, TypeAlias

from netlab.frozen import dataclass
from netlab.netstate.health import ExecCheck, HttpCheck

HookKind = Literal["postStart", "preStop"]


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait for so many seconds."""

    seconds: float


Hook: TypeAlias = ExecCheck | HttpCheck | Pause
HookState = Literal["", "running", "done", "failed"]
"""Empty: not begun. A hook of which nobody knows how it ended (its process was killed) counts as done."""
