"""Unquoted YAML words as kubectl takes them."""

import math

import pytest

from netlab.manifest.scalars import resolve


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("yes", True), ("No", False), ("on", True), ("OFF", False), ("y", True), ("N", False), ("true", True), ("tRue", "tRue"),
        ("", None), ("~", None), ("null", None), ("nUll", "nUll"), ("None", "None"),
        ("80", 80), ("+80", 80), ("-1", -1), ("0", 0), ("0777", 511), ("0o17", 15), ("0x1F", 31), ("-0b11", -3), ("1_000", 1000),
        ("08", 8.0), ("1.5", 1.5), (".5", 0.5), ("1e3", 1000.0), ("1.", 1.0), (".inf", math.inf), ("1e999", math.inf),
        ("18446744073709551615", 2**64 - 1), ("18446744073709551616", 2.0**64), ("0x" + "f" * 20, float(16**20 - 1)),
        ("2026-01-31", "2026-01-31"), ("1:30", "1:30"), ("1.2.3", "1.2.3"), ("10.0.0.0/8", "10.0.0.0/8"), ("+", "+"), ("-", "-"),
        (".", "."), ("0x", "0x"), ("+_", "+_"), ("9" * 300, "9" * 300), ("\u0665", "\u0665"), ("<<", "<<"),
    ],
)  # fmt: skip
def test_word(word, value):
    found = resolve(word)
    assert found == value
    assert type(found) is type(value)
