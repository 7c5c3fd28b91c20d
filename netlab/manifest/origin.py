"""Where an object was written, and each of its fields: `guestbook.yaml:42`. What is kept is small; the rest stands in the file.

    kept ......... the file as it was typed and as an absolute path, a digest of its text, the object's first line
    looked up .... the line of a field, in the file itself, if it still holds the same text; else the object's first one is said

An object that a command made has no file but the command's words (`netlab expose`), and so has a field that a command changed
after the manifest was applied. What netlab makes for another object is where that one is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from netlab.model.codec import decode_object, encode
from netlab.model.lab import KubernetesObject, Lab
from netlab.model.meta import Key
from netlab.model.words import key_path

MADE_BY_UP: Final = "netlab up"
OF_LAB: Final = "Lab "
"""What the path of a field begins with if it is one of the lab's, and not of the object that is spoken of."""


class SourceFile(NamedTuple):
    """A file as it was read: its name as it was typed (`stdin`), its absolute path or "", a digest of its text."""

    name: str
    path: str
    digest: str


class Origin(NamedTuple):
    """Where an object was written: on which line of which file (0: not known), or by which command.

    With a file, `verb` is the command that changed the object since, "" if none did. `owner` is the object for which netlab
    made this one, if it did: then all else is said of the owner.
    """

    file: SourceFile | None = None
    line: int = 0
    verb: str = MADE_BY_UP
    owner: Key | None = None

    def __str__(self) -> str:
        place = str(Place(self.file.name, self.line)) if self.file else self.verb
        return f"{place}, for {self.owner}" if self.owner else place


class Place(NamedTuple):
    """A place to look at: a line of a file (0: which one is not known), or a command.

    `path` is the field that stands on that line: one around the field that was asked for if that one is not written, because it
    has its default or netlab chose it. None if it is not known what is written there.
    """

    name: str
    line: int = 0
    path: str | None = None

    def __str__(self) -> str:
        return f"{self.name}:{self.line}" if self.line else self.name


class Fields:
    """Finds the places of fields. Every file is read once, and only if it still holds what was read from it."""

    def __init__(self) -> None:
        self._read: dict[SourceFile, Mapping[Key, Any]] = {}

    def place(self, item: KubernetesObject | Lab, origin: Origin, path: str) -> Place:
        """Return where a field of an object stands: `spec.ports[0].nodePort`; "" is the object itself.

        Args:
            item: the object, or the owner if the origin has one.
            origin: where that was written.
            path: the path of the field in it, as problems of manifests name it.
        """
        if origin.file is None:
            return Place(origin.verb)
        document = self._document(origin.file, item.key)
        if document is None:
            return Place(origin.file.name, origin.line)
        written = document.nearest(path)
        if origin.verb and written == path and _is_changed(item, document.plain, path):
            return Place(origin.verb, path=path)
        return Place(origin.file.name, document.line(written), written)

    def _document(self, file: SourceFile, key: Key) -> Any:
        """What the file says of an object; None if it is not the same file any more."""
        if file not in self._read:
            self._read[file] = dict(_documents(file))
        documents = self._read[file]
        if key.kind == Lab.kind:  # there is one alone, and `--lab` may have given it another name
            return next((document for known, document in documents.items() if known.kind == Lab.kind), None)
        return documents.get(key) or documents.get(key._replace(namespace=""))


def _documents(file: SourceFile) -> Iterator[tuple[Key, Any]]:
    """Yield the documents of a file by what each says of its kind, Namespace and name; none if it has changed."""
    from netlab.manifest.source import Source  # noqa: PLC0415 - it reads YAML, which who only looks seldom needs
    from netlab.manifest.tree import MAX_BYTES  # noqa: PLC0415

    try:
        with Path(file.path or "/dev/null").open("rb") as opened:
            source = Source(file.name, opened.read(MAX_BYTES + 1).decode("utf-8"), file.path)
    except (OSError, ValueError):
        return
    if source.file.digest != file.digest:
        return
    for document in source.read[0]:
        kind, meta = document.plain.get("kind"), document.plain.get("metadata") or {}
        yield Key(kind, meta.get("namespace") or "", meta.get("name") or ""), document


def _is_changed(item: KubernetesObject | Lab, plain: Any, path: str) -> bool:
    """Tell whether a field of an object is another one than was written; `0.5` of CPU and `500m` are the same."""
    written = decode_object(plain, [])
    before = encode(written, whole=True) if written is not None else plain
    return bool(dict(values(before)).get(path) != dict(values(encode(item, whole=True))).get(path))


def values(plain: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every field of plain data, those around others too, by the path that manifest/reader gives it."""
    yield path, plain
    if isinstance(plain, dict):
        for key, value in plain.items():
            yield from values(value, key_path(path, key))
    elif isinstance(plain, list):
        for number, value in enumerate(plain):
            yield from values(value, f"{path}[{number}]")
