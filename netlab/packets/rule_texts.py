"""The rules of iptables-nft in the words of iptables: nf_tables traces them by handle, and nft prints them in words of its own.

A chain of ours holds the same rules in both listings, in the same order. A built-in chain may hold rules of strangers too:
where the numbers differ nft's words stay. Source: iptables-nft(8), iptables-translate(8).
"""

from __future__ import annotations

from collections.abc import Mapping

from netlab.netstate.names import NetnsName
from netlab.netstate.rule_trace import Rules, RuleText
from netlab.netstate.state import NetState

Texts = Mapping[tuple[NetnsName, Rules, int], RuleText]


def in_words_of_iptables(texts: Texts, net: NetState) -> dict[tuple[NetnsName, Rules, int], RuleText]:
    """Return the same rules, those of iptables as `iptables-save` prints them behind `-A CHAIN`."""
    saved = {
        (item.name, Rules(rules.family, table.name, chain.name)): chain.rules
        for item in net.namespaces
        for rules in item.iptables
        for table in rules.tables
        for chain in table.chains
    }
    handles: dict[tuple[NetnsName, Rules], list[int]] = {}
    for name, where, handle in texts:
        if handle:
            handles.setdefault((name, where), []).append(handle)
    found = dict(texts)
    for (name, where), rules in saved.items():
        there = handles.get((name, where), [])
        if len(there) == len(rules):
            for handle, text in zip(there, rules, strict=True):
                found[name, where, handle] = RuleText(texts[name, where, handle].hook, text)
    return found
