"""`-o custom-columns`: a table whose columns are JSONPaths. Pure; `columns.aligned` sets the rows.

    NAME:.metadata.name,NODE:.spec.nodeName            behind the flag
    NAME            NODE                               in a file: the headers, and under them the paths
    .metadata.name  .spec.nodeName

Rules: a header may be empty; a path is written as for `--sort-by`; what is missing is `<none>`; several values stand with
commas between them, maps and lists as Go shows them (`map[app:web]`). kubectl splits the columns at every comma; here, one in
brackets belongs to the path: `.metadata['name','namespace']`.
Source: kubectl reference, "Custom columns"; kubectl pkg/cmd/get/customcolumn.go as of v1.32.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from netlab.cli.go_values import go_text
from netlab.cli.jsonpath import find
from netlab.cli.words import usage
from netlab.errors import ManifestError

HINT = "for example NAME:.metadata.name,NODE:.spec.nodeName"
Columns = tuple[tuple[str, str], ...]


def parse_columns(text: str) -> Columns:
    """Return header and path of each column; a text of several lines is a file's. Raises ManifestError."""
    if not text.strip():
        raise _wrong("custom-columns format specified but no custom columns given")
    columns = tuple(_of_file(text) if "\n" in text else (_column(part) for part in _parts(text)))
    for _, path in columns:
        find(path, {})  # so that a path that cannot be read is refused even if there is nothing to print
    return columns


def columns_rows(columns: Columns, items: Sequence[Any]) -> list[list[str]]:
    """Return one row of cells for each of these plain objects. Raises ManifestError for a path that does not suit an object."""
    return [[_cell(path, item) for _, path in columns] for item in items]


def _cell(path: str, item: Any) -> str:
    found = find(path, item)
    return ",".join(map(go_text, found)) if found else "<none>"


def _parts(text: str) -> Iterator[str]:
    """The text between the commas that are in no brackets."""
    start = depth = 0
    for place, letter in enumerate(text):
        depth += (letter == "[") - (letter == "]" and depth > 0)
        if letter == "," and not depth:
            yield text[start:place]
            start = place + 1
    yield text[start:]


def _column(part: str) -> tuple[str, str]:
    header, colon, path = part.partition(":")
    if not colon:
        raise _wrong(f"unexpected custom-columns spec: {part}, expected <header>:<json-path-expr>")
    return header, path


def _of_file(text: str) -> Iterator[tuple[str, str]]:
    headers, paths = (line.split() for line in text.split("\n")[:2])
    for what, words in (("header", headers), ("spec", paths)):
        if not words:
            raise _wrong(f"invalid template, missing {what} line", "one line of headers, and under it one line of paths")
    if len(headers) != len(paths):
        raise _wrong(f"number of headers ({len(headers)}) and field specifications ({len(paths)}) don't match")
    return zip(headers, paths, strict=True)


def _wrong(message: str, hint: str = HINT) -> ManifestError:
    return usage(message, hint)
