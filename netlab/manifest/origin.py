"""Where an object was written, and each of its fields: `guestbook.yaml:42`. What is kept is small; the rest stands in the file.

    kept ......... the file as it was typed and as an absolute path, a digest of its text, the object's first line
    looked up .... the line of a field, in the file itself, if it still holds the same text; else the object's first one is said

An object that a command made has no file but the command's words (`netlab expose`), and so has a field that a command changed
after the manifest was applied. What netlab makes for another object is where that one is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from netlab.model.codec import decode_object, encode
from netlab.model.lab import KubernetesObject, Lab
from netlab.model.meta import Key
from netlab.model.words import key_path

if TYPE_CHECKING:
    from netlab.manifest.reader import Document

_MARKER: Final = re.compile(r"---(?=\s|$)")
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
        self._read: dict[SourceFile, _Text | None] = {}

    def place(self, item: KubernetesObject | Lab, origin: Origin, path: str) -> Place:
        """Return where a field of an object stands: `spec.ports[0].nodePort`; "" is the object itself.

        Args:
            item: the object, or the owner if the origin has one.
            origin: where that was written.
            path: the path of the field in it, as problems of manifests name it.
        """
        file = origin.file
        if file is None:
            return Place(origin.verb)
        if file not in self._read:
            self._read[file] = _text(file)
        text = self._read[file]
        found = text.document(item.key, origin.line) if text else None
        if found is None:
            return Place(file.name, origin.line)
        before, document = found
        written = document.nearest(path)
        if origin.verb and written == path and _is_changed(item, document.plain, path):
            return Place(origin.verb, path=path)
        return Place(file.name, before + document.line(written), written)


def _text(file: SourceFile) -> _Text | None:
    """Return the text of a file, None if it has changed."""
    from netlab.manifest.source import Source  # noqa: PLC0415 - it reads YAML, which who only looks seldom needs
    from netlab.manifest.tree import MAX_BYTES  # noqa: PLC0415

    try:
        with Path(file.path or "/dev/null").open("rb") as opened:
            source = Source(file.name, opened.read(MAX_BYTES + 1).decode("utf-8"), file.path)
    except (OSError, ValueError):
        return None
    return _Text(source.text) if source.file.digest == file.digest else None


class _Text:
    """A text of which only those YAML documents are read that somebody asks for: a file can hold ten thousand."""

    def __init__(self, text: str) -> None:
        self._lines = text.split("\n")
        self._read: dict[tuple[int, int], Mapping[Key, Document]] = {}

    def document(self, key: Key, line: int) -> tuple[int, Document] | None:
        """Return the object, and the number of lines before the part that was read; None if it is not there.

        `line` is where it begins, 0 if that is not known. YAML knows more ends of lines than are counted here: the whole text
        is looked through if the object is not there.
        """
        for start, end in (self._around(line), (0, len(self._lines))):
            documents = self._documents(start, end)
            wanted = [key, key._replace(namespace="")]
            if key.kind == Lab.kind:  # there is one alone, and `--lab` may have given it another name
                wanted = [known for known in documents if known.kind == Lab.kind]
            found = next((documents[known] for known in wanted if known in documents), None)
            if found is not None:
                return start, found
        return None

    def _around(self, line: int) -> tuple[int, int]:
        """Return the YAML document around a line: from its marker to the next one, which no document has inside."""
        marks = self._lines
        start = next((number for number in range(min(line, len(marks)) - 1, 0, -1) if _MARKER.match(marks[number])), 0)
        end = next((number for number in range(line, len(marks)) if _MARKER.match(marks[number])), len(marks))
        return (start, end) if line else (0, len(marks))

    def _documents(self, start: int, end: int) -> Mapping[Key, Document]:
        from netlab.manifest.source import Source  # noqa: PLC0415 - as above

        if (start, end) not in self._read:
            read, _ = Source("", "\n".join(self._lines[start:end])).read
            self._read[start, end] = {_key_of(document.plain): document for document in read}
        return self._read[start, end]


def _key_of(plain: Any) -> Key:
    """Return what an object that was applied says of its kind, Namespace and name."""
    meta = plain.get("metadata") or {}
    return Key(plain.get("kind"), meta.get("namespace") or "", meta.get("name") or "")


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
