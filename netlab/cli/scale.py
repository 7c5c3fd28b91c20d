"""`netlab scale`: how many Pods a Deployment has."""

from __future__ import annotations

import click

from netlab.cli.mutation import Mutation, Wish, mutate, mutation_options
from netlab.cli.options import example, file_option, kinds_argument
from netlab.cli.query import Selection, selected, selection_options
from netlab.manifest.edits import with_replicas


@click.command(
    "scale", epilog=example("netlab scale deployment frontend --replicas=5", "netlab scale deploy/redis-slave --replicas 1")
)
@kinds_argument
@file_option
@click.option("--replicas", type=click.IntRange(0), required=True, metavar="N", help="How many Pods there are to be.")
@click.option("--current-replicas", type=int, metavar="N", help="Only if there are so many now.")
@selection_options
@mutation_options
@click.pass_context
def command(
    ctx: click.Context,
    *,
    words: tuple[str, ...],
    files: tuple[str, ...],
    replicas: int,
    current_replicas: int | None,
    selection: Selection,
    change: Mutation,
) -> None:
    """Set the number of a Deployment's Pods."""
    ctx.exit(
        mutate(
            change,
            lambda cluster: [
                Wish(with_replicas(item, replicas, current_replicas), "scaled")
                for item in selected(cluster, words, files, change.namespace, selection)
            ],
        )
    )
