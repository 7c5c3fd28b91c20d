"""What ConfigMaps and Secrets must fulfil: their size, what each type of Secret holds, and that `immutable` is for good.

A fault never says what a Secret holds. Source: Kubernetes pkg/apis/core/validation (ValidateConfigMap, ValidateSecret and their
updates).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final

from netlab.model.codec import FieldProblem
from netlab.model.config import ConfigMap, Secret
from netlab.model.formats import base64_text
from netlab.model.words import key_path, shown

MAX_CONFIG_BYTES: Final = 1024 * 1024
TOO_LONG: Final = f"must have at most {MAX_CONFIG_BYTES} bytes"
FIXED: Final = "field is immutable when `immutable` is set"
ACCOUNT_TYPE: Final = "kubernetes.io/service-account-token"
ACCOUNT: Final = "kubernetes.io/service-account.name"
# Type of a Secret -> keys that it has; of a tuple of keys one is enough.
NEEDED: Final[dict[str, tuple[str | tuple[str, ...], ...]]] = {
    "kubernetes.io/dockercfg": (".dockercfg",),
    "kubernetes.io/dockerconfigjson": (".dockerconfigjson",),
    "kubernetes.io/basic-auth": (("username", "password"),),
    "kubernetes.io/ssh-auth": ("ssh-privatekey",),
    "kubernetes.io/tls": ("tls.crt", "tls.key"),
}
JSON_KEYS: Final = (".dockercfg", ".dockerconfigjson")


def config_map_problems(item: ConfigMap) -> Iterator[FieldProblem]:
    """Yield what is wrong with a ConfigMap beyond its fields' types."""
    for key in sorted(item.data.keys() & item.binary_data.keys()):
        yield key_path("binaryData", key), "the key is already in data", "give it another key"
    texts = (value.encode(errors="replace") for value in item.data.values() if isinstance(value, str))
    if sum(map(len, texts)) + _binary_size(item.binary_data) > MAX_CONFIG_BYTES:
        yield "data", TOO_LONG, ""


def secret_problems(item: Secret) -> Iterator[FieldProblem]:
    """Yield what is wrong with a Secret beyond its fields' types."""
    if _binary_size(item.data) > MAX_CONFIG_BYTES:
        yield "data", TOO_LONG, ""
    if item.type == ACCOUNT_TYPE and not item.metadata.annotations.get(ACCOUNT):
        yield key_path("metadata.annotations", ACCOUNT), "required", f"a Secret of type {item.type} names its account"
    for needed in NEEDED.get(item.type, ()):
        keys = (needed,) if isinstance(needed, str) else needed
        if not any(key in item.data for key in keys):
            yield key_path("data", keys[0]), "required", f"a Secret of type {item.type} has {' or '.join(keys)}"
    for key in JSON_KEYS:
        if (key,) == NEEDED.get(item.type) and key in item.data and not _is_json(item, key):
            yield key_path("data", key), "must be JSON", "what ~/.docker/config.json holds"


def immutable_fault(old: ConfigMap | Secret, new: ConfigMap | Secret) -> str:
    """Return what is wrong with making `new` out of `old`, in the API server's words; empty if nothing is."""
    if isinstance(old, Secret) and isinstance(new, Secret) and old.type != new.type:
        return f"type: Invalid value: {shown(new.type)}: field is immutable"
    if not old.immutable:
        return ""
    if not new.immutable:
        return f"immutable: Forbidden: {FIXED}"
    if isinstance(old, ConfigMap) and isinstance(new, ConfigMap) and old.binary_data != new.binary_data:
        return f"binaryData: Forbidden: {FIXED}"
    return f"data: Forbidden: {FIXED}" if old.data != new.data else ""


def _binary_size(data: dict[str, str]) -> int:
    """How many bytes base64 texts stand for; faulty ones, of a draft, count as nothing."""
    good = (text for text in data.values() if isinstance(text, str) and not base64_text(text))
    return sum(len(text) // 4 * 3 - text.count("=") for text in good)


def _is_json(item: Secret, key: str) -> bool:
    if not isinstance(item.data[key], str) or base64_text(item.data[key]):
        return True  # its fault is said already
    try:
        json.loads(item.contents[key])
    except ValueError:
        return False
    return True
