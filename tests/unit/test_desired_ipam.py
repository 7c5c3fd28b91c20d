"""Pools: which address, subnet or port comes next, and what is never given."""

import itertools

import pytest

from netlab.desired import ipam
from netlab.model.lab import LabSpec


@pytest.mark.parametrize(
    ("cidr", "taken", "found"),
    [
        pytest.param("10.244.1.0/24", (), "10.244.1.2", id="behind the bridge"),
        pytest.param("10.244.1.0/24", ("10.244.1.2", "10.244.1.4"), "10.244.1.3", id="the lowest free one"),
        pytest.param("10.244.1.0/30", (), "10.244.1.2", id="the only one"),
        pytest.param("10.244.1.0/30", ("10.244.1.2",), None, id="full: the broadcast address is none"),
    ],
)
def test_next_pod_address(cidr, taken, found):
    assert ipam.next_pod_address(cidr, taken) == found


def test_the_bridge_has_the_first_host():
    assert ipam.gateway("10.244.7.0/24") == "10.244.7.1"


def test_outside_and_nodes_share_the_fabric():
    spec = LabSpec(node_subnet="172.18.0.0/29")
    assert ipam.outside_address(spec) == "172.18.0.1"
    assert list(ipam.node_addresses(spec)) == [f"172.18.0.{n}" for n in range(2, 7)]


@pytest.mark.parametrize(
    ("spec", "first"),
    [
        pytest.param({}, ["10.244.1.0/24", "10.244.2.0/24", "10.244.3.0/24"], id="from the second on, as kind has them"),
        pytest.param({"pod_subnet": "10.0.0.0/23"}, ["10.0.1.0/24", "10.0.0.0/24"], id="the first comes last"),
        pytest.param({"pod_subnet": "10.0.0.0/24"}, ["10.0.0.0/24"], id="all of it for one Node"),
        pytest.param({"pod_subnet": "10.0.0.0/24", "node_cidr_mask": 26}, ["10.0.0.64/26", "10.0.0.128/26"], id="small ones"),
    ],
)
def test_pod_subnets(spec, first):
    assert list(itertools.islice(ipam.pod_subnets(LabSpec(**spec)), len(first))) == first


@pytest.mark.parametrize(
    ("taken", "hint", "found"),
    [
        pytest.param((), 1, "10.96.0.2", id="where the hint points"),
        pytest.param((), 0, "10.96.0.2", id="never the API server's"),
        pytest.param((), 9, "10.96.0.11", id="never the cluster DNS'"),
        pytest.param(("10.96.0.14",), 13, "10.96.0.2", id="around the end, past the reserved one"),
        pytest.param(tuple(f"10.96.0.{n}" for n in range(2, 15)), 5, None, id="none is left"),
    ],
)
def test_next_cluster_ip(taken, hint, found):
    assert ipam.next_cluster_ip("10.96.0.0/28", taken, hint) == found


def test_every_address_is_given_before_the_pool_is_empty():
    taken: set[str] = set()
    while found := ipam.next_cluster_ip("10.96.0.0/28", taken, 7):
        taken.add(found)
    assert len(taken) == 14 - len(ipam.RESERVED_SERVICE_HOSTS)


@pytest.mark.parametrize(
    ("taken", "hint", "found"),
    [
        pytest.param((), 1, 30001, id="where the hint points"),
        pytest.param((30001, 30002), 1, 30000, id="around the end"),
        pytest.param((30000, 30001, 30002), 1, None, id="none is left"),
    ],
)
def test_next_port(taken, hint, found):
    assert ipam.next_port(30000, 30002, taken, hint) == found


@pytest.mark.parametrize(
    ("address", "inside"),
    [("10.96.0.1", True), ("10.96.255.254", True), ("10.96.0.0", False), ("10.96.255.255", False), ("10.97.0.1", False)],
)
def test_is_inside(address, inside):
    assert ipam.is_inside(address, "10.96.0.0/16") is inside
