"""Files that others read while we write them: replaced in one step, so a reader sees the old or the new text, never half."""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path

from netlab.errors import KernelError


def replace_text(path: Path, text: str, mode: int = 0o600) -> bool:
    """Make `path` hold exactly `text`; return False if it did already. The directory must exist.

    Raises:
        KernelError: the file cannot be written; a full disk is named as such.
    """
    try:
        with contextlib.suppress(FileNotFoundError):
            if path.read_text() == text:
                return False
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, mode)
        with os.fdopen(handle, "w") as file:
            file.write(text)
        draft.replace(path)
    except OSError as error:
        cure = "; free some space on that disk" if error.errno == errno.ENOSPC else ""
        raise KernelError(f"write {path}: {error.strerror}{cure}") from error
    return True
