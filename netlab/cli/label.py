"""`netlab label`: set labels with `key=value`, take them away with `key-`."""

from __future__ import annotations

import click

from netlab.cli.mutation import Mutation
from netlab.cli.options import example
from netlab.cli.pairs import pairs_options, update
from netlab.cli.query import Selection
from netlab.manifest.edits import with_labels


@click.command(
    "label",
    epilog=example(
        "netlab label service frontend team=shop", "netlab label service frontend team-", "netlab label nodes --all disk=ssd"
    ),
)
@pairs_options("label")
@click.pass_context
def command(
    ctx: click.Context,
    *,
    words: tuple[str, ...],
    files: tuple[str, ...],
    selection: Selection,
    overwrite: bool,
    show: bool,
    change: Mutation,
) -> None:
    """Set or take away labels. A Pod whose labels no longer match leaves its Service, and its Deployment replaces it."""
    ctx.exit(update(change, "label", words, files, selection, with_labels, overwrite=overwrite, show=show))
