"""The guestbook's manifest: netlab reads it, its shape is the well-known one, and the program in it is a program."""

from pathlib import Path

from netlab.desired.environment import expand
from netlab.manifest.load import load
from netlab.model.config import ConfigMap

MANIFEST = Path(__file__).parents[2] / "netlab" / "demos" / "guestbook" / "guestbook.yaml"
LONGEST_LINE = 128
MOST_LINES = 120


def objects():
    return {(item.kind, item.metadata.name): item for item in load([str(MANIFEST)])}


def program():
    found = objects()["ConfigMap", "frontend"]
    assert isinstance(found, ConfigMap)
    return found.data["frontend.py"]


def test_the_shape_is_the_well_known_one():
    found = objects()
    replicas = {name: item.spec.replicas for (kind, name), item in found.items() if kind == "Deployment"}
    assert replicas == {"redis-master": 1, "redis-slave": 2, "frontend": 3}
    assert {name for kind, name in found if kind == "Service"} == set(replicas)
    for name in replicas:
        template = found["Deployment", name].spec.template
        assert found["Service", name].spec.selector == template.metadata.labels


def test_the_program_compiles_and_is_readable():
    text = program()
    compile(text, "frontend.py", "exec")
    lines = text.splitlines()
    assert len(lines) <= MOST_LINES
    assert max(map(len, lines)) <= LONGEST_LINE


def test_the_program_reaches_python_unchanged():
    word = objects()["Deployment", "frontend"].spec.template.spec.containers[0].command[-1]
    assert expand(word, {"PROGRAM": program()}) == program()
    assert "$" in program()  # what would be an expansion is not expanded a second time
