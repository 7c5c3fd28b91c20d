"""What was translated between two places, from the packets that they saw."""

import pytest

from netlab.packets.frame import Frame, Icmp, Ip, Tcp, Udp
from netlab.packets.names import Names
from netlab.packets.translations import MOST, WITHIN_NS, Translations

NAMES = Names(
    addresses={},
    services={("tcp", "10.96.0.42", 80): "svc/web", ("tcp", "172.18.0.2", 30080): "svc/web"},
    namespaces={},
)
POD, VIP, NODE, OUTSIDE, ENDPOINT = "10.244.1.2", "10.96.0.42", "172.18.0.2", "172.18.0.1", "10.244.2.7"


def tcp(source, destination, *, number=1):
    return Frame(
        ip=Ip(family=4, source=source[0], destination=destination[0], ttl=64, protocol=6, identification=number),
        transport=Tcp(source_port=source[1], destination_port=destination[1], sequence=number, flags=2),
    )


def echo(source, destination, identifier=1):
    return Frame(
        ip=Ip(family=4, source=source, destination=destination, ttl=64, protocol=1),
        transport=Icmp(type=8, code=0, identifier=identifier, sequence=1),
    )


def told(*frames):
    translations = Translations(NAMES)
    return [list(translations.of(1000 * n, frame)) for n, frame in enumerate(frames)]


ASKED, SENT = tcp((POD, 40000), (VIP, 80)), tcp((POD, 40000), (ENDPOINT, 8080))
ANSWERED, TOLD = tcp((ENDPOINT, 8080), (POD, 40000), number=2), tcp((VIP, 80), (POD, 40000), number=2)


@pytest.mark.parametrize(
    ("frames", "expected"),
    [
        pytest.param([ASKED], [[]], id="seen once"),
        pytest.param([ASKED, ASKED], [[], []], id="seen twice, and the same"),
        pytest.param([ASKED, SENT], [[], ["DNAT 10.96.0.42:80 -> 10.244.2.7:8080 by svc/web"]], id="to an endpoint"),
        pytest.param(
            [ASKED, SENT, ASKED, SENT],
            [[], ["DNAT 10.96.0.42:80 -> 10.244.2.7:8080 by svc/web"], [], ["DNAT 10.96.0.42:80 -> 10.244.2.7:8080 by svc/web"]],
            id="a bridge sends a copy of it to somebody else, or it is sent anew: nobody has translated it back",
        ),
        pytest.param(
            [tcp((OUTSIDE, 5), (NODE, 30080)), tcp((OUTSIDE, 5), (ENDPOINT, 8080)), tcp((NODE, 61000), (ENDPOINT, 8080)),
             tcp((OUTSIDE, 5), (ENDPOINT, 8080))],
            [[], ["DNAT 172.18.0.2:30080 -> 10.244.2.7:8080 by svc/web"], ["SNAT 172.18.0.1:5 -> 172.18.0.2:61000"], []],
            id="a copy of what it was in between",
        ),
        pytest.param([ASKED, SENT, SENT], [[], ["DNAT 10.96.0.42:80 -> 10.244.2.7:8080 by svc/web"], []], id="told once"),
        pytest.param(
            [ASKED, SENT, ANSWERED, TOLD],
            [[], ["DNAT 10.96.0.42:80 -> 10.244.2.7:8080 by svc/web"], [], ["un-DNAT 10.244.2.7:8080 -> 10.96.0.42:80 by svc/web"]],
            id="there and back",
        ),
        pytest.param(
            [ANSWERED, TOLD], [[], ["un-DNAT 10.244.2.7:8080 -> 10.96.0.42:80 by svc/web"]], id="only the answer was seen"
        ),
        pytest.param(
            [tcp((OUTSIDE, 5), (NODE, 30080)), tcp((NODE, 61000), (ENDPOINT, 8080))],
            [[], ["DNAT 172.18.0.2:30080 -> 10.244.2.7:8080 by svc/web", "SNAT 172.18.0.1:5 -> 172.18.0.2:61000"]],
            id="a NodePort, masqueraded",
        ),
        pytest.param(
            [
                tcp((OUTSIDE, 5), (NODE, 30080)), tcp((NODE, 61000), (ENDPOINT, 8080)),
                tcp((ENDPOINT, 8080), (NODE, 61000), number=2), tcp((NODE, 30080), (OUTSIDE, 5), number=2),
            ],
            [
                [], ["DNAT 172.18.0.2:30080 -> 10.244.2.7:8080 by svc/web", "SNAT 172.18.0.1:5 -> 172.18.0.2:61000"],
                [], ["un-SNAT 172.18.0.2:61000 -> 172.18.0.1:5", "un-DNAT 10.244.2.7:8080 -> 172.18.0.2:30080 by svc/web"],
            ],
            id="a NodePort, there and back",
        ),
        pytest.param(
            [tcp((POD, 1), ("192.0.2.1", 443)), tcp((NODE, 1), ("192.0.2.1", 443))], [[], ["SNAT 10.244.1.2:1 -> 172.18.0.2:1"]],
            id="masqueraded",
        ),
        pytest.param(
            [tcp((POD, 1), ("192.0.2.1", 443)), tcp((POD, 1), ("192.0.2.2", 443))], [[], ["DNAT 192.0.2.1:443 -> 192.0.2.2:443"]],
            id="by nobody that is known",
        ),
        pytest.param([echo(POD, VIP), echo(NODE, VIP, 7)], [[], ["SNAT 10.244.1.2 -> 172.18.0.2"]], id="a ping has no ports"),
        pytest.param([ASKED, tcp((POD, 40000), (ENDPOINT, 8080), number=9)], [[], []], id="another packet"),
        pytest.param([Frame(), Frame(missing="cut")], [[], []], id="what is no packet"),
    ],
)  # fmt: skip
def test_translations(frames, expected):
    assert told(*frames) == expected


def test_inside_a_tunnel():
    outer = Ip(family=4, source=NODE, destination="172.18.0.3", ttl=64, protocol=17)
    tunnelled = Frame(ip=outer, transport=Udp(source_port=1, destination_port=8472), vni=1, inner=SENT)
    assert told(ASKED, tunnelled) == [[], ["DNAT 10.96.0.42:80 -> 10.244.2.7:8080 by svc/web"]]


def test_a_packet_that_was_seen_long_ago_is_another_one():
    translations = Translations(NAMES)
    translations.of(0, ASKED)
    assert translations.of(WITHIN_NS + 1, SENT) == ()


def test_only_so_many_packets_are_remembered():
    translations = Translations(NAMES)
    translations.of(0, ASKED)
    for number in range(10, 10 + MOST):
        translations.of(0, tcp((POD, 1), (VIP, 80), number=number))
    assert translations.of(0, SENT) == ()
