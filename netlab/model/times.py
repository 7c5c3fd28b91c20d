"""Times as objects have them. Source: Kubernetes API conventions (metav1.Time); RFC 3339."""

from __future__ import annotations

import functools
import math
from datetime import UTC, datetime


def rfc3339(seconds: float) -> str:
    """Return a time in seconds since the epoch as RFC 3339 in UTC with whole seconds; "" for 0 (never)."""
    return _text(math.floor(seconds)) if seconds else ""


@functools.lru_cache(maxsize=64)
def _text(seconds: int) -> str:
    """Whoever makes ten thousand objects makes most of them in the same second."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def epoch(stamp: str) -> float:
    """Return a time in RFC 3339 as seconds since the epoch; 0 for "" (never). Raises ValueError for what is no time."""
    return datetime.fromisoformat(stamp).timestamp() if stamp else 0.0
