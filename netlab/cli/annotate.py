"""`netlab annotate`: set annotations with `key=value`, take them away with `key-`."""

from __future__ import annotations

import click

from netlab.cli.mutation import Mutation
from netlab.cli.options import example
from netlab.cli.pairs import pairs_options, update
from netlab.cli.query import Selection
from netlab.manifest.edits import with_annotations


@click.command(
    "annotate",
    epilog=example('netlab annotate service frontend note="the way in"', "netlab annotate service frontend note-"),
)
@pairs_options("annotation")
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
    """Set or take away annotations."""
    ctx.exit(update(change, "annotation", words, files, selection, with_annotations, overwrite=overwrite, show=show))
