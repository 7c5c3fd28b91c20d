"""Files that hold images: which there are in one, and how skopeo calls each. Nothing is unpacked here.

    Docker archive .... a tar with manifest.json (`docker save`); names in RepoTags
    OCI archive ....... a tar of an OCI directory
    OCI directory ..... oci-layout, index.json; names in annotations

Source: containers-transports(5); OCI image-spec 1.0, image-layout.md and annotations.md; docker-save(1).
"""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from netlab.errors import NetlabError
from netlab.frozen import dataclass

LARGEST: Final = 4 << 20
EXPECTED: Final = "an OCI archive, a Docker archive or an OCI directory is expected"
CONTAINERD_NAME: Final = "io.containerd.image.name"
REF_NAME: Final = "org.opencontainers.image.ref.name"


@dataclass(frozen=True, slots=True)
class Packed:
    """One image of a file: the transport, what stands behind the path to pick it, its name, empty without one."""

    transport: str
    pick: str
    name: str

    def source(self, path: Path) -> str:
        """Return how skopeo calls it. The path must be without a colon."""
        return f"{self.transport}:{path}" + (f":{self.pick}" if self.pick else "")


def packed_images(path: Path) -> list[Packed]:
    """Return the images in a file or directory. Raises NetlabError for one that is none of the three kinds."""
    try:
        found = _in_directory(path) if path.is_dir() else _in_archive(path)
    except (OSError, tarfile.TarError, EOFError, ValueError, TypeError, AttributeError, RecursionError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise NetlabError(f"{path}: no image can be read from it: {why}; {EXPECTED}") from error
    if not found:
        raise NetlabError(f"{path}: holds no image; {EXPECTED}")
    return found


def _in_directory(path: Path) -> list[Packed]:
    index = path / "index.json"
    if index.stat().st_size > LARGEST:
        raise ValueError("index.json is too large")
    return list(_of_index(json.loads(index.read_text()), "oci"))


def _in_archive(path: Path) -> list[Packed]:
    wanted = {"manifest.json", "index.json"}
    texts: dict[str, str] = {}
    with tarfile.open(path) as archive:
        for member in archive:
            name = member.name.removeprefix("./")
            if name in wanted and member.isreg() and member.size <= LARGEST and (file := archive.extractfile(member)):
                texts[name] = file.read().decode()
    if "manifest.json" in texts:
        return list(_of_docker(json.loads(texts["manifest.json"])))
    return list(_of_index(json.loads(texts["index.json"]), "oci-archive")) if "index.json" in texts else []


def _of_docker(images: list[dict[str, Any]]) -> Iterator[Packed]:
    for position, image in enumerate(images):
        names = image.get("RepoTags") or []
        yield from (Packed("docker-archive", str(name), str(name)) for name in names)
        if not names:
            yield Packed("docker-archive", f"@{position}", "")


def _of_index(index: dict[str, Any], transport: str) -> Iterator[Packed]:
    manifests = index.get("manifests") or []
    for manifest in manifests:
        notes = manifest.get("annotations") or {}
        pick = str(notes.get(REF_NAME, "")) if len(manifests) > 1 else ""
        name = str(notes.get(CONTAINERD_NAME) or notes.get(REF_NAME, ""))
        yield Packed(transport, pick, name if {":", "/"} & set(name) else "")
