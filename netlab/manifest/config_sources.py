"""ConfigMaps and Secrets from literals, files and lists of variables, as `kubectl create` makes them; checked as manifests are.

    --from-literal=a=b     --from-file=path     --from-file=key=path     --from-file=directory     --from-env-file=path

No key may come twice. What is no UTF-8 becomes binaryData of a ConfigMap.
Source: kubectl pkg/cmd/create (create_configmap.go, create_secret*.go), pkg/generate/versioned/env_file.go.
"""

from __future__ import annotations

import json
import os
from base64 import b64encode
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, Literal, cast

from netlab.errors import NetlabError
from netlab.manifest.checked import checked
from netlab.manifest.config_rules import MAX_CONFIG_BYTES
from netlab.model.config import ConfigMap, Secret
from netlab.model.formats import config_key

TWO_WAYS: Final = "from-env-file cannot be combined with from-file or from-literal; use one of the two"
PEM: Final = "both must be PEM, and belong together"
Contents = dict[str, bytes]


def contents(
    kind: Literal["ConfigMap", "Secret"], literals: Sequence[str], files: Sequence[str], env_files: Sequence[str]
) -> Contents:
    """Return the bytes under each key. Raises NetlabError for words and files of no use, and a key that comes twice."""
    if env_files and (literals or files):
        raise NetlabError(TWO_WAYS)
    found: Contents = {}
    sources = (map(_literal, literals), (pair for word in files for pair in _from_file(word)),
               (pair for path in env_files for pair in _variables(path)))  # fmt: skip
    for key, value in (pair for source in sources for pair in source):
        if message := config_key(key):
            raise NetlabError(f'"{key}" is not a valid key name for a {kind}: {message}')
        if key in found:
            raise NetlabError(f'cannot add key "{key}", another key by that name already exists')
        found[key] = value
    return found


def new_config_map(name: str, namespace: str, data: Contents) -> ConfigMap:
    """Return a ConfigMap. Raises ManifestError for what a manifest could not say either."""
    texts, rest = {}, {}
    for key, value in data.items():
        try:
            texts[key] = value.decode()
        except UnicodeDecodeError:
            rest[key] = b64encode(value).decode()
    plain = {"data": texts} | ({"binaryData": rest} if rest else {})
    return cast("ConfigMap", checked(_object("ConfigMap", name, namespace) | plain))


def new_secret(name: str, namespace: str, data: Contents, type_: str = "") -> Secret:
    """Return a Secret; no type means Opaque. Raises ManifestError for what a manifest could not say either."""
    plain = {"data": {key: b64encode(value).decode() for key, value in data.items()}}
    return cast("Secret", checked(_object("Secret", name, namespace) | plain | ({"type": type_} if type_ else {})))


def key_pair(certificate: str, key: str) -> Contents:
    """Return a certificate and its private key. Raises NetlabError if they cannot be read or do not belong together."""
    import ssl  # noqa: PLC0415 - only this kind of Secret needs it

    said = "Cannot read file {0}, open {0}: {1}"
    found = {"tls.crt": _read(Path(certificate), said), "tls.key": _read(Path(key), said)}
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password="")
    except (ssl.SSLError, OSError) as error:
        raise NetlabError(f"failed to load key pair {certificate}, {key}: {error.strerror or error.args[-1]}; {PEM}") from error
    return found


def registry_login(server: str, user: str, password: str, email: str) -> Contents:
    """Return the login to a registry, as ~/.docker/config.json has it."""
    login = {"username": user, "password": password, "email": email, "auth": b64encode(f"{user}:{password}".encode()).decode()}
    auths = {"auths": {server: {key: value for key, value in login.items() if value}}}
    return {".dockerconfigjson": json.dumps(auths, separators=(",", ":"), ensure_ascii=False).encode()}


def _object(kind: str, name: str, namespace: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "namespace": namespace}}


def _literal(word: str) -> tuple[str, bytes]:
    key, equals, value = word.partition("=")
    if not equals or not key:
        raise NetlabError(f"invalid literal source {word if not equals else '=...'}, expected key=value")
    return key, value.strip("\"'").encode(errors="surrogateescape")


def _from_file(word: str) -> Iterator[tuple[str, bytes]]:
    """A file under its own name or a given one, or the files of a directory, not those further down."""
    key, equals, place = word.partition("=")
    path = Path(place if equals else word)
    if equals and not (key and place):
        raise NetlabError(f"key name or file path for file path {word} missing; write KEY=PATH")
    if not path.is_dir():
        yield (key if equals else path.name), _read(path)
        return
    if equals:
        raise NetlabError("cannot give a key name for a directory path; its files have their own names")
    yield from ((entry.name, _read(entry)) for entry in sorted(path.iterdir()) if entry.is_file() and not entry.is_symlink())


def _variables(place: str) -> Iterator[tuple[str, bytes]]:
    """Lines KEY=VALUE; a KEY alone has the value that our own variable of that name has."""
    try:
        lines = _read(Path(place)).decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise NetlabError(f"env file {place} contains invalid utf8 bytes; use --from-file") from error
    for line in (line.lstrip() for line in lines):
        key, equals, value = line.partition("=")
        if not line or line.startswith("#"):
            continue
        if equals or key in os.environ:
            yield key, (value if equals else os.environ[key]).encode(errors="surrogateescape")


def _read(path: Path, said: str = "error reading {}: {}") -> bytes:
    try:
        with path.open("rb") as file:
            found = file.read(MAX_CONFIG_BYTES + 1)
    except OSError as error:
        cure = "" if isinstance(error, FileNotFoundError) else "; it must be a file that can be read"
        raise NetlabError(said.format(path, (error.strerror or "").lower()) + cure) from error
    if len(found) > MAX_CONFIG_BYTES:
        raise NetlabError(f"{path} has more than {MAX_CONFIG_BYTES} bytes; a ConfigMap or Secret holds no more")
    return found
