"""Times as objects have them. Source: Kubernetes API conventions (metav1.Time); RFC 3339."""

from __future__ import annotations

from datetime import UTC, datetime


def rfc3339(seconds: float) -> str:
    """Return a time in seconds since the epoch as RFC 3339 in UTC with whole seconds; "" for 0 (never)."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if seconds else ""
