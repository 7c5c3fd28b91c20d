"""What the played API server always answers: its version, the resources it has, and that changes may be dry runs.

Discovery in the plain form (`APIResourceList`), which kubectl falls back to; OpenAPI with nothing in it but the two
parameters that kubectl looks for before it sends them; the lease of each Node, which `describe` asks for.
Source: Kubernetes docs, "Kubernetes API Concepts"; OpenAPI 3.0 specification.
"""

from __future__ import annotations

from cluster import KINDS, NODES, UNSPACED, Json

VERBS = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]
SHORT = {"pods": ["po"], "services": ["svc"], "configmaps": ["cm"], "namespaces": ["ns"], "nodes": ["no"],
         "deployments": ["deploy"], "replicasets": ["rs"], "daemonsets": ["ds"], "events": ["ev"], "endpoints": ["ep"]}  # fmt: skip
IN_ALL = ("pods", "services", "daemonsets", "deployments", "replicasets", "jobs")
EVICTIONS = "policy/v1"
# A group must have a resource; this one can do nothing, and so is not listed.
SILENT = {"name": "poddisruptionbudgets", "singularName": "", "namespaced": True, "kind": "PodDisruptionBudget", "verbs": []}
GROUPS = sorted({version for version, _ in KINDS.values()})
PARAMETERS = [{"name": name, "in": "query", "schema": {"type": "string"}} for name in ("dryRun", "fieldValidation")]


def _resources(version: str) -> Json:
    found = []
    for kind, (group, plural) in KINDS.items():
        if group == version:
            found.append({
                "name": plural, "singularName": kind.lower(), "namespaced": plural not in UNSPACED, "kind": kind,
                "verbs": VERBS, "shortNames": SHORT.get(plural, []), "categories": ["all"] if plural in IN_ALL else [],
            })  # fmt: skip
        if group == version and plural == "pods":
            found.append({"name": "pods/eviction", "singularName": "", "namespaced": True, "group": "policy", "version": "v1",
                          "kind": "Eviction", "verbs": ["create"]})  # fmt: skip
        if group == version and plural == "deployments":
            found.append({"name": "deployments/scale", "singularName": "", "namespaced": True, "group": "autoscaling",
                          "version": "v1", "kind": "Scale", "verbs": ["get", "patch", "update"]})  # fmt: skip
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": version, "resources": found}


def _openapi(version: str) -> Json:
    root = f"api/{version}" if "/" not in version else f"apis/{version}"
    paths = {}
    for kind, (group, plural) in KINDS.items():
        if group == version:
            name, _, number = version.rpartition("/")
            gvk = {"group": name, "version": number, "kind": kind}
            paths[f"/{root}/{plural}/{{name}}"] = {
                "patch": {"x-kubernetes-group-version-kind": gvk, "parameters": PARAMETERS, "responses": {}}
            }
    return {"openapi": "3.0.0", "info": {"title": "Kubernetes", "version": "v1.32.0"}, "paths": paths}


def _static() -> dict[str, Json]:
    named = [{"groupVersion": version, "version": version.partition("/")[2]} for version in GROUPS if "/" in version]
    named.append({"groupVersion": EVICTIONS, "version": "v1"})
    groups = [{"name": one["groupVersion"].partition("/")[0], "versions": [one], "preferredVersion": one} for one in named]
    roots = {version: f"api/{version}" if "/" not in version else f"apis/{version}" for version in GROUPS}
    leases = {name: {"metadata": {"name": name}, "spec": {"holderIdentity": name}} for name in NODES}
    return {
        "version": {"major": "1", "minor": "32", "gitVersion": "v1.32.0", "platform": "linux/amd64"},
        "api": {"kind": "APIVersions", "versions": ["v1"]},
        "apis": {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups},
        "openapi/v3": {"paths": {root: {"serverRelativeURL": f"/openapi/v3/{root}"} for root in roots.values()}},
        **{f"apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/{name}": one for name, one in leases.items()},
        f"apis/{EVICTIONS}": {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": EVICTIONS, "resources": [SILENT]},
        **{root: _resources(version) for version, root in roots.items()},
        **{f"openapi/v3/{root}": _openapi(version) for version, root in roots.items()},
    }


STATIC = _static()
