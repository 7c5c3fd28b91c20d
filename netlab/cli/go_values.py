"""Values as Go prints them, which is how kubectl's templates and columns show them. Source: Go's fmt (%v) and encoding/json."""

from __future__ import annotations

import json
from typing import Any

GO_TYPES = {dict: "map[string]interface {}", str: "string", bool: "bool", int: "int64", float: "float64"}
"""What Go calls a type in its errors."""
_ESCAPED = {ord(letter): f"\\u{ord(letter):04x}" for letter in "<>&\u2028\u2029"}


def go_text(value: Any) -> str:
    """Return a value as Go's %v shows it: `map[a:1 b:2]`, `[1 2]`, `<nil>`."""
    if isinstance(value, dict):
        return f"map[{' '.join(f'{key}:{go_text(value[key])}' for key in sorted(value))}]"
    if isinstance(value, list):
        return f"[{' '.join(map(go_text, value))}]"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and float(f"{value:g}") == value:
        return f"{value:g}"  # 2, 1e+06
    return "<nil>" if value is None else str(value)


def go_json(value: Any) -> str:
    """Return a value as a template prints it: lists and mappings as Go's encoder of JSON writes them."""
    if isinstance(value, dict | list):
        text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return text.translate(_ESCAPED)  # only inside its strings can JSON have these
    return "null" if value is None else go_text(value)
