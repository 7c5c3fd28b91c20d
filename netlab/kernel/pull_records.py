"""What is known of pulls, in files: one directory for each reference, for root alone, gone after a reboot.

<pulls>/<key>/lock      kept by the process that pulls; its content is that process's pid
<pulls>/<key>/record    the newest pull, as JSON, replaced whole
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, fields
from pathlib import Path

from netlab.frozen import dataclass
from netlab.kernel.files import PRIVATE, make_directory, read, replace_text
from netlab.netstate.pull import PullRecord

KEY_DIGITS = 20


@dataclass(frozen=True, slots=True)
class PullDirectory:
    """The directory of the pulls of one reference, there or not."""

    path: Path

    @property
    def lock(self) -> Path:
        """The file that is kept by whoever pulls."""
        return self.path / "lock"

    def make(self) -> None:
        """Make the directory; its parent must exist. Raises KernelError."""
        make_directory(self.path, PRIVATE)

    def record(self) -> PullRecord | None:
        """Return what is known of the newest pull; None if there was none. Raises KernelError if it cannot be read."""
        text = read(self.path / "record")
        if not text:
            return None
        given = json.loads(text)
        return PullRecord(**{field.name: given[field.name] for field in fields(PullRecord) if field.name in given})

    def write(self, record: PullRecord) -> None:
        """Replace the record. Raises KernelError."""
        replace_text(self.path / "record", json.dumps(asdict(record)))


def pull_directory(pulls: Path, reference: str) -> PullDirectory:
    """Return the directory for a normalised reference."""
    return PullDirectory(pulls / hashlib.sha256(reference.encode()).hexdigest()[:KEY_DIGITS])
