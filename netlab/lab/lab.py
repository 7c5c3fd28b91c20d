"""A lab from Python: made, filled, asked, removed. Each method does what the command of the same name does, by the same engine.

from netlab import Lab                        netlab up --nodes 2
with Lab(nodes=2) as lab:
    lab.apply("guestbook.yaml")               netlab apply -f guestbook.yaml
    lab.wait("pod/web", timeout_s=10)         netlab wait --for=condition=Ready pod/web --timeout=10s
    lab.pod("web").exec("ip", "addr").stdout  netlab exec web -- ip addr
                                              netlab down
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from pathlib import Path

from netlab.cli.words import is_namespaced, keys, kinds, not_found, usage
from netlab.desired.compile import compile_net
from netlab.engine.agent import ensure_agent, wake_agent
from netlab.engine.apply import Applied, apply, delete
from netlab.engine.reconcile import reconcile
from netlab.engine.session import session
from netlab.engine.settle import wait_gone
from netlab.engine.view import open_store, read_lab, read_wish
from netlab.lab.handles import Machine, PodHandle, ServiceHandle
from netlab.lab.life import TIMEOUT_S, Life, refuse_problems
from netlab.lab.waiting import Test, missing_condition, unready, until
from netlab.lab.wishes import Source, read_objects
from netlab.model.event import Event
from netlab.model.lab import KubernetesObject
from netlab.model.meta import Key
from netlab.netstate.names import OUTSIDE, machine_netns
from netlab.store.events import events


class Lab(Life):
    r"""One lab. In a `with` block it is up; behind the block nothing of it is left, whatever happened in it.

        >>> from netlab import Lab
        >>> pod = {
        ...     "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web", "labels": {"app": "web"}},
        ...     "spec": {"containers": [{"name": "main", "image": "host", "command": ["sleep", "infinity"]}]},
        ... }
        >>> with Lab(nodes=1) as lab:
        ...     [applied.verdict for applied in lab.apply(pod)]
        ...     lab.wait("pod/web", timeout_s=10).is_ready
        ...     lab.pod("web").exec("hostname").stdout
        ...     lab.node("node-1").exec("ping", "-c", "1", lab.pod("web").ip).code
        ...     lab.delete("pod/web", grace_s=0)
        ['created']
        True
        'web\n'
        0

    Arguments, and a lab without `with`: see `Life`. What a method raises beside what it names: NotFound, if the lab is not up.
    """

    def apply(
        self, source: Source, *, namespace: str | None = None, wait_s: float | None = None, base: Path | None = None
    ) -> list[Applied]:
        """Make or change objects, all of them or none, and return what became of each: `.key`, `.verdict`, `.item`.

        Containers have been started when this returns; as with kubectl, nobody waits until they are ready.

        Args:
            source: a Path or a `str` without a line break is a file or folder; a `str` with one is YAML text; a dict is one
                object, a list of dicts several.
            namespace: for objects that name none; those of another one are refused. None: `default`.
            wait_s: return when all Pods that follow from the objects are ready, and raise TimedOut after so many seconds.
            base: what a relative path is relative to; None: the working directory.

        Raises:
            ManifestError: the source holds errors; nothing was changed.
            NotFound, Conflict, PoolExhausted: it contradicts what there is; nothing was changed.
            KernelError: Linux refused a step, or a Pod cannot be started; the objects are kept, and the agent goes on trying.
        """
        objects = read_objects(source, namespace, base)
        with session(self._paths, memory=self._memory) as opened:
            done = apply(opened, objects)
            report = reconcile(opened)
        ensure_agent(self._paths)
        if report.changes:
            wake_agent(self._paths)
        refuse_problems(report)
        if wait_s is not None:
            until(self._paths, unready({applied.item.metadata.uid for applied in done}), wait_s)
        return done

    def delete(
        self, *subjects: str, namespace: str = "default", grace_s: int | None = None, timeout_s: float = TIMEOUT_S
    ) -> None:
        """Delete objects (`pod/web`, `svc/web`) with all they own, and return when they are gone.

        Args:
            subjects: KIND/NAME, with kubectl's words for kinds.
            namespace: where they are.
            grace_s: seconds from TERM to KILL; None: each Pod's own.
            timeout_s: how long to wait.

        Raises:
            NotFound: one of them does not exist; the others are deleted.
            Conflict: one of them always exists; nothing is deleted.
            NetlabError: one is still there after `timeout_s`.
        """
        wanted = [_key(subject, namespace) for subject in subjects]
        with session(self._paths, memory=self._memory) as opened:
            found = delete(opened, wanted, grace_s=grace_s)
            reconcile(opened)
        ensure_agent(self._paths)
        wake_agent(self._paths)
        wait_gone(self._paths, found.uids, time.time, lambda _: None, timeout_s)
        for key in found.missing:
            raise not_found(key.kind, key.name)

    def get(
        self, kind: str, *, namespace: str | None = "default", labels: str | Mapping[str, str] = ""
    ) -> list[KubernetesObject]:
        """Return the objects of a kind, or of several (`pods,svc`), by Namespace and name.

        They are frozen, and hold what `netlab get -o yaml` shows: `pod.status.pod_ips`, `service.spec.cluster_ip`.

        Args:
            kind: kubectl's word for it.
            namespace: only those there; None: everywhere. Kinds without a Namespace are listed in any case.
            labels: only those with all of these: `app=web,tier=backend`, or the same as a dict.

        Raises:
            ManifestError: there is no such kind, or `labels` cannot be read.
        """
        wanted = _labels(labels) if isinstance(labels, str) else labels
        objects = sorted(read_lab(self._paths).objects.items())
        return [
            item
            for one in kinds(kind)
            for key, item in objects
            if key.kind == one
            and (namespace is None or not is_namespaced(one) or key.namespace == namespace)
            and wanted.items() <= item.metadata.labels.items()
        ]

    def wait(
        self, subject: str, condition: str | Test = "Ready", *, timeout_s: float = TIMEOUT_S, namespace: str = "default"
    ) -> KubernetesObject | None:
        """Return the object as soon as something is true of it; None when it is awaited that it is gone.

        Args:
            subject: KIND/NAME.
            condition: one of its conditions (`Ready`, `Available`, `Ready=False`); `Deleted`; `Created`; or a function that
                gets the object, None if it does not exist, and tells whether it is as wished.
            timeout_s: how long to wait.
            namespace: where it is.

        Raises:
            TimedOut: it is not so after `timeout_s`; the message says what was seen last.
            NotFound: it does not exist, and neither `Deleted` nor `Created` is awaited.
        """
        key = _key(subject, namespace)
        self._check_up()
        return until(self._paths, missing_condition(key, condition), timeout_s).objects.get(key)

    def wait_ready(self, timeout_s: float = TIMEOUT_S) -> None:
        """Return when every Pod is ready or has succeeded and every Deployment is complete. Raises TimedOut with the others."""
        self._check_up()
        until(self._paths, unready(), timeout_s)

    def pod(self, name: str, namespace: str = "default") -> PodHandle:
        """Return a Pod by name, also one that does not exist yet; `deploy/web` is the first Pod of a Deployment."""
        return PodHandle(self._paths, name, namespace)

    def service(self, name: str, namespace: str = "default") -> ServiceHandle:
        """Return a Service by name, also one that does not exist yet."""
        return ServiceHandle(self._paths, name, namespace)

    def node(self, name: str) -> Machine:
        """Return a Node by name."""
        return Machine(self._paths, name)

    @property
    def outside(self) -> Machine:
        """The client that is not part of the cluster."""
        return Machine(self._paths, OUTSIDE)

    def rules(self, node: str) -> str:
        """Return the nft table of a Node as it is desired, as `nft -f` reads it. Raises NotFound if there is no such Node."""
        cluster, assignments = read_wish(self._paths)
        found = compile_net(cluster, assignments).by_name.get(machine_netns(self.name, node))
        if found is None or node not in assignments.nodes:
            raise not_found("Node", node)
        return str(found.table)

    def events(self) -> list[Event]:
        """Return what happened to the objects, as `netlab events -A` shows it, the newest last."""
        with contextlib.closing(open_store(self._paths)) as store:
            return events(store)


def _key(subject: str, namespace: str) -> Key:
    found = keys([subject], namespace)
    if len(found) != 1:
        raise usage(f"{subject!r} does not name one object", "for example pod/web")
    return found[0]


def _labels(text: str) -> dict[str, str]:
    pairs = [part.replace("==", "=").partition("=") for part in text.split(",") if part]
    if not all(name and equals and not name.endswith("!") for name, equals, _ in pairs):
        raise usage(f"cannot read the labels {text!r}", "for example app=web,tier=backend")
    return {name.strip(): value.strip() for name, _, value in pairs}
