"""`netlab dns`: every query that one lookup in a Pod makes, who answered it, what, and when; and what the program gets."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address
from typing import Any

import click

from netlab.cli.find import find_machine, find_pod, require_reachable
from netlab.cli.options import complete_targets, example, lab_option, live_lab, namespace_option
from netlab.cli.saying import visible
from netlab.cli.text import as_json
from netlab.cli.words import usage
from netlab.engine.view import read_lab, read_wish
from netlab.model.lab import Cluster
from netlab.model.meta import Key
from netlab.model.pod import Pod
from netlab.netstate.links import socket_text
from netlab.packets.lookup import Lookup, Query
from netlab.packets.names import Names, names_of

DNS_PORT = 53


@click.command(
    "dns",
    epilog=example(
        "netlab dns redis-master --from deploy/frontend",
        "netlab dns frontend.default.svc.cluster.local --from deploy/redis-slave --type AAAA || true",
        "netlab dns 10.96.0.10 --from deploy/frontend -o json",
    ),
)
@click.argument("name")
@click.option(
    "--from", "origin", required=True, metavar="POD|TYPE/NAME", shell_complete=complete_targets, help="Who looks it up."
)
@click.option("--type", "kind", metavar="TYPE", help="Of the records.  [default: A; PTR for an address]")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="For each answer.  [default: as resolv.conf says]",
)
@click.option("-o", "--output", type=click.Choice(["json"]), help="JSON.")
@namespace_option
@lab_option
@click.pass_context
def command(
    ctx: click.Context, *, name: str, origin: str, kind: str | None, timeout: float | None, output: str | None,
    namespace: str | None, lab: str,
) -> None:  # fmt: skip
    """Look a name up as a program in a Pod does, and show every query: the search list, who answered, what, and when.

    The queries are really sent, from within the Pod's network. Exit code 1 if the program would get nothing.
    """
    from netlab.engine.lookup import look_up_from  # noqa: PLC0415 - the help needs no network
    from netlab.kernel.dns_client import is_kind  # noqa: PLC0415

    wanted = (kind or ("PTR" if _is_address(name) else "A")).upper()
    if not is_kind(wanted):
        raise usage(f"there is no type of records {wanted}", "A, AAAA, SRV, CNAME, TXT, PTR, ...")
    paths = live_lab(lab)
    _, assignments = read_wish(paths)
    cluster = read_lab(paths)
    pod = _asking_pod(cluster, origin, namespace or "default")
    require_reachable(cluster, pod)
    found = look_up_from(paths, assignments, pod, (name, wanted), timeout)
    words = names_of(cluster, assignments)
    page = Page(
        found.lookup, str(pod.key), found.hosts, {client: words.with_name(ip) for client, ip in found.answered.items()}, words
    )
    if output:
        click.echo(as_json(page.plain()), nl=False)
    else:
        for line in page.lines():
            click.echo(line)
    ctx.exit(0 if found.lookup.data else 1)


def _asking_pod(cluster: Cluster, word: str, namespace: str) -> Pod:
    """Return the Pod that looks up. Raises what find_pod does, and ManifestError for a machine."""
    if Key(Pod.kind, namespace, word) not in cluster.objects and find_machine(cluster, word) is not None:
        raise usage(f"{word} is no Pod, and only Pods ask the cluster DNS", "for example --from pod/web")
    return find_pod(cluster, word, namespace)


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


class Page:
    """A lookup as it is shown. `answered` says by the client's address and port who answered behind a Service."""

    def __init__(self, lookup: Lookup, pod: str, hosts: str, answered: dict[tuple[str, int], str], names: Names) -> None:
        self.lookup, self.pod, self.hosts, self.answered, self.names = lookup, pod, hosts, answered, names

    def lines(self) -> Iterator[str]:
        """Yield the lines for people."""
        lookup, resolver = self.lookup, self.lookup.resolver
        yield click.style(f"{self.pod} looks up {visible(lookup.name)}, {lookup.kind}", bold=True)
        yield from (f"  {line}" for line in str(resolver).splitlines())
        if self.hosts:
            yield f"  /etc/hosts has it: {visible(self.hosts)}. Most programs look there first, and ask nobody."
        last = 0
        for query in lookup.queries:
            if query.number != last:
                yield from ("", f"{query.number}  {visible(query.question.name)}")
                yield click.style(f"   {query.question.why}", dim=True)
                last = query.number
            yield from (f"   {line}" for line in self._query(query))
        yield from ("", click.style(lookup.said, fg="green" if lookup.data else "yellow"))

    def _query(self, query: Query) -> Iterator[str]:
        reply = query.reply
        behind = self.answered.get(reply.client)
        server = self.names.endpoint("udp", query.server, DNS_PORT)
        again = f", attempt {query.attempt}" if query.attempt > 1 else ""
        what = reply.rcode or reply.error
        yield f"{server} {reply.transport}{f', {behind}' if behind else ''}: {what} in {reply.took_ms:.1f} ms{again}"
        yield from (f"    {visible(str(record))}" for record in reply.records)
        if reply.rcode == "NOERROR" and not reply.records:
            yield f"    the name exists, and has no {self.lookup.kind} record"

    def plain(self) -> dict[str, Any]:
        """Return all of it as plain data."""
        lookup, resolver = self.lookup, self.lookup.resolver
        return {
            "apiVersion": "netlab/v1",
            "kind": "Lookup",
            "from": self.pod,
            "name": lookup.name,
            "type": lookup.kind,
            "resolver": {name: list(getattr(resolver, name)) for name in ("nameservers", "searches", "options")},
            "hosts": self.hosts,
            "queries": [self._plain(query) for query in lookup.queries],
            "outcome": lookup.outcome,
            "data": list(lookup.data),
            "said": lookup.said,
        }  # fmt: skip

    def _plain(self, query: Query) -> dict[str, Any]:
        reply = query.reply
        return {
            "question": query.number, "name": query.question.name, "why": query.question.why,
            "server": socket_text(query.server, DNS_PORT), "attempt": query.attempt, "transport": reply.transport,
            "client": socket_text(*reply.client) if reply.client[0] else "", "answeredBy": self.answered.get(reply.client, ""),
            "milliseconds": round(reply.took_ms, 3), "rcode": reply.rcode, "error": reply.error,
            "records": [record._asdict() for record in reply.records],
        }  # fmt: skip
