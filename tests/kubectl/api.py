"""The played API server: as much of the Kubernetes API over HTTP as kubectl needs, on a Cluster in memory.

Discovery, objects as themselves and as Tables, label and field selectors, merge patches, the subresources `scale` and
`eviction`, and watches that stay silent until kubectl hangs up. Errors are `Status` objects worded as the server's. Every change is
settled at once. Source: Kubernetes docs, "Kubernetes API Concepts"; API reference (Status, Table).
"""

from __future__ import annotations

import copy
import json
import select
from functools import reduce
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cluster import KINDS, UNSPACED, Cluster, Json
from discovery import STATIC
from patches import merged
from tables import table

BELOW = {"deployments": ("", "scale"), "pods": ("", "eviction")}
REASONS = {"NotFound": 404, "AlreadyExists": 409, "Conflict": 409, "BadRequest": 400}


class Refused(Exception):
    """The server's answer is an error: a `Status` of this reason."""

    def __init__(self, reason: str, message: str, **details: str) -> None:
        super().__init__(message)
        status = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message}
        self.status = {**status, "reason": reason, "details": details, "code": REASONS[reason]}


class Server(ThreadingHTTPServer):
    """A server for one Cluster; `server.cluster` may be exchanged between requests."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.cluster = Cluster()


class Handler(BaseHTTPRequestHandler):
    """One request: its path is cut into words, its query into options."""

    server: Server

    def do_GET(self) -> None:
        self._answer()

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Say nothing: what counts is what kubectl prints."""

    def _answer(self) -> None:
        parts = urlsplit(self.path)
        self.options = {key: values[0] for key, values in parse_qs(parts.query).items()}
        words = tuple(parts.path.strip("/").split("/"))
        try:
            found = STATIC.get("/".join(words)) or self._object(words)
        except Refused as refused:
            self._send(refused.status, refused.status["code"])
            return
        if found is not None:
            self._send(found, 201 if self.command == "POST" else 200)

    def _send(self, body: Json, code: int) -> None:
        text = json.dumps(body).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def _object(self, words: tuple[str, ...]) -> Json | None:
        words = words[2 if words[0] == "api" else 3 :]
        namespace = ""
        if words[:1] == ("namespaces",) and len(words) > 2:
            namespace, words = words[1], words[2:]
        resource, name, below = (*words, "", "", "")[:3]
        if resource not in {plural for _, plural in KINDS.values()} or below not in BELOW.get(resource, ("",)):
            raise Refused("NotFound", "the server could not find the requested resource")
        if self.command == "POST" and not below:
            return self._create(resource, namespace)
        if not name:
            return self._listed(resource, namespace)
        key = (resource, namespace, name)
        if key not in self.server.cluster.objects:
            raise not_found(resource, name)
        return getattr(self, f"_{self.command.lower()}")(key, below)

    def _body(self) -> Json:
        """What kubectl sent; options that it wrote in another format than JSON are those of a plain deletion."""
        text = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        return json.loads(text or b"{}") if "json" in self.headers.get("Content-Type", "json") else {}

    def _listed(self, resource: str, namespace: str) -> Json | None:
        items = [item for item in self.server.cluster.listed(resource, namespace) if self._chosen(item)]
        if self.options.get("watch"):
            return self._silence()
        kind, version = next((kind, version) for kind, (version, plural) in KINDS.items() if plural == resource)
        meta = {"resourceVersion": "1000"}
        return self._shown(resource, items, {"apiVersion": version, "kind": f"{kind}List", "metadata": meta, "items": items})

    def _shown(self, resource: str, items: list[Json], plain: Json) -> Json:
        if "as=Table" in self.headers.get("Accept", ""):
            return table(resource, items, whole=self.options.get("includeObject") == "Object")
        return plain

    def _chosen(self, item: Json) -> bool:
        labels = item["metadata"].get("labels", {})
        fields = [one.partition("=") for one in self.options.get("fieldSelector", "").split(",") if one]
        same = ((at(item, path.rstrip("!")) == text) is not path.endswith("!") for path, _, text in fields)
        return selected(self.options.get("labelSelector", ""), labels) and all(same)

    def _silence(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.flush()
        select.select([self.connection], [], [], float(self.options.get("timeoutSeconds", 60)))
        self.close_connection = True

    def _create(self, resource: str, namespace: str) -> Json:
        item, cluster = self._body(), self.server.cluster
        name = item["metadata"]["name"]
        if resource not in UNSPACED and ("namespaces", "", namespace) not in cluster.objects:
            raise not_found("namespaces", namespace)
        if (resource, namespace, name) in cluster.objects:
            raise Refused("AlreadyExists", f'{_qualified(resource)} "{name}" already exists', name=name, kind=resource)
        if resource not in UNSPACED:
            item["metadata"]["namespace"] = namespace
        return self._kept(item)

    def _kept(self, item: Json) -> Json:
        """The object as it is after this change, which a dry run does not make."""
        cluster = copy.deepcopy(self.server.cluster)
        made = cluster.put(item)
        if "dryRun" not in self.options:
            cluster.settle()
            self.server.cluster = cluster
        return made

    def _post(self, key: tuple[str, str, str], _: str) -> Json:
        """An eviction, which deletes the Pod unless it is a dry run."""
        options = self._body().get("deleteOptions") or {}
        if not options.get("dryRun"):
            self.server.cluster.drop(key)
            self.server.cluster.settle()
        return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}

    def _get(self, key: tuple[str, str, str], below: str) -> Json:
        item = self.server.cluster.objects[key]
        return scale_of(item) if below == "scale" else self._shown(key[0], [item], item)

    def _patch(self, key: tuple[str, str, str], below: str) -> Json:
        strategic = "strategic" in self.headers["Content-Type"]
        old = self.server.cluster.objects[key]
        if below == "scale":
            replicas = merged(scale_of(old), self._body(), strategic=False)["spec"]["replicas"]
            return scale_of(self._kept(merged(old, {"spec": {"replicas": replicas}}, strategic=False)))
        return self._kept(merged(old, self._body(), strategic=strategic))

    def _put(self, key: tuple[str, str, str], below: str) -> Json:
        body, old = self._body(), self.server.cluster.objects[key]
        if below != "scale":
            return self._kept(body)
        return scale_of(self._kept(merged(old, {"spec": {"replicas": body["spec"].get("replicas", 0)}}, strategic=False)))

    def _delete(self, key: tuple[str, str, str], _: str) -> Json:
        details = {"name": key[2], "kind": key[0], "uid": self.server.cluster.objects[key]["metadata"]["uid"]}
        if "dryRun" not in self.options and self._body().get("dryRun") is None:
            self.server.cluster.drop(key)
            self.server.cluster.settle()
        return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}


def not_found(resource: str, name: str) -> Refused:
    """Return the server's answer about an object that is not there."""
    return Refused("NotFound", f'{_qualified(resource)} "{name}" not found', name=name, kind=resource)


def _qualified(resource: str) -> str:
    version = next(version for version, plural in KINDS.values() if plural == resource)
    return f"{resource}.{version.partition('/')[0]}" if "/" in version else resource


def selected(selector: str, labels: dict[str, str]) -> bool:
    """Tell whether labels fit `a=b`, `a!=b`, `a`, `!a`, joined by commas; sets (`a in (b,c)`) too."""
    for part in filter(None, _parts(selector)):
        key, mark, value = _requirement(part)
        fits = labels.get(key) in value if value else key in labels
        if fits is (mark == "!"):
            return False
    return True


def _parts(selector: str) -> list[str]:
    parts, depth = [""], 0
    for letter in selector:
        depth += (letter == "(") - (letter == ")")
        if letter == "," and not depth:
            parts.append("")
        else:
            parts[-1] += letter
    return parts


def _requirement(part: str) -> tuple[str, str, tuple[str, ...]]:
    for words, mark in ((" notin ", "!"), (" in ", ""), ("!=", "!"), ("==", ""), ("=", "")):
        key, found, value = part.partition(words)
        if found:
            return key, mark, tuple(value.strip("()").split(","))
    return part.lstrip("!"), "!" if part.startswith("!") else "", ()


def at(item: Any, path: str) -> Any:
    """Return the field at a dotted path, "" where there is none."""
    return reduce(lambda found, word: found.get(word, "") if isinstance(found, dict) else "", path.split("."), item)


def scale_of(item: Json) -> Json:
    """Return the `Scale` of a Deployment."""
    meta, replicas = item["metadata"], item["spec"]["replicas"]
    head = {key: meta[key] for key in ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")}
    selector = ",".join(f"{key}={value}" for key, value in item["spec"]["selector"]["matchLabels"].items())
    scale = {"kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": head}
    return {**scale, "spec": {"replicas": replicas}, "status": {"replicas": replicas, "selector": selector}}
