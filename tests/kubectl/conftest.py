"""netlab with the objects that kubectl had: a lab of two Nodes, `objects/` applied, every Pod running."""

from __future__ import annotations

import itertools
import json
import os
import select
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.program import Outcome, mark_what_touches_linux, netlab

HERE = Path(__file__).parent
NUMBERS = itertools.count(1)
DEADLINE_S = 60.0
LOOK_AGAIN_S = 0.02
LEFT: list[str] = []
"""Labs that `down` could not remove; then no further one is made, so that a broken `down` leaves one lab and not a hundred."""


def pytest_collection_modifyitems(items):
    mark_what_touches_linux(items, lambda item: item.path.is_relative_to(HERE) and "netlab_run" in item.fixturenames)


@dataclass
class NetLab:
    """`lab("get pods")` as it is typed, for one lab and in this folder, where the manifests are."""

    name: str

    def __call__(self, *words: str) -> Outcome:
        return netlab(*words, environment={"NETLAB_LAB": self.name, "TZ": "UTC", "LC_ALL": "C"}, folder=HERE)

    def must(self, *words: str) -> str:
        done = self(*words)
        assert done.code == 0, f"netlab {' '.join(words)}: exit {done.code}\n{done.out}{done.err}"
        return done.out

    def await_pods(self) -> None:
        end = time.monotonic() + DEADLINE_S
        while pods := [pod for pod in self._pods() if not _is_ready(pod)]:
            assert time.monotonic() < end, f"not ready after {DEADLINE_S} s: {pods}"
            select.select([], [], [], LOOK_AGAIN_S)

    def _pods(self) -> list[dict]:
        return json.loads(self.must("get", "pods", "-A", "-o", "json"))["items"]


def _is_ready(pod: dict) -> bool:
    statuses = pod["status"].get("containerStatuses", ())
    return pod["status"].get("phase") == "Running" and bool(statuses) and all(status["ready"] for status in statuses)


@contextmanager
def netlab_up(*, objects: bool = True) -> Iterator[NetLab]:
    """A lab of two Nodes, with the objects or without; down afterwards."""
    if LEFT:
        pytest.fail(f"lab {LEFT[0]} could not be removed: see the first error", pytrace=False)
    lab = NetLab(f"k{os.getpid() % 100000}-{next(NUMBERS)}")
    try:
        lab.must("up", "--nodes", "2")
        if objects:
            lab.must("apply", "-f", "objects")
            lab.await_pods()
        yield lab
    finally:
        done = lab("down")
        if done.code:
            LEFT.append(lab.name)
    assert done.code == 0, done.out + done.err


@pytest.fixture(scope="module")
def shared() -> Iterator[NetLab]:
    """One lab for all commands that only read."""
    with netlab_up() as lab:
        yield lab


@pytest.fixture
def netlab_run(request) -> Iterator[Callable[..., Outcome]]:
    """The lab for a row: the shared one if its command only reads, none of the objects if it is to apply them first."""
    row = request.getfixturevalue("recording")
    if row.reads:
        yield request.getfixturevalue("shared")
    else:
        with netlab_up(objects=row.name != "apply-folder") as lab:
            yield lab
