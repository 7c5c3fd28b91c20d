"""What an unquoted YAML word is: text, a number, a boolean or null, by the rules of the library kubectl reads YAML with.

These are YAML 1.1's rules with go-yaml v2's exceptions: `yes`, `on` and `y` are booleans, `0777` and `0o777` are octal, base 60
(`1:30`) and dates are text, an integer too large for 64 bits is a float.
Source: sigs.k8s.io/yaml (go-yaml v2, resolve.go).
"""

from __future__ import annotations

import math
import re

WORDS: dict[str, bool | float | None] = {
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), math.inf),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
}
NUMBER_STARTS = frozenset("+-.0123456789")
LONGEST_NUMBER = 250  # longer ones do not even fit into a float, whatever their base

_INTEGERS = (
    (re.compile(r"[-+]?0[xX][0-9a-fA-F]+"), 16),
    (re.compile(r"[-+]?0[bB][01]+"), 2),
    (re.compile(r"[-+]?0[oO]?[0-7]+"), 8),
    (re.compile(r"[-+]?(0|[1-9][0-9]*)"), 10),
)
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_LOWEST, _HIGHEST = -(2**63), 2**64 - 1


def resolve(word: str) -> str | float | bool | None:
    """Return the value of an unquoted scalar; a word that is nothing else is text."""
    if word in WORDS:
        return WORDS[word]
    if word[0] not in NUMBER_STARTS or len(word) > LONGEST_NUMBER:
        return word
    digits = word.replace("_", "")
    for pattern, base in _INTEGERS:
        if pattern.fullmatch(digits):
            number = int(re.sub("[oO]", "", digits) if base == 8 else digits, base)  # noqa: PLR2004 - 8 is octal
            return number if _LOWEST <= number <= _HIGHEST else float(number)
    return float(digits) if _FLOAT.fullmatch(digits) else word
