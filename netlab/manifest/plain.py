"""The quick way from a text to plain data, for a text in which nothing is wrong: without lines, and with nothing to tell.

A manifest of ten thousand Services has half a million values. To know the line of each takes most of the time of reading it,
and nobody asks for one unless something is wrong. What this way cannot tell at once (a fault, an alias, a tag, a merge, a key
that is no text) is left to `reader`, which reads the whole text again. Where it answers, it answers as `reader` does.
Only the first line of each object is noted, as it costs next to nothing.

Even so, to read a long text takes as long as to make objects of it: who has a second process for it does both at once.

JSON is read as JSON, if it is ASCII: what YAML makes of other line ends inside a string is for `reader` to say.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple, TypeAlias

import yaml

from netlab.manifest.reader import LIST_KINDS
from netlab.manifest.scalars import resolve
from netlab.manifest.tree import MAX_DEPTH, MAX_NODES, MERGE, Loader
from netlab.model.codec import KINDS

_LONGEST: Final = 18  # digits of a number that is the same whoever reads it
_UNKNOWN: Final = object()
_ONLY_TEXTS: Final = frozenset({str})
OBJECT_DEPTHS: Final = (0, 2)
"""How deep an object is: a document of its own, or an item of a list. (A list inside a list has no lines here.)"""


class PlainDocument(NamedTuple):
    """An object as plain data, and the 1-based line on which it begins; 0 if that is not known, as in JSON."""

    plain: Any
    line: int


Portions: TypeAlias = Iterator[list[tuple[Any, int]]]
Beside: TypeAlias = Callable[[Portions], Portions]
"""Yields the same, made by a process beside this one. Raises ChildProcessError if that ends early."""

LONG: Final = 256 * 1024
"""Characters from which on a second process is worth its start."""
_PORTION: Final = 100


class OddTextError(ValueError):
    """The text has something that is not for this way of reading."""


def plain_documents(text: str, beside: Beside | None = None) -> Iterator[PlainDocument]:
    """Yield the objects of a text, lists opened, in their order; long YAML is read `beside`.

    Raises:
        OddTextError: at any moment: `reader` has to look at the whole text.
    """
    portions = _of_json(text)
    if portions is None:
        portions = beside(_of_yaml(text)) if beside and len(text) > LONG else _of_yaml(text)
    try:
        for portion in portions:
            yield from itertools.starmap(PlainDocument, portion)
    except (yaml.YAMLError, ChildProcessError) as error:
        raise OddTextError from error


def _of_json(text: str) -> Portions | None:
    """All at once, if it is JSON; it may be YAML that only looks like it."""
    if text.lstrip()[:1] not in {"{", "["} or not text.isascii() or "\x7f" in text:
        return None
    try:
        return iter([list(_opened(_json(text), "", {}))])
    except (ValueError, RecursionError):
        return None


def _of_yaml(text: str) -> Portions:
    found = (item for root, lines in _roots(text) if root is not None for item in _opened(root, "", lines))
    while portion := list(itertools.islice(found, _PORTION)):
        yield portion


def _opened(plain: Any, item_kind: str, lines: Mapping[int, int]) -> Iterator[tuple[Any, int]]:
    """Yield an object, or the items of a list."""
    kind = plain.get("kind") if isinstance(plain, dict) else None
    items = plain.get("items") or [] if isinstance(kind, str) and kind in LIST_KINDS else None
    if isinstance(items, list):
        for item in items:
            yield from _opened(item, LIST_KINDS[str(kind)], lines)
        return
    line = lines.get(id(plain), 0)
    if item_kind and isinstance(plain, dict):  # an API server leaves both out inside a PodList
        plain = {"apiVersion": KINDS[item_kind].api_version, "kind": item_kind} | plain
    yield plain, line


def _json(text: str) -> Any:
    return json.loads(text, object_pairs_hook=_unique, parse_int=_integer, parse_constant=_integer)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs) or MERGE in found:
        raise OddTextError
    return found


def _integer(word: str) -> int:
    if len(word) > _LONGEST:
        raise OddTextError
    return int(word)


def _roots(text: str) -> Iterator[tuple[Any, dict[int, int]]]:
    """Yield the value of each YAML document, and by id() the lines of mappings in it that may be objects.

    Raises OddTextError, yaml.YAMLError.
    """
    words: dict[str, Any] = {}  # most of them come again and again
    values: list[Any] = []
    around: list[list[Any]] = []
    lines: dict[int, int] = {}
    starts: list[int] = []
    left = MAX_NODES
    for event in iter(Loader(text).get_event, None):
        kind = type(event)
        if kind is yaml.ScalarEvent:
            left -= 1
            if event.tag is not None or event.anchor is not None:
                raise OddTextError
            value = event.value
            if event.implicit[0]:
                word, value = value, words.get(value, _UNKNOWN)
                if value is _UNKNOWN:
                    value = words[word] = resolve(word)
            values.append(value)
        elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
            done: Any = _mapping(values) if kind is yaml.MappingEndEvent else values
            values = around.pop()
            values.append(done)
            if kind is yaml.MappingEndEvent and len(around) in OBJECT_DEPTHS:
                lines[id(done)] = starts.pop()
        elif kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
            left -= 1
            if event.tag is not None or event.anchor is not None or len(around) >= MAX_DEPTH or left < 0:
                raise OddTextError
            if kind is yaml.MappingStartEvent and len(around) in OBJECT_DEPTHS:
                starts.append(event.start_mark.line + 1)
            around.append(values)
            values = []
        elif kind is yaml.DocumentEndEvent:
            yield from ((value, lines) for value in values)
            values, lines = [], {}
        elif kind is yaml.AliasEvent:
            raise OddTextError
    if left < 0:
        raise OddTextError


def _mapping(items: list[Any]) -> dict[str, Any]:
    """Return the mapping of keys and values that stand in turn."""
    keys = items[::2]
    found = dict(zip(keys, items[1::2], strict=True)) if _ONLY_TEXTS.issuperset(map(type, keys)) else {}
    if len(found) != len(keys) or MERGE in found:
        raise OddTextError
    return found
