"""Images as they are kept on this machine, and what an image says of the process that runs in it.

Source: OCI image-spec 1.0, config.md.
"""

from __future__ import annotations

from dataclasses import field

from netlab.frozen import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageConfig:
    """What the maker of an image wished for a container: program, variables in order, user, directory, signal to end it.

    `user` is NAME, UID, NAME:GROUP or any mix of them; names are those of the image's own /etc/passwd. `volumes` are
    directories in which a program wants to write.
    """

    entrypoint: tuple[str, ...] = ()
    cmd: tuple[str, ...] = ()
    env: tuple[tuple[str, str], ...] = ()
    user: str = ""
    working_dir: str = ""
    stop_signal: str = ""
    volumes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """One image. `id` is the digest of its configuration (64 hex digits), `digest` that of its manifest (`sha256:...`).

    `names` are normalised references, newest first; an image whose name was given to another one has none. `layers` are the ids
    of its layers, the topmost first; `size` is that of all of them unpacked, in bytes. `flaw` is why nothing can be known of
    how it is to be run, empty mostly.
    """

    id: str
    digest: str = ""
    names: tuple[str, ...] = ()
    layers: tuple[str, ...] = ()
    size: int = 0
    config: ImageConfig = field(default_factory=ImageConfig)
    flaw: str = ""

    @property
    def reference(self) -> str:
        """`imageID` of a container: the repository of its first name with the digest, or the bare id without a name."""
        if not self.names or not self.digest:
            return f"sha256:{self.id}"
        return f"{repository(self.names[0])}@{self.digest}"


def repository(name: str) -> str:
    """Return a normalised reference without its tag and its digest."""
    bare = name.partition("@")[0]
    head, slash, last = bare.rpartition("/")
    return f"{head}{slash}{last.partition(':')[0]}"
