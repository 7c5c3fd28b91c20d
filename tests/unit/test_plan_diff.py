"""The comparison: rows of what differs and what is done about it, golden plans, and the laws on random labs."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netlab.errors import KernelError
from netlab.kernel.fake import FakeNetwork
from netlab.kernel.port import Scope
from netlab.netstate.links import Address, Bridge, Route, Sysctl, Veth
from netlab.netstate.names import machine_netns, pod_netns
from netlab.netstate.state import Namespace, NetState
from netlab.plan.diff import diff
from netlab.plan.links import End
from netlab.plan.steps import AddLink, DeleteAddress, DeleteLink, DeleteRoute
from tests.states import FORWARD, MARK, assert_reached, entry, lab, labs, many_pods, table

EMPTY = NetState()


def words(plan):
    """The steps by kind and object, without reasons."""
    return [str(step.command) for step in plan.steps]


def change(state, netns, **fields):
    """The state with other fields in one namespace."""
    return NetState(
        namespaces=frozenset(replace(space, **fields) if space.name == netns else space for space in state.namespaces)
    )


def reasons(plan, kind=None):
    return [step.reason for step in plan.steps if kind is None or isinstance(step, kind)]


NODE, POD = machine_netns("t", "node-1"), pod_netns("t", "default", "web")
FABRIC = machine_netns("t", "fabric")
ONE_POD = lab({"web": "node-1"})
NODE_SPACE, POD_SPACE = ONE_POD.by_name[NODE], ONE_POD.by_name[POD]
CNI0 = next(link for link in NODE_SPACE.links if isinstance(link, Bridge))
PORT = next(link for link in NODE_SPACE.links if isinstance(link, Veth) and link.master)
[ETH0] = POD_SPACE.links
[ADDRESS] = POD_SPACE.addresses


def links(*changed, space=NODE_SPACE):
    """The namespace's links with some replaced by name."""
    names = {link.name for link in changed}
    return frozenset({*(link for link in space.links if link.name not in names), *changed})


@pytest.mark.parametrize("state", [EMPTY, lab(), ONE_POD, lab(tables={"node-1": table(entry(1, ["10.244.1.2"]))})])
def test_nothing_is_to_be_done_where_nothing_differs(state):
    plan = diff(state, state, MARK)
    assert not plan
    assert str(plan) == "# 0 changes"


PLUG = [
    f"ip -n {NODE} link del {PORT.name}",
    AddLink(netns=NODE, link=PORT).command,
    f"ip -n {POD} addr add {ADDRESS}",
    f"ip -n {POD} route replace 10.244.1.1 dev eth0 proto 98",
    f"ip -n {POD} route replace default via 10.244.1.1 dev eth0 proto 98",
]


@pytest.mark.parametrize(
    ("observed", "steps", "reason"),
    [
        pytest.param(change(ONE_POD, NODE, links=links(replace(PORT, mtu=1400))), [f"ip -n {NODE} link set {PORT.name} mtu 1500"], "mtu is 1400, wanted 1500", id="mtu of the port"),
        pytest.param(change(ONE_POD, POD, links=frozenset({replace(ETH0, mtu=1400)})), [f"ip -n {POD} link set eth0 mtu 1500"], "mtu is 1400, wanted 1500", id="mtu of the far end"),
        pytest.param(change(ONE_POD, NODE, links=links(replace(PORT, alias=""))), PLUG, f"alias is unset, wanted {MARK}", id="mark of the port"),
        pytest.param(change(ONE_POD, NODE, links=links(replace(PORT, master=None))), PLUG, "master is unset, wanted cni0", id="no port of the bridge"),
        pytest.param(change(ONE_POD, NODE, links=links(replace(PORT, peer_netns="", peer_name="", peer_mac=""))), [PLUG[0], f"ip -n {POD} link del eth0", *PLUG[1:]], f"peer netns is unset, wanted {POD}", id="two ends that know nothing of each other"),
        pytest.param(change(ONE_POD, NODE, links=links() - {PORT}), [f"ip -n {POD} link del eth0", *PLUG[1:]], "the Pod default/web is plugged in with it", id="only the far end exists"),
        pytest.param(change(ONE_POD, POD, links=frozenset({replace(ETH0, mac="02:00:00:00:00:01")})), PLUG, f"its other end eth0 mac is 02:00:00:00:00:01, wanted {ETH0.mac}", id="mac of the far end"),
        pytest.param(change(ONE_POD, POD, links=frozenset()), PLUG, "its other end eth0 is gone", id="only the switch side exists"),
        pytest.param(change(ONE_POD, POD, addresses=frozenset()), [PLUG[2]], "eth0 lacks it", id="an address is missing"),
        pytest.param(change(ONE_POD, POD, addresses=frozenset({replace(ADDRESS, noprefixroute=False)})), [f"ip -n {POD} addr del 10.244.1.2/24 dev eth0", *PLUG[2:]], "eth0 is not to have it", id="an address with other flags"),
        pytest.param(change(ONE_POD, POD, routes=frozenset()), PLUG[3:], "the Pod default/web has 10.244.1.1 next to it", id="routes are missing"),
        pytest.param(change(ONE_POD, POD, routes=POD_SPACE.routes | {Route(destination="10.0.0.0/8", dev="eth0", via="10.244.1.1")}), [f"ip -n {POD} route del 10.0.0.0/8 via 10.244.1.1 dev eth0 proto 98"], "10.0.0.0/8 is not to be reached that way", id="a route too many"),
        pytest.param(change(ONE_POD, POD, routes=frozenset({Route(destination="10.244.1.1", dev="eth0"), Route(destination="default", dev="eth0", via="10.244.1.9")})), PLUG[4:], "leads via 10.244.1.9 dev eth0, wanted via 10.244.1.1 dev eth0", id="a changed route is replaced"),
        pytest.param(change(ONE_POD, NODE, sysctls=frozenset({replace(FORWARD, value="0")})), [f"ip netns exec {NODE} sysctl -w net.ipv4.ip_forward=1"], "is 0, wanted 1", id="a parameter"),
        pytest.param(change(ONE_POD, NODE, sysctls=frozenset({FORWARD, Sysctl(key="net.ipv4.conf.all.rp_filter", value="2")})), [], None, id="parameters nobody wishes are left alone"),
    ],
)  # fmt: skip
def test_what_differs_is_repaired_and_no_more(observed, steps, reason):
    plan = diff(ONE_POD, observed, MARK)
    assert words(plan) == steps
    if reason:
        assert plan.steps[0].reason == reason


def test_a_bridge_made_anew_gets_its_ports_and_its_address_again():
    plan = diff(ONE_POD, change(ONE_POD, NODE, links=links(replace(CNI0, mac="02:00:00:00:00:01"))), MARK)
    assert words(plan) == [
        f"ip -n {NODE} link del cni0",
        PLUG[0],
        AddLink(netns=NODE, link=CNI0).command,
        PLUG[1],
        PLUG[2],
        f"ip -n {NODE} addr add 10.244.1.1/24 dev cni0",
        *PLUG[3:],
    ]
    assert reasons(plan, DeleteLink) == [f"mac is 02:00:00:00:00:01, wanted {CNI0.mac}", "cni0 is made anew"]


def test_the_port_of_a_pod_that_is_gone_goes_first():
    plan = diff(lab(), ONE_POD, MARK)
    assert words(plan) == [f"ip -n {NODE} link del {PORT.name}", f"ip netns del {POD}"]
    assert reasons(plan) == ["the Pod default/web is gone", "the Pod default/web is gone"]


def test_what_is_in_a_namespace_goes_with_it():
    plan = diff(EMPTY, ONE_POD, MARK)
    assert {step.command.split()[2] for step in plan.steps} == {"del"}
    assert len(plan.steps) == len(ONE_POD.namespaces)


def test_a_pod_made_anew_under_its_name_gets_another_cable():
    again = lab({"web": "node-1"}, salt="again")
    plan = diff(again, ONE_POD, MARK)
    assert [type(step).__name__ for step in plan.steps] == ["DeleteLink", "AddLink", "AddAddress", "AddRoute", "AddRoute"]


def test_addresses_that_the_kernel_takes_along_are_put_back():
    first, second, other = (Address(dev="eth0", address=text) for text in ("10.7.0.1/24", "10.7.0.2/24", "10.8.0.1/24"))
    observed = change(ONE_POD, POD, addresses=frozenset({ADDRESS, first, second, other}))
    desired = change(ONE_POD, POD, addresses=frozenset({ADDRESS, second, other}))
    commands = words(diff(desired, observed, MARK))
    assert commands[:2] == [f"ip -n {POD} addr del 10.7.0.1/24 dev eth0", f"ip -n {POD} addr add 10.7.0.2/24 dev eth0"]
    assert len(commands) == 4  # and the routes of the link


def test_a_pair_without_a_bridge_is_made_from_its_first_end():
    near = Veth(name="a0", mac="02:00:00:00:00:01", mtu=1500, peer_netns="t.b", peer_name="b0", peer_mac="02:00:00:00:00:02")
    far = Veth(name="b0", mac="02:00:00:00:00:02", mtu=1500, peer_netns="t.a", peer_name="a0", peer_mac="02:00:00:00:00:01")
    state = NetState(
        namespaces=frozenset({Namespace(name="t.a", links=frozenset({near})), Namespace(name="t.b", links=frozenset({far}))})
    )
    assert [step for step in diff(state, EMPTY, MARK).steps if isinstance(step, AddLink)] == [
        AddLink(netns="t.a", link=near, reason="b is plugged in with it")
    ]


BEFORE = lab({"web": "node-1"}, tables={"node-1": table(entry(1, ["10.244.1.2"]))})
PLANS = {
    "two nodes from nothing": (lab(tables={"node-1": table(), "node-2": table(node_ip="172.18.0.3")}), EMPTY),
    "a pod added": (ONE_POD, lab()),
    "a pod deleted": (lab(), ONE_POD),
    "an endpoint changed": (lab({"web": "node-1"}, tables={"node-1": table(entry(1, ["10.244.1.3"]))}), BEFORE),
    "mtu drift": (ONE_POD, lab({"web": "node-1"}, mtu={"web": 1400, "node-2": 1400})),
    "routes become a tunnel": (lab(vxlan=True, ipv6=True), lab(ipv6=True)),
    "a tunnel becomes routes": (lab(), lab(vxlan=True)),
    "everything gone": (EMPTY, BEFORE),
}


@pytest.mark.parametrize("name", PLANS)
def test_golden_plans(golden, name):
    golden(f"plans/{name.replace(' ', '-')}.txt", f"{diff(*PLANS[name], MARK)}\n")


def scope_of(*states):
    return Scope(mark=MARK, names=frozenset(space.name for state in states for space in state.namespaces))


def holding(state, scope, **arguments):
    """A Fake that holds the state."""
    network = FakeNetwork()
    network.apply(scope, diff(state, EMPTY, MARK).steps)
    assert_reached(network.observe(scope), state)
    return network


def assert_no_link_is_overwritten(plan, observed):
    """A link is deleted before one of its name is made: nothing is left to the kernel's lenience."""
    deleted = {End(step.netns, step.name) for step in plan.steps if isinstance(step, DeleteLink)}
    there = {End(space.name, link.name): link for space in observed.namespaces for link in space.links}
    for end in list(deleted):
        if isinstance(there[end], Veth):
            deleted.add(End(there[end].peer_netns, there[end].peer_name))
    for step in plan.steps:
        if isinstance(step, AddLink):
            assert End(step.netns, step.link.name) not in there.keys() - deleted


def drift(state):
    """Things that may vanish behind our back, as steps."""
    found = []
    for space in sorted(state.namespaces, key=lambda item: item.name):
        found += [DeleteLink(netns=space.name, name=link.name) for link in sorted(space.links, key=lambda item: item.name)]
        found += [DeleteAddress(netns=space.name, address=address) for address in sorted(space.addresses)]
        found += [DeleteRoute(netns=space.name, route=route) for route in sorted(space.routes)]
    return found


@settings(max_examples=150)
@given(labs(), labs(), st.data())
def test_what_was_desired_is_observed_and_nothing_is_left_to_do(desired, before, data):
    scope = scope_of(desired, before)
    network = holding(before, scope)
    steps = drift(before)
    if steps:
        network.apply(scope, data.draw(st.lists(st.sampled_from(steps), max_size=3)))
    observed = network.observe(scope)
    plan = diff(desired, observed, MARK)
    assert plan == diff(desired, observed, MARK)
    assert_no_link_is_overwritten(plan, observed)
    network.apply(scope, plan.steps)
    assert_reached(network.observe(scope), desired)
    assert not diff(desired, network.observe(scope), MARK)


@settings(max_examples=150)
@given(labs(), labs(), st.data())
def test_a_crash_at_any_step_is_healed_by_looking_again(desired, before, data):
    scope = scope_of(desired, before)
    network = holding(before, scope)
    plan = diff(desired, network.observe(scope), MARK)
    if not plan:
        return
    network.fail_at = data.draw(st.integers(0, len(plan.steps) - 1))
    with pytest.raises(KernelError, match="told to fail"):
        network.apply(scope, plan.steps)
    for _ in range(2):  # an end that the kernel freed late may take a second look
        network.apply(scope, diff(desired, network.observe(scope), MARK).steps)
    assert_reached(network.observe(scope), desired)


def test_to_compare_a_hundred_equal_pods_is_little_work(instructions):
    state, again = many_pods(100), many_pods(100)
    plans = []
    assert instructions(lambda: plans.append(diff(state, again, MARK))) < 50_000, "some 30,000 are usual"
    assert not plans[0]
