"""The words of problems: field paths, values as they may be shown, how many of what, and what somebody may have meant.

Input can be hostile: whatever is quoted in a message is cut, and characters that could move a terminal's cursor are escaped.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

LONGEST_SHOWN = 60
LONGEST_GUESSED = 80
_PLAIN_KEY = r"[A-Za-z_][-A-Za-z0-9_]*"


def shown(value: Any) -> str:
    """Return a value for a message: text in double quotes, numbers and booleans as in YAML, never longer than a line."""
    if isinstance(value, str):
        text = value if len(value) <= LONGEST_SHOWN else f"{value[:LONGEST_SHOWN]}..."
        return f'"{text}"' if text.isprintable() and '"' not in text else json.dumps(text)
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    text = repr(value)
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}..."


def type_problem(wanted: str, value: Any, *, show: bool = True) -> tuple[str, str]:
    """Return message and hint for a value of the wrong type: `must be an integer, is a string "80"`.

    Without `show` the message does not say which value it is.
    """
    word = f" {shown(value)}" if show else ""
    match value:
        case None:
            return f"must be {wanted}, is null", ""
        case bool():
            hint = "quote it" if wanted == "a string" else ""
            return f"must be {wanted}, is a boolean", hint
        case int() | float():
            number = "an integer" if isinstance(value, int) else "a number"
            return f"must be {wanted}, is {number}{word}", "quote it" if wanted == "a string" else ""
        case str():
            hint = "write it without quotes" if wanted == "an integer" and re.fullmatch(r"-?[0-9]{1,18}", value) else ""
            return f"must be {wanted}, is a string{word}", hint
        case list():
            return f"must be {wanted}, is a list", ""
        case _:
            return f"must be {wanted}, is an object", ""


def at(path: str, field: str) -> str:
    """Return the path of a field with an ordinary name."""
    return f"{path}.{field}" if path else field


def key_path(path: str, key: Any) -> str:
    """Return the path of any key of a mapping: `metadata.labels.app`, `metadata.labels["example.com/app"]`."""
    text = str(key)
    return at(path, text) if len(text) <= LONGEST_SHOWN and re.fullmatch(_PLAIN_KEY, text) else f"{path}[{shown(text)}]"


def amount(number: int, noun: str, plural: str = "") -> str:
    """Return how many there are of something: `1 Node`, `2 Nodes`. `plural` is that of the noun if it is not just an s more."""
    return f"{number} {noun if number == 1 else plural or f'{noun}s'}"


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return `did you mean "x"?` if a known word is close (upper and lower case do not matter), or ""."""
    if len(word) > LONGEST_GUESSED:  # difflib's time grows with the square of the length
        return ""
    by_lower = {name.lower(): name for name in known if name and "." not in name}
    import difflib  # noqa: PLC0415 - most words are right

    found = difflib.get_close_matches(word.lower(), by_lower, n=1)
    return f'did you mean "{by_lower[found[0]]}"?' if found else ""
