"""Manifests as they were written: beside each object the fields that stand there, and the file.

The object alone does not tell `replicas: 1` from nothing said; who merges it with what others set has to know (`merge`).
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Generic, NamedTuple, TextIO, TypeVar

from netlab.errors import ManifestError
from netlab.manifest.load import _Loading, load
from netlab.manifest.reader import Document
from netlab.model.lab import KubernetesObject, Lab
from netlab.model.wire import Plain

T_co = TypeVar("T_co", bound=KubernetesObject | Lab, covariant=True)


class Written(NamedTuple, Generic[T_co]):
    """An object, its fields as they were written, and the file they stand in; `stdin` for standard input."""

    item: T_co
    plain: Plain
    file: str


def load_written(
    paths: Sequence[str], default_namespace: str | None = None, stdin: TextIO | None = None
) -> list[Written[KubernetesObject | Lab]]:
    """Return what `load.load` returns for the same arguments, and how it was written. Raises ManifestError as it does."""
    loading = _Noting(default_namespace)
    for path in paths:
        loading.read_path(path, stdin)
    if loading.problems:
        raise ManifestError(tuple(sorted(set(loading.problems))))
    if not loading.written:
        load(paths, default_namespace, io.StringIO())  # raises: there are no objects
    return loading.written


class _Noting(_Loading):
    """Reads as `load` does, and keeps what it read."""

    def __init__(self, asked: str | None) -> None:
        super().__init__(asked)
        self.written: list[Written[KubernetesObject | Lab]] = []

    def _take(self, document: Document, file: str) -> None:
        super()._take(document, file)
        if len(self.objects) > len(self.written):
            self.written.append(Written(self.objects[-1], document.plain, file))
