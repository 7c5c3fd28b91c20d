"""`netlab get`: list objects, in kubectl's columns or as they are stored; with `-w`, go on as they change."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

import click

from netlab.cli.options import example, file_option, kinds_argument, lab_option, live_lab, namespace_option
from netlab.cli.output import FORM_PRINTERS, Output, OutputType, printed
from netlab.cli.query import parse_query
from netlab.cli.saying import say_error
from netlab.cli.table import table
from netlab.cli.words import is_namespaced, one_source, resource, usage
from netlab.engine.view import read_lab
from netlab.frozen import dataclass
from netlab.model.codec import encode
from netlab.model.event import Event
from netlab.model.lab import KubernetesObject

NO_TYPE = (
    'You must specify the type of resource to get. Use "netlab api-resources" for a complete list of supported resources.\n'
)
NO_RESOURCE = (
    "Required resource not specified.\n"
    'Use "netlab explain <resource>" for a detailed description of that resource (e.g. netlab explain pods).\n'
    "See 'netlab get -h' for help and examples"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TableOptions:
    """How tables are printed."""

    wide: bool = False
    namespaced: bool = False
    headers: bool = True
    labels: bool = False
    label_columns: tuple[str, ...] = ()
    kind: bool = False


@click.command(
    "get", epilog=example("netlab get pods -o wide", "netlab get svc,endpointslices -A", "netlab get pods -l app=guestbook -w")
)
@kinds_argument
@file_option
@namespace_option
@click.option("-A", "--all-namespaces", is_flag=True, help="From all Namespaces.")
@click.option("-l", "--selector", default="", metavar="SELECTOR", help="Only with these labels: a=b,c!=d,e in (f,g),h,!i.")
@click.option("--field-selector", default="", metavar="SELECTOR", help="Only with these fields: status.phase=Running.")
@click.option("-o", "--output", type=OutputType(), help="More columns, or the objects themselves.")
@click.option("--sort-by", metavar="PATH", help="In the order of a field, for example .metadata.creationTimestamp.")
@click.option("--no-headers", is_flag=True, help="Leave out the line of headings.")
@click.option("--show-labels", is_flag=True, help="Add a column with all labels.")
@click.option("-L", "--label-columns", multiple=True, metavar="KEY,...", help="Add a column for each of these labels.")
@click.option("--show-kind", is_flag=True, help="Write names as pod/web.")
@click.option("-w", "--watch", is_flag=True, help="Go on printing what changes.")
@click.option("--watch-only", is_flag=True, help="Print only what changes.")
@click.option("--output-watch-events", is_flag=True, help="Say of each change whether it is ADDED, MODIFIED or DELETED.")
@click.option("--ignore-not-found", is_flag=True, help="An object that does not exist is no error.")
@lab_option
@click.pass_context
def command(
    ctx: click.Context,
    *,
    words: tuple[str, ...],
    files: tuple[str, ...],
    namespace: str | None,
    all_namespaces: bool,
    selector: str,
    field_selector: str,
    output: Output | None,
    sort_by: str | None,
    no_headers: bool,
    show_labels: bool,
    label_columns: tuple[str, ...],
    show_kind: bool,
    watch: bool,
    watch_only: bool,
    output_watch_events: bool,
    ignore_not_found: bool,
    lab: str,
) -> None:
    """List objects: pods, services, endpointslices, deployments, configmaps, namespaces, nodes, events, or all."""
    one_source(words, files)
    words = words or tuple(_of_files(files, namespace))
    query = parse_query(words, namespace=namespace, everywhere=all_namespaces, selector=selector, fields=field_selector)
    style = TableOptions(
        wide=output is not None and output.form == "wide",
        namespaced=all_namespaces,
        headers=not no_headers,
        labels=show_labels,
        label_columns=tuple(key for keys in label_columns for key in keys.split(",")),
        kind=show_kind,
    )
    paths = live_lab(lab)
    if watch or watch_only:
        from netlab.cli.watching import watch_objects  # noqa: PLC0415 - only -w needs it

        watch_objects(paths, query, output, style, events=output_watch_events, first=not watch_only)
        return
    cluster = read_lab(paths, with_events=Event.kind in query.kinds)
    missing = [] if ignore_not_found else query.missing(cluster)
    groups = {kind: _sorted(items, sort_by) for kind, items in query.find(cluster).items()}
    items = [item for found in groups.values() for item in found]
    if output is not None and output.form in FORM_PRINTERS:
        if items or not missing:
            single = query.is_single and len(items) == 1
            click.echo(printed(items, output, single=single, headers=not no_headers), nl=False)
    elif items:
        click.echo(tables(groups, style, time.time()))
    elif not missing and not ignore_not_found:
        click.echo(f"No resources found{query.place}{'.' if query.place else ''}", err=True)
    for error in missing:
        say_error(error)
    ctx.exit(1 if missing else 0)


def tables(groups: dict[str, list[KubernetesObject]], style: TableOptions, now: float) -> str:
    """Return one table for each kind of which there are objects, an empty line between them."""
    several = len(groups) > 1
    return "\n\n".join(
        table(
            kind, found, now, wide=style.wide, namespaced=style.namespaced and is_namespaced(kind), headers=style.headers,
            labels=style.labels, label_columns=style.label_columns, prefix=several or style.kind,
        )
        for kind, found in groups.items() if found
    )  # fmt: skip


def _sorted(items: Sequence[KubernetesObject], path: str | None) -> list[KubernetesObject]:
    if not path:
        return list(items)
    from netlab.cli.sorting import sort_items  # noqa: PLC0415 - only --sort-by needs it

    plain = [encode(item, whole=True) for item in items]
    place = {id(one): number for number, one in enumerate(plain)}
    return [items[place[id(one)]] for one in sort_items(plain, path)]


def _of_files(files: Sequence[str], namespace: str | None) -> Iterable[str]:
    """The objects of manifests as words of the command line."""
    if not files:
        click.echo(NO_TYPE, err=True)
        raise usage(NO_RESOURCE)
    from netlab.cli.apply import read  # noqa: PLC0415 - reading YAML costs 20 ms

    for item in read(files, namespace):
        yield f"{resource(item.kind)}/{item.metadata.name}"
