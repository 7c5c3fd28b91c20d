"""`netlab scale`: how many Pods a Deployment has."""

from __future__ import annotations

import click

from netlab.cli.mutation import Mutation, Wish, mutate, mutation_options, targets
from netlab.cli.options import example, file_option, kinds_argument
from netlab.cli.query import Selection, selection_options
from netlab.cli.words import usage
from netlab.errors import NetlabError, NotFound
from netlab.manifest.edits import with_replicas
from netlab.model.lab import Cluster


@click.command(
    "scale",
    epilog=example(
        "netlab scale deployment frontend --replicas=5",
        "netlab scale deployment/redis-slave --current-replicas=2 --replicas=1",
    ),
)
@kinds_argument
@file_option
@click.option("--replicas", type=int, required=True, metavar="N", help="How many Pods there are to be.")
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
    if replicas < 0:
        raise usage("The --replicas=COUNT flag is required, and COUNT must be greater than or equal to 0")

    def make(cluster: Cluster) -> list[Wish | NotFound]:
        found = list(targets(cluster, words, files, change.namespace, selection))
        if found and all(isinstance(item, NotFound) for item in found):
            raise NetlabError(f"no objects passed to scale {found[0]}")
        return [
            item if isinstance(item, NotFound) else Wish(with_replicas(item, replicas, current_replicas), "scaled")
            for item in found
        ]

    ctx.exit(mutate(change, make))
