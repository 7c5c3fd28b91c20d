"""What follows from the answers to an HTTP probe. They are whatever a program in a Pod likes to say."""

from __future__ import annotations

from dataclasses import replace

import pytest

from netlab.kernel.conversations import HEADERS_MAX, conversation
from netlab.netstate.health import HttpCheck, Outcome

CHECK = HttpCheck(netns="n", host="10.0.0.1", port=80, path="/a")
GOOD = Outcome(success=True)
BROKEN = "net/http: HTTP/1.x transport connection broken: malformed HTTP response"


def bad(why: str) -> Outcome:
    return Outcome(success=False, text=f'Get "http://10.0.0.1:80/a": {why}')


def referred(location: str) -> str:
    return f"HTTP/1.1 302 Found\r\nLocation: {location}\r\n\r\n"


@pytest.mark.parametrize(
    ("answer", "follows"),
    [
        pytest.param("HTTP/1.1 200 OK\r\n\r\n", GOOD, id="a good status"),
        pytest.param(
            "HTTP/1.1 500 \r\n\r\n", Outcome(success=False, text="HTTP probe failed with statuscode: 500"), id="a bad one"
        ),
        pytest.param("", bad("EOF"), id="nothing"),
        pytest.param("SSH-2.0-x\r\n\r\n", bad(f'{BROKEN} "SSH-2.0-x"'), id="another protocol"),
        pytest.param("HTTP/1.1 20 OK\r\n\r\n", bad(f'{BROKEN} "HTTP/1.1 20 OK"'), id="too few digits"),
        pytest.param(f"HTTP/1.1 {'2' * 5000}\r\n\r\n", bad(f'{BROKEN} "HTTP/1.1 {"2" * 71}"'), id="more than Python counts"),
        pytest.param("x" * HEADERS_MAX, bad(f'{BROKEN} "{"x" * 80}"'), id="no end of the headers"),
        pytest.param(referred("https://10.0.0.1:8443/b?c"), replace(CHECK, port=8443, path="/b?c", tls=True), id="elsewhere"),
        pytest.param(referred("b"), replace(CHECK, path="/b"), id="elsewhere, in short"),
        pytest.param(referred("http://example.org/"), GOOD, id="to another host"),
        pytest.param(
            referred("http://10.0.0.1:99999/"), bad('failed to parse Location header "http://10.0.0.1:99999/"'), id="to no port"
        ),
        pytest.param(referred("http://["), bad('failed to parse Location header "http://["'), id="to no address"),
    ],
)
def test_what_follows_from_an_answer(answer, follows):
    talk = conversation(CHECK)
    assert talk.opening().startswith(b"GET /a HTTP/1.1\r\n")
    found = talk.heard(answer.encode())
    assert (found or talk.heard(b"")) == follows
