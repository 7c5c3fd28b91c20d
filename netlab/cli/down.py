"""`netlab down`: remove a lab."""

from __future__ import annotations

import time

import click

from netlab.cli.mutation import DRY_RUN_WORDS, dry_run_option
from netlab.cli.options import example, lab_option, lab_paths, say_waiting
from netlab.cli.progress import working
from netlab.engine.down import Remains, down, remains
from netlab.errors import NotFound
from netlab.model.words import amount
from netlab.store.paths import labs


@click.command("down", epilog=example("netlab down --dry-run", "netlab down --all --dry-run"))
@click.option("--all", "every", is_flag=True, help="Every lab of this machine.")
@dry_run_option
@lab_option
def command(*, every: bool, dry_run: str, lab: str) -> None:
    """Remove everything of a lab: processes, namespaces, rules, files. Says so, having looked."""
    for name in labs() if every else [lab]:
        _remove(name, dry_run)


def _remove(lab: str, dry_run: str) -> None:
    begun = time.perf_counter()
    paths = lab_paths(lab)
    try:
        if dry_run != "none":
            click.echo(f"lab {lab}: {_words(remains(paths))} would be removed{DRY_RUN_WORDS[dry_run]}")
            return
        with working(f"lab {lab} is being removed"):
            removed = down(paths, waiting=say_waiting)
    except NotFound:
        click.echo(f"lab {lab} is not up: nothing to remove")
        return
    seconds = time.perf_counter() - begun
    click.echo(f"lab {lab} is down: {_words(removed)} removed in {seconds:.2f} s")
    click.echo("0 objects left (looked for namespaces, processes, mounts, cgroups and files)")


def _words(found: Remains) -> str:
    return f"{amount(found.namespaces, 'namespace')} and {amount(found.processes, 'process', 'processes')}"
