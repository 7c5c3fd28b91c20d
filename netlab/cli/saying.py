"""Errors on standard error, as lines that leave the terminal alone whatever the user typed.

Words that were typed come back in messages: what could move a cursor is shown and not sent, and a very long line is cut.
"""

from __future__ import annotations

import click

from netlab.errors import ManifestError, NetlabError

LONGEST = 600
ESCAPE = 64


def visible(line: str) -> str:
    """Return one line with control characters but tab as `^G`, and what else cannot be printed by its number in Unicode."""
    if line.replace("\t", "").isprintable():
        return line
    return "".join(char if char.isprintable() or char == "\t" else _shown(char) for char in line)


def _shown(char: str) -> str:
    return f"^{chr(ord(char) ^ ESCAPE)}" if char < " " or char == "\x7f" else f"\\u{ord(char):04x}"


def say(text: str) -> None:
    """Print a text, each line of it visible, with its middle left out if it is very long."""
    for line in map(visible, text.split("\n")):
        half = LONGEST // 2
        click.echo(line if len(line) <= LONGEST else f"{line[:half]} ... {line[-half:]}", err=True)


def say_error(error: NetlabError) -> None:
    """Print an error, one line for each thing that is wrong; a usage error may go on below its first line, as in kubectl."""
    lines = [str(one) for one in error.problems] if isinstance(error, ManifestError) else str(error).splitlines()
    for line in lines or [""]:
        say(f"{error.origin}: {line}")
