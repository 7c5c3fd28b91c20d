"""The guestbook's own program and redis commands, taken out of the manifest and run on the throw-away machine's loopback."""

import json
import os
import select
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import pytest
import yaml

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.skipif(not os.environ.get("NETLAB_TEST_VM"), reason="runs inside scripts/test"),
]

MANIFEST = Path(__file__).parents[2] / "netlab" / "demos" / "guestbook" / "guestbook.yaml"
MASTER, SLAVE = "127.0.0.2", "127.0.0.3"
PAGE = "http://127.0.0.1:8080"
DEADLINE_S = 60.0
MEMORY_KIB = 15 * 1024


def manifest():
    return {(item["kind"], item["metadata"]["name"]): item for item in yaml.safe_load_all(MANIFEST.read_text())}


def words_of(name):
    container = manifest()["Deployment", name]["spec"]["template"]["spec"]["containers"][0]
    return [*container["command"], *container.get("args", ())]


def program():
    return manifest()["ConfigMap", "frontend"]["data"]["frontend.py"]


def until(condition):
    end = time.monotonic() + DEADLINE_S
    while not (value := condition()):
        assert time.monotonic() < end, f"not true after {DEADLINE_S} s: {value!r}"
        select.select([], [], [], 0.01)
    return value


def listens(host, port):
    with socket.socket() as probe:
        return probe.connect_ex((host, port)) == 0


@pytest.fixture
def start(tmp_path):
    """Start programs with the addresses of this machine in the place of names, and end them."""
    started = []

    def run(words, host, port, env=None):
        shown = {**os.environ, **(env or {})}
        with (tmp_path / "log").open("a") as log:
            process = subprocess.Popen(words, env=shown, stdout=log, stderr=log)
        started.append(process)
        until(lambda: listens(host, port))
        return process

    yield run
    for process in started:
        process.kill()
        process.wait()


def redis(name, host, tmp_path):
    words = [MASTER if word == "redis-master" else str(tmp_path) if word == "/tmp" else word for word in words_of(name)]
    return [*words, "--bind", host]


@pytest.fixture
def frontend(start):
    env = {
        "PROGRAM": program(), "PORT": "8080", "GET_HOSTS_FROM": "env",
        "REDIS_MASTER_SERVICE_HOST": MASTER, "REDIS_SLAVE_SERVICE_HOST": SLAVE,
    }  # fmt: skip
    words = [program() if word == "$(PROGRAM)" else word for word in words_of("frontend")]
    return start(words, "127.0.0.1", 8080, env)


@pytest.fixture
def backend(start, tmp_path):
    start(redis("redis-master", MASTER, tmp_path), MASTER, 6379)
    start(redis("redis-slave", SLAVE, tmp_path), SLAVE, 6379)


def fetch(path, **post):
    body = urllib.parse.urlencode(post).encode() if post else None
    with urllib.request.urlopen(PAGE + path, data=body, timeout=60) as answer:  # noqa: S310  # PAGE is http
        return answer.read().decode()


def read():
    return json.loads(fetch("/guestbook.php?cmd=get&key=messages"))["data"]


def test_a_message_goes_through_the_master_and_comes_back_from_the_slave(backend, frontend):
    assert read() == ""
    assert json.loads(fetch("/guestbook.php?cmd=set&key=messages&value=hello")) == {"message": "Updated"}
    until(lambda: read() == "hello")


def test_the_page_shows_messages_and_who_talks_to_whom(backend, frontend):
    fetch("/", message="<b>ünder</b>, way")
    page = until(lambda: (text := fetch("/")) and "nder" in text and text)
    assert "<li>&lt;b&gt;ünder&lt;/b&gt;  way</li>" in page
    assert f"Served by Pod {socket.gethostname()} at 127.0.0.1 to a client seen as 127.0.0.1." in page


def test_without_redis_the_page_says_so(frontend):
    with pytest.raises(urllib.error.HTTPError) as caught:
        fetch("/")
    with caught.value as answer:
        assert (answer.code, answer.read()) == (502, b"redis cannot be reached: [Errno 111] Connection refused\n")


def test_rubbish_does_not_stop_it(backend, frontend):
    for rubbish in (
        b"",
        b"\r\n",
        b"GET\r\n\r\n",
        b"\xff\xfe / HTTP/1.1\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
    ):
        with socket.create_connection(("127.0.0.1", 8080), timeout=60) as link:
            link.sendall(rubbish)
            link.shutdown(socket.SHUT_WR)
            link.recv(100)
    assert read() == ""


def test_it_is_small(backend, frontend):
    for _ in range(20):
        fetch("/")
    status = Path(f"/proc/{frontend.pid}/status").read_text()
    assert int(status.partition("VmRSS:")[2].split()[0]) <= MEMORY_KIB
