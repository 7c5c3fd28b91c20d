"""The IP families of a lab: from one word, or from its subnets."""

import pytest

from netlab.model.families import family_of
from netlab.model.lab import LabSpec

V4 = ("172.18.0.0/16", "10.244.0.0/16", "10.96.0.0/16", "203.0.113.1/32")
V6 = ("fc00:f853:ccd:e793::/64", "fd00:10:244::/56", "fd00:10:96::/112", "2001:db8::1/128")


def subnets(spec):
    return spec.node_subnet, spec.pod_subnet, spec.service_subnet, spec.outside_subnet


@pytest.mark.parametrize(
    ("said", "word", "families", "found"),
    [
        pytest.param({}, "ipv4", ("IPv4",), V4, id="nothing said"),
        pytest.param({"ip_family": "ipv4"}, "ipv4", ("IPv4",), V4, id="IPv4"),
        pytest.param({"ip_family": "ipv6"}, "ipv6", ("IPv6",), V6, id="IPv6"),
        pytest.param({"ip_family": "dual"}, "dual", ("IPv4", "IPv6"), [f"{a},{b}" for a, b in zip(V4, V6, strict=True)], id="both"),
        pytest.param(
            {"pod_subnet": "fd00::/56,10.0.0.0/8"}, "dual", ("IPv6", "IPv4"),
            [f"{V6[0]},{V4[0]}", "fd00::/56,10.0.0.0/8", f"{V6[2]},{V4[2]}", f"{V6[3]},{V4[3]}"], id="the Pods' subnet chooses",
        ),
        pytest.param({"pod_subnet": "fd00::/56"}, "ipv6", ("IPv6",), [V6[0], "fd00::/56", *V6[2:]], id="IPv6 by the Pods' subnet"),
        pytest.param(
            {"ip_family": "dual", "pod_subnet": "10.0.0.0/8"}, "dual", ("IPv4",), [V4[0], "10.0.0.0/8", *V4[2:]],
            id="a contradiction is kept for who reports it",
        ),
    ],
)  # fmt: skip
def test_what_is_left_out_is_filled_in(said, word, families, found):
    spec = LabSpec(**said)
    assert (spec.ip_family, spec.families, subnets(spec)) == (word, families, tuple(found))


@pytest.mark.parametrize(
    ("text", "family"), [("10.0.0.1", "IPv4"), ("10.0.0.0/8", "IPv4"), ("::", "IPv6"), ("fd00::/8", "IPv6")]
)
def test_family_of(text, family):
    assert family_of(text) == family
