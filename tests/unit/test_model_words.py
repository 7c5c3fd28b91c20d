"""The words of messages."""

from __future__ import annotations

import pytest

from netlab.model.words import amount


@pytest.mark.parametrize(
    ("number", "words", "text"),
    [
        (0, ["Node"], "0 Nodes"), (1, ["Node"], "1 Node"), (2, ["Node"], "2 Nodes"),
        (1, ["process", "processes"], "1 process"), (3, ["process", "processes"], "3 processes"),
    ],
)  # fmt: skip
def test_how_many_of_something(number, words, text):
    assert amount(number, *words) == text
