"""`netlab set image` and `netlab set env`. In a running Pod only the container that changed is replaced (N15)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import click

from netlab.cli.flags import VerbGroup, early_options
from netlab.cli.mutation import Mutation, Wish, mutate, mutation_options, targets
from netlab.cli.options import example, file_option, kinds_argument, live_lab
from netlab.cli.query import Selection, selected, selection_options
from netlab.cli.words import WORDS, not_found, usage
from netlab.engine.view import read_objects
from netlab.errors import NotFound
from netlab.manifest.edits import (
    Pairs,
    parse_pairs,
    parse_values,
    pod_spec,
    split_pairs,
    variables_from,
    with_images,
    with_variables,
)
from netlab.model.config import ConfigMap, Secret
from netlab.model.container import Container, EnvVar, EnvVarSource
from netlab.model.lab import Cluster, KubernetesObject
from netlab.model.meta import Key


@click.group("set", cls=VerbGroup, invoke_without_command=True)
@early_options
@click.pass_context
def command(ctx: click.Context, *, namespace: str | None, lab: str | None) -> None:  # noqa: ARG001 - read by resolve_command
    """Change the image or the variables of containers.

    A Deployment replaces its Pods. A Pod that was made by itself keeps its address, its volumes and its other containers: only
    the container that changed is started anew. (Kubernetes lets only the image of a running Pod be changed.)
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help(), err=True)
        ctx.exit(1)  # as kubectl does: nothing was set


@command.command("image", epilog=example("netlab set image deployment/frontend web=host"))
@kinds_argument
@file_option
@selection_options
@mutation_options
@click.pass_context
def image(
    ctx: click.Context, *, words: tuple[str, ...], files: tuple[str, ...], selection: Selection, change: Mutation
) -> None:
    """Set the images of containers: CONTAINER=IMAGE, or *=IMAGE for all."""
    subjects, updates = split_pairs(words)
    images = parse_values(updates, "image")

    def make(cluster: Cluster) -> Iterator[Wish | NotFound]:
        for item in targets(cluster, subjects, files, change.namespace, selection):
            new = item if isinstance(item, NotFound) else with_images(item, images)
            yield from _wishes(item, new, "image updated")

    ctx.exit(mutate(change, make))


def _wishes(old: KubernetesObject | NotFound, new: KubernetesObject | NotFound, word: str) -> Iterator[Wish | NotFound]:
    """What there is to do: nothing is said of an object that stays as it is."""
    if isinstance(new, NotFound):
        yield new
    elif new != old:
        yield Wish(new, word)


@command.command(
    "env",
    epilog=example(
        "netlab set env deployment/frontend --list",
        "netlab set env deployment/frontend GREETING=hello",
        "netlab set env deployment/frontend GREETING-",
    ),
)
@kinds_argument
@file_option
@click.option("-c", "--containers", default="*", show_default=True, metavar="PATTERN", help="Only in these containers.")
@click.option("-e", "--env", multiple=True, metavar="KEY=VALUE", help="A variable; the same as a word KEY=VALUE.")
@click.option("--list", "show", is_flag=True, help="Only print the variables.")
@click.option("--from", "source", metavar="KIND/NAME", help="A variable for each key of a ConfigMap or a Secret.")
@click.option("--keys", default="", metavar="KEY,...", help="With --from: only these.")
@click.option("--prefix", default="", help="With --from: before each name.")
@click.option("--overwrite/--no-overwrite", default=True, help="Let a variable have had another value.")
@selection_options
@mutation_options
@click.pass_context
def env(
    ctx: click.Context,
    *,
    words: tuple[str, ...],
    files: tuple[str, ...],
    containers: str,
    env: tuple[str, ...],
    show: bool,
    source: str | None,
    keys: str,
    prefix: str,
    overwrite: bool,
    selection: Selection,
    change: Mutation,
) -> None:
    """Set variables with KEY=VALUE, take them away with KEY-, take them from elsewhere with --from, or print them."""
    subjects, updates = split_pairs(words)
    if show:
        cluster = read_objects(live_lab(change.lab))
        _print(selected(cluster, subjects, files, change.namespace, selection), containers)
        return
    words = (*updates, *env)
    pairs = parse_pairs(words, "environment variable") if words else Pairs({}, frozenset())

    def make(cluster: Cluster) -> Iterator[Wish | NotFound]:
        sources = _from(cluster, source, change.namespace or "default", keys, prefix) if source else []
        for item in targets(cluster, subjects, files, change.namespace, selection):
            if isinstance(item, NotFound):
                yield item
            else:
                new = with_variables(item, pairs, containers=containers, sources=sources, overwrite=overwrite)
                yield from _wishes(item, new, "env updated")

    ctx.exit(mutate(change, make))


def _from(cluster: Cluster, word: str, namespace: str, keys: str, prefix: str) -> list[EnvVar]:
    kind, _, name = word.partition("/")
    meant = WORDS.get(kind, "")
    if meant not in {ConfigMap.kind, Secret.kind} or not name:
        raise usage(f"--from={word}: variables can be taken from a ConfigMap or a Secret", "--from=configmap/NAME")
    item = cluster.objects.get(Key(meant, namespace, name))
    if not isinstance(item, ConfigMap | Secret):
        raise not_found(meant, name)
    found = variables_from(item, prefix=prefix, keys=filter(None, keys.split(",")))
    for variable in found:
        click.echo(_transferred(variable), err=True)
    return found


def _transferred(variable: EnvVar) -> str:
    source = variable.value_from or EnvVarSource()
    ref = source.config_map_key_ref or source.secret_key_ref
    return f"Warning: key {ref.key if ref else ''} transferred to {variable.name}"


def _print(items: Sequence[KubernetesObject], containers: str) -> None:
    import fnmatch  # noqa: PLC0415 - only --list needs it

    for item in items:
        for container in pod_spec(item).containers:
            if fnmatch.fnmatchcase(container.name, containers):
                click.echo(f"# {item.kind} {item.metadata.name}, container {container.name}")
                click.echo("".join(f"{line}\n" for line in _lines(container)), nl=False)


def _lines(container: Container) -> Iterator[str]:
    for variable in container.env:
        source = variable.value_from
        if source is None:
            yield f"{variable.name}={variable.value}"
        elif source.config_map_key_ref is not None:
            yield f"# {variable.name} from configmap {source.config_map_key_ref.name}, key {source.config_map_key_ref.key}"
        elif source.secret_key_ref is not None:
            yield f"# {variable.name} from secret {source.secret_key_ref.name}, key {source.secret_key_ref.key}"
        elif source.field_ref is not None:
            yield f"# {variable.name} from field path {source.field_ref.field_path}"
        elif source.resource_field_ref is not None:
            yield f"# {variable.name} from resource {source.resource_field_ref.resource}"
