"""kubectl's way of writing flags, in click's."""

from __future__ import annotations

import click
import pytest

from netlab.cli.flags import in_clicks_words


@click.command()
@click.option("-o", "--output")
@click.option("--wait/--no-wait", default=True)
@click.option("-A", "--all-namespaces", is_flag=True)
@click.option("--dry-run")
@click.option("-v", "--verbose", type=int)
@click.option("-l", "--selector")
def command(**_):
    """A command with options of each sort."""


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        pytest.param("-o=json", "-ojson", id="a value behind a short flag"),
        pytest.param("-l=app=web", "-lapp=web", id="only the first equals sign belongs to the flag"),
        pytest.param("-o json --output=json", "-o json --output=json", id="what click reads itself stays"),
        pytest.param("--wait=false", "--no-wait", id="a switch with an opposite is switched off"),
        pytest.param("--wait=true -A=true", "--wait -A", id="a switch is switched on"),
        pytest.param("--all-namespaces=false", "", id="a switch without an opposite is left out when off"),
        pytest.param("--output=true", "--output=true", id="a value that looks like a switch's is left to other options"),
        pytest.param("--dry-run web", "--dry-run=client web", id="a value that may be left out never takes the next word"),
        pytest.param("--dry-run=server", "--dry-run=server", id="a value that is given stays"),
        pytest.param("-v", "-v1", id="a level that is left out is 1"),
        pytest.param("-v 6 web", "-v6 web", id="a level may stand apart"),
        pytest.param("-v web", "-v1 web", id="what is no level is no value of -v"),
        pytest.param("web -- -o=json -v", "web -- -o=json -v", id="behind -- nothing is touched"),
    ],
)
def test_kubectls_flags_become_clicks(words, expected):
    assert " ".join(in_clicks_words(command, words.split())) == expected
