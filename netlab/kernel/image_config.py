"""The configuration of an image, read. Pure. Images are made by strangers: every value is looked at before it is used.

Source: OCI image-spec 1.0, config.md; Docker's image spec v1.2 has the same names.
"""

from __future__ import annotations

import json
from typing import Any

from netlab.errors import KernelError
from netlab.netstate.image import ImageConfig


def parse_config(text: str) -> ImageConfig:
    """Return what an image's configuration says; absent fields are empty. Raises KernelError for what is none."""
    try:
        config = _mapping(_mapping(json.loads(text)).get("config"))
        return ImageConfig(
            entrypoint=_words(config, "Entrypoint"),
            cmd=_words(config, "Cmd"),
            env=tuple(_variable(line) for line in _words(config, "Env")),
            user=_word(config, "User"),
            working_dir=_word(config, "WorkingDir"),
            stop_signal=_word(config, "StopSignal"),
            volumes=tuple(sorted(_text(path) for path in _mapping(config.get("Volumes")))),
        )
    except (ValueError, TypeError, RecursionError) as error:
        raise KernelError(f"the configuration of the image cannot be read: {error}") from error


def _mapping(value: object) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise TypeError("an object is expected")
    return value


def _words(config: dict[str, Any], name: str) -> tuple[str, ...]:
    value = config.get(name) or []
    if not isinstance(value, list):
        raise TypeError(f"{name} is no list")
    return tuple(_text(item) for item in value)


def _word(config: dict[str, Any], name: str) -> str:
    return _text(config.get(name) or "")


def _text(value: object) -> str:
    """A word that can be an argument, a variable or a path: a string without NUL, and none that JSON alone can write."""
    if not isinstance(value, str) or "\0" in value:
        raise ValueError(f"{value!r} is no text")
    value.encode()  # half of a surrogate pair is a ValueError, too
    return value


def _variable(line: str) -> tuple[str, str]:
    name, _, value = line.partition("=")
    if not name:
        raise ValueError(f"{line!r} is no variable")
    return name, value
