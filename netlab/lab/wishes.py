"""What a Python program hands over becomes checked objects: files, folders, YAML text, dicts; a lab's size becomes a LabSpec.

Which of them a source is, its type says; a `str` with a line break is text, any other one a path.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from netlab.errors import ManifestError, Problem
from netlab.manifest.load import STDIN, Written, load_written
from netlab.manifest.source import Source as Text
from netlab.model.codec import encode
from netlab.model.lab import KubernetesObject, Lab, LabSpec
from netlab.model.meta import ObjectMeta

Source = str | Path | Mapping[str, Any] | Sequence[Mapping[str, Any]]
"""A file or folder, YAML text, an object in Kubernetes' shape, or several of those."""

MAX_NODES = 64
NO_FILE = "text"
"""What is said in place of a file's name."""


def read_objects(source: Source, namespace: str | None = None, base: Path | None = None) -> list[Written[KubernetesObject]]:
    """Return the Kubernetes objects of a source as they were written, in their order.

    Args:
        source: where they stand.
        namespace: for objects that name none; those of another one are refused. None: `default`, and each keeps its own.
        base: what a relative path is relative to; None: the working directory.

    Raises:
        ManifestError: with every problem. What was no file is called `text`.
    """
    objects = _load(source, namespace, base)
    labs = [one.item for one in objects if isinstance(one.item, Lab)]
    if labs:
        raise ManifestError(
            tuple(_problem(str(lab.key), "a Lab is not applied", "Lab(nodes=lab_spec) makes it") for lab in labs)
        )
    return [Written(one.item, one.plain, one.text, one.source, one.line) for one in objects if not isinstance(one.item, Lab)]


def lab_spec(nodes: int | Sequence[str] | LabSpec | None) -> LabSpec | None:
    """Return the checked size of a lab: so many Nodes (`node-1`, ...), Nodes of these names, a whole LabSpec; None: unsaid.

    Raises:
        ManifestError: there cannot be a lab like that.
    """
    if nodes is None:
        return None
    if isinstance(nodes, LabSpec):
        spec = encode(nodes)
    else:
        if isinstance(nodes, int) and not 1 <= nodes <= MAX_NODES:
            raise ManifestError((_problem("", f"a lab has 1 to {MAX_NODES} Nodes, not {nodes}"),))
        names = [f"node-{n}" for n in range(1, nodes + 1)] if isinstance(nodes, int) else nodes
        spec = {"nodes": [{"name": name} for name in names]}
    meta = encode(ObjectMeta(name="lab"))
    (lab,) = _load({"apiVersion": Lab.api_version, "kind": Lab.kind, "metadata": meta, "spec": spec}, None, None)
    return lab.item.spec if isinstance(lab.item, Lab) else None


def _load(source: Source, namespace: str | None, base: Path | None) -> list[Written[KubernetesObject | Lab]]:
    if isinstance(source, Path) or (isinstance(source, str) and source and "\n" not in source):
        return load_written([str(Path(base or "", source))], default_namespace=namespace)
    text = source if isinstance(source, str) else _written([source] if isinstance(source, Mapping) else list(source))
    named = Text(NO_FILE, text)
    try:
        found = load_written([STDIN], default_namespace=namespace, stdin=io.StringIO(text))
        return [one._replace(source=named) for one in found]
    except ManifestError as error:
        raise ManifestError(tuple(replace(one, file=NO_FILE) for one in error.problems)) from None


def _written(plain: Sequence[Any]) -> str:
    """Return objects as one text. JSON is YAML, and says exactly what stands in the dict."""
    try:
        return "\n---\n".join(json.dumps(item, ensure_ascii=False, allow_nan=False) for item in plain)
    except (TypeError, ValueError) as error:
        raise ManifestError((_problem("", f"cannot be written as JSON: {error}"),)) from None


def _problem(subject: str, message: str, hint: str = "") -> Problem:
    return Problem(file=NO_FILE, line=0, object=subject, path="", message=message, hint=hint)
