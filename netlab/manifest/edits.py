"""Changes of single fields, as kubectl's label, annotate, scale and set make them: an object and words in, the new object out.

Every result has been through the same checks as a manifest. Pure.
Source: kubectl reference (label, annotate, scale, set image, set env).
"""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, NamedTuple, TypeVar, cast

from netlab.errors import ManifestError, NetlabError, NotFound, Problem
from netlab.manifest.checked import checked
from netlab.model.codec import encode
from netlab.model.config import ConfigMap, Secret
from netlab.model.container import ConfigMapKeySelector, Container, EnvVar, EnvVarSource, SecretKeySelector
from netlab.model.daemon_set import DaemonSet
from netlab.model.formats import LABEL_VALUE_TEXT, label_value
from netlab.model.job import Job
from netlab.model.lab import KubernetesObject
from netlab.model.pod import Pod, PodSpec
from netlab.model.workload import Deployment, ReplicaSet

T = TypeVar("T", bound=KubernetesObject)
What = Literal["label", "annotation", "environment variable", "image"]
LABELLED, UNLABELLED, UNCHANGED = "labeled", "unlabeled", "not labeled"
ANNOTATED = "annotated"
# What is wrong with words, as kubectl says it of each sort.
UNKNOWN: Mapping[What, str] = {
    "label": "unknown label spec: {}",
    "annotation": "invalid annotation format: {}",
    "environment variable": "environment variables must be of the form key=value, and {} is not",
    "image": "an image must be of the form container=image, and {} is not",
}
BOTH: Mapping[What, str] = {
    "label": "can not both modify and remove a label in the same command",
    "annotation": "can not both modify and remove the following annotation(s) in the same command: {}",
    "environment variable": "can not both modify and remove the same environment variable in the same command",
    "image": "an image cannot be taken away: {}-",
}
HOW: Mapping[What, str] = dict.fromkeys(UNKNOWN, "KEY=VALUE sets, KEY- takes away") | {"image": "CONTAINER=IMAGE"}
LABEL_VALUE_EXAMPLES = (
    "e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?'"
)


class Pairs(NamedTuple):
    """What `a=b c-` asks for: keys to set and keys to take away."""

    values: Mapping[str, str]
    gone: frozenset[str]


def split_pairs(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the words that name objects, and those from the first `key=value` or `key-` on."""
    first = next((n for n, word in enumerate(words) if "=" in word or word.endswith("-")), len(words))
    return list(words[:first]), list(words[first:])


def parse_pairs(words: Iterable[str], what: What) -> Pairs:
    """Return what `a=b c-` asks for. Raises ManifestError for words that say nothing, or the opposite of each other."""
    values, gone = {}, set()
    for word in words:
        key, equals, value = word.partition("=")
        if equals and key:
            values[key] = _label_value(word, value) if what == "label" else value
        elif word.endswith("-") and word[:-1]:
            gone.add(word[:-1])
        else:
            raise _wrong(UNKNOWN[what].format(word), HOW[what])
    if not values and not gone:
        raise _wrong(f"at least one {what} update is required", HOW[what])
    if both := sorted(values.keys() & gone):
        raise _wrong(BOTH[what].format(", ".join(both)), "")
    return Pairs(values, frozenset(gone))


def parse_values(words: Iterable[str], what: What) -> Mapping[str, str]:
    """Return what `a=b c=d` says. Raises ManifestError for words that are not KEY=VALUE."""
    found = parse_pairs(words, what)
    for key in found.gone:
        raise _wrong(UNKNOWN[what].format(f"{key}-"), "KEY=VALUE")
    return found.values


def _label_value(word: str, value: str) -> str:
    """The value of a label, which kubectl checks before it asks anybody. Its key is checked with the object."""
    if message := label_value(value):
        raise _wrong(f'invalid label value: "{word}": {message}', LABEL_VALUE_EXAMPLES if message == LABEL_VALUE_TEXT else "")
    return value


def with_labels(item: T, pairs: Pairs, *, overwrite: bool) -> tuple[T, str]:
    """Return the object with other labels, and kubectl's word for it. Raises NetlabError if a label has another value."""
    labels = _changed(item.metadata.labels, pairs, overwrite=overwrite)
    if labels == item.metadata.labels:
        return item, UNCHANGED
    word = LABELLED if pairs.values else UNLABELLED
    return _checked(replace(item, metadata=replace(item.metadata, labels=labels))), word


def with_annotations(item: T, pairs: Pairs, *, overwrite: bool) -> tuple[T, str]:
    """Return the object with other annotations, and kubectl's word for it. Raises NetlabError as with_labels does."""
    annotations = _changed(item.metadata.annotations, pairs, overwrite=overwrite)
    return _checked(replace(item, metadata=replace(item.metadata, annotations=annotations))), ANNOTATED


def _changed(known: Mapping[str, str], pairs: Pairs, *, overwrite: bool) -> dict[str, str]:
    for key, value in pairs.values.items():
        if not overwrite and known.get(key, value) != value:
            raise NetlabError(f"'{key}' already has a value ({known[key]}), and --overwrite is false")
    return {key: value for key, value in {**known, **pairs.values}.items() if key not in pairs.gone}


def with_replicas(item: KubernetesObject, replicas: int, expected: int | None = None) -> Deployment | ReplicaSet:
    """Return the Deployment or ReplicaSet with another number of Pods.

    Raises:
        NotFound: it is neither.
        NetlabError: it has another number than `expected` now.
    """
    if not isinstance(item, Deployment | ReplicaSet):
        why = f"{item.key} has no replicas, only a Deployment or a ReplicaSet can be scaled"
        raise NotFound(f"the server could not find the requested resource; {why}", origin="Error from server (NotFound)")
    if expected is not None and item.spec.replicas != expected:
        raise NetlabError(f"Expected replicas to be {expected}, was {item.spec.replicas}")
    if isinstance(item, ReplicaSet):
        return _checked(replace(item, spec=replace(item.spec, replicas=replicas)))
    return _checked(replace(item, spec=replace(item.spec, replicas=replicas)))


def pod_spec(item: KubernetesObject) -> PodSpec:
    """Return the spec of the Pod, or of the workload's Pods. Raises NetlabError for other kinds."""
    match item:
        case Pod():
            return item.spec
        case Deployment() | ReplicaSet() | DaemonSet() | Job():
            return item.spec.template.spec
        case _:
            raise NetlabError(f"{item.key} has no containers; name a Pod or what makes Pods")


def _with_containers(item: T, change: Callable[[Container], Container]) -> T:
    """The object with every container changed, init containers too."""
    before = pod_spec(item)
    init, main = (tuple(map(change, containers)) for containers in (before.init_containers, before.containers))
    spec = replace(before, init_containers=init, containers=main)
    match item:
        case Pod():
            return _checked(cast("T", replace(item, spec=spec)))
        case Deployment() | ReplicaSet() | DaemonSet():
            changed: Any = replace(cast("Any", item.spec), template=replace(item.spec.template, spec=spec))
            return _checked(cast("T", replace(item, spec=changed)))
        case _:
            raise NetlabError(f"{item.key}: the template of a Job cannot be changed; delete it and make another one")


def with_images(item: T, images: Mapping[str, str]) -> T:
    """Return the object with other images, by container name or `*`. Raises NetlabError for a container it does not have."""
    known = {container.name for container in pod_spec(item).all_containers}
    if unknown := images.keys() - known - {"*"}:
        raise NetlabError(f'unable to find container named "{min(unknown)}"; {item.key} has {", ".join(sorted(known))}')
    return _with_containers(item, lambda one: replace(one, image=images.get(one.name, images.get("*", one.image))))


def with_variables(
    item: T, pairs: Pairs, *, containers: str = "*", sources: Sequence[EnvVar] = (), overwrite: bool = True
) -> T:
    """Return the object with other environment variables.

    Args:
        item: a Pod or a workload.
        pairs: variables to set and to take away.
        containers: a pattern of container names; `*` and `?` as in a shell.
        sources: further variables, whose values come from somewhere else.
        overwrite: False keeps those that are there, and raises.

    Raises:
        NetlabError: no container matches, or a variable has another value and `overwrite` is False.
    """
    spec = pod_spec(item)
    chosen = [container.name for container in spec.all_containers if fnmatch.fnmatchcase(container.name, containers)]
    if not chosen:
        known = ", ".join(container.name for container in spec.all_containers)
        raise NetlabError(f"{item.key} does not have any containers matching {containers!r}; it has {known}")
    wanted = [*(EnvVar(name=name, value=value) for name, value in pairs.values.items()), *sources]
    return _with_containers(
        item, lambda one: _with_env(one, wanted, pairs.gone, overwrite=overwrite) if one.name in chosen else one
    )


def _with_env(container: Container, wanted: Sequence[EnvVar], gone: frozenset[str], *, overwrite: bool) -> Container:
    """Variables keep their place, because `$(NAME)` refers to earlier ones; new ones come last."""
    new = {variable.name: variable for variable in wanted}
    for variable in container.env:
        if not overwrite and new.get(variable.name, variable) != variable:
            raise NetlabError(f"'{variable.name}' already has a value ({variable.value}), and --overwrite is false")
    kept = [new.pop(variable.name, variable) for variable in container.env if variable.name not in gone]
    return replace(container, env=(*kept, *new.values()))


def variables_from(source: ConfigMap | Secret, *, prefix: str = "", keys: Iterable[str] = ()) -> list[EnvVar]:
    """Return a variable for each key of a ConfigMap or a Secret, or for those named; in upper case, `-` and `.` as `_`."""
    wanted = set(keys)
    return [
        EnvVar(
            name=prefix + key.upper().replace("-", "_").replace(".", "_"),
            value_from=_key_of(source, key),
        )
        for key in sorted(source.data)
        if not wanted or key in wanted
    ]


def _key_of(source: ConfigMap | Secret, key: str) -> EnvVarSource:
    if isinstance(source, Secret):
        return EnvVarSource(secret_key_ref=SecretKeySelector(name=source.metadata.name, key=key))
    return EnvVarSource(config_map_key_ref=ConfigMapKeySelector(name=source.metadata.name, key=key))


def _checked(item: T) -> T:
    """The object, if a manifest with it would be accepted."""
    checked(encode(item))
    return item


def _wrong(message: str, hint: str) -> ManifestError:
    return ManifestError((Problem(file="", line=0, object="", path="", message=message, hint=hint),))
