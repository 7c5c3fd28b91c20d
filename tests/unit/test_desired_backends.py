"""Which endpoints a Node uses: kube-proxy's CategorizeEndpoints, row by row."""

from __future__ import annotations

from dataclasses import replace

import pytest

from netlab.desired.backends import Place, backends, for_everybody, for_local
from netlab.model.service import EndpointHints, ForNode, ForZone

READY, GOING, GONE, WAITING = (True, True, False), (False, True, True), (False, False, True), (False, False, False)
PUBLISHED = (True, False, True)  # publishNotReadyAddresses
HTTP = ({"port": 8080, "name": "http"},)


def found_of(build, *rows):
    """Backends out of rows (address, conditions, Node, zones it is meant for, Nodes it is meant for)."""
    slices = []
    for n, (ip, row, *more) in enumerate(rows):
        node, zones, nodes = (*more, "", "", "")[:3]
        item = build.slice_of("web", (ip, build.conditions(*row)), ports=HTTP, suffix=f"s{n}")
        hints = EndpointHints(
            for_zones=tuple(ForZone(name=name) for name in zones.split()),
            for_nodes=tuple(ForNode(name=name) for name in nodes.split()),
        )
        endpoint = replace(item.endpoints[0], node_name=node, hints=hints if zones or nodes else None)
        slices.append(replace(item, endpoints=(endpoint,)))
    return backends(slices, build.port(80, name="http"))


def ips(targets):
    return [target.ip for target in targets]


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        pytest.param([("10.0.0.10", READY), ("10.0.0.9", READY)], ["10.0.0.9", "10.0.0.10"], id="ready ones, as numbers"),
        pytest.param([("10.0.0.1", READY), ("10.0.0.2", GOING)], ["10.0.0.1"], id="no one who goes, while one is ready"),
        pytest.param([("10.0.0.1", WAITING), ("10.0.0.2", GOING)], ["10.0.0.2"], id="none is ready: those who go and serve"),
        pytest.param([("10.0.0.1", GONE), ("10.0.0.2", WAITING)], [], id="nobody serves"),
        pytest.param([("10.0.0.1", READY), ("10.0.0.1", GOING)], ["10.0.0.1"], id="the same one twice"),
        pytest.param([("10.0.0.1", GOING), ("10.0.0.1", READY)], ["10.0.0.1"], id="of the same one twice, who stays wins"),
        pytest.param([("10.0.0.1", PUBLISHED)], ["10.0.0.1"], id="ready because it is published so"),
    ],
)
def test_for_everybody(build, rows, found):
    assert ips(for_everybody(found_of(build, *rows))) == found


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        pytest.param([("10.0.0.1", READY, "here"), ("10.0.0.2", READY, "there")], ["10.0.0.1"], id="those of this Node"),
        pytest.param([("10.0.0.1", READY, "there")], [], id="nobody here"),
        pytest.param([("10.0.0.1", READY, "")], [], id="one that is on no Node is on none"),
        pytest.param(
            [("10.0.0.1", GOING, "here"), ("10.0.0.2", READY, "there")],
            ["10.0.0.1"],
            id="who goes here, though one is ready there",
        ),
        pytest.param(
            [("10.0.0.1", READY, "here"), ("10.0.0.2", GOING, "here")], ["10.0.0.1"], id="not who goes, with one ready"
        ),
        pytest.param(
            [("10.0.0.1", READY, "here", "west"), ("10.0.0.2", READY, "here", "east")],
            ["10.0.0.1", "10.0.0.2"],
            id="hints say nothing here",
        ),
    ],
)
def test_for_local(build, rows, found):
    assert ips(for_local(found_of(build, *rows), "here")) == found


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        pytest.param(
            [("10.0.0.1", READY, "a", "east"), ("10.0.0.2", READY, "b", "west")], ["10.0.0.1"], id="those meant for our zone"
        ),
        pytest.param(
            [("10.0.0.1", READY, "a", "east"), ("10.0.0.2", READY, "b", "")],
            ["10.0.0.1", "10.0.0.2"],
            id="one without a hint: all",
        ),
        pytest.param(
            [("10.0.0.1", READY, "a", "west"), ("10.0.0.2", READY, "b", "west")],
            ["10.0.0.1", "10.0.0.2"],
            id="none is meant for us: all",
        ),
        pytest.param(
            [("10.0.0.1", READY, "a", "east"), ("10.0.0.2", GOING, "b", "")], ["10.0.0.1"], id="only ready ones need a hint"
        ),
        pytest.param(
            [("10.0.0.1", READY, "a", "east", "here"), ("10.0.0.2", READY, "b", "east", "there")],
            ["10.0.0.1"],
            id="the Node before the zone",
        ),
        pytest.param(
            [("10.0.0.1", READY, "a", "east", "there"), ("10.0.0.2", READY, "b", "west", "there")],
            ["10.0.0.1"],
            id="none on this Node: its zone",
        ),
        pytest.param(
            [("10.0.0.1", GOING, "a", "west"), ("10.0.0.2", GOING, "b", "east")],
            ["10.0.0.1", "10.0.0.2"],
            id="those who go are used wherever they are",
        ),
    ],
)
def test_hints(build, rows, found):
    assert ips(for_everybody(found_of(build, *rows), Place("here", "east"))) == found


@pytest.mark.parametrize(
    "wanted",
    [
        pytest.param({"name": "other"}, id="another name"),
        pytest.param({"name": "http", "protocol": "UDP"}, id="another protocol"),
    ],
)
def test_a_port_of_a_slice_is_found_by_name_and_protocol(build, wanted):
    assert backends([build.slice_of("web", "10.0.0.1", ports=HTTP)], build.port(80, **wanted)) == ()


@pytest.mark.parametrize(("family", "found"), [("IPv4", []), ("IPv6", ["fd00::1", "fd00::2"])])
def test_each_family_has_its_own(build, family, found):
    item = build.slice_of("web", "fd00::2", "fd00::1", ports=({"port": 8080},), address_type="IPv6")
    assert ips(for_everybody(backends([item], build.port(80), family))) == found
