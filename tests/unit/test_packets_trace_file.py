"""A trace as a capture file, read back."""

from netlab.netstate.seen import Place, SeenPacket
from netlab.packets.names import Names
from netlab.packets.pcapng_reader import read_capture
from netlab.packets.trace_file import trace_file

WEB, NODE = Place("lab.default.web", "eth0"), Place("lab.node-1", "cni0")
NAMES = Names(addresses={"10.244.1.2": "web"}, namespaces={WEB.netns: "web", NODE.netns: "node-1"})


def seen(place, time_ns, *, outgoing=True):
    return SeenPacket(place=place, time_ns=time_ns, outgoing=outgoing, wire_bytes=60, data=bytes(14))


def test_places_have_their_names_and_what_they_lost():
    packets = [seen(NODE, 9, outgoing=False), seen(WEB, 5)]
    kept = read_capture(trace_file(packets, [], NAMES, "netlab", {str(NODE): 3, "rules of lab.node-1": 1}))
    assert kept.places == ("web/eth0", "node-1/cni0")
    assert kept.lost == {"web/eth0": 0, "node-1/cni0": 3}
    assert kept.names == {"10.244.1.2": "web"}
    assert [(one.place, one.time_ns, one.outgoing) for one in kept.packets] == [
        ("web/eth0", 5, True),
        ("node-1/cni0", 9, False),
    ]


def test_a_trace_that_saw_nothing():
    assert read_capture(trace_file([], [], NAMES, "netlab", {})).packets == ()
