"""ConfigMap and Secret: configuration that Pods read, as variables or as files.

Of both, `contents` is what counts: the bytes under each key. A Secret keeps them in base64, as the API does, and what is
secret of it never becomes part of a message.
Source: Kubernetes API reference, core/v1 ConfigMap and Secret.
"""

from __future__ import annotations

from base64 import b64decode
from dataclasses import field
from typing import Annotated, ClassVar

from netlab.frozen import dataclass
from netlab.model.meta import Key, ObjectMeta

OPAQUE = "Opaque"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigMap:
    """Configuration under keys: text in `data`, anything in `binary_data`. `immutable` is for good."""

    kind: ClassVar[str] = "ConfigMap"
    api_version: ClassVar[str] = "v1"
    metadata: ObjectMeta
    data: dict[Annotated[str, "config-key"], str] = field(default_factory=dict)
    binary_data: dict[Annotated[str, "config-key"], Annotated[str, "base64"]] = field(default_factory=dict)
    immutable: bool = False

    @property
    def key(self) -> Key:
        """The ConfigMap's identity."""
        return Key("ConfigMap", self.metadata.namespace, self.metadata.name)

    @property
    def contents(self) -> dict[str, bytes]:
        """The bytes under each key."""
        return {key: text.encode() for key, text in self.data.items()} | decoded(self.binary_data)


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """Passwords, keys and the like. `string_data` is a way to write `data` as text: no Secret that was read has any."""

    kind: ClassVar[str] = "Secret"
    api_version: ClassVar[str] = "v1"
    metadata: ObjectMeta
    type: str = OPAQUE
    data: dict[Annotated[str, "config-key"], Annotated[str, "base64"]] = field(default_factory=dict)
    string_data: dict[Annotated[str, "config-key"], Annotated[str, "secret-text"]] = field(default_factory=dict)
    immutable: bool = False

    @property
    def key(self) -> Key:
        """The Secret's identity."""
        return Key("Secret", self.metadata.namespace, self.metadata.name)

    @property
    def contents(self) -> dict[str, bytes]:
        """The bytes under each key."""
        return decoded(self.data)


def decoded(data: dict[str, str]) -> dict[str, bytes]:
    """Return the bytes that base64 texts stand for."""
    return {key: b64decode(text) for key, text in data.items()}
