"""A trace as data: `netlab trace -o json`. The schema has a version: fields are added to one, never changed or taken away.

schema      "netlab.trace/v1"
sent        protocol, source, destination: {address, port, name}
verdict     ending, where, sentence, step
packets     each: name, direction (forward, reply, error), steps
  steps     number, where (name), netns, kind, interface, time_ns (since it was sent), before, after, translated, remembered,
            dropped, route, tunnel, rules, connection
    rules   family, table, chain, rule, verdict, owner, place, why, elements: {set, key, value, owner, place, why}
    connection  state, original, reply
instruments unproved, lost
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from netlab.netstate.conntrack import FlowTuple
from netlab.packets.names import Names
from netlab.packets.packet import Packet
from netlab.packets.packet_json import packet_data, sides
from netlab.packets.steps import Passage, RuleUse, Step
from netlab.packets.telling import WhyOf, named_elements
from netlab.packets.verdict import Verdict

SCHEMA: Final = "netlab.trace/v1"


def as_data(
    sent: Packet,
    passages: Sequence[Passage],
    verdict: Verdict,
    *,
    started_ns: int,
    took_s: float,
    names: Names,
    why: WhyOf,
    unproved: Collection[str] = (),
    lost: Mapping[str, int] | None = None,
) -> dict[str, Any]:
    """Return a trace as plain data, for JSON. Times are nanoseconds since the request was sent."""
    return {
        "schema": SCHEMA,
        "sent": packet_data(sent, names),
        "startedNs": started_ns,
        "tookNs": round(took_s * 1e9),
        "verdict": {
            "ending": verdict.ending, "where": names.space(verdict.where), "netns": verdict.where, "sentence": verdict.sentence,
            "step": verdict.step,
        },
        "packets": [_passage(one, started_ns, names, why) for one in passages],
        "instruments": {"unproved": sorted(unproved), "lost": dict(lost or {})},
    }  # fmt: skip


def _passage(one: Passage, started_ns: int, names: Names, why: WhyOf) -> dict[str, Any]:
    return {
        "name": one.name,
        "direction": one.direction,
        "flags": list(one.flags),
        "payloadBytes": one.payload_bytes,
        "steps": [_step(step, started_ns, names, why) for step in one.steps],
    }


def _step(step: Step, started_ns: int, names: Names, why: WhyOf) -> dict[str, Any]:
    found: dict[str, Any] = {
        "number": step.number,
        "where": names.space(step.netns),
        "netns": step.netns,
        "kind": step.kind,
        "interface": step.interface,
        "timeNs": step.time_ns - started_ns if step.time_ns else None,
        "before": packet_data(step.packet, names),
        "after": packet_data(step.after, names),
        "translated": step.is_translated,
        "remembered": step.remembered,
        "dropped": step.is_dropped,
        "route": step.route,
        "tunnel": packet_data(step.tunnel, names) if step.tunnel else None,
        "rules": [_rule(step, rule, why) for rule in step.rules],
        "connection": None,
    }
    if step.connection:
        entry = step.connection
        found["connection"] = {
            "state": entry.state, "original": _flow(entry.original, names), "reply": _flow(entry.reply, names),
            "assured": entry.is_assured, "answered": entry.is_answered,
        }  # fmt: skip
    return found


def _rule(step: Step, rule: RuleUse, why: WhyOf) -> dict[str, Any]:
    reason = why(step.netns, rule.where.chain, rule.text)
    return {
        "family": rule.where.family,
        "table": rule.where.table,
        "chain": rule.where.chain,
        "rule": rule.text,
        "verdict": rule.verdict,
        "owner": reason.owner,
        "place": reason.place,
        "why": reason.text,
        "elements": [
            {
                "set": name, "key": element.key, "value": element.value, "owner": reason.owner or element.comment,
                "place": reason.place, "why": reason.text,
            }
            for name, element in named_elements(rule)
            for reason in (why(step.netns, name, element),)
        ],
    }  # fmt: skip


def _flow(flow: FlowTuple, names: Names) -> dict[str, Any]:
    return {"protocol": flow.protocol, **sides(flow, names)}
