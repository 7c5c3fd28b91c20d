"""How long the command line takes that changes nothing: help, completion, version; and peers beside it in the same run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path


def completing(lab: str, words: str) -> dict[str, str]:
    """Return the environment with which a shell asks for what may follow `words`."""
    count = str(len(words.split()) + words.endswith(" ") - 1)
    return {"_NETLAB_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": count, "NETLAB_LAB": lab}


def contenders(lab: str) -> dict[str, tuple[tuple[str, ...], dict[str, str]]]:
    """Return what is measured: the words of a command and the variables it gets. `lab` has Pods whose names can be completed."""
    program = str(Path(sys.executable).parent / "netlab")
    found: dict[str, tuple[tuple[str, ...], dict[str, str]]] = {
        "netlab --help": ((program, "--help"), {}),
        "netlab get --help": ((program, "get", "--help"), {}),
        "completion of a Pod's name": ((program,), completing(lab, "netlab get pods sleeper-")),
        "completion of a verb": ((program,), completing(lab, "netlab ge")),
        "netlab version": ((program, "version"), {}),
        "beside it: python -c pass": ((sys.executable, "-c", "pass"), {}),
    }
    if kubectl := shutil.which("kubectl"):
        found["beside it: kubectl --help"] = ((kubectl, "--help"), {})
        found["beside it: kubectl get --help"] = ((kubectl, "get", "--help"), {})
    return found


def measure(runs: int, lab: str) -> dict[str, list[float]]:
    """Return milliseconds by name; the contenders take turns, so that noise falls on all of them."""
    times: dict[str, list[float]] = {}
    for _ in range(runs):
        for name, (words, env) in contenders(lab).items():
            begun = time.perf_counter()
            done = subprocess.run(words, env={**os.environ, **env}, capture_output=True, check=False)
            times.setdefault(name, []).append((time.perf_counter() - begun) * 1000)
            if done.returncode or (words != (sys.executable, "-c", "pass") and not done.stdout):
                sys.exit(f"{name}: exit {done.returncode}, {done.stdout!r} {done.stderr!r}")
    return times
