"""Images made by hand, without network, and a real registry on this machine's loopback that serves them.

An image is a list of layers, a layer a list of entries: `file("bin/x", b"...")`, `folder("etc")`, `link("bin/sh", "busybox")`.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import select
import socket
import subprocess
import tarfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

BUSYBOX = Path("/usr/bin/busybox")
APPLETS = ["sh", "ls", "cat", "sleep", "id", "env", "pwd", "echo", "stat", "true", "httpd"]
INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"

Entry = tuple[tarfile.TarInfo, bytes]


def file(name: str, content: bytes = b"", mode: int = 0o644, owner: int = 0) -> Entry:
    info = tarfile.TarInfo(name)
    info.size, info.mode, info.uid, info.gid = len(content), mode, owner, owner
    return info, content


def special(name: str, kind: bytes, target: str = "", mode: int = 0o755, device: tuple[int, int] = (0, 0)) -> Entry:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.mode = kind, target, mode
    info.devmajor, info.devminor = device
    return info, b""


def folder(name: str, mode: int = 0o755) -> Entry:
    return special(name, tarfile.DIRTYPE, mode=mode)


def link(name: str, target: str) -> Entry:
    return special(name, tarfile.SYMTYPE, target)


USERS = b"root:x:0:0:root:/root:/bin/sh\napp:x:1000:1001:app:/home/app:/bin/sh\n"
GROUP = b"root:x:0:\napp:x:1001:\nextra:x:2000:other,app\n"
SHELL = (
    folder("bin"),
    file("bin/busybox", BUSYBOX.read_bytes() if BUSYBOX.exists() else b"", 0o755),
    *(link(f"bin/{name}", "busybox") for name in APPLETS),
    folder("etc"),
    file("etc/passwd", USERS),
    file("etc/group", GROUP),
    folder("tmp", 0o1777),
)
"""A layer with a shell in it."""


def write_image(path: Path, layers: Iterable[Iterable[Entry]], name: str = "", **config) -> str:
    """Write an OCI directory of one image and return the digest of its manifest."""
    (path / "blobs/sha256").mkdir(parents=True)
    packed = [_tar(entries) for entries in layers]
    about = {
        "architecture": _architecture(),
        "os": "linux",
        "config": config,
        "rootfs": {"type": "layers", "diff_ids": [_digest(layer) for layer in packed]},
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": {"mediaType": CONFIG, **_blob(path, json.dumps(about).encode())},
        "layers": [{"mediaType": LAYER, **_blob(path, gzip.compress(layer, 1, mtime=0))} for layer in packed],
    }
    entry = {"mediaType": MANIFEST, **_blob(path, json.dumps(manifest).encode())}
    if name:
        entry["annotations"] = {"org.opencontainers.image.ref.name": name}
    (path / "index.json").write_text(json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": [entry]}))
    (path / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    return str(entry["digest"])


def archive(directory: Path, target: Path) -> Path:
    """Make an OCI archive of an OCI directory."""
    with tarfile.open(target, "w") as tar:
        for path in sorted(directory.iterdir()):
            tar.add(path, path.name)
    return target


def _tar(entries: Iterable[Entry]) -> bytes:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as tar:
        for info, content in entries:
            tar.addfile(info, io.BytesIO(content))
    return raw.getvalue()


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def _blob(path: Path, data: bytes) -> dict[str, object]:
    digest = _digest(data)
    (path / "blobs" / digest.replace(":", "/")).write_bytes(data)
    return {"digest": digest, "size": len(data)}


def _architecture() -> str:
    return subprocess.run(["dpkg", "--print-architecture"], capture_output=True, text=True, check=True).stdout.strip()


@dataclass
class Registry:
    """A registry that runs; `host` is 127.0.0.1 and a port."""

    host: str
    folder: Path
    process: subprocess.Popen[bytes]

    def push(self, directory: Path, name: str) -> str:
        """Put the image of an OCI directory there and return its reference."""
        words = ["skopeo", "--insecure-policy", "copy", "--quiet", "--dest-tls-verify=false"]
        subprocess.run([*words, f"oci:{directory}", f"docker://{self.host}/{name}"], check=True)
        return f"{self.host}/{name}"

    def requests(self) -> str:
        """What was asked of it so far."""
        return (self.folder / "log").read_text()


def start_registry(folder: Path, port: int = 0, deadline_s: float = 60.0) -> Registry:
    """Start a registry with its data in `folder` and return it when it answers."""
    if not port:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
    folder.mkdir(parents=True, exist_ok=True)
    settings = {
        "version": "0.1",
        "storage": {"filesystem": {"rootdirectory": str(folder / "data")}, "delete": {"enabled": True}},
        "http": {"addr": f"127.0.0.1:{port}"},
    }
    (folder / "config.yml").write_text(json.dumps(settings))
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(["docker-registry", "serve", str(folder / "config.yml")], stdout=log, stderr=log)
    end = time.monotonic() + deadline_s
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            assert process.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < end, "the registry does not answer"
            select.select([], [], [], 0.02)
        else:
            return Registry(f"127.0.0.1:{port}", folder, process)
