"""`netlab graph`: the lab as built, drawn."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from netlab.cli.options import complete_files, example, lab_option, live_lab, namespace_option
from netlab.cli.words import usage

if TYPE_CHECKING:
    from netlab.packets.graph import LabGraph

MOST_PODS, MOST_SERVICES = 300, 100
"""What a picture has room for; it says how many are left out."""
FORMATS = ("text", "svg", "html", "dot", "mermaid")
SUFFIXES: Mapping[str, str] = {
    ".svg": "svg", ".html": "html", ".htm": "html", ".dot": "dot", ".gv": "dot", ".mmd": "mermaid", ".txt": "text", "": "text",
}  # fmt: skip


@click.command("graph", epilog=example("netlab graph", "netlab graph -o lab.svg", "netlab graph --format html > lab.html"))
@click.option(
    "--format", "form", type=click.Choice(FORMATS), help="How it is drawn.  [default: as the file's name ends, or text]"
)  # fmt: skip
@click.option("-o", "--output", metavar="FILE", shell_complete=complete_files, help="Write it there.")
@namespace_option
@lab_option
def command(*, form: str | None, output: str | None, namespace: str | None, lab: str) -> None:
    """Draw the lab as it is now: namespaces, interfaces, addresses, cables, routes, Services and who is behind them.

    What the lab wishes and is not there is in the drawing too, marked, and so is what nobody wished. With -n only the Pods and
    Services of that Namespace are drawn.
    """
    from netlab.engine.lab_graph import look_at_lab  # noqa: PLC0415 - the help needs no Linux

    chosen = form or _by_suffix(output or "")
    text = drawn(narrowed(look_at_lab(live_lab(lab)), namespace), chosen)
    if output is None:
        click.echo(text, nl=False)
    else:
        Path(output).write_text(text)


def _by_suffix(file: str) -> str:
    """Return how a file of this name is drawn. Raises ManifestError if its ending says otherwise."""
    suffix = Path(file).suffix.lower()
    if suffix not in SUFFIXES:
        raise usage(
            f"{file}: no picture is drawn as {suffix}", f"{', '.join(filter(None, SUFFIXES))}, or say which with --format"
        )
    return SUFFIXES[suffix]


def narrowed(graph: LabGraph, namespace: str | None) -> LabGraph:
    """Return the lab with the Pods and Services of one Namespace (None: of all), and no more than a picture has room for."""
    pods = [pod.key for found in graph.pods.values() for pod in found if pod.key]
    services = [service.key for service in graph.services]
    mine = [[key for key in keys if namespace in {None, key.namespace}] for keys in (pods, services)]
    return graph.only(frozenset(mine[0][:MOST_PODS]), frozenset(mine[1][:MOST_SERVICES]))


def drawn(graph: LabGraph, form: str) -> str:
    """Return the lab in one of FORMATS."""
    return _writer(form)(graph)


def _writer(form: str) -> Callable[[LabGraph], str]:
    """Import what one format needs, and return it."""
    match form:
        case "svg":
            from netlab.packets.layout import layout  # noqa: PLC0415
            from netlab.packets.svg import svg  # noqa: PLC0415

            return lambda graph: svg(layout(graph))
        case "html":
            from netlab.packets.graph_page import graph_page  # noqa: PLC0415

            return graph_page
        case "dot" | "mermaid":
            from netlab.packets.graph_words import graph_dot, graph_mermaid  # noqa: PLC0415

            return graph_dot if form == "dot" else graph_mermaid
        case _:
            from netlab.packets.graph_text import graph_text  # noqa: PLC0415

            return graph_text
