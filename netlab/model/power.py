"""Which machines of a lab are switched off, and what the control plane knows of it: the status of a Lab.

A Node whose machine is off is still a Node: it stays in `get nodes`, with all its Pods, until it is started again.
"""

from __future__ import annotations

from typing import Annotated

from netlab.frozen import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class MachinePower:
    """The last times (RFC 3339, UTC) at which a Node's machine was stopped and started.

    It is off while `stopped_at` is set. `noticed_at` is when the control plane gave it up, `notice_after_seconds` how long that
    takes.
    """

    name: Annotated[str, "node-name"]
    stopped_at: str = ""
    notice_after_seconds: Annotated[int, "non-negative"] = 0
    noticed_at: str = ""
    started_at: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabStatus:
    """`status` of a Lab. `machines` has those Nodes that were ever stopped."""

    machines: tuple[MachinePower, ...] = ()
