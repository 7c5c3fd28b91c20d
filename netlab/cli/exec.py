"""`netlab exec`: run a command in a container of a Pod, or in the network namespace of a Node, `outside` or the fabric.

All words before `--` are netlab's, all behind it the command's. With -it the command has a terminal of its own, tied to ours;
without -i it reads nothing. The command's exit code is ours.
Source: kubectl exec, as of v1.32.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from functools import partial

import click

from netlab.cli.options import complete_containers, complete_targets, example, lab_option, live_lab, namespace_option
from netlab.cli.reaching import Say, container_for_command, reached, run_in, silent
from netlab.errors import NetlabError
from netlab.kernel.cgroups import expect_moves

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
    found = reached(paths, target, namespace or "default")
    if isinstance(found, str):
        from netlab.kernel.programs import become_program  # noqa: PLC0415 - mostly it is a Pod

        become_program(found, args, stdin=stdin)
    name = container_for_command(found, container, note)
    code = run_in(paths, found, name, args, tty=terminal, stdio=(None if stdin else subprocess.DEVNULL, None, None))
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
