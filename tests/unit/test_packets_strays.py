"""Copies of a frame that a bridge sends to everybody: rows over the lab of tests/walked.py."""

from __future__ import annotations

import pytest

from netlab.netstate.links import Veth
from netlab.netstate.names import machine_netns
from netlab.netstate.seen import Place, SeenPacket
from netlab.packets.strays import without_strays
from tests.walked import walked_lab

EVERYBODY, UNKNOWN = "ff:ff:ff:ff:ff:ff", "02:00:00:00:00:09"


@pytest.fixture
def net(build):
    return walked_lab(build)


@pytest.mark.parametrize(
    ("to", "places", "left"),
    [
        pytest.param(
            "node-1", ["outside out", "outside's port in", "node-1's port out", "node-1 in", "node-2's port out", "node-2 in"],
            ["outside out", "outside's port in", "node-1's port out", "node-1 in"], id="the fabric does not know where node-1 is",
        ),
        pytest.param("node-1", ["outside out", "node-2's port out", "node-2 in"], None, id="it came to nobody whose it is"),
        pytest.param(UNKNOWN, ["outside out", "node-2's port out", "node-2 in"], None, id="nobody has that address"),
        pytest.param(EVERYBODY, ["outside out", "node-1 in", "node-2 in"], None, id="it is for all"),
    ],
)  # fmt: skip
def test_who_only_gets_a_copy_of_a_frame_is_left_out(net, to, places, left):
    ends = {
        name: next(one for one in net.by_name[machine_netns("demo", name)].links if isinstance(one, Veth) and not one.master)
        for name in ("outside", "node-1", "node-2")
    }

    def seen(text):
        name, _, way = text.rpartition(" ")
        name, _, is_port = name.partition("'")
        end = ends[name]
        place = Place(end.peer_netns, end.peer_name) if is_port else Place(machine_netns("demo", name), end.name)
        mac = ends[to].mac if to in ends else to
        data = bytes.fromhex(mac.replace(":", "")) + bytes(54)
        return SeenPacket(time_ns=1, place=place, outgoing=way == "out", wire_bytes=60, data=data)

    expected = places if left is None else left
    assert without_strays([seen(one) for one in places], net) == [seen(one) for one in expected]
