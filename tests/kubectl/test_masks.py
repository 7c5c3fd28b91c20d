"""What is masked becomes a word; what is compared stays: columns, headings, words, exit codes."""

from __future__ import annotations

import pytest

from tests.kubectl.masks import changed_lines, masked

APPLIED = """\
metadata:
  annotations:
    kubectl.kubernetes.io/last-applied-configuration: |
      {"kind":"ConfigMap"}
  name: settings
  resourceVersion: "1000"
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("db     1/1   Running   0   5d3h", "db  1/1  Running  0  AGE", id="ages go, and widths of columns"),
        pytest.param("2 (3m20s ago)", "2 (AGE ago)", id="ages in brackets go"),
        pytest.param("80:30080/TCP  10.96.0.1:53", "80:30080/TCP  IP:53", id="addresses go, ports stay"),
        pytest.param("pod/web-5d4b8c7f6d-x2x7k created", "pod/web-HASH-RANDOM created", id="suffixes of Pods go"),
        pytest.param("web-4b5e5   IPv4", "web-RANDOM  IPv4", id="suffixes of EndpointSlices go"),
        pytest.param("db   app=db,tier=backend", "db  app=db,tier=backend", id="names and labels stay"),
        pytest.param("See 'kubectl get -h'", "See 'PROGRAM get -h'", id="the program's name goes"),
        pytest.param("  status: 'True'\n", '  status: "True"\n', id="YAML quotes are alike"),
        pytest.param("Start: Wed, 31 Jan 2001 12:00:00 +0000", "Start: TIME-IN-WORDS", id="times in words stay words"),
        pytest.param("at: 2026-01-31T12:00:00Z", "at: TIME", id="times go"),
        pytest.param("    indented: 1   \n", "    indented: 1\n", id="indentation stays, spaces at the end go"),
        pytest.param(APPLIED, "metadata:\n  name: settings\n", id="what only an API server keeps goes"),
    ],
)
def test_text_is_masked(text, expected):
    assert masked(text) == expected


def test_diff_is_reduced_to_its_changes():
    assert changed_lines("@@ -1 +1 @@\n kind: Pod\n-a: 1\n+a: 2\n") == "@@ -1 +1 @@\n-a: 1\n+a: 2\n"
