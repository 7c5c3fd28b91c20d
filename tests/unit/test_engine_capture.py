"""What a capture writes into its files."""

from __future__ import annotations

from netlab.engine.capture import Recording, Section, View
from netlab.kernel.capture_files import CaptureFiles
from netlab.netstate.names import IfName, NetnsName
from netlab.netstate.seen import Place
from netlab.packets.names import Names
from netlab.packets.pcapng_reader import read_capture

PLACE = Place(NetnsName("lab.node-1"), IfName("cni0"))


def test_each_file_of_many_ends_with_what_was_counted_until_then(tmp_path):
    section = Section(View(places=(PLACE,), names=Names()))
    lost = iter((3, 8))
    with CaptureFiles(str(tmp_path / "x"), section.head, size_bytes=2000) as files:
        recording = Recording(files, section, lambda: {PLACE: (9, next(lost))})
        recording.add([(number, 0, True, 1000, bytes(1000)) for number in range(3)])
        recording.end()
    kept = [read_capture((tmp_path / name).read_bytes()) for name in ("x", "x1")]
    assert [len(one.packets) for one in kept] == [2, 1]
    assert [one.lost for one in kept] == [{"lab.node-1/cni0": 3}, {"lab.node-1/cni0": 8}]
