"""kubectl's layout of a description: labels and values in columns two apart, and the parts that every kind has.

A tab ends a cell. Cells of neighbouring lines that stand in the same place are made equally wide, so one long label widens
only the lines around it. Source: kubectl describe (v1.32), which writes through Go's text/tabwriter.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from netlab.cli.cells import age
from netlab.cli.saying import visible
from netlab.model.event import Event

GAP = 2
LONGEST_VALUE = 140
NONE = "<none>"


def tabbed(lines: Iterable[str]) -> str:
    """Return lines whose cells end with tabs as columns. Control characters but tab are shown as `^[`, never sent."""
    rows = [visible(line).split("\t") for line in lines]
    for column in range(max(map(len, rows), default=1) - 1):
        for is_ended, run in itertools.groupby(rows, lambda row: len(row) > column + 1):  # noqa: B023 - used before it changes
            if is_ended:
                cells = list(run)
                width = max(len(row[column]) for row in cells) + GAP
                for row in cells:
                    row[column] = row[column].ljust(width)
    return "\n".join("".join(row).rstrip() for row in rows)


def mapping(label: str, values: Mapping[str, str], *, sign: str = "=", indent: str = "") -> Iterator[str]:
    """Yield `Labels:` with one pair a line, the first beside the label."""
    pairs = [f"{key}{sign}{_short(value)}" for key, value in sorted(values.items())]
    yield from listed(f"{indent}{label}", pairs)


def listed(label: str, values: Sequence[str]) -> Iterator[str]:
    """Yield a label with one value a line, the first beside the label; `<none>` if there is none."""
    first, *more = values or [NONE]
    yield f"{label}:\t{first}"
    yield from (f"\t{value}" for value in more)


def headed(label: str, inside: Collection[object]) -> str:
    """Return the line above a section, which says `<none>` if nothing follows."""
    return f"{label}:" if inside else f"{label}:\t{NONE}"


def block(label: str, headings: Sequence[str], rows: Iterable[Sequence[str]], *, dashes: int = 0) -> Iterator[str]:
    """Yield a table below a label: headings, `dashes` or as many as letters, rows; `<none>` beside the label without rows."""
    found = list(rows)
    yield headed(label, found)
    for row in (headings, ["-" * max(len(title), dashes) for title in headings], *found) if found else ():
        yield "  " + "\t".join(row)


def long_time(stamp: str) -> str:
    """Return an RFC 3339 stamp as kubectl describes it, in the user's time zone: `Wed, 31 Jan 2001 12:00:00 +0000`."""
    return datetime.fromisoformat(stamp).astimezone().strftime("%a, %d %b %Y %H:%M:%S %z") if stamp else "<unset>"


def last_seen(event: Event, now: float) -> str:
    """Return how long ago an event happened, and how often: `10s`, or `10s (x3 over 1m)`."""
    ago = age(event.last_timestamp, now)
    return ago if event.count == 1 else f"{ago} (x{event.count} over {age(event.first_timestamp, now)})"


def event_lines(known: Iterable[Event], now: float) -> Iterator[str]:
    """Yield the section `Events:` that every description ends with."""
    rows = [[item.type, item.reason, last_seen(item, now), item.source.component, item.message.strip()] for item in known]
    yield from block("Events", ["Type", "Reason", "Age", "From", "Message"], rows, dashes=4)


def event_page(event: Event) -> Iterator[str]:
    """Yield what there is to say of an Event itself."""
    yield f"Involved Object:\t{event.about}"
    yield f"Type:\t{event.type}"
    yield f"Reason:\t{event.reason}"
    yield f"Message:\t{event.message.strip()}"
    yield f"Source:\t{event.source.component}"
    yield f"First Timestamp:\t{long_time(event.first_timestamp)}"
    yield f"Last Timestamp:\t{long_time(event.last_timestamp)}"
    yield f"Count:\t{event.count}"


def _short(value: str) -> str:
    return f"{value[:LONGEST_VALUE]}..." if len(value) > LONGEST_VALUE else value
