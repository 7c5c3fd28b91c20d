"""Objects as YAML and JSON, one alone or a `List`, keys sorted as kubectl prints them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from netlab.model.codec import encode
from netlab.model.lab import KubernetesObject


def as_yaml(items: Sequence[KubernetesObject], *, single: bool) -> str:
    """Return the objects as YAML."""
    import yaml  # noqa: PLC0415 - only this output needs it, and it costs 20 ms

    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)  # libyaml's, ten times as fast, if PyYAML was built with it
    return str(yaml.dump(plain(items, single=single), Dumper=dumper, allow_unicode=True, default_flow_style=False, width=10**6))


def as_json(items: Sequence[KubernetesObject], *, single: bool) -> str:
    """Return the objects as indented JSON."""
    return json.dumps(plain(items, single=single), indent=4, ensure_ascii=False, sort_keys=True) + "\n"


def as_json_line(item: Any) -> str:
    """Return plain data as one line of JSON, for what streams."""
    return json.dumps(item, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def plain(items: Sequence[KubernetesObject], *, single: bool) -> Any:
    """Return the objects as lists and mappings, in a `List` unless `single`."""
    if single:
        return encode(items[0])
    return {"apiVersion": "v1", "items": [encode(item) for item in items], "kind": "List", "metadata": {"resourceVersion": ""}}
