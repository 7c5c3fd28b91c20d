"""The peer for Pods: `podman kube play` with crun, on the same program in an image of one file. Left out where there is no podman.

It works in a storage of its own below a temporary directory, without the machine's settings.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

BUSYBOX = "/usr/bin/busybox"
IMAGE = "localhost/sleeper:1"
# The soft and hard limits that podman would set are above those of some machines.
SETTINGS = '[containers]\ndefault_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]\n'
UNIFIED = Path("/sys/fs/cgroup/unified")
POD = """
apiVersion: v1
kind: Pod
metadata: {name: %s}
spec: {containers: [{name: main, image: localhost/sleeper:1, command: [/busybox, sleep, "1000000"]}]}
"""


class Podman:
    """Podman with everything of its own."""

    def __init__(self, work: Path) -> None:
        (work / "containers.conf").write_text(SETTINGS)
        places = ("--root", f"{work}/root", "--runroot", f"{work}/runroot", "--tmpdir", f"{work}/tmp")
        self._words = ("podman", *places, "--cgroup-manager", "cgroupfs", "--runtime", "crun", "--events-backend", "none")
        self._env = {**os.environ, "CONTAINERS_CONF": f"{work}/containers.conf"}
        self._work = work

    def __call__(self, *words: str, stdin: bytes = b"") -> None:
        done = subprocess.run([*self._words, *words], input=stdin, capture_output=True, env=self._env, check=False)
        if done.returncode:
            raise OSError(f"podman {' '.join(words)}: {done.stderr.decode()}")

    def play(self, *names: str) -> float:
        """Return the seconds in which these Pods are made and run, all from one file."""
        path = self._work / "pods.yaml"
        path.write_text("---".join(POD % name for name in names))
        begun = time.perf_counter()
        self("kube", "play", str(path))
        return time.perf_counter() - begun

    def clear(self) -> None:
        """Remove all Pods."""
        self("pod", "rm", "-f", "-a", "-t", "0")


@contextmanager
def podman() -> Iterator[Podman | None]:
    """A podman with its image loaded, or None if this machine has none that works, which is said."""
    if not shutil.which("podman") or not Path(BUSYBOX).exists():
        print("no podman or no busybox (static) here: Pods are measured without a peer")
        yield None
        return
    before = set(_cgroups())
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        found: Podman | None = Podman(Path(name))
        try:
            _prepare(found, Path(name))
        except OSError as error:
            print(f"podman does not work here: {error}")
            found = None
        try:
            yield found
        finally:
            if found is not None:
                found.clear()
                subprocess.run([*found._words, "rmi", "-a", "-f"], capture_output=True, env=found._env, check=False)
            for path in set(_cgroups()) - before:
                for directory, _, _ in os.walk(path, topdown=False):
                    os.rmdir(directory)


def _prepare(podman: Podman, work: Path) -> None:
    if (UNIFIED / "cgroup.controllers").exists():  # crun refuses a hybrid machine; only in this mount namespace
        subprocess.run(["mount", "-t", "tmpfs", "none", str(UNIFIED)], check=True)
    (work / "image").mkdir()
    shutil.copy(BUSYBOX, work / "image/busybox")
    archive = subprocess.run(["tar", "-C", str(work / "image"), "-c", "."], capture_output=True, check=True).stdout
    podman("import", "-", IMAGE, stdin=archive)


def _cgroups() -> Iterator[Path]:
    """What podman leaves: its directory in each hierarchy, with empty ones in it. What covers UNIFIED goes with this mount namespace."""
    places = (UNIFIED.parent.glob("libpod_parent"), UNIFIED.parent.glob("*/libpod_parent"))
    yield from (path for found in places for path in found if path.parent != UNIFIED)
