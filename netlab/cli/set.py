"""`netlab set image` and `netlab set env`. In a running Pod only the container that changed is replaced (N15)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import click

from netlab.cli.flags import VerbGroup
from netlab.cli.mutation import Mutation, Wish, mutate, mutation_options
from netlab.cli.options import example, file_option, kinds_argument, live_lab
from netlab.cli.query import Selection, selected, selection_options
from netlab.cli.words import not_found, resource, usage
from netlab.engine.view import read_wish
from netlab.manifest.edits import Pairs, parse_pairs, pod_spec, split_pairs, variables_from, with_images, with_variables
from netlab.model.lab import Cluster, KubernetesObject
from netlab.model.meta import Key
from netlab.model.pod import Container, EnvVar
from netlab.model.workload import ConfigMap


@click.group("set", cls=VerbGroup)
def command() -> None:
    """Change the image or the variables of containers.

    A Deployment replaces its Pods. A Pod that was made by itself keeps its address, its volumes and its other containers: only
    the container that changed is started anew. (Kubernetes lets only the image of a running Pod be changed.)
    """


@command.command("image", epilog=example("netlab set image deployment/frontend frontend=host"))
@kinds_argument
@file_option
@selection_options
@mutation_options
@click.pass_context
def image(
    ctx: click.Context, *, words: tuple[str, ...], files: tuple[str, ...], selection: Selection, change: Mutation
) -> None:
    """Set the images of containers: CONTAINER=IMAGE, or *=IMAGE for all."""
    targets, updates = split_pairs(words)
    images = parse_pairs(updates, "label")
    if images.gone:
        raise usage("an image cannot be taken away", "CONTAINER=IMAGE")

    def make(cluster: Cluster) -> Iterator[Wish]:
        for item in selected(cluster, targets, files, change.namespace, selection):
            new = with_images(item, images.values)
            if new != item:
                yield Wish(new, "image updated")

    ctx.exit(mutate(change, make))


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
@click.option("--from", "source", metavar="configmap/NAME", help="A variable for each key of a ConfigMap.")
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
    """Set variables with KEY=VALUE, take them away with KEY-, take them from a ConfigMap with --from, or print them."""
    targets, updates = split_pairs(words)
    if show:
        cluster, _ = read_wish(live_lab(change.lab))
        _print(selected(cluster, targets, files, change.namespace, selection), containers)
        return
    words = (*updates, *env)
    pairs = parse_pairs(words, "environment variable") if words or not source else Pairs({}, frozenset())

    def make(cluster: Cluster) -> Iterator[Wish]:
        sources = _from(cluster, source, change.namespace or "default", keys, prefix) if source else []
        for item in selected(cluster, targets, files, change.namespace, selection):
            new = with_variables(item, pairs, containers=containers, sources=sources, overwrite=overwrite)
            if new != item:
                yield Wish(new, "env updated")

    ctx.exit(mutate(change, make))


def _from(cluster: Cluster, word: str, namespace: str, keys: str, prefix: str) -> list[EnvVar]:
    kind, _, name = word.partition("/")
    if kind not in {"cm", "configmap", "configmaps"} or not name:
        raise usage(f"--from={word}: variables can be taken from a ConfigMap only", "--from=configmap/NAME")
    item = cluster.objects.get(Key("ConfigMap", namespace, name))
    if not isinstance(item, ConfigMap):
        raise not_found("ConfigMap", name)
    return variables_from(item, prefix=prefix, keys=filter(None, keys.split(",")))


def _print(items: Sequence[KubernetesObject], containers: str) -> None:
    import fnmatch  # noqa: PLC0415 - only --list needs it

    for item in items:
        for container in pod_spec(item).containers:
            if fnmatch.fnmatchcase(container.name, containers):
                click.echo(f"# {resource(item.kind)} {item.metadata.name}, container {container.name}")
                click.echo("".join(f"{line}\n" for line in _lines(container)), nl=False)


def _lines(container: Container) -> Iterator[str]:
    for variable in container.env:
        source = variable.value_from
        if source is None:
            yield f"{variable.name}={variable.value}"
        elif source.config_map_key_ref is not None:
            yield f"# {variable.name} from configmap {source.config_map_key_ref.name}, key {source.config_map_key_ref.key}"
        elif source.field_ref is not None:
            yield f"# {variable.name} from field path {source.field_ref.field_path}"
