"""`netlab events`: what happened, the newest last; with `-w`, go on as more happens. Source: kubectl events (v1.32)."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

import click

from netlab.cli.cells import aligned
from netlab.cli.options import example, lab_option, live_lab, namespace_option
from netlab.cli.output import Output, OutputType, printed
from netlab.cli.tabbed import last_seen
from netlab.cli.text import as_json_line
from netlab.cli.words import LAB_WORDS, keys, usage
from netlab.engine.view import read_lab, watch_lab
from netlab.frozen import dataclass
from netlab.model.codec import encode
from netlab.model.event import Event
from netlab.model.lab import Cluster
from netlab.model.meta import Key

HEADINGS = ("LAST SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE")
TYPES = ("Normal", "Warning")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which Events: of a Namespace (None: of all), about some objects (none: about any), of some types (none: of both)."""

    namespace: str | None = "default"
    about: tuple[Key, ...] = ()
    types: frozenset[str] = frozenset()

    def find(self, cluster: Cluster) -> list[Event]:
        """Return the Events that are wanted, the one that happened last at the end."""
        found = (
            event
            for event in cluster.events
            if (event.about in self.about if self.about else self.namespace in {None, event.metadata.namespace})
            and (not self.types or event.type.lower() in self.types)
        )
        return sorted(found, key=lambda event: (event.last_timestamp, event.metadata.name.rpartition(".")[2]))


@click.command(
    "events",
    epilog=example(
        "netlab events", "netlab events --for deployment/frontend", "netlab events -A --types Normal", "netlab events -w"
    ),
)
@namespace_option
@click.option("-A", "--all-namespaces", is_flag=True, help="From all Namespaces.")
@click.option("--for", "about", metavar="KIND/NAME", help="Only those of one object.")
@click.option("--types", default="", metavar="Normal,Warning", help="Only these types.")
@click.option("-w", "--watch", is_flag=True, help="Go on printing what happens.")
@click.option("-o", "--output", type=OutputType(forms=("json", "yaml")), help="The Events themselves, with -w one by one.")
@click.option("--no-headers", is_flag=True, help="Leave out the line of headings.")
@lab_option
def command(
    *, namespace: str | None, all_namespaces: bool, about: str | None, types: str, watch: bool, output: Output | None,
    no_headers: bool, lab: str,
) -> None:  # fmt: skip
    """Show what happened to objects, the newest last."""
    scope = namespace or "default"
    wanted = Wanted(
        namespace=None if all_namespaces else scope,
        about=_about(about, scope) if about else (),
        types=frozenset(_type(word) for word in types.split(",") if word),
    )
    paths = live_lab(lab)
    show = _Printer(output, namespaced=all_namespaces, headers=not no_headers)
    if watch:
        for cluster in watch_lab(paths, with_events=True):
            show.stream(wanted.find(cluster))
        return
    found = wanted.find(read_lab(paths, with_events=True))
    if output is not None:
        click.echo(printed(found, output, single=False, headers=True), nl=False)
    elif found:
        show.rows(found)
    else:
        click.echo("No events found." if all_namespaces else f"No events found in {scope} namespace.", err=True)


def event_table(found: Iterable[Event], now: float, *, namespaced: bool = False, headers: bool = True,
                widths: list[int] | None = None) -> str:  # fmt: skip
    """Return Events as kubectl's table; `widths` are those of the lines printed so far, and grow."""
    rows = [[last_seen(event, now), event.type, event.reason, _subject(event.about), event.message.strip()] for event in found]
    if namespaced:
        rows = [[event.metadata.namespace, *row] for event, row in zip(found, rows, strict=True)]
    return aligned([*([["NAMESPACE", *HEADINGS] if namespaced else list(HEADINGS)] if headers else []), *rows], widths)


class _Printer:
    """Prints Events once each; one that happens again is printed again."""

    def __init__(self, output: Output | None, *, namespaced: bool, headers: bool) -> None:
        self._output, self._namespaced, self._headers = output, namespaced, headers
        self._widths: list[int] = []
        self._known: set[tuple[str, int]] = set()

    def stream(self, found: Sequence[Event]) -> None:
        fresh = [event for event in found if (event.metadata.name, event.count) not in self._known]
        self._known = {(event.metadata.name, event.count) for event in found}
        if self._output is None and fresh:
            self.rows(fresh)
            return
        for event in fresh:
            self._object(event)

    def _object(self, event: Event) -> None:
        if self._output is not None and self._output.form == "json":
            click.echo(as_json_line(encode(event, whole=True)))
        elif self._output is not None:
            click.echo(f"---\n{printed([event], self._output, single=True)}", nl=False)

    def rows(self, found: Sequence[Event]) -> None:
        click.echo(event_table(found, time.time(), namespaced=self._namespaced, headers=self._headers, widths=self._widths))
        self._headers = False


def _subject(key: Key) -> str:
    return f"{key.kind}/{key.name}"


def _about(word: str, namespace: str) -> tuple[Key, ...]:
    kind, slash, name = word.partition("/")
    if not (kind and slash and name):
        raise usage("--for must be in resource/name form", "for example --for pod/web")
    if kind.lower() in LAB_WORDS:
        return (Key(LAB_WORDS[kind.lower()], "", name),)
    return tuple(keys([word], namespace))


def _type(word: str) -> str:
    if word.lower() not in map(str.lower, TYPES):
        raise usage("valid --types are Normal or Warning", "for example --types Warning")
    return word.lower()
