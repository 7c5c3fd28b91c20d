"""`netlab explain`: what a kind or a field means, in kubectl's layout. It needs no lab and no root.

Beside what kubectl prints, a field with a default has a line that says so. A path may also be written as docs/support.md and
error messages write it: `pod.spec.containers[0].name`.
Source: kubectl explain (plaintext template of v1.32).
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from netlab.cli.options import example
from netlab.cli.words import KINDS as LISTED
from netlab.cli.words import LAB_WORDS, WORDS, kinds, resource
from netlab.errors import NetlabError, NotFound
from netlab.model import unsupported
from netlab.model.codec import NOUNS
from netlab.model.fields import WireField, kind_field
from netlab.model.lab import KubernetesObject, Lab
from netlab.model.meta import ObjectMeta
from netlab.model.words import did_you_mean

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

WIDTH = 80
EXPLAINED = WORDS | LAB_WORDS
NOT_YET = "known to Kubernetes and not supported by netlab yet"
NOTHING = (
    'You must specify the type of resource to explain. Use "netlab api-resources" for a complete list of supported resources.'
)
_INDEX = re.compile(r"\[[0-9*]*\]")


def complete_path(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the kinds, or the fields below what was typed, that begin with it."""
    from click.shell_completion import CompletionItem  # noqa: PLC0415 - only for completion

    above, dot = incomplete.rpartition(".")[:2]
    try:
        words = [item.name for item in find(above)[1][-1].fields] if dot else [_plural(kind) for kind in NOUNS]
    except NetlabError:
        return []
    return [CompletionItem(whole) for word in words if (whole := f"{above}{dot}{word}").startswith(incomplete)]


@click.command(
    "explain",
    epilog=example(
        "netlab explain pods", "netlab explain pod.spec.containers", "netlab explain deploy.spec.template --recursive"
    ),
)
@click.argument("path", required=False, metavar="KIND[.FIELD...]", shell_complete=complete_path)
@click.option("--recursive", is_flag=True, help="Print the names of all fields inside, too.")
@click.option("--api-version", metavar="GROUP/VERSION", help="Insist on this apiVersion of the kind.")
def command(*, path: str | None, recursive: bool, api_version: str | None) -> None:
    """Say what a kind of objects is, and what its fields mean."""
    if not path:
        raise NetlabError(NOTHING)
    cls, way = find(path)
    if api_version and api_version != cls.api_version:
        group, _, version = api_version.rpartition("/")
        wanted = f"{group}/{version}, Resource={_plural(cls.kind)}"
        raise NotFound(f'couldn\'t find resource for "{wanted}" (the apiVersion is {cls.api_version})')
    click.echo(explanation(cls, way, recursive=recursive), nl=False)


def find(path: str) -> tuple[type[KubernetesObject | Lab], list[WireField]]:
    """Return the kind that `pods.spec.containers` begins with, and the fields that lead to the last word, the kind first.

    Raises:
        NetlabError: the kind or a field is one of Kubernetes' that netlab does not support.
        NotFound: there is no such field.
        ManifestError: there is no such kind.
    """
    word, *names = _INDEX.sub("", path).split(".")
    cls = _kind(word)
    way = [kind_field(cls)]
    for name in _without_group(cls, names):
        found = way[-1].inside(name)
        if found is None:
            raise _missing(way, name)
        way.append(found)
    return cls, way


def _kind(word: str) -> type[KubernetesObject | Lab]:
    lower = word.lower()
    if lower in EXPLAINED:
        return NOUNS[EXPLAINED[lower]]
    for kind in sorted(unsupported.KINDS):
        singular = kind.lower()
        if lower in {singular, f"{singular}s", f"{singular}es", f"{singular[:-1]}ies"}:
            raise NetlabError(f"{kind} is {NOT_YET}; manifests with one are refused")
    return NOUNS[kinds(word)[0]]  # raises


def _plural(kind: str) -> str:
    return LISTED[kind][0] if kind in LISTED else f"{kind.lower()}s"


def _without_group(cls: type[KubernetesObject | Lab], names: Sequence[str]) -> Sequence[str]:
    """The fields of `deployments.apps.spec`, which names the API group first."""
    group = resource(cls.kind).split(".")[1:] if cls.kind in LISTED else []
    return names[len(group) :] if group and list(names[: len(group)]) == group else names


def _missing(way: Sequence[WireField], name: str) -> NetlabError:
    """The error for a field that is not there, which may be one of those netlab knows to be missing."""
    noun = way[-1].noun
    if noun is not None and name in unsupported.FIELDS.get(noun, ()):
        fate = "it is read over in manifests" if _is_read_over(way, name) else "a manifest that sets it is refused"
        return NetlabError(f'field "{name}" is {NOT_YET}: {fate}')
    hint = did_you_mean(name, (item.name for item in way[-1].fields))
    return NotFound(f'field "{name}" does not exist{f" ({hint})" if hint else ""}')


def _is_read_over(way: Sequence[WireField], name: str) -> bool:
    """Tell whether manifests may have the field because an API server prints it."""
    from netlab.manifest.checked import SERVER_SET  # noqa: PLC0415 - only for this error

    return (len(way) == 1 and name == "status") or (way[-1].noun is ObjectMeta and name in SERVER_SET)


# kubectl's layout ---------------------------------------------------------------------------------------------------------


def explanation(cls: type[KubernetesObject | Lab], way: Sequence[WireField], *, recursive: bool = False) -> str:
    """Return what `netlab explain` prints of the last field of `way`."""
    item = way[-1]
    group, _, version = cls.api_version.rpartition("/")
    lines = [f"GROUP:      {group}"] if group else []
    lines += [f"KIND:       {cls.kind}", f"VERSION:    {version}", ""]
    if len(way) > 1:
        lines += [f"FIELD: {item.name} <{item.type}>", *_values(item), ""]
    lines += ["DESCRIPTION:", *_wrapped(item.sentence, 4), ""]
    if item.fields:
        lines += ["FIELDS:", *_field_lines(item.fields, recursive=recursive)]
    return "\n".join(lines).rstrip("\n") + "\n"


def _values(item: WireField) -> Iterator[str]:
    """The allowed values and the default, each on a line of its own; an empty line if there are none."""
    if item.choices:
        yield from ("ENUM:", *(f"    {choice}" for choice in item.choices))
    if item.default:
        yield from ("DEFAULT:", f"    {item.default}")
    if not item.choices and not item.default:
        yield ""


def _field_lines(found: Sequence[WireField], *, recursive: bool, depth: int = 1) -> Iterator[str]:
    indent = "  " * depth
    for item in sorted(found, key=lambda item: item.name):
        yield f"{indent}{item.name}\t<{item.type}>{' -required-' if item.required else ''}"
        if item.choices:
            yield from _wrapped(f"enum: {', '.join(item.choices)}", len(indent))
        if item.default:
            yield f"{indent}default: {item.default}"
        if recursive:
            yield from _field_lines(item.fields, recursive=True, depth=depth + 1)
        else:
            yield from (*_wrapped(item.sentence, 4), "")


def _wrapped(text: str, indent: int) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=" " * indent, subsequent_indent=" " * indent, break_on_hyphens=False)
