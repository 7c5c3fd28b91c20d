"""Names of images, as a manifest writes them and in full. Pure.

    redis                     a tag is missing: `latest`; a registry is missing: the default one, and there `library/`
    registry.example/a/b:1    the first part is a registry because it has a dot or a port in it, or is `localhost`
    a/b@sha256:...            exactly this manifest, whatever a tag says beside it

Where a registry's images are fetched from instead (a mirror in the house) is containers-registries.conf(5)'s to say: names stay
the same in manifests. Source: Kubernetes docs, Images; distribution/reference, grammar and normalisation.
"""

from __future__ import annotations

import re
from typing import Final

from netlab.errors import NetlabError
from netlab.frozen import dataclass

HOST: Final = "host"
DEFAULT_REGISTRY: Final = "docker.io"  # a fact of the grammar
LEGACY_REGISTRY: Final = f"index.{DEFAULT_REGISTRY}"
OFFICIAL: Final = "library"
LATEST: Final = "latest"
PATH_MAX: Final = 255
LOOPBACK: Final = re.compile(r"(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?")

_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")
_TAG: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_PART: Final = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*")
_LABEL: Final = r"(?:[A-Za-z0-9]|[A-Za-z0-9][A-Za-z0-9-]*[A-Za-z0-9])"
_REGISTRY: Final = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9A-Fa-f:]+\])(?::[0-9]+)?")
_ID: Final = re.compile(r"[0-9a-f]{64}")


class InvalidImageName(NetlabError):
    """The text is no name of an image."""


@dataclass(frozen=True, slots=True, order=True)
class ImageName:
    """A reference in full. With a `digest` the tag says nothing and is left out."""

    registry: str
    path: str
    tag: str = ""
    digest: str = ""

    def __str__(self) -> str:
        return f"{self.repository}@{self.digest}" if self.digest else f"{self.repository}:{self.tag}"

    @property
    def repository(self) -> str:
        """Registry and path."""
        return f"{self.registry}/{self.path}"

    @property
    def is_plain_http(self) -> bool:
        """Tell whether the registry may be asked without TLS: one on this machine's own loopback."""
        return LOOPBACK.fullmatch(self.registry) is not None

    @property
    def familiar(self) -> str:
        """The name as a person writes it: without the default registry, and without `latest`."""
        short = str(self).removeprefix(f"{DEFAULT_REGISTRY}/").removeprefix(f"{OFFICIAL}/")
        return short.removesuffix(f":{LATEST}")


def parse(text: str) -> ImageName:
    """Return what a reference means. Raises InvalidImageName in the kubelet's words."""
    bare, at, digest = text.partition("@")
    head, slash, last = bare.rpartition("/")
    last, colon, tag = last.partition(":")
    registry, path = _split(f"{head}{slash}{last}")
    wrong = (
        (bool(at) and not _DIGEST.fullmatch(digest))
        or (bool(colon) and not _TAG.fullmatch(tag))
        or not _REGISTRY.fullmatch(registry)
        or not all(_PART.fullmatch(part) for part in path.split("/"))
        or len(path) > PATH_MAX
        or _ID.fullmatch(bare) is not None
    )
    if wrong:
        why = "repository name must be lowercase" if path != path.lower() else "invalid reference format"
        shown = text if len(text) <= PATH_MAX else f"{text[:PATH_MAX]}..."
        raise InvalidImageName(f'Failed to apply default image tag "{shown}": couldn\'t parse image name "{shown}": {why}')
    return ImageName(registry, path, "" if at else tag or LATEST, digest)


def pull_policy(image: str, wished: str) -> str:
    """Return the imagePullPolicy that holds: if none is wished, Always for the tag `latest`, else IfNotPresent.

    Source: Kubernetes docs, Images (default image pull policy).
    """
    if wished:
        return wished
    try:
        return "Always" if parse(image).tag == LATEST else "IfNotPresent"
    except InvalidImageName:
        return "IfNotPresent"


def _split(name: str) -> tuple[str, str]:
    """Registry and path of a name without tag and digest, the missing parts filled in."""
    first, slash, rest = name.partition("/")
    is_registry = bool(slash) and ("." in first or ":" in first or first == "localhost" or first != first.lower())
    registry, path = (first, rest) if is_registry else (DEFAULT_REGISTRY, name)
    if registry == LEGACY_REGISTRY:
        registry = DEFAULT_REGISTRY
    return registry, f"{OFFICIAL}/{path}" if registry == DEFAULT_REGISTRY and "/" not in path else path
