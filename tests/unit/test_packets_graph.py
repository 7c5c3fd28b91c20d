"""The lab as a picture: what is in it, and that in no picture anything lies over anything else, whatever the lab is."""

from __future__ import annotations

import itertools
import json
import os
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest

from netlab.cli.graph import MOST_SERVICES, narrowed
from netlab.desired.assign import assign
from netlab.desired.assignments import Assignments
from netlab.desired.compile import compile_net
from netlab.desired.power import stop_machines
from netlab.desired.published import published
from netlab.model.meta import Key
from netlab.netstate.links import Address, Route
from netlab.netstate.state import NetState
from netlab.packets.drawing import Box, Rect, Text, fitted, text_width
from netlab.packets.graph import End, lab_graph
from netlab.packets.graph_page import graph_page
from netlab.packets.graph_text import graph_text
from netlab.packets.graph_words import graph_dot, graph_mermaid, label, quoted
from netlab.packets.layout import layout
from netlab.packets.svg import svg

needs_graphviz = pytest.mark.skipif(
    not shutil.which("dot") and not os.environ.get("NETLAB_TEST_VM"), reason="scripts/install dev brings Graphviz"
)
HOSTILE = "</text><script>alert(1)</script>\"]'\\ & \x00-->"
FORMATS = {
    "text": graph_text, "dot": graph_dot, "mermaid": graph_mermaid, "svg": lambda graph: svg(layout(graph)), "html": graph_page
}  # fmt: skip


def seen_as(change, net: NetState) -> NetState:
    return NetState(namespaces=frozenset(change(item) for item in net.namespaces if change(item) is not None))


def graph_of(build, *objects, of=None, change=lambda item: item):
    """The graph of a lab in which `change` has been at each namespace."""
    cluster = build.cluster(*objects, of=of)
    assignments = assign(cluster, Assignments())
    net = compile_net(cluster, assignments)
    return lab_graph(published(cluster, assignments, 0.0), assignments, net, seen_as(change, net))


def small(build, change=lambda item: item):
    pods = (build.pod("a", node="node-1"), build.pod("b", node="node-2"), build.pod("c", node="node-2", state="waiting"))
    web = build.service("web", build.port(80, 8080, node_port=30080), type="NodePort")
    return graph_of(build, *pods, web, build.service("nobody", 81, app="nobody"), change=change)


def changed(item):
    """What somebody did by hand: a route and a Pod are gone, an address is another one."""
    if item.name == "demo.default.c":
        return None
    if item.name == "demo.node-1":
        routes = frozenset(route for route in item.routes if route.destination != "10.244.2.0/24")
        return replace(item, routes=routes | {Route(destination="192.0.2.0/24", dev="eth0", via="172.18.0.9")})
    if item.name == "demo.default.a":
        return replace(item, addresses=frozenset({Address(dev="eth0", address="10.244.1.99/24")}))
    return item


def many(build, nodes=3, pods=30, services=6, **spec):
    made = build.lab(*(f"node-{n}" for n in range(1, nodes + 1)), **spec)
    items = [build.pod(f"pod-{n}", app=f"app-{n % services}", node=f"node-{n % nodes + 1}") for n in range(pods)]
    return graph_of(build, *items, *(build.service(f"app-{n}", 80 + n, app=f"app-{n}") for n in range(services)), of=made)


LABS = {
    "small": small,
    "changed by hand": lambda b: small(b, changed),
    "3 Nodes and 30 Pods": many,
    "no Pod": lambda b: many(b, pods=0),
    "one Node": lambda b: many(b, nodes=1, pods=3, services=1),
    "40 Pods on a Node": lambda b: many(b, nodes=1, pods=40, services=12),
    "many Nodes": lambda b: many(b, nodes=12, pods=12, services=2),
    "a tunnel and both families": lambda b: many(b, pods=9, services=3, ip_family="dual", network="vxlan"),
    "more Services than Pods": lambda b: many(b, nodes=2, pods=2, services=30),
    "long names": lambda b: graph_of(
        b, b.pod("p" * 63, namespace="n" * 40), b.service("s" * 60, 80), of=b.lab("node-" + "n" * 50)
    ),
    "a Pod in its Node's network": lambda b: graph_of(b, b.pod("web", host_network=True), b.service("web", 80)),
}  # fmt: skip


@pytest.fixture(params=LABS)
def graph(build, request):
    return LABS[request.param](build)


def overlap(one: Box, other: Box) -> bool:
    return one.x < other.right and other.x < one.right and one.y < other.bottom and other.y < one.bottom


def is_inside(one: Box, other: Box) -> bool:
    return other.x <= one.x and one.right <= other.right and other.y <= one.y and one.bottom <= other.bottom


def box_of(text: Text) -> Box:
    """What a line of text covers: capitals are about 0.73 of its size high, and what hangs below the line 0.2."""
    width = text_width(text.text, text.size)
    left = text.at.x - {"start": 0.0, "middle": width / 2, "end": width}[text.anchor]
    return Box(left, text.at.y - 0.73 * text.size, width, 0.93 * text.size)


def texts_of(drawing):
    return [(group, shape) for group in drawing.groups for shape in group.shapes if isinstance(shape, Text) and shape.text]


def test_no_text_meets_another_one(graph):
    for (_, one), (_, other) in itertools.combinations(texts_of(layout(graph)), 2):
        assert not overlap(box_of(one), box_of(other)), (one.text, other.text)


def test_all_text_is_inside_the_picture_and_inside_its_box(graph):
    drawing = layout(graph)
    for group, text in texts_of(drawing):
        box = box_of(text)
        assert is_inside(box, Box(0, 0, drawing.width, drawing.height)), text.text
        around = [shape.box for shape in group.shapes if isinstance(shape, Rect) and overlap(shape.box, box)]
        assert all(is_inside(box, one) for one in around), text


def test_no_text_lies_under_the_box_of_something_else(graph):
    drawing = layout(graph)
    for group, text in texts_of(drawing):
        for other in drawing.groups:
            rects = [shape.box for shape in other.shapes if isinstance(shape, Rect)] if other is not group else []
            assert not [rect for rect in rects if overlap(rect, box_of(text))], (text.text, other.label)


def test_no_line_runs_through_a_text(graph):
    """But below a box that is filled."""
    drawing = layout(graph)
    for group, text in texts_of(drawing):
        box = box_of(text)
        if any(isinstance(shape, Rect) and overlap(shape.box, box) for shape in group.shapes):
            continue
        for line in drawing.lines:
            for start, end in itertools.pairwise(line.points):
                way = Box(min(start.x, end.x), min(start.y, end.y), abs(end.x - start.x), abs(end.y - start.y))
                assert not overlap(Box(way.x, way.y, way.width + 0.01, way.height + 0.01), box), (line.title, text.text)


def test_no_box_meets_another_one(graph):
    drawing = layout(graph)
    rects = [shape.box for group in drawing.groups for shape in group.shapes if isinstance(shape, Rect)]
    for one, other in itertools.combinations(rects, 2):
        assert not overlap(one, other)
    for one, other in itertools.combinations([ground.box for ground in drawing.grounds], 2):
        assert not overlap(one, other)


def test_cables_do_not_cross(graph):
    drawing = layout(graph)
    ways = [[*itertools.pairwise(line.points)] for line in drawing.lines if line.look == "cable"]
    for one, other in itertools.combinations(ways, 2):
        assert not any(crosses(*a, *b) for a in one for b in other)


def crosses(a, b, c, d) -> bool:
    """Tell whether two lines, each along an axis, cross."""
    if (a.x == b.x) == (c.x == d.x):
        return a.x == b.x == c.x == d.x and max(min(a.y, b.y), min(c.y, d.y)) < min(max(a.y, b.y), max(c.y, d.y))
    if a.x != b.x:
        a, b, c, d = c, d, a, b
    return min(c.x, d.x) < a.x < max(c.x, d.x) and min(a.y, b.y) < c.y < max(a.y, b.y)


def test_every_namespace_and_every_interface_of_the_lab_has_a_place(graph):
    drawing = layout(graph)
    for place in graph.places:
        assert place.netns in drawing.boxes
        for one in place.interfaces:
            assert one.end in drawing.ends, one.end


def test_a_cable_leads_from_one_end_to_the_other(graph):
    drawing = layout(graph)
    assert drawing.cables
    for (start, end), way in drawing.cables.items():
        assert (way[0], way[-1]) == (drawing.ends[start], drawing.ends[end])
        assert drawing.cables[end, start] == way[::-1]


def test_a_line_of_a_service_ends_at_each_pod_that_answers(build):
    graph = many(build)
    lines = [line for line in layout(graph).lines if line.look == "service"]
    assert len(lines) == sum(len(service.pods) for service in graph.services) == 30


@pytest.mark.parametrize("name", FORMATS)
def test_the_picture_of_a_small_lab(build, golden, name):
    golden(f"graph/small.{name}", FORMATS[name](small(build, changed)))


def test_the_same_lab_gives_the_same_picture(build):
    assert {svg(layout(many(build))) for _ in range(2)} == {svg(layout(many(build)))}


def test_what_was_changed_by_hand_is_marked(build):
    graph = small(build, changed)
    routes = {route.presence: route.text for route in graph.nodes[0].routes if route.presence != "there"}
    assert routes == {
        "missing": "10.244.2.0/24 via 172.18.0.3 dev eth0", "more": "192.0.2.0/24 via 172.18.0.9 dev eth0",
    }  # fmt: skip
    [a], [b, c] = graph.pods["node-1"], graph.pods["node-2"]
    assert [(one.text, one.presence) for one in a.addresses] == [("10.244.1.2/24", "missing"), ("10.244.1.99/24", "more")]
    assert (a.presence, b.presence, c.presence) == ("there", "there", "missing")
    assert small(build).drift == (0, 0)
    assert graph.drift[1] == 2


def test_a_picture_of_some_pods_says_how_many_are_left_out(build):
    graph = many(build).only({Key("Pod", "default", "pod-3")}, {Key("Service", "default", "app-3")})
    assert [pod.name for pods in graph.pods.values() for pod in pods] == ["pod-3"]
    assert graph.left_out == (29, 5)
    assert "not in the picture: 29 Pods and 5 Services" in graph_text(graph)
    assert svg(layout(graph)).count('class="service') == 1


def test_the_picture_of_a_namespace(build):
    pods = (build.pod("a"), build.pod("b", namespace="other"))
    services = (build.service("web", 80), build.service("web", 80, namespace="other"))
    graph = graph_of(build, *pods, *services)
    found = narrowed(graph, "other")
    assert [pod.name for pods in found.pods.values() for pod in pods] == ["b.other"]
    assert [service.name for service in found.services] == ["web.other"]
    assert found.left_out == (1, 1)
    assert narrowed(graph, None) == graph


def test_of_more_than_there_is_room_for_some_are_left_out(build):
    graph = many(build, nodes=2, pods=2, services=MOST_SERVICES + 7)
    assert narrowed(graph, None).left_out == (0, 7)


def test_a_node_whose_machine_is_off(build):
    graph = graph_of(build, build.pod("web", node="node-2"), of=stop_machines(build.lab(), ["node-2"], 1_700_000_000.0))
    assert [node.is_off for node in graph.nodes] == [False, True]
    assert graph.drift == (0, 0)
    lines = graph_text(graph).splitlines()
    place = next(number for number, line in enumerate(lines) if "node-2 (machine off)" in line)
    assert lines[place + 1].startswith("└─ outside")  # and no empty box
    assert 'class="node off"' in svg(layout(graph))


def hostile(build):
    graph = small(build)
    service = replace(graph.services[0], name=HOSTILE, kind=HOSTILE, addresses=(HOSTILE,), ports=(HOSTILE,), others=(HOSTILE,))
    pod = replace(graph.pods["node-1"][0], name=HOSTILE)
    node = replace(graph.nodes[0], name="node-1", routes=graph.nodes[0].routes)
    return replace(graph, name=HOSTILE, services=(service, *graph.services[1:]), nodes=(node, graph.nodes[1]),
                   pods={**graph.pods, "node-1": (pod,)})  # fmt: skip


def read(text: str) -> ET.Element:
    return ET.fromstring(text)  # noqa: S314 - what we have just written


def test_whatever_names_say_the_svg_and_the_page_stay_what_they_are(build):
    graph = hostile(build)
    root = read(svg(layout(graph)))
    assert not [element for element in root.iter() if element.tag.endswith("script")]
    page = graph_page(graph)
    assert "<script" not in page
    assert page.count("</main>") == 1


def test_whatever_names_say_a_label_stays_a_label(build):
    graph = hostile(build)
    for line in graph_dot(graph).splitlines():
        rest = re.sub(r'"(?:[^"\\]|\\.)*"', "", line)
        assert '"' not in rest
        assert "script" not in rest
    for line in graph_mermaid(graph).splitlines():
        assert line.count('"') in {0, 2}
        assert "<script" not in line
    assert quoted('a"\\', "b\nc") == '"a\\"\\\\\\nb\N{REPLACEMENT CHARACTER}c"'
    assert label('a"]', "b") == '"a#34;#93;<br/>b"'


def by_graphviz(text: str) -> tuple[dict[str, list[str]], int]:
    """What Graphviz reads: the first line of each label, by the label of its box ("" is none), and the number of lines."""
    done = subprocess.run(["dot", "-Tjson0"], input=text, capture_output=True, text=True, check=True)
    assert not done.stderr
    read_ = json.loads(done.stdout)
    titles = {one["_gvid"]: one["label"].partition("\\n")[0] for one in read_["objects"]}
    boxes = {titles[one["_gvid"]]: [titles[n] for n in one["nodes"]] for one in read_["objects"] if "nodes" in one}
    inside = {n for one in read_["objects"] for n in one.get("nodes", ())}
    loose = [titles[one["_gvid"]] for one in read_["objects"] if "nodes" not in one and one["_gvid"] not in inside]
    return {"": loose, **boxes}, len(read_["edges"])


@needs_graphviz
def test_graphviz_reads_what_is_written_for_it(build):
    boxes, lines = by_graphviz(graph_dot(small(build)))
    assert boxes == {
        "": ["Service nobody", "Service web", "outside", "fabric"],
        "node-1": ["a", "cni0", "eth0"],
        "node-2": ["b", "c", "cni0", "eth0"],
    }
    assert lines == 10  # within each Node, 3 Pods, 3 machines, 2 endpoints


@needs_graphviz
def test_graphviz_reads_every_pod_of_a_large_lab(build):
    boxes, _ = by_graphviz(graph_dot(many(build)))
    assert sorted(one for name, found in boxes.items() if name for one in found if one.startswith("pod-")) == sorted(
        f"pod-{number}" for number in range(30)
    )


@needs_graphviz
def test_whatever_names_say_graphviz_reads_the_same_boxes_and_lines(build):
    plain, lines = by_graphviz(graph_dot(small(build)))
    boxes, as_many = by_graphviz(graph_dot(hostile(build)))
    assert {name: len(found) for name, found in boxes.items()} == {name: len(found) for name, found in plain.items()}
    assert as_many == lines


def test_the_svg_is_one_picture_for_screen_readers(build):
    root = read(svg(layout(small(build))))
    assert root.get("role") == "img"
    title, description = (root.find(f"{{http://www.w3.org/2000/svg}}{name}") for name in ("title", "desc"))
    assert root.get("aria-labelledby").split() == [title.get("id"), description.get("id")]
    assert description.text.startswith("2 Nodes, 3 Pods, 2 Services.")
    labels = [group.get("aria-label") for group in root.iter("{http://www.w3.org/2000/svg}g")]
    assert "Pod c, 10.244.2.3/24, not ready" in labels


def test_a_page_loads_nothing(build):
    page = graph_page(small(build))
    assert "default-src 'none'" in page
    assert not re.search(r"(?:src|href)=", page.replace("default-src", ""))
    assert not re.findall(r"https?://(?!www\.w3\.org/2000/svg)", page)


@pytest.mark.parametrize(
    ("text", "width", "found"),
    [("short", 100.0, "short"), ("frontend-77c6cdf86b-ckg22", 100.0, "fronten…b-ckg22"), ("long", 1.0, "l…g")],
)
def test_a_text_that_is_too_long_loses_its_middle(text, width, found):
    assert fitted(text, width) == found


def test_ends_are_named_by_namespace_and_interface(build):
    assert End("demo.node-1", "eth0") in layout(small(build)).ends
