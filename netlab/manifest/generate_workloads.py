"""Whole workloads from a few words, as `kubectl create` makes them. Pure; checked as manifests are.

Source: kubectl reference (create deployment, create job); kubectl pkg/cmd/create.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, cast

from netlab.errors import NetlabError
from netlab.manifest.checked import checked
from netlab.model.job import Job
from netlab.model.node import Namespace
from netlab.model.workload import Deployment


def new_job(name: str, *, namespace: str, image: str, command: Sequence[str]) -> Job:
    """Return a Job of one container, which is not started again. Raises ManifestError for what a manifest could not say."""
    spec = {"restartPolicy": "Never", "containers": [_container(name, image, command)]}
    meta = {"name": name, "namespace": namespace}
    plain = {"apiVersion": "batch/v1", "kind": "Job", "metadata": meta, "spec": {"template": {"spec": spec}}}
    return cast("Job", checked(plain))


def new_deployment(
    name: str, *, namespace: str, images: Sequence[str], command: Sequence[str], replicas: int = 1, port: int | None = None
) -> Deployment:
    """Return a Deployment labelled `app=NAME` with a container for each image, called after it; `port` is the first one's.

    Raises ManifestError for what a manifest could not say either, NetlabError for a command and more than one image.
    """
    if command and len(images) > 1:
        raise NetlabError("cannot specify multiple --image options and command")
    containers = [_container(container_name(image), image, command) for image in images]
    if port is not None:
        containers[0]["ports"] = [{"containerPort": port}]
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": {"containers": containers}}
    spec = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template}
    meta = {"name": name, "namespace": namespace, "labels": labels}
    return cast("Deployment", checked({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": spec}))


def new_namespace(name: str) -> Namespace:
    """Return a Namespace. Raises ManifestError for what is no name."""
    return cast("Namespace", checked({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}))


def container_name(image: str) -> str:
    """Return the last word of an image's name, as far as it can be in one; kubectl adds a random end if not all of it can."""
    word = image.rpartition("/")[2].partition(":")[0].partition("@")[0]
    return re.sub(r"[^-a-z0-9]", "-", word)


def _container(name: str, image: str, command: Sequence[str]) -> dict[str, Any]:
    return {"name": name, "image": image} | ({"command": list(command)} if command else {})
