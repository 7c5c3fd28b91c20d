"""`get -w`: the objects as they are, then every change as it happens: a table line, a line of JSON, or a YAML document each.

Source: kubectl get --watch (v1.32), which spreads its JSON over several lines.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Literal, NamedTuple

import click

from netlab.cli.output import FORM_PRINTERS, Output, printed
from netlab.cli.query import Query
from netlab.cli.table import table
from netlab.cli.text import as_json_line, as_yaml
from netlab.cli.words import is_namespaced, usage
from netlab.engine.view import watch_lab
from netlab.model.codec import encode
from netlab.model.event import Event
from netlab.model.lab import KubernetesObject
from netlab.model.meta import Key
from netlab.store.paths import LabPaths

if TYPE_CHECKING:
    from netlab.cli.get import TableOptions

Objects = Mapping[Key, KubernetesObject]


class Change(NamedTuple):
    """What became of one object."""

    type: Literal["ADDED", "MODIFIED", "DELETED"]
    item: KubernetesObject


def changes(before: Objects, after: Objects) -> Iterator[Change]:
    """Yield what leads from one look to the next; an object made anew under the same name is deleted first."""
    for key, item in before.items():
        if key not in after or after[key].metadata.uid != item.metadata.uid:
            yield Change("DELETED", item)
    for key, item in after.items():
        old = before.get(key)
        if old is None or old.metadata.uid != item.metadata.uid:
            yield Change("ADDED", item)
        elif old != item:
            yield Change("MODIFIED", item)


def watch_objects(
    paths: LabPaths, query: Query, output: Output | None, style: TableOptions, *, events: bool, first: bool
) -> None:
    """Print what the query finds and every change of it, until the lab is gone or the user ends it.

    Raises:
        ManifestError: more than one kind is asked for.
        NotFound: no object has the name that is asked for.
    """
    if len(query.kinds) != 1:
        raise usage("you may only specify a single resource type", "netlab get pods -w")
    show = _Printer(query.kinds[0], output, style, events=events)
    known: Objects | None = None
    for cluster in watch_lab(paths, with_events=Event.kind in query.kinds):
        found = {item.key: item for items in query.find(cluster).values() for item in items}
        if known is None:
            for error in query.missing(cluster):
                raise error
        if known is not None or first:
            show.show(list(changes(known or {}, found)))
        known = found


class _Printer:
    """Prints changes; remembers how wide the columns were, so that later lines stand under the earlier ones."""

    def __init__(self, kind: str, output: Output | None, style: TableOptions, *, events: bool) -> None:
        self._kind, self._output, self._style, self._events = kind, output, style, events
        self._widths: list[int] = []
        self._headers = style.headers
        self._between = ""

    def show(self, found: list[Change]) -> None:
        if self._output is not None and self._output.form in FORM_PRINTERS:
            for change in found:
                self._show_object(change, self._output)
        elif found:
            self._show_rows(found)

    def _show_object(self, change: Change, output: Output) -> None:
        if output.form not in {"json", "yaml"}:
            click.echo(printed([change.item], output, single=True, headers=False), nl=output.form != "name")
            return
        item = encode(change.item, whole=True)
        data = {"object": item, "type": change.type} if self._events else item
        if output.form == "json":
            click.echo(as_json_line(data))
        else:
            click.echo(self._between + as_yaml(data), nl=False)
            self._between = "---\n"

    def _show_rows(self, found: list[Change]) -> None:
        style = self._style
        lines = table(
            self._kind, [change.item for change in found], time.time(), wide=style.wide, labels=style.labels,
            namespaced=style.namespaced and is_namespaced(self._kind), label_columns=style.label_columns, prefix=style.kind,
            headers=self._headers, widths=self._widths,
        ).splitlines()  # fmt: skip
        if self._events:
            words = [*(["EVENT"] if self._headers else []), *(change.type for change in found)]
            lines = [f"{word:<8}   {line}" for word, line in zip(words, lines, strict=True)]
        self._headers = False
        click.echo("\n".join(lines))
