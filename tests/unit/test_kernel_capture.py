"""What a capture decides without Linux: order, memory, names of files; and that its files are never half a block."""

import os
import random

import pytest

from netlab.kernel.capture import LARGEST_BYTES, MEMORY_BYTES, SMALLEST_BYTES, ring_shape
from netlab.kernel.capture_files import CaptureFiles, file_name
from netlab.kernel.packet_order import PacketOrder


def packets(*times):
    return [(time, 0, True, 1, b"") for time in times]


def test_what_is_read_later_may_be_older():
    order = PacketOrder(hold_s=1.0)
    order.add(10.0, packets(3, 7))
    assert order.due(10.9) == []
    order.add(10.9, packets(5, 9))
    assert order.due(11.0) == packets(3, 5, 7)
    assert order.due(11.8) == []
    assert order.due(11.9) == packets(9)


def test_how_long_to_wait():
    order = PacketOrder(hold_s=1.0)
    assert order.wait_s(0.0) is None
    order.add(10.0, packets(1))
    order.add(10.5, packets(2))
    assert order.wait_s(10.2) == pytest.approx(0.8)
    assert order.wait_s(12.0) == 0.0
    order.due(11.0)
    assert order.wait_s(11.0) == pytest.approx(0.5)


def test_nothing_read_is_nothing_to_wait_for():
    order = PacketOrder(hold_s=1.0)
    order.add(10.0, [])
    assert order.wait_s(10.0) is None


def test_a_clock_that_is_set_back_stops_nothing():
    order = PacketOrder(hold_s=1.0)
    order.add(10.0, packets(1000))
    order.add(10.1, packets(5))
    assert order.due(11.2) == packets(5, 1000)


def test_the_rest_is_in_order_too():
    order = PacketOrder(hold_s=1.0)
    order.add(1.0, packets(5))
    order.add(1.0, packets(4))
    assert order.rest() == packets(4, 5)
    assert order.rest() == []
    assert order.wait_s(5.0) is None


@pytest.mark.parametrize("seed", range(5))
def test_rings_that_wait_less_than_the_hold_come_out_in_order(seed):
    chance = random.Random(seed)
    passed = [(time, chance.randrange(4)) for time in range(2000)]
    readings = {}
    for time, ring in passed:  # each ring is read every 8 to 20 units of time, with all that came since
        readings.setdefault(ring, []).append(time)
    events = []
    for ring, times in readings.items():
        at = 0
        while at < 2020:
            before, at = at, at + chance.randrange(8, 21)
            events.append((at, [time for time in times if before <= time < at], ring))
    order, out = PacketOrder(hold_s=20.0), []
    for at, times, ring in sorted(events):
        order.add(float(at), [(time, ring, True, 1, b"") for time in times])
        out += order.due(float(at))
    out += order.rest()
    assert [packet[0] for packet in out] == list(range(2000))


@pytest.mark.parametrize(
    ("places", "size", "blocks"),
    [
        (0, LARGEST_BYTES, 64),
        (8, LARGEST_BYTES, 64),
        (16, MEMORY_BYTES // 16, 32),
        (18, 28 << 17, 28),
        (32, MEMORY_BYTES // 32, 16),
        (33, 31 << 16, 31),
        (1000, SMALLEST_BYTES, 16),
    ],
)
def test_memory_of_a_ring(places, size, blocks):
    shape = ring_shape(places)
    assert (shape.ring_bytes, shape.blocks) == (size, blocks)


@pytest.mark.parametrize(
    ("count", "names"),
    [
        (0, ["x", "x1", "x2", "x3"]),
        (3, ["x0", "x1", "x2", "x0"]),
        (1, ["x0", "x0", "x0", "x0"]),
        (11, ["x00", "x01", "x02", "x03"]),
    ],
)
def test_names_of_files(count, names):
    assert [file_name("x", number, count) for number in range(4)] == names


def test_a_full_file_is_followed_by_the_next(tmp_path):
    with CaptureFiles(str(tmp_path / "x"), b"HEAD", size_bytes=10, count=2) as files:
        for number in range(5):
            if files.is_full:
                files.turn()
            files.write(b"block%d" % number)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"x0": b"HEADblock4", "x1": b"HEADblock3"}


def test_a_file_that_cannot_be_made_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        CaptureFiles(str(tmp_path / "nowhere/x"), b"HEAD")


def test_a_next_file_that_cannot_be_made_is_named_too(tmp_path):
    (tmp_path / "ring").mkdir()
    with CaptureFiles(str(tmp_path / "ring/x"), b"HEAD", size_bytes=1) as files:
        (tmp_path / "ring/x").unlink()
        (tmp_path / "ring").rmdir()
        with pytest.raises(FileNotFoundError, match="ring/x1"):
            files.turn()


def test_a_disk_without_room_is_named():
    with pytest.raises(OSError, match=r"No space left on device.*/dev/full"):
        CaptureFiles("/dev/full", b"HEAD")


@pytest.mark.parametrize(
    ("room", "kept"),
    [
        pytest.param(0, b"HEADblock1", id="none of it"),
        pytest.param(5, b"HEADblock1", id="half a block"),
        pytest.param(6, b"HEADblock1block2", id="one of two blocks"),
        pytest.param(10, b"HEADblock1block2", id="one block and a half"),
    ],
)
def test_half_a_block_is_taken_back(tmp_path, monkeypatch, room, kept):
    real, left = os.write, [room]

    def write(handle, data):
        if not left[0]:
            raise OSError(28, os.strerror(28))
        done = real(handle, data[: left[0]])
        left[0] -= done
        return done

    with CaptureFiles(str(tmp_path / "x"), b"HEAD") as files:
        files.write(b"block1")
        monkeypatch.setattr(os, "write", write)
        with pytest.raises(OSError, match="No space left on device"):
            files.write(b"block2", b"block3")
    assert (tmp_path / "x").read_bytes() == kept
