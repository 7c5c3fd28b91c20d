"""The health ports: one thread of the agent that tells load balancers which Nodes have endpoints of a Service.

It listens in the Nodes' namespaces where the newest report of a reconciliation says so, and answers by it. Whether the agent
itself keeps up is part of every answer: a change that waits for too long makes all Nodes unhealthy. With the agent all ports
are closed, and a load balancer stays away; the next agent listens again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Protocol

from netlab.desired.health_checks import UNAVAILABLE, Check, ProxyHealth, ServiceCheck, answer
from netlab.engine.session import Clock
from netlab.model.event import Event, event_of
from netlab.model.meta import Key
from netlab.netstate.links import socket_text
from netlab.netstate.listening import Listener, Reply


class Servers(Protocol):
    """What listens and answers."""

    def listen(self, wanted: Collection[Listener]) -> dict[Listener, str]:
        """Listen there, and nowhere else; return those that cannot be had, and why."""
        ...

    def wait(self, timeout_s: float | None = None) -> None:
        """Serve whoever is there."""
        ...

    def wake(self) -> None:
        """Make `wait` return."""
        ...


class HealthPorts:
    """Listens for load balancers.

    Args:
        new_servers: makes what listens, out of what answers.
        clock: seconds since the epoch.
        wake: makes the agent look at the lab, for Events to be kept; called from the thread.
        say: takes a line for the agent's log.
    """

    def __init__(
        self,
        new_servers: Callable[[Callable[[Listener, str], Reply]], Servers],
        clock: Clock,
        wake: Callable[[], None],
        say: Callable[[str], None],
    ) -> None:
        self._servers = new_servers(self._reply)
        self._clock, self._wake, self._say = clock, wake, say
        self._guard = threading.Lock()
        self._proxy = ProxyHealth()
        self._checks: Mapping[Listener, Check] = {}
        self._is_new = False
        self._events: list[tuple[Event, float]] = []
        self._told: frozenset[str] = frozenset()
        self._thread: threading.Thread | None = None

    def look_begins(self) -> None:
        """There may be changes from now on that wait for their rules."""
        if self._proxy.waiting_since is None:
            self._proxy = self._proxy._replace(waiting_since=self._clock())

    def look_ended(self, checks: Mapping[Listener, Check]) -> None:
        """The rules are as wished; this is what is asked and where, from now on."""
        with self._guard:
            self._proxy = ProxyHealth(updated_at=self._clock())
            self._checks, self._is_new = checks, True
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="health ports", daemon=True)
            self._thread.start()
        else:
            self._servers.wake()

    def news(self) -> list[tuple[Event, float]]:
        """Return what happened since the last call, and when."""
        with self._guard:
            found, self._events = self._events, []
        return found

    def turn(self) -> None:
        """Listen where it is new, and serve who is there."""
        with self._guard:
            checks, is_new, self._is_new = self._checks, self._is_new, False
        try:
            if is_new:
                failures = self._servers.listen(checks.keys())
                self._tell([_failed(listener, checks[listener], why) for listener, why in failures.items()])
            self._servers.wait()
        except OSError as error:  # this process has no more files: other work goes on, and the next report comes
            self._say(f"error: health ports: {error.strerror}")

    def _run(self) -> None:
        while True:
            self.turn()

    def _reply(self, listener: Listener, path: str) -> Reply:
        check = self._checks.get(listener)  # a client may come before a socket is closed that nobody wants any more
        return answer(check, path, self._proxy, self._clock()) if check else Reply(UNAVAILABLE, "")

    def _tell(self, events: Iterable[Event]) -> None:
        """What cannot be listened at is said once, and again after it could."""
        failing = {event.message: event for event in events}
        new = failing.keys() - self._told
        self._told = frozenset(failing)
        if new:
            with self._guard:
                self._events += [(failing[message], self._clock()) for message in sorted(new)]
            self._wake()


def _failed(listener: Listener, check: Check, why: str) -> Event:
    """Return what kube-proxy says of it. Source: service_health.go, proxy_health.go, cmd/kube-proxy/app/server.go."""
    listen = f"listen tcp {socket_text(listener.address, listener.port)}: {why}"
    if isinstance(check, ServiceCheck):
        name = f'"{check.service.namespace}/{check.service.name}"'
        message = f"node {check.node} failed to start healthcheck {name} on port {listener.port}: {listen}"
        return event_of(check.service, "Warning", "FailedToStartServiceHealthcheck", message)
    about = Key("Node", "", check.node)
    return event_of(about, "Warning", "FailedToStartProxierHealthcheck", f"failed to start proxy healthz: {listen}")
