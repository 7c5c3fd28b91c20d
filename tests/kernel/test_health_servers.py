"""Answers at ports of namespaces: real clients, polite ones and others."""

from __future__ import annotations

import contextlib
import itertools
import os
import socket
import subprocess
import threading

import pytest

from netlab.kernel import health_servers, netns
from netlab.kernel.health_servers import MOST_CLIENTS, HealthServers
from netlab.netstate.listening import Listener, Reply

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.skipif(not os.environ.get("NETLAB_TEST_VM"), reason="runs inside scripts/test"),
]

NUMBERS = itertools.count(1)
GET = b"GET /where?x=1 HTTP/1.1\r\nHost: x\r\n\r\n"


class Place:
    """A namespace and servers in it, at work in a thread. `served` is set when a round of theirs is over."""

    def __init__(self):
        self.name = f"hs{os.getpid()}-{next(NUMBERS)}"
        self.make()
        self.now = 0.0
        self.servers = HealthServers(lambda at, path: Reply(200, f"{at.port} {path}", {"X-Weight": "1"}), lambda: self.now)
        self._wanted, self._failures, self._taken = (), {}, threading.Event()
        self._is_over = False
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def make(self):
        subprocess.run(["ip", "netns", "add", self.name], check=True)
        subprocess.run(["ip", "-n", self.name, "link", "set", "lo", "up"], check=True)

    def _run(self):
        while not self._is_over:
            if self._wanted is not None:
                self._failures, self._wanted = self.servers.listen(self._wanted), None
                self._taken.set()
            self.servers.wait()
        self.servers.close()

    def listen(self, *ports, address="127.0.0.1"):
        self._taken.clear()
        self._wanted = [Listener(self.name, address, port) for port in ports]
        self.servers.wake()
        assert self._taken.wait(60)
        return {listener.port: why for listener, why in self._failures.items()}

    def connect(self, port, address="127.0.0.1"):
        return netns.in_namespace(self.name, lambda: socket.create_connection((address, port), 60))

    def ask(self, port, request=GET, address="127.0.0.1"):
        with self.connect(port, address) as end:
            end.sendall(request)
            return everything(end)

    def close(self):
        self._is_over = True
        self.servers.wake()
        self._thread.join()
        subprocess.run(["ip", "netns", "del", self.name], check=True)


def everything(end):
    found = b""
    with contextlib.suppress(ConnectionResetError):
        while part := end.recv(1 << 16):
            found += part
    return found


@pytest.fixture
def place():
    made = Place()
    yield made
    made.close()


def test_each_port_answers_with_what_is_said_of_it(place):
    assert place.listen(80, 81) == {}
    head, _, body = place.ask(81).partition(b"\r\n\r\n")
    assert head.splitlines()[0] == b"HTTP/1.1 200 OK"
    assert {b"X-Weight: 1", b"Content-Length: 9", b"Connection: close"} <= set(head.splitlines())
    assert body == b"81 /where"
    assert place.listen(80) == {}
    with pytest.raises(ConnectionRefusedError):
        place.connect(81)
    assert place.ask(80).endswith(b"80 /where")


def test_both_families(place):
    assert place.listen(80, address="::1") == {}
    assert place.ask(80, address="::1").endswith(b"80 /where")
    with pytest.raises(ConnectionRefusedError):
        place.connect(80)


def test_what_cannot_be_had_is_said_and_the_rest_served(place):
    with netns.in_namespace(place.name, lambda: socket.create_server(("127.0.0.1", 81))):
        assert place.listen(80, 81) == {81: "address already in use"}
        assert place.ask(80)
    assert place.listen(80, 81) == {}
    assert place.listen(80, address="192.0.2.1") == {80: "cannot assign requested address"}


def test_a_namespace_that_was_made_anew_is_listened_in_anew(place):
    place.listen(80)
    subprocess.run(["ip", "netns", "del", place.name], check=True)
    assert place.listen(80) == {80: "no such network namespace"}
    place.make()
    assert place.listen(80) == {}
    assert place.ask(80)


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        pytest.param(b"\x16\x03\x01 hello\r\n\r\n", b"400 Bad Request", id="not HTTP"),
        pytest.param(b"\r\n\r\n", b"400 Bad Request", id="nothing"),
        pytest.param(b"GET / HTTP/2.0\r\n\r\n", b"400 Bad Request", id="another HTTP"),
        pytest.param(b"GET /" + b"x" * 9000, b"431 Request Header Fields Too Large", id="without an end"),
        pytest.param(b"POST / HTTP/1.1\r\n\r\n" + b"x" * 100_000, b"200 OK", id="with a body that nobody reads"),
        pytest.param(b"GET / HTTP/1.0\r\n\r\n", b"200 OK", id="an old client"),
    ],
)
def test_whatever_is_said_is_answered(place, request_, status):
    place.listen(80)
    assert place.ask(80, request_).startswith(b"HTTP/1.1 " + status)


def test_head_has_no_body(place):
    place.listen(80)
    head, _, body = place.ask(80, b"HEAD / HTTP/1.1\r\n\r\n").partition(b"\r\n\r\n")
    assert (b"Content-Length: 4" in head, body) == (True, b"")


def test_a_slow_client_is_answered_and_one_that_is_too_slow_is_left(place):
    place.listen(80)
    with place.connect(80) as slow, place.connect(80) as silent:
        for byte in GET:
            slow.sendall(bytes([byte]))
        assert everything(slow).endswith(b"80 /where")
        place.now += health_servers.DEADLINE_S
        place.servers.wake()
        assert everything(silent) == b""
    assert place.ask(80)


def test_a_crowd_from_one_address_keeps_nobody_away(place):
    place.listen(80, address="127.0.0.1")
    subprocess.run(["ip", "-n", place.name, "addr", "add", "127.0.0.9/8", "dev", "lo"], check=True)

    def crowd():
        return [socket.create_connection(("127.0.0.1", 80), 60, ("127.0.0.9", 0)) for _ in range(MOST_CLIENTS * 2)]

    with place.connect(80) as early, contextlib.ExitStack() as stack:
        for end in netns.in_namespace(place.name, crowd):
            stack.enter_context(end)
        assert place.ask(80).endswith(b"80 /where")
        early.sendall(GET)
        assert everything(early).endswith(b"80 /where")
