"""What is expected of a trace: which lists are understood, and which traces are as expected."""

from __future__ import annotations

import pytest

from netlab.packets.expectations import ENDINGS, BadExpectation, expectations, failures


def side(address: str, port: int, name: str) -> dict[str, object]:
    return {"address": address, "port": port, "name": name}


CLIENT, NODE = side("10.0.0.2", 40000, "client"), side("172.18.0.2", 5000, "node-1")
SERVICE, SERVER = side("10.96.0.9", 80, "svc/web"), side("10.0.0.3", 8080, "web-1")


def step(where: str, source=CLIENT, destination=SERVICE) -> dict[str, object]:
    return {"where": where, "after": {"source": source, "destination": destination}}


TRACE = {
    "sent": {"source": CLIENT, "destination": SERVICE},
    "verdict": {"ending": "answered", "sentence": "client reached web-1."},
    "packets": [
        {"direction": "forward", "steps": [step("client"), step("node-1"), step("node-2"), step("web-1", CLIENT, SERVER)]}
    ],
}
MASQUERADED = {**TRACE, "packets": [{"direction": "forward", "steps": [step("client"), step("web-1", NODE, SERVER)]}]}
REFUSED = {**TRACE, "verdict": {"ending": "refused", "sentence": "node-1 refused it."}, "packets": []}


@pytest.mark.parametrize(
    ("wanted", "trace", "wrong"),
    [
        pytest.param({}, TRACE, [], id="an answer, if nothing else is said"),
        pytest.param(
            {}, REFUSED, ["it was to be answered, and is refused: node-1 refused it."], id="no answer: the verdict is quoted"
        ),
        pytest.param({"ending": "refused"}, REFUSED, [], id="a refusal that was expected"),
        pytest.param({"reaches": "web-*"}, TRACE, [], id="one of the Pods of a Deployment"),
        pytest.param({"reaches": ["db", "web-1"]}, TRACE, [], id="one of several"),
        pytest.param({"reaches": "db"}, TRACE, ["it was to reach db, and came to web-1"], id="another Pod"),
        pytest.param({"ending": "refused", "reaches": "db"}, REFUSED, ["it was to reach db, and came to nobody"], id="nobody"),
        pytest.param({"source": "kept"}, TRACE, [], id="the source is kept"),
        pytest.param(
            {"source": "kept"}, MASQUERADED, ["its source was to be kept, and 10.0.0.2 became 172.18.0.2 (node-1)"],
            id="it is not",
        ),
        pytest.param({"source": "node-*"}, MASQUERADED, [], id="the source is a Node"),
        pytest.param({"source": "node-1"}, TRACE, ["its source was to be node-1, and is 10.0.0.2 (client)"], id="it is none"),
        pytest.param({"destination": ":8080"}, TRACE, [], id="a port"),
        pytest.param({"destination": "10.0.0.3:8080"}, TRACE, [], id="address and port"),
        pytest.param(
            {"destination": "10.0.0.4"}, TRACE, ["it was to be sent to 10.0.0.4, and was sent to 10.0.0.3:8080"],
            id="another address",
        ),
        pytest.param({"through": ["node-1", "node-2"]}, TRACE, [], id="Nodes in order"),
        pytest.param(
            {"through": ["node-2", "node-1"]}, TRACE,
            ["it was to pass node-2, node-1, and passed client, node-1, node-2, web-1"], id="in another order",
        ),
        pytest.param({"not-through": "node-*"}, TRACE, ["it was not to pass node-*"], id="a Node that was not to be passed"),
    ],
)  # fmt: skip
def test_failures(wanted, trace, wrong):
    (one,) = expectations([{"from": "client", "to": "svc/web", **wanted}])
    assert list(failures(one, trace)) == wrong


@pytest.mark.parametrize(
    ("plain", "message"),
    [
        ({}, "a list of requests is needed, each with `from` and `to`"),
        ([], "a list of requests is needed, each with `from` and `to`"),
        (["web"], "[0]: a mapping is needed, with `from` and `to`"),
        ([{"from": "a"}], "[0].to: needed, as text"),
        ([{"from": "a", "to": "b"}, {"from": 1, "to": "b"}], "[1].from: needed, as text"),
        ([{"from": "a", "to": "b", "ending": "fine"}], f"[0].ending: must be one of {', '.join(ENDINGS)}"),
        ([{"from": "a", "to": "b", "udp": "yes"}], "[0].udp: is 'yes'"),
        ([{"from": "a", "to": "b", "ttl": True}], "[0].ttl: is True"),
        ([{"from": "a", "to": "b", "ttl": 256}], "[0].ttl: is 256, and must be from 1 to 255"),
        ([{"from": "a", "to": "b", "timeout": float("nan")}], "[0].timeout: is nan, and must be from 0.01 to 3600"),
        ([{"from": "a", "to": "b", "reaches": [1]}], "[0].reaches: a name, or a list of names, is needed"),
    ],
)  # fmt: skip
def test_what_is_not_understood_is_refused_with_its_place(plain, message):
    with pytest.raises(BadExpectation) as refused:
        expectations(plain)
    assert str(refused.value) == message


def test_an_unknown_word_is_refused():
    with pytest.raises(BadExpectation, match=r"\[0\]\.reach: not known; known are name, from, to"):
        expectations([{"from": "a", "to": "b", "reach": "c"}])
