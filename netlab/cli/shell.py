"""`netlab shell`: a shell in a container of a Pod, on a Node, `outside` or in the fabric, whose prompt says where one is.

It is bash where there is one, otherwise sh. Without a terminal it runs what standard input says.
"""

from __future__ import annotations

import sys
from functools import partial

import click

from netlab.cli.options import complete_containers, complete_targets, example, lab_option, live_lab, namespace_option
from netlab.cli.reaching import container_for_command, reached, run_in
from netlab.kernel.programs import become_program

BEST_SHELL = ("sh", "-c", "if command -v bash >/dev/null 2>&1; then exec bash; fi; exec sh")


@click.command(
    "shell",
    epilog=example(
        "netlab shell deploy/frontend",
        "netlab shell node-1",
        "echo 'ip addr; ip route' | netlab shell node-1",
        "echo hostname | netlab shell svc/redis-master",
    ),
)
@click.option(
    "-c", "--container", metavar="NAME", shell_complete=complete_containers,
    help="Which container of the Pod. [default: the first]",
)  # fmt: skip
@namespace_option
@lab_option
@click.argument("target", metavar="POD|TYPE/NAME|NODE", shell_complete=complete_targets)
@click.pass_context
def command(ctx: click.Context, *, container: str | None, namespace: str | None, lab: str, target: str) -> None:
    """Open a shell in a Pod, on a Node, `outside` or in the `fabric`; exit or Ctrl-D ends it.

    Without a terminal it reads commands from standard input.
    """
    paths = live_lab(lab)
    found = reached(paths, target, namespace or "default")
    if isinstance(found, str):
        become_program(found, BEST_SHELL, env=prompt(target.rpartition("/")[2]))
    name = container_for_command(found, container, partial(click.echo, err=True))
    where = f"{found}" if found.namespace == "default" else f"{found} -n {found.namespace}"
    ctx.exit(run_in(paths, found, name, BEST_SHELL, tty=sys.stdin.isatty(), stdio=(None, None, None), env=prompt(where)))


def prompt(where: str) -> dict[str, str]:
    """Return the variables that make a shell's prompt `where# `: also bash's, whose files of /etc would set another one.

    bash runs PROMPT_COMMAND before its first prompt, after those files; from then on the prompt is the user's.
    """
    text = f"{where}# "
    return {"PS1": text, "PROMPT_COMMAND": f"PS1='{text}'; unset PROMPT_COMMAND"}
