"""How the played API server changes an object: the merge patches that kubectl sends.

A merge patch (RFC 7396) replaces lists. A strategic merge patch merges those lists whose items have a name of their own,
and carries directives: `$patch: delete` drops an item, `$setElementOrder/<list>` says in which order the items stand,
`$retainKeys` which keys stay. Source: Kubernetes docs, "Update API Objects in Place Using kubectl patch"; API reference
(patchMergeKey of each list).
"""

from __future__ import annotations

from typing import Any

# Field that holds a list -> what names an item, where it can stand.
MERGE_KEYS = {
    "containers": ("name",), "env": ("name",), "volumes": ("name",), "volumeMounts": ("mountPath",),
    "ports": ("containerPort", "port"), "conditions": ("type",), "addresses": ("type",),
}  # fmt: skip
ORDER = "$setElementOrder/"


def merged(old: Any, patch: Any, *, strategic: bool) -> Any:
    """Return `old` with `patch` in it; neither is changed."""
    if not isinstance(patch, dict):
        return patch
    result = dict(old) if isinstance(old, dict) else {}
    for field, value in patch.items():
        if field.startswith("$"):
            continue
        if value is None:
            result.pop(field, None)
        elif strategic and isinstance(value, list) and field in MERGE_KEYS:
            result[field] = _merged_list(result.get(field) or [], value, MERGE_KEYS[field])
        else:
            result[field] = merged(result.get(field), value, strategic=strategic)
    for field, order in patch.items():
        if field.startswith(ORDER):
            _order(result, field.removeprefix(ORDER), order)
    return {key: value for key, value in result.items() if key in patch.get("$retainKeys", result)}


def _merged_list(old: list[Any], patch: list[Any], keys: tuple[str, ...]) -> list[Any]:
    result = {_name(item, keys): item for item in old}
    for item in patch:
        name = _name(item, keys)
        if item.get("$patch") == "delete":
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), item, strategic=True)
    return list(result.values())


def _order(parent: dict[str, Any], field: str, order: list[Any]) -> None:
    keys = MERGE_KEYS.get(field, ())
    places = {_name(item, keys): place for place, item in enumerate(order)}
    parent[field] = sorted(parent.get(field, ()), key=lambda item: places.get(_name(item, keys), len(places)))


def _name(item: Any, keys: tuple[str, ...]) -> Any:
    return next((item[key] for key in keys if key in item), None) if isinstance(item, dict) else item
