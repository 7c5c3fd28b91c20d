"""The images of this machine: one store for all labs, written by skopeo alone and read here.

    /var/lib/netlab/_images/storage/          root of containers-storage, driver overlay
        overlay-images/images.json            id, names, top layer of each image
        overlay-images/<id>/=<base64>         its configuration, under the base64 of the configuration's digest
        overlay-layers/layers.json            id, parent, sizes of each layer
        overlay/<layer>/diff                  what the layer holds; overlay/l/<short name> leads to it
    /var/lib/netlab/_images/tmp/<pull>/       what a pull has downloaded so far
    /run/netlab/_images/run                   its run root: locks
    /run/netlab/_images/storage.conf          in place of the machine's: containers-storage.conf(5)
    /run/netlab/_images/lock                  shared by those who begin to use an image, alone for who removes some
    /run/netlab/_images/pulls/<key>/          what is known of a pull (pull_records.py)

`_images` cannot be the name of a lab. Labs share layers, and images outlive them: a cache. skopeo replaces its JSON files
whole, so a reader needs no lock; layers that are marked `incomplete` belong to a pull that was killed.
Source: containers-storage(7), containers/storage (images.go, layers.go, drivers/overlay).
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from netlab.errors import KernelError, NotFound
from netlab.frozen import dataclass
from netlab.kernel.files import PRIVATE, read, replace_text, translated
from netlab.kernel.image_config import parse_config
from netlab.netstate.image import Image, ImageConfig

STORE: Final = "_images"
HEX: Final = re.compile(r"[0-9a-f]{64}")
LINK: Final = re.compile(r"[A-Z0-9]{1,64}")
SETTINGS: Final = '[storage]\ndriver = "overlay"\n'
LAYERS_MAX: Final = 128  # of the kernel's 500 lower directories; more than any builder makes


@dataclass(frozen=True, slots=True)
class ImageStore:
    """The directories: `data` on a real disk, `state` in /run."""

    data: Path
    state: Path

    @property
    def root(self) -> Path:
        """Skopeo's root."""
        return self.data / "storage"

    @property
    def overlay(self) -> Path:
        """The directory in which the layers are unpacked."""
        return self.root / "overlay"

    @property
    def downloads(self) -> Path:
        """Where pulls put what they download."""
        return self.data / "tmp"

    @property
    def pulls(self) -> Path:
        """Where the records of pulls are."""
        return self.state / "pulls"

    @property
    def settings(self) -> Path:
        """The file that skopeo reads as its storage.conf."""
        return self.state / "storage.conf"

    @property
    def lock(self) -> Path:
        """The file that keeps those apart who use images and who remove them."""
        return self.state / "lock"

    def location(self, name: str) -> str:
        """Return how skopeo calls the image of this name in this store."""
        return f"containers-storage:[overlay@{self.root}+{self.state / 'run'}]{name}"

    def make(self) -> None:
        """Make the directories, for root alone. Raises KernelError."""
        for directory in (self.root, self.downloads, self.state / "run", self.pulls):
            with translated("mkdir", directory):
                directory.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
        for directory in (self.data, self.state):
            with translated("chmod", directory):
                directory.chmod(PRIVATE)
        replace_text(self.settings, SETTINGS)

    def images(self) -> list[Image]:
        """Return all images. Raises KernelError if the store cannot be read."""
        layers = {entry["id"]: entry for entry in self._entries("overlay-layers/layers.json")}
        return [self._image(entry, layers) for entry in self._entries("overlay-images/images.json")]

    def find(self, word: str) -> Image | None:
        """Return the image of this normalised name, or of this id or the beginning of one; None if there is none."""
        images = self.images()
        named = next((image for image in images if word in image.names), None)
        by_id = [image for image in images if len(word) >= 4 and image.id.startswith(word.removeprefix("sha256:"))]  # noqa: PLR2004
        return named or (by_id[0] if len(by_id) == 1 else None)

    def links(self, image: Image) -> list[str]:
        """Return the short names of an image's layers, relative to `overlay`, the topmost first.

        Raises:
            NotFound: a layer is not there.
        """
        found = [(read(self.overlay / layer / "link") or "").strip() for layer in image.layers]
        if not found or not all(LINK.fullmatch(link) for link in found) or len(found) > LAYERS_MAX:
            raise NotFound(f"the layers of image {image.id[:12]} are not complete")
        return [f"l/{link}" for link in found]

    def _entries(self, name: str) -> Iterator[dict[str, Any]]:
        """The objects in a JSON file whose ids are such."""
        try:
            found = json.loads(read(self.root / name) or "[]")
        except ValueError as error:
            raise KernelError(f"{self.root / name} cannot be read: {error}") from error
        return (entry for entry in found if isinstance(entry, dict) and HEX.fullmatch(str(entry.get("id"))))

    def _image(self, entry: dict[str, Any], layers: dict[str, dict[str, Any]]) -> Image:
        chain = list(_chain(str(entry.get("layer", "")), layers))
        encoded = base64.b64encode(f"sha256:{entry['id']}".encode()).decode()
        config, flaw = ImageConfig(), ""
        try:
            config = parse_config(read(self.root / "overlay-images" / entry["id"] / f"={encoded}") or "{}")
        except KernelError as error:  # trouble of whoever wants to run it: others have theirs, and it can be removed
            flaw = str(error)
        return Image(
            id=entry["id"],
            digest=str(entry.get("digest", "")),
            names=tuple(str(name) for name in entry.get("names") or ()),
            layers=tuple(layer["id"] for layer in chain),
            size=sum(int(layer.get("diff-size", 0)) for layer in chain),
            config=config,
            flaw=flaw,
        )


def _chain(top: str, layers: dict[str, dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The layers from the topmost down; a chain that is broken or unfinished has none."""
    found: list[dict[str, Any]] = []
    while top:
        layer = layers.get(top)
        if layer is None or (layer.get("flags") or {}).get("incomplete") or len(found) >= LAYERS_MAX:
            return
        found.append(layer)
        top = str(layer.get("parent", ""))
    yield from found
