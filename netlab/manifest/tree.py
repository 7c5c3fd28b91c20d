"""YAML text becomes a tree in which every node knows its line. Made for hostile input.

The tree is built from the parser's events and not by PyYAML's composer, because that one recurses in C without a limit, keeps
the last of two equal keys in silence, and follows aliases without counting. Limits: bytes, depth, and number of nodes as they
would be after every alias is expanded (so a "billion laughs" file is refused before it costs anything). No tags.

After a fault in one document, reading goes on at the next `---`: a YAML document marker cannot occur inside a document.
Source: YAML 1.1; PyYAML's events.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml
from yaml.reader import Reader

from netlab.manifest.scalars import resolve
from netlab.model.words import shown

MAX_BYTES = 10 * 1024 * 1024
MAX_NODES = 1_000_000
MAX_DEPTH = 64
DEPTH_TEXT = f"nested deeper than {MAX_DEPTH} levels"
TOO_DEEP = "exceeded maximum nesting depth"
MAX_FAULTS = 20  # each one costs another look at the rest of the text

Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MARKER = re.compile(r"^---(?=\s|$)", re.MULTILINE)
_ENDS = (yaml.MappingEndEvent, yaml.SequenceEndEvent)
MERGE = "<<"


class TreeError(Exception):
    """The text is not YAML that netlab reads; `line` is 1-based, 0 if unknown."""

    def __init__(self, line: int, message: str, hint: str = "") -> None:
        self.line, self.message, self.hint = line, message, hint
        super().__init__(message)


@dataclass(slots=True, kw_only=True, eq=False)
class Node:
    """One node: a scalar (`value`), or a list or mapping (`items`; a mapping's are key, value, key, value, ...).

    `size` and `height` count what is below it, aliases expanded. A merge key is `plain` and not quoted.
    """

    kind: str  # "scalar", "list", "mapping"
    line: int
    value: Any = None
    plain: bool = False
    items: list[Node] = field(default_factory=list)
    size: int = 1
    height: int = 1

    def pairs(self) -> Iterator[tuple[Node, Node]]:
        """The keys and values of a mapping."""
        return zip(self.items[::2], self.items[1::2], strict=True)


def read_trees(text: str) -> Iterator[Node | TreeError]:
    """Yield every document of a text, and in its place what is wrong with one. Empty documents are left out."""
    budget = [MAX_NODES]
    first = 0  # number of lines before the part that is being read
    for _ in range(MAX_FAULTS):
        try:
            for root in _documents(text, first, budget):
                if root.kind != "scalar" or root.value is not None:
                    yield root
        except TreeError as error:
            yield error
            rest = _rest_after(text, error.line - first)
            if rest is None or budget[0] < 0:
                return
            first, text = first + rest[0], rest[1]
        else:
            return


def _rest_after(text: str, line: int) -> tuple[int, str] | None:
    """Return the text from the first `---` at or after `line`, which is not the text's first line, and the lines before it."""
    start = 0
    for _ in range(max(line - 1, 1)):
        start = text.find("\n", start) + 1
        if start == 0:
            return None
    found = _MARKER.search(text, start)
    return (text.count("\n", 0, found.start()), text[found.start() :]) if found else None


def _documents(text: str, first: int, budget: list[int]) -> Iterator[Node]:
    try:
        builder = _Builder(first, budget)
        for event in yaml.parse(text, Loader):
            root = builder.take(event)
            if root is not None:
                yield root
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 + first if mark else 0
        if error.problem == TOO_DEEP:  # a limit of the library's own, met first because it reads ahead
            raise TreeError(line, DEPTH_TEXT) from error
        words = ": ".join(part for part in (error.context, error.problem) if part)
        raise TreeError(line, f"not YAML: {words}", _tab_hint(text, line - first) or _quote_hint(words)) from error
    except yaml.YAMLError as error:  # a character that YAML does not allow
        found = Reader.NON_PRINTABLE.search(text)
        line = text.count("\n", 0, found.start()) + 1 if found else 1
        what = f"contains {found[0]!a}, which YAML does not allow" if found else "cannot be read"
        raise TreeError(line + first, f"not YAML: {what}", "take it out") from error


def _tab_hint(text: str, line: int) -> str:
    lines = text.split("\n", line)[:line]
    return "indent with spaces, not with tabs" if lines and "\t" in re.split(r"[^\s]", lines[-1], maxsplit=1)[0] else ""


def _quote_hint(words: str) -> str:
    return "" if " expected " in words else "if it is text, quote it"


class _Builder:
    """Puts events together; `take` returns the root when a document is complete."""

    def __init__(self, first: int, budget: list[int]) -> None:
        self._first, self._budget = first, budget
        self._open: list[tuple[Node, str | None]] = []
        self._anchors: dict[str, Node | None] = {}

    def take(self, event: Any) -> Node | None:
        line = event.start_mark.line + 1 + self._first
        if isinstance(event, yaml.ScalarEvent | yaml.MappingStartEvent | yaml.SequenceStartEvent):
            if event.tag is not None:
                raise TreeError(line, f"YAML tag {shown(event.tag)} is not allowed", "quote the value to make it a string")
            return self._node(event, line)
        if isinstance(event, yaml.AliasEvent):
            return self._add(self._alias(str(event.anchor), line), line)
        if isinstance(event, _ENDS):
            node, anchor = self._open.pop()
            if anchor:
                self._anchors[anchor] = node
            return self._add(node, line)
        if isinstance(event, yaml.DocumentStartEvent):
            self._anchors.clear()
        return None

    def _node(self, event: Any, line: int) -> Node | None:
        self._spend(1, line)
        if isinstance(event, yaml.ScalarEvent):
            plain = bool(event.implicit[0])
            node = Node(kind="scalar", line=line, value=resolve(event.value) if plain else event.value, plain=plain)
            if event.anchor:
                self._anchors[event.anchor] = node
            return self._add(node, line)
        if len(self._open) >= MAX_DEPTH:
            raise TreeError(line, DEPTH_TEXT)
        kind = "mapping" if isinstance(event, yaml.MappingStartEvent) else "list"
        if event.anchor:
            self._anchors[event.anchor] = None
        self._open.append((Node(kind=kind, line=line), event.anchor))
        return None

    def _alias(self, anchor: str, line: int) -> Node:
        if anchor not in self._anchors:
            raise TreeError(line, f"alias {shown(anchor)} refers to no anchor", "mark what it stands for with &, or quote it")
        node = self._anchors[anchor]
        if node is None:
            raise TreeError(line, f"alias {shown(anchor)} refers to what it is part of", "write out what it stands for")
        self._spend(node.size, line)
        return node

    def _add(self, node: Node, line: int) -> Node | None:
        """Put a complete node into the one around it; return it if there is none."""
        if not self._open:
            return node
        around = self._open[-1][0]
        around.items.append(node)
        around.size += node.size
        around.height = max(around.height, node.height + 1)
        if around.height + len(self._open) > MAX_DEPTH + 1:
            raise TreeError(line, DEPTH_TEXT)
        return None

    def _spend(self, nodes: int, line: int) -> None:
        self._budget[0] -= nodes
        if self._budget[0] < 0:
            raise TreeError(line, f"more than {MAX_NODES} values, aliases counted", "split the file")
