"""Connections carried into a network namespace: real ones, to programs that listen only on the namespace's own loopback."""

from __future__ import annotations

import contextlib
import itertools
import os
import select
import socket
import struct
import subprocess
import threading
import time

import pytest

from netlab.kernel import forward, netns
from netlab.kernel.forward import Forwarder
from tests.descriptors import open_files

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.skipif(not os.environ.get("NETLAB_TEST_VM"), reason="runs inside scripts/test"),
]

NUMBERS = itertools.count(1)
DEADLINE_S = 60.0
MEGABYTE = 1 << 20


class Place:
    """A namespace and a forwarder into it, at work in a thread."""

    def __init__(self):
        self.name = f"fwd{os.getpid()}-{next(NUMBERS)}"
        subprocess.run(["ip", "netns", "add", self.name], check=True)
        subprocess.run(["ip", "-n", self.name, "link", "set", "lo", "up"], check=True)
        self.accepted, self.failed = [], []
        self.told = threading.Event()
        self._servers = []
        self.forwarder = Forwarder(self.name, accepted=self.accepted.append, failed=self._fail)
        self.ended, self._end = os.pipe()
        self._thread = threading.Thread(target=self.forwarder.run, args=(self.ended,))

    def _fail(self, *what):
        self.failed.append(what)
        self.told.set()

    def serve(self, work, port=0):
        """Let `work(connection)` answer one client inside after the other; return the port."""
        server = netns.in_namespace(self.name, lambda: socket.create_server(("127.0.0.1", port)))

        def loop():
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    with connection:
                        work(connection)

        thread = threading.Thread(target=loop, daemon=True)
        thread.start()
        self._servers.append((server, thread))
        return server.getsockname()[1]

    def listen(self, remote, address="127.0.0.1", port=0):
        return self.forwarder.listen(address, port, remote)

    def start(self):
        self._thread.start()

    def client(self, port, address="127.0.0.1"):
        return socket.create_connection((address, port), timeout=DEADLINE_S)

    def stop(self):
        os.close(self._end)
        if self._thread.ident:
            self._thread.join(DEADLINE_S)
            assert not self._thread.is_alive()
        self.forwarder.close()
        os.close(self.ended)
        for server, thread in self._servers:
            server.shutdown(socket.SHUT_RDWR)
            thread.join(DEADLINE_S)
            assert not thread.is_alive()
            server.close()
        subprocess.run(["ip", "netns", "del", self.name], check=True)


@pytest.fixture
def place():
    made = Place()
    yield made
    made.stop()


def answer(connection):
    """Read to the end, then say how much it was and what was first."""
    data = b""
    while chunk := connection.recv(65536):
        data += chunk
    connection.sendall(b"%d %s" % (len(data), data[:5]))


def all_of(connection):
    data = b""
    while chunk := connection.recv(65536):
        data += chunk
    return data


def test_a_client_reaches_the_loopback_of_the_namespace(place):
    here = os.stat("/proc/self/ns/net").st_ino
    port = place.listen(place.serve(answer))
    place.start()
    for _ in range(3):
        with place.client(port) as client:
            client.sendall(b"hello")
            client.shutdown(socket.SHUT_WR)  # the end of one direction alone
            assert all_of(client) == b"5 hello"
    assert place.accepted == [port] * 3
    assert place.failed == []
    assert os.stat("/proc/self/ns/net").st_ino == here


def test_the_server_may_end_first(place):
    port = place.listen(place.serve(lambda connection: (connection.sendall(b"bye"), connection.shutdown(socket.SHUT_WR))))
    place.start()
    with place.client(port) as client:
        assert all_of(client) == b"bye"
        client.sendall(b"too late, and yet no error here")


def test_a_refused_connection_is_told_and_the_next_one_works(place):
    free = place.serve(answer)
    nobody = 1
    wrong, right = place.listen(nobody), place.listen(free)
    place.start()
    with place.client(wrong) as client:
        assert all_of(client) == b""
    assert place.told.wait(DEADLINE_S)
    assert place.failed == [(wrong, nobody, "Connection refused")]
    with place.client(right) as client:
        client.shutdown(socket.SHUT_WR)
        assert all_of(client) == b"0 "


def test_a_namespace_that_is_gone_is_told(place):
    port = place.listen(80)
    place.start()
    subprocess.run(["ip", "netns", "del", place.name], check=True)
    with place.client(port) as client:
        assert all_of(client) == b""
    assert place.told.wait(DEADLINE_S)
    assert place.failed == [(port, 80, f"{place.name}: no such network namespace")]
    subprocess.run(["ip", "netns", "add", place.name], check=True)


def test_a_reset_is_passed_on_as_a_reset(place):
    def reset(connection):
        connection.recv(1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    port = place.listen(place.serve(reset))
    place.start()
    with place.client(port) as client:
        client.sendall(b"x")
        with pytest.raises(ConnectionResetError):
            client.recv(1)


def test_many_clients_at_once(place):
    def echo(connection):
        connection.sendall(connection.recv(10))

    port = place.listen(place.serve(lambda connection: threading.Thread(target=_keep, args=(connection.dup(), echo)).start()))
    place.start()
    clients = [place.client(port) for _ in range(100)]
    for number, client in enumerate(clients):
        client.sendall(b"%d" % number)
    assert [client.recv(10) for client in clients] == [b"%d" % number for number in range(100)]
    for client in clients:
        client.close()


def _keep(connection, work):
    with connection, contextlib.suppress(OSError):  # a client that had to wait may be gone
        work(connection)


def test_clients_wait_when_there_are_no_file_descriptors_for_them(place, monkeypatch):
    monkeypatch.setattr(place.forwarder, "_most", 2)
    release = threading.Event()

    def hold(connection):
        threading.Thread(
            target=_keep, args=(connection.dup(), lambda one: (release.wait(DEADLINE_S), one.sendall(b"x")))
        ).start()

    rounds, select_ = [], place.forwarder._selector.select
    monkeypatch.setattr(place.forwarder._selector, "select", lambda: (rounds.append(1), select_())[1])
    port = place.listen(place.serve(hold))
    place.start()
    clients = [place.client(port) for _ in range(5)]
    assert select.select(clients, [], [], 0.3) == ([], [], [])
    assert len(place.accepted) <= 2
    release.set()
    assert [all_of(client) for client in clients[:2]] == [b"x"] * 2
    for client in clients[:2]:
        client.close()
    assert clients[2].recv(1) == b"x"
    assert len(rounds) < 100, "no busy loop"
    for client in clients[2:]:
        client.close()


@pytest.mark.parametrize("upwards", [pytest.param(True, id="to the Pod"), pytest.param(False, id="from the Pod")])
def test_much_data_arrives_whole_and_fast(place, upwards):
    """Compared with the same programs without a forwarder between them, each at its best: a busy machine is slow for both."""
    size, block = 64 * MEGABYTE, os.urandom(MEGABYTE)

    def work(connection):
        if upwards:
            connection.sendall(b"%d" % received(connection))
        else:
            sent(connection)

    def sent(connection):
        for _ in range(size // len(block)):
            connection.sendall(block)
        connection.shutdown(socket.SHUT_WR)

    def received(connection):
        total, buffer = 0, bytearray(MEGABYTE)
        while count := connection.recv_into(buffer):
            total += count
        return total

    def seconds(connection):
        with connection as client:
            begin = time.perf_counter()
            if upwards:
                sent(client)
                assert int(client.recv(20)) == size
            else:
                assert received(client) == size
            return time.perf_counter() - begin

    inside = place.serve(work)
    port = place.listen(inside)
    place.start()
    direct, forwarded = [], []
    for _ in range(3):
        direct.append(seconds(netns.in_namespace(place.name, lambda: place.client(inside))))
        forwarded.append(seconds(place.client(port)))
    assert min(forwarded) < 50 * min(direct), (direct, forwarded)


def test_a_receiver_that_does_not_read_stops_the_sender(place):
    over, sent = threading.Event(), 0
    port = place.listen(place.serve(lambda connection: over.wait(DEADLINE_S)))
    place.start()
    with place.client(port) as client:
        client.settimeout(0.5)
        with contextlib.suppress(TimeoutError):
            while sent < 64 * MEGABYTE:
                sent += client.send(bytes(MEGABYTE))
        over.set()
    assert sent < 64 * MEGABYTE


def test_ports_and_addresses(place):
    port = place.listen(80)
    with pytest.raises(OSError, match="Address already in use"):
        place.listen(80, port=port)
    assert place.listen(80, "127.0.0.2", port) == port
    assert place.listen(80, "::1", port) == port
    with pytest.raises(OSError, match="Cannot assign"):
        place.listen(80, "192.0.2.1")
    used = subprocess.run(["ss", "-Hltn", f"sport = {port}"], capture_output=True, text=True, check=True).stdout
    assert sorted(line.split()[3] for line in used.splitlines()) == [f"127.0.0.1:{port}", f"127.0.0.2:{port}", f"[::1]:{port}"]


def test_clients_of_ipv6_reach_the_same_port(place):
    port = place.listen(place.serve(answer), "::1")
    place.start()
    with place.client(port, "::1") as client:
        client.shutdown(socket.SHUT_WR)
        assert all_of(client) == b"0 "


def test_stopping_while_data_flows(place):
    port = place.listen(place.serve(lambda connection: [connection.sendall(bytes(MEGABYTE)) for _ in range(1000)]))
    place.start()
    with place.client(port) as client:
        client.recv(MEGABYTE)
        place.forwarder.stop()
        place._thread.join(DEADLINE_S)
        assert not place._thread.is_alive()


def test_nothing_stays_open():
    before = open_files()
    place = Place()
    port = place.listen(place.serve(lambda connection: connection.recv(1)))
    place.start()
    with place.client(port) as client:
        client.sendall(b"x")
        place.stop()
        client.settimeout(DEADLINE_S)
        with contextlib.suppress(ConnectionResetError):
            assert client.recv(1) == b""
    assert open_files() <= before
    assert forward.LOOPBACK == "127.0.0.1"
