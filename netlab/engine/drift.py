"""Who changes a machine by hand is told: its repair is an Event of the Node, and no change of wishes ever is.

Of the machines that are no Nodes, the fabric and `outside`, it is an Event of the Lab, with the machine's name before it.

A machine is *reached* once nothing of it was left to do; from then on only netlab's own steps may change it, and the first of
them ends that, before it is done. So what has to be repaired on one that is still reached was changed by somebody else, if

    rules of nft .... they are not what was noted when they were last written or seen (kernel/known_rules.py)
    all else ........ the machine is to be just as it was to be when it was reached

A process that is killed at any moment leaves machines that are not reached: it may keep an Event back, and makes no false one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from netlab.engine.session import Session
from netlab.model.event import event_of
from netlab.model.lab import Cluster
from netlab.model.meta import Key
from netlab.netstate.names import FABRIC, OUTSIDE, NetnsName, digest, machine_netns
from netlab.netstate.state import Namespace, NetState
from netlab.plan.drift import changed_rules, repaired
from netlab.plan.steps import ApplyIptables, ApplyNft, Plan
from netlab.store.events import record

REACHED: Final = "reached"  # the fact: digests of what the machines were to be, by the names of their namespaces


def tell_drift(session: Session, cluster: Cluster, desired: NetState, observed: NetState, plan: Plan) -> None:
    """Record what the plan repairs, before it is done; with nothing to do remember which machines are as they are to be."""
    store = session.store
    kept = store.fact(REACHED, "{}")
    reached: dict[NetnsName, str] = json.loads(kept)
    machines = _machines(cluster)
    touched = {step.netns for step in plan.steps}
    wishes = {item.name: item for item in desired.namespaces if item.name in machines}
    now = {name: before for name, before in reached.items() if name in wishes and name not in touched}
    if not plan:
        now |= {name: _digest(wishes[name]) for name in machines if name in wishes and name not in now}
    found = [
        event_of(about, "Warning", reason, f"{where}{text}")
        for name, (about, where) in machines.items()
        if name in touched and name in reached and name in wishes
        for reason, text in _drift(wishes[name], observed.by_name.get(name), plan, reached[name])
    ]
    text = json.dumps(now)
    if found or text != kept:
        session.network.note()
        with store.transaction():
            store.set_fact(REACHED, text)
            for event in found:
                record(store, event, session.clock())


def _machines(cluster: Cluster) -> dict[NetnsName, tuple[Key, str]]:
    """Whom an Event of each machine is about, and what its message begins with, by the name of the machine's namespace."""
    lab, nodes = cluster.lab, {node.metadata.name: (node.key, "") for node in cluster.nodes}
    every = {**nodes, **{name: (lab.key, f"{name}: ") for name in (FABRIC, OUTSIDE)}}
    return {machine_netns(lab.metadata.name, name): found for name, found in every.items()}


def _digest(wish: Namespace) -> str:
    return digest(*replace(wish, table=None).lines())


def _drift(wish: Namespace, found: Namespace | None, plan: Plan, reached: str) -> Iterator[tuple[str, str]]:
    """Yield what was changed by hand on a machine that was reached and has something to be repaired: a reason, a text."""
    steps = [step for step in plan.steps if step.netns == wish.name]
    if found is not None and found.noted is not None and any(isinstance(step, ApplyNft) for step in steps):
        yield "RulesRepaired", changed_rules(found.noted, found.table)
    if _digest(wish) == reached:
        rules = [step for step in steps if isinstance(step, ApplyIptables)]
        rest = [step for step in steps if not isinstance(step, ApplyIptables)]
        for reason, part in (("RulesRepaired", rules), ("NetworkRepaired", rest)):
            if text := repaired(part):
                yield reason, text
