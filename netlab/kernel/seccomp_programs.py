"""The seccomp filters of a lab's containers, each compiled once: by crun, of the first container; the others are given that.

To compile one takes crun as long as to load itself, and more than its mounts. It leaves the program for the kernel beside its
state of the container, until that goes; a copy is kept with the lab's state, which no reboot outlives. A crun that leaves none,
or takes none, compiles each time: the rules stand in every config.json all the same.
Source: crun(1), run.oci.seccomp_bpf_data.
"""

from __future__ import annotations

import base64
import os
from dataclasses import replace
from pathlib import Path

from netlab.kernel.files import make_directory, read, replace_text
from netlab.kernel.seccomp import PROFILE, Filter, seccomp_filter
from netlab.netstate.names import digest


class Filters:
    """The filters by the capabilities of containers. `kept` is the directory of the programs; several threads may ask."""

    def __init__(self, kept: Path) -> None:
        self._kept = kept
        self._known: dict[frozenset[str], Filter] = {}

    def find(self, capabilities: frozenset[str]) -> Filter:
        """Return the filter for containers with these capabilities. Raises HostUnready for a profile that cannot be used."""
        found = self._known.get(capabilities) or self._made(capabilities)
        if not found.program:
            found = replace(found, program=read(self._kept / found.name) or "")
        self._known[capabilities] = found
        return found

    def keep(self, found: Filter, compiled: Path) -> None:
        """Keep what a filter was compiled to, unless it is known or not there. Raises KernelError."""
        if not found.program and compiled.is_file():
            make_directory(self._kept, 0o700)
            replace_text(self._kept / found.name, base64.b64encode(compiled.read_bytes()).decode())

    @staticmethod
    def _made(capabilities: frozenset[str]) -> Filter:
        machine, profile = os.uname(), PROFILE.read_text()
        rules = seccomp_filter(profile, machine=machine.machine, kernel=machine.release, capabilities=capabilities)
        return Filter(digest(profile, machine.machine, machine.release, *sorted(capabilities)), rules)
