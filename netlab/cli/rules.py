"""`netlab rules`: what one Service causes on each machine, each rule beside the field of YAML that made it and a sentence."""

from __future__ import annotations

import itertools
import shutil
import textwrap
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from netlab.cli.cells import aligned
from netlab.cli.options import complete_nodes, complete_objects, example, lab_option, live_lab, namespace_option
from netlab.cli.query import one_service
from netlab.cli.saying import say, visible
from netlab.cli.text import as_json
from netlab.cli.words import not_found
from netlab.engine.view import read_origins, read_wish
from netlab.frozen import dataclass
from netlab.manifest.origin import OF_LAB
from netlab.model.kube_proxy import ProxyMode
from netlab.model.service import Service
from netlab.netstate.names import OUTSIDE

if TYPE_CHECKING:
    from netlab.manifest.origin import Place
    from netlab.packets.service_rules import ServiceRule
    from netlab.store.origins import Origins

NARROWEST, WIDEST = 80, 140
MARKS = {"there": " ", "moved": "~", "missing": "-", "more": "+"}
COLOURS = {"moved": "yellow", "missing": "red", "more": "yellow"}
TITLES = (" ", "WHERE", "RULE OR ELEMENT", "FIELD", "WRITTEN", "WHY")
FILLED_IN = "filled in by netlab"


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One Node's rules of the Service, None if it is off; `differs`: only those that the first one of its mode has not.

    `alike` are the Nodes that have the same as this one.
    """

    node: str
    mode: ProxyMode
    differs: bool
    rules: Sequence[ServiceRule] | None
    alike: tuple[str, ...] = ()


@click.command(
    "rules",
    epilog=example("netlab rules svc/frontend", "netlab rules svc/redis-slave --node node-2", "netlab rules frontend -o wide"),
)
@click.argument("service", metavar="svc/NAME", shell_complete=complete_objects)
@click.option(
    "--node", metavar="NAME", shell_complete=complete_nodes, help="Only this Node.  [default: all, as far as they differ]"
)
@click.option("-o", "--output", type=click.Choice(["wide", "json"]), help="A line for each, or JSON.")
@namespace_option
@lab_option
def command(*, service: str, node: str | None, output: str | None, namespace: str | None, lab: str) -> None:
    """Show each rule and element that a Service causes, the field that made it and where that is written, and what it is for.

    Rules are shown as the Nodes have them now. What is missing has a - before it, what nobody asked for a +, what
    stands in another order than it should a ~.
    """
    from netlab.desired.compile import is_at_balancer  # noqa: PLC0415 - likewise
    from netlab.engine.service_rules import look_at_service  # noqa: PLC0415 - the help needs no Linux

    paths = live_lab(lab)
    cluster, assignments = read_wish(paths)
    found = one_service(service, namespace, cluster)
    machines = [*assignments.nodes, *([OUTSIDE] if is_at_balancer(cluster, assignments, found) else [])]
    if node and node not in machines:
        raise not_found("Node", node)
    seen = look_at_service(paths, cluster, assignments, found, [node] if node else machines)
    modes = {name: cluster.lab.spec.proxy_mode(name) for name in seen if name != OUTSIDE}
    pages, fields = list(pages_of(seen, modes)), Fields(found, read_origins(paths, cluster))
    if output == "json":
        click.echo(as_json(as_plain(found, pages, fields)), nl=False)
        return
    if not (found.has_cluster_ip or any(page.rules for page in pages)):
        click.echo(nothing(found))
        return
    lines = wide(pages, fields) if output == "wide" else blocks(found, pages, fields, shutil.get_terminal_size().columns)
    for line in lines:
        click.echo(line)
    say_drift(pages)


class Fields:
    """Where the fields of a Service are written."""

    def __init__(self, service: Service, origins: Origins) -> None:
        self._service, self._origins = service, origins

    def place(self, path: str) -> Place | None:
        """Return where a field of the Service or of the lab stands; None for what is no field."""
        return self._origins.place(self._service, path) if path else None

    def text(self, path: str) -> str:
        """Return `web.yaml:42 spec.type`, and whether it is not written there but filled in."""
        place = self.place(path)
        return path if place is None else f"{place} {path}" + (f" ({FILLED_IN})" if _is_filled_in(place, path) else "")


def _is_filled_in(place: Place, path: str) -> bool:
    return place.path is not None and place.path != path.removeprefix(OF_LAB)


def pages_of(seen: Mapping[str, Sequence[ServiceRule] | None], modes: Mapping[str, ProxyMode]) -> Iterator[Page]:
    """Yield what there is to show of each machine: all of the first Node of each mode, of others what differs from it.

    `modes` are those of the Nodes. The machine outside, if it is the load balancer, is like none of them.
    """
    for mode in dict.fromkeys(modes.values()):
        found = {node: rules for node, rules in seen.items() if modes.get(node) == mode and rules is not None}
        first = next(iter(found), "")
        different = {node: [rule for rule in rules if rule not in found[first]] for node, rules in found.items()}
        if first:
            alike = tuple(node for node, rules in different.items() if not rules and node != first)
            yield Page(node=first, mode=mode, differs=False, rules=found[first], alike=alike)
        yield from (Page(node=node, mode=mode, differs=True, rules=rules) for node, rules in different.items() if rules)
        off = (node for node, rules in seen.items() if modes.get(node) == mode and rules is None)
        yield from (Page(node=node, mode=mode, differs=False, rules=None) for node in off)
    if OUTSIDE in seen:
        yield Page(node=OUTSIDE, mode="nftables", differs=False, rules=seen[OUTSIDE])


def blocks(service: Service, pages: Sequence[Page], fields: Fields, width: int) -> Iterator[str]:
    """Yield the lines for people: below each rule its field and its sentence."""
    for number, page in enumerate(pages):
        yield from [""] if number else []
        yield click.style(_title(service, page), bold=True)
        for stage, together in itertools.groupby(page.rules or (), lambda rule: rule.stage):
            yield from ("", f"{stage}:")
            for where, rules in itertools.groupby(together, _where):
                yield f"  {where}"
                for rule in rules:
                    yield from _lines(rule, fields, min(WIDEST, max(NARROWEST, width)))


def _title(service: Service, page: Page) -> str:
    name = f"Service {service.metadata.namespace}/{service.metadata.name} on {page.node}"
    if page.rules is None:
        return f"{name}: it has no network now"
    if page.node == OUTSIDE:
        return f"{name}, its load balancer"
    alike = f"; {' and '.join(page.alike)} the same" if page.alike else ""
    return f"{name}, {page.mode} mode" + (", where it differs" if page.differs else alike)


def _where(rule: ServiceRule) -> str:
    return f"{rule.block} {rule.name}" if rule.program == "nft" else f"{rule.name} ({rule.program}, {rule.table})"


def _lines(rule: ServiceRule, fields: Fields, width: int) -> Iterator[str]:
    yield click.style(f"  {MARKS[rule.state]} {visible(rule.text)}", fg=COLOURS.get(rule.state))
    if rule.path:
        yield click.style(f"        {visible(fields.text(rule.path))}", fg="cyan")
    yield from textwrap.wrap(rule.why, width, initial_indent=" " * 8, subsequent_indent=" " * 8, break_on_hyphens=False)


def wide(pages: Sequence[Page], fields: Fields) -> Iterator[str]:
    """Yield a table for each Node."""
    for page in pages:
        rows = [
            (MARKS[rule.state], _where(rule), rule.text, rule.path, str(fields.place(rule.path) or ""), rule.why)
            for rule in page.rules or ()
        ]
        yield f"{page.node}{' (where it differs)' if page.differs else ''}:"
        yield aligned([TITLES, *(tuple(map(visible, row)) for row in rows)])


def as_plain(service: Service, pages: Sequence[Page], fields: Fields) -> dict[str, Any]:
    """Return all of it as plain data. `kind` and `apiVersion` say how it is to be read."""
    return {
        "apiVersion": "netlab/v1",
        "kind": "ServiceRules",
        "service": f"{service.metadata.namespace}/{service.metadata.name}",
        "nodes": [
            {
                "node": page.node, "mode": page.mode, "isUp": page.rules is not None, "differs": page.differs,
                "alike": list(page.alike),
                "rules": [_plain(rule, fields) for rule in page.rules or ()],
            }
            for page in pages
        ],
    }  # fmt: skip


def _plain(rule: ServiceRule, fields: Fields) -> dict[str, Any]:
    place = fields.place(rule.path)
    where = {} if place is None else {"file": place.name, "line": place.line, "filledIn": _is_filled_in(place, rule.path)}
    return {**asdict(rule), "written": where}


def nothing(service: Service) -> str:
    """Say why a Service without a ClusterIP causes no rules."""
    kind = "is headless" if service.is_headless else "is an alias of another name"
    name = f"Service {service.metadata.namespace}/{service.metadata.name}"
    return f"{name} {kind}: the cluster DNS answers for it, and no Node has a rule."


def say_drift(pages: Sequence[Page]) -> None:
    """Say how many are missing, stand elsewhere, and are there that nobody asked for."""
    counts = Counter(rule.state for page in pages for rule in page.rules or ())
    moved = f"{counts['moved']} in another order, " if counts["moved"] else ""
    if counts.keys() - {"there"}:
        say(f"{counts['missing']} missing, {moved}{counts['more']} that nobody asked for; `netlab up` puts that right")
