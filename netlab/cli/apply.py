"""`netlab apply`: make objects from Kubernetes YAML."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

from netlab.cli.mutation import Mutation, Wish, mutate, mutation_options
from netlab.cli.options import example, file_option
from netlab.cli.words import usage
from netlab.engine.apply import NamespaceMissing
from netlab.errors import ManifestError, NotFound, Problem
from netlab.kernel.beside import beside
from netlab.manifest.load import STDIN, Written, load_written
from netlab.model.lab import KubernetesObject, Lab
from netlab.model.meta import Key


@click.command(
    "apply",
    epilog=example(
        "netlab apply -f guestbook.yaml",
        "netlab apply -f . --dry-run=server",
        "netlab get deployment frontend -o yaml | netlab apply -f -",
    ),
)
@file_option
@mutation_options
@click.pass_context
def command(ctx: click.Context, *, files: tuple[str, ...], change: Mutation) -> None:
    """Make objects from Kubernetes YAML: all of a set, or none if there is an error in it.

    A field that is not in the manifest keeps what others set, as `netlab scale` or `netlab label` do; unless the manifest that
    was applied last had it: then it goes.
    """
    with _nothing_thrown_away():
        written = read_written(files, change.namespace)
        try:
            code = mutate(change, [Wish(one) for one in written])
        except NamespaceMissing as error:
            where = files_of(written)[error.key]
            raise NotFound(f'error when creating "{where}": {error}; add a Namespace to it', origin=error.origin) from error
    ctx.exit(code)


@contextmanager
def _nothing_thrown_away() -> Iterator[None]:
    """What manifests become is kept to the end: to look through ten thousand of them for garbage is a twentieth of the work."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()  # or else it is looked through now, when all is done
        if was:
            gc.enable()


def files_of(written: Sequence[Written[KubernetesObject]]) -> dict[Key, str]:
    """Return the file of each object, as messages name it."""
    return {one.item.key: "STDIN" if one.file == "stdin" else one.file for one in written}


def read(files: Sequence[str], namespace: str | None) -> list[KubernetesObject]:
    """Return the Kubernetes objects of the manifests, in their order. Raises ManifestError."""
    return [one.item for one in read_written(files, namespace)]


def read_written(files: Sequence[str], namespace: str | None) -> list[Written[KubernetesObject]]:
    """Return the Kubernetes objects of the manifests as they were written, in their order. Raises ManifestError."""
    if not files:
        raise usage("must specify -f FILE, -f DIR or -f -")
    for file in files:
        if file and file != STDIN and not Path(file).exists():
            raise usage(f'the path "{file}" does not exist')
    found = load_written(files, default_namespace=namespace, stdin=sys.stdin, beside=beside)
    if problems := tuple(_lab_problems(found)):
        raise ManifestError(problems)
    return [Written(one.item, one.plain, one.text, one.source, one.line) for one in found if not isinstance(one.item, Lab)]


def _lab_problems(written: Sequence[Written[KubernetesObject | Lab]]) -> Iterator[Problem]:
    text, hint = "a Lab is not applied", "netlab up -f FILE makes it"
    for one in written:
        if isinstance(one.item, Lab):
            yield Problem(file=one.file, line=0, object=str(one.item.key), path="", message=text, hint=hint)
