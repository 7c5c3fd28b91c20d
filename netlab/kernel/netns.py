"""Network namespaces with a name: made, opened, entered, deleted, the way `ip netns` does it. Source: ip-netns(8), setns(2).

A named namespace is a file in /run/netns on which the namespace is mounted (file system `nsfs`). It gets its name as the
last act of creation, so a name never stands for a half-made one; an ordinary empty file under a name is what a crash left
between two system calls, and is used again.

A namespace is entered by threads only, by threads that end soon: the main thread never leaves its own.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import signal
import stat
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final, TypeVar

from netlab.errors import KernelError
from netlab.netstate.names import NAME_MAX, NetnsName

DIRECTORY: Final = Path("/run/netns")

_CLONE_NEWNET: Final = 0x40000000
_MS_BIND, _MS_REC, _MS_SHARED, _MNT_DETACH = 0x1000, 0x4000, 1 << 20, 2
_NSFS_MAGIC: Final = 0x6E736673

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mount.argtypes = (ctypes.c_char_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_ulong, ctypes.c_char_p)
_libc.umount2.argtypes = (ctypes.c_char_p, ctypes.c_int)
_libc.fstatfs.argtypes = (ctypes.c_int, ctypes.c_void_p)

Result = TypeVar("Result")


def run_in_thread(function: Callable[[], Result]) -> Result:
    """Return what `function` returns in a fresh thread, which may enter namespaces; its exception is raised here."""
    return run_in_threads([function])[0]


def run_in_threads(functions: list[Callable[[], Result]]) -> list[Result]:
    """Run the functions side by side, a fresh thread each; return their results in order or raise the first exception."""
    results: dict[int, Result] = {}
    errors: dict[int, BaseException] = {}

    def work(position: int) -> None:
        try:
            results[position] = functions[position]()
        except BaseException as error:  # noqa: BLE001 - carried over to the caller, whatever it is
            errors[position] = error

    threads = [threading.Thread(target=work, args=(n,), name="netns", daemon=True) for n in range(len(functions))]
    with _undisturbed():
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    if errors:
        raise errors[min(errors)]
    return [results[position] for position in range(len(functions))]


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Ctrl-C is heard when the block has ended: whoever holds the lab's lock must leave no thread at work, or half-started."""
    in_main = threading.current_thread() is threading.main_thread()
    if not in_main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    pressed: list[int] = []
    signal.signal(signal.SIGINT, lambda number, _: pressed.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if pressed:
        raise KeyboardInterrupt


def enter(descriptor: int) -> None:
    """Move the calling thread into the namespace of an open file. Raises OSError, RuntimeError in the main thread."""
    _refuse_main_thread()
    _call(_libc.setns, descriptor, _CLONE_NEWNET)


def in_namespace(name: str, function: Callable[[], Result]) -> Result:
    """Return what `function` returns in a thread inside the named namespace. Raises KernelError if there is none."""

    def inside() -> Result:
        descriptor = open_netns(name)
        if descriptor is None:
            raise KernelError(f"{name}: no such network namespace")
        try:
            enter(descriptor)
        finally:
            os.close(descriptor)
        return function()

    return run_in_thread(inside)


def in_new_namespace(function: Callable[[], Result]) -> Result:
    """Return what `function` returns in a thread inside a namespace without a name, which ends with it. Raises OSError."""

    def inside() -> Result:
        _call(_libc.unshare, _CLONE_NEWNET)
        return function()

    return run_in_thread(inside)


def open_netns(name: str) -> int | None:
    """Return a file descriptor of the namespace, the caller's to close; None if no namespace has this name."""
    try:
        descriptor = os.open(path(name), os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except (FileNotFoundError, PermissionError):
        return None
    except OSError as error:
        if error.errno == errno.ELOOP:
            return None
        raise
    if _is_nsfs(descriptor):
        return descriptor
    os.close(descriptor)
    return None


def identity(name: str) -> tuple[int, int] | None:
    """Return what tells the namespace of this name from all others that exist; None if there is none."""
    descriptor = open_netns(name)
    if descriptor is None:
        return None
    try:
        found = os.fstat(descriptor)
        return found.st_dev, found.st_ino
    finally:
        os.close(descriptor)


def create(name: str, prepare: Callable[[], None]) -> None:
    """Make a namespace, let `prepare` furnish it from inside, then give it its name.

    The calling thread, never the main one, is inside the new namespace when this returns. Raises OSError: FileExistsError if
    the name is taken by a namespace or by anything but an empty file.
    """
    _refuse_main_thread()
    target = path(name)
    _claim(target)
    _call(_libc.unshare, _CLONE_NEWNET)
    prepare()
    _call(_libc.mount, b"/proc/thread-self/ns/net", os.fsencode(target), b"none", _MS_BIND, None)


def delete(name: str) -> None:
    """Take the name away; one that is not there is fine. The namespace itself ends with its last process and socket.

    Raises OSError: FileExistsError if the name is that of something else than a namespace or an empty file.
    """
    target = path(name)
    try:
        _call(_libc.umount2, os.fsencode(target), _MNT_DETACH)
    except OSError as error:
        if error.errno not in {errno.EINVAL, errno.ENOENT}:  # not a mount, no such file
            raise
    with contextlib.suppress(FileNotFoundError):
        if not _is_empty_file(target):
            raise FileExistsError(errno.EEXIST, "not a network namespace")
        target.unlink()


def remove_claims(names: Iterable[str]) -> None:
    """Remove the empty files of these names: a process that was killed had claimed the name and not yet made its namespace."""
    for name in names:
        with contextlib.suppress(FileNotFoundError):
            if _is_empty_file(path(name)) and not _is_mounted(path(name)):
                path(name).unlink()


def prepare_directory() -> None:
    """Make /run/netns and its mount shared, as `ip netns add` does, so that names vanish in every mount namespace at once."""
    DIRECTORY.mkdir(mode=0o755, parents=True, exist_ok=True)
    directory = os.fsencode(DIRECTORY)
    try:
        _call(_libc.mount, b"", directory, b"none", _MS_SHARED | _MS_REC, None)
    except OSError as error:
        if error.errno != errno.EINVAL:  # EINVAL: a directory like any other, not yet a mount point
            raise
        _call(_libc.mount, directory, directory, b"none", _MS_BIND | _MS_REC, None)
        _call(_libc.mount, b"", directory, b"none", _MS_SHARED | _MS_REC, None)


def remove_directory() -> None:
    """Undo prepare_directory if nobody has a namespace there any more; one in use, or never prepared, is left as it is."""
    if names_in_use():
        return
    with contextlib.suppress(OSError):
        _call(_libc.umount2, os.fsencode(DIRECTORY), _MNT_DETACH)
        DIRECTORY.rmdir()


def path(name: str) -> Path:
    """Return the file of a name. Raises KernelError for a name that would lead out of the directory."""
    if name in {"", ".", ".."} or "/" in name or "\0" in name or len(name.encode()) > NAME_MAX:
        raise KernelError(f"{name!r} is not a name of a network namespace")
    return DIRECTORY / name


def names_in_use() -> frozenset[NetnsName]:
    """Return all names in the directory, netlab's and others'; what is behind them is not looked at."""
    try:
        return frozenset(NetnsName(name) for name in os.listdir(DIRECTORY))  # noqa: PTH208 - names, not paths
    except FileNotFoundError:
        return frozenset()


def _claim(target: Path) -> None:
    """Make the file of a new name, or take over the empty one a crash left."""
    try:
        os.close(os.open(target, os.O_RDONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0))
    except FileExistsError:
        if not _is_empty_file(target) or _is_mounted(target):
            raise


def _is_empty_file(target: Path) -> bool:
    found = target.lstat()
    return stat.S_ISREG(found.st_mode) and not found.st_size


def _is_mounted(target: Path) -> bool:
    descriptor = os.open(target, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return _is_nsfs(descriptor)
    finally:
        os.close(descriptor)


def _is_nsfs(descriptor: int) -> bool:
    answer = (ctypes.c_long * 64)()  # struct statfs begins with the type, one long on all 64-bit machines
    _call(_libc.fstatfs, descriptor, ctypes.byref(answer))
    return answer[0] == _NSFS_MAGIC


def _refuse_main_thread() -> None:
    if threading.current_thread() is threading.main_thread():
        raise RuntimeError("the main thread stays in its network namespace: use run_in_thread")


def _call(function: Callable[..., int], *arguments: object) -> None:
    if function(*arguments) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
