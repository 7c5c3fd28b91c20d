"""`netlab proxy`: which kind of rules the Nodes have, changing it while the lab runs, and both kinds side by side."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import click

from netlab.cli.cells import aligned
from netlab.cli.flags import VerbGroup, early_options
from netlab.cli.options import (
    DEFAULT_LAB,
    complete_nodes,
    complete_objects,
    example,
    lab_option,
    live_lab,
    namespace_option,
    report_options,
    say_waiting,
    show_report,
)
from netlab.cli.saying import say
from netlab.cli.text import as_json_line
from netlab.cli.words import not_found, usage
from netlab.model.kube_proxy import IptablesVariant, ProxyMode
from netlab.model.words import amount

if TYPE_CHECKING:
    from netlab.netstate.iptables import IptablesRules
    from netlab.netstate.nft import NftTable

TITLES = ("NAME", "MODE", "PROGRAM", "VERSION", "RULES")


@click.group("proxy", cls=VerbGroup, invoke_without_command=True, epilog=example("netlab proxy", "netlab proxy -o json"))
@click.option("-o", "--output", type=click.Choice(["json"]), help="JSON lines.")
@early_options
@click.pass_context
def command(ctx: click.Context, *, output: str | None, namespace: str | None, lab: str | None) -> None:  # noqa: ARG001
    """Say what makes the rules of each Node: nft, or one of the two programs called iptables."""
    if ctx.invoked_subcommand is not None:
        return
    lab = lab or ctx.find_root().params.get("lab") or os.environ.get("NETLAB_LAB") or DEFAULT_LAB
    from dataclasses import asdict  # noqa: PLC0415

    from netlab.engine.proxy import look_at_rules  # noqa: PLC0415 - the group's commands need other things

    found = look_at_rules(live_lab(lab))
    if output:
        for one in found:
            click.echo(as_json_line(asdict(one)))
        return
    click.echo(aligned([TITLES, *((one.node, one.mode, one.program, one.version, str(one.rules)) for one in found)]))
    for one in found:
        for program, count in one.strangers.items():
            unseen = f" {one.program} does not show them." if one.hides(program) else ""
            say(f"{one.node}: in the built-in chains of {program} are {count} rules of others, which packets meet too.{unseen}")


@command.command(
    "mode",
    epilog=example("netlab proxy mode iptables", "netlab proxy mode nftables --node node-2", "netlab proxy mode nftables"),
)
@click.argument("mode", type=click.Choice(["iptables", "nftables"]))
@click.option(
    "--node", "nodes", multiple=True, metavar="NAME", shell_complete=complete_nodes, help="Only this Node; may be repeated."
)
@click.option(
    "--variant", type=click.Choice(["nft", "legacy"]),
    help="Which iptables: that of nf_tables or the older one. One for all Nodes.  [default: that of the lab]",
)  # fmt: skip
@report_options
@lab_option
@click.pass_context
def mode(
    ctx: click.Context, *, mode: ProxyMode, nodes: tuple[str, ...], variant: IptablesVariant | None, verbose: int,
    timings: bool, lab: str,
) -> None:  # fmt: skip
    """Change the rules of all Nodes, or of some, to another kind. Open connections stay open.

    Sessions of clients with affinity begin anew: each kind remembers clients in its own way.
    """
    from netlab.engine.agent import wake_agent  # noqa: PLC0415 - only looking needs no engine
    from netlab.engine.proxy import set_proxy_mode, usable_variant  # noqa: PLC0415
    from netlab.engine.reconcile import reconcile  # noqa: PLC0415
    from netlab.engine.session import session  # noqa: PLC0415

    if variant and mode != "iptables":
        raise usage("--variant says which iptables", "netlab proxy mode iptables --variant legacy")
    paths = live_lab(lab)
    with session(paths, waiting=say_waiting) as opened:
        before = opened.lab.spec.kube_proxy.iptables_variant
        chosen = usable_variant(variant, before) if mode == "iptables" else before
        changed = set_proxy_mode(opened, mode, list(dict.fromkeys(nodes)), chosen)
        report = reconcile(opened)
        wake_agent(paths)
        spec = opened.lab.spec
        remembering = [service for service in opened.store.cluster().services if service.affinity_seconds]
    for node in nodes or [template.name for template in spec.nodes]:
        by = f" by iptables-{chosen}" if mode == "iptables" else ""
        click.echo(f"node/{node} {'changed' if node in changed else 'unchanged'}: {mode}{by}")
    if changed and remembering:
        count = f"{amount(len(remembering), 'Service')} with sessionAffinity"
        say(f"{count}: the next connection of a client may go to another endpoint, and later ones stay there")
    show_report(report, verbose=verbose, timings=timings)
    for problem in report.problems:
        say(f"error: {problem}")
    ctx.exit(3 if report.problems else 0)


@command.command("diff", epilog=example("netlab proxy diff svc/frontend", "netlab proxy diff svc/frontend -o text"))
@click.argument("service", metavar="svc/NAME", shell_complete=complete_objects)
@click.option("--node", metavar="NAME", shell_complete=complete_nodes, help="As on this Node.  [default: the first]")
@click.option("-o", "--output", type=click.Choice(["text"]), help="One below the other, as the programs take them.")
@namespace_option
@lab_option
def diff(*, service: str, node: str | None, output: str | None, namespace: str | None, lab: str) -> None:
    """Show what one Service is in both kinds of rules, whatever the Nodes have now: side by side, on the way of a packet."""
    from netlab.cli.proxy_diff import side_by_side, texts  # noqa: PLC0415 - only for this one

    found = _both(service, node, namespace, lab)
    width = shutil.get_terminal_size().columns
    click.echo("\n".join(texts(*found) if output else side_by_side(*found, width)))


def _both(word: str, node: str | None, namespace: str | None, lab: str) -> tuple[NftTable, tuple[IptablesRules, ...]]:
    """What a Service is in both kinds of rules. Raises ManifestError, NotFound."""
    from netlab.cli.query import one_service  # noqa: PLC0415
    from netlab.desired.compile import iptables_parts, service_part  # noqa: PLC0415
    from netlab.engine.view import read_wish  # noqa: PLC0415

    cluster, assignments = read_wish(live_lab(lab))
    found = one_service(word, namespace, cluster)
    if node and node not in assignments.nodes:
        raise not_found("Node", node)
    return service_part(cluster, assignments, found, node or ""), iptables_parts(cluster, assignments, found, node or "")
