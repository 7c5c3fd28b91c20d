"""The command: `netlab VERB ...`. Each verb is a file of its own, imported only when it is used, so that all start quickly.

Exit codes: 0 done, 1 other errors, 2 a manifest is wrong, 3 Linux refused, 4 the machine is not ready (errors.py). A wrong
command line is 1, as in kubectl, whose words for it stand in `complaints`.
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import click

from netlab.cli.complaints import complaint
from netlab.cli.flags import VerbGroup, early_options
from netlab.cli.saying import say, say_error
from netlab.errors import CONTENT, USAGE, NetlabError

# Section -> verb -> its one line in the help. The file is `netlab/cli/<verb>.py` (`-` is `_`), the command in it `command`.
VERBS = {
    "The lab": {
        "up": "Make a lab of Nodes, a fabric and an outside.",
        "down": "Remove a lab, and look whether anything is left.",
        "status": "Show what a lab has and whether it is as wished.",
        "labs": "List the labs of this machine.",
        "doctor": "Look what this machine lacks or has in the way.",
        "commands": "Print the lab as the ip and nft lines that build it by hand.",
        "demo": "Tell a story with commands you could type yourself.",
        "shell": "Open a shell in a Pod, on a Node or outside.",
        "image": "List, pull, load and remove images.",
        "node": "Switch the machine of a Node off and on.",
        "proxy": "Show and change what makes a Node's rules: nftables or iptables.",
    },
    "Objects, as with kubectl": {
        "get": "List objects.",
        "describe": "Show one object with all that belongs to it.",
        "apply": "Make objects from Kubernetes YAML.",
        "create": "Make a Deployment, Job, Namespace, ConfigMap or Secret from words.",
        "diff": "Show what apply would change.",
        "delete": "Delete objects.",
        "run": "Make a Pod that runs a command.",
        "expose": "Make a Service for a Pod, a Deployment or a Service.",
        "scale": "Set the number of a Deployment's or ReplicaSet's Pods.",
        "rollout": "See, undo, hold or repeat the rollout of a changed template.",
        "label": "Set or take away labels.",
        "annotate": "Set or take away annotations.",
        "taint": "Keep Pods away from Nodes, or drive them away.",
        "cordon": "Let Nodes take no further Pods.",
        "uncordon": "Let Nodes take Pods again.",
        "drain": "Empty Nodes: cordon them, and evict their Pods.",
        "set": "Change the image or the variables of containers.",
        "wait": "Wait until something is true of objects.",
    },
    "Seeing packets": {
        "trace": "Send a request and show its way, hop by hop, there and back.",
        "capture": "Show or save the packets of many places at once.",
        "conntrack": "Show the connections that Nodes track, and what becomes of them.",
        "rules": "Show the rules of a Service, and the fields they come from.",
        "graph": "Draw the lab as it is.",
        "dns": "Show every query that one lookup of a name makes.",
    },
    "Inside and behind": {
        "exec": "Run a command in a Pod, a Node or outside.",
        "logs": "Print the output of a container.",
        "cp": "Copy files to and from containers.",
        "port-forward": "Forward ports of this machine to a Pod.",
        "top": "Show what Pods and Nodes use of CPU and memory.",
        "events": "Show what happened.",
    },
    "About netlab": {
        "help": "Print the help of a verb, or about a topic.",
        "explain": "Say what a field means.",
        "api-resources": "List the kinds of objects.",
        "completion": "Print the completion script of a shell.",
        "version": "Print the version.",
    },
}

ALL_VERBS = [verb for verbs in VERBS.values() for verb in verbs]
# Verbs whose exit code 1 is no error: of `diff` it says that there is a difference.
USAGE_CODES = {"diff": 2}


UNREAD = 128 + 13
"""What a shell makes of SIGPIPE, by which other programs end when nobody reads any more."""


class Unread(Exception):
    """Whoever read our output has gone. click would make an exit code of 1 of the BrokenPipeError."""


@contextmanager
def noticing_unread() -> Iterator[None]:
    """Raise Unread in place of BrokenPipeError."""
    try:
        yield
    except BrokenPipeError as error:
        raise Unread from error


class LazyGroup(VerbGroup):
    """All verbs: the file of one is imported when it is called."""

    def make_context(self, *args: Any, **given: Any) -> click.Context:
        """Read the command line; `--help` is printed here."""
        with noticing_unread():
            return super().make_context(*args, **given)

    def invoke(self, ctx: click.Context) -> object:
        """Run the verb."""
        with noticing_unread():
            return super().invoke(ctx)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the verbs in the order of the table."""
        return ALL_VERBS

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """Import and return one command."""
        if cmd_name not in ALL_VERBS:
            return None
        command = importlib.import_module(f"netlab.cli.{cmd_name.replace('-', '_')}").command
        if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:  # until all modules were read (__main__)
            signal.signal(signal.SIGINT, signal.default_int_handler)
        return command if isinstance(command, click.Command) else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        """Write the list of verbs without importing any."""
        for title, verbs in VERBS.items():
            with formatter.section(title):
                formatter.write_dl(list(verbs.items()), col_max=20)


@click.group(cls=LazyGroup, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@early_options
@click.version_option(package_name="netlab")
@click.pass_context
def group(ctx: click.Context, *, namespace: str | None, lab: str | None) -> None:  # noqa: ARG001 - read by resolve_command
    """Kubernetes' network, in the open: a multi-node lab out of nothing but Linux."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())
    if os.environ.get("NO_COLOR"):  # no-color.org: set to anything but nothing
        ctx.color = False


def run(args: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code. No error of ours, or of the user's, ends in a traceback."""
    try:
        code = group.main(args=args, prog_name="netlab", standalone_mode=False)
    except NetlabError as error:
        say_error(error)
        return error.exit_code
    except click.ClickException as error:
        return say_usage(error)
    except (click.Abort, KeyboardInterrupt):
        return 130
    except Unread:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is left in Python's buffer goes there at exit
        return UNREAD
    except RecursionError:
        say("error: the input is nested too deeply")
        return CONTENT
    except OSError as error:
        say(f"error: {error.filename or 'system'}: {error.strerror or error}")
        return 1
    return code if isinstance(code, int) else 0


def say_usage(error: click.ClickException) -> int:
    """Say what is wrong with a command line, in kubectl's words, and return the exit code."""
    context = getattr(error, "ctx", None)
    say(f"error: {complaint(error)}")
    return USAGE_CODES.get(context.info_name or "", USAGE) if context is not None else USAGE
