"""The command: `netlab VERB ...`. Each verb is a file of its own, imported only when it is used, so that all start quickly.

Exit codes: 0 done, 1 other errors, 2 the input is wrong, 3 Linux refused, 4 the machine is not ready (errors.py).
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence

import click

from netlab.errors import NetlabError

# Verb -> its one line in the help. The file is `netlab/cli/<verb>.py`, the command in it is `command`.
VERBS = {
    "up": "Make a lab of Nodes, a fabric and an outside.",
    "down": "Remove a lab, and look whether anything is left.",
    "status": "Show what a lab has and whether it is as wished.",
    "apply": "Make objects from Kubernetes YAML.",
    "delete": "Delete objects.",
    "get": "List objects.",
    "describe": "Show one object with all that belongs to it.",
    "exec": "Run a command in a Pod, a Node or outside.",
    "logs": "Print the output of a container.",
    "events": "Show what happened.",
}


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the verbs in the order of the table."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """Import and return one command."""
        if cmd_name not in VERBS:
            return None
        command = importlib.import_module(f"netlab.cli.{cmd_name}").command
        return command if isinstance(command, click.Command) else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        """Write the list of verbs without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl(list(VERBS.items()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="netlab")
def group() -> None:
    """Kubernetes' network, in the open: a multi-node lab out of nothing but Linux."""


def run(args: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code. No error of ours, or of the user's, ends in a traceback."""
    try:
        code = group.main(args=args, prog_name="netlab", standalone_mode=False)
    except NetlabError as error:
        for line in str(error).splitlines() or [""]:
            click.echo(f"error: {line}", err=True)
        return error.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return 130
    except BrokenPipeError:
        sys.stderr.close()  # whoever read our output has gone; Python would complain about that at exit
        return 141
    except RecursionError:
        click.echo("error: the input is nested too deeply", err=True)
        return 2
    except OSError as error:
        click.echo(f"error: {error.filename or 'system'}: {error.strerror or error}", err=True)
        return 1
    return code if isinstance(code, int) else 0


def main() -> None:
    """Entry point of the console script."""
    sys.exit(run())
