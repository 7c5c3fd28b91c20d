"""The formats of paths in containers and in volumes: checks as in formats.py.

Source: Kubernetes' validation of volumes and mounts; path_resolution(7), PATH_MAX.
"""

from __future__ import annotations

PATH_MAX = 4095


def absolute_path(value: str) -> str:
    """An absolute path that no `..` leads astray."""
    if not value.startswith("/"):
        return "must be an absolute path"
    if "\0" in value or len(value.encode(errors="replace")) > PATH_MAX:
        return f"must be no more than {PATH_MAX} bytes, without NUL"
    return "must not contain '..'" if ".." in value.split("/") else ""


def mount_path(value: str) -> str:
    """An absolute path inside the container, other than its root; without ':', as in Kubernetes."""
    if ":" in value:
        return "must not contain ':'"
    return absolute_path(value) or ("" if value.strip("/") else "must not be the root directory")


def volume_path(value: str) -> str:
    """A path inside a volume that stays there and is not one of the names by which the files are exchanged."""
    if value.startswith("/"):
        return "must be a relative path"
    if ".." in value.split("/"):
        return "must not contain '..'"
    if value.startswith(".."):
        return "must not start with '..'"
    return "" if all(part not in {"", "."} for part in value.split("/")) else "must have a name in each of its parts"


def sub_path(value: str) -> str:
    """A relative path without `..`."""
    if value.startswith("/"):
        return "must be a relative path"
    return "must not contain '..'" if ".." in value.split("/") else ""
