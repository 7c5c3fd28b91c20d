"""`apply` keeps what others set: the three-way merge of an object as it is, as its manifest is now, and as it was applied last.

    in the manifest             its value counts, whatever others made of it
    not there, but there last   was taken out of the manifest: it goes
    in neither                  was set by others (`netlab scale`, `label`, `set env`): it stays

With a field goes what others put into it: a manifest that loses its `labels:` takes all labels away, as in Kubernetes.
Lists whose items have a name of their own (containers, ports, ...) are merged item by item; any other list is one value. Pure.
Source: Kubernetes docs, "Declarative Management of Kubernetes Objects Using Configuration Files" (how apply calculates
differences and merges changes); API reference (patchMergeKey of each list).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar, cast

from netlab.manifest.checked import checked
from netlab.model.codec import encode
from netlab.model.lab import KubernetesObject
from netlab.model.wire import Plain

T = TypeVar("T", bound=KubernetesObject)

# List, with the field around it -> the fields that name an item. Kubernetes knows a port by its number alone, and so loses one
# of 53/UDP and 53/TCP when it merges; here the protocol belongs to the name.
NAMED_BY: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("spec", "containers"): ("name",),
    ("spec", "initContainers"): ("name",),
    ("spec", "volumes"): ("name",),
    ("spec", "ports"): ("port", "protocol"),
    ("containers", "env"): ("name",),
    ("containers", "ports"): ("containerPort", "protocol"),
    ("containers", "volumeMounts"): ("mountPath",),
}
DEFAULTS = {"protocol": "TCP"}
# Items of which one field excludes the others: the manifest's item takes the place of the other.
WHOLE = frozenset({"volumes", "env"})
MERGED_META = ("labels", "annotations")
COUNTED = "deployment.kubernetes.io/"  # what a Deployment's rollouts say of themselves; in a manifest it is a copy, not a wish


def three_way(live: T, wish: Plain, last: Plain | None) -> T:
    """Return `live` with what its manifest asks for; its identity, owners and status stay.

    Args:
        live: the object as it is wished now.
        wish: its manifest, as written; of `metadata` only labels and annotations count.
        last: the manifest that was applied last; None if none was: then nothing was taken out of it.

    Raises:
        ManifestError: what others set does not go together with the manifest.
    """
    merged = checked(_merged(_mergeable(encode(live)), _wished(wish), _wished(last or {})))
    meta = replace(live.metadata, labels=merged.metadata.labels, annotations=merged.metadata.annotations)
    return cast("T", replace(merged, metadata=meta))


def _mergeable(plain: Plain) -> Plain:
    """The fields that are merged, and the name, which messages need."""
    meta = plain.get("metadata") or {}
    kept = {key: meta[key] for key in ("name", "namespace", *MERGED_META) if key in meta}
    return {key: value for key, value in plain.items() if key != "status"} | {"metadata": kept}


def _wished(plain: Plain) -> Plain:
    """What of a manifest is merged."""
    found = _mergeable(plain)
    notes = found["metadata"].get("annotations")
    if notes and (asked := {key: value for key, value in notes.items() if not key.startswith(COUNTED)}) != notes:
        kept = {key: value for key, value in found["metadata"].items() if key != "annotations"}
        return found | {"metadata": kept | ({"annotations": asked} if asked else {})}
    return found


def _merged(live: Any, wish: Any, last: Any, field: str = "", around: str = "") -> Any:
    """One value; `field` is where it stands, `around` the field around that."""
    if isinstance(live, dict) and isinstance(wish, dict):
        return _merged_fields(live, wish, last if isinstance(last, dict) else {}, field)
    names = NAMED_BY.get((around, field))
    if names is not None and isinstance(live, list) and isinstance(wish, list):
        return _merged_items(live, wish, last if isinstance(last, list) else [], field, names)
    return wish


def _merged_fields(live: Plain, wish: Plain, last: Plain, field: str) -> Plain:
    kept = {key: value for key, value in live.items() if key in wish or key not in last}
    asked = {key: _merged(live.get(key), value, last.get(key), key, field) for key, value in wish.items()}
    return {key: value for key, value in {**kept, **asked}.items() if value is not None}  # null in a manifest: not set


def _merged_items(
    live: Sequence[Plain], wish: Sequence[Plain], last: Sequence[Plain], field: str, names: tuple[str, ...]
) -> Any:
    """The manifest's items in its order; an item of others stands before the one that it stands before now."""
    now, then = _by_name(live, names), _by_name(last, names)
    asked = {
        name: item if field in WHOLE or name not in now else _merged(now[name], item, then.get(name), field)
        for name, item in _by_name(wish, names).items()
    }
    others = [name for name in now if name not in asked and name not in then]
    return [asked[name] if name in asked else now[name] for name in _in_order(list(asked), others, list(now))]


def _by_name(items: Sequence[Plain], names: tuple[str, ...]) -> dict[tuple[Any, ...], Plain]:
    return {tuple(item.get(name, DEFAULTS.get(name)) for name in names): item for item in items}


def _in_order(asked: Sequence[Any], others: Sequence[Any], now: Sequence[Any]) -> Iterator[Any]:
    waiting = list(others)
    for name in asked:
        while waiting and name in now and now.index(waiting[0]) < now.index(name):
            yield waiting.pop(0)
        yield name
    yield from waiting
