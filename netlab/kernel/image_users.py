"""Which containers use an image: found in the Pods' directories of all labs, so that none is overlooked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from netlab.kernel.files import read
from netlab.kernel.poddir import PodDirectory

RECORD = "image"


def users(state: Path, image: str) -> Iterator[tuple[str, str]]:
    """Yield (lab, Pod uid) of each Pod in which a container has its root directory from the image of this id.

    One that has ended uses it until its next run, or the end of its Pod. `state` is the directory of all labs' state.
    """
    for pods in sorted(state.glob("*/pods")):
        for path in sorted(pods.iterdir()):
            pod = PodDirectory(path, Path(), pods.parent.name, path.name)
            newest = (pod.bundle(name, attempts[-1]) for name in pod.containers() if (attempts := pod.attempts(name)))
            if any(_uses(bundle.path, image) for bundle in newest):
                yield pods.parent.name, path.name


def _uses(bundle: Path, image: str) -> bool:
    return (read(bundle / RECORD) or "").partition("\n")[0] == image
