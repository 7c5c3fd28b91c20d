"""exec, shell, cp, port-forward and top as a user types them: with a real terminal, real files, real clients."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import socket
import struct
import subprocess
import sys
import termios
import time
import urllib.request
from contextlib import contextmanager

import pytest

from tests.scenarios.conftest import Program

DEADLINE_S = 60.0
MANIFEST = """
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec:
  nodeName: node-1
  terminationGracePeriodSeconds: 0
  containers:
    - name: server
      image: host
      command: [python3, -m, http.server, "8000", --bind, 127.0.0.1, --directory, /srv]
      ports: [{containerPort: 8000, name: http}]
    - name: side
      image: host
      command: [sh, -c, "while :; do :; done"]
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  selector: {app: web}
  ports: [{port: 80, targetPort: http, name: page}]
---
apiVersion: v1
kind: Pod
metadata: {name: done}
spec:
  restartPolicy: Never
  containers: [{name: c, image: host, command: ["true"]}]
"""


def ready(lab):
    lab.apply(MANIFEST)
    lab("wait", "--for=condition=Ready", "pod/web", "--timeout=60s")
    lab("wait", "--for=jsonpath={.status.phase}=Succeeded", "pod/done", "--timeout=60s")
    return lab


@pytest.fixture(scope="module")
def web():
    """A lab that all tests share that leave its Pods alone."""
    shared = Program(f"r{os.getpid() % 100000}")
    try:
        shared("up", "--nodes", "2")
        yield ready(shared)
    finally:
        done = shared.run("down")
    assert done.code == 0, done.out + done.err


@pytest.fixture
def own(lab):
    """A lab of which nothing is left as it was."""
    return ready(lab)


def line(lab, *words):
    verb, *rest = words
    return [sys.executable, "-m", "netlab", verb, "--lab", lab.lab, *rest]


class Window:
    """A terminal in which netlab runs, as its session's leader."""

    def __init__(self, *args, size=(30, 90)):
        self.pid, self.end = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))
            os.execvp(args[0], args)  # noqa: S606 - that is what is wanted
        self.seen = b""

    def type(self, text):
        os.write(self.end, text)

    def resize(self, rows, columns):
        fcntl.ioctl(self.end, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def see(self, text, deadline_s=DEADLINE_S):
        """Wait until `text` (a pattern) is printed; return what was printed up to it."""
        deadline = time.monotonic() + deadline_s
        while not (found := re.search(text, self.seen)):
            ready, _, _ = select.select([self.end], [], [], max(0, deadline - time.monotonic()))
            assert ready, f"{text!r} was not printed, but {self.seen!r}"
            try:
                self.seen += os.read(self.end, 65536)
            except OSError:
                raise AssertionError(f"{text!r} was not printed until the end, but {self.seen!r}") from None
        before, self.seen = self.seen[: found.end()], self.seen[found.end() :]
        return before

    def rest(self):
        """All that is printed until nobody has the terminal any more."""
        deadline = time.monotonic() + DEADLINE_S
        while True:
            ready, _, _ = select.select([self.end], [], [], max(0, deadline - time.monotonic()))
            assert ready, f"the terminal is still in use, after {self.seen!r}"
            try:
                self.seen += os.read(self.end, 65536)
            except OSError:
                return self.seen

    def code(self):
        handle = os.pidfd_open(self.pid)
        try:
            assert select.select([handle], [], [], DEADLINE_S)[0], "netlab does not end"
        finally:
            os.close(handle)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def modes(self):
        return termios.tcgetattr(self.end)


@contextmanager
def window(*args, **options):
    made = Window(*args, **options)
    try:
        yield made
    finally:
        os.close(made.end)


BUSY = b"sh -c 'echo begun; exec sleep 7012'\r"  # once that is printed, it is what runs in the foreground
SHELL = ("web", "-c", "side", "--", "bash", "--norc", "--noediting")


def test_a_shell_in_a_terminal(web):
    with window(*line(web, "exec", "-it", *SHELL)) as user:
        before = user.modes()
        user.see(rb"# ")
        assert user.modes() != before
        user.type(b"tty; stty size\r")
        user.see(rb"\n/dev/pts/\d+\r\n30 90\r\n")
        user.resize(44, 99)
        answer = b""
        while not answer.endswith(b"44 99\r\n"):  # a signal brings the news, what is typed may overtake it
            user.type(b"stty size\r")
            answer = user.see(rb"\d+ \d+\r\n")
        user.type(BUSY)
        user.see(rb"begun\r\n")
        user.type(b"\x03")
        user.see(rb"# ")
        user.type(b"echo code=$?\r")
        user.see(rb"\ncode=130\r\n")
        user.type(BUSY)
        user.see(rb"begun\r\n")
        user.type(b"\x1a")
        user.see(rb"Stopped +")
        user.type(b"kill -KILL %1; exit 7; exit 7\r")
        assert b"command terminated with exit code 7" in user.rest()
        assert user.code() == 7
        assert user.modes() == before


def test_a_pod_for_one_command_in_a_terminal(web):
    with window(*line(web, "run", "-it", "--rm", "client", "--", "bash", "--norc", "--noediting")) as user:
        user.see(rb"# ")
        user.type(b"hostname; tty; exit 5\r")
        user.see(rb"\nclient\r\n/dev/pts/\d+\r\n")
        assert b'pod "client" deleted' in user.rest()
        assert user.code() == 5
    assert 'pods "client" not found' in web.run("get", "pod", "client").err


@pytest.mark.parametrize(
    ("words", "stdin", "code", "out"),
    [
        pytest.param(("-i", "--", "cat"), "over the wire", 0, "over the wire", id="its input"),
        pytest.param(("-i", "--", "sh", "-c", "exit 3"), "", 3, "", id="its exit code"),
        pytest.param(("-i", "--restart=Never", "--image=host", "--", "printenv", "HOSTNAME"), "", 0, "client\n", id="its name"),
    ],
)
def test_a_pod_for_one_command(web, words, stdin, code, out):
    done = web.run("run", "client", "--rm", *words, stdin=stdin)
    assert (done.code, done.out) == (code, out)
    assert done.err.endswith('pod "client" deleted\n')
    assert not web.pods("client")


def test_the_size_is_known_before_anything_can_be_typed(web):
    with window(*line(web, "exec", "-it", "web", "-q", "--", "sh", "-c", "read x; stty size"), size=(17, 71)) as user:
        user.type(b"\r")
        assert user.rest().endswith(b"\r\n17 71\r\n")
        assert user.code() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_netlab_is_ended_and_the_terminal_is_as_it_was(web, processes, until, number):
    with window(*line(web, "exec", "-it", *SHELL)) as user:
        before = user.modes()
        user.see(rb"# ")
        user.type(BUSY)
        user.see(rb"begun\r\n")
        os.kill(user.pid, number)
        user.rest()
        assert user.code() == 128 + number
        assert user.modes() == before
    until(lambda: not [one for one in processes(web.lab) if "7012" in one])


def test_a_window_that_is_closed_ends_what_ran_in_it(web, processes, until):
    with window(*line(web, "exec", "-it", *SHELL)) as user:
        user.see(rb"# ")
        user.type(BUSY)
        user.see(rb"begun\r\n")
    user.code()
    until(lambda: not [one for one in processes(web.lab) if "7012" in one or "--norc" in one])


def test_a_command_that_does_not_exist_in_a_terminal(web):
    with window(*line(web, "exec", "-it", "web", "--", "nosuch")) as user:
        before = user.modes()
        assert b"nosuch" in user.rest()
        assert user.code() == 127
        assert user.modes() == before


def test_a_terminal_on_a_node_is_our_own(web):
    with window(*line(web, "exec", "-it", "node-1", "--", "stty", "size")) as user:
        assert user.rest() == b"30 90\r\n"
        assert user.code() == 0


def test_signals_without_a_terminal_are_for_the_command(web):
    script = "trap 'echo caught; exit 5' TERM; echo ready; while :; do sleep 0.1; done"
    words = line(web, "exec", "web", "-q", "--", "sh", "-c", script)
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as netlab:
        assert netlab.stdout.readline() == b"ready\n"
        netlab.terminate()
        assert netlab.stdout.readline() == b"caught\n"
        assert netlab.wait(DEADLINE_S) == 5


@pytest.mark.parametrize(
    ("words", "code", "out", "err"),
    [
        pytest.param(
            ("web", "--", "hostname"),
            0,
            "web\n",
            'Defaulted container "server" out of: server, side\n',
            id="the first container",
        ),
        pytest.param(("-q", "web", "--", "hostname"), 0, "web\n", "", id="quietly"),
        pytest.param(("svc/web", "-c", "side", "--", "hostname"), 0, "web\n", "", id="through a Service"),
        pytest.param(
            ("-it", "web", "-c", "side", "--", "cat"),
            0,
            "in\n",
            "Unable to use a TTY - input is not a terminal or the right kind of file\n",
            id="no terminal",
        ),
        pytest.param(("-t", "web", "-c", "side", "--", "cat"), 0, "", "", id="no input, and so no terminal"),
        pytest.param(
            ("web", "-c", "side", "--", "sh", "-c", "exit 3"), 3, "", "command terminated with exit code 3\n", id="an exit code"
        ),
        pytest.param(("-i", "node-1", "--", "cat"), 0, "in\n", "", id="input on a Node"),
        pytest.param(("node-1", "--", "cat"), 0, "", "", id="no input on a Node"),
        pytest.param(
            ("done", "--", "true"),
            1,
            "",
            "error: cannot exec into a container in a completed pod; current phase is Succeeded\n",
            id="a Pod that has ended",
        ),
    ],
)
def test_exec_without_a_terminal(web, words, code, out, err):
    done = web.run("exec", *words, stdin="in\n")
    assert (done.code, done.out, done.err) == (code, out, err)


def test_a_shell_says_where_one_is(web):
    with window(*line(web, "shell", "svc/web", "-c", "side")) as user:
        user.see(rb"pod/web# ")
        user.type(b"hostname; exit 4\r")
        assert user.rest().endswith(b"web\r\nexit\r\n")
        assert user.code() == 4
    with window(*line(web, "shell", "node-1")) as user:
        user.see(rb"node-1# ")
        user.type(b"ip -br addr show dev cni0; exit\r")
        user.see(rb"10\.244\.\d+\.1/24")
        user.rest()
        assert user.code() == 0
    assert web.run("shell", "web", "-c", "side", stdin="hostname; exit 6\n").out == "web\n"
    assert web.run("shell", "web", "-c", "side", stdin="exit 6\n").code == 6
    assert "cni0" in web("shell", "node-1", stdin="ip -br link show dev cni0\n")
    assert web.run("shell", "nosuch").code == 1


def test_files_there_and_back(web, tmp_path):
    (tmp_path / "in/sub").mkdir(parents=True)
    (tmp_path / "in/sub/large").write_bytes(os.urandom(5_000_000))
    (tmp_path / "in/link").symlink_to("sub/large")
    (tmp_path / "file").write_text("hello")
    (tmp_path / "file").chmod(0o755)
    side = ("-c", "side")
    assert web("cp", *side, str(tmp_path / "in"), "web:/srv/new") == ""
    assert web("cp", *side, str(tmp_path / "in"), "default/web:/srv") == "", "into a directory that is there"
    assert web("cp", *side, "web:/srv/new", str(tmp_path / "out")) == ""
    assert (tmp_path / "out/sub/large").read_bytes() == (tmp_path / "in/sub/large").read_bytes()
    assert os.readlink(tmp_path / "out/link") == "sub/large"
    assert web("exec", "web", *side, "--", "readlink", "/srv/in/link") == "sub/large\n"
    web("cp", *side, str(tmp_path / "file"), "web:/srv/")
    web("cp", *side, "web:/srv/file", str(tmp_path / "out"))
    assert ((tmp_path / "out/file").read_text(), (tmp_path / "out/file").stat().st_mode & 0o777) == ("hello", 0o755)
    os.chown(tmp_path / "file", 1234, 1234)
    web("cp", *side, str(tmp_path / "file"), "web:/srv/owned")
    web("cp", *side, "--no-preserve", str(tmp_path / "file"), "web:/srv/mine")
    assert web("exec", "web", *side, "--", "stat", "-c", "%u", "/srv/owned", "/srv/mine") == "1234\n0\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        pytest.param(
            ("web:/nosuch", "/tmp/x"), "error: /nosuch: nosuch: Cannot stat: No such file or directory", id="nothing there"
        ),
        pytest.param(("/nosuch", "web:/tmp"), "error: /nosuch doesn't exist in local filesystem", id="nothing here"),
        pytest.param(("/etc/hostname", "web:/no/such/x"), "Cannot open: No such file or directory", id="no directory there"),
        pytest.param(
            ("web:/etc/hostname", "/proc/nosuch/x"), "/proc/nosuch: No such file or directory", id="no directory here"
        ),
        pytest.param(("/etc/hostname", "nosuch:/tmp"), 'Error from server (NotFound): pods "nosuch" not found', id="no Pod"),
        pytest.param(
            ("/etc/hostname", "/tmp"), "error: one of src or dest must be a remote file specification", id="both here"
        ),
        pytest.param(("/etc/hostname",), "error: source and destination are required", id="one place"),
    ],
)
def test_copies_that_fail(web, words, message):
    done = web.run("cp", "-c", "side", *words)
    assert (done.code, done.out) == (1, "")
    assert message in done.err


def test_a_container_whose_tar_lies(own, tmp_path):
    """What the container sends is not trusted: this tar names a file outside of what was asked for."""
    (tmp_path / "target").mkdir()
    evil = "#!/bin/sh\ncd /srv && mkdir -p d && echo evil > evil && exec /usr/bin/tar -P -cf - d ../srv/evil\n"
    install = "cat > /usr/local/bin/tar; chmod +x /usr/local/bin/tar"
    own("exec", "-i", "web", "-c", "side", "--", "sh", "-c", install, stdin=evil)
    done = own.run("cp", "-c", "side", "web:/srv/d", str(tmp_path / "target"))
    assert done.code == 1
    assert "tar contents corrupted: '../srv/evil' is not in 'd'" in done.err
    assert sorted(os.listdir(tmp_path)) == ["target"]


@contextmanager
def forwarding(lab, *words):
    """A port-forward under way, and the lines that it begins with, one for each port."""
    netlab = subprocess.Popen(line(lab, "port-forward", *words), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        yield netlab
    finally:
        netlab.kill()
        netlab.communicate()


def local_port(text):
    return int(re.fullmatch(r"Forwarding from 127\.0\.0\.1:(\d+) -> 8000\n", text)[1])


@pytest.mark.parametrize("words", [("web", ":8000"), ("pod/web", "0:http"), ("svc/web", ":80"), ("service/web", ":page")])
def test_a_page_through_a_forwarded_port(web, words, until):
    until(lambda: web.run("exec", "-q", "web", "--", "bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/8000").code == 0)
    web("exec", "-i", "web", "-q", "--", "sh", "-c", "cat > /srv/page", stdin="hello")
    with forwarding(web, *words) as netlab:
        port = local_port(netlab.stdout.readline())
        for _ in range(2):
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/page", timeout=DEADLINE_S) as answer:
                assert answer.read() == b"hello"
            assert netlab.stdout.readline() == f"Handling connection for {port}\n"
        netlab.send_signal(signal.SIGINT)
        assert netlab.communicate(timeout=DEADLINE_S) == ("", "")
        assert netlab.returncode == 0
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_S)


def test_a_port_at_which_nobody_listens_in_the_pod(web):
    with forwarding(web, "web", ":1") as netlab:
        port = int(re.search(r":(\d+) ->", netlab.stdout.readline())[1])
        for _ in range(2):
            with socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_S) as client:
                assert client.recv(1) == b""
            reason = f"forwarding {port} -> 1: connect to 127.0.0.1:1 in pod/web: Connection refused"
            assert netlab.stderr.readline() == f"error: an error occurred {reason}\n"
        assert netlab.poll() is None, "it goes on"


def test_the_pod_goes_and_with_it_the_forwarding(own):
    with forwarding(own, "web", ":8000") as netlab:
        local_port(netlab.stdout.readline())
        own("delete", "pod", "web", "--now")
        _, err = netlab.communicate(timeout=DEADLINE_S)
        assert (netlab.returncode, err) == (1, "error: lost connection to pod\n")


def test_ports_that_cannot_be_had(web):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = web.run("port-forward", "web", f"{port}:8000")
    refused = f"unable to create listener: Error listen tcp4 127.0.0.1:{port}: bind: address already in use"
    assert (done.code, done.out) == (1, "")
    assert done.err.splitlines() == [
        f"Unable to listen on port {port}: Listeners failed to create with the following errors: [{refused}]",
        f"error: unable to listen on any of the requested ports: [{{{port} 8000}}]",
    ]
    assert (
        "unable to forward port because pod is not running. Current status=Succeeded"
        in web.run("port-forward", "done", "80").err
    )
    assert web.run("port-forward", "web").err == "error: TYPE/NAME and list of ports are required for port-forward\n"
    assert web.run("port-forward", "nosuch", "80").err == 'Error from server (NotFound): pods "nosuch" not found\n'


def test_what_pods_and_nodes_use(web, until):
    # One of its containers works without pause; a busy machine gives it little of one look's quarter of a second.
    until(lambda: int(web("top", "pod", "web", "--no-headers").split()[1].removesuffix("m")) > 100)
    until(lambda: int(web("top", "node", "node-1", "--no-headers").split()[2].removesuffix("%")) >= 5)
    heading, line_ = web("top", "pods").splitlines()
    assert heading.split() == ["NAME", "CPU(cores)", "MEMORY(bytes)"]
    name, cpu, memory = line_.split()
    assert name == "web", "a Pod that has ended uses nothing"
    assert cpu.endswith("m")
    assert memory.endswith("Mi")

    def used():
        return [one.split() for one in web("top", "pods", "--containers", "--no-headers", "--sort-by=cpu").splitlines()]

    rows = until(lambda: (found := used()) and [row[:2] for row in found] == [["web", "side"], ["web", "server"]] and found)
    assert int(rows[1][3].removesuffix("Mi")) >= 3, "python's own memory"
    assert web("top", "pods", "-A", "-l", "app=web", "--sum").splitlines()[2].split() == ["________", "________"]
    nodes = [one.split() for one in web("top", "nodes").splitlines()]
    assert nodes[0] == ["NAME", "CPU(cores)", "CPU(%)", "MEMORY(bytes)", "MEMORY(%)"]
    assert [row[0] for row in nodes[1:]] == ["node-1", "node-2"]
    assert web("top", "no", "node-2", "--no-headers").split()[0] == "node-2"


@pytest.mark.parametrize(
    ("words", "code", "err"),
    [
        pytest.param(("pods", "nosuch"), 1, 'Error from server (NotFound): pods "nosuch" not found\n', id="no such Pod"),
        pytest.param(
            ("pod", "done"),
            1,
            "error: Metrics not available for pod default/done: no container of it runs\n",
            id="a Pod that has ended",
        ),
        pytest.param(("pods", "-n", "nosuch"), 0, "No resources found in nosuch namespace.\n", id="nothing there"),
        pytest.param(("pods", "-l", "app=nosuch", "-A"), 0, "No resources found\n", id="nothing anywhere"),
        pytest.param(
            ("pods", "--sort-by=name"), 1, "error: --sort-by accepts only cpu or memory\n", id="sorted by what is not measured"
        ),
        pytest.param(
            ("pods", "web", "-l", "app=web"),
            1,
            "error: only one of NAME or selector can be provided; leave out NAME or -l\n",
            id="name and selector",
        ),
        pytest.param(("nodes", "nosuch"), 1, 'Error from server (NotFound): nodes "nosuch" not found\n', id="no such Node"),
    ],
)
def test_top_of_what_there_is_not(web, words, code, err):
    verb, *rest = words
    done = web.run("top", verb, *rest)
    assert (done.code, done.out, done.err) == (code, "", err)
