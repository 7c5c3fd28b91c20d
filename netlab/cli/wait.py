"""`netlab wait`: until something is true of objects. Awaited through the lab's state file, never by asking again and again.

--for=condition=Ready   --for=condition=Available=false   --for=delete   --for=create   --for=jsonpath='{.status.phase}'=Running
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import click

from netlab.cli.durations import DurationType
from netlab.cli.jsonpath import find
from netlab.cli.options import example, file_option, kinds_argument, lab_option, live_lab, namespace_option
from netlab.cli.query import Selection, parse_query, selected, selection_options
from netlab.cli.words import nothing_named, one_source, resource, subject, usage
from netlab.engine.view import read_lab, watch_lab
from netlab.errors import NetlabError, NotFound
from netlab.frozen import dataclass
from netlab.model.codec import encode
from netlab.model.lab import Cluster, KubernetesObject
from netlab.model.meta import Key

A_WEEK_S = 604800.0
HINT = "condition=Ready, delete, create, or jsonpath='{.status.phase}'=Running"


@dataclass(frozen=True, slots=True)
class Goal:
    """What is awaited: `kind` is condition, jsonpath, delete or create; `path` the condition's name or a JSONPath."""

    kind: str
    path: str = ""
    value: str | None = None

    def is_met(self, item: KubernetesObject | None) -> bool:
        """Tell whether it is so with this object; None: it does not exist."""
        if item is None or self.kind in {"delete", "create"}:
            return (item is None) == (self.kind == "delete")
        plain = encode(item, whole=True)
        if self.kind == "condition":
            conditions = plain.get("status", {}).get("conditions", [])
            return any(
                one["type"].lower() == self.path.lower() and one["status"].lower() == (self.value or "true").lower()
                for one in conditions
            )
        found = find(self.path, plain)
        return bool(found) if self.value is None else any(_text(one) == self.value for one in found)


def parse_goal(text: str) -> Goal:
    """Return what stands behind `--for`. Raises ManifestError for what cannot be awaited."""
    kind, _, rest = text.partition("=")
    if kind in {"delete", "create"} and not rest:
        return Goal(kind)
    if kind == "condition" and rest:
        name, equals, value = rest.partition("=")
        return Goal(kind, name, value if equals else None)
    if kind == "jsonpath" and rest:
        end = rest.rfind("}") + 1 or len(rest.partition("=")[0])
        path, value = rest[:end], rest[end:]
        find(path, {})  # so that a path that cannot be read is refused now
        return Goal(kind, path, value.removeprefix("=") if value else None)
    raise usage(f'unrecognized condition: "{text}"', HINT)


@click.command(
    "wait",
    epilog=example(
        "netlab wait --for=condition=Ready pod --all --timeout=10s",
        "netlab wait --for=condition=Available deployment/frontend",
        "netlab wait --for=jsonpath='{.status.readyReplicas}'=3 deployment/frontend",
        "netlab wait --for=delete pod/nosuch --timeout=5s",
    ),
)
@kinds_argument
@file_option
@click.option("--for", "goal", default="", metavar="GOAL", help=f"What to wait for: {HINT}.")
@click.option(
    "--timeout", type=DurationType(), default="30s", show_default=True, metavar="TIME",
    help="How long to wait: 30s, 1m30s; 0 looks once, and less than 0 means a week.",
)  # fmt: skip
@namespace_option
@selection_options
@lab_option
def command(
    *,
    words: tuple[str, ...],
    files: tuple[str, ...],
    goal: str,
    timeout: float,
    namespace: str | None,
    selection: Selection,
    lab: str,
) -> None:
    """Wait until something is true of objects; exit code 1 if it does not become true in time."""
    wanted, limit_s = parse_goal(goal), timeout if timeout >= 0 else A_WEEK_S
    one_source(words, files)
    if not words and not files:
        raise nothing_named()
    paths = live_lab(lab)
    deadline = time.monotonic() + limit_s
    waiting = _targets(read_lab(paths), wanted, words, files, namespace, selection)
    if wanted.kind == "delete":
        waiting = {key: uid for key, uid in waiting.items() if uid}  # what is gone already is no news
    for cluster in watch_lab(paths, deadline):
        for key, uid in list(waiting.items()):
            if wanted.is_met(_same(cluster, key, uid)):
                click.echo(f"{subject(key)} condition met")
                del waiting[key]
            elif wanted.kind in {"condition", "jsonpath"} and key not in cluster.objects:
                raise NotFound(f'{resource(key.kind)} "{key.name}" not found', origin="Error from server (NotFound)")
        if not waiting:
            return
    lines = "\n".join(f"timed out waiting for the condition on {resource(key.kind)}/{key.name}" for key in waiting)
    raise NetlabError(lines)


def _targets(  # noqa: PLR0917 - the words of one command line
    cluster: Cluster,
    goal: Goal,
    words: tuple[str, ...],
    files: tuple[str, ...],
    namespace: str | None,
    selection: Selection,
) -> dict[Key, str]:
    """The objects to wait for, with their uids ("" if they need not exist yet)."""
    if goal.kind in {"delete", "create"}:
        return {key: item.metadata.uid if item else "" for key, item in _possible(cluster, words, files, namespace, selection)}
    found = selected(cluster, words, files, namespace, selection)
    if not found:
        raise NetlabError("no matching resources found")
    return {item.key: item.metadata.uid for item in found}


def _possible(
    cluster: Cluster, words: tuple[str, ...], files: tuple[str, ...], namespace: str | None, selection: Selection
) -> Iterator[tuple[Key, KubernetesObject | None]]:
    """Objects that may or may not exist: those that are named do not have to."""
    query = parse_query(words, namespace=namespace, everywhere=selection.everywhere) if words else None
    if query is None or not query.names:
        yield from ((item.key, item) for item in selected(cluster, words, files, namespace, selection))
        return
    for kind, names in query.names.items():
        for name in names:
            key = query.key(kind, name)
            yield key, cluster.objects.get(key)


def _same(cluster: Cluster, key: Key, uid: str) -> KubernetesObject | None:
    """The object, unless it is another one under the same name: then the one that was meant is gone."""
    item = cluster.objects.get(key)
    return item if item is not None and (not uid or item.metadata.uid == uid) else None


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
