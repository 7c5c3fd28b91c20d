"""`netlab down`: remove a lab."""

from __future__ import annotations

import time

import click

from netlab.cli.options import lab_option, lab_paths, say_waiting
from netlab.engine.down import down
from netlab.errors import NotFound


@click.command("down")
@lab_option
def command(lab: str) -> None:
    """Remove everything of a lab: processes, namespaces, rules, files. Says so, having looked."""
    begun = time.perf_counter()
    paths = lab_paths(lab)
    try:
        removed = down(paths, waiting=say_waiting)
    except NotFound:
        click.echo(f"lab {lab} is not up: nothing to remove")
        return
    seconds = time.perf_counter() - begun
    what = f"{removed.namespaces} namespaces and {removed.processes} processes removed in {seconds:.2f} s"
    click.echo(f"lab {lab} is down: {what}; nothing is left (looked for namespaces, processes, mounts)")
