"""`up`: a lab is wished for, and made. The second time nothing changes; Nodes and labels can be added to a lab that is up."""

from __future__ import annotations

import contextlib
import sys
import uuid
from dataclasses import fields, replace
from pathlib import Path

from netlab.desired.addons import cluster_dns, namespaces, nodes
from netlab.desired.assign import assign
from netlab.desired.assignments import Assignments
from netlab.desired.compile import compile_net, mark
from netlab.engine.agent import ensure_agent
from netlab.engine.nodes import registered_event, started_events
from netlab.engine.proxy import require_rules
from netlab.engine.reconcile import reconcile
from netlab.engine.report import Report
from netlab.engine.session import Session
from netlab.engine.view import open_store
from netlab.errors import Conflict, NotFound
from netlab.kernel.files import PRIVATE, make_directory, replace_text
from netlab.kernel.linux import LinuxNetwork
from netlab.kernel.machine_facts import look_at_machine
from netlab.kernel.port import Scope
from netlab.manifest.origin import MADE_BY_UP, Origin
from netlab.model.lab import Cluster, Lab, LabSpec
from netlab.model.meta import Labels, ObjectMeta
from netlab.model.node import Node
from netlab.model.wire import wire_name
from netlab.plan.diff import diff
from netlab.plan.steps import explained
from netlab.store.events import record
from netlab.store.origins import changed_by, origins, put_origins
from netlab.store.paths import LabPaths

CHANGEABLE = frozenset({"nodes", "network", "node_monitor_grace_period", "kube_proxy", "load_balancer_ip_mode"})
PACKAGE = Path(__file__).resolve().parents[1]


def up(session: Session, spec: LabSpec | None = None, origin: Origin | None = None) -> Report:
    """Make the lab, or bring it to what is wished; start its agent.

    Args:
        session: opened with `create`.
        spec: size and addresses; None keeps those of a lab that is up, and means the defaults for a new one.
        origin: where the spec is written; None: nowhere.

    Raises:
        Conflict: the lab is up with other addresses, or with Nodes that `spec` lacks.
        HostUnready: the machine lacks something.
        KernelError: Linux refused a step.
    """
    with_timing = Report()
    before = session.store.lab()
    size = spec or (before.spec if before else LabSpec())
    with with_timing.timed("prepare"):
        session.network.prepare(ipv6="IPv6" in size.families)
        session.runtime.prepare()
        for directory in (session.paths.dns, session.paths.wake):
            make_directory(directory, PRIVATE)
    lab = _wished(session, before, spec)
    if lab != before:
        require_rules(lab.spec)
    _note_versions(session)
    if lab != before:
        with session.store.transaction():
            _store(session, lab)
            changed_by(session.store, lab.metadata.uid, MADE_BY_UP)
    if origin is not None:
        with session.store.transaction():
            uid = lab.metadata.uid
            put_origins(session.store, {uid: origin}, origins(session.store, [uid]))
    report = reconcile(session)
    report.timings = with_timing.timings | report.timings
    ensure_agent(session.paths)
    return report


def planned(paths: LabPaths, spec: LabSpec | None = None) -> list[str]:
    """Return the changes of the network that `up` would make, as the commands that do them by hand; nothing is changed.

    Raises:
        Conflict: the lab is up with other addresses, or with Nodes that `spec` lacks.
        HostUnready: the machine lacks something.
    """
    network = LinuxNetwork()
    try:
        before, objects, earlier = None, {}, Assignments()
        with contextlib.suppress(NotFound), contextlib.closing(open_store(paths)) as store:
            cluster = store.cluster()
            before, objects, earlier = cluster.lab, dict(cluster.objects), store.assignments()
        if before is not None and spec is not None:
            check_change(before, spec)
        lab = Lab(metadata=ObjectMeta(name=paths.lab, uid=before.metadata.uid if before else "new"), spec=spec or LabSpec())
        lab = before if before is not None and spec is None else lab
        network.prepare(ipv6="IPv6" in lab.spec.families)
        wished = Cluster(lab=lab, objects=objects).with_objects(nodes(lab.spec))
        desired = compile_net(wished, assign(wished, earlier))
        scope = Scope(mark=mark(lab.metadata.uid), names=frozenset(desired.by_name) if before else frozenset())
        return [explained(step) for step in diff(desired, network.observe(scope), scope.mark).steps]
    finally:
        network.close()


def _note_versions(session: Session) -> None:
    """Keep what Nodes say of themselves: to ask the programs again takes too long for a command that only looks."""
    from importlib.metadata import version  # noqa: PLC0415 - 20 ms, which only `up` pays

    session.store.set_fact("runtime version", session.runtime.version())
    session.store.set_fact("netlab version", f"netlab-{version('netlab')}")


def _wished(session: Session, before: Lab | None, spec: LabSpec | None) -> Lab:
    if before is None:
        return Lab(metadata=ObjectMeta(name=session.paths.lab, uid=_uid(session)), spec=spec or LabSpec())
    if spec is None:
        return before
    check_change(before, spec)
    return replace(before, spec=spec)


def _uid(session: Session) -> str:
    """The lab's uid, in its file before anything carries it: one that a killed `up` left there is used again."""
    path = session.paths.uid
    uid = path.read_text().strip() if path.exists() else ""
    if not uid:
        uid = str(uuid.uuid4())
        replace_text(path, uid)
    return uid


def check_change(before: Lab, spec: LabSpec) -> None:
    """Raise Conflict if a lab that is up cannot become `spec`: addresses are fixed, and Nodes can only be added."""
    name = before.metadata.name
    cure = f"`netlab down --lab {name}` first, or give the new one another name with --lab"
    for item in fields(LabSpec):
        old, new = getattr(before.spec, item.name), getattr(spec, item.name)
        if item.name not in CHANGEABLE and old != new:
            raise Conflict(f"lab {name} is up with {wire_name(item.name)} {old}, and that cannot become {new}; {cure}")
    lost = {node.name for node in before.spec.nodes} - {node.name for node in spec.nodes}
    if lost:
        raise Conflict(f"lab {name} is up with Node {min(lost)}, which the wish lacks; Nodes can only be added; {cure}")


def _store(session: Session, lab: Lab) -> None:
    store = session.store
    before = store.lab()
    templates = {template.name: template.labels for template in before.spec.nodes} if before else {}
    store.put_lab(lab)
    present = store.cluster().objects
    for node in nodes(lab.spec, look_at_machine(session.paths.data).architecture):
        old = present.get(node.key)
        store.put(relabelled(old, templates.get(node.metadata.name, {}), node) if isinstance(old, Node) else node)
        for event in () if old else (*started_events(node.metadata.name), registered_event(node.metadata.name)):
            record(store, event, session.clock())
    if before is None:
        for item in (*namespaces(), *cluster_dns(lab.spec, sys.executable, _program_paths(), str(session.paths.dns))):
            store.put(item)


def relabelled(old: Node, template: Labels, new: Node) -> Node:
    """Return a Node with the labels it has from others, and its own ones: those of the `template` it had before go."""
    others = {key: value for key, value in old.metadata.labels.items() if key not in template}
    return replace(old, metadata=replace(old.metadata, labels={**others, **new.metadata.labels}))


def _program_paths() -> tuple[str, ...]:
    """The directories the cluster DNS needs in its container: the virtual environment and netlab itself."""
    return sys.prefix, str(PACKAGE)
