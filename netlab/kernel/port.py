"""The port between decisions and Linux: what a network must do. `linux.py` is the real one, `fake.py` the strict Fake.

Both pass the same contract tests (tests/contract), so a decision tested on the Fake holds on Linux.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from netlab.netstate.names import NetnsName
from netlab.netstate.state import NetState
from netlab.plan.steps import Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What may be seen and changed: the namespaces whose `names` are recorded and whose loopback carries `mark` (law 4).

    A recorded name without the mark belongs to somebody else: it is not observed, and a step that would use it fails.
    """

    mark: str
    names: frozenset[NetnsName]


class Network(Protocol):
    """Linux' network namespaces, as netlab uses them."""

    def observe(self, scope: Scope) -> NetState:
        """Return what exists of `scope` in Linux' words. Raises KernelError if the kernel refuses to tell."""
        ...

    def apply(self, scope: Scope, steps: Sequence[Step]) -> None:
        """Do the steps in order; done ones change nothing. Raises KernelError naming the step, the namespace and the reason."""
        ...
