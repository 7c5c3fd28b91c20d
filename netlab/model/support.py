"""The published support table (law 5): every field that netlab honours and what it means, and what it refuses.

`netlab/docs/support.md` is this text, made from the nouns themselves; a test keeps it so. A field that is not in it is refused
with its path.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from netlab.model import unsupported
from netlab.model.codec import KINDS
from netlab.model.fields import LIST, WireField, fields_of
from netlab.model.meta import ObjectMeta

INTRODUCTION = """\
# What netlab honours

Made from the program's own nouns. A field that is listed is honoured; any other field is refused with file, line and path,
never ignored. Set by the system and therefore read over in manifests: `status`, and of `metadata` what `get -o yaml` prints
(`uid`, `creationTimestamp`, `resourceVersion`, ...). An unsupported field that is empty (`resources: {}`) asks for nothing.
`netlab explain KIND.FIELD` says the same on the command line, and what the fields mean that the system sets.
"""
SET_BY_SYSTEM = frozenset(
    {"status", "uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "ownerReferences"}
)
TYPES: Mapping[str, str] = {
    "string": "text",
    "integer": "integer",
    "boolean": "true or false",
    "map[string]string": "map of text",
    "map[string]Quantity": "map of amounts",
    "IntOrString": "integer or text",
}


def support_table() -> str:
    """Return the table as Markdown: a section for each kind, then the fields Kubernetes knows and netlab does not yet."""
    sections = [INTRODUCTION]
    for kind, cls in KINDS.items():
        lines = "\n".join(
            f"| `{path}` | {_values(item)} | {_need(item)} | {item.sentence} |" for path, item in _leaves(fields_of(cls), "")
        )
        sections.append(f"## {kind} (`{cls.api_version}`)\n\n| field | values | | meaning |\n|---|---|---|---|\n{lines}\n")
    refused = "\n".join(
        f"| {cls.__name__} | {', '.join(f'`{name}`' for name in sorted(names))} |"
        for cls, names in unsupported.FIELDS.items()
        if cls is not ObjectMeta and names != {"status"}
    )
    sections.append(f"## Known, and not supported yet\n\n| in | fields |\n|---|---|\n{refused}\n")
    return "\n".join(sections)


def _leaves(found: Iterable[WireField], path: str) -> Iterator[tuple[str, WireField]]:
    """Yield every field without fields of its own, with its full path; what the system sets is left out."""
    for item in found:
        here = f"{path}{item.name}{LIST if item.is_list else ''}"
        if item.name in SET_BY_SYSTEM:
            continue
        if item.fields:
            yield from _leaves(item.fields, f"{here}.")
        else:
            yield here, item


def _values(item: WireField) -> str:
    if item.noun is not None:
        return "`{}`"
    words = ", ".join(f"`{value}`" for value in item.choices) or TYPES[item.type.removeprefix(LIST)]
    return f"{words}, {item.format}" if item.format else words


def _need(item: WireField) -> str:
    return "required" if item.required else f"default `{item.default}`" if item.default else ""
