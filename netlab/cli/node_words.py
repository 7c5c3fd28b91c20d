"""Which Nodes a command line means: what cordon, uncordon and drain share. Source: kubectl pkg/cmd/drain (v1.32)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import click

from netlab.cli.options import complete_nodes
from netlab.cli.query import parse_query
from netlab.cli.words import KINDS, kinds, usage
from netlab.model.lab import Cluster
from netlab.model.node import Node

F = TypeVar("F", bound=Callable[..., object])


def nodes_argument(function: F) -> F:
    """Add NODE..., any number of them."""
    return click.argument("words", nargs=-1, metavar="NODE...", shell_complete=complete_nodes)(function)


def node_selector_option(function: F) -> F:
    """Add `-l`."""
    return click.option("-l", "--selector", default="", metavar="SELECTOR", help="The Nodes with these labels.")(function)


def check_node_words(verb: str, words: Sequence[str], selector: str) -> None:
    """Raise ManifestError unless Nodes are named, or chosen by labels."""
    see = f"See 'netlab {verb} -h' for help and examples"
    if words and selector:
        raise usage(f"cannot specify both a node name and a --selector option\n{see}")
    if not words and not selector:
        raise usage(f"USAGE: {verb} NODE [flags]\n{see}")


def chosen_nodes(cluster: Cluster, words: Sequence[str], selector: str) -> list[Node]:
    """Return the Nodes that `node-1`, `node/node-1` or labels mean. Raises NotFound if a named one does not exist."""
    names = [_name(word) for word in words]
    query = parse_query(["nodes", *names], namespace=None, selector=selector)
    for error in query.missing(cluster):
        raise error
    return [node for items in query.find(cluster).values() for node in items if isinstance(node, Node)]


def _name(word: str) -> str:
    kind, slash, name = word.rpartition("/")
    for found in kinds(kind) if slash else ():
        if found != Node.kind:
            plural, _, group, _ = KINDS[found]
            raise usage(f'expected resource of type node, got "{group}/v1, Resource={plural}"', "name Nodes")
    return name
