"""ConfigMaps and Secrets as Pods find them: what they hold, or what is missing, in the kubelet's words.

No message says what a Secret holds. Source: kubelet kubelet_pods.go (makeEnvironmentVariables), volume/{configmap,secret}.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from netlab.errors import NetlabError, NotFound
from netlab.model.config import ConfigMap, Secret
from netlab.model.lab import Cluster
from netlab.model.pod import PodSpec
from netlab.model.volume import Volume

Configuration: TypeAlias = ConfigMap | Secret
Source: TypeAlias = Literal["ConfigMap", "Secret"]


def configuration(cluster: Cluster, kind: Source, namespace: str, name: str, *, optional: bool) -> Configuration | None:
    """Return the object; None if it does not exist and is `optional`, or else NotFound is raised."""
    found = (cluster.config_map if kind == "ConfigMap" else cluster.secret)(namespace, name)
    if found is None and not optional:
        raise NotFound(f'{kind.lower()} "{name}" not found')
    return found


def reads_secrets(spec: PodSpec) -> bool:
    """Tell whether a container of the Pod gets a Secret."""
    every = spec.all_containers
    sources = (variable.value_from for container in every for variable in container.env if variable.value_from)
    whole = (source.secret_ref for container in every for source in container.env_from)
    return any(source.secret_key_ref for source in sources) or any(whole) or any(map(is_secret, spec.volumes))


def is_secret(volume: Volume) -> bool:
    """Tell whether something of a Secret is in the volume: its files must not be written to a disk."""
    return volume.secret is not None or any(one.secret for one in (volume.projected.sources if volume.projected else ()))


def texts(found: Configuration) -> dict[str, str]:
    """Return all values that can be variables: a ConfigMap's text, a Secret's whole data. Raises as `text_at` does."""
    return {key: _text(found, key) for key in sorted(found.data)}


def text_at(found: Configuration, key: str, *, optional: bool) -> str | None:
    """Return one value as text; None if it does not exist and is `optional`.

    Raises:
        NotFound: it does not exist.
        NetlabError: it is bytes that cannot be a variable.
    """
    if key in found.data:
        return _text(found, key)
    if optional:
        return None
    raise NotFound(f"couldn't find key {key} in {found.kind} {found.metadata.namespace}/{found.metadata.name}")


def _text(found: Configuration, key: str) -> str:
    if isinstance(found, ConfigMap):
        return found.data[key]
    value = found.contents[key]
    if b"\0" not in value:
        try:
            return value.decode()
        except UnicodeDecodeError:
            pass
    where = f"{found.kind} {found.metadata.namespace}/{found.metadata.name}"
    raise NetlabError(f"the value of key {key} in {where} is not text and cannot be a variable; mount it as a file")
