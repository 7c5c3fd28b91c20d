"""What is known of the pulls of one image on this machine: the newest one, and whether it goes on."""

from __future__ import annotations

from netlab.frozen import dataclass
from netlab.netstate.image import Image


@dataclass(frozen=True, slots=True, kw_only=True)
class PullRecord:
    """The newest pull of a reference. Times are seconds since the epoch, `finished_at` 0 until it has ended.

    `failures` counts those that failed one after the other; `error` says why the newest did; `received` is how many bytes it
    has downloaded, `size` that of the image, unpacked.
    """

    reference: str
    started_at: float
    finished_at: float = 0.0
    failures: int = 0
    error: str = ""
    received: int = 0
    size: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageLook:
    """One reference as it is on this machine: the image if it is there, its newest pull, and whether that is at work."""

    image: Image | None = None
    record: PullRecord | None = None
    running: bool = False
