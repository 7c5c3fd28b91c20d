"""A text that objects are read from, with the name of its file; read line by line only if somebody asks where something is."""

from __future__ import annotations

import functools
import re

from netlab.manifest.origin import SourceFile
from netlab.manifest.reader import Document, Finding, read
from netlab.netstate.names import digest

# Behind an even number of backslashes, or the first of these would be escaped itself.
_HALVES = re.compile(r"(?<!\\)((?:\\\\)*)\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})")


class Source:
    """A text: `name` is what people call its file, `path` the absolute path; "" if it is no file, as standard input."""

    def __init__(self, name: str, text: str, path: str = "") -> None:
        self.name, self.text, self.path = name, text.removeprefix("\ufeff"), path

    @functools.cached_property
    def read(self) -> tuple[list[Document], list[Finding]]:
        """The documents and what is wrong with the text."""
        return read(with_whole_characters(self.text))

    @functools.cached_property
    def file(self) -> SourceFile:
        """What is kept of it."""
        return SourceFile(self.name, self.path, digest(self.text))


def with_whole_characters(text: str) -> str:
    r"""Write what JSON says in two halves (`\ud83d\ude00`) as YAML does (`\U0001f600`). Source: RFC 8259, section 7."""
    return _HALVES.sub(_whole, text) if text.lstrip()[:1] in {"{", "["} else text


def _whole(found: re.Match[str]) -> str:
    character = bytes.fromhex(found[2] + found[3]).decode("utf-16-be")
    return f"{found[1]}\\U{ord(character):08x}"
