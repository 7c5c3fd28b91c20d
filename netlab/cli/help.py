"""`netlab help VERB`: what `netlab VERB --help` prints; `netlab help TOPIC`: a text of netlab/docs. Source: kubectl help."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from netlab.cli.complaints import UnknownVerb
from netlab.cli.options import example

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


DOCS: Final = Path(__file__).resolve().parents[1] / "docs"


def topics() -> list[str]:
    """Return the names of the texts."""
    return sorted(path.stem for path in DOCS.glob("*.md"))


def complete_verbs(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the verbs and topics that begin with what was typed, and behind a verb those inside it."""
    from click.shell_completion import CompletionItem  # noqa: PLC0415 - only for completion

    words = ctx.params.get("words") or ()
    found, context = _find(ctx, words)
    names = found.list_commands(context) if isinstance(found, click.Group) else []
    names += () if words else topics()
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


@click.command(
    "help",
    help=f"Print the help of a verb, or a text about one of these topics: {', '.join(topics())}.",
    epilog=example("netlab help get", "netlab help set image", "netlab help services"),
)
@click.argument("words", nargs=-1, metavar="[VERB...|TOPIC]", shell_complete=complete_verbs)
@click.pass_context
def command(ctx: click.Context, *, words: tuple[str, ...]) -> None:
    """Print the help of a verb, or a text about a topic."""
    if len(words) == 1 and words[0] in topics():
        click.echo((DOCS / f"{words[0]}.md").read_text(), nl=False)
        return
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
            raise UnknownVerb(word, [*verbs, *(topics() if found is root.command else ())], context)
        found, context = inner, click.Context(inner, parent=context, info_name=word)
    return found, context
