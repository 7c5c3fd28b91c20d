"""Each statement about Kubernetes' network is shown by lines that anybody can type, and proven by tests that exist."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import netlab
from netlab import Lab

ROOT = Path(__file__).parents[2]
DEMOS = Path(netlab.__file__).parent / "demos"
PAGE = Path(netlab.__file__).parent / "docs/statements.md"
STATEMENTS = yaml.safe_load((Path(__file__).parent / "statements.yaml").read_text())
HEAD = """# What netlab shows, statement by statement

Twenty-four statements about Services, discovery, Pods and their life. Below each stand the lines that show it and the tests
that prove it. The lines can be typed as they stand, in this order, in a lab with the guestbook and the Pods of `netlab demo pods`:

```
netlab up
netlab apply -f netlab/demos/guestbook -f netlab/demos/pods
```

This page is made from `tests/statements/statements.yaml`, whose lines `tests/statements/test_statements.py` runs.
"""
SETTLED = {
    "deployment/frontend": "Available",
    "deployment/redis-master": "Available",
    "deployment/redis-slave": "Available",
    "pod/pair": "Ready",
    "pod/succeeded": lambda pod: pod is not None and pod.status.phase == "Succeeded",
    "pod/failed": lambda pod: pod is not None and pod.status.phase == "Failed",
}


def page() -> str:
    """The page, in Markdown."""
    parts = [HEAD]
    for name, row in STATEMENTS.items():
        lines = "\n".join(line["run"] for line in row["lines"])
        tests = "\n".join(f"- `{test}`" for test in row["tests"])
        parts.append(f"## {name}\n\n{row['says']}\n\n```\n{lines}\n```\n\n{tests}\n")
    return "\n".join(parts)


def test_the_page_is_up_to_date(golden):
    golden(PAGE, page())


def test_there_are_twenty_four():
    assert list(STATEMENTS) == [f"N{number}" for number in range(1, 25)]


@pytest.mark.parametrize("test", sorted({test for row in STATEMENTS.values() for test in row["tests"]}))
def test_the_tests_that_are_named_exist(test):
    path, _, name = test.partition("::")
    tree = ast.parse((ROOT / path).read_text())
    assert name in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


@pytest.mark.kernel
@pytest.mark.skipif(not os.environ.get("NETLAB_TEST_VM"), reason="runs inside scripts/test")
@pytest.mark.netlab(nodes=3)
def test_the_lines_show_what_is_said(netlab: Lab):
    netlab.apply(DEMOS / "guestbook")
    netlab.apply(DEMOS / "pods")
    for subject, condition in SETTLED.items():
        netlab.wait(subject, condition, timeout_s=120)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    env = {**os.environ, "PATH": path, "NETLAB_LAB": netlab.name}
    for name, row in STATEMENTS.items():
        for line in row["lines"]:
            words = ["timeout", "120", "bash", "-c", line["run"]]
            done = subprocess.run(
                words, env=env, cwd=ROOT, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False
            )
            told = f"{name}: $ {line['run']}\n{done.stdout}{done.stderr}"
            assert done.returncode == 0, told
            assert re.search(line["shows"], done.stdout, re.MULTILINE), told
