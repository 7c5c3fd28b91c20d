"""What a process beside us makes arrives whole and in order, or its end is told; and it ends with us."""

import errno
import itertools
import os
import signal

import pytest

from netlab.kernel.beside import beside


def test_what_is_made_beside_is_what_would_be_made_here():
    plain = [None, True, 1, 10**30, 0.5, "ä\ud800", [], {"a": [{"b": 1}]}, ("x" * 1_000_000,)]
    assert list(beside(plain)) == plain
    assert list(beside(())) == []


def test_it_is_made_by_another_process_one_after_the_other():
    pids = [next(made) for made in [beside(os.getpid() for _ in range(3))] for _ in range(3)]
    assert len({*pids, os.getpid()}) == 2


def ends_early(how):
    yield 1
    how()


@pytest.mark.parametrize(
    "how",
    [lambda: 1 / 0, lambda: os.kill(os.getpid(), signal.SIGKILL), lambda: os._exit(0)],
    ids=["raises", "is killed", "leaves"],
)
def test_an_early_end_is_told(how):
    found = beside(ends_early(how))
    assert next(found) == 1
    with pytest.raises(ChildProcessError):
        next(found)


def test_what_is_no_plain_data_is_an_early_end():
    with pytest.raises(ChildProcessError):
        list(beside([object()]))


def test_where_there_is_no_room_for_it_that_is_told_likewise(monkeypatch):
    def fork():
        raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")

    monkeypatch.setattr(os, "fork", fork)
    with pytest.raises(ChildProcessError):
        next(beside([1]))


def test_nobody_is_left_when_enough_was_seen():
    found = beside(os.getpid() for _ in itertools.count())  # it would write for ever
    child = next(found)
    assert os.waitpid(child, os.WNOHANG) == (0, 0)  # ours, and alive
    found.close()
    with pytest.raises(ChildProcessError):  # no child of ours any more; whoever ran before us may have left others
        os.waitpid(child, os.WNOHANG)
