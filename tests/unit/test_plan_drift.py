"""What somebody has changed by hand, in words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from netlab.netstate.links import Address, Bridge, FdbEntry, Route, Sysctl
from netlab.netstate.nft import Chain, Element, ElementSet, NftTable
from netlab.plan.drift import changed_rules, repaired
from netlab.plan.steps import (
    AddAddress,
    AddEntry,
    AddLink,
    AddRoute,
    ApplyIptables,
    ApplyNft,
    CreateNamespace,
    DeleteEntry,
    DeleteLink,
    DeleteRoute,
    SetMtu,
    SetSysctl,
)
from netlab.plan.table_change import TableChange


def a_set(*elements, kind="type ipv4_addr : verdict", name="m"):
    return ElementSet(name=name, key_type=kind, is_map=True, elements=frozenset(Element(*one) for one in elements))


def a_chain(*rules, hook="", name="c"):
    return Chain(name=name, hook=hook, rules=rules)


def table(*items):
    return NftTable(
        sets=frozenset(item for item in items if isinstance(item, ElementSet)),
        chains=frozenset(item for item in items if isinstance(item, Chain)),
    )


ONE, TWO = ("10.0.0.1", "accept"), ("10.0.0.2", "accept")


@pytest.mark.parametrize(
    ("before", "found", "words"),
    [
        pytest.param(table(), None, " was deleted by hand", id="the table"),
        pytest.param(table(a_set(ONE, TWO)), table(a_set(ONE)), ": 1 element was changed by hand", id="an element gone"),
        pytest.param(table(a_set(ONE)), table(a_set(("10.0.0.1", "drop"))), ": 1 element was changed by hand", id="another value"),
        pytest.param(table(a_set()), table(a_set(ONE, TWO)), ": 2 elements were changed by hand", id="two more"),
        pytest.param(table(a_chain("a", "b")), table(a_chain("x", "a", "b")), ": 1 rule was changed by hand", id="one more rule"),
        pytest.param(table(a_chain("a", "b")), table(a_chain("x", "y")), ": 2 rules were changed by hand", id="other rules"),
        pytest.param(table(a_chain("a", "b")), table(a_chain("b", "a")), ": 1 rule was changed by hand", id="another order"),
        pytest.param(table(a_chain()), table(), ": 1 chain was changed by hand", id="a chain gone"),
        pytest.param(
            table(a_chain()), table(a_chain(hook="type filter hook input priority 0;")), ": 1 chain was changed by hand", id="a hook"
        ),
        pytest.param(table(), table(a_set(ONE)), ": 1 map was changed by hand", id="a map more"),
        pytest.param(
            table(a_set()), table(replace(a_set(), is_map=False, key_type="type ipv4_addr")), ": 1 map was changed by hand", id="a type"
        ),
        pytest.param(
            table(a_set(ONE, TWO), a_chain("a"), a_chain(name="d")),
            table(a_set(), a_chain("b")),
            ": 2 elements, 1 rule and 1 chain were changed by hand",
            id="some of everything",
        ),
    ],
)  # fmt: skip
def test_changed_rules(before, found, words):
    assert changed_rules(before, found) == f"table inet netlab{words}"


NODE = "demo.node-1"
LINK = Bridge(name="cni0", mac="02:00:00:00:00:01", mtu=1500, alias="mark")
ADDRESS = AddAddress(netns=NODE, address=Address(address="10.244.1.1/24", dev="cni0"))
OTHER = AddAddress(netns=NODE, address=Address(address="172.18.0.2/16", dev="eth0"))
ROUTE = Route(destination="10.244.2.0/24", via="172.18.0.3", dev="eth0")
FDB = FdbEntry(dev="vxlan1", mac="02:00:00:00:00:02", dst="172.18.0.3")
RULES = ApplyIptables(netns=NODE, script="*nat")


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        pytest.param([], "", id="nothing"),
        pytest.param([ApplyNft(netns=NODE, change=TableChange(first="x"))], "", id="rules of nft are told elsewhere"),
        pytest.param([DeleteRoute(netns=NODE, route=ROUTE)], "1 route was changed by hand", id="a route"),
        pytest.param([ADDRESS, OTHER], "2 addresses were changed by hand", id="addresses"),
        pytest.param(
            [DeleteLink(netns=NODE, name="cni0"), AddLink(netns=NODE, link=LINK), ADDRESS, AddRoute(netns=NODE, route=ROUTE)],
            "1 link, 1 address and 1 route were changed by hand",
            id="a link that is made anew is one",
        ),
        pytest.param(
            [SetSysctl(netns=NODE, sysctl=Sysctl(key="net.ipv4.ip_forward", value="1"))], "1 sysctl was changed by hand", id="a sysctl"
        ),
        pytest.param([SetMtu(netns=NODE, name="eth0", mtu=1400)], "1 link was changed by hand", id="an mtu"),
        pytest.param(
            [AddEntry(netns=NODE, entry=FDB), DeleteEntry(netns=NODE, entry=FDB), AddEntry(netns=NODE, entry=replace(FDB, mac="x"))],
            "2 entries of tunnels were changed by hand",
            id="entries of tunnels",
        ),
        pytest.param([RULES], "1 set of iptables rules was changed by hand", id="iptables"),
        pytest.param(
            [CreateNamespace(netns=NODE, alias="mark"), ADDRESS], "the network namespace was deleted by hand", id="all of it"
        ),
    ],
)  # fmt: skip
def test_repaired(steps, words):
    assert repaired(steps) == words
