"""The program as a user runs it, on the throw-away machine that scripts/test makes, and that machine seen from outside."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import select
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.program import Outcome, mark_what_touches_linux, netlab

HERE = Path(__file__).parent
NUMBERS = itertools.count(1)
DEADLINE_S = 60.0


def pytest_collection_modifyitems(items):
    mark_what_touches_linux(items, lambda item: item.path.is_relative_to(HERE))


@dataclass
class Program:
    """`netlab` for one lab: `program("get", "pods")` runs `netlab get pods --lab <name>`."""

    lab: str
    namespaces: set[str] = field(default_factory=set)

    def run(self, verb: str, *args: str, **more: Any) -> Outcome:
        """Run `netlab VERB --lab LAB ARGS...`; `more` as in tests/program.py."""
        return netlab(verb, "--lab", self.lab, *args, **more)

    def __call__(self, verb: str, *args: str, stdin: str = "") -> str:
        done = self.run(verb, *args, stdin=stdin)
        assert done.code == 0, f"netlab {verb} {' '.join(args)}: exit {done.code}\n{done.out}{done.err}"
        assert "Traceback" not in done.err
        return done.out

    def apply(self, manifest: str) -> str:
        return self("apply", "-f", "-", stdin=manifest)

    def json(self, *words: str):
        return json.loads(self("get", *words, "-o", "json"))

    def pods(self, prefix: str = "", namespace: str = "default") -> list[dict]:
        found = self.json("pods", "-n", namespace)["items"]
        return [pod for pod in found if pod["metadata"]["name"].startswith(prefix)]

    def pod_ip(self, name: str) -> str:
        return self.json("pod", name)["status"]["podIP"]

    def cluster_ip(self, name: str) -> str:
        return self.json("service", name)["spec"]["clusterIP"]

    def node_ip(self, name: str) -> str:
        found = self.json("node", name)["status"]["addresses"]
        return next(item["address"] for item in found if item["type"] == "InternalIP")


@pytest.fixture
def program() -> Iterator[Program]:
    """A lab name of its own; whatever the test leaves is removed, and that nothing is left is checked."""
    with own_name() as lab:
        yield lab


@pytest.fixture(scope="module")
def module_program() -> Iterator[Program]:
    """The same for all tests of a file that only look."""
    with own_name() as lab:
        yield lab


@contextlib.contextmanager
def own_name() -> Iterator[Program]:
    """A lab name that nobody else has."""
    lab = Program(f"t{os.getpid() % 100000}-{next(NUMBERS)}")
    try:
        yield lab
    finally:
        done = lab.run("down")
    assert done.code == 0, done.out + done.err
    assert not lab_processes(lab.lab)
    assert not [name for name in _listed(Path("/run/netns")) if name.startswith(f"{lab.lab}.")]


@pytest.fixture
def lab(program: Program) -> Program:
    """A lab of two Nodes that is up."""
    program("up", "--nodes", "2")
    return program


def _listed(directory: Path) -> list[str]:
    return sorted(os.listdir(directory)) if directory.is_dir() else []


def lab_processes(lab: str) -> list[str]:
    """The command lines of all processes that name this lab: agent, conmon; and of those in cgroups of the lab."""
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit() or int(entry) == os.getpid():
            continue
        try:
            words = Path(f"/proc/{entry}/cmdline").read_bytes().split(b"\0")
            cgroups = Path(f"/proc/{entry}/cgroup").read_text()
            state = Path(f"/proc/{entry}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        mine = any(lab.encode() == word or word.startswith(f"{lab}-".encode()) for word in words)
        if (mine or f"/netlab/{lab}/" in cgroups) and state != "Z":
            found.append(b" ".join(words).decode(errors="replace"))
    return found


@pytest.fixture
def until() -> Callable[..., object]:
    """`until(condition)` returns the condition's value as soon as it is true; fails with the last one after a deadline."""

    def wait(condition: Callable[[], object], deadline_s: float = DEADLINE_S) -> object:
        end = time.monotonic() + deadline_s
        while True:
            value = condition()
            if value:
                return value
            assert time.monotonic() < end, f"not true after {deadline_s} s, last seen: {value!r}"
            select.select([], [], [], 0.01)

    return wait


def machine_snapshot() -> dict[str, str]:
    """The machine (this throw-away one) as text: links, namespaces, rules, routes, sysctls, mounts, files, cgroups."""
    commands = {
        "links": ["ip", "-o", "link"],
        "addresses": ["ip", "-o", "addr"],
        "routes": ["ip", "route", "show", "table", "all"],
        "policy": ["ip", "rule"],
        "namespaces": ["ip", "netns"],
        "nft": ["nft", "list", "ruleset"],
        "iptables": ["iptables-save"] if shutil.which("iptables-save") else ["true"],
        "sysctls": ["sysctl", "-a", "--pattern", r"^net\.(ipv4|ipv6|netfilter|bridge|core)"],
        "files": ["find", "/run", "/var/lib/netlab", "/etc/netns", "-printf", "%p %y\n"],
    }
    found = {
        name: subprocess.run(words, capture_output=True, text=True, check=False).stdout for name, words in commands.items()
    }
    drifting = ("nf_conntrack_count", "route.flush", "tcp_fastopen_key", "entropy", "stable_secret")
    found["sysctls"] = "\n".join(line for line in found["sysctls"].splitlines() if not any(word in line for word in drifting))
    found["mounts"] = "\n".join(line.split(" ", 3)[3] for line in Path("/proc/self/mountinfo").read_text().splitlines())
    found["cgroups"] = "\n".join(sorted(str(path) for path in Path("/sys/fs/cgroup").glob("**/netlab")))
    return found


@pytest.fixture
def snapshot() -> Callable[[], dict[str, str]]:
    return machine_snapshot


@pytest.fixture
def processes() -> Callable[[str], list[str]]:
    return lab_processes
