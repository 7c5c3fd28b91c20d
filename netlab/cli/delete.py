"""`netlab delete`: delete objects, and wait until they are gone."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence

import click

from netlab.cli.durations import DurationType
from netlab.cli.mutation import DRY_RUN_WORDS, dry_run_option
from netlab.cli.options import (
    example,
    file_option,
    kinds_argument,
    lab_option,
    live_lab,
    namespace_option,
    report_options,
    say_waiting,
    show_report,
)
from netlab.cli.query import Selection, parse_query, selection_options
from netlab.cli.saying import say
from netlab.cli.words import not_found, nothing_named, one_source, subject, usage
from netlab.desired.owning import owned_by
from netlab.engine.agent import wake_agent
from netlab.engine.apply import Deleted, delete
from netlab.engine.reconcile import reconcile
from netlab.engine.report import Report
from netlab.engine.session import session
from netlab.engine.settle import wait_gone
from netlab.model.lab import Cluster
from netlab.model.meta import Key

IMMEDIATE_S = 1
FORCED = (
    "Warning: Immediate deletion does not wait for confirmation that the running resource has been terminated."
    " The resource may continue to run on the cluster indefinitely."
)


def _only_name(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    if value not in {None, "name"}:
        raise usage(f"unexpected -o output mode: {value}. We only support '-o name'")
    return value


@click.command(
    "delete",
    epilog=example(
        "netlab delete pods -l tier=frontend --dry-run=client",
        "netlab delete service redis-slave",
        "netlab delete deployment/frontend --now",
        "netlab delete -f guestbook.yaml --ignore-not-found",
    ),
)
@kinds_argument
@file_option
@namespace_option
@selection_options
@click.option(
    "--grace-period", type=click.IntRange(-1), default=-1, metavar="SECONDS", help="Time from TERM to KILL; 0 kills at once."
)
@click.option("--now", is_flag=True, help="The same as --grace-period=1.")
@click.option("--force", is_flag=True, help="The same as --grace-period=0.")
@click.option("--wait/--no-wait", default=True, help="Return when they are gone, or at once.")
@click.option(
    "--timeout",
    type=DurationType(),
    metavar="TIME",
    default="0s",
    help="How long to wait: 10s, 1m; 0s: as long as it takes.",
)
@click.option(
    "--cascade",
    type=click.Choice(["background", "orphan", "foreground"]),
    default="background",
    show_default=True,
    help="What becomes of what the objects own: deleted behind them, kept as nobody's, or deleted and awaited too.",
)
@click.option("--ignore-not-found", is_flag=True, help="An object that does not exist is no error.")
@click.option("-o", "--output", metavar="name", callback=_only_name, help="Print only the names.")
@dry_run_option
@report_options
@lab_option
@click.pass_context
def command(
    ctx: click.Context,
    *,
    words: tuple[str, ...],
    files: tuple[str, ...],
    namespace: str | None,
    selection: Selection,
    grace_period: int,
    now: bool,
    force: bool,
    wait: bool,
    timeout: float,
    cascade: str,
    ignore_not_found: bool,
    output: str | None,
    dry_run: str,
    verbose: int,
    timings: bool,
    lab: str,
) -> None:
    """Delete objects by name or by manifest, with all they own. Containers get TERM, their grace period, then KILL."""
    limit_s = max(0.0, timeout)
    one_source(words, files)
    written = _written(files, namespace)
    if not words and not files:
        raise nothing_named()
    paths, is_dry = live_lab(lab), dry_run != "none"
    if force:
        click.echo(FORCED, err=True)
    with session(paths, waiting=say_waiting) as opened:
        wanted = written or _wanted(opened.store.cluster(), words, namespace, selection)
        owned = _owned(opened.store.cluster(), wanted) if cascade == "foreground" else {}
        grace_s = _grace(grace_period, now=now, force=force)
        found = delete(opened, wanted, grace_s=grace_s, dry_run=is_dry, orphan=cascade == "orphan")
        try:
            for key in found.uids:
                text = f'{subject(key).partition("/")[0]} "{key.name}" {"force deleted" if force else "deleted"}'
                click.echo(subject(key) if output else text + DRY_RUN_WORDS.get(dry_run, ""))
        finally:  # what was wished is done, also if nobody reads about it
            report = Report() if is_dry else reconcile(opened)
            wake_agent(paths)
    show_report(report, verbose=verbose, timings=timings)
    if wait and not is_dry:
        wait_gone(paths, found.uids | owned, time.time, say_waiting, limit_s or None)
    ctx.exit(_report_missing(found, words, written, selection, ignore=ignore_not_found or selection.every))


def _written(files: Sequence[str], namespace: str | None) -> Mapping[Key, str]:
    """The objects of manifests, and the file of each."""
    if not files:
        return {}
    from netlab.cli.apply import files_of, read_written  # noqa: PLC0415 - reading YAML costs 20 ms

    return files_of(read_written(files, namespace))


def _wanted(cluster: Cluster, words: Sequence[str], namespace: str | None, selection: Selection) -> list[Key]:
    query = parse_query(
        words, namespace=namespace, everywhere=selection.everywhere, selector=selection.selector, fields=selection.fields
    )
    if query.names and selection.every:
        raise usage("name cannot be provided when a selector is specified", "use either names or --all")
    if query.names:
        return [query.key(kind, name) for kind, names in query.names.items() for name in names]
    if not (selection.every or selection.selector or selection.fields):
        raise usage("resource(s) were provided, but no name was specified", "name objects, or use -l or --all")
    return [item.key for items in query.find(cluster).values() for item in items]


def _owned(cluster: Cluster, keys: Iterable[Key]) -> dict[Key, str]:
    """The Pods of what is to be deleted, with their uids."""
    owners = [cluster.objects[key] for key in keys if key in cluster.objects]
    return {pod.key: pod.metadata.uid for owner in owners for pod in owned_by(cluster, owner)}


def _grace(grace_period: int, *, now: bool, force: bool) -> int | None:
    """The time from TERM to KILL in seconds; None: each Pod's own."""
    if force:
        return 0
    if now:
        return IMMEDIATE_S
    return None if grace_period < 0 else grace_period


def _report_missing(
    found: Deleted, words: Sequence[str], written: Mapping[Key, str], selection: Selection, *, ignore: bool
) -> int:
    if not found.uids and not found.missing and not selection.every and words:
        click.echo("No resources found")
    if ignore:
        return 0
    for key in found.missing:
        error = not_found(key.kind, key.name)
        where = f'error when deleting "{written[key]}": ' if key in written else ""
        say(f"{error.origin}: {where}{error}")
    return 1 if found.missing else 0
