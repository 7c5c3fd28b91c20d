"""Ctrl-C while we become two processes."""

import os
import signal

import pytest

from netlab.kernel import interrupts


def forked(child):
    """How a process ended that called `child` and then returned: its wait status."""
    with interrupts.held():
        pid = os.fork()
        if pid == 0:
            try:
                child()
            finally:
                os._exit(7)
    return os.waitpid(pid, 0)[1]


def press():
    """To this thread: whatever other threads this process of all tests has by now, they do not hold it."""
    signal.raise_signal(signal.SIGINT)


def test_the_parent_hears_it_when_the_block_has_ended():
    done = []

    def work():
        with interrupts.held():
            press()
            done.append("and goes on")

    with pytest.raises(KeyboardInterrupt):
        work()
    assert done == ["and goes on"]


@pytest.mark.parametrize(
    ("child", "status"),
    [
        pytest.param(lambda: (press(), interrupts.forget()), 7 << 8, id="one that came meanwhile is forgotten"),
        pytest.param(lambda: (interrupts.forget(), press()), signal.SIGINT, id="a later one ends the new process, quietly"),
    ],
)
def test_the_child(child, status):
    assert forked(child) == status
