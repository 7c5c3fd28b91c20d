"""The published support table (law 5): every field that netlab honours, made from the nouns themselves, and what it refuses.

`netlab/docs/support.md` is this text; a test keeps it so. A field that is not in it is refused with its path.
"""

from __future__ import annotations

import types
from collections.abc import Iterator
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from netlab.model import unsupported
from netlab.model.codec import KINDS
from netlab.model.meta import ObjectMeta
from netlab.model.wire import wire_name

INTRODUCTION = """\
# What netlab honours

Made from the program's own nouns. A field that is listed is honoured; any other field is refused with file, line and path,
never ignored. Set by the system and therefore read over in manifests: `status`, and of `metadata` what `get -o yaml` prints
(`uid`, `creationTimestamp`, `resourceVersion`, ...). An unsupported field that is empty (`resources: {}`) asks for nothing.
"""
SET_BY_SYSTEM = frozenset(
    {"status", "uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "ownerReferences"}
)


def support_table() -> str:
    """Return the table as Markdown: a section for each kind, then the fields Kubernetes knows and netlab does not yet."""
    sections = [INTRODUCTION]
    for kind, cls in KINDS.items():
        lines = "\n".join(f"| `{path}` | {values} | {need} |" for path, values, need in _fields(cls, ""))
        sections.append(f"## {kind} (`{cls.api_version}`)\n\n| field | values | |\n|---|---|---|\n{lines}\n")
    refused = "\n".join(
        f"| {cls.__name__} | {', '.join(f'`{name}`' for name in sorted(names))} |"
        for cls, names in unsupported.FIELDS.items()
        if cls is not ObjectMeta and names != {"status"}
    )
    sections.append(f"## Known, and not supported yet\n\n| in | fields |\n|---|---|\n{refused}\n")
    return "\n".join(sections)


def _fields(cls: type[Any], path: str) -> Iterator[tuple[str, str, str]]:
    """Yield (path, values, need) of every field below a class, nested ones with their full path."""
    hints = get_type_hints(cls, include_extras=True)
    for item in fields(cls):
        name = wire_name(item.name)
        if name in SET_BY_SYSTEM or name.startswith("status."):
            continue
        here, inner, mark = f"{path}{name}", *_inner(hints[item.name])
        if is_dataclass(inner):
            yield from _fields(inner, f"{here}{mark}.")  # type: ignore[arg-type]
            if not fields(inner):
                yield f"{here}{mark}", "`{}`", ""
        else:
            yield f"{here}{mark}", _values(inner), _need(item)


def _inner(hint: Any) -> tuple[Any, str]:
    """What a list or an optional field holds, and `[]` for a list."""
    origin, args = get_origin(hint), get_args(hint)
    if origin is tuple:
        return args[0], "[]"
    if origin in {Union, types.UnionType} and type(None) in args:
        return _inner(next(arg for arg in args if arg is not type(None)))
    return hint, ""


def _values(hint: Any) -> str:
    origin, args = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return f"{_values(args[0])}, {args[1]}"
    if origin is Literal:
        return ", ".join(f"`{value}`" for value in args if value != "")
    if origin is dict:
        return "map of text"
    if origin in {Union, types.UnionType}:
        return " or ".join(_values(arg) for arg in args)
    return {str: "text", int: "integer", bool: "true or false"}.get(hint, "")


def _need(item: Field[Any]) -> str:
    if item.default is MISSING and item.default_factory is MISSING:
        return "required"
    default = item.default
    if default in {MISSING, None, "", 0, ()}:
        return "default `false`" if default is False else ""
    return f"default `{str(default).lower() if isinstance(default, bool) else default}`"
