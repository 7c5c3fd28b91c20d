"""`netlab get`: list objects, in kubectl's columns or as they are stored."""

from __future__ import annotations

import time

import click

from netlab.cli.columns import table
from netlab.cli.options import lab_option, live_lab, namespace_option
from netlab.cli.text import as_json, as_yaml
from netlab.cli.words import KINDS, is_namespaced, kinds, subject
from netlab.engine.view import read_lab
from netlab.errors import ManifestError, Problem
from netlab.model.lab import Cluster, KubernetesObject

FORMATS = ("wide", "yaml", "json", "name")


@click.command("get")
@click.argument("words", nargs=-1, required=True, metavar="KIND[,KIND] [NAME...] | KIND/NAME...")
@namespace_option
@click.option("-A", "--all-namespaces", is_flag=True, help="From all Namespaces.")
@click.option("-l", "--selector", default="", metavar="KEY=VALUE,...", help="Only objects with these labels.")
@click.option("-o", "--output", type=click.Choice(FORMATS), help="More columns, or the objects themselves.")
@click.option("--no-headers", is_flag=True, help="Leave out the line of headings.")
@click.option("--show-labels", is_flag=True, help="Add a column with all labels.")
@lab_option
@click.pass_context
def command(
    ctx: click.Context,
    *,
    words: tuple[str, ...],
    namespace: str | None,
    all_namespaces: bool,
    selector: str,
    output: str | None,
    no_headers: bool,
    show_labels: bool,
    lab: str,
) -> None:
    """List objects: pods, services, endpointslices, deployments, configmaps, namespaces, nodes, or all."""
    matches = parse_selector(selector)
    cluster = read_lab(live_lab(lab))
    scope = None if all_namespaces else namespace or "default"
    wanted, names = _wanted(words)
    groups = [(kind, find(cluster, kind, scope, names.get(kind), matches)) for kind in wanted]
    missing = [(kind, name) for kind, found in groups for name in names.get(kind, ()) if name not in _names(found)]
    items = [item for _, found in groups for item in found]
    if output in {"yaml", "json"}:
        single = bool(names) and len(items) == 1
        click.echo((as_yaml if output == "yaml" else as_json)(items, single=single), nl=False)
    elif output == "name":
        for item in items:
            click.echo(subject(item.key))
    else:
        now = time.time()
        several = sum(bool(found) for _, found in groups) > 1
        blocks = [
            table(kind, found, cluster, now, wide=output == "wide", namespaced=all_namespaces and is_namespaced(kind),
                  headers=not no_headers, labels=show_labels, prefix=several)
            for kind, found in groups if found
        ]  # fmt: skip
        if blocks:
            click.echo("\n\n".join(blocks))
        elif not missing:
            where = f" in {scope} namespace" if scope and any(is_namespaced(kind) for kind in wanted) else ""
            click.echo(f"No resources found{where}.", err=True)
    for kind, name in missing:
        click.echo(f'error: {KINDS[kind][0]} "{name}" not found', err=True)
    ctx.exit(1 if missing else 0)


def _names(items: list[KubernetesObject]) -> set[str]:
    return {item.metadata.name for item in items}


def _wanted(words: tuple[str, ...]) -> tuple[list[str], dict[str, list[str]]]:
    """The kinds to list, in order, and the names asked for by kind (a kind that is absent is listed whole)."""
    names: dict[str, list[str]] = {}
    if "/" not in words[0]:
        wanted = kinds(words[0])
        return wanted, {kind: list(words[1:]) for kind in wanted} if words[1:] else {}
    for word in words:
        kind, _, name = word.partition("/")
        for each in kinds(kind):
            names.setdefault(each, []).append(name)
    return list(names), names


def find(
    cluster: Cluster, kind: str, namespace: str | None, names: list[str] | None, labels: dict[str, tuple[bool, str]]
) -> list[KubernetesObject]:
    """Return the objects of a kind in this Namespace (None: any) with these labels, sorted by Namespace and name."""
    return [
        item
        for key, item in sorted(cluster.objects.items())
        if key.kind == kind
        and (namespace is None or key.namespace in {namespace, ""})
        and (names is None or key.name in names)
        and all((item.metadata.labels.get(label) == value) is equal for label, (equal, value) in labels.items())
    ]


def parse_selector(text: str) -> dict[str, tuple[bool, str]]:
    """Return label -> (must it be equal, value) of `a=b,c!=d`. Raises ManifestError for anything else."""
    found: dict[str, tuple[bool, str]] = {}
    for part in filter(None, text.split(",")):
        label, equal, value = part.replace("==", "=").partition("=")
        if not equal or not label.strip("! "):
            hint = "write key=value or key!=value, several with commas"
            raise ManifestError(
                (Problem(file="-l", line=0, object="", path="", message=f"cannot read selector {part!r}", hint=hint),)
            )
        found[label.rstrip("!").strip()] = (not label.endswith("!"), value.strip())
    return found
