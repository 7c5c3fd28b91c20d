"""`netlab help VERB`: what `netlab VERB --help` prints, for fingers that are used to it. Source: kubectl help."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from netlab.cli.complaints import UnknownVerb
from netlab.cli.options import example

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


def complete_verbs(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the verbs that begin with what was typed, and behind a verb those inside it."""
    from click.shell_completion import CompletionItem  # noqa: PLC0415 - only for completion

    found, context = _find(ctx, ctx.params.get("words") or ())
    names = found.list_commands(context) if isinstance(found, click.Group) else ()
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


@click.command("help", epilog=example("netlab help get", "netlab help set image"))
@click.argument("words", nargs=-1, metavar="[VERB...]", shell_complete=complete_verbs)
@click.pass_context
def command(ctx: click.Context, *, words: tuple[str, ...]) -> None:
    """Print the help of a verb."""
    found, context = _find(ctx, words)
    click.echo(found.get_help(context), color=context.color)


def _find(ctx: click.Context, words: tuple[str, ...]) -> tuple[click.Command, click.Context]:
    """Return a command and the context in which its help names it rightly. Raises UnknownVerb."""
    root = ctx.find_root()
    found, context = root.command, root
    for word in words:
        inner = found.get_command(context, word) if isinstance(found, click.Group) else None
        if inner is None:
            verbs = found.list_commands(context) if isinstance(found, click.Group) else ()
            raise UnknownVerb(word, verbs, context)
        found, context = inner, click.Context(inner, parent=context, info_name=word)
    return found, context
