"""Lengths of time as Go writes them: `30s`, `1m30s`, `1h2m3.5s`, `500ms`; what stands behind --timeout and --since.

Source: Go time.ParseDuration.
"""

from __future__ import annotations

import re
from typing import Any

import click

UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART = re.compile(r"([0-9]+\.?[0-9]*|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h)")
_DURATION = re.compile(f"(?:{_PART.pattern})+")


class DurationType(click.ParamType):  # type: ignore[type-arg]
    """Turns a length of time into seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the seconds, which may be negative."""
        if isinstance(value, float):
            return value
        found = seconds(str(value))
        if found is None:
            quoted = '"' + str(value).replace('"', '\\"') + '"'
            self.fail(f"{quoted}: time: invalid duration {quoted} (write for example 30s or 1m30s)", param, ctx)
        return found


def seconds(text: str) -> float | None:
    """Return a length of time in seconds, None if it is none; `0` alone needs no unit."""
    sign, number = (-1.0, text[1:]) if text.startswith("-") else (1.0, text.removeprefix("+"))
    if number == "0":
        return 0.0
    if not _DURATION.fullmatch(number):
        return None
    return sign * sum(float(amount) * UNITS[unit] for amount, unit in _PART.findall(number))
