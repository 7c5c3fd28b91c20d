"""`netlab events`: what happened, the newest last."""

from __future__ import annotations

import contextlib
import time

import click

from netlab.cli.columns import aligned, duration
from netlab.cli.options import example, lab_option, live_lab, namespace_option
from netlab.cli.words import keys
from netlab.engine.view import open_store
from netlab.model.meta import Key
from netlab.store.events import Event, events

HEADINGS = ["LAST SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE"]


@click.command(
    "events", epilog=example("netlab events", "netlab events --for deployment/frontend", "netlab events -A --types Normal")
)
@namespace_option
@click.option("-A", "--all-namespaces", is_flag=True, help="From all Namespaces.")
@click.option("--for", "about", metavar="KIND/NAME", help="Only those of one object.")
@click.option("--types", metavar="Normal,Warning", help="Only these types.")
@lab_option
def command(*, namespace: str | None, all_namespaces: bool, about: str | None, types: str | None, lab: str) -> None:
    """Show what happened to objects, the newest last."""
    scope = None if all_namespaces else namespace or "default"
    only = keys([about], namespace or "default") if about else []
    with contextlib.closing(open_store(live_lab(lab))) as store:
        found = [
            event
            for event in events(store)
            if (event.about in only if only else scope is None or event.about.namespace == scope)
            and (types is None or event.type in types.split(","))
        ]
    if not found:
        click.echo("No events found." if scope is None else f"No events found in {scope} namespace.", err=True)
        return
    click.echo(event_table(found, time.time(), namespaced=scope is None))


def event_table(found: list[Event], now: float, *, namespaced: bool = False) -> str:
    """Return events as kubectl's table."""
    rows = [[last_seen(event, now), event.type, event.reason, str(event.about), event.message] for event in found]
    if namespaced:
        rows = [[_namespace(event.about), *row] for event, row in zip(found, rows, strict=True)]
    return aligned([["NAMESPACE", *HEADINGS] if namespaced else HEADINGS, *rows])


def last_seen(event: Event, now: float) -> str:
    """Return how long ago, and how often: `10s`, or `10s (x3 over 1m)`."""
    ago = duration(max(0, int(now - event.last_s)))
    return ago if event.count == 1 else f"{ago} (x{event.count} over {duration(max(0, int(now - event.first_s)))})"


def _namespace(key: Key) -> str:
    return key.namespace or "default"
