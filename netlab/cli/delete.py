"""`netlab delete`: delete objects, and wait until they are gone."""

from __future__ import annotations

import time

import click

from netlab.cli.apply import read
from netlab.cli.options import (
    file_option,
    lab_option,
    live_lab,
    namespace_option,
    report_options,
    say_waiting,
    show_report,
)
from netlab.cli.words import KINDS, keys, subject
from netlab.engine.agent import wake_agent
from netlab.engine.apply import delete
from netlab.engine.reconcile import reconcile
from netlab.engine.session import session
from netlab.engine.settle import wait_gone


@click.command("delete")
@click.argument("words", nargs=-1, metavar="[KIND NAME... | KIND/NAME...]")
@file_option
@namespace_option
@click.option("--grace-period", type=click.IntRange(0), metavar="SECONDS", help="Time from TERM to KILL; 0 kills at once.")
@click.option("--wait/--no-wait", default=True, help="Return when they are gone, or at once.")
@click.option("--ignore-not-found", is_flag=True, help="An object that does not exist is no error.")
@report_options
@lab_option
@click.pass_context
def command(
    ctx: click.Context,
    *,
    words: tuple[str, ...],
    files: tuple[str, ...],
    namespace: str | None,
    grace_period: int | None,
    wait: bool,
    ignore_not_found: bool,
    verbose: bool,
    timings: bool,
    lab: str,
) -> None:
    """Delete objects by name or by manifest, with all they own. Containers get TERM, their grace period, then KILL."""
    wanted = [item.key for item in read(files, namespace)] if files else keys(words, namespace or "default")
    if not wanted:
        raise click.UsageError("name what to delete: KIND NAME, or -f FILE")
    paths = live_lab(lab)
    with session(paths, waiting=say_waiting) as opened:
        found, missing = delete(opened, wanted, grace_s=grace_period)
        report = reconcile(opened)
    wake_agent(paths)
    show_report(report, verbose=verbose, timings=timings)
    for key in found:
        click.echo(f'{subject(key).partition("/")[0]} "{key.name}" deleted')
    if wait:
        wait_gone(paths, found, time.time, say_waiting)
    for key in missing if not ignore_not_found else ():
        click.echo(f'error: {KINDS[key.kind][0]} "{key.name}" not found', err=True)
    ctx.exit(1 if missing and not ignore_not_found else 0)
