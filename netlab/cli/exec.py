"""`netlab exec`: run a command in a container of a Pod, or in the network namespace of a Node, `outside` or the fabric.

All words before `--` are netlab's, all behind it the command's. With -it the command has a terminal of its own, tied to ours;
without -i it reads nothing. The command's exit code is ours.
Source: kubectl exec, as of v1.32.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import partial

import click

from netlab.cli.find import Say, find_container, find_machine, silent
from netlab.cli.options import complete_containers, complete_targets, example, lab_option, live_lab, namespace_option
from netlab.engine.containers import directories
from netlab.engine.view import read_lab, read_objects
from netlab.errors import NetlabError, NotFound
from netlab.kernel.cgroups import expect_moves
from netlab.kernel.commands import run_command
from netlab.kernel.crun import Stdio
from netlab.kernel.programs import become_program
from netlab.model.meta import Key
from netlab.model.node import Node
from netlab.model.pod import Pod
from netlab.store.paths import LabPaths

NO_TERMINAL = "Unable to use a TTY - input is not a terminal or the right kind of file"


class WithProgram(click.Command):
    """A command whose line ends with `-- PROGRAM [ARG]...`; `program(ctx)` returns those words as they were typed."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read only what stands before `--`."""
        end = args.index("--") if "--" in args else len(args)
        ctx.meta[__name__] = tuple(args[end + 1 :])
        return super().parse_args(ctx, args[:end])

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """Return what the usage line consists of."""
        return [*super().collect_usage_pieces(ctx), "-- COMMAND [ARG]..."]


def program(ctx: click.Context) -> tuple[str, ...]:
    """Return the words behind `--`."""
    words: tuple[str, ...] = ctx.meta[__name__]
    return words


@click.command(
    "exec",
    cls=WithProgram,
    epilog=example(
        "netlab exec deploy/frontend -- ip addr",
        "netlab exec -it deploy/frontend -- bash",
        "netlab exec svc/redis-master -- redis-cli ping",
        "echo PING | netlab exec -i deploy/redis-master -c master -- redis-cli",
        "netlab exec node-1 -- nft list table inet netlab",
        "netlab exec outside -- ping -c 1 172.18.0.2",
    ),
)
@click.option(
    "-c", "--container", metavar="NAME", shell_complete=complete_containers,
    help="Which container of the Pod. [default: the first]",
)  # fmt: skip
@click.option("-i", "--stdin", is_flag=True, help="Pass standard input on.")
@click.option("-t", "--tty", is_flag=True, help="With -i: give the command a terminal.")
@click.option("-q", "--quiet", is_flag=True, help="Say nothing about what was chosen.")
@namespace_option
@lab_option
@click.argument("words", nargs=-1, metavar="POD|TYPE/NAME|NODE", shell_complete=complete_targets)
@click.pass_context
def command(
    ctx: click.Context,
    *,
    container: str | None,
    stdin: bool,
    tty: bool,
    quiet: bool,
    namespace: str | None,
    lab: str,
    words: tuple[str, ...],
) -> None:
    """Run a command in a Pod, on a Node, `outside` or in the `fabric`; its exit code is ours.

    TYPE/NAME is pod/NAME, deploy/NAME or svc/NAME: one of their Pods that is ready. A Pod called like a Node: pod/NAME.
    """
    expect_moves()  # the kernel's wait is over when we have found the Pod
    target, args = checked(words, program(ctx))
    note: Say = silent if quiet else partial(click.echo, err=True)
    terminal = stdin and tty and sys.stdin.isatty()
    if stdin and tty and not terminal:
        note(NO_TERMINAL)
    paths = live_lab(lab)
    space = namespace or "default"
    # A name alone is that of a Pod or of a machine: of many Pods only this one is read.
    cluster = read_objects(paths, () if "/" in target else (Key(Pod.kind, space, target), Key(Node.kind, "", target)))
    if cluster.lab.status.machines:  # then it counts where the Pod is, which no wish says
        cluster = read_lab(paths)
    machine = find_machine(cluster, target)
    if machine is not None:
        become_program(machine, args, stdin=stdin)
    pod, name = find_container(cluster, target, space, container, note)
    code = run_in(paths, pod, name, args, tty=terminal, stdio=(None if stdin else subprocess.DEVNULL, None, None))
    if code:
        click.echo(f"command terminated with exit code {code}", err=True)
    ctx.exit(code)


def checked(words: Sequence[str], args: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """Return the one target and the command, as they were typed before and behind `--`. Raises NetlabError."""
    if not words:
        raise NetlabError("pod, type/name or --filename must be specified")
    if len(words) > 1:
        raise NetlabError("exec [POD] [COMMAND] is not supported anymore. Use exec [POD] -- [COMMAND] instead")
    if not args:
        raise NetlabError("you must specify at least one command for the container")
    return words[0], args


def run_in(
    paths: LabPaths,
    pod: Pod,
    container: str,
    args: Sequence[str],
    *,
    stdio: Stdio,
    tty: bool = False,
    env: Mapping[str, str] | None = None,
) -> int:
    """Run a command in a container and return its exit code. Raises NotFound with a cure, KernelError."""
    variables = (env or {}).items()
    try:
        return run_command(directories(paths), pod.metadata.uid, container, args, env=variables, tty=tty, stdio=stdio)
    except NotFound as error:
        raise NotFound(f"{error}; `netlab describe {pod.key} -n {pod.metadata.namespace}` says why") from None
