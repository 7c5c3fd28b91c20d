"""`netlab trace --expect FILE`: requests from a list, each checked; a line for each, and results for a CI (JUnit)."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree as ET

import click
import yaml

from netlab.cli.saying import visible
from netlab.cli.trace import request_of
from netlab.cli.trace_shown import Shown
from netlab.cli.trace_words import LabNow
from netlab.engine.trace import take
from netlab.errors import NetlabError
from netlab.model.words import amount
from netlab.packets.expectations import BadExpectation, Expectation, expectations, failures

MAX_BYTES = 1 << 20


class Result(NamedTuple):
    """What became of one expectation: what is wrong, and how long it took in seconds."""

    wanted: Expectation
    wrong: tuple[str, ...]
    took_s: float


def check_all(file: str, junit: str | None, lab: LabNow, shown: Shown, given: Mapping[str, Any]) -> bool:
    """Send every request that the file lists, say of each whether it is as expected, and tell whether all are.

    Raises:
        NetlabError: the file cannot be read, or says what nobody understands.
    """
    results = []
    for wanted in read(file):
        results.append(_result(wanted, lab, shown, given))
        click.echo("\n".join(_lines(results[-1])))
    bad = sum(bool(one.wrong) for one in results)
    click.echo(f"{amount(len(results), 'request')}, {bad} not as expected")
    if junit:
        _write(junit, as_junit(results))
    return not bad


def read(file: str) -> tuple[Expectation, ...]:
    """Return what a file expects. Raises NetlabError."""
    try:
        with Path(file).open("rb") as opened:
            plain = yaml.safe_load(opened.read(MAX_BYTES + 1)[: MAX_BYTES + 1])
        return expectations(plain)
    except OSError as error:
        raise NetlabError(f"{file}: {(error.strerror or str(error)).lower()}") from error
    except (yaml.YAMLError, RecursionError) as error:
        raise NetlabError(f"{file}: not YAML: {str(error).splitlines()[0]}") from error
    except BadExpectation as error:
        raise NetlabError(f"{file}: {error}") from error


def _result(wanted: Expectation, lab: LabNow, shown: Shown, given: Mapping[str, Any]) -> Result:
    begun = time.monotonic()
    said = {key: value for key, value in wanted.options.items() if value is not None}
    try:
        request = request_of(lab, {**given, "name": None, **said, "source": wanted.source, "to": wanted.to, "live": False})
        trace = take(lab.net, request, os.getpid())
    except NetlabError as error:
        return Result(wanted, (str(error),), time.monotonic() - begun)
    return Result(wanted, failures(wanted, shown.data(trace, shown.judge(trace))), time.monotonic() - begun)


def _lines(one: Result) -> Sequence[str]:
    mark = click.style("FAILED", fg="red") if one.wrong else click.style("ok", fg="green")
    return (f"{mark} {visible(one.wanted.name)}", *(f"    {visible(text)}" for text in one.wrong))


def as_junit(results: Sequence[Result]) -> str:
    """Return the results as the XML that CI systems read (the Ant JUnit schema, as they agree on it)."""
    suite = ET.Element(
        "testsuite", name="netlab trace", tests=str(len(results)), failures=str(sum(bool(one.wrong) for one in results)),
        time=f"{sum(one.took_s for one in results):.3f}",
    )  # fmt: skip
    for one in results:
        case = ET.SubElement(
            suite, "testcase", classname="netlab.trace", name=_printable(one.wanted.name), time=f"{one.took_s:.3f}"
        )
        if one.wrong:
            failure = ET.SubElement(case, "failure", message=_printable(one.wrong[0]))
            failure.text = _printable("\n".join(one.wrong))
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(suite, encoding="unicode") + "\n"


def _printable(text: str) -> str:
    """XML has no way to write most control characters (XML 1.0, section 2.2)."""
    return "".join(one if one.isprintable() or one == "\n" else "\N{REPLACEMENT CHARACTER}" for one in text)


def _write(file: str, text: str) -> None:
    try:
        Path(file).write_text(text)
    except OSError as error:
        raise NetlabError(f"{file}: {(error.strerror or str(error)).lower()}") from error
