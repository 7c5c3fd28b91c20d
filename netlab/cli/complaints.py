"""What kubectl says of a command line it cannot understand, for each of click's errors.

A wrong flag is answered by "See '... --help' for usage.", a wrong word by "See '... -h' for help and examples", an unknown verb
by verbs that are spelled alike, a missing flag by nothing more. Anything else that is wrong with words is `words.usage`.
Source: spf13/pflag (errors), spf13/cobra (SuggestionsFor, ValidateRequiredFlags), kubectl pkg/cmd/util (UsageErrorf); v1.32.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import click

SEE_USAGE = "See '{} --help' for usage."
SEE_EXAMPLES = "See '{} -h' for help and examples"
ALIKE = 2  # so many letters may differ
_EXTRA = r"Got unexpected extra arguments? \((.*)\)"
_SAYS = r'"(?P<value>(?:[^"\\]|\\.)*)": (?P<why>.*)'
_NOT = r"'?(?P<value>.*?)'? is not (?P<what>.*?)\.?"


class UnknownVerb(click.UsageError):
    """There is no such verb; `verbs` are those there are."""

    def __init__(self, word: str, verbs: Iterable[str], ctx: click.Context) -> None:
        super().__init__(f'unknown command "{word}"', ctx)
        self.alike = [verb for verb in verbs if distance(word.lower(), verb) <= ALIKE or verb.startswith(word.lower())]


def distance(one: str, other: str) -> int:
    """Return how many letters have to be changed, added or taken away until `one` is `other` (Levenshtein)."""
    row = list(range(len(other) + 1))
    for number, letter in enumerate(one, 1):
        above, row = row, [number]
        for column, wanted in enumerate(other, 1):
            row.append(min(above[column] + 1, row[-1] + 1, above[column - 1] + (letter != wanted)))
    return row[-1]


def complaint(error: click.ClickException) -> str:
    """Return what is wrong in kubectl's words, and in a further line where to read on."""
    path = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx is not None else "netlab"
    match error:
        case UnknownVerb():
            return _unknown_verb(error, path)
        case click.MissingParameter(param=click.Option() as option):
            return f'required flag(s) "{option.opts[-1].lstrip("-")}" not set'
        case click.NoSuchOption():
            return f"{_unknown_flag(error.option_name)}\n{SEE_USAGE.format(path)}"
        case click.BadOptionUsage():
            return f"{_flag_without_value(error)}\n{SEE_USAGE.format(path)}"
        case click.BadParameter(param=click.Option() as option):
            return f"{_bad_value(option, error.message)}\n{SEE_USAGE.format(path)}"
        case click.UsageError():
            return f"{_words(error, path)}\n{SEE_EXAMPLES.format(path)}"
        case _:
            return error.format_message()


def _unknown_verb(error: UnknownVerb, path: str) -> str:
    """Among the verbs kubectl suggests others; not among what stands behind one, as `image` behind `set`."""
    if " " in path:
        return f"{error.message}\n{SEE_EXAMPLES.format(path)}"
    found = "".join(f"\n\t{verb}" for verb in error.alike)
    return f'{error.message} for "{path}"' + (f"\n\nDid you mean this?{found}" if found else "")


def _unknown_flag(name: str) -> str:
    return f"unknown flag: {name}" if name.startswith("--") else f"unknown shorthand flag: '{name[1:2]}' in {name}"


def _flag_without_value(error: click.BadOptionUsage) -> str:
    name = error.option_name
    if "does not take a value" in error.message:
        return f'invalid argument for "{name}" flag: it is true or false'
    return f"flag needs an argument: {name}" if name.startswith("--") else f"flag needs an argument: '{name[1:]}' in {name}"


def _bad_value(option: click.Option, message: str) -> str:
    flag = ", ".join(sorted(option.opts, key=len))
    found = re.fullmatch(_SAYS, message, re.DOTALL)
    if found is not None:
        return f'invalid argument "{found["value"]}" for "{flag}" flag: {found["why"]}'
    found = re.fullmatch(_NOT, message, re.DOTALL)
    if found is None:
        return f'invalid argument for "{flag}" flag: {message.rstrip(".")}'
    return f'invalid argument "{found["value"]}" for "{flag}" flag: not {found["what"].replace("integer range", "integer")}'


def _words(error: click.ClickException, path: str) -> str:
    verb = path.rpartition(" ")[2]
    if isinstance(error, click.MissingParameter) and error.param is not None:
        if "create" in path.split():
            return f"exactly one {error.param.human_readable_name} is required, got 0"
        return f"{error.param.human_readable_name} is required for {verb}"
    extra = re.fullmatch(_EXTRA, error.format_message(), re.DOTALL)
    return f"Unexpected args: [{extra[1]}]" if extra else error.format_message()
