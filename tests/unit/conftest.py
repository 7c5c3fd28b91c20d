"""A command line typed in this process, for verbs that touch no Linux before they say what is wrong."""

from __future__ import annotations

import pytest

from netlab.cli.main import run


@pytest.fixture
def said(capsys):
    """`said("explain", "pod")` is (exit code, output, errors)."""

    def call(*words):
        code = run(words)
        found = capsys.readouterr()
        return code, found.out, found.err

    return call
