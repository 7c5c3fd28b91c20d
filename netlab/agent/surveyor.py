"""The surveyor: one thread of the agent that looks how much Pods have written to the disk, outside the lab's lock.

Every ten seconds, as a kubelet, it measures the Pods that have limits. That one has written too much is noted beside its
processes, and the agent is woken, whose reconciliation evicts it. A lab without such Pods has no such thread.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from netlab.desired.disk_evictions import overfull
from netlab.errors import NetlabError
from netlab.model.pod import Pod
from netlab.netstate.volume import DiskUsage

EVERY_S: Final = 10.0


class Disk(Protocol):
    """What the surveyor needs of the container runtime."""

    def disk_usage(self, uid: str) -> DiskUsage:
        """Return what a Pod has on the disk. Raises KernelError."""
        ...

    def note_eviction(self, uid: str, message: str) -> None:
        """Write down why a Pod is to be evicted. Raises KernelError."""
        ...


class Surveyor:
    """Looks at the Pods that it is given; `wake` makes the agent look at the lab, `say` takes a line for the agent's log."""

    def __init__(self, disk: Disk, wake: Callable[[], None], say: Callable[[str], None]) -> None:
        self._disk, self._wake, self._say = disk, wake, say
        self._pods: Sequence[Pod] = ()
        self._wanted = threading.Event()
        self._thread: threading.Thread | None = None

    def watch(self, pods: Sequence[Pod]) -> None:
        """Look at these Pods, and no others, from now on."""
        self._pods = pods
        if pods:
            self._wanted.set()
        if pods and self._thread is None:
            self._thread = threading.Thread(target=self._run, name="surveyor", daemon=True)
            self._thread.start()

    def survey(self) -> None:
        """Measure every Pod once."""
        for pod in self._pods:
            try:
                if message := overfull(pod, self._disk.disk_usage(pod.metadata.uid)):
                    self._disk.note_eviction(pod.metadata.uid, message)
                    self._wake()
            except NetlabError as error:
                self._say(f"error: {error}")

    def _run(self) -> None:
        pause = threading.Event()
        while True:
            self._wanted.wait()
            self._wanted.clear()
            while self._pods:
                self.survey()
                pause.wait(EVERY_S)
