"""What `label` and `annotate` share: `KEY=VALUE` sets, `KEY-` takes away, `--list` shows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Literal, Protocol, TypeVar

import click

from netlab.cli.mutation import Mutation, Wish, mutate, mutation_options, targets
from netlab.cli.options import file_option, kinds_argument, live_lab
from netlab.cli.query import Selection, selected, selection_options
from netlab.cli.words import usage
from netlab.engine.view import read_objects
from netlab.errors import NotFound
from netlab.manifest.edits import Pairs, parse_pairs, split_pairs
from netlab.model.lab import Cluster, KubernetesObject

F = TypeVar("F", bound=Callable[..., object])
What = Literal["label", "annotation"]


class Edit(Protocol):
    """with_labels or with_annotations."""

    def __call__(self, item: KubernetesObject, pairs: Pairs, *, overwrite: bool) -> tuple[KubernetesObject, str]:
        """Return the new object and the word for what was done."""


def pairs_options(what: What) -> Callable[[F], F]:
    """Add the arguments and options of `label` or `annotate`."""

    def add(function: F) -> F:
        overwrite = click.option("--overwrite", is_flag=True, help=f"Let the {what} have had another value.")
        show = click.option("--list", "show", is_flag=True, help=f"Only print the {what}s.")
        for option in (mutation_options, selection_options, show, overwrite, file_option, kinds_argument):
            function = option(function)
        return function

    return add


def update(  # noqa: PLR0917 - the words of one command line
    change: Mutation,
    what: What,
    words: Sequence[str],
    files: Sequence[str],
    selection: Selection,
    edit: Edit,
    *,
    overwrite: bool,
    show: bool,
) -> int:
    """Do what `label` or `annotate` was asked; return the exit code. Raises NetlabError."""
    subjects, updates = split_pairs(words)
    if not subjects and not files:
        raise usage("one or more resources must be specified as <resource> <name> or <resource>/<name>")
    if show:
        cluster = read_objects(live_lab(change.lab))
        _print(what, selected(cluster, subjects, files, change.namespace, selection))
        return 0
    pairs = parse_pairs(updates, what)

    def make(cluster: Cluster) -> Iterator[Wish | NotFound]:
        for item in targets(cluster, subjects, files, change.namespace, selection):
            if isinstance(item, NotFound):
                yield item
            else:
                yield Wish(*edit(item, pairs, overwrite=overwrite), note=_not_found(what, item, pairs))

    return mutate(change, make)


def _not_found(what: What, item: KubernetesObject, pairs: Pairs) -> str:
    """The lines about labels that are not there to be taken away; of annotations kubectl says nothing."""
    gone = sorted(pairs.gone - item.metadata.labels.keys()) if what == "label" else []
    return "\n".join(f'label "{key}" not found.' for key in gone)


def _print(what: What, items: Sequence[KubernetesObject]) -> None:
    for item in items:
        if len(items) > 1:
            click.echo(f"Listing {what}s for {item.kind}./{item.metadata.name}:")
        known = item.metadata.labels if what == "label" else item.metadata.annotations
        for key, value in sorted(known.items()):
            click.echo(f"{' ' if len(items) > 1 else ''}{key}={value}")
