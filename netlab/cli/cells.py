"""What stands in the cells of kubectl's tables, and how cells become lines: ages, labels, selectors, aligned columns.

Ages as kubectl's: 45s, 3m20s, 5h2m, 4d.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from netlab.model.meta import Labels, LabelSelector


def aligned(rows: Sequence[Sequence[str]], widths: list[int] | None = None) -> str:
    """Return rows of cells as lines of columns, three spaces apart, nothing behind the last one; `widths` are made to fit."""
    least = widths if widths is not None else []
    least += [0] * (len(rows[0]) - len(least) if rows else 0)
    for row in rows:
        least[:] = [max(width, len(cell)) for width, cell in zip(least, row, strict=True)]
    return "\n".join("   ".join(cell.ljust(width) for cell, width in zip(row, least, strict=True)).rstrip() for row in rows)


def age(stamp: str, now: float) -> str:
    """Return the time from an RFC 3339 stamp to `now` (seconds since the epoch) as kubectl shortens it."""
    if not stamp:
        return "<unknown>"
    return duration(max(0, int(now - datetime.fromisoformat(stamp).timestamp())))


def duration(seconds: int) -> str:
    """Return a time as kubectl shortens it. Source: apimachinery duration.HumanDuration."""
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if seconds < 60 * 2:
        return f"{seconds}s"
    if minutes < 10:
        return f"{minutes}m{seconds % 60}s" if seconds % 60 else f"{minutes}m"
    if minutes < 60 * 3:
        return f"{minutes}m"
    if hours < 8:
        return f"{hours}h{minutes % 60}m" if minutes % 60 else f"{hours}h"
    if hours < 48:
        return f"{hours}h"
    if days < 8:
        return f"{days}d{hours % 24}h" if hours % 24 else f"{days}d"
    return f"{days}d"


def pairs(labels: Labels) -> str:
    """Return labels as `a=b,c=d`, or `<none>`."""
    return ",".join(f"{key}={value}" for key, value in sorted(labels.items())) or "<none>"


def selector_words(selector: LabelSelector) -> str:
    """Return a selector as `a=b,c in (d,e),!f`, or `<none>`."""
    words = [f"{key}={value}" for key, value in sorted(selector.match_labels.items())]
    signs = {"Exists": "{}", "DoesNotExist": "!{}", "In": "{} in ({})", "NotIn": "{} notin ({})"}
    words += [signs[one.operator].format(one.key, ",".join(sorted(one.values))) for one in selector.match_expressions]
    return ",".join(words) or "<none>"
