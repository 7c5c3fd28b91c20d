"""Queries over real sockets in a namespace of their own: what comes back, what is cut off, what is not ours, and nothing at all."""

from __future__ import annotations

import os
import socket
import subprocess
import threading

import dns.flags
import dns.message
import dns.rrset
import pytest

from netlab.errors import KernelError, NetlabError
from netlab.kernel import netns
from netlab.kernel.dns_client import PORT, ask, is_kind

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.skipif(not os.environ.get("NETLAB_TEST_VM"), reason="runs inside scripts/test"),
]

NAME, HOST = "t4.dns", "127.0.0.1"


def answered(wire: bytes, *, addresses=("10.96.0.20",), cut_off=False) -> bytes:
    response = dns.message.make_response(dns.message.from_wire(wire))
    response.answer = [dns.rrset.from_text(response.question[0].name, 5, "IN", "A", *addresses)] if not cut_off else []
    response.flags |= dns.flags.TC if cut_off else 0
    return response.to_wire()


@pytest.fixture
def space():
    """A namespace with its loopback up, and `serve(udp, tcp)`: servers there that answer with those functions."""
    netns.prepare_directory()
    netns.run_in_thread(lambda: netns.create(NAME, lambda: None))
    subprocess.run(["ip", "-n", NAME, "link", "set", "lo", "up"], check=True)
    threads, sockets = [], []

    def serve(udp=None, tcp=None):
        def listen():
            one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            one.bind((HOST, PORT))
            return one, socket.create_server((HOST, PORT))

        datagrams, stream = netns.in_namespace(NAME, listen)
        sockets.extend((datagrams, stream))

        def answer_udp():
            wire, client = datagrams.recvfrom(9999)
            for data in udp(wire):
                datagrams.sendto(data, client)

        def answer_tcp():
            connection, _ = stream.accept()
            with connection:
                length = int.from_bytes(connection.recv(2), "big")
                data = tcp(connection.recv(length))
                for byte in len(data).to_bytes(2, "big") + data:  # in pieces, as a stream may come
                    connection.send(bytes([byte]))

        for function, work in ((udp, answer_udp), (tcp, answer_tcp)):
            if function is not None:
                threads.append(threading.Thread(target=work))
                threads[-1].start()

    yield NAME, serve
    for thread in threads:
        thread.join()
    for one in sockets:
        one.close()
    netns.delete(NAME)


def test_an_answer_with_its_records_and_where_it_was_asked_from(space):
    name, serve = space
    serve(lambda wire: [answered(wire)])
    reply = ask(name, HOST, "web.default.svc.cluster.local.", "A", 5)
    assert (reply.rcode, reply.transport, reply.error) == ("NOERROR", "udp", "")
    assert [str(record) for record in reply.records] == ["web.default.svc.cluster.local. 5 A 10.96.0.20"]
    assert reply.client[0] == HOST
    assert reply.client[1] > 0


def test_an_answer_that_is_cut_off_is_asked_for_again_over_tcp(space):
    name, serve = space
    many = [f"10.0.0.{n}" for n in range(200)]
    serve(lambda wire: [answered(wire, cut_off=True)], lambda wire: answered(wire, addresses=many))
    reply = ask(name, HOST, "many.", "A", 5)
    assert (reply.transport, len(reply.records)) == ("tcp", 200)


def test_what_is_no_answer_to_the_query_is_not_looked_at(space):
    name, serve = space
    serve(lambda wire: [b"no DNS", answered(bytes([wire[0] ^ 1]) + wire[1:], addresses=("6.6.6.6",)), answered(wire)])
    assert [record.data for record in ask(name, HOST, "web.", "A", 5).records] == ["10.96.0.20"]


def test_a_closed_port_and_silence_are_told_apart(space):
    name, serve = space
    assert ask(name, HOST, "web.", "A", 5).error == "refused"
    serve(lambda _: [])
    assert ask(name, HOST, "web.", "A", 0.05).error == "timed out"


def test_a_server_without_a_way_to_it(space):
    name, _ = space
    assert ask(name, "192.0.2.1", "web.", "A", 1).error == "Network is unreachable"


def test_what_cannot_be_asked(space):
    name, _ = space
    with pytest.raises(NetlabError):
        ask(name, HOST, "x" * 64, "A", 1)
    with pytest.raises(KernelError):
        ask("no-such-namespace", HOST, "web.", "A", 1)


@pytest.mark.parametrize(
    ("word", "is_one"), [("A", True), ("SRV", True), ("ANY", False), ("AXFR", False), ("NOPE", False), ("", False)]
)
def test_types_of_records(word, is_one):
    assert is_kind(word) == is_one
