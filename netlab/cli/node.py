"""`netlab node stop` and `netlab node start`: the machine of a Node dies, and comes back. Kubernetes has no word for it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import click

from netlab.cli.durations import DurationType
from netlab.cli.flags import VerbGroup, early_options
from netlab.cli.options import complete_nodes, example, lab_option, live_lab, report_options, say_waiting, show_report
from netlab.cli.saying import say
from netlab.cli.words import usage
from netlab.engine.agent import wake_agent
from netlab.engine.nodes import start_nodes, stop_nodes
from netlab.engine.reconcile import reconcile
from netlab.engine.session import Session, session

names_argument = click.argument("names", nargs=-1, metavar="NAME...", shell_complete=complete_nodes)


@click.group("node", cls=VerbGroup, invoke_without_command=True)
@early_options
@click.pass_context
def command(ctx: click.Context, *, namespace: str | None, lab: str | None) -> None:  # noqa: ARG001 - read by resolve_command
    """Switch the machine of a Node off and on.

    To keep Pods away from a Node, or to empty it with care: `netlab cordon`, `netlab drain`.
    """
    if ctx.invoked_subcommand is None:
        raise usage("what is to be done with which Nodes?", "netlab node stop NAME, or netlab node start NAME")


@command.command("stop", epilog=example("netlab node stop node-2", "netlab node stop node-2 --notice-after 5s"))
@names_argument
@click.option(
    "--notice-after", type=DurationType(), metavar="TIME",
    help="How long the control plane takes to notice.  [default: nodeMonitorGracePeriod of the Lab, 40s]",
)  # fmt: skip
@report_options
@lab_option
@click.pass_context
def stop(
    ctx: click.Context, *, names: tuple[str, ...], notice_after: float | None, verbose: int, timings: bool, lab: str
) -> None:
    """Let machines die: every process of their Pods is gone, and nothing there answers.

    The cluster learns of it as a cluster does. First nothing changes, and requests to Pods there fail. When the control plane
    notices, the Node is NotReady, its Pods are Unknown and no endpoints any more. Five minutes later (tolerationSeconds) they
    are evicted, and Deployments make others elsewhere.
    """
    after_s = None if notice_after is None else max(0, math.ceil(notice_after))
    wanted = node_names(names)

    def act(opened: Session) -> list[str]:
        return stop_nodes(opened, wanted, after_s)

    ctx.exit(_switch(lab, wanted, act, "stopped", verbose=verbose, timings=timings))


@command.command("start", epilog=example("netlab node stop node-2 && netlab node start node-2"))
@names_argument
@report_options
@lab_option
@click.pass_context
def start(ctx: click.Context, *, names: tuple[str, ...], verbose: int, timings: bool, lab: str) -> None:
    """Let machines come back: the containers of their Pods start again, and Pods that were evicted meanwhile disappear."""
    wanted = node_names(names)

    def act(opened: Session) -> list[str]:
        return start_nodes(opened, wanted)

    ctx.exit(_switch(lab, wanted, act, "started", verbose=verbose, timings=timings))


def _switch(
    lab: str, names: Sequence[str], act: Callable[[Session], list[str]], word: str, *, verbose: int, timings: bool
) -> int:
    """Do it, see it through and say so; return the exit code."""
    paths = live_lab(lab)
    with session(paths, waiting=say_waiting) as opened:
        changed = act(opened)
        try:
            for name in names:
                click.echo(f"node/{name} {word if name in changed else f'already {word}'}")
        finally:  # what was wished is done, also if nobody reads about it
            report = reconcile(opened)
            wake_agent(paths)
    show_report(report, verbose=verbose, timings=timings)
    for problem in report.problems:
        say(f"error: {problem}")
    return 3 if report.problems else 0


def node_names(words: Sequence[str]) -> list[str]:
    """Return the names that `node-1` and `node/node-1` mean, each once. Raises ManifestError for none, or another kind."""
    names = []
    for word in words:
        kind, slash, name = word.rpartition("/")
        if slash and kind not in {"node", "nodes", "no"}:
            raise usage(f"{word} is no Node", "name Nodes: node-1, or node/node-1")
        names.append(name)
    if not names:
        raise usage("at least one Node must be named", "`netlab get nodes` lists them")
    return list(dict.fromkeys(names))
