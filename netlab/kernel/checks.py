"""The checks of probes, asked many at a time: one loop, sockets that do not block, no thread for each.

A check asks from a Node: a socket belongs for ever to the network namespace of the thread that made it, so this thread enters
the Node's namespace for that one system call and returns at once; between two checks no namespace is held. A command in a
container is a process of its own (kernel/exec_check.py), whose end the same loop waits for.
Nothing of it holds the lab's lock, and nothing waits longer than its timeout.
Source: setns(2), connect(2) (EINPROGRESS); Python's ssl, non-blocking sockets.
"""

from __future__ import annotations

import heapq
import itertools
import os
import selectors
import socket
import time
from collections.abc import Callable
from typing import Final, Generic, TypeVar

from netlab.errors import KernelError
from netlab.kernel import netns
from netlab.kernel.connection import Connection
from netlab.kernel.crun import Crun
from netlab.kernel.exec_check import RunningCommand
from netlab.kernel.poddir import LabDirectories
from netlab.netstate.health import Check, ExecCheck, Outcome, SocketCheck

READ: Final = selectors.EVENT_READ

Ticket = TypeVar("Ticket")


class Checker(Generic[Ticket]):
    """Asks checks, each under a ticket of the caller's.

    All methods but `wake` belong to one thread, which is not the main one.
    """

    def __init__(self, places: LabDirectories, crun: Crun, clock: Callable[[], float] = time.monotonic) -> None:
        self._places, self._crun, self._clock = places, crun, clock
        self._selector = selectors.DefaultSelector()
        self._wake = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._selector.register(self._wake, READ, lambda _: os.eventfd_read(self._wake))
        self._numbers = itertools.count()
        self._deadlines: list[tuple[float, int]] = []
        self._asked: dict[int, Connection | RunningCommand] = {}
        self._outcomes: list[tuple[Ticket, Outcome]] = []
        self._home: int | None = None

    def wake(self) -> None:
        """Make `wait` return now; any thread may call this."""
        os.eventfd_write(self._wake, 1)

    def submit(self, ticket: Ticket, check: Check, timeout_s: float) -> None:
        """Begin to ask; the outcome comes out of `wait`, after `timeout_s` at the latest."""
        number, deadline = next(self._numbers), self._clock() + timeout_s

        def ended(outcome: Outcome) -> None:
            if self._asked.pop(number, None) is not None:
                self._outcomes.append((ticket, outcome))

        try:
            if isinstance(check, ExecCheck):
                self._asked[number] = RunningCommand(self._places, self._crun, self._selector, check, ended)
            else:
                self._asked[number] = Connection(self._selector, self._new_socket, check, ended)
        except (OSError, KernelError) as error:
            self._outcomes.append((ticket, Outcome(success=None, text=str(getattr(error, "strerror", None) or error))))
            return
        heapq.heappush(self._deadlines, (deadline, number))
        self._asked[number].begin()

    def wait(self, timeout_s: float | None) -> list[tuple[Ticket, Outcome]]:
        """Return the outcomes there are, as soon as there is one; none after `timeout_s`, or when woken."""
        now = self._clock()
        until = [now + timeout_s] if timeout_s is not None else []
        until += [self._deadlines[0][0]] if self._deadlines else []
        pause_s = 0.0 if self._outcomes else max(0.0, min(until) - now) if until else None
        for key, events in self._selector.select(pause_s):
            if self._selector.get_map().get(key.fd) is key:  # else it was closed by what came before it in this very round
                key.data(events)
        now = self._clock()
        while self._deadlines and (self._deadlines[0][0] <= now or self._deadlines[0][1] not in self._asked):
            asked = self._asked.get(heapq.heappop(self._deadlines)[1])
            if asked is not None:
                asked.give_up()
        found, self._outcomes = self._outcomes, []
        return found

    def close(self) -> None:
        """Give up what is still asked, and everything that is open."""
        for asked in list(self._asked.values()):
            asked.give_up()
        self._selector.close()
        os.close(self._wake)
        if self._home is not None:
            os.close(self._home)

    def _new_socket(self, check: SocketCheck) -> socket.socket:
        """Return a socket of the check's namespace. Raises OSError, KernelError."""
        if self._home is None:
            self._home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        there = netns.open_netns(check.netns)
        if there is None:
            raise KernelError(f"{check.netns}: no such network namespace")
        try:
            netns.enter(there)
            family = socket.AF_INET6 if ":" in check.host else socket.AF_INET
            return socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        finally:
            netns.enter(self._home)
            os.close(there)
