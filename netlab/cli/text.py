"""Objects as YAML and JSON, one alone or a `List`, as kubectl prints them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from netlab.model.codec import encode
from netlab.model.lab import KubernetesObject


def as_yaml(items: Sequence[KubernetesObject], *, single: bool) -> str:
    """Return the objects as YAML, fields in the order of the model."""
    import yaml  # noqa: PLC0415 - only this output needs it, and it costs 20 ms

    return str(yaml.safe_dump(_plain(items, single=single), sort_keys=False, allow_unicode=True, default_flow_style=False))


def as_json(items: Sequence[KubernetesObject], *, single: bool) -> str:
    """Return the objects as indented JSON."""
    return json.dumps(_plain(items, single=single), indent=4, ensure_ascii=False) + "\n"


def _plain(items: Sequence[KubernetesObject], *, single: bool) -> Any:
    if single:
        return encode(items[0])
    return {"apiVersion": "v1", "items": [encode(item) for item in items], "kind": "List", "metadata": {}}
