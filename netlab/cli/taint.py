"""`netlab taint`: keep Pods away from Nodes, or drive them away, unless they tolerate it. Source: kubectl taint (v1.32)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import click

from netlab.cli.mutation import Mutation, Wish, dry_run_option, mutate, output_option
from netlab.cli.node_words import chosen_nodes
from netlab.cli.options import complete_objects, example, lab_option, report_options
from netlab.cli.output import Output
from netlab.cli.query import parse_query
from netlab.cli.words import WORDS, kinds, usage
from netlab.manifest.taint_edits import parse_taints, split_taints, with_taints
from netlab.model.lab import Cluster
from netlab.model.node import Node

WORDS_HELP = "nodes NAME... KEY[=VALUE]:EFFECT... | KEY[:EFFECT]-..."
NO_NAME = "at least one resource name must be specified since 'all' parameter is not set"


@click.command(
    "taint",
    epilog=example(
        "netlab taint nodes node-1 disk=slow:NoSchedule",
        "netlab taint nodes --all maintenance:PreferNoSchedule --overwrite",
        "netlab taint nodes node-2 gpu=yes:NoSchedule && netlab taint nodes node-2 gpu-",
    ),
)
@click.argument("words", nargs=-1, metavar=WORDS_HELP, shell_complete=complete_objects)
@click.option("--all", "every", is_flag=True, help="All Nodes.")
@click.option("-l", "--selector", default="", metavar="SELECTOR", help="The Nodes with these labels.")
@click.option("--overwrite", is_flag=True, help="Let the taint have had another value.")
@output_option
@dry_run_option
@report_options
@lab_option
@click.pass_context
def command(
    ctx: click.Context,
    *,
    words: tuple[str, ...],
    every: bool,
    selector: str,
    overwrite: bool,
    output: Output | None,
    dry_run: str,
    verbose: int,
    timings: bool,
    lab: str,
) -> None:
    """Add taints to Nodes (KEY=VALUE:EFFECT) or take them away (KEY-).

    NoSchedule: Pods that do not tolerate it are not put there. PreferNoSchedule: only if there is no other Node. NoExecute:
    those that run there are evicted, at once or after the seconds that they tolerate it.
    """
    resources, updates = split_taints(words)
    if not resources:
        raise usage("one or more resources must be specified as <resource> <name>")
    if not updates:
        raise usage("at least one taint update is required")
    changes = parse_taints(updates)
    check_resources(resources, selector, every=every)

    def make(cluster: Cluster) -> Iterator[Wish]:
        for node in chosen_nodes(cluster, () if every or selector else resources[1:], selector):
            yield Wish(*with_taints(node, changes, overwrite=overwrite))

    change = Mutation(lab=lab, namespace=None, dry_run=dry_run, output=output, verbose=verbose, timings=timings)
    ctx.exit(mutate(change, make))


def check_resources(resources: Sequence[str], selector: str, *, every: bool) -> None:
    """Raise ManifestError unless Nodes are meant, and some of them."""
    if every and selector:
        raise usage("setting 'all' parameter with a non empty selector is prohibited")
    if resources[0].lower() not in WORDS:
        parse_query(resources, namespace=None)  # says what is wrong with it
    if kinds(resources[0]) != [Node.kind]:
        raise usage(f"invalid resource type {resources[0]}, only node types are supported")
    if not every and not selector and len(resources) == 1:
        raise usage(NO_NAME)
