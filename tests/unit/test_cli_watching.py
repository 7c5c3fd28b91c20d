"""`get -w`: which changes lead from one look to the next, and how each form prints them."""

import json
from dataclasses import replace

import pytest
import yaml

from netlab.cli.get import TableOptions
from netlab.cli.output import Output
from netlab.cli.watching import Change, _Printer, changes
from netlab.model.config import ConfigMap
from netlab.model.meta import ObjectMeta

OLD = ConfigMap(metadata=ObjectMeta(name="a", namespace="default", uid="1"), data={"k": "v"})
EDITED = replace(OLD, data={"k": "w"})
ANEW = replace(OLD, metadata=replace(OLD.metadata, uid="2"))


def seen(*items):
    return {item.key: item for item in items}


def shown(capsys, form, *found, text="", events=False, headers=True):
    printer = _Printer("ConfigMap", Output(form, text) if form else None, TableOptions(headers=headers), events=events)
    for change in found:
        printer.show([change])
    return capsys.readouterr().out


@pytest.mark.parametrize(
    ("before", "after", "types"),
    [
        pytest.param(seen(), seen(OLD), ["ADDED"], id="a new one"),
        pytest.param(seen(OLD), seen(EDITED), ["MODIFIED"], id="a change"),
        pytest.param(seen(OLD), seen(OLD), [], id="nothing"),
        pytest.param(seen(OLD), seen(), ["DELETED"], id="one that is gone"),
        pytest.param(seen(OLD), seen(ANEW), ["DELETED", "ADDED"], id="another one under the same name"),
    ],
)
def test_what_leads_from_one_look_to_the_next(before, after, types):
    assert [change.type for change in changes(before, after)] == types


ADDED, MODIFIED = Change("ADDED", OLD), Change("MODIFIED", EDITED)


def test_yaml_is_one_document_for_each_change(capsys):
    found = list(yaml.safe_load_all(shown(capsys, "yaml", ADDED, MODIFIED)))
    assert [one["data"] for one in found] == [{"k": "v"}, {"k": "w"}]
    assert [one["kind"] for one in found] == ["ConfigMap", "ConfigMap"]


def test_json_is_one_line_for_each_change(capsys):
    found = [json.loads(line) for line in shown(capsys, "json", ADDED, MODIFIED).splitlines()]
    assert [one["data"] for one in found] == [{"k": "v"}, {"k": "w"}]


@pytest.mark.parametrize("form", ["json", "yaml"])
def test_an_object_stands_inside_its_event(form, capsys):
    found = list(yaml.safe_load_all(shown(capsys, form, MODIFIED, events=True)))
    assert [(one["type"], one["object"]["data"]) for one in found] == [("MODIFIED", {"k": "w"})]


@pytest.mark.parametrize(
    ("form", "text", "expected"),
    [
        pytest.param("name", "", "configmap/a\nconfigmap/a\n", id="names"),
        pytest.param("jsonpath", "{.data.k}", "v\nw\n", id="a template"),
    ],
)
def test_other_forms_are_one_line_for_each_change(form, text, expected, capsys):
    assert shown(capsys, form, ADDED, MODIFIED, text=text) == expected


def test_a_table_has_its_headings_once_and_the_events_before_the_names(capsys):
    lines = shown(capsys, "", ADDED, MODIFIED, events=True).splitlines()
    assert [line.split()[:3] for line in lines] == [["EVENT", "NAME", "DATA"], ["ADDED", "a", "1"], ["MODIFIED", "a", "1"]]
