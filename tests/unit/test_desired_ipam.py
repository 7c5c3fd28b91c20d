"""Pools: which address, subnet or port comes next, and what is never given."""

import itertools

import pytest

from netlab.desired import ipam
from netlab.model.lab import LabSpec


@pytest.mark.parametrize(
    ("cidrs", "taken", "found"),
    [
        pytest.param("10.244.1.0/24", "", "10.244.1.2", id="behind the bridge"),
        pytest.param("10.244.1.0/24", "10.244.1.2 10.244.1.4", "10.244.1.3", id="the lowest free one"),
        pytest.param("10.244.1.0/30", "", "10.244.1.2", id="the only one"),
        pytest.param("10.244.1.0/30", "10.244.1.2", None, id="full: the broadcast address is none"),
        pytest.param("fd00:1::/64", "fd00:1::2", "fd00:1::3", id="IPv6"),
        pytest.param("10.244.1.0/24 fd00:1::/64", "", "10.244.1.2 fd00:1::2", id="both at the same place"),
        pytest.param("fd00:1::/64 10.244.1.0/24", "10.244.1.2 fd00:1::3", "fd00:1::4 10.244.1.4", id="free in both"),
        pytest.param("10.244.1.0/30 fd00:1::/64", "10.244.1.2", None, id="the smaller one is full"),
    ],
)
def test_next_pod_addresses(cidrs, taken, found):
    assert ipam.next_pod_addresses(cidrs.split(), taken.split()) == (tuple(found.split()) if found else None)


@pytest.mark.parametrize(("cidr", "first"), [("10.244.7.0/24", "10.244.7.1"), ("fd00:10:244:7::/64", "fd00:10:244:7::1")])
def test_the_bridge_has_the_first_host(cidr, first):
    assert ipam.gateway(cidr) == first


@pytest.mark.parametrize(
    ("subnet", "outside", "nodes"),
    [
        pytest.param("172.18.0.0/29", "172.18.0.1", [f"172.18.0.{n}" for n in range(2, 7)], id="IPv4"),
        pytest.param("fc00::/125", "fc00::1", [f"fc00::{n}" for n in range(2, 7)], id="IPv6"),
        pytest.param(
            "172.18.0.0/29,fc00::/64", "172.18.0.1,fc00::1", [f"172.18.0.{n},fc00::{n}" for n in range(2, 7)], id="both"
        ),
    ],
)
def test_outside_and_nodes_share_the_fabric(subnet, outside, nodes):
    spec = LabSpec(node_subnet=subnet)
    assert ",".join(ipam.outside_addresses(spec)) == outside
    assert [",".join(ips) for ips in ipam.node_addresses(spec)] == nodes


@pytest.mark.parametrize(
    ("spec", "first"),
    [
        pytest.param({}, ["10.244.1.0/24", "10.244.2.0/24", "10.244.3.0/24"], id="from the second on, as kind has them"),
        pytest.param({"pod_subnet": "10.0.0.0/23"}, ["10.0.1.0/24", "10.0.0.0/24"], id="the first comes last"),
        pytest.param({"pod_subnet": "10.0.0.0/24"}, ["10.0.0.0/24"], id="all of it for one Node"),
        pytest.param({"pod_subnet": "10.0.0.0/24", "node_cidr_mask": 26}, ["10.0.0.64/26", "10.0.0.128/26"], id="small ones"),
        pytest.param({"ip_family": "ipv6"}, ["fd00:10:244:1::/64", "fd00:10:244:2::/64"], id="IPv6"),
        pytest.param({"ip_family": "dual"}, ["10.244.1.0/24,fd00:10:244:1::/64"], id="both side by side"),
        pytest.param(
            {"pod_subnet": "fd00::/62,10.0.0.0/16", "node_cidr_mask_ipv6": 63},
            ["fd00:0:0:2::/63,10.0.1.0/24", "fd00::/63,10.0.0.0/24"],
            id="as many as the smaller pool has",
        ),
    ],
)
def test_pod_subnets(spec, first):
    found = itertools.islice(ipam.pod_subnets(LabSpec(**spec)), len(first))
    assert [",".join(cidrs) for cidrs in found] == first


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


def test_next_cluster_ip_of_ipv6():
    assert ipam.next_cluster_ip("fd00:10:96::/112", ("fd00:10:96::ff",), 254) == "fd00:10:96::100"


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
    [
        ("10.96.0.1", True),
        ("10.96.255.254", True),
        ("10.96.0.0", False),
        ("10.96.255.255", False),
        ("10.97.0.1", False),
        ("fd00:10:96::1", False),
    ],
)
def test_is_inside(address, inside):
    assert ipam.is_inside(address, "10.96.0.0/16") is inside
