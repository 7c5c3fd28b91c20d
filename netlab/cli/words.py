"""The words with which a user names kinds and objects, as kubectl understands them: `po`, `pods`, `pod/web`, `svc web`."""

from __future__ import annotations

from collections.abc import Sequence

from netlab.errors import Conflict, ManifestError, NotFound, Problem
from netlab.model.meta import Key
from netlab.model.words import did_you_mean

# Kind -> plural, short names, API group (as kubectl prints it behind the kind), whether it lives in a Namespace.
KINDS: dict[str, tuple[str, tuple[str, ...], str, bool]] = {
    "Pod": ("pods", ("po",), "", True),
    "Service": ("services", ("svc",), "", True),
    "Endpoints": ("endpoints", ("ep",), "", True),
    "EndpointSlice": ("endpointslices", ("eps",), "discovery.k8s.io", True),
    "Deployment": ("deployments", ("deploy",), "apps", True),
    "ReplicaSet": ("replicasets", ("rs",), "apps", True),
    "DaemonSet": ("daemonsets", ("ds",), "apps", True),
    "Job": ("jobs", (), "batch", True),
    "ConfigMap": ("configmaps", ("cm",), "", True),
    "Secret": ("secrets", (), "", True),
    "Namespace": ("namespaces", ("ns",), "", False),
    "Node": ("nodes", ("no",), "", False),
    "Event": ("events", ("ev",), "", True),
}
SERVER = "Error from server (NotFound)"
ALL = ("Pod", "Service", "DaemonSet", "Deployment", "ReplicaSet", "Job")
WORDS = {
    word: kind
    for kind, (plural, short, _, _) in KINDS.items()
    for word in (kind.lower(), plural, *short)
}  # fmt: skip
# The lab itself is no object among others: it is made by `up`, it can be explained, and Events may be about it.
LAB_WORDS = {"lab": "Lab", "labs": "Lab"}


def is_namespaced(kind: str) -> bool:
    """Tell whether objects of this kind live in a Namespace."""
    return KINDS[kind][3]


def subject(key: Key) -> str:
    """Return an object's name as kubectl prints it: `pod/web`, `deployment.apps/web`."""
    group = KINDS[key.kind][2]
    return f"{key.kind.lower()}{'.' + group if group else ''}/{key.name}"


def kinds(word: str) -> list[str]:
    """Return the kinds that `word` names: `po`, `pods,svc`, `all`. Raises ManifestError for an unknown one."""
    found: list[str] = []
    for part in word.lower().split(","):
        name = part.partition(".")[0]
        if name == "all":
            found += ALL
        elif name in WORDS:
            found.append(WORDS[name])
        else:
            known = ", ".join(plural for plural, *_ in KINDS.values())
            hint = did_you_mean(name, WORDS) or f"known: {known}"
            raise usage(f'the server doesn\'t have a resource type "{part}"', hint)
    return found


def keys(words: Sequence[str], namespace: str) -> list[Key]:
    """Return the objects that `pod web db` or `pod/web svc/web` names. Raises ManifestError."""
    if not words:
        return []
    if "/" in words[0]:
        pairs = [word.partition("/")[::2] for word in words]
        if not all(name for _, name in pairs):
            raise usage("name every object as KIND/NAME", "for example pod/web service/web")
        return [_key(kind, name, namespace) for word, name in pairs for kind in kinds(word)]
    if any("/" in word for word in words):
        raise usage("use either KIND NAME... or KIND/NAME..., not both", "for example pod/web service/web")
    return [_key(kind, name, namespace) for kind in kinds(words[0]) for name in words[1:]]


def _key(kind: str, name: str, namespace: str) -> Key:
    return Key(kind, namespace if is_namespaced(kind) else "", name)


def usage(message: str, hint: str = "") -> ManifestError:
    """Return the error for a command line that cannot be understood."""
    return ManifestError((Problem(file="", line=0, object="", path="", message=message, hint=hint),))


def one_source(words: Sequence[str], files: Sequence[str]) -> None:
    """Raise ManifestError if objects are named both by words and by manifests."""
    if words and files:
        message = "when paths, URLs, or stdin is provided as input, you may not specify resource arguments as well"
        raise usage(message, f"leave out -f, or {' '.join(words)}")


def nothing_named() -> ManifestError:
    """Return the error for a command line that names no object at all."""
    return usage(
        "You must provide one or more resources by argument or filename.\n"
        "Example resource specifications include:\n"
        "   '-f rsrc.yaml'\n"
        "   '--filename=rsrc.json'\n"
        "   '<resource> <name>'\n"
        "   '<resource>'"
    )


def resource(kind: str) -> str:
    """Return a kind as errors name it: `pods`, `deployments.apps`."""
    plural, _, group, _ = KINDS[kind]
    return f"{plural}.{group}" if group else plural


def already_exists(kind: str, name: str) -> Conflict:
    """Return the error for an object that is to be made and is there, in the API server's words."""
    return Conflict(f'{resource(kind)} "{name}" already exists', origin="Error from server (AlreadyExists)")


def not_found(kind: str, name: str) -> NotFound:
    """Return the error for an object that does not exist, in the API server's words."""
    return NotFound(f'{resource(kind)} "{name}" not found', origin=SERVER)
