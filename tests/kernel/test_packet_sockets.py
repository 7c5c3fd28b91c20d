"""Packet sockets on real interfaces: what passed, where, when, in which direction; losses, filters, interfaces that go."""

import fcntl
import os
import resource
import signal
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest

from netlab.errors import KernelError
from netlab.kernel import netns
from netlab.kernel.packet_filter import BadFilter, compile_filter
from netlab.kernel.packet_ring import RingShape
from netlab.kernel.packet_sockets import PacketSockets
from netlab.netstate.seen import Place
from tests.cable import LEFT, RIGHT, ip

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.skipif(not os.environ.get("NETLAB_TEST_VM"), reason="runs inside scripts/test"),
]

DEADLINE_S = 60.0
FRAME = bytes.fromhex("0200000000020200000000018888")  # to, from, a type that no protocol has


def send(*frames, place=LEFT):
    def inside():
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as one:
            one.bind((place.ifname, 0))
            for frame in frames:
                one.send(frame)

    netns.in_namespace(place.netns, inside)


def numbered(count, size=60):
    return [FRAME + struct.pack("!I", number) + bytes(size - 18) for number in range(count)]


def read_until(sockets, count):
    """Read until so many packets are there; more are returned too."""
    found, end = [], time.monotonic() + DEADLINE_S
    while len(found) < count:
        assert time.monotonic() < end, f"only {len(found)} of {count}: {found}"
        found += sockets.read(1)
    return found


def await_passed(sockets, place, count):
    """Wait until so many packets have come to a place, whether they are read or lost."""
    end = time.monotonic() + DEADLINE_S
    while (passed := sockets.drops()[place][0]) != count:
        assert passed < count
        assert time.monotonic() < end, f"only {passed} of {count}"


def test_a_packet_is_seen_where_it_leaves_and_where_it_arrives(pair):
    frame = FRAME + bytes(50)
    with PacketSockets([RIGHT, LEFT]) as sockets:
        before = time.time_ns()
        send(frame)
        sent, received = sorted(read_until(sockets, 2))
        after = time.time_ns()
    assert (sent.place, sent.outgoing, sent.data, sent.wire_bytes) == (LEFT, True, frame, 64)
    assert (received.place, received.outgoing, received.data, received.wire_bytes) == (RIGHT, False, frame, 64)
    assert before < sent.time_ns <= received.time_ns < after


def test_where_only_what_is_received_is_looked_at_nothing_sent_is_seen(pair):
    with PacketSockets([RIGHT, LEFT], receiving={LEFT}) as sockets:
        send(FRAME + bytes(50))
        send(FRAME + bytes(50), place=RIGHT)
        found = sorted(read_until(sockets, 3))
        assert sockets.drops() == {RIGHT: (2, 0), LEFT: (1, 0)}
    assert [(one.place, one.outgoing) for one in found] == [(RIGHT, False), (RIGHT, True), (LEFT, False)]


def test_packets_of_one_reading_are_in_order_of_time_over_all_places(pair):
    with PacketSockets([RIGHT, LEFT]) as sockets:
        for number, frame in enumerate(numbered(50), 1):
            send(frame)
            await_passed(sockets, RIGHT, number)  # a busy kernel may take in what was sent a little later
        found = read_until(sockets, 100)
    by_time = sorted(found)
    assert [packet.data[14:18] for packet in by_time] == [struct.pack("!I", n) for n in range(50) for _ in range(2)]
    assert [packet.place for packet in by_time] == [LEFT, RIGHT] * 50


def test_objects_and_plain_tuples_say_the_same(pair):
    with PacketSockets([LEFT, RIGHT]) as one, PacketSockets([LEFT, RIGHT]) as other:
        send(*numbered(3))
        objects, raw = read_until(one, 6), []
        while len(raw) < 6:
            raw += other.read_raw(DEADLINE_S)
    seen = {(packet.place, packet.outgoing, packet.wire_bytes, packet.data) for packet in objects}
    assert seen == {(other.places[number], outgoing, length, data) for _, number, outgoing, length, data in raw}
    assert len(seen) == 6


def test_a_filter_and_a_snaplen_choose_what_is_copied(pair):
    program = compile_filter(["ether", "proto 0x8888 and", "ether[17] = 7"], snaplen_bytes=20)
    with PacketSockets([RIGHT], program=program) as sockets:
        send(*numbered(10, size=1000))
        (packet,) = read_until(sockets, 1)
        assert sockets.drops() == {RIGHT: (1, 0)}
    assert (packet.data, packet.wire_bytes) == (FRAME + struct.pack("!I", 7) + bytes(2), 1000)


def test_without_words_only_the_snaplen_counts(pair):
    with PacketSockets([RIGHT], program=compile_filter([], 14)) as sockets:
        send(FRAME + bytes(86))
        (packet,) = read_until(sockets, 1)
    assert (packet.data, packet.wire_bytes) == (FRAME, 100)


def test_losses_are_counted_and_add_up(pair):
    frames = numbered(200, size=1400)
    with PacketSockets([RIGHT], shape=RingShape(blocks=2, block_bytes=1 << 16)) as sockets:
        send(*frames)
        await_passed(sockets, RIGHT, 200)
        lost = sockets.drops()[RIGHT][1]
        assert 0 < lost < 200
        assert len(read_until(sockets, 200 - lost)) == 200 - lost
        send(*frames[:5])
        read_until(sockets, 5)
        assert sockets.drops() == {RIGHT: (205, lost)}


def test_packets_that_offloading_would_cut_are_seen_whole(pair):
    """A TCP segment of 40,000 bytes leaves a veth as one packet, its checksum not computed yet."""
    server = netns.in_namespace(RIGHT.netns, lambda: socket.create_server(("192.0.2.2", 80)))
    client = netns.in_namespace(LEFT.netns, lambda: socket.create_connection(("192.0.2.2", 80)))
    with server, client, server.accept()[0] as accepted, PacketSockets([LEFT]) as sockets:
        client.sendall(bytes(40_000))
        received, longest, end = 0, 0, time.monotonic() + DEADLINE_S
        while received < 40_000 or longest <= 1514:
            assert time.monotonic() < end
            received += len(accepted.recv(65536)) if received < 40_000 else 0
            longest = max([longest, *(packet.wire_bytes for packet in sockets.read(0.1))])
        assert sockets.drops()[LEFT][1] == 0


def test_a_vlan_tag_is_where_it_was_on_the_wire(pair):
    tagged = FRAME[:12] + bytes.fromhex("81000007") + FRAME[12:] + bytes(50)
    with PacketSockets([RIGHT]) as sockets:
        send(tagged)
        (packet,) = read_until(sockets, 1)
    assert (packet.data, packet.wire_bytes) == (tagged, len(tagged))


def test_on_loopback_a_packet_is_seen_once(pair):
    lo = Place(LEFT.netns, "lo")
    with PacketSockets([lo]) as sockets:
        send(*numbered(2), place=lo)
        assert [packet.outgoing for packet in read_until(sockets, 2)] == [False, False]


def test_an_interface_that_is_deleted_is_gone_and_the_others_go_on(pair):
    ip("-n", LEFT.netns, "link", "add", "dangling", "type", "veth", "peer", "end")
    ip("-n", LEFT.netns, "link", "set", "end", "up")
    dangling = Place(LEFT.netns, "dangling")
    with PacketSockets([dangling, RIGHT]) as sockets:
        ip("-n", LEFT.netns, "link", "set", "dangling", "up")
        send(FRAME + bytes(50), place=dangling)
        assert read_until(sockets, 1)[0].place == dangling
        assert not sockets.gone()
        ip("-n", LEFT.netns, "link", "delete", "dangling")
        end = time.monotonic() + DEADLINE_S
        while not sockets.gone():
            assert time.monotonic() < end
            sockets.read(1)
        assert sockets.gone() == {dangling}
        sockets.close_places(sockets.gone())
        send(FRAME + bytes(50))
        assert read_until(sockets, 1)[0].place == RIGHT
        assert sockets.drops() == {dangling: (1, 0), RIGHT: (1, 0)}


def test_a_place_that_is_opened_again_keeps_its_number_and_counts_on(pair):
    with PacketSockets([LEFT]) as sockets:
        sockets.open_places([RIGHT])
        send(FRAME + bytes(50))
        read_until(sockets, 2)
        sockets.close_places([LEFT])
        sockets.open_places([RIGHT, LEFT])
        assert sockets.places == (LEFT, RIGHT)
        send(FRAME + bytes(50))
        assert {packet.place for packet in read_until(sockets, 2)} == {LEFT, RIGHT}
        assert sockets.drops() == {LEFT: (2, 0), RIGHT: (2, 0)}


def test_a_place_that_cannot_be_opened_leaves_the_others_as_they_were(pair):
    with PacketSockets([LEFT]) as sockets:
        with pytest.raises(KernelError, match="no such interface"):
            sockets.open_places([RIGHT, Place(RIGHT.netns, "eth9")])
        send(FRAME + bytes(50))
        assert [packet.place for packet in read_until(sockets, 1)] == [LEFT]


def test_an_interface_that_is_down_comes_back(pair):
    with PacketSockets([RIGHT]) as sockets:
        ip("-n", RIGHT.netns, "link", "set", "eth0", "down")
        assert sockets.read(0.1) == []
        ip("-n", RIGHT.netns, "link", "set", "eth0", "up")
        end = time.monotonic() + DEADLINE_S
        send(FRAME + bytes(50))
        while not sockets.read(0.1):  # a worker of the kernel lets packets through again, in its own time
            assert time.monotonic() < end
            send(FRAME + bytes(50))
        assert not sockets.gone()


def test_more_places_than_a_process_may_open_files(pair):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (40, hard))
    try:
        ends = [f"end{number}" for number in range(20)]
        for end in ends:
            ip("-n", LEFT.netns, "link", "add", end, "type", "bridge")
        with PacketSockets([Place(LEFT.netns, end) for end in ends], shape=RingShape(blocks=1)) as sockets:
            assert len(sockets.drops()) == 20
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize(
    ("place", "message"),
    [
        pytest.param(Place("cable.none", "eth0"), r"cable\.none: no such network namespace", id="namespace"),
        pytest.param(Place(LEFT.netns, "eth9"), r"cable\.left/eth9: no such interface", id="interface"),
        pytest.param(Place(LEFT.netns, "tun0"), r"cable\.left/tun0: its packets have no Ethernet header", id="no-ethernet"),
    ],
)
def test_a_place_that_cannot_be_looked_at_is_named_and_nothing_stays_open(pair, place, message):
    def make():
        tun = open("/dev/net/tun", "r+b", buffering=0)  # noqa: SIM115 - the caller closes it
        fcntl.ioctl(tun, 0x400454CA, struct.pack("16sH22x", b"tun0", 1))  # TUNSETIFF, IFF_TUN
        return tun

    with netns.in_namespace(LEFT.netns, make), pytest.raises(KernelError, match=message):
        PacketSockets([LEFT, place])


def test_more_memory_than_there_is_is_refused_in_words(pair):
    with pytest.raises(KernelError, match=r"packet socket: .*: "):
        PacketSockets([LEFT], shape=RingShape(blocks=0))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        pytest.param(["tcp", "prot", "80"], "can't parse filter expression: syntax error", id="syntax"),
        pytest.param(["host", "fd00::1::2"], "can't parse filter expression: ", id="address"),
        pytest.param(["-i", "lo"], "can't parse filter expression: ", id="an-option-is-none"),
        pytest.param(["x\0y"], "can't parse filter expression: embedded null byte", id="nul"),
    ],
)
def test_words_that_are_no_filter_are_refused_in_the_words_of_tcpdump(words, message):
    with pytest.raises(BadFilter, match=message):
        compile_filter(words)


def test_the_sockets_end_with_a_process_that_is_killed(pair):
    program = f"""if True:
        import signal
        from netlab.kernel.packet_sockets import PacketSockets
        from netlab.netstate.seen import Place
        sockets = PacketSockets([Place({LEFT.netns!r}, "eth0")])
        print(flush=True)
        signal.pause()
    """
    child = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
    child.stdout.readline()
    assert listed() == 1
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    assert listed() == 0


def listed():
    """How many packet sockets there are in LEFT's namespace (/proc/net/packet without its heading)."""
    return len(netns.in_namespace(LEFT.netns, lambda: Path("/proc/thread-self/net/packet").read_text()).splitlines()) - 1
