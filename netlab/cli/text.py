"""Objects as YAML and JSON, one alone or a `List`, keys sorted as kubectl prints them."""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from typing import Any

from netlab.model.codec import encode
from netlab.model.lab import KubernetesObject


def as_yaml(data: Any) -> str:
    """Return plain data as YAML. A text that would be read as something else (scalars.py) is quoted: `'y'`, `'1e3'`."""
    import yaml  # noqa: PLC0415 - only this output needs it, and it costs 20 ms

    return str(yaml.dump(data, Dumper=_dumper(), allow_unicode=True, default_flow_style=False, width=10**6))


@functools.cache
def _dumper() -> Any:
    """libyaml's, ten times as fast, if PyYAML was built with it; which texts are none PyYAML knows by rules of its own."""
    import yaml  # noqa: PLC0415 - as above

    from netlab.manifest.scalars import resolve  # noqa: PLC0415

    class Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
        def represent_str(self, value: str) -> Any:
            style = None if isinstance(resolve(value), str) else "'"
            return self.represent_scalar("tag:yaml.org,2002:str", value, style=style)

    Dumper.add_representer(str, Dumper.represent_str)
    return Dumper


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
