"""The README's tour happens as it is printed there: each line is typed in a new lab, and what comes is compared.

What differs from run to run (times, process ids, the ends of Pods' names, the Pod that a rule picked) is masked on both sides.
NETLAB_UPDATE_GOLDEN=1 writes what came into the README; read the difference.
"""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
SETTLED_S = 30.0
TOUR = re.compile(r"(?s)(<!-- tour -->\n```console\n)(.*?)(```\n)")
MASKS = (
    (r"[0-9.]+ (s|ms)\b", "TIME"),
    (r"\b[0-9]+(m[0-9]+s|[smh])\b", "AGE"),
    (r"(frontend|redis-master|redis-slave)-[0-9a-f]{10}-[a-z0-9]{5}", r"\1-POD"),
    (r"(frontend|redis-master|redis-slave)-[a-z0-9]{5}\b(?!-)", r"\1-SLICE"),
    (r"process [0-9]+", "process PID"),
    (r"(Served by Pod).*", r"\1 ..."),
    (r"\(?[0-9]+ processes", "N processes"),
    (r"(?<= 10\.244\.)[0-9.]+", "POD"),
    (r"[ \t]+", " "),
)


def masked(text: str) -> list[str]:
    """The lines of a text without what changes from run to run; compared in any order, as Pods come sorted by their random names."""
    for pattern, mark in MASKS:
        text = re.sub(pattern, mark, text)
    return [line.rstrip() for line in text.splitlines()]


def steps(text: str) -> list[tuple[str, str]]:
    """Pairs of a line that is typed, and what is printed below it."""
    parts = re.split(r"(?m)^\$ (.*)\n", text)
    return list(zip(parts[1::2], parts[2::2], strict=True))


def typed(line: str, env: dict[str, str]) -> str:
    """What a line prints."""
    words = ["bash", "-o", "pipefail", "-c", line]
    done = subprocess.run(words, cwd=ROOT, env=env, text=True, capture_output=True, stdin=subprocess.DEVNULL, check=False)
    assert done.returncode == 0, f"{line}\n{done.stderr}{done.stdout}"
    return done.stderr + done.stdout


def is_like(came: str, expected: str) -> bool:
    """Tell whether two texts are the same but for what changes from run to run."""
    return sorted(masked(came.strip())) == sorted(masked(expected.strip()))


def test_the_tour_of_the_readme(program, until):
    found = TOUR.search(README.read_text())
    assert found, "the README has no tour"
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    env = {**os.environ, "PATH": path, "NETLAB_LAB": program.lab}
    env.pop("NO_COLOR", None)
    written, failures = "", []
    for line, expected in steps(found[2]):
        came = typed(line, env).replace(program.lab, "lab")
        if line.startswith("netlab get ") and not is_like(came, expected):  # a Pod that was told to end may be there a while
            with contextlib.suppress(AssertionError):
                until(lambda: is_like(typed(line, env).replace(program.lab, "lab"), expected), SETTLED_S)  # noqa: B023
            came = typed(line, env).replace(program.lab, "lab")
        written += f"$ {line}\n{came}" + ("\n" if expected.endswith("\n\n") and not came.endswith("\n\n") else "")
        if not is_like(came, expected):
            failures.append(f"$ {line}\n--- in the README\n{expected}--- came\n{came}")
    if os.environ.get("NETLAB_UPDATE_GOLDEN"):
        README.write_text(TOUR.sub(lambda part: part[1] + written + part[3], README.read_text()))
        return
    assert not failures, "\n".join(failures)


def test_the_python_of_the_readme():
    found = re.search(r"(?s)```python\n(.*?)```", README.read_text())
    assert found, "the README has no Python"
    words = [sys.executable, "-c", found[1]]
    done = subprocess.run(words, cwd=ROOT, text=True, capture_output=True, stdin=subprocess.DEVNULL, check=False)
    assert done.returncode == 0, done.stderr
    assert "<h1>Guestbook</h1>" in done.stdout
    assert "redis-master.default.svc.cluster.local" in done.stdout
