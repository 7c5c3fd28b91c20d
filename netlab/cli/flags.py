"""kubectl's way of writing flags, in click's: what a user's fingers type works, whichever of the two he learned.

    -o=json         -ojson            a value behind a short flag
    --wait=false    --no-wait         a value behind a flag that is on or off
    --dry-run       --dry-run=client  a value that may be left out
    -v, -v 6        -v1, -v6

Only words before `--` are touched: what stands behind it belongs to the program that is run.
How kubectl complains of flags and verbs it does not know is the business of `complaints`.
Source: pflag (BoolVar, NoOptDefVal, parseShortArg); Kubernetes docs, kubectl reference.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeVar

import click

from netlab.cli.complaints import UnknownVerb

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

NOTHING_FOLLOWS = "netlab.nothing-follows"
F = TypeVar("F", bound=Callable[..., object])
# Options whose value may be left out, and what that means.
IMPLIED = {"--dry-run": "--dry-run=client", "-v": "-v1"}
EARLY = ("namespace", "lab")  # options that may also stand before the verb
TRUE, FALSE = frozenset({"true", "1", "t"}), frozenset({"false", "0", "f"})
_SHORT_WITH_VALUE = r"(-[A-Za-z])=(.*)"
LEVEL = r"[0-9]"
_SWITCH = r"(--?[A-Za-z][-a-z]*)=([A-Za-z0-9]+)"


def in_clicks_words(command: click.Command, args: Sequence[str]) -> list[str]:
    """Return the arguments of a command as click reads them."""
    words = list(args)
    end = words.index("--") if "--" in words else len(words)
    switches = {name: option for option in command.params if isinstance(option, click.Option) and option.is_flag
                for name in option.opts}  # fmt: skip
    return [*_rewritten(words[:end], switches), *words[end:]]


def _rewritten(words: Sequence[str], switches: dict[str, click.Option]) -> Iterator[str]:
    following = [*words[1:], ""][: len(words)]
    taken = False
    for word, after in zip(words, following, strict=True):
        if taken:
            taken = False
            continue
        if not word.startswith("-"):
            yield word
            continue
        switch, short = re.fullmatch(_SWITCH, word), re.fullmatch(_SHORT_WITH_VALUE, word, re.DOTALL)
        if word == "-v" and re.fullmatch(LEVEL, after):
            taken = True
            yield f"-v{after}"
        elif word in IMPLIED:
            yield IMPLIED[word]
        elif switch and switch[1] in switches and switch[2].lower() in TRUE | FALSE:
            yield from _switched(switches[switch[1]], switch[1], on=switch[2].lower() in TRUE)
        else:
            yield short[1] + short[2] if short and short[2] else word


def _switched(option: click.Option, name: str, *, on: bool) -> Iterator[str]:
    """The flag itself, its opposite, or nothing if off is how it is anyway."""
    if on:
        yield name
    elif option.secondary_opts:
        yield option.secondary_opts[0]


def early_options(function: F) -> F:
    """Add the options that may also stand before the verb, for a group of verbs."""
    lab = click.option("--lab", metavar="NAME", help="Which lab; may also stand behind the verb.")
    return click.option("-n", "--namespace", metavar="NAME", help="Which Namespace; may also stand behind the verb.")(
        lab(function)
    )


class VerbGroup(click.Group):
    """A group that reads flags as kubectl does, also those that stand before the verb."""

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the name of the verb, its command and the arguments in click's words, what stood before the verb first.

        Raises UnknownVerb, or click.UsageError for an unknown flag.
        """
        if not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            if not ctx.resilient_parsing:
                raise UnknownVerb(args[0], self.list_commands(ctx), ctx)
            ctx.meta[NOTHING_FOLLOWS] = True
        name, command, rest = super().resolve_command(ctx, args)
        if command is None or isinstance(command, click.Group):  # a group asks again for its own subcommand
            return name, command, rest
        given = ctx.find_root().params | {name: value for name, value in ctx.params.items() if value is not None}
        known = {option.name for option in command.params}
        early = [f"--{word}={given[word]}" for word in EARLY if given.get(word) is not None and word in known]
        return name, command, in_clicks_words(command, [*early, *rest])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Return the verbs and flags that begin with what was typed; behind a verb that there is not, nothing."""
        return [] if ctx.meta.get(NOTHING_FOLLOWS) else super().shell_complete(ctx, incomplete)

    def invoke(self, ctx: click.Context) -> object:
        """Run the verb. An error that click raised without a context gets the verb's, for the end of its message."""
        try:
            return super().invoke(ctx)
        except click.UsageError as error:
            verb = self.get_command(ctx, ctx.invoked_subcommand or "")
            if error.ctx is None and verb is not None:
                error.ctx = click.Context(verb, info_name=ctx.invoked_subcommand, parent=ctx)
            raise
