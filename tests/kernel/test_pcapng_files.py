"""tshark, which did not come from here, reads our files: every packet, interface, comment, name and nanosecond."""

import os
import subprocess

import pytest

from netlab.packets.pcapng import Counts, Interface, enhanced_packet, head, tail

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.skipif(not os.environ.get("NETLAB_TEST_VM"), reason="runs inside scripts/test"),
]

PING = bytes.fromhex(
    "020000000002" "020000000001" "0800" "4500001c00010000400165d30af401020a60002a" "0800f7fd00010001"
)  # fmt: skip


def tshark(file, *words):
    done = subprocess.run(["tshark", "-r", file, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [line.split("\t") for line in done.stdout.splitlines()]


def fields(file, *names, options=()):
    return tshark(file, *options, "-T", "fields", *(word for name in names for word in ("-e", name)))


@pytest.fixture
def file(tmp_path):
    interfaces = [
        Interface(name="frontend/eth0", filter="icmp"),
        Interface(name="node-1/veth1a2b3c4d", description="of pod/frontend", snaplen_bytes=96),
    ]
    path = tmp_path / "capture.pcapng"
    path.write_bytes(
        head(
            interfaces, application="netlab 0.1", system="Linux 6.1", names={"10.96.0.42": ["svc/redis-master"]}, comment="ping"
        )
        + enhanced_packet(1_700_000_000_123_456_789, 0, True, len(PING), PING)
        + enhanced_packet(1_700_000_000_123_456_790, 1, False, 1400, PING, comment="hop 2: no longer whole →")
        + tail({0: Counts(packets=1, dropped=0), 1: Counts(packets=9, dropped=8)}, started_ns=1, ended_ns=1 << 60)
    )
    return path


def test_packets(file):
    assert fields(
        file, "frame.time_epoch", "frame.interface_name", "frame.cap_len", "frame.len", "ip.dst", "frame.comment"
    ) == [
        ["1700000000.123456789", "frontend/eth0", str(len(PING)), str(len(PING)), "10.96.0.42", ""],
        ["1700000000.123456790", "node-1/veth1a2b3c4d", str(len(PING)), "1400", "10.96.0.42", "hop 2: no longer whole →"],
    ]


def test_directions(file):
    assert tshark(file, "-Y", "frame.packet_flags_direction == 2", "-T", "fields", "-e", "frame.number") == [["1"]]
    assert tshark(file, "-Y", "frame.packet_flags_direction == 1", "-T", "fields", "-e", "frame.number") == [["2"]]


def test_names(file):
    assert fields(file, "ip.dst_host", options=["-N", "n"]) == [["svc/redis-master"]] * 2


def test_capinfos_knows_what_made_it_and_what_was_lost(file):
    told = subprocess.run(["capinfos", file], capture_output=True, text=True, check=True).stdout
    for line in (
        "Capture oper-sys:    Linux 6.1",
        "Capture application: netlab 0.1",
        "Capture comment:     ping",
        "File timestamp precision:  nanoseconds (9)",
        "Name = frontend/eth0",
        "Filter string = icmp",
        "Description = of pod/frontend",
        "Number of stat entries = 1",
    ):
        assert line in told


def test_a_file_without_an_end_is_read_to_its_last_whole_packet(file):
    data = file.read_bytes()
    whole = data[: data.rindex(enhanced_packet(1_700_000_000_123_456_790, 1, False, 1400, PING, "hop 2: no longer whole →"))]
    file.write_bytes(whole)
    assert len(fields(file, "frame.number")) == 1
