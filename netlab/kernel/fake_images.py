"""Images in memory: the Fake of kernel.port.Images. Pulls go on until a test ends them (`brings`, `fails`)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from netlab.desired.image_names import ImageName, parse
from netlab.netstate.image import Image, ImageConfig
from netlab.netstate.pull import ImageLook, PullRecord


class FakeImages:
    """What there is, by normalised name; `pulls` counts those that were begun."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.found: dict[str, ImageLook] = {}
        self.pulls: list[str] = []
        self._clock = clock

    def look(self, name: ImageName) -> ImageLook:
        """Return what there is of an image."""
        return self.found.get(str(name), ImageLook())

    def pull(self, name: ImageName, failures: int, now: float) -> None:
        """Begin to pull, unless a pull is at work."""
        known = self.look(name)
        if not known.running:
            self.pulls.append(str(name))
            record = PullRecord(reference=str(name), started_at=now, failures=failures)
            self.found[str(name)] = replace(known, record=record, running=True)

    def brings(self, word: str, config: ImageConfig) -> None:
        """The pull of an image ends well; there need not have been one."""
        name = str(parse(word))
        image = Image(id=f"{len(self.found):064x}", names=(name,), config=config)
        record = PullRecord(reference=name, started_at=self._clock() - 2.5, finished_at=self._clock(), size=1234)
        self.found[name] = ImageLook(image=image, record=record)

    def fails(self, word: str, error: str) -> None:
        """The pull that is at work fails."""
        name = str(parse(word))
        known = self.found[name]
        if known.record is not None:
            record = replace(known.record, finished_at=self._clock(), failures=known.record.failures + 1, error=error)
            self.found[name] = replace(known, record=record, running=False)
