"""crun as a copy in memory that nobody can change, made once by a process that calls it.

A container could overwrite the crun of the machine through /proc/PID/exe (CVE-2019-5736), so crun, whatever it is called for,
first mounts itself read-only, runs itself once more from there and takes the mount away: half of the time of a call, and a wait
for all processors (RCU). Running from a sealed file in memory it is safe already, and knows that.
Source: crun's libcrun/cloned_binary.c; memfd_create(2); file seals in fcntl(2).
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import threading
from typing import Final

_MFD_EXEC: Final = 0x10  # Linux 6.3; where it is unknown every such file may be run
_SEALS: Final = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE
_lock = threading.Lock()
_copies: dict[tuple[int, ...], int] = {}


def program(name: str, path: str) -> str:
    """Return what to execute for the program of this name in the directories of `path`, as long as this process lives.

    A copy is made anew when the program was replaced: an upgrade holds for processes that live long, too. Where the kernel
    wants nothing to be run from memory (vm.memfd_noexec) it is the program itself. Raises OSError.
    """
    found = _found(name, path)
    with _lock:
        seen = os.stat(found)  # noqa: PTH116 - for each call of it
        identity = (seen.st_dev, seen.st_ino, seen.st_size, seen.st_mtime_ns)
        if identity not in _copies:
            try:
                _copies[identity] = _sealed(name, found)
            except PermissionError:
                return found
        return f"/proc/{os.getpid()}/fd/{_copies[identity]}"


def _found(name: str, path: str) -> str:
    """Return the file that a shell would run. As shutil.which, whose module takes longer to import than a copy to make."""
    for directory in path.split(os.pathsep):
        file = f"{directory}/{name}"
        if os.access(file, os.X_OK) and not os.path.isdir(file):  # noqa: PTH112 - for each call of it
            return file
    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name)


def _sealed(name: str, path: str) -> int:
    """A sealed copy of a file, by its number; open as long as this process lives."""
    flags = os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING
    try:
        copy = os.memfd_create(name, flags | _MFD_EXEC)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        copy = os.memfd_create(name, flags)
    with contextlib.ExitStack() as undone:
        undone.callback(os.close, copy)
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - a descriptor is all that is wanted
            while os.sendfile(copy, file.fileno(), None, 1 << 30):
                pass
        fcntl.fcntl(copy, fcntl.F_ADD_SEALS, _SEALS)
        undone.pop_all()
    return copy
