"""Selectors: which labels and fields they match; the errors are those of Kubernetes v1.32 for the same text."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netlab.cli.query import parse_query
from netlab.cli.selectors import parse_fields, parse_labels
from netlab.errors import ManifestError, NetlabError
from netlab.model.lab import Cluster, Lab
from netlab.model.meta import ObjectMeta

LABELS = {"app": "web", "tier": "front", "weight": "10", "in": "in", "empty": "", "example.com/role": "a.b_c-d"}


@pytest.mark.parametrize(
    ("text", "is_meant"),
    [
        pytest.param("", True, id="nothing is true of every object"),
        pytest.param(" ", True, id="a space is nothing"),
        pytest.param("app=web", True, id="equal"),
        pytest.param("app=db", False, id="not equal"),
        pytest.param("nosuch=web", False, id="equal, of a label that is missing"),
        pytest.param("app==web", True, id="equal with two signs"),
        pytest.param("app!=db", True, id="unequal"),
        pytest.param("app!=web", False, id="not unequal"),
        pytest.param("nosuch!=web", True, id="unequal, of a label that is missing"),
        pytest.param("app in (db,web)", True, id="among"),
        pytest.param("app in (db)", False, id="not among"),
        pytest.param("nosuch in (web)", False, id="among, of a label that is missing"),
        pytest.param("app notin (db)", True, id="not in"),
        pytest.param("app notin (db,web)", False, id="not in, but it is"),
        pytest.param("nosuch notin (web)", True, id="not in, of a label that is missing"),
        pytest.param("app", True, id="exists"),
        pytest.param("nosuch", False, id="exists, but does not"),
        pytest.param("!nosuch", True, id="does not exist"),
        pytest.param("!app", False, id="does not exist, but does"),
        pytest.param("! nosuch", True, id="does not exist, with a space"),
        pytest.param("app=web,tier!=back,!nosuch,app in (web)", True, id="several that all hold"),
        pytest.param("app=web,tier=back", False, id="several of which one does not hold"),
        pytest.param("\tapp\n= web , tier = front ", True, id="spaces of all sorts"),
        pytest.param("app in(web)", True, id="no space before the parenthesis"),
        pytest.param("in in (in)", True, id="words that are keys and values, too"),
        pytest.param("in=in", True, id="a word as key and as value"),
        pytest.param("empty=", True, id="an empty value"),
        pytest.param("empty=,app", True, id="an empty value before a comma"),
        pytest.param("app=", False, id="an empty value that it is not"),
        pytest.param("empty in ()", True, id="empty parentheses hold the empty value"),
        pytest.param("empty in (a,)", True, id="nothing behind a comma is the empty value"),
        pytest.param("empty in (,a)", True, id="nothing before a comma is the empty value"),
        pytest.param("empty in (a,,b)", True, id="nothing between commas is the empty value"),
        pytest.param("example.com/role=a.b_c-d", True, id="a key with a prefix"),
        pytest.param("weight>9", True, id="more, as a number"),
        pytest.param("weight>10", False, id="not more"),
        pytest.param("weight < 11", True, id="less"),
        pytest.param("app>1", False, id="more, of a text"),
        pytest.param("nosuch<1", False, id="less, of a label that is missing"),
    ],
)
def test_labels_are_matched(text, is_meant):
    assert parse_labels(text).matches(LABELS) is is_meant


UNABLE = "unable to parse requirement: "
VALUE = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character"
NAME = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character"
)
INTEGER = "for 'Gt', 'Lt' operators, the value must be an integer"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("a b", UNABLE + "found 'b', expected: in, notin, =, ==, !=, gt, lt", id="two words"),
        pytest.param("a!b", UNABLE + "found '!', expected: in, notin, =, ==, !=, gt, lt", id="half an operator"),
        pytest.param("a=b c", "found 'c', expected: ',' or 'end of string'", id="a word too many"),
        pytest.param("a=b=c", "found '=', expected: ',' or 'end of string'", id="two operators"),
        pytest.param("!a=b", "found '=', expected: ',' or 'end of string'", id="an operator behind a negated key"),
        pytest.param("!a in (x)", "found 'in', expected: ',' or 'end of string'", id="in behind a negated key"),
        pytest.param("=a", "found '=', expected: !, identifier, or 'end of string'", id="no key"),
        pytest.param("(a)", "found '(', expected: !, identifier, or 'end of string'", id="a key in parentheses"),
        pytest.param(",a", "found ',', expected: !, identifier, or 'end of string'", id="a comma first"),
        pytest.param("a,", "found '', expected: identifier after ','", id="a comma last"),
        pytest.param("a,,b", "found ',', expected: identifier after ','", id="two commas"),
        pytest.param("!", UNABLE + "found '', expected: identifier", id="nothing is not"),
        pytest.param("!!a", UNABLE + "found '!', expected: identifier", id="not not"),
        pytest.param("a=!b", UNABLE + "found '!', expected: identifier", id="a negated value"),
        pytest.param("a===b", UNABLE + "found '=', expected: identifier", id="three signs"),
        pytest.param("a=>b", UNABLE + "found '>', expected: identifier", id="an arrow"),
        pytest.param("a in x", UNABLE + "found 'x' expected: '('", id="in without parentheses"),
        pytest.param("a notin", UNABLE + "found '' expected: '('", id="notin without values"),
        pytest.param("a in (x", UNABLE + "found '', expected: ',' or ')'", id="a parenthesis that is not closed"),
        pytest.param("a in (x,", UNABLE + "found '', expected: ',', or identifier", id="a comma and no more"),
        pytest.param("a in (x y)", UNABLE + "found 'y', expected: ',' or ')'", id="values without a comma"),
        pytest.param("a in (=)", UNABLE + "found '=', expected: ',', ')' or identifier", id="a sign as value"),
        pytest.param("a in (x,y))", "found ')', expected: ',' or 'end of string'", id="a parenthesis too many"),
        pytest.param("-a=b", f'{UNABLE}Invalid value: "-a": {NAME}', id="a key that is none"),
        pytest.param("é=b", f'{UNABLE}Invalid value: "é": {NAME}', id="a key in other letters"),
        pytest.param("a=b/c", f'{UNABLE}Invalid value: "b/c": {VALUE}', id="a value that is none"),
        pytest.param("a in (b,-)", f'{UNABLE}Invalid value: "-": {VALUE}', id="a value in parentheses that is none"),
        pytest.param("a=" + "x" * 64, f'{UNABLE}Invalid value: "{"x" * 64}": must be no more than 63 characters', id="a long value"),
        pytest.param("a>x", f'{UNABLE}Invalid value: "x": {INTEGER}', id="more than a text"),
        pytest.param("a<", f'{UNABLE}Invalid value: "": {INTEGER}', id="less than nothing"),
        pytest.param("a>9223372036854775808", f'{UNABLE}Invalid value: "9223372036854775808": {INTEGER}', id="a number that is too large"),
    ],
)  # fmt: skip
def test_labels_that_cannot_be_read_are_refused_as_kubernetes_does(text, message):
    assert refused(parse_labels, text) == message


def refused(parse, *args):
    with pytest.raises(ManifestError) as caught:
        parse(*args)
    (problem,) = caught.value.problems
    assert problem.hint
    return problem.message


POD = {
    "metadata": {"name": "web", "namespace": "default"},
    "spec": {"nodeName": "node-1"},
    "status": {"phase": "Running", "podIP": "10.244.1.2"},
}
NEW_POD = {"metadata": {"name": "new"}, "spec": None}


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        pytest.param("", "web new", id="nothing is true of every object"),
        pytest.param("metadata.name=web", "web", id="equal"),
        pytest.param("metadata.name==web", "web", id="equal with two signs"),
        pytest.param("metadata.name!=web", "new", id="unequal"),
        pytest.param("metadata.namespace=default", "web", id="the Namespace"),
        pytest.param("metadata.namespace=", "new", id="an empty value"),
        pytest.param("status.phase!=Running", "new", id="the phase"),
        pytest.param("spec.nodeName=node-1,status.podIP=10.244.1.2", "web", id="several that all hold"),
        pytest.param("spec.nodeName=node-1,status.podIP=10.244.1.3", "", id="several of which one does not hold"),
        pytest.param("spec.nodeName=", "new", id="a Pod without a Node"),
        pytest.param(",metadata.name=web,,", "web", id="commas too many"),
        pytest.param("metadata.name=a\\,b\\=c\\\\", "", id="letters that are escaped"),
    ],
)
def test_fields_are_matched(text, meant):
    match = parse_fields(text, "Pod")
    assert [pod["metadata"]["name"] for pod in (POD, NEW_POD) if match.matches(pod)] == meant.split()


def test_an_escaped_letter_is_part_of_the_value():
    assert parse_fields("metadata.name=a\\,b\\=c\\\\", "Pod").matches({"metadata": {"name": "a,b=c\\"}})


@pytest.mark.parametrize(
    ("kind", "text", "plain"),
    [
        ("Service", "spec.type=ClusterIP,spec.clusterIP=None", {"spec": {"type": "ClusterIP", "clusterIP": "None"}}),
        ("Namespace", "status.phase=Active", {"status": {"phase": "Active"}}),
        ("Pod", "spec.restartPolicy=Always", {"spec": {"restartPolicy": "Always"}}),
        ("Event", "involvedObject.kind=Pod,type=Normal", {"involvedObject": {"kind": "Pod"}, "type": "Normal"}),
        ("Node", "metadata.name=node-1", {"metadata": {"name": "node-1"}}),
        ("EndpointSlice", "metadata.namespace=default", {"metadata": {"namespace": "default"}}),
    ],
)
def test_each_kind_has_fields_of_its_own(kind, text, plain):
    assert parse_fields(text, kind).matches(plain)
    assert not parse_fields(text.replace("=", "!=", 1), kind).matches(plain)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("status.hostIP=10.0.0.1", "field label not supported: status.hostIP", id="a field that cannot be selected by"),
        pytest.param("=x", "field label not supported: ", id="no field"),
        pytest.param("metadata.name = web", "field label not supported: metadata.name ", id="a space belongs to the field"),
        pytest.param("web", "invalid selector: 'web'; can't understand 'web'", id="no operator"),
        pytest.param("metadata.name=a,b", "invalid selector: 'metadata.name=a,b'; can't understand 'b'", id="no operator in the second"),
        pytest.param("metadata.name in (web)", "invalid selector: 'metadata.name in (web)'; can't understand 'metadata.name in (web)'", id="in"),
        pytest.param("metadata.name=a=b", "invalid field selector: unescaped character in value: =", id="an equals sign in a value"),
        pytest.param("metadata.name=a\\b", "invalid field selector: invalid escape sequence: \\b", id="an escape that means nothing"),
        pytest.param("metadata.name=a\\", "invalid field selector: invalid escape sequence: \\", id="a backslash last"),
    ],
)  # fmt: skip
def test_fields_that_cannot_be_selected_by_are_refused_as_the_api_server_does(text, message):
    assert refused(parse_fields, text, "Pod") == message


@pytest.mark.parametrize(
    ("kind", "resource", "why"),
    [
        pytest.param("Pod", "/v1, Resource=pods", "field label not supported: spec.type", id="a kind with fields of its own"),
        pytest.param("Node", "/v1, Resource=nodes", "field label not supported: spec.type", id="a kind with fields netlab does not have"),
        pytest.param("Deployment", "apps/v1, Resource=deployments",
                     '"spec.type" is not a known field selector: only "metadata.name", "metadata.namespace"', id="a kind without"),
    ],
)  # fmt: skip
def test_the_error_says_what_was_asked_for(kind, resource, why):
    query = parse_query([kind], namespace=None, selector="a in (b)", fields="spec.type=x")
    with pytest.raises(NetlabError) as caught:
        query.find(Cluster(lab=Lab(metadata=ObjectMeta(name="lab"))))
    asked = f'Unable to find "{resource}" that match label selector "a in (b)", field selector "spec.type=x": '
    assert str(caught.value).startswith(f"{asked}{why} (")
    assert (caught.value.origin, caught.value.exit_code) == ("Error from server (BadRequest)", 1)


def test_a_field_of_another_kind_is_refused_with_those_there_are():
    with pytest.raises(ManifestError, match=r"not supported: spec.nodeName \(a Service has metadata.name, .*, spec.type\)"):
        parse_fields("spec.nodeName=node-1", "Service")


WORDS = st.lists(
    st.sampled_from([*"ab!=<>(), \n\t\\", "in", " in ", "notin", "==", "é", "1", "a/b", "metadata.name", "status.phase"])
).map("".join)


@settings(max_examples=600)
@given(st.text() | WORDS, st.dictionaries(st.sampled_from(["a", "b", "in", "a/b"]), st.sampled_from(["", "1", "a"])))
def test_any_text_is_a_selector_or_refused(text, labels):
    for parse, args, thing in ((parse_labels, (), labels), (parse_fields, ("Pod",), POD)):
        with suppress(ManifestError):
            assert parse(text, *args).matches(thing) in {True, False}
