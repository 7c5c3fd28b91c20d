"""`netlab cordon`: a Node takes no further Pods. `uncordon` is the same the other way round."""

from __future__ import annotations

from collections.abc import Iterator

import click

from netlab.cli.mutation import Mutation, Wish, dry_run_option, mutate
from netlab.cli.node_words import check_node_words, chosen_nodes, node_selector_option, nodes_argument
from netlab.cli.options import example, lab_option, report_options
from netlab.manifest.taint_edits import with_cordon
from netlab.model.lab import Cluster


@click.command("cordon", epilog=example("netlab cordon node-2", "netlab cordon -l kubernetes.io/os=linux --dry-run=client"))
@nodes_argument
@node_selector_option
@dry_run_option
@report_options
@lab_option
@click.pass_context
def command(
    ctx: click.Context, *, words: tuple[str, ...], selector: str, dry_run: str, verbose: int, timings: bool, lab: str
) -> None:
    """Let Nodes take no further Pods. Those that are there stay; a Pod that names the Node with nodeName comes all the same."""
    change = Mutation(lab=lab, namespace=None, dry_run=dry_run, output=None, verbose=verbose, timings=timings)
    ctx.exit(set_cordon("cordon", change, words, selector))


def set_cordon(verb: str, change: Mutation, words: tuple[str, ...], selector: str) -> int:
    """Do what `cordon` or `uncordon` was asked; return the exit code. Raises NetlabError."""
    check_node_words(verb, words, selector)

    def make(cluster: Cluster) -> Iterator[Wish]:
        for node in chosen_nodes(cluster, words, selector):
            yield Wish(*with_cordon(node, wished=verb != "uncordon"))

    return mutate(change, make)
