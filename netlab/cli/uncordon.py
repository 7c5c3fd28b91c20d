"""`netlab uncordon`: a Node takes Pods again."""

from __future__ import annotations

import click

from netlab.cli.cordon import set_cordon
from netlab.cli.mutation import Mutation, dry_run_option
from netlab.cli.node_words import node_selector_option, nodes_argument
from netlab.cli.options import example, lab_option, report_options


@click.command("uncordon", epilog=example("netlab uncordon node-2"))
@nodes_argument
@node_selector_option
@dry_run_option
@report_options
@lab_option
@click.pass_context
def command(
    ctx: click.Context, *, words: tuple[str, ...], selector: str, dry_run: str, verbose: int, timings: bool, lab: str
) -> None:
    """Let Nodes take Pods again, after `cordon` or `drain`."""
    change = Mutation(lab=lab, namespace=None, dry_run=dry_run, output=None, verbose=verbose, timings=timings)
    ctx.exit(set_cordon("uncordon", change, words, selector))
