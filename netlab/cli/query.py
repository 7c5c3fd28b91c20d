"""Which objects a command line asks for: kinds, names, Namespace, labels, fields. Shared by get, delete, label, wait."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Sequence
from dataclasses import field
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, cast

import click

from netlab.cli.words import KINDS, is_namespaced, kinds, not_found, one_source, usage
from netlab.errors import ManifestError, NetlabError, NotFound
from netlab.frozen import dataclass
from netlab.model.codec import NOUNS, encode
from netlab.model.lab import Cluster, KubernetesObject
from netlab.model.meta import Key
from netlab.model.service import Service

if TYPE_CHECKING:
    from netlab.cli.selectors import FieldMatch, LabelMatch

REFUSED = "Error from server (BadRequest)"
TYPE_TWICE = (
    "there is no need to specify a resource type as a separate argument when passing arguments in resource/name form"
    " (e.g. 'netlab get resource/<resource_name>' instead of 'netlab get resource resource/<resource_name>'"
)
F = TypeVar("F", bound=Callable[..., object])


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What is asked for. `names` by kind; a kind that is absent there is meant whole. `namespace` None: in all of them.

    `selector` is what `labels` was read from. `fields` is read for each kind, because each has others.
    """

    kinds: tuple[str, ...]
    names: dict[str, list[str]] = field(default_factory=dict)
    namespace: str | None = "default"
    labels: LabelMatch | None = None
    selector: str = ""
    fields: str = ""

    @property
    def is_single(self) -> bool:
        """Tell whether one object is asked for by its name."""
        return sum(map(len, self.names.values())) == 1

    def find(self, cluster: Cluster) -> dict[str, list[KubernetesObject]]:
        """Return by kind the objects that match: those named in the order of the names, others by Namespace and name."""
        return {kind: self._find(cluster, kind) for kind in self.kinds}

    def missing(self, cluster: Cluster) -> list[NotFound]:
        """Return an error for each name that does not exist."""
        found = {kind: {item.metadata.name for item in self._find(cluster, kind)} for kind in self.names}
        return [not_found(kind, name) for kind, names in self.names.items() for name in names if name not in found[kind]]

    def key(self, kind: str, name: str) -> Key:
        """Return the identity of a named object of this query, which may not exist."""
        return Key(kind, (self.namespace or "default") if is_namespaced(kind) else "", name)

    def _find(self, cluster: Cluster, kind: str) -> list[KubernetesObject]:
        match = self._field_match(kind)
        found = [
            item
            for key, item in sorted(cluster.objects.items())
            if key.kind == kind
            and (self.namespace is None or key.namespace in {self.namespace, ""})
            and (self.labels is None or self.labels.matches(item.metadata.labels))
            and (match is None or match.matches(encode(item, whole=True)))
        ]
        if kind not in self.names:
            return found
        by_name = {item.metadata.name: item for item in found}
        return [by_name[name] for name in self.names[kind] if name in by_name]

    def _field_match(self, kind: str) -> FieldMatch | None:
        if not self.fields:
            return None
        from netlab.cli.selectors import parse_fields  # noqa: PLC0415 - few commands select

        try:
            return parse_fields(self.fields, kind)
        except ManifestError as error:  # it is the API server that reads these, and kubectl that says what it had asked for
            version = NOUNS[kind].api_version
            place = f"{'' if '/' in version else '/'}{version}, Resource={KINDS[kind][0]}"
            selectors = f"label selector {_quoted(self.selector)}, field selector {_quoted(self.fields)}"
            raise NetlabError(f'Unable to find "{place}" that match {selectors}: {error}', origin=REFUSED) from error

    @property
    def place(self) -> str:
        """Return ` in default namespace`, or nothing where that means nothing."""
        return f" in {self.namespace} namespace" if self.namespace and any(map(is_namespaced, self.kinds)) else ""


def parse_query(
    words: Sequence[str], *, namespace: str | None, everywhere: bool = False, selector: str = "", fields: str = ""
) -> Query:
    """Return the query that `pods`, `pods,svc`, `pod a b`, `pod/a svc/b` means. Raises ManifestError."""
    wanted, names = _wanted(words)
    if names and (selector or fields):
        raise usage("name cannot be provided when a selector is specified", "use either names or -l and --field-selector")
    if names and everywhere:
        raise usage("a resource cannot be retrieved by name across all namespaces", "use -n NAMESPACE")
    return Query(
        kinds=tuple(dict.fromkeys(wanted)),
        names=names,
        namespace=None if everywhere else namespace or "default",
        labels=_labels(selector) if selector else None,
        selector=selector,
        fields=fields,
    )


def _labels(selector: str) -> LabelMatch:
    from netlab.cli.selectors import parse_labels  # noqa: PLC0415 - few commands select

    return parse_labels(selector)


def _quoted(text: str) -> str:
    """A text as Go's %q prints it, as far as JSON and Go write alike."""
    return json.dumps(text, ensure_ascii=False)


def _wanted(words: Sequence[str]) -> tuple[list[str], dict[str, list[str]]]:
    """The kinds to list, in order, and the names asked for by kind (a kind that is absent is listed whole)."""
    if not any("/" in word for word in words):
        wanted = kinds(words[0])
        return wanted, {kind: list(dict.fromkeys(words[1:])) for kind in wanted} if words[1:] else {}
    names: dict[str, list[str]] = {}
    for word in words:
        kind, _, name = word.partition("/")
        if not name:
            raise usage(TYPE_TWICE)
        for each in kinds(kind):
            names.setdefault(each, []).append(name)
    return list(names), names


class Selection(NamedTuple):
    """Which of several objects: all of a kind, or those with certain labels or fields."""

    every: bool = False
    selector: str = ""
    fields: str = ""
    everywhere: bool = False


def selection_options(function: F) -> F:
    """Add `--all`, `-l`, `--field-selector` and `-A` as one argument `selection`."""
    names = {"every": "every", "selector": "selector", "fields": "field_selector", "everywhere": "all_namespaces"}

    @functools.wraps(function)
    def with_selection(*args: Any, **given: Any) -> object:
        selection = Selection(**{name: given.pop(option) for name, option in names.items()})
        return function(*args, selection=selection, **given)

    for option in (
        click.option("-A", "--all-namespaces", is_flag=True, help="In all Namespaces."),
        click.option("--field-selector", default="", metavar="SELECTOR", help="Those with these fields."),
        click.option("-l", "--selector", default="", metavar="SELECTOR", help="Those with these labels."),
        click.option("--all", "every", is_flag=True, help="All of this kind."),
    ):
        with_selection = option(with_selection)
    return cast("F", with_selection)


def selected(
    cluster: Cluster, words: Sequence[str], files: Sequence[str], namespace: str | None, selection: Selection
) -> list[KubernetesObject]:
    """Return the objects that are named, or chosen by `selection`, or stand in manifests.

    Raises:
        NotFound: a named object does not exist.
        ManifestError: nothing is named, or it cannot be understood.
    """
    one_source(words, files)
    if files:
        return named(cluster, words, files, namespace)
    if not words:
        raise usage(
            "resource(s) were provided, but no name was specified", "name objects: KIND NAME..., or KIND with -l or --all"
        )
    query = parse_query(
        words, namespace=namespace, everywhere=selection.everywhere, selector=selection.selector, fields=selection.fields
    )
    if not query.names and not (selection.every or selection.selector or selection.fields):
        raise usage("resource(s) were provided, but no name was specified", "name objects, or use -l or --all")
    for error in query.missing(cluster):
        raise error
    return [item for items in query.find(cluster).values() for item in items]


def named(cluster: Cluster, words: Sequence[str], files: Sequence[str], namespace: str | None) -> list[KubernetesObject]:
    """Return the objects that are named by words or stand in manifests. Raises NotFound, ManifestError."""
    if files:
        from netlab.cli.apply import read  # noqa: PLC0415 - reading YAML costs 20 ms

        found = [(item.key, cluster.objects.get(item.key)) for item in read(files, namespace)]
        for key, item in found:
            if item is None:
                raise not_found(key.kind, key.name)
        return [item for _, item in found if item is not None]
    return selected(cluster, words, (), namespace, Selection())


def one_service(word: str, namespace: str | None, cluster: Cluster) -> Service:
    """Return the Service that `svc/web` or `web` means. Raises ManifestError, NotFound."""
    query = parse_query([word if "/" in word else f"services/{word}"], namespace=namespace)
    for error in query.missing(cluster):
        raise error
    found = [item for items in query.find(cluster).values() for item in items]
    if len(found) != 1 or not isinstance(found[0], Service):
        raise usage(f"{word} is no Service", "name one: svc/NAME")
    return found[0]
