"""`--sort-by`: objects in the order of one field. Pure.

Rules: an object without the field, or with null there, comes first; equal ones stay in their order; numbers go by value; texts
go by value if all of them are quantities (100m, 2Gi), else in natural order (web-2 before web-10), which for RFC 3339 times is
the order of time; where a path finds several values, the first counts. As in kubectl, a field that no object has is an error,
and so is one that is a map, a list, true or false, or not of one kind in all objects.
Source: kubectl pkg/cmd/get/sorter.go as of v1.32; apimachinery pkg/api/resource (quantities).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from netlab.cli.jsonpath import find, relaxed
from netlab.cli.words import usage
from netlab.model.quantity import quantity_value

Plain = TypeVar("Plain", bound=Mapping[str, Any])

_RUNS = re.compile(r"0*([0-9]+)|[^0-9]+")


def sort_items(items: Sequence[Plain], path: str) -> list[Plain]:
    """Return the objects, the same ones, in the order of what stands at `path` (`.metadata.name`, `{.metadata.name}`).

    Raises:
        ManifestError: the path cannot be read, no object has the field, or its values have no order.
    """
    found = [find(path, item) for item in items]
    if not path:
        return list(items)
    if items and not any(found):
        message = f'couldn\'t find any field with path "{relaxed(path)}" in the list of objects'
        raise usage(message, "`-o yaml` shows the fields there are")
    values = [values[0] if values else None for values in found]
    order = _order([value for value in values if value is not None], path)
    keys = [(value is not None, None if value is None else order(value)) for value in values]
    return [items[place] for place in sorted(range(len(items)), key=keys.__getitem__)]


def _order(values: list[Any], path: str) -> Callable[[Any], Any]:
    """What to compare values by."""
    if len(values) < 2:
        return lambda _: 0
    kinds = {_kind(value) for value in values}
    for kind in sorted(kinds - {"number", "text"}):
        raise usage(f"unsortable type: {kind}", f"at {path}; choose a field that is a number or a text")
    if len(kinds) > 1:
        raise usage("unsortable type: a number in some objects, a text in others", f"at {path}; choose a field of one type")
    if kinds != {"text"}:
        return lambda value: value
    quantities = {value: quantity_value(value) for value in values}
    return _natural if None in quantities.values() else quantities.__getitem__


def _kind(value: Any) -> str:
    if isinstance(value, str):
        return "text"
    if isinstance(value, bool):
        return "bool"
    return "number" if isinstance(value, int | float) else "map" if isinstance(value, dict) else "list"


def _natural(text: str) -> list[tuple[int, int, str, int]]:
    """A key in which runs of digits count as numbers, before letters; of 1 and 01, the one with fewer zeros comes first."""
    return [
        (0, len(run[1]), run[1], len(run[0])) if run[1] is not None else (1, 0, run[0], 0)
        for run in _RUNS.finditer(text)
    ]  # fmt: skip
