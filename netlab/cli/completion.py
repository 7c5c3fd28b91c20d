"""`netlab completion SHELL`: the script that makes Tab complete verbs, flags, kinds and live names; click's own.

Source: click docs, Shell Completion. The script asks `netlab` itself, through the variable _NETLAB_COMPLETE.
"""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from netlab.cli.main import group
from netlab.errors import NetlabError

PROGRAM = "netlab"
VARIABLE = "_NETLAB_COMPLETE"
SHELLS = ("bash", "zsh", "fish")


@click.command(
    "completion",
    epilog="\b\nExamples:\n"
    "  source <(netlab completion bash)      # in this shell; in ~/.bashrc for all\n"
    "  netlab completion zsh > ~/_netlab           # in a folder of zsh's fpath\n"
    "  netlab completion fish > ~/netlab.fish      # in ~/.config/fish/completions",
)
@click.argument("shell", type=click.Choice(SHELLS))
def command(*, shell: str) -> None:
    """Print the completion script of a shell."""
    kind = get_completion_class(shell)
    if kind is None:
        raise NetlabError(f"no completion for {shell} in this version of click; `pip install --upgrade click`")
    click.echo(kind(group, {}, PROGRAM, VARIABLE).source())
