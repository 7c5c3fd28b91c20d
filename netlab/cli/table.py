"""Objects of one kind as kubectl's table of them."""

from __future__ import annotations

from collections.abc import Sequence

from netlab.cli.cells import aligned, pairs
from netlab.cli.columns import COLUMNS, NAME, Cell
from netlab.cli.words import subject
from netlab.model.lab import KubernetesObject


def table(
    kind: str,
    items: Sequence[KubernetesObject],
    now: float,
    *,
    wide: bool = False,
    namespaced: bool = False,
    headers: bool = True,
    labels: bool = False,
    label_columns: Sequence[str] = (),
    prefix: bool = False,
    widths: list[int] | None = None,
) -> str:
    """Return the objects of one kind as aligned columns, three spaces apart.

    Args:
        kind: which columns.
        items: the objects, in the order of the lines.
        now: seconds since the epoch, for ages.
        wide: add the columns of `-o wide`.
        namespaced: begin with the column NAMESPACE.
        headers: begin with the line of headings.
        labels: end with the column LABELS.
        label_columns: labels with a column of their own (`-L`), the last part of the key as heading.
        prefix: write names as `pod/web`, as kubectl does when several kinds are listed.
        widths: of the columns printed so far; they only grow, so that lines printed later stand under the earlier ones.
    """
    columns = [*COLUMNS[kind][0], *(COLUMNS[kind][1] if wide else ())]
    if prefix:
        columns = [("NAME", _subject) if column == NAME else column for column in columns]
    if namespaced:
        columns.insert(0, ("NAMESPACE", lambda item, _: item.metadata.namespace))
    columns += [(label.rpartition("/")[2].upper(), _label_cell(label)) for label in label_columns]
    if labels:
        columns.append(("LABELS", lambda item, _: pairs(item.metadata.labels)))
    rows = [[cell(item, now) for _, cell in columns] for item in items]
    return aligned([[title for title, _ in columns], *rows] if headers else rows, widths)


def _label_cell(label: str) -> Cell:
    return lambda item, _: str(item.metadata.labels.get(label, ""))


def _subject(item: KubernetesObject, _: float) -> str:
    return subject(item.key)
