"""The relay between two terminals: real ones on both sides, a program of this machine instead of a container's."""

from __future__ import annotations

import os
import pty
import select
import selectors
import signal
import socket
import subprocess
import sys
import termios
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from netlab.kernel import terminal
from tests.descriptors import open_files

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.skipif(not os.environ.get("NETLAB_TEST_VM"), reason="runs inside scripts/test"),
]

DEADLINE_S = 60.0


class Window:
    """The user's side: what he types and sees. `ours` is what netlab has as standard input and output."""

    def __init__(self, size=(30, 90)):
        self.end, self.ours = pty.openpty()
        terminal.set_size(self.ours, size)
        self.seen = b""

    def type(self, text):
        os.write(self.end, text)

    def see(self, text):
        """Wait until `text` is printed, return all up to it."""
        deadline = time.monotonic() + DEADLINE_S
        while text not in self.seen:
            ready, _, _ = select.select([self.end], [], [], max(0, deadline - time.monotonic()))
            assert ready, f"{text!r} was not printed, but {self.seen!r}"
            self.seen += os.read(self.end, 65536)
        before, _, self.seen = self.seen.partition(text)
        return before + text

    def close(self):
        os.close(self.end)
        os.close(self.ours)


@contextmanager
def tied(window, *args, keyboard=True):
    """A program whose terminal is tied to the window; yields the relay, the thread it works in, and the program."""
    master, slave = pty.openpty()
    program = subprocess.Popen(["setsid", "--ctty", *args], stdin=slave, stdout=slave, stderr=slave)
    os.close(slave)
    ended = os.pidfd_open(program.pid)
    relay = terminal.Relay(master=master, keyboard=window.ours if keyboard else None, screen=window.ours, ended=ended)
    thread = threading.Thread(target=relay.run)
    thread.start()
    try:
        yield relay, thread, program
    finally:
        relay.hang_up()
        thread.join(DEADLINE_S)
        assert not thread.is_alive()
        relay.close()
        program.kill()
        program.wait()
        os.close(ended)


@pytest.fixture
def window():
    before = open_files()
    made = Window()
    modes = termios.tcgetattr(made.ours)
    yield made
    assert termios.tcgetattr(made.ours) == modes, "the terminal is as it was"
    made.close()
    assert open_files() <= before


def test_what_is_typed_goes_in_and_what_is_printed_comes_out(window):
    with tied(window, "sh", "-c", "echo ready; read line; echo got $line; exit 3") as (_, thread, program):
        window.see(b"ready\r\n")
        window.type(b"word\r")
        assert window.see(b"got word\r\n") == b"word\r\ngot word\r\n", "echoed once, by the program's own terminal"
        thread.join(DEADLINE_S)
        assert program.wait() == 3


def test_the_size_at_the_beginning_and_after_a_change(window):
    with tied(window, "sh", "-c", "trap 'stty size' WINCH; echo ready; while :; do read x; done") as (relay, _, _):
        window.see(b"ready\r\n")
        terminal.set_size(window.ours, (44, 99))
        relay.resize()
        window.see(b"44 99\r\n")
    with tied(window, "sh", "-c", "read x; stty size"):
        window.type(b"\r")
        window.see(b"44 99\r\n")


@pytest.mark.parametrize(("key", "name"), [(b"\x03", "INT"), (b"\x1c", "QUIT"), (b"\x1a", "TSTP")])
def test_control_keys_become_signals_of_the_program(window, key, name):
    with tied(window, "sh", "-c", f"trap 'echo caught {name}' {name}; echo ready; while :; do sleep 0.1; done"):
        window.see(b"ready\r\n")
        assert not termios.tcgetattr(window.ours)[3] & termios.ISIG, "our own terminal makes no signals"
        window.type(key)
        window.see(b"caught " + name.encode())


def test_all_that_was_printed_is_seen_when_the_program_has_ended(window):
    size = 200_000
    program = f"import sys; sys.stdout.write('x' * {size} + 'end'); sys.stdout.flush()"
    with tied(window, sys.executable, "-c", program) as (_, thread, _):
        assert len(window.see(b"end")) == size + 3
        thread.join(DEADLINE_S)


def test_a_large_paste_to_a_program_that_reads_late_and_prints_much(window):
    """Both directions are full at once; neither waits for the other."""
    program = (
        "import os, sys, tty; tty.setraw(0); os.write(1, b'ready'); total = 0\n"
        "for _ in range(50): os.write(1, b'o' * 10000)\n"
        "while total < 300000: total += len(os.read(0, 65536))\n"
        "os.write(1, b'all read')"
    )
    with tied(window, sys.executable, "-c", program):
        window.see(b"ready")
        typing = threading.Thread(target=_write_all, args=(window.end, b"i" * 300_000))
        typing.start()
        assert window.see(b"all read").count(b"o") == 500_000
        typing.join(DEADLINE_S)


def _write_all(handle, data):
    while data:
        data = data[os.write(handle, data) :]


def test_what_a_program_leaves_behind_holds_nobody_up(window):
    with tied(window, "sh", "-c", "trap '' HUP; sleep 1000 & echo $!") as (_, thread, _):
        pid = int(window.see(b"\r\n"))
        thread.join(DEADLINE_S)
        assert not thread.is_alive()
        os.kill(pid, signal.SIGKILL)


def test_hanging_up_takes_the_terminal_from_the_program(window):
    with tied(window, "sh", "-c", "echo ready; read x; sleep 1000") as (relay, thread, program):
        window.see(b"ready\r\n")
        relay.hang_up()
        thread.join(DEADLINE_S)
        relay_end = program.poll()
    assert relay_end is None, "the program still had its terminal until the master was closed"
    assert program.returncode in {-signal.SIGHUP, -signal.SIGKILL}


def test_a_window_that_is_closed_ends_the_relay():
    window = Window()
    with tied(window, "sh", "-c", "echo ready; sleep 1000") as (_, thread, _):
        window.see(b"ready\r\n")
        os.close(window.end)
        thread.join(DEADLINE_S)
        assert not thread.is_alive()
    os.close(window.ours)


def test_a_program_that_closes_its_terminal_and_goes_on(window, monkeypatch):
    rounds = []
    select = selectors.PollSelector.select
    monkeypatch.setattr(selectors.PollSelector, "select", lambda *args: (rounds.append(1), select(*args))[1])
    with tied(window, "sh", "-c", "echo ready; exec <&- >&- 2>&-; sleep 0.3") as (_, thread, program):
        window.see(b"ready\r\n")
        thread.join(DEADLINE_S)
        assert program.wait() == 0
    assert len(rounds) < 20, "no busy loop"


def test_no_keyboard(window):
    with tied(window, "sh", "-c", "sleep 0.2; echo out; stty size", keyboard=False) as (_, thread, _):
        window.see(b"out\r\r\n30 90\r\r\n")  # a terminal that is not raw makes \r\n of \n once more
        thread.join(DEADLINE_S)


def test_the_terminal_is_put_back_after_an_error(window):
    modes = termios.tcgetattr(window.ours)
    changed = []

    def fail():
        with terminal.raw(window.ours):
            changed.append(termios.tcgetattr(window.ours) != modes)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert changed == [True]
    assert termios.tcgetattr(window.ours) == modes
    reading, writing = os.pipe()
    with terminal.raw(reading), terminal.raw(None):
        pass  # no terminals: nothing to do
    assert terminal.size_of(None, reading, window.ours) == (30, 90)
    assert terminal.size_of(reading) is None
    os.close(reading)
    os.close(writing)


def test_the_master_comes_through_a_socket(tmp_path, window):
    path = tmp_path / "console.sock"
    never, _end = os.pipe()
    with terminal.console_socket(path) as listener:
        with socket.socket(socket.AF_UNIX) as sender:
            sender.connect(str(path))
            socket.send_fds(sender, [b"x"], [window.end])
        master = terminal.received_master(listener, never)
        assert os.fstat(master) == os.fstat(window.end)
        os.close(master)
        os.close(_end)  # the other end is readable now: the sender has ended
        assert terminal.received_master(listener, never) is None
    assert not Path(path).exists()
    os.close(never)
