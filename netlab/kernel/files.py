"""Files and directories of a lab: written so that a reader never sees half of one, removed so that a crash can be repeated."""

from __future__ import annotations

import contextlib
import errno
import os
from _thread import get_native_id  # what `threading` gives, too
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Final

from netlab.errors import KernelError

OPEN: Final = 0o755
PRIVATE: Final = 0o700
REMOVERS: Final = 8
WORTH_ONE: Final = 8  # directories for each of them


def replace_text(path: Path | str, text: str, mode: int = 0o600) -> bool:
    """Make `path` hold exactly `text`; return False if it did already. The directory must exist. Several threads may do so.

    Raises:
        KernelError: the file cannot be written; a full disk is named as such.
    """
    if read(path) == text:
        return False
    with translated("write", path):
        directory, _, name = str(path).rpartition("/")
        draft = f"{directory}/.{name}.{get_native_id()}"
        _write(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, mode), text)
        os.replace(draft, path)  # noqa: PTH105 - some for each container
    return True


def touch(path: Path) -> None:
    """Open a file for writing and close it, which those who watch its directory see. Raises KernelError."""
    with translated("write", path):
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600))


def remove_tree(path: Path, *, last: Collection[Path] = ()) -> None:
    """Remove a directory with all that is in it; not there, nothing happens. Links are removed, not followed.

    Entries in `last` go after all others, in their order, so that what they stand for holds until the end. Raises KernelError.
    """
    import shutil  # noqa: PLC0415 - commands that only look do not pay its millisecond

    with translated("remove", path), contextlib.suppress(FileNotFoundError):
        for entry in (*(entry for entry in sorted(path.iterdir()) if entry not in last), *last):
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink(missing_ok=True)
        path.rmdir()


def remove_trees(paths: Sequence[Path]) -> None:
    """Remove directories with all that is in them, however much that is; those that are not there are fine.

    Programs do it, several side by side: other threads of ours have Python for themselves, and the file system may wait for the
    disk at each directory (option `discard`). What is mounted in there is not touched. Raises KernelError.
    """
    from subprocess import DEVNULL, PIPE, Popen  # noqa: PLC0415 - as above

    words = ["rm", "--recursive", "--force", "--one-file-system", "--preserve-root=all", "--"]
    started: list[Popen[str]] = []
    try:
        removers = min(REMOVERS, -(-len(paths) // WORTH_ONE))
        for start in range(removers):
            share = [*words, *map(str, paths[start::removers])]
            started.append(Popen(share, stdin=DEVNULL, stdout=DEVNULL, stderr=PIPE, text=True, errors="replace"))
    except OSError as error:
        raise KernelError(f"rm: {error.strerror}") from error
    finally:
        said = [process.communicate()[1] for process in started]
    for process, complaints in zip(started, said, strict=True):
        if process.returncode:
            raise KernelError(next(iter(complaints.splitlines()), f"rm: exit code {process.returncode}"))


def remove_if_empty(path: Path) -> None:
    """Remove a directory if nothing is in it."""
    with contextlib.suppress(OSError):
        path.rmdir()


def read(path: Path | str) -> str | None:
    """Return a file's text, None if it does not exist. Raises KernelError for other trouble."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise KernelError(f"read {path}: {error.strerror}") from error
    with open(handle, encoding="utf-8", errors="replace") as file:  # noqa: PTH123 - a descriptor
        return file.read()


def make_directory(path: Path | str, mode: int = OPEN) -> None:
    """Make a directory of exactly this mode, whatever the umask; one that is there gets the mode. Parents must exist."""
    with translated("mkdir", path):
        with contextlib.suppress(FileExistsError):
            os.mkdir(path, mode)  # noqa: PTH102 - many for each container
        os.chmod(path, mode)  # noqa: PTH101


def rewrite(path: Path | str, text: str, mode: int = 0o644) -> None:
    """Make a file hold `text`, in place: containers that have it mounted see the new text."""
    if read(path) == text:
        return
    with translated("write", path):
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, mode)
        _write(handle, text, mode)


def _write(handle: int, text: str, mode: int | None = None) -> None:
    """Write all of the text, and close the file, which gets `mode` whatever the umask. Raises OSError."""
    left = memoryview(text.encode())
    try:
        if mode is not None:
            os.fchmod(handle, mode)
        while left:
            left = left[os.write(handle, left) :]
    finally:
        os.close(handle)


@contextlib.contextmanager
def translated(what: str, path: Path | str) -> Iterator[None]:
    """Turn an OSError into a KernelError that names the act, the file and, for a full disk, the cure."""
    try:
        yield
    except OSError as error:
        cure = "; free some space on that disk" if error.errno in {errno.ENOSPC, errno.EDQUOT} else ""
        raise KernelError(f"{what} {error.filename or path}: {error.strerror}{cure}") from error
