"""The words of a rule as nft prints it, and a cursor over them. Source: nft(8).

Blanks separate words; braces, parentheses and commas are words of their own wherever they stand; a quoted string is one word,
with its quotes. Colons with blanks around them separate key and value and are words; those of addresses are not.
"""

from __future__ import annotations

import re
from typing import Final

from netlab.errors import NetlabError

_WORD: Final = re.compile(r'"[^"]*"|[{}(),;]|[^\s{}(),;"]+')


class UnknownRule(NetlabError):
    """A rule says what this interpreter does not know. It is never skipped: the walk would tell a lie."""


class Tokens:
    """The words of `text` that are not yet read."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._words = _WORD.findall(text)
        self._next = 0

    def peek(self, ahead: int = 0) -> str:
        """Return a word without reading it, "" behind the end."""
        position = self._next + ahead
        return self._words[position] if position < len(self._words) else ""

    def take(self) -> str:
        """Read the next word. Raises UnknownRule at the end."""
        word = self.peek()
        if not word:
            raise UnknownRule(f"rule ends too early: {self.text}")
        self._next += 1
        return word

    def take_if(self, *words: str) -> str:
        """Read the next word if it is one of these, and return it; else ""."""
        return self.take() if self.peek() in words else ""

    def expect(self, *words: str) -> None:
        """Read exactly these words. Raises UnknownRule at another one."""
        for word in words:
            if self.take() != word:
                raise self.unknown(f"{word!r} was to come before")

    def take_number(self) -> int:
        """Read a number, decimal or 0x. Raises UnknownRule."""
        word = self.take()
        try:
            return int(word, 0)
        except ValueError:
            raise UnknownRule(f"{word!r} is no number: {self.text}") from None

    def unknown(self, what: str = "unknown") -> UnknownRule:
        """Return the complaint about the next word."""
        return UnknownRule(f"{what}: {self.peek() or 'the end'!r} in: {self.text}")
