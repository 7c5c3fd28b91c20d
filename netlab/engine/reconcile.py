"""Reconcile: look, decide, compare, act, until there is nothing left to do. The command and the agent are two drivers of it.

    decide ...... objects -> Pods, Nodes, addresses (stored before anything is built on them)
    statuses .... what runs -> phases and readiness (stored)
    network ..... desired state - observed state -> netlink messages and nft transactions
    records ..... the zone the cluster DNS reads
    processes ... desired sandboxes - observed sandboxes -> crun and conmon

A round that changed something is followed by another one: containers that run make endpoints ready, endpoints make rules.
The last round changes nothing, which is the proof that what is observed is what is desired. A process killed between any
two statements leaves a state from which the next round goes on: level-triggered, nothing is remembered outside the store.
"""

from __future__ import annotations

from collections.abc import Iterable

from netlab.desired.compile import compile_net
from netlab.desired.endpoints import all_slices
from netlab.desired.services import service_entries, udp_endpoints
from netlab.desired.zone import zone
from netlab.engine.decide import decide
from netlab.engine.look import Look, form_sandboxes
from netlab.engine.pods import act, report_statuses, wishes
from netlab.engine.report import Report
from netlab.engine.session import Session
from netlab.errors import NetlabError
from netlab.kernel.files import replace_text
from netlab.netstate.names import NetnsName, machine_netns
from netlab.plan.diff import diff
from netlab.plan.processes import plan_processes
from netlab.plan.steps import ApplyNft, explained

MAX_ROUNDS = 20
RETRY_S = 10.0


def reconcile(session: Session) -> Report:
    """Bring the lab to what is wished and return what that took.

    Raises:
        KernelError: Linux refused a step of the network; the steps before it are done, and the next call goes on.
        NetlabError: it did not come to rest in MAX_ROUNDS rounds.
    """
    report = Report()
    while report.rounds < MAX_ROUNDS:
        report.rounds += 1
        if not _round(session, report):
            session.store.set_fact("synced", str(session.store.revision))
            return report
    newest = f"the newest change: {report.steps[-1]}" if report.steps else "see `netlab events -A`"
    raise NetlabError(f"lab {session.paths.lab} did not come to rest in {MAX_ROUNDS} rounds; {newest}")


def _round(session: Session, report: Report) -> bool:
    """One look and one act; tell whether anything was changed."""
    store, now = session.store, session.clock()
    with report.timed("decide"), store.transaction():
        cluster, assignments = decide(store, now)
    with report.timed("statuses"):
        formed = form_sandboxes(cluster, assignments)
        look = Look(cluster=cluster, assignments=assignments, formed=formed, seen=session.runtime.observe(), now=now)
        look, news = report_statuses(store, look)
    steps = _network(session, report, look)
    with report.timed("records"):
        records = zone(look.cluster, all_slices(look.cluster, assignments), assignments.cluster_ips)
        steps += replace_text(session.paths.dns / "records", str(records))
    with report.timed("conntrack"):
        _forget_stale_flows(session, look)
    with report.timed("processes"):
        steps += _processes(session, report, look)
    report.changes += steps
    return bool(steps or news)


def _network(session: Session, report: Report, look: Look) -> int:
    """Bring namespaces, links and rules to what is desired; return the number of steps that took."""
    with report.timed("compile"):
        desired = compile_net(look.cluster, look.assignments)
    wanted, recorded = frozenset(desired.by_name), session.store.namespaces()
    if not wanted <= recorded:  # written down before they are made
        recorded |= wanted
        _record(session, recorded)
    scope = session.scope()
    with report.timed("observe"):
        observed = session.network.observe(scope)
    with report.timed("diff"):
        plan = diff(desired, observed, scope.mark)
    changed = {step.netns for step in plan.steps if isinstance(step, ApplyNft) and step.netns in observed.by_name}
    if changed:  # remembered before the rules change: whoever finds this goes on, should we be killed in between
        session.store.set_fact("stale-flows", " ".join({*changed, *session.store.fact("stale-flows").split()}))
    report.steps += [explained(step) for step in plan.steps]
    with report.timed("network"):
        session.network.apply(scope, plan.steps)
    if not plan and recorded != wanted:  # nothing was to be done: nothing of the others exists any more
        session.network.forget(recorded - wanted)
        _record(session, wanted)
    return len(plan.steps)


def _record(session: Session, names: Iterable[NetnsName]) -> None:
    with session.store.transaction():
        session.store.put_namespaces(names)


def _forget_stale_flows(session: Session, look: Look) -> None:
    """On Nodes whose rules changed: UDP flows to a Service that a gone endpoint answered are forgotten."""
    changed = set(session.store.fact("stale-flows").split())
    if changed:
        slices = all_slices(look.cluster, look.assignments)
        entries = service_entries(look.cluster, slices, look.assignments)
        for name, node in look.assignments.nodes.items():
            netns = machine_netns(session.paths.lab, name)
            if netns in changed:
                session.network.keep_udp_flows(netns, udp_endpoints(entries, node.ip))
        session.store.set_fact("stale-flows", "")


def _processes(session: Session, report: Report, look: Look) -> int:
    """Start, end and clear away processes; return the number of steps that were done."""
    plan = plan_processes(wishes(session.store, look), look.seen, look.now)
    if plan.backoffs:
        with session.store.transaction():
            for (uid, container), backoff in plan.backoffs.items():
                session.store.put_restart(uid, container, backoff)
    report.steps += [f"# {step}" for steps in plan.steps.values() for step in steps]
    done, problems = act(session, look, plan)
    report.problems += [problem for problem in problems if problem not in report.problems]
    retry_at = look.now + RETRY_S if problems else None
    report.wake_at = min((moment for moment in (plan.wake_at, retry_at) if moment is not None), default=None)
    return done
