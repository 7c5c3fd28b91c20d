"""skopeo, called: it alone writes the image store. It fetches, checks digests, unpacks each layer in a chroot, and registers.

It runs in a mount namespace of its own, because containers-storage bind-mounts its overlay directory and leaves it so, and
dies with its caller (a pull that was ended must not go on unseen). `storage.conf` of the machine is not read: where images are
kept is decided here. Registries' mirrors and credentials are read where other tools read them.
Source: skopeo-copy(1), containers-transports(5), containers-registries.conf(5), containers-auth.json(5), prctl(2).
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from netlab.desired.image_names import ImageName
from netlab.errors import HostUnready, KernelError
from netlab.kernel.files import remove_tree, translated
from netlab.kernel.findings import CURES
from netlab.kernel.image_archive import Packed
from netlab.kernel.image_store import ImageStore

LOOK_S: Final = 0.5
STALLED_S: Final = 60.0
POLICY: Final = Path("/etc/containers/policy.json")
SEARCH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_PR_SET_PDEATHSIG: Final = 1
_SAID: Final = re.compile(r'level=(?:fatal|error) msg="((?:[^"\\]|\\.)*)"')
_libc = ctypes.CDLL(None)


def program() -> str:
    """Return the path of skopeo. Raises HostUnready with the cure if it is missing."""
    path = shutil.which("skopeo", path=SEARCH)
    if path is None:
        raise HostUnready(f"skopeo is missing, and only `image: host` can be run without it: {CURES['skopeo']}")
    return path


def pull(store: ImageStore, name: ImageName, progress: Callable[[int], None] = lambda _: None) -> None:
    """Bring an image from its registry into the store; half of one is never seen, nor kept.

    Args:
        store: the store.
        name: what is pulled; a registry on this machine's loopback is asked without TLS.
        progress: called now and then with the number of bytes downloaded so far.

    Raises:
        HostUnready: skopeo is missing.
        KernelError: it cannot be had, or the disk is full.
    """
    plain = ["--src-tls-verify=false"] if name.is_plain_http else []
    with _downloads(store) as folder:
        _run(store, ["copy", "--quiet", *plain, f"docker://{name}", store.location(str(name))], folder, progress)


def load(store: ImageStore, path: Path, packed: Packed, name: ImageName) -> None:
    """Bring one of the images in a file or directory into the store under this name. Raises HostUnready, KernelError."""
    with _downloads(store) as folder:
        link = folder / "given"  # what stands behind a colon in a path would be taken for a name
        link.symlink_to(path.absolute())
        _run(store, ["copy", "--quiet", packed.source(link), store.location(str(name))], folder, lambda _: None)


def delete(store: ImageStore, image: str) -> None:
    """Remove an image, all its names, and the layers that no other image has. Raises HostUnready, KernelError."""
    with _downloads(store) as folder:
        _run(store, ["delete", store.location(f"@{image}")], folder, lambda _: None)


@contextlib.contextmanager
def _downloads(store: ImageStore) -> Iterator[Path]:
    """A directory for what this call downloads; what it leaves is removed, and what a killed call of before left."""
    store.make()
    for path in store.downloads.iterdir():  # nothing but directories made below
        if not Path("/proc", path.name.partition("-")[0]).exists():
            remove_tree(path)
    with translated("mkdir", store.downloads):
        folder = Path(tempfile.mkdtemp(prefix=f"{os.getpid()}-", dir=store.downloads))
    try:
        yield folder
    finally:
        remove_tree(folder)


def _run(store: ImageStore, words: Sequence[str], folder: Path, progress: Callable[[int], None]) -> None:
    policy = [] if POLICY.exists() else ["--insecure-policy"]
    given = {name: value for name, value in os.environ.items() if name.lower().endswith("_proxy")}
    env = {"PATH": SEARCH, "HOME": "/root", "TMPDIR": str(folder), "CONTAINERS_STORAGE_CONF": str(store.settings), **given}
    command = ["unshare", "--mount", program(), *policy, *words]
    with (folder / "said").open("w+b") as said:
        try:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=said, stderr=said, cwd="/", env=env, preexec_fn=_die_with_caller  # noqa: PLW1509 - one call of the C library
            )  # fmt: skip
        except OSError as error:
            raise KernelError(f"{command[0]}: {error.strerror}") from error
        try:
            stalled = _watch(process, folder, progress)
        finally:
            process.kill()
            process.wait()
        said.seek(0)
        if process.returncode:
            raise KernelError(stalled or reason(said.read().decode(errors="replace")))


def _watch(process: subprocess.Popen[bytes], folder: Path, progress: Callable[[int], None]) -> str:
    """Wait for the end, telling how far it is; return why it is not waited for any longer, empty if it has ended."""
    moved, since, most = 0, time.monotonic(), 0
    while True:
        try:
            process.wait(LOOK_S)
        except subprocess.TimeoutExpired:
            now, most = time.monotonic(), max(most, _size(folder))
            progress(most)
            if (found := _transferred(process.pid)) != moved:
                moved, since = found, now
            elif now - since > STALLED_S:
                return f"nothing was received for {STALLED_S:.0f} s"
        else:
            return ""


def reason(said: str) -> str:
    """Return why skopeo failed, from what it printed: its last complaint, and the cure for a full disk."""
    complaints = _SAID.findall(said)
    text = complaints[-1].replace('\\"', '"').replace("\\\\", "\\") if complaints else said.strip().rpartition("\n")[2]
    cure = "; free some space on that disk, or `netlab image rm` what is not needed" if "no space left" in text else ""
    return (text.replace("\\n", " ") or "skopeo ended without a word") + cure


def _size(folder: Path) -> int:
    """The bytes in files of a directory that somebody else is writing."""
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                total += os.lstat(f"{parent}/{name}").st_size
    return total


def _transferred(pid: int) -> int:
    """What a process has read and written so far, in bytes."""
    try:
        lines = Path(f"/proc/{pid}/io").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith(("rchar", "wchar")))


def _die_with_caller() -> None:
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
