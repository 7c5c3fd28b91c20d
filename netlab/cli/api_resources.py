"""`netlab api-resources`: the kinds that `get`, `apply` and the other verbs know, as kubectl lists a server's.

A Lab is none of them: it is what `up -f` reads, and `explain lab` explains it.
Source: kubectl api-resources (v1.32).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import click

from netlab.cli.cells import aligned
from netlab.cli.options import example
from netlab.cli.words import ALL, KINDS, resource
from netlab.model import codec
from netlab.model.event import Event
from netlab.model.node import Node

HEADINGS = ("NAME", "SHORTNAMES", "APIVERSION", "NAMESPACED", "KIND")
WIDE_HEADINGS = ("VERBS", "CATEGORIES")
VERBS = ("create", "delete", "get", "list", "patch", "update", "watch")
# What users cannot do: `up` and `down` make and remove Nodes, and Events happen.
NOT_OURS: Mapping[str, frozenset[str]] = {
    Node.kind: frozenset({"create", "delete"}),
    Event.kind: frozenset({"create", "delete", "patch", "update"}),
}
# What `--sort-by` goes by; kinds that are equal in it are sorted by name.
ORDERS: Mapping[str, Callable[[str], str]] = {
    "": lambda kind: KINDS[kind][2],
    "name": lambda kind: KINDS[kind][0],
    "kind": lambda kind: kind,
}


@click.command("api-resources", epilog=example("netlab api-resources", "netlab api-resources --namespaced=false -o name"))
@click.option("-o", "--output", type=click.Choice(["wide", "name"]), help="More columns, or only the names.")
@click.option(
    "--namespaced", type=bool, is_flag=False, flag_value=True, metavar="[true|false]",
    help="Only kinds whose objects live in a Namespace, or only those that do not.",
)  # fmt: skip
@click.option("--api-group", metavar="GROUP", help="Only kinds of this API group; '' is the core group.")
@click.option("--verbs", metavar="VERB,...", help="Only kinds that know all these verbs.")
@click.option("--categories", metavar="NAME", help="Only kinds of this category; there is one, all.")
@click.option("--sort-by", type=click.Choice(["name", "kind"]), help="[default: the API group]")
@click.option("--no-headers", is_flag=True, help="Leave out the line of headings.")
def command(
    *,
    output: str | None,
    namespaced: bool | None,
    api_group: str | None,
    verbs: str | None,
    categories: str | None,
    sort_by: str | None,
    no_headers: bool,
) -> None:
    """List the kinds of objects."""
    wanted = verbs.split(",") if verbs else []
    found = [
        kind
        for kind, (_, _, group, lives_in_one) in KINDS.items()
        if namespaced in (None, lives_in_one)
        and api_group in (None, group)
        and set(wanted) <= set(verbs_of(kind))
        and (not categories or set(categories.split(",")) <= set(categories_of(kind)))
    ]
    found.sort(key=lambda kind: (ORDERS[sort_by or ""](kind), KINDS[kind][0]))
    if output == "name":
        text = "\n".join(resource(kind) for kind in found)
    else:
        text = _table(found, wide=output == "wide", headers=not no_headers)
    if text:
        click.echo(text)


def verbs_of(kind: str) -> tuple[str, ...]:
    """Return what can be done with objects of a kind, in the words of the Kubernetes API."""
    return tuple(verb for verb in VERBS if verb not in NOT_OURS.get(kind, ()))


def categories_of(kind: str) -> tuple[str, ...]:
    """Return the words that name the kind together with others: `get all`."""
    return ("all",) if kind in ALL else ()


def _table(found: list[str], *, wide: bool, headers: bool) -> str:
    rows = [_row(kind, wide=wide) for kind in found]
    titles = HEADINGS + WIDE_HEADINGS if wide else HEADINGS
    return aligned([titles, *rows] if headers else rows)


def _row(kind: str, *, wide: bool) -> tuple[str, ...]:
    plural, short, _, lives_in_one = KINDS[kind]
    cells = (plural, ",".join(short), codec.NOUNS[kind].api_version, str(lives_in_one).lower(), kind)
    return (*cells, ",".join(verbs_of(kind)), ",".join(categories_of(kind))) if wide else cells
