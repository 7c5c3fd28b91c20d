"""The machine itself, looked at and never changed: who we are, what is mounted. Source: proc(5)."""

from __future__ import annotations

import os
from pathlib import Path

from netlab.errors import HostUnready

MOUNTINFO = Path("/proc/self/mountinfo")


def require_root() -> None:
    """Raise HostUnready unless the effective user is root."""
    if os.geteuid() != 0:
        raise HostUnready("netlab makes network namespaces, and for that it must be root: repeat with sudo")


def mounts_below(directory: Path) -> list[str]:
    """Return the mount points at or below `directory`, in the order in which they were made."""
    text = str(directory)
    points = (line.split()[4].encode().decode("unicode_escape") for line in MOUNTINFO.read_text().splitlines())
    return [point for point in points if point == text or point.startswith(f"{text}/")]
