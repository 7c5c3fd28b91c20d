"""YAML text becomes documents: plain data, and the line of every field path. No kinds or types are known here but List.

A mapping with two equal keys is a fault (kubectl's strict validation says so too). Keys are text; a number or boolean as a key
is taken as its text, as kubectl does. `<<` merges, as in YAML 1.1. `kind: List` and `PodList` are opened into their items.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import Any

from netlab.frozen import dataclass
from netlab.manifest.tree import MERGE, Node, TreeError, read_trees
from netlab.model.codec import KINDS
from netlab.model.words import key_path, shown, type_problem

LIST_KINDS: Mapping[str, str] = {"List": ""} | {f"{kind}List": kind for kind in KINDS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A fault in the text: 1-based line, field path, message, hint."""

    line: int
    path: str = ""
    message: str
    hint: str = ""


@dataclass(slots=True, kw_only=True)
class Document:
    """One object as it was written. `lines` has the line of every field path, `findings` what the text itself does wrong."""

    plain: Any = None
    lines: dict[str, int] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    def nearest(self, path: str) -> str:
        """Return the path if the field is written, or that of the nearest field around it; "" is the object."""
        while path and path not in self.lines:
            path = path[: max(path.rfind("."), path.rfind("["), 0)]
        return path

    def line(self, path: str) -> int:
        """Return the line of a path, or of the nearest field around it (a missing field has no line)."""
        return self.lines.get(self.nearest(path), 0)


def read(text: str) -> tuple[list[Document], list[Finding]]:
    """Return the documents of a text, and the faults that belong to no document."""
    documents: list[Document] = []
    findings: list[Finding] = []
    for tree in read_trees(text):
        if isinstance(tree, TreeError):
            findings.append(Finding(line=tree.line, message=tree.message, hint=tree.hint))
        else:
            documents.extend(_open_lists(tree, ""))
    return documents, findings


def _open_lists(node: Node, item_kind: str) -> Iterator[Document]:
    """Yield the document of an object, or those of the items of a list."""
    top = {key.value: value for key, value in node.pairs()} if node.kind == "mapping" else {}
    kind = top["kind"].value if "kind" in top else None
    items = top.get("items")
    if isinstance(kind, str) and kind in LIST_KINDS and (items is None or _is_list_or_null(items)):
        for item in items.items if items else ():
            yield from _open_lists(item, LIST_KINDS[kind])
        return
    document = Document()
    document.plain = _construct(node, "", document)
    if item_kind and isinstance(document.plain, dict):  # an API server leaves both out inside a PodList
        document.plain = {"apiVersion": KINDS[item_kind].api_version, "kind": item_kind} | document.plain
    yield document


def _is_list_or_null(node: Node) -> bool:
    return node.kind == "list" or (node.kind == "scalar" and node.value is None)


def _construct(node: Node, path: str, document: Document) -> Any:
    """Return the plain value of a node and note its lines. Recursion ends at the depth the tree allows."""
    document.lines.setdefault(path, node.line)
    if node.kind == "scalar":
        return node.value
    if node.kind == "list":
        return [_construct(item, f"{path}[{n}]", document) for n, item in enumerate(node.items)]
    found: dict[str, Any] = {}
    merged: dict[str, Any] = {}
    for key_node, value_node in node.pairs():
        if key_node.plain and key_node.value == MERGE:
            merged = _merged(value_node, path, document) | merged
            continue
        key = _key(key_node, path, document)
        if key is None:
            continue
        here = key_path(path, key)
        if key in found:
            message = f"is written twice, first on line {document.lines[here]}"
            document.findings.append(Finding(line=key_node.line, path=here, message=message, hint="keep one of the two"))
            continue
        document.lines[here] = key_node.line
        found[key] = _construct(value_node, here, document)
    return merged | found


def _key(node: Node, path: str, document: Document) -> str | None:
    match node.value if node.kind == "scalar" else []:
        case bool(value):
            return "true" if value else "false"
        case str(value):
            return value
        case int(value):
            return str(value)
        case _:
            what = shown(node.value) if node.kind == "scalar" else f"a {node.kind}"
            document.findings.append(
                Finding(line=node.line, path=path, message=f"has a key that is not a string: {what}", hint="quote it")
            )
            return None


def _merged(node: Node, path: str, document: Document) -> dict[str, Any]:
    """Return what `<<: *anchor` or `<<: [*a, *b]` brings in; of equal keys the first anchor's wins."""
    result: dict[str, Any] = {}
    for part in node.items if node.kind == "list" else [node]:
        if part.kind != "mapping":
            message, _ = type_problem("a mapping", part.value if part.kind == "scalar" else [])
            document.findings.append(Finding(line=part.line, path=path, message=f"a merge (<<) {message}"))
            continue
        scratch = Document(findings=document.findings)
        values = _construct(part, path, scratch)
        result = values | result
        for inner, line in scratch.lines.items():
            document.lines.setdefault(inner, line)
    return result
