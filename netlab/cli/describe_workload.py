"""What `describe` says of a ConfigMap, a Secret and a Namespace. Source: kubectl describe (v1.32)."""

from __future__ import annotations

from collections.abc import Iterator

from netlab.model.config import ConfigMap, Secret, decoded
from netlab.model.node import Namespace


def config_map_lines(item: ConfigMap) -> Iterator[str]:
    """Yield the data of a ConfigMap, whole and line by line."""
    yield from ("", "Data", "====")
    for key, value in sorted(item.data.items()):
        yield from (f"{key}:", "----", *value.split("\n"), "")
    yield from ("", "BinaryData", "====")
    yield from (f"{key}: {len(value)} bytes" for key, value in sorted(decoded(item.binary_data).items()))
    yield ""


def secret_lines(item: Secret) -> Iterator[str]:
    """Yield the type of a Secret, and how long its values are: what they are is not shown."""
    yield from ("", f"Type:\t{item.type}", "", "Data", "====")
    yield from (f"{key}:\t{len(value)} bytes" for key, value in sorted(item.contents.items()))


def namespace_lines(item: Namespace) -> Iterator[str]:
    """Yield what there is to say of a Namespace behind its annotations."""
    yield f"Status:\t{'Terminating' if item.metadata.deletion_timestamp else 'Active'}"
    yield from ("", "No resource quota.", "", "No LimitRange resource.")
