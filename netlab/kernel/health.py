"""The file `health` of a bundle: what probes found of this run of a container. It outlives the agent, which writes it.

One line: `started` or `-`, `ready` or `-`, since when (seconds since the epoch), the probe that wants it ended or `-`.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Final

from netlab.errors import KernelError
from netlab.kernel.files import replace_text
from netlab.kernel.poddir import Bundle
from netlab.netstate.health import UNPROBED, Health

FIELDS: Final = 4


def health_of(bundle: Bundle) -> Health:
    """Return what is written down; nothing yet, and a line that cannot be read, mean that nothing was found."""
    words = (bundle.read("health") or "").split()
    if len(words) != FIELDS:
        return UNPROBED
    try:
        since = float(words[2])
    except ValueError:
        return UNPROBED
    return Health(started=words[0] != "-", ready=words[1] != "-", since=since, failed=words[3].strip("-"))


def note(bundle: Bundle, health: Health) -> None:
    """Write it down; if the attempt was cleared away meanwhile there is nothing to be said of it. Raises KernelError."""
    line = f"{'started' if health.started else '-'} {'ready' if health.ready else '-'} {health.since} {health.failed or '-'}\n"
    try:
        replace_text(bundle.path / "health", line)
    except KernelError:
        with suppress(FileNotFoundError):
            os.stat(bundle.path)  # noqa: PTH116 - still there: the trouble is a real one
            raise
