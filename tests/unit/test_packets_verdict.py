"""What became of a request, in one sentence: a row for each way in which a request can end."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from netlab.netstate.names import NetnsName
from netlab.netstate.nft import Element
from netlab.netstate.rule_trace import Rules
from netlab.packets.hops import Verdict as WalkVerdict
from netlab.packets.hops import Walk
from netlab.packets.names import Names
from netlab.packets.packet import Packet
from netlab.packets.sighting import IcmpError
from netlab.packets.steps import Passage, RuleUse, Step
from netlab.packets.traffic import Traffic
from netlab.packets.verdict import Case, Told, verdict

CLIENT, NODE, SERVER = NetnsName("l.default.client"), NetnsName("l.node-1"), NetnsName("l.default.server")
NAMES = Names(
    namespaces={CLIENT: "client", NODE: "node-1", SERVER: "server"},
    addresses={"10.0.0.2": "client", "10.0.0.3": "server", "10.96.0.9": "svc/web"},
    services={},
)
SENT = Packet(protocol="tcp", source="10.0.0.2", source_port=40000, destination="10.96.0.9", destination_port=80)
THERE = SENT.to("10.0.0.3", 8080)
BACK = THERE.answer
REFUSE = RuleUse(
    where=Rules("inet", "netlab", "refuse"), text="reject", verdict="drop",
    elements=(Element("10.96.0.9", "", "default/web"),),
)  # fmt: skip


def seen(netns: NetnsName, kind, packet: Packet, number: int) -> Step:
    return Step(number=number, netns=netns, kind=kind, interface="eth0", time_ns=number, packet=packet, after=packet)


def passage(direction, *steps: Step, flags: Sequence[str] = (), error: IcmpError | None = None) -> Passage:
    return Passage(direction=direction, flags=tuple(flags), payload_bytes=0, error=error, steps=steps)


OUT, INTO = seen(CLIENT, "out", SENT, 1), seen(NODE, "in", SENT, 2)
DNAT = Step(number=3, netns=NODE, kind="prerouting", packet=SENT, after=THERE)
DROP = Step(number=3, netns=NODE, kind="forward", packet=SENT, after=SENT, is_dropped=True, rules=(REFUSE,))
ON = seen(NODE, "out", THERE, 4)
ARRIVED = seen(SERVER, "in", THERE, 5)
LOCAL = Step(number=6, netns=SERVER, kind="routing", packet=THERE, after=THERE, route="local 10.0.0.3 dev eth0")
WHOLE = passage("forward", OUT, INTO, DNAT, ON, ARRIVED, LOCAL, flags=("SYN",))
HOME = (seen(SERVER, "out", BACK, 7), seen(NODE, "in", BACK, 8), seen(CLIENT, "in", SENT.answer, 9))
REFUSED_AT_HOME = Step(number=1, netns=CLIENT, kind="output", packet=SENT, after=SENT, is_dropped=True, rules=(REFUSE,))
DROPPED_AT_HOME = Step(
    number=10, netns=CLIENT, kind="input", packet=SENT.answer, after=SENT.answer, is_dropped=True,
    rules=(RuleUse(where=Rules("inet", "mine", "in"), text="drop", verdict="drop"),),
)  # fmt: skip
ICMP = Packet(protocol="icmp", source="10.0.0.1", destination="10.0.0.2", destination_port=3)
PORT_ERROR = IcmpError(3, 3, SENT)


def lost_walk(netns: NetnsName, reason: str, packet: Packet = SENT) -> Walk:
    found = WalkVerdict(ending="no route", netns=netns, packet=packet, reason=reason)
    return Walk(netns=CLIENT, packet=SENT, hops=(), verdict=found, traffic=Traffic())


@pytest.mark.parametrize(
    ("passages", "told", "more", "ending", "sentence"),
    [
        pytest.param(
            (WHOLE, passage("reply", *HOME, flags=("SYN", "ACK"))), Told(answered=True, took_s=0.0005), {}, "answered",
            "client reached server, asked as 10.96.0.9:80 (svc/web) and was answered in 0.50 ms; node-1 made"
            " 10.0.0.3:8080 (server) its destination.",
            id="answered",
        ),
        pytest.param(
            (WHOLE, passage("reply", HOME[0]), passage("reply", *HOME[1:])), Told(answered=True, took_s=0.0005), {}, "answered",
            "client reached server, asked as 10.96.0.9:80 (svc/web) and was answered in 0.50 ms; node-1 made"
            " 10.0.0.3:8080 (server) its destination.",
            id="answered by fragments, which a Node put together and cut again",
        ),
        pytest.param(
            (WHOLE, passage("reply", *HOME, flags=("SYN", "ACK"))), Told(answered=False, took_s=2), {}, "answered",
            "client reached server, asked as 10.96.0.9:80 (svc/web) and was answered; node-1 made 10.0.0.3:8080 (server) its"
            " destination.",
            id="answered, and the server goes on for longer than is waited",
        ),
        pytest.param(
            (WHOLE, passage("reply", *HOME, flags=("RST", "ACK"))), Told(answered=False, trouble="Connection refused"), {},
            "refused",
            "server refused the connection: it has 10.0.0.3, and nothing listens there on tcp port 8080, asked as"
            " 10.96.0.9:80 (svc/web).",
            id="nothing listens",
        ),
        pytest.param(
            (
                passage("forward", OUT, INTO, DROP, flags=("SYN",)),
                passage("error", seen(NODE, "out", ICMP, 4), seen(CLIENT, "in", ICMP, 5), error=PORT_ERROR),
            ),
            Told(answered=False), {}, "refused",
            "node-1 answered icmp port unreachable: the rule `reject` of chain refuse did it, for svc/web.",
            id="refused by a rule",
        ),
        pytest.param(
            (passage("forward", OUT, INTO, DROP, flags=("SYN",)),), Told(answered=False), {}, "dropped",
            "node-1 dropped the packet: the rule `reject` of chain refuse did it, for svc/web.",
            id="dropped by a rule",
        ),
        pytest.param(
            (passage("forward", REFUSED_AT_HOME, flags=("SYN",)),), Told(answered=False, trouble="Connection refused"), {},
            "refused", "client refused the packet: the rule `reject` of chain refuse did it, for svc/web.",
            id="refused by a rule of its own namespace: no interface sees that",
        ),
        pytest.param(
            (WHOLE, passage("reply", *HOME, DROPPED_AT_HOME, flags=("SYN", "ACK"))), Told(answered=False, took_s=2), {}, "dropped",
            "client dropped the answer: the rule `drop` of chain in did it.",
            id="the answer came home, and a rule there dropped it",
        ),
        pytest.param(
            (WHOLE,), Told(answered=False, took_s=2), {}, "unanswered",
            "The packet reached server, asked as 10.96.0.9:80 (svc/web), which did not answer in 2.0 s.",
            id="reached, and no answer",
        ),
        pytest.param(
            (passage("forward", OUT, INTO, DNAT, ON, flags=("SYN",)),), Told(answered=False), {}, "lost",
            "The packet left node-1 by eth0, and was seen nowhere after that.",
            id="lost on a link",
        ),
        pytest.param(
            (passage("forward", OUT, INTO, flags=("SYN",)),), Told(answered=False), {}, "lost",
            "The packet came to node-1 and was seen nowhere after that; the kernel does not tell why.",
            id="lost, and nobody knows why: nor that it was not passed on",
        ),
        pytest.param(
            (passage("forward", OUT, INTO, flags=("SYN",)),), Told(answered=False),
            {"walks": (lost_walk(NODE, "l.node-1 has no route to 10.96.0.9"),)}, "lost",
            "The packet came to node-1 and ended there: node-1 has no route to 10.96.0.9 (so says the state of the lab; the kernel"
            " does not tell).",
            id="lost in a namespace, and the state of the lab says why",
        ),
        pytest.param(
            (passage("forward", OUT, INTO, DNAT, flags=("SYN",)),), Told(answered=False),
            {"walks": (lost_walk(NODE, "10.0.0.4 is nowhere", SENT.to("10.0.0.4", 80)), lost_walk(NODE, "nobody has 10.0.0.3", THERE))},
            "lost", "The packet came to node-1 and ended there: nobody has 10.0.0.3 (so says the state of the lab; the kernel does"
            " not tell).",
            id="lost in a namespace: of all that chance might have drawn the reason is that of what it drew",
        ),
        pytest.param(
            (), Told(answered=False, trouble="No route to host"),
            {"walks": (lost_walk(CLIENT, "10.0.0.4 is nowhere"), lost_walk(CLIENT, "nobody has 10.0.0.3"))},
            "not sent", "client sent nothing to 10.96.0.9:80 (svc/web): No route to host.",
            id="never sent, and nobody knows what chance has drawn",
        ),
        pytest.param(
            (passage("forward", OUT, INTO, flags=("SYN",)),), Told(answered=False),
            {"counted": {NODE: ("the way back to its source leads elsewhere (rp_filter)",)}}, "lost",
            "The packet came to node-1 and ended there: the way back to its source leads elsewhere (rp_filter) (the kernel counted"
            " such a packet meanwhile).",
            id="lost in a namespace whose kernel counted why",
        ),
        pytest.param(
            (WHOLE, passage("reply", *HOME[:2], flags=("SYN", "ACK"))), Told(answered=False), {}, "lost",
            "server answered, but the answer came as far as node-1 and was not seen after that, as from 10.0.0.3, where 10.96.0.9"
            " had been asked.",
            id="the answer is lost",
        ),
        pytest.param(
            (WHOLE, passage("reply", *HOME[:2], seen(CLIENT, "in", BACK, 9), flags=("SYN", "ACK"))), Told(answered=False), {},
            "lost", "server answered, but the answer came as far as client and was not seen after that, as from 10.0.0.3, where"
            " 10.96.0.9 had been asked.",
            id="the answer came home and nobody had translated it back: nobody there knows it",
        ),
        pytest.param(
            (), Told(answered=False, trouble="Network is unreachable"),
            {"walks": (lost_walk(CLIENT, "l.default.client has no route to 10.96.0.9"),)}, "not sent",
            "client sent nothing to 10.96.0.9:80 (svc/web): client has no route to 10.96.0.9 (Network is unreachable).",
            id="never sent",
        ),
        pytest.param(
            (passage("forward", OUT, INTO, flags=("SYN",)),), Told(answered=False), {"unproved": {"l.node-1/eth0"}}, "unknown",
            "What became of the packet is not known: no answer was seen, but l.node-1/eth0 could not be proved to see everything.",
            id="an instrument that did not see its canary: unknown, never lost",
        ),
        pytest.param(
            (WHOLE, passage("reply", *HOME, flags=("SYN", "ACK"))), Told(answered=True, took_s=0.0005),
            {"unproved": {"l.node-1/eth0"}}, "answered",
            "client reached server, asked as 10.96.0.9:80 (svc/web) and was answered in 0.50 ms; node-1 made"
            " 10.0.0.3:8080 (server) its destination.",
            id="an answer that was seen needs no proof",
        ),
    ],
)  # fmt: skip
def test_verdict(passages, told, more, ending, sentence):
    found = verdict(Case(passages=passages, told=told, netns=CLIENT, sent=SENT, names=NAMES, **more))
    assert (found.ending, found.sentence) == (ending, sentence)
