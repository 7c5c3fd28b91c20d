"""What a reconciliation did: how many changes, how long each part took, what went wrong, when to look again."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from netlab.desired.health_checks import Check
from netlab.desired.probing import Patient
from netlab.model.pod import Pod
from netlab.netstate.listening import Listener
from netlab.netstate.state import NetState
from netlab.plan.steps import Step, explained


@dataclass(slots=True, kw_only=True)
class Report:
    """Filled while it goes on.

    `changes` counts changes of Linux and of processes; `timings` are seconds by part, for the breakdown; `problems` are
    sentences for the user; `wake_at` is the next moment (seconds since the epoch) at which there may be something to do;
    `steps` are all changes in order, those of processes in words;
    `patients` are the containers that run and have probes, `limited` the Pods that may not fill the disk; `health_checks` is
    what load balancers may ask the Nodes. `wrote_whole` tells whether rules were written as whole tables, `forgotten_flows` how
    many UDP flows were taken from endpoints that had gone. `observed` is the network as it was found last, None since it was
    changed.
    """

    changes: int = 0
    rounds: int = 0
    timings: dict[str, float] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    wake_at: float | None = None
    steps: list[Step | str] = field(default_factory=list)
    patients: tuple[Patient, ...] = ()
    limited: tuple[Pod, ...] = ()
    health_checks: Mapping[Listener, Check] = field(default_factory=dict)
    wrote_whole: bool = False
    forgotten_flows: int = 0
    observed: NetState | None = None

    @property
    def lines(self) -> Iterator[str]:
        """The steps as text, those of the network as the commands that do them by hand, each with its reason."""
        return (step if isinstance(step, str) else explained(step) for step in self.steps)

    @contextmanager
    def timed(self, part: str) -> Iterator[None]:
        """Add the time the block takes to `part`."""
        begun = time.perf_counter()
        try:
            yield
        finally:
            self.timings[part] = self.timings.get(part, 0.0) + time.perf_counter() - begun
