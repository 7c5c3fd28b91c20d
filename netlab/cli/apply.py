"""`netlab apply`: make objects from Kubernetes YAML."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from netlab.cli.mutation import Mutation, Wish, mutate, mutation_options
from netlab.cli.options import example, file_option
from netlab.errors import ManifestError, Problem
from netlab.manifest.load import load
from netlab.model.lab import KubernetesObject, Lab


@click.command(
    "apply",
    epilog=example("netlab apply -f netlab/demos/guestbook", "netlab get deployment frontend -o yaml | netlab apply -f -"),
)
@file_option
@mutation_options
@click.pass_context
def command(ctx: click.Context, *, files: tuple[str, ...], change: Mutation) -> None:
    """Make objects from Kubernetes YAML: all of a set, or none if there is an error in it."""
    wishes = [Wish(item) for item in read(files, change.namespace)]
    ctx.exit(mutate(change, lambda _: wishes))


def read(files: Sequence[str], namespace: str | None) -> list[KubernetesObject]:
    """Return the Kubernetes objects of the manifests, in their order. Raises ManifestError."""
    if not files:
        raise click.UsageError("must specify -f FILE, -f DIR or -f -")
    objects = load(files, default_namespace=namespace, stdin=sys.stdin)
    labs = tuple(item for item in objects if isinstance(item, Lab))
    if labs:
        text = "a Lab is not applied"
        hint = "netlab up -f FILE makes it"
        raise ManifestError(
            tuple(Problem(file=files[0], line=0, object=str(lab.key), path="", message=text, hint=hint) for lab in labs)
        )
    return [item for item in objects if not isinstance(item, Lab)]
