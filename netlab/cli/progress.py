"""What a command says while it works: ticked steps, and a spinner when something takes longer than half a second.

The spinner is rich's, on standard error, and only on a terminal; a pipe or a log file gets none of it. rich is imported when
the half second is over, so that quick commands do not pay for it.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import click

PATIENCE_S = 0.5
TICK, CROSS = "✓", "✗"


def ticked(what: str, detail: str, *, good: bool = True) -> None:
    """Print a step that is done, or could not be."""
    click.echo(f" {mark(good=good)} {what:<9} {detail}")


def mark(*, good: bool) -> str:
    """Return a tick or a cross, of what standard output can print."""
    encoding = (sys.stdout.encoding or "").lower()
    sign = (TICK if good else CROSS) if encoding.startswith("utf") else ("+" if good else "!")
    return click.style(sign, fg="green" if good else "red")


@contextmanager
def working(what: str) -> Iterator[None]:
    """Show that `what` goes on, from half a second on, until the block ends."""
    if not sys.stderr.isatty():
        yield
        return
    done = threading.Event()
    watcher = threading.Thread(target=_spin, args=(what, done), daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()


def _spin(what: str, done: threading.Event) -> None:
    if done.wait(PATIENCE_S):
        return
    from rich.console import Console  # noqa: PLC0415 - see the head of this file
    from rich.status import Status  # noqa: PLC0415

    with Status(f"{what} ...", console=Console(stderr=True)):
        done.wait()
