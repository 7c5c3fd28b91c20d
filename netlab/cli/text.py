"""Objects as YAML and JSON, one alone or a `List`, keys sorted as kubectl prints them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from netlab.model.codec import encode
from netlab.model.lab import KubernetesObject


def as_yaml(data: Any) -> str:
    """Return plain data as YAML."""
    import yaml  # noqa: PLC0415 - only this output needs it, and it costs 20 ms

    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)  # libyaml's, ten times as fast, if PyYAML was built with it
    return str(yaml.dump(data, Dumper=dumper, allow_unicode=True, default_flow_style=False, width=10**6))


def as_json(data: Any) -> str:
    """Return plain data as indented JSON."""
    return json.dumps(data, indent=4, ensure_ascii=False, sort_keys=True) + "\n"


def as_json_line(data: Any) -> str:
    """Return plain data as one line of JSON, for what streams."""
    return json.dumps(data, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def plain(items: Sequence[KubernetesObject], *, single: bool, whole: bool = True) -> Any:
    """Return the objects as lists and mappings, in a `List` unless `single`; `whole` with the defaults filled in."""
    if single:
        return encode(items[0], whole=whole)
    found = [encode(item, whole=whole) for item in items]
    return {"apiVersion": "v1", "items": found, "kind": "List", "metadata": {"resourceVersion": ""}}
