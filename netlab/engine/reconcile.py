"""Reconcile: look, decide, compare, act, until there is nothing left to do. The command and the agent are two drivers of it.

    decide ...... objects -> Pods, Nodes, addresses (stored before anything is built on them)
    statuses .... what runs -> phases and readiness (stored)
    network ..... desired state - observed state -> netlink messages and nft transactions
    records ..... the zone the cluster DNS reads
    processes ... desired sandboxes - observed sandboxes -> crun and conmon

A round that changed something is followed by another one: containers that run make endpoints ready, endpoints make rules.
The last round changes nothing in Linux, which is the proof that what is observed is what is desired. What was observed holds
until something of the network is changed; then it is looked at anew, while processes start. A process killed between any
two statements leaves a state from which the next round goes on: level-triggered, nothing is remembered outside the store.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable

from netlab.desired.assignments import Assignments
from netlab.desired.compile import compile_net
from netlab.desired.disk_evictions import limited_pods
from netlab.desired.endpoints import all_slices
from netlab.desired.frontends import frontends
from netlab.desired.health_checks import health_checks
from netlab.desired.host_ports import host_ports
from netlab.desired.power import stopped_nodes
from netlab.desired.probing import patients
from netlab.desired.services import udp_endpoints
from netlab.desired.zone import zone
from netlab.engine.decide import decide
from netlab.engine.drift import tell_drift
from netlab.engine.look import Look, form_sandboxes
from netlab.engine.nodes import next_moments
from netlab.engine.pods import act, power_off, report_statuses, running_sandboxes, wishes
from netlab.engine.pulls import begin_pulls, held_back, look_at_images, waits_of
from netlab.engine.report import Report
from netlab.engine.session import Session
from netlab.errors import NetlabError
from netlab.kernel.files import replace_text
from netlab.kernel.port import Scope
from netlab.model.lab import Cluster
from netlab.model.resources import Amounts
from netlab.netstate.names import NetnsName, digest, machine_netns
from netlab.plan.diff import diff
from netlab.plan.processes import plan_processes
from netlab.plan.steps import ApplyIptables, ApplyNft, Step
from netlab.remembered import remembered
from netlab.store.syncs import Change, put_syncs, syncs

_compiled = remembered(compile_net)
MAX_ROUNDS = 20
RETRY_S = 10.0


def reconcile(session: Session) -> Report:
    """Bring the lab to what is wished and return what that took.

    Raises:
        KernelError: Linux refused a step of the network; the steps before it are done, and the next call goes on.
        NetlabError: it did not come to rest in MAX_ROUNDS rounds, although nothing was decided in them.
    """
    report = Report()
    try:
        _come_to_rest(session, report)
    except NetlabError:
        with contextlib.suppress(NetlabError):  # the store itself may be what fails
            before = syncs(session.store)
            put_syncs(session.store, before._replace(failures=before.failures + 1))
        raise
    return report


def _come_to_rest(session: Session, report: Report) -> None:
    decided, room = session.store.revision, session.room()
    while report.rounds < MAX_ROUNDS:
        report.rounds += 1
        if not _round(session, report, room):
            _note_sync(session, report)
            return
    if session.store.revision != decided:  # a long rollout or Job: others may have the lab before it goes on
        report.wake_at = session.clock()
        return
    newest = f"the newest change: {[*report.lines][-1]}" if report.steps else "see `netlab events -A`"
    raise NetlabError(f"lab {session.paths.lab} did not come to rest in {MAX_ROUNDS} rounds; {newest}")


def _note_sync(session: Session, report: Report) -> None:
    """Keep that the lab is as wished, and what that took."""
    store, before = session.store, syncs(session.store)
    at, took_s = session.clock(), sum(report.timings.values())
    forgotten = before.forgotten_flows + report.forgotten_flows
    found = before._replace(at=at, took_s=took_s, forgotten_flows=forgotten)
    if report.changes:
        change = Change(at, took_s, report.changes)
        found = found._replace(whole=change) if report.wrote_whole else found._replace(partial=change)
    with store.transaction():
        store.set_fact("synced", str(store.revision))
        put_syncs(store, found)


def _round(session: Session, report: Report, room: Amounts) -> bool:
    """One look and one act; tell whether anything was changed. `room` is what each Node has."""
    store, now = session.store, session.clock()
    with report.timed("decide"), store.transaction():
        cluster, assignments = decide(store, now, room)
    with report.timed("statuses"):
        images = look_at_images(session.images, cluster.pods)
        formed = form_sandboxes(cluster, assignments, images, room)
        seen = session.runtime.observe()
        look = Look(cluster=cluster, assignments=assignments, formed=formed, seen=seen, now=now, images=images)
        look, news = report_statuses(store, look)
    steps = _network(session, report, look)
    with report.timed("records"):
        steps += replace_text(session.paths.dns / "records", _records(look.cluster, assignments))
    with report.timed("conntrack"):
        report.forgotten_flows += _forget_stale_flows(session, look)
    with report.timed("processes"):
        steps += _processes(session, report, look)
    report.patients = tuple(patients(look.cluster.pods, look.seen, look.assignments, session.paths.lab))
    report.health_checks = health_checks(look.cluster, all_slices(look.cluster, assignments), assignments, session.paths.lab)
    report.limited = limited_pods(pod for pod in look.cluster.pods if pod.metadata.uid in look.seen)
    report.changes += steps
    return bool(steps) or (bool(news) and not _is_decided(session, look, room))


def _is_decided(session: Session, look: Look, room: Amounts) -> bool:
    """Tell whether nothing more follows from the news of this look: all else of the round was made from them already."""
    store = session.store
    with store.transaction():
        return decide(store, look.now, room) == (look.cluster, look.assignments)


def _network(session: Session, report: Report, look: Look) -> int:
    """Bring namespaces, links and rules to what is desired; return the number of steps that took."""
    with report.timed("compile"):
        desired = _compiled(look.cluster, look.assignments)
    wanted, recorded = frozenset(desired.by_name), session.store.namespaces()
    if not wanted <= recorded:  # written down before they are made
        recorded |= wanted
        _record(session, recorded)
    scope = session.scope()
    observed = report.observed
    if observed is None:
        with report.timed("observe"):
            observed = session.network.observe(scope)
    with report.timed("diff"):
        plan = diff(desired, observed, scope.mark)
    if not plan:
        session.network.recognize(desired)
    changed = {step.netns for step in plan.steps if is_about_udp(step) and step.netns in observed.by_name}
    if changed:  # remembered before the rules change: whoever finds this goes on, should we be killed in between
        session.store.set_fact("stale-flows", " ".join({*changed, *session.store.fact("stale-flows").split()}))
    tell_drift(session, look.cluster, desired, observed, plan)
    report.steps += plan.steps
    report.wrote_whole |= any(isinstance(step, ApplyNft) and step.is_whole for step in plan.steps)
    with report.timed("network"):
        session.network.apply(scope, plan.steps)
    report.observed = None if plan else observed
    if not plan and recorded != wanted:  # nothing was to be done: nothing of the others exists any more
        session.network.forget(recorded - wanted)
        _record(session, wanted)
    return len(plan.steps)


def _look_again(session: Session, report: Report, scope: Scope) -> None:
    """Look at the network for the next round, if it was changed: programs that start take longer, and use one processor."""
    if report.observed is None:
        with contextlib.suppress(NetlabError):  # the next round has the same trouble, and tells it
            report.observed = session.network.observe(scope)


@remembered
def _records(cluster: Cluster, assignments: Assignments) -> str:
    """The text that the cluster DNS reads."""
    return str(zone(cluster, all_slices(cluster, assignments), assignments.cluster_ips))


def is_about_udp(step: Step) -> bool:
    """Tell whether a change of rules may be one for UDP: then there may be flows that nobody answers any more."""
    if isinstance(step, ApplyNft):
        return step.change.mentions("udp")
    return isinstance(step, ApplyIptables) and "udp" in step.script


def _record(session: Session, names: Iterable[NetnsName]) -> None:
    with session.store.transaction():
        session.store.put_namespaces(names)


def _forget_stale_flows(session: Session, look: Look) -> int:
    """UDP flows to a Service that none of its endpoints answers are forgotten, so that their next packet is translated anew.

    Looked for where rules changed, and everywhere when who may answer has changed: an endpoint that was leaving has left.
    Return how many there were. If the lab does not want it, what would have to be looked at is kept for the day when it does.
    """
    if not look.cluster.lab.spec.kube_proxy.clean_stale_entries:
        return 0
    store, off = session.store, stopped_nodes(look.cluster.lab)
    changed = set(store.fact("stale-flows").split())
    found = frontends(look.cluster, all_slices(look.cluster, look.assignments), look.assignments)  # remembered, like the rules
    udp = udp_endpoints(found, host_ports(look.cluster, look.assignments))
    serving = {machine_netns(session.paths.lab, name): one for name, one in udp.items() if name not in off}
    known = digest(*(f"{name} {key} {sorted(ips)}" for name, one in serving.items() for key, ips in sorted(one.items())))
    everywhere = known != store.fact("udp-endpoints")
    forgotten = sum(session.network.keep_udp_flows(name, one) for name, one in serving.items() if everywhere or name in changed)
    if everywhere or changed:
        store.set_fact("udp-endpoints", known)
        store.set_fact("stale-flows", "")
    return forgotten


def _processes(session: Session, report: Report, look: Look) -> int:
    """Start, end and clear away processes; return the number of steps that were done."""
    wanted = list(wishes(session.store, look))
    waits = {wish.pod.metadata.uid: waits_of(look, wish) for wish in wanted}
    plan = held_back(power_off(look, plan_processes(wanted, running_sandboxes(look), look.now)), waits)
    problems = begin_pulls(session, look, waits)
    if plan.backoffs:
        with session.store.transaction():
            for (uid, container), backoff in plan.backoffs.items():
                session.store.put_restart(uid, container, backoff)
    report.steps += [f"# {step}" for steps in plan.steps.values() for step in steps]
    scope = session.scope()
    done, more, waits_for_mounts = act(session, look, plan, lambda: _look_again(session, report, scope))
    problems += more
    report.problems += [problem for problem in problems if problem not in report.problems]
    retry_at = look.now + RETRY_S if problems or waits_for_mounts else None
    moments = (plan.wake_at, retry_at, *next_moments(look))
    report.wake_at = min((moment for moment in moments if moment is not None), default=None)
    return done
