"""`netlab capture` as a user runs it: real packets, files that tshark reads, and everything that can go wrong meanwhile."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time

import pytest

from netlab.packets.pcapng_reader import read_capture

DEADLINE_S = 60.0
MANIFEST = """
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec:
  nodeName: node-2
  terminationGracePeriodSeconds: 0
  containers:
  - name: server
    image: host
    command: [python3, -u, -c, "import http.server as h; h.HTTPServer(('', 8000), h.SimpleHTTPRequestHandler).serve_forever()"]
    readinessProbe: {tcpSocket: {port: 8000}, periodSeconds: 1}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {clusterIP: 10.96.0.80, selector: {app: web}, ports: [{port: 80, targetPort: 8000}]}
---
apiVersion: v1
kind: Pod
metadata: {name: client}
spec:
  nodeName: node-1
  terminationGracePeriodSeconds: 0
  containers: [{name: c, image: host, command: [sleep, infinity]}]
"""


@pytest.fixture(scope="module")
def shared(module_program):
    return ready(module_program)


def ready(lab):
    lab("up", "--nodes", "2")
    lab.apply(MANIFEST)
    lab("wait", "--for=condition=Ready", "pod/web", "pod/client", "--timeout=60s")
    return lab


class Running:
    """A capture that goes on. `err` is what it has said so far."""

    def __init__(self, lab, *words, stdout=subprocess.PIPE):
        command = [sys.executable, "-m", "netlab", "capture", "--lab", lab.lab, *words]
        noon = {"TZ": f"noon{time.gmtime().tm_hour - 12:+d}"}  # lines tell the time of the day, which begins anew at midnight
        self.process = subprocess.Popen(command, env=os.environ | noon, stdout=stdout, stderr=subprocess.PIPE)
        self.err = ""
        self.says("listening on")

    def says(self, text):
        """Wait until it has said this on standard error."""
        end = time.monotonic() + DEADLINE_S
        while text not in self.err:
            ready, _, _ = select.select([self.process.stderr], [], [], end - time.monotonic())
            assert ready, f"it did not say {text!r} but {self.err!r}"
            more = os.read(self.process.stderr.fileno(), 65536).decode()
            assert more, f"it ended without saying {text!r}: {self.err!r}"
            self.err += more

    def end(self, number=signal.SIGINT):
        """Press Ctrl-C; return the exit code and standard output."""
        self.process.send_signal(number)
        return self.wait()

    def wait(self):
        out, err = self.process.communicate(timeout=DEADLINE_S)
        self.err += err.decode()
        return self.process.returncode, (out or b"").decode()


@contextlib.contextmanager
def running(lab, *words, **more):
    one = Running(lab, *words, **more)
    try:
        yield one
    finally:
        one.process.kill()
        one.process.communicate()


def ask(lab, url="http://10.96.0.80/"):
    assert "Directory listing" in lab("exec", "client", "--", "curl", "-s", url)


def tshark(file, *words):
    done = subprocess.run(["tshark", "-r", file, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [line.split("\t") for line in done.stdout.splitlines()]


def test_lines_have_names_and_say_what_was_translated(shared):
    with running(shared, "client", "svc/web", "tcp port 80 or tcp port 8000") as capture:
        ask(shared)
        code, out = capture.end()
    assert code == 0
    pod_ip, client_ip = shared.pod_ip("web"), shared.pod_ip("client")
    syns = [line.split(" ", 1)[1] for line in out.splitlines() if " SYN, " in line and client_ip in line]
    assert syns[0].split()[:3] == ["client/eth0", "→", "tcp"]
    assert "(client) > 10.96.0.80:80 (svc/web) SYN, length 0" in syns[0]
    (translated,) = [line for line in syns if "DNAT" in line]
    assert translated.startswith("node-1/eth0 ")
    assert translated.endswith(f"> {pod_ip}:8000 (web) SYN, length 0 [DNAT 10.96.0.80:80 -> {pod_ip}:8000 by svc/web]")
    assert syns[-1].startswith("web/eth0 ")
    answers = [line for line in out.splitlines() if " SYN ACK, " in line and client_ip in line]
    (undone,) = [line for line in answers if "DNAT" in line]
    assert undone.endswith(f"[un-DNAT {pod_ip}:8000 -> 10.96.0.80:80 by svc/web]")
    times = [line.split()[0] for line in out.splitlines()]
    assert times == sorted(times)


def test_lines_are_objects_for_who_asks_for_json(shared):
    with running(shared, "client", "svc/web", "-o", "json", "tcp port 80 or tcp port 8000") as capture:
        ask(shared)
        code, out = capture.end()
    assert code == 0
    seen = [json.loads(line) for line in out.splitlines()]
    assert {one["schema"] for one in seen} == {"netlab.capture/v1"}
    first, *_, last = [one for one in seen if one["flags"] == ["SYN"] and one["packet"]["source"]["name"] == "client"]
    assert (first["where"], first["kind"], first["packet"]["destination"]["name"]) == ("client/eth0", "out", "svc/web")
    assert (last["where"], last["kind"], last["packet"]["destination"]["name"]) == ("web/eth0", "in", "web")
    assert any(one["translated"] for one in seen)


def test_a_file_of_many_places_is_whole_after_ctrl_c(shared, tmp_path):
    file = tmp_path / "all.pcapng"
    with running(shared, "--all", "-w", str(file)) as capture:
        ask(shared)
        code, out = capture.end()
    assert (code, out) == (0, "")
    assert "0 packets dropped by kernel" in capture.err
    rows = tshark(
        file, "-N", "n", "-Y", "tcp.flags == 2 && (tcp.dstport == 80 || tcp.dstport == 8000) && !(ip.src == 10.244.2.1)",
        "-T", "fields", "-e", "frame.interface_name", "-e", "ip.src_host", "-e", "ip.dst_host", "-e", "frame.time_epoch",
    )  # fmt: skip
    rows = [row for row in rows if row[1] == "client"]
    places = [row[0] for row in rows]
    assert places[0] == "client/eth0"
    assert places[-1] == "web/eth0"
    assert {"node-1/cni0", "node-1/eth0", "fabric/node-1", "fabric/node-2", "node-2/eth0", "node-2/cni0"} <= set(places)
    assert [row[2] for row in rows] == sorted((row[2] for row in rows), key=("svc/web", "web").index)
    assert [row[3] for row in rows] == sorted(row[3] for row in rows)
    told = subprocess.run(["capinfos", file], capture_output=True, text=True, check=True).stdout
    assert told.count("Number of stat entries = 1") == told.count("Name = ")
    assert "Strict time order:   True" in told
    captured = int(capture.err.split(" packets captured")[0].split()[-1])
    assert f"Number of packets:   {captured}\n" in told


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_other_signals_leave_a_whole_file_too(shared, tmp_path, number):
    file = tmp_path / "x.pcapng"
    with running(shared, "client", "-w", str(file)) as capture:
        ask(shared)
        assert capture.end(number)[0] == 0
    assert "Number of stat entries = 1" in subprocess.run(["capinfos", file], capture_output=True, text=True, check=True).stdout


def test_a_reader_of_the_pipe_sees_packets_at_once(shared):
    with running(shared, "client", "-w", "-", "tcp port 80") as capture:
        reader = subprocess.Popen(
            ["tshark", "-l", "-r", "-", "-T", "fields", "-e", "ip.dst"], stdin=capture.process.stdout, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )  # fmt: skip
        ask(shared)
        assert reader.stdout.readline() == b"10.96.0.80\n"
        assert capture.process.poll() is None
        capture.process.stdout.close()
        assert capture.end()[0] == 0
        reader.communicate(timeout=DEADLINE_S)
        assert reader.returncode == 0


@pytest.mark.parametrize("words", [("client",), ("client", "-w", "-")], ids=["lines", "packets"])
def test_a_reader_that_goes_ends_it_quietly(shared, words):
    with running(shared, *words) as capture:
        capture.process.stdout.close()
        capture.process.wait(DEADLINE_S)
        assert capture.process.returncode == 141
        rest = capture.process.stderr.read().decode()
    assert rest.splitlines()[0].endswith("captured")


def test_a_number_of_packets_and_a_length_of_time_end_it(shared, tmp_path):
    with running(shared, "client", "-c", "3") as capture:
        ask(shared)
        code, out = capture.wait()
    assert (code, len(out.splitlines())) == (0, 3)
    assert "3 packets captured" in capture.err
    done = shared.run("capture", "client", "tcp port 9", "--duration", "100ms")
    assert (done.code, done.out) == (0, "")
    assert "0 packets captured" in done.err


def send_much(lab):
    """Have the client send 700,000 bytes, whoever may want them."""
    program = "import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
    lab("exec", "client", "--", "python3", "-c", program + "for _ in range(500): s.sendto(bytes(1400), ('172.18.0.1', 9))")


def test_full_files_are_followed_by_others(shared, tmp_path):
    with running(shared, "client", "-w", str(tmp_path / "ring"), "-C", "1", "-W", "2", "udp") as capture:
        send_much(shared)
        send_much(shared)
        assert capture.end()[0] == 0
    assert sorted(os.listdir(tmp_path)) == ["ring0", "ring1"]
    assert 1_000_000 < (tmp_path / "ring0").stat().st_size < 1_002_000
    for name in os.listdir(tmp_path):
        assert tshark(tmp_path / name, "-c", "1")
        assert read_capture((tmp_path / name).read_bytes()).lost == {"client/eth0": 0}  # what it had counted by then


@pytest.mark.parametrize(
    ("words", "message"),
    [
        pytest.param(("nobody",), 'Error from server (NotFound): pods "nobody" not found', id="a Pod"),
        pytest.param(("svc/nobody", "tcp"), 'Error from server (NotFound): services "nobody" not found', id="a Service"),
        pytest.param(("node/node-9",), 'Error from server (NotFound): nodes "node-9" not found', id="a Node"),
        pytest.param(("thing/x",), 'error: the server doesn\'t have a resource type "thing"', id="a kind"),
        pytest.param(
            ("client", "-i", "eth7"), "error: there is no interface 'eth7' there; use one of eth0, lo", id="an interface"
        ),
        pytest.param(("client", "tcp", "prot", "80"), "error: can't parse filter expression: syntax error", id="a filter"),
        pytest.param(("tcp", "port", "80"), "error: name what to capture: ", id="nothing but a filter"),
        pytest.param(("--all", "client"), "error: --all is every interface: name no object beside it", id="all and one"),
        pytest.param(("client", "-w", "/nowhere/x"), "error: /nowhere/x: No such file or directory", id="a folder"),
        pytest.param(("client", "--duration", "-1s"), "error: --duration must not be negative", id="a negative time"),
    ],
)
def test_what_cannot_be_captured_is_said(shared, words, message):
    done = shared.run("capture", *words)
    assert done.code != 0
    assert done.err.startswith(message)
    assert "Traceback" not in done.err


def test_who_is_not_root_is_told_so(shared):
    words = [
        "setpriv",
        "--reuid=65534",
        "--clear-groups",
        sys.executable,
        "-m",
        "netlab",
        "capture",
        "--lab",
        shared.lab,
        "client",
    ]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 4
    assert "repeat with sudo" in done.stderr


def test_a_full_disk_is_said_and_the_file_has_whole_packets(shared, tmp_path):
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", tmp_path], check=True)
    try:
        file = tmp_path / "x.pcapng"
        with running(shared, "client", "-w", str(file)) as capture:
            send_much(shared)
            code, _ = capture.wait()
        assert code == 1
        assert f"error: {file}: No space left on device" in capture.err
        assert "packets captured" in capture.err
        assert tshark(file, "-T", "fields", "-e", "frame.number")
    finally:
        subprocess.run(["umount", tmp_path], check=True)


def test_a_pod_that_goes_is_said_and_the_others_go_on(program, tmp_path):
    lab = ready(program)
    with running(lab, "client", "svc/web", "-w", str(tmp_path / "x.pcapng")) as capture:
        lab("delete", "pod", "web", "--now")
        capture.says("web/eth0 is gone")
        capture.says("node-2/veth")
        lab("exec", "client", "--", "sh", "-c", "curl -s -m 5 http://10.96.0.80/; true")
        code, _ = capture.end()
    assert code == 0
    assert ["client/eth0", "1"] in tshark(
        tmp_path / "x.pcapng", "-Y", "tcp.dstport == 80", "-T", "fields", "-e", "frame.interface_name", "-e", "tcp.flags.syn"
    )


def test_a_pod_that_comes_is_seen_too(program, tmp_path):
    lab = ready(program)
    web = MANIFEST.partition("---")[0]
    words = ("svc/web", "-w", str(tmp_path / "x.pcapng"), "--print")
    with (tmp_path / "lines").open("w+") as lines, running(lab, *words, stdout=lines) as capture:
        lab("delete", "pod", "web", "--now")
        capture.says("web/eth0 is gone")
        lab.apply(web)  # the same name again
        capture.says("listening on web/eth0, node-2/veth")
        lab.apply(web.replace("name: web", "name: other"))
        capture.says("listening on other/eth0, node-2/veth")
        lab("wait", "--for=condition=Ready", "pod/web", "pod/other", "--timeout=60s")
        asked, end = set(), time.monotonic() + DEADLINE_S
        while not asked >= {"web", "other"}:
            assert time.monotonic() < end, asked
            ask(lab)
            asked = seen_at(tmp_path / "x.pcapng")
        code, _ = capture.end()
        lines.seek(0)
        out = lines.read()
    assert code == 0
    for name in ("web", "other"):
        assert any(line.split()[1:3] == [f"{name}/eth0", "←"] and f"({name}) SYN, " in line for line in out.splitlines())
    told = subprocess.run(["capinfos", tmp_path / "x.pcapng"], capture_output=True, text=True, check=True).stdout
    assert told.count("Name = web/eth0") == told.count("Name = other/eth0") == 1
    assert told.count("Number of stat entries = 1") == told.count("Name = ")


def seen_at(file):
    """The Pods whose eth0 has seen a request of another Node: probes come from their own. The file may end in mid-writing."""
    words = ["-Y", "tcp.flags == 2 && ip.src == 10.244.1.0/24", "-T", "fields", "-e", "frame.interface_name"]
    done = subprocess.run(["tshark", "-r", file, *words], capture_output=True, text=True, check=False)
    return {line.partition("/")[0] for line in done.stdout.splitlines()}


def test_when_the_lab_goes_it_ends(program, tmp_path):
    lab = ready(program)
    with running(lab, "--all", "-w", str(tmp_path / "x.pcapng")) as capture:
        ask(lab)
        assert lab.run("down").code == 0
        code, _ = capture.wait()
    assert code == 1
    for place in ("client/eth0", "node-1/cni0", "fabric/fabric0", "outside/lo"):
        assert f"{place} is gone" in capture.err
    assert tshark(tmp_path / "x.pcapng", "-c", "1")
