"""What several kinds demand alike: no repeated names."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator

from netlab.model.codec import FieldProblem
from netlab.model.words import shown


def repeated(values: Iterable[Hashable], path: str, field: str) -> Iterator[FieldProblem]:
    """Yield a fault for each item of the list at `path` whose `field` has the value of an earlier item; empty is no name.

    Args:
        values: the field's value in each item; a tuple if it is unique only together with something else.
        path: the field path of the list.
        field: the field that a fault names.
    """
    first: dict[Hashable, int] = {}
    for n, value in enumerate(values):
        if value and first.setdefault(value, n) != n:
            where = f"{path}[{n}].{field}"
            text = " ".join(str(part) for part in value) if isinstance(value, tuple) else value
            yield (
                where,
                f"{shown(text)} is already used by {path.rpartition('.')[2]}[{first[value]}]",
                f"give it another {field}",
            )
