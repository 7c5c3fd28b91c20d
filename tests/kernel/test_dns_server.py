"""The cluster DNS as a process, asked by dig and by bare sockets on the loopback of the throw-away machine."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import dns.message
import dns.query
import pytest

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.skipif(not os.environ.get("NETLAB_TEST_VM"), reason="runs inside scripts/test"),
]

HOST, PORT = "127.0.0.1", 5353
HEAD = """; zone cluster.local. serial {serial}
; namespace default
cluster.local. 5 IN SOA ns.dns.cluster.local. hostmaster.cluster.local. {serial} 7200 1800 86400 5
"""
MANY = "".join(f"many.default.svc.cluster.local. 5 IN A 10.244.9.{n}\n" for n in range(1, 201))
WEB = "web.default.svc.cluster.local"
MEMORY_KIB = 25 * 1024


def write(path, ip, serial=1):
    """The records, replaced as netlab does it: another file takes the name."""
    fresh = path.with_suffix(".new")
    fresh.write_text(f"{HEAD.format(serial=serial)}\n; default/web\n{WEB}. 5 IN A {ip}\n{MANY}")
    fresh.replace(path)


@pytest.fixture
def records(tmp_path):
    path = tmp_path / "records"
    write(path, "10.96.0.20")
    return path


@pytest.fixture
def server(records):
    words = [sys.executable, "-m", "netlab.dns", "--records", str(records), "--listen", f"{HOST}:{PORT}"]
    process = subprocess.Popen(words, stderr=subprocess.PIPE, text=True)
    process.log = [process.stderr.readline()]
    yield process
    process.kill()
    process.wait()
    process.stderr.close()


def dig(*words):
    command = ["dig", f"@{HOST}", "-p", str(PORT), "+time=20", "+tries=1", "+nocookie", *words]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def ask(name=WEB, kind="A"):
    response = dns.query.udp(dns.message.make_query(name, kind), HOST, timeout=20, port=PORT)
    return addresses(response)


def addresses(response):
    return [item.address for rrset in response.answer for item in rrset]


def stop(server):
    """Let it wait for SIGCONT."""
    server.send_signal(signal.SIGSTOP)
    os.waitpid(server.pid, os.WUNTRACED)


@pytest.mark.parametrize(
    ("words", "lines"),
    [
        pytest.param([WEB, "A", "+short"], ["10.96.0.20"], id="UDP"),
        pytest.param([WEB, "A", "+short", "+tcp"], ["10.96.0.20"], id="TCP"),
        pytest.param(["10-244-1-5.default.pod.cluster.local", "+short"], ["10.244.1.5"], id="a Pod by its address"),
        pytest.param(["dns-version.cluster.local", "TXT", "+short"], [], id="a record the snapshot lacks"),
    ],
)
def test_dig(server, words, lines):
    assert dig(*words).splitlines() == lines


def test_a_long_answer_is_fetched_over_tcp(server):
    assert len(dig("many.default.svc.cluster.local", "+short").splitlines()) == 200
    assert "flags: qr aa tc" in dig("many.default.svc.cluster.local", "+ignore", "+noall", "+comments")


def test_addresses_take_turns(server):
    query = dns.message.make_query("many.default.svc.cluster.local", "A")
    assert len({dns.query.tcp(query, HOST, timeout=20, port=PORT).answer[0][0].address for _ in range(40)}) > 1


def test_records_follow_the_file_at_once(server, records):
    for serial in range(2, 12):
        write(records, f"10.96.0.{serial}", serial)
        assert ask() == [f"10.96.0.{serial}"]  # the very next answer, without a wait


def test_a_malformed_file_leaves_the_old_records(server, records):
    records.write_text("rubbish\n")
    assert ask() == ["10.96.0.20"]
    assert ask() == ["10.96.0.20"]
    write(records, "10.96.0.21", 2)
    assert ask() == ["10.96.0.21"]
    server.terminate()
    complaints = server.stderr.read().splitlines()
    assert len(complaints) == 1
    assert "line 1" in complaints[0]


def test_a_file_that_goes_away_leaves_the_old_records(server, records):
    records.unlink()
    assert ask() == ["10.96.0.20"]


def test_one_tcp_connection_carries_several_queries(server):
    with socket.create_connection((HOST, PORT), timeout=20) as link:
        wires = [dns.message.make_query(WEB, "A", id=number).to_wire() for number in (1, 2, 3)]
        everything = b"".join(len(wire).to_bytes(2, "big") + wire for wire in wires)
        for part in (everything[:1], everything[1:40], everything[40:]):  # the borders of packets mean nothing
            link.sendall(part)
        answers = link.makefile("rb")
        found = [dns.message.from_wire(answers.read(int.from_bytes(answers.read(2), "big"))) for _ in wires]
        answers.close()
    assert [item.id for item in found] == [1, 2, 3]


def test_a_client_is_answered_from_the_address_it_asked(records):
    """Whoever asks one of several addresses drops what comes from another. Datagrams of any shape come in between."""
    subprocess.run(["ip", "address", "replace", "fd99::7/128", "dev", "lo"], check=True)
    words = [sys.executable, "-m", "netlab.dns", "--records", str(records), "--listen", "0.0.0.0:5354", "--listen", "[::]:5354"]
    process = subprocess.Popen(words, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr.readline().startswith("netlab.dns: listening on 0.0.0.0:5354, [::]:5354, records")
        for family, host in ((socket.AF_INET, "127.0.0.7"), (socket.AF_INET6, "fd99::7")):
            with socket.socket(family, socket.SOCK_DGRAM) as client:
                client.settimeout(20)
                client.bind(("127.0.0.1" if family == socket.AF_INET else "::1", 0))
                client.sendto(dns.message.make_query(WEB, "A").to_wire(), (host, 5354))
                assert client.recvfrom(4096)[1][:2] == (host, 5354)
            assert dns.query.tcp(dns.message.make_query(WEB, "A"), host, timeout=20, port=5354).answer
    finally:
        process.kill()
        process.wait()
        process.stderr.close()
        subprocess.run(["ip", "address", "delete", "fd99::7/128", "dev", "lo"], check=True)


def test_a_batch_of_datagrams_is_answered_each_to_its_client(server):
    """All wait in the queue while the server is stopped; a third of them deserves no answer."""
    clients = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(150)]
    try:
        stop(server)
        for number, client in enumerate(clients):
            client.settimeout(20)
            client.connect((HOST, PORT))
            query = dns.message.make_query(WEB, "A", id=number).to_wire()
            client.send(query if number % 3 else bytes(number % 12))
        server.send_signal(signal.SIGCONT)
        found = [dns.message.from_wire(client.recv(4096)) for number, client in enumerate(clients) if number % 3]
    finally:
        for client in clients:
            client.close()
    assert [item.id for item in found] == [number for number in range(150) if number % 3]
    assert all(item.answer for item in found)


def test_whoever_asks_while_a_long_file_is_read_is_answered(server, records):
    """The first question waits for a server that is stopped, as the file does: it cannot come when all is read."""
    many = "".join(f"\n; default/s{n}\ns{n}.default.svc.cluster.local. 5 IN A 10.96.0.1\n" for n in range(20_000))
    fresh = records.with_suffix(".new")
    fresh.write_text(f"{HEAD.format(serial=2)}{many}\n; default/web\n{WEB}. 5 IN A 10.96.0.21\n")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(20)
        client.connect((HOST, PORT))
        stop(server)
        fresh.replace(records)
        client.send(dns.message.make_query(WEB, "A").to_wire())
        server.send_signal(signal.SIGCONT)
        found = [addresses(dns.message.from_wire(client.recv(4096)))]
    while found[-1:] != [["10.96.0.21"]]:
        found.append(ask())
    assert len(found) > 1
    assert all(answer == ["10.96.0.20"] for answer in found[:-1])


def test_more_connections_than_allowed_push_out_the_oldest(server):
    links = [socket.create_connection((HOST, PORT), timeout=20) for _ in range(205)]
    try:
        assert dig(WEB, "+short", "+tcp") == "10.96.0.20\n"
        assert links[0].recv(1) == b""
    finally:
        for link in links:
            link.close()


def test_rubbish_does_not_stop_it(server):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for size in (0, 1, 2, 11, 12, 100, 1232, 1233, 60_000):
            sender.sendto(bytes(size), (HOST, PORT))
    with socket.create_connection((HOST, PORT), timeout=20) as link:
        link.sendall(b"GET / HTTP/1.1\r\n\r\n")
    assert ask() == ["10.96.0.20"]


def test_term_ends_it_with_0(server):
    server.send_signal(signal.SIGTERM)
    assert server.wait(timeout=20) == 0
    assert server.log == [f"netlab.dns: listening on {HOST}:{PORT}, records from {server.args[4]}\n"]


def test_it_is_small(server):
    assert ask() == ["10.96.0.20"]
    status = Path(f"/proc/{server.pid}/status").read_text()
    resident_kib = int(status.partition("VmRSS:")[2].split()[0])
    assert resident_kib <= MEMORY_KIB


def test_an_address_in_use_is_said_in_one_line(server, records):
    words = [sys.executable, "-m", "netlab.dns", "--records", str(records), "--listen", f"{HOST}:{PORT}"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith(f"netlab.dns: cannot listen on {HOST}:{PORT}: ")
    assert len(done.stderr.splitlines()) == 1
