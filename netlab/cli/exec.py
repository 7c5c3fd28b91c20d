"""`netlab exec`: run a command in a container of a Pod, or in the network namespace of a Node, `outside` or the fabric."""

from __future__ import annotations

import subprocess
import sys

import click

from netlab.cli.find import container_of, find_machine, find_pod
from netlab.cli.options import lab_option, live_lab, namespace_option
from netlab.engine.session import new_runtime
from netlab.engine.view import read_lab
from netlab.kernel.programs import become_program


@click.command("exec")
@click.option("-c", "--container", metavar="NAME", help="Which container of the Pod.")
@click.option("-i", "--stdin", is_flag=True, help="Pass standard input on.")
@click.option("-t", "--tty", is_flag=True, help="Give the command a terminal.")
@namespace_option
@lab_option
@click.argument("target", metavar="POD|NODE|outside")
@click.argument("args", nargs=-1, required=True, type=click.UNPROCESSED, metavar="-- COMMAND [ARG]...")
@click.pass_context
def command(
    ctx: click.Context,
    *,
    container: str | None,
    stdin: bool,
    tty: bool,
    namespace: str | None,
    lab: str,
    target: str,
    args: tuple[str, ...],
) -> None:
    """Run a command in a Pod, on a Node or outside; its exit code is ours. A Pod called like a Node: pod/NAME."""
    paths = live_lab(lab)
    cluster = read_lab(paths)
    machine = find_machine(cluster, target)
    if machine is not None:
        become_program(machine, args)
    pod = find_pod(cluster, target, namespace or "default")
    name = container_of(pod, container)
    terminal = tty and sys.stdin.isatty()
    ctx.exit(
        new_runtime(paths).exec(
            pod.metadata.uid, name, args, tty=terminal, stdio=(None if stdin else subprocess.DEVNULL, None, None)
        )
    )
