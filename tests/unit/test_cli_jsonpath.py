"""JSONPath: what is printed and what is refused is what kubectl v1.32 printed and refused for the same object and template."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netlab.cli import jsonpath
from netlab.cli.jsonpath import find, render
from netlab.errors import ManifestError

POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {
        "name": "web",
        "namespace": "default",
        "labels": {"app.kubernetes.io/name": "web", "tier": "x<y&z>"},
        "annotations": {},
    },
    "spec": {
        "containers": [
            {"name": "nginx", "image": "nginx:1", "ports": [{"containerPort": 80, "name": "http"}, {"containerPort": 443}]},
            {"name": "redis", "image": "redis", "ports": []},
            {"name": "busybox", "image": "busybox"},
        ],
        "ratio": 1.5,
        "hostNetwork": False,
        "nothing": None,
        "text": "",
    },
    "status": {
        "phase": "Running",
        "conditions": [
            {"type": "Ready", "status": "True"},
            {"type": "Initialized", "status": "False", "reason": "x"},
        ],
        "numbers": [1, 2, 3, 10, 20],
        "mixed": [1, "a", True, None, 2.5],
        "switches": [True, False],
        "nested": [[1, 2], [3]],
        "unusual": {"a": "é", "b": '\u2028\x01\n"\\/'},
    },
    "things": [
        {"name": "p1", "n": 5, "sub": [{"k": "a"}, {"k": "b"}]},
        {"name": "p2", "n": 10, "sub": [{"k": "c"}]},
        {"name": "p3", "sub": []},
    ],
    "backwards": [{"sub": []}, {"sub": [{"k": "c"}]}],
}  # fmt: skip

RENDERED = [
    pytest.param("{.metadata.name}", "web", id="a field"),
    pytest.param("metadata.name", "metadata.name", id="text without braces stays"),
    pytest.param("a{.kind}b{.apiVersion}c", "aPodbv1c", id="text around expressions stays"),
    pytest.param("{.kind}}{.kind}", "Pod}Pod", id="a closing brace outside is text"),
    pytest.param("é{.kind}", "éPod", id="text may have any letters"),
    pytest.param("{$.kind} {@.kind} {$} {.kind@}", None, id="the root, the current object"),
    pytest.param("{ .kind }{.spec.containers[0] .name}", "Podnginx", id="spaces do not matter"),
    pytest.param("{.spec.nosuch}|{.spec.nosuch.deeper}|{.kind.x}|{.kind.}", "|||", id="what is missing gives nothing"),
    pytest.param("{.spec.nothing}|{.spec.nothing.x}|{.spec.nothing[0]}", "null||", id="null is printed, and has nothing in it"),
    pytest.param("{.spec.hostNetwork} {.spec.ratio} {.status.numbers[3]}", "false 1.5 10", id="booleans and numbers"),
    pytest.param("{.metadata.annotations}{.spec.containers[1].ports}{.spec.text}", "{}[]", id="empty things"),
    pytest.param("{.metadata.labels}", '{"app.kubernetes.io/name":"web","tier":"x\\u003cy\\u0026z\\u003e"}', id="a map is JSON as Go writes it"),
    pytest.param("{.metadata.labels.tier}", "x<y&z>", id="a text is printed bare"),
    pytest.param("{.status.unusual}", '{"a":"é","b":"\\u2028\\u0001\\n\\"\\\\/"}', id="letters that JSON escapes"),
    pytest.param("{.status.mixed}", '[1,"a",true,null,2.5]', id="a list is JSON"),
    pytest.param("{.status.mixed[*]}", "1 a true null 2.5", id="several results stand with spaces between them"),
    pytest.param("{.metadata.labels.app\\.kubernetes\\.io/name}", "web", id="dots escaped in a field"),
    pytest.param("{.metadata.labels['app\\.kubernetes\\.io/name']}", "web", id="dots escaped in brackets"),
    pytest.param("{.metadata.labels['app.kubernetes.io/name']}", "", id="dots in brackets are steps"),
    pytest.param("{['metadata.labels.tier']}", "x<y&z>", id="a path in brackets"),
    pytest.param("{.met\\adata.name}", "web", id="a backslash means nothing before a letter"),
    pytest.param("{['metadata']['name']}{['kind']}", "webPod", id="fields in brackets"),
    pytest.param("{.metadata['name','namespace','nosuch']}", "web default", id="a union of fields"),
    pytest.param("{.spec.containers[*]['name','image']}", "nginx redis busybox nginx:1 redis busybox", id="a union of many"),
    pytest.param("{.status.numbers[0]} {.status.numbers[-1]} {.status.numbers[]}", "1 20 1", id="an index from either end"),
    pytest.param("{.status.numbers[0,2]} {.status.numbers[0, -1]} {.status.numbers[0,2:4]}", "1 3 1 20 1 3 10", id="a union of indices"),
    pytest.param("{.status.numbers[1:3]} {.status.numbers[3:]} {.status.numbers[:2]}", "2 3 10 20 1 2", id="slices"),
    pytest.param("{.status.numbers[-2:]} {.status.numbers[:-3]} {.status.numbers[-3:-1]}", "10 20 1 2 3 10", id="slices from the end"),
    pytest.param("{.status.numbers[::2]} {.status.numbers[1:4:2]} {.status.numbers[1:1]}", "1 3 20 2 10 ", id="slices with a step"),
    pytest.param("{.status.numbers[*]} {.status.numbers.*}", "1 2 3 10 20 1 2 3 10 20", id="all items"),
    pytest.param("{.status.nested[*][0]} {.status.nested[*][*]}", "1 3 1 2 3", id="lists in lists"),
    pytest.param("{.status.numbers.0}{.things.name}", "", id="a list has no fields"),
    pytest.param("{.backwards[*].sub[*].k}", "", id="an empty list ends the step"),
    pytest.param("{.kind.*}", "80 111 100", id="a text has bytes"),
    pytest.param("{..name}", "web nginx http redis busybox p1 p2 p3", id="fields at any depth"),
    pytest.param("{.status..type} {.things[*]..k}", "Ready Initialized a b c", id="fields at any depth below"),
    pytest.param("{.things[0]..}", '{"n":5,"name":"p1","sub":[{"k":"a"},{"k":"b"}]} p1 [{"k":"a"},{"k":"b"}] {"k":"a"} a {"k":"b"} b', id="everything below but numbers"),
    pytest.param('{.status.conditions[?(@.type=="Ready")].status}', "True", id="a filter"),
    pytest.param("{.status.conditions[?( @.type == 'Ready' )].status}", "True", id="a filter with spaces and other quotes"),
    pytest.param('{.status.conditions[?("Ready"==@.type)].status}', "True", id="a filter the other way round"),
    pytest.param('{.status.conditions[?(@.type!="Ready")].type}', "Initialized", id="a filter for unequal"),
    pytest.param('{.status.conditions[?(@.nosuch!="Ready")].type}', "", id="a missing field is not unequal"),
    pytest.param("{.things[?(@.n>5)].name} {.things[?(@.n>=5)].name}", "p2 p1 p2", id="filters for more"),
    pytest.param("{.things[?(@.n<10)].name} {.things[?(@.n<=10)].name}", "p1 p1 p2", id="filters for less"),
    pytest.param('{.things[?(@.name<"p3")].name}', "p1 p2", id="a filter by the order of texts"),
    pytest.param("{.status.switches[?(@==true)]} {.status.switches[?(@!=true)]}", "true false", id="a filter for true"),
    pytest.param("{.status.numbers[?(@>2)]}", "3 10 20", id="a filter on the items themselves"),
    pytest.param("{.things[?(@.n)].name} {.spec.containers[?(@.ports)].name}", "p1 p2 nginx redis", id="a filter for existence"),
    pytest.param("{.things[?(@.sub[*])].name}", "p1 p2", id="a filter for something in a list"),
    pytest.param("{.things[?(@.sub[0])].name}", "p1 p2 p3", id="in a filter an error counts as found"),
    pytest.param("{.things[?(@.n==@.n)].name}", "p1 p2", id="a filter between two fields"),
    pytest.param('{.things[?(@.name=="p)2")].n}', "", id="a bracket in quotes ends no filter"),
    pytest.param('{.things[?(@.n>5)].sub[?(@.k=="c")]}', '{"k":"c"}', id="a filter behind a filter"),
    pytest.param("{.things[0,?(@.n>5)].n}", "5 10", id="a filter in a union"),
    pytest.param("{.things[?()].n}", "5 10", id="an empty filter lets all pass"),
    pytest.param('{"\\n"}{\'\\t\'}{"a\\"b"}{\'a"b\'}', '\n\ta"ba"b', id="quoted texts"),
    pytest.param('{"\\u00e9\\x41\\101\\U0001F600\\\\n"}', "éAA😀\\n", id="escapes in a quoted text"),
    pytest.param('{"{"}{"}"}{""}', "{}", id="braces in a quoted text"),
    pytest.param('{"a" "b"}{.nosuch "x"}{"x".kind}', "bx", id="a quoted text takes the place of what was before"),
    pytest.param("{1}{-1}{+1}{007}{1.50}{5.}{-.5}{1000000.0}{true}", "1-1171.55-0.51e+06true", id="numbers stand for themselves"),
    pytest.param("{99999999999999999999}", "1e+20", id="a large number is a fraction"),
    pytest.param("{.things[*] 5}{.nosuch 5}", "5 5 5", id="a number stands once for each result"),
    pytest.param('{range .things[*]}{.name}={.n}{"\\n"}{end}.', "p1=5\np2=10\np3=\n.", id="a range"),
    pytest.param("{range .things[*]}{.name}:{range .sub[*]}{.k},{end};{end}", "p1:a,b,;p2:c,;p3:;", id="a range in a range"),
    pytest.param("{range .things[*]}{.n}{end}{range .things[*]}{.name}{end}", "510p1p2p3", id="a range after a range"),
    pytest.param("{range .nosuch}{.kind}{end}{.kind}", "Pod", id="a range over nothing"),
    pytest.param("{range .status.numbers}{@}{end}", "[1,2,3,10,20]", id="a range over one list"),
    pytest.param("{range .metadata['name','namespace']}<{@}>{end}", "<web><default>", id="a range over a union"),
    pytest.param("{range .things[*]}{$.kind}{$.n}{end}", "510", id="in a range, the root is the item"),
    pytest.param("{ range .things[*]}{.n}{ end }{range.things[*]}{.n}{end}", "510510", id="a range with more and fewer spaces"),
    pytest.param("{range .things[*]}a{range .sub[*]}{.k}{end}b", "aabbacbabb", id="an end too few: the range goes to the end of the template"),
    pytest.param("{range .things[*]}{.n}", "510", id="a range without an end"),
    pytest.param("", "", id="an empty template"),
]  # fmt: skip


@pytest.mark.parametrize(("template", "expected"), RENDERED)
def test_a_template_is_rendered_as_kubectl_does(template, expected):
    if expected is None:
        expected = f"Pod Pod {render('{@}', POD)} Pod"
        assert '"kind":"Pod"' in expected
    assert render(template, POD) == expected


READING = [
    pytest.param("{.kind", "unclosed action", id="a brace that is not closed"),
    pytest.param("{.kind\n}", "unclosed action", id="a line break in an expression"),
    pytest.param("{.kind\\}", "unclosed action", id="a brace that is escaped"),
    pytest.param("{.kind,.x}", "unrecognized character in action: U+002C ','", id="a comma"),
    pytest.param("{\t.kind}", "unrecognized character in action: U+0009", id="a tab"),
    pytest.param("{{.kind}}", "unrecognized character in action: U+007B '{'", id="two braces"),
    pytest.param("{..*}", "unrecognized character in action: U+002A '*'", id="all at any depth"),
    pytest.param("{....name}", "invalid multiple recursive descent", id="four dots"),
    pytest.param("{1.2.3}", "cannot parse number 1.2.3", id="no number"),
    pytest.param("{-}", "cannot parse number -", id="a sign alone"),
    pytest.param("{.status.numbers[0}", "unterminated array", id="a bracket that is not closed"),
    pytest.param("{.status.numbers[a]}", "invalid array index a", id="an index that is no number"),
    pytest.param("{.status.numbers[1:2:3:4]}", "invalid array index 1:2:3:4", id="a slice of four"),
    pytest.param("{.status.numbers[-]}", "array index - is not a number", id="an index that is a sign"),
    pytest.param("{.status.numbers[99999999999999999999]}", "array index 99999999999999999999 is not a number", id="a large index"),
    pytest.param("{.status.numbers[9223372036854775808]}", "array index 9223372036854775808 is not a number", id="an index one too large"),
    pytest.param("{.things[?@.n>5]}", "invalid array index ?@.n>5", id="a filter without parentheses"),
    pytest.param("{.things[?(@.n>5].n}", "unterminated filter", id="a filter that is not closed"),
    pytest.param("{.things[?(@.n>5).n}", "unclosed array expect ]", id="a filter whose bracket is not closed"),
    pytest.param('{.things[?(@.name=="p2" && @.n==10)].n}', "unrecognized character in action: U+0026 '&'", id="two conditions"),
    pytest.param("{.things[?(!@.n)].name}", "unrecognized character in action: U+0021 '!'", id="a filter for absence"),
    pytest.param("{.things[?(@.n==)].n}", "unrecognized character in action: U+003D '='", id="a filter without a right side"),
    pytest.param('{.things[?(@.name=~"p.")].n}', "unrecognized character in action: U+007E '~'", id="a filter by pattern"),
    pytest.param('{"text}', "unterminated quoted string", id="a quote that is not closed"),
    pytest.param('{"a\\\\"}', "unterminated quoted string", id="a quoted text that ends in a backslash"),
    pytest.param('{"\\q"}', 'unquote string "\\q" error invalid syntax', id="an unknown escape"),
    pytest.param('{"\\400"}', 'unquote string "\\400" error invalid syntax', id="a byte that is too large"),
    pytest.param('{"\\ud800"}', 'unquote string "\\ud800" error invalid syntax', id="half a letter"),
    pytest.param('{"\\U00110000"}', 'unquote string "\\U00110000" error invalid syntax', id="a letter that does not exist"),
    pytest.param('{"\\\'"}', 'unquote string "\\\'" error invalid syntax', id="the other quote escaped"),
    pytest.param("{foo}{.kind", "unclosed action", id="what cannot be read comes before a bare word"),
]  # fmt: skip
EXECUTING = [
    pytest.param("{metadata.name}", "unrecognized identifier metadata", id="a bare word"),
    pytest.param("{range .nosuch}{foo}{end}", "unrecognized identifier foo", id="a bare word in a range over nothing"),
    pytest.param("{['a b']}", "unrecognized identifier b", id="a bare word in brackets"),
    pytest.param("{.status.conditions[?(@.status==True)].type}", "unrecognized identifier True", id="a bare word in a filter"),
    pytest.param("{end}", "not in range, nothing to end", id="an end without a range"),
    pytest.param("{range .things[*]}{end}{end}", "not in range, nothing to end", id="an end too many"),
    pytest.param("{.status.numbers[9]}", "array index out of bounds: index 9, length 5", id="an index too large"),
    pytest.param("{.status.numbers[-9]}", "array index out of bounds: index -4, length 5", id="an index too small"),
    pytest.param("{.status.numbers[:9]}", "array index out of bounds: index 8, length 5", id="a slice too long"),
    pytest.param("{.spec.containers[1].ports[0]}", "array index out of bounds: index 0, length 0", id="an index in an empty list"),
    pytest.param("{.status.numbers[3:1]}", "starting index 3 is greater than ending index 1", id="a slice backwards"),
    pytest.param("{.status.numbers[::0]}", "step must be > 0", id="a step of nothing"),
    pytest.param("{.kind[0]}", "string is not array or slice", id="an index in a text"),
    pytest.param("{.spec[0]}", "map[string]interface {} is not array or slice", id="an index in a map"),
    pytest.param("{.status.numbers[0][0]}", "int64 is not array or slice", id="an index in a number"),
    pytest.param("{.status.unusual[?(@.x)]}", 'map[a:é b:\u2028\x01\n"\\/] is not array or slice and cannot be filtered', id="a filter on a map"),
    pytest.param("{.spec.nothing[?(@.x)]}", "<nil> is not array or slice and cannot be filtered", id="a filter on null"),
    pytest.param('{.things[?(@.n=="5")].n}', "incompatible types for comparison", id="a number compared with a text"),
    pytest.param("{.things[?(@.n>4.5)].n}", "incompatible types for comparison", id="a number compared with a fraction"),
    pytest.param("{.things[?(@.sub==5)].n}", "invalid type for comparison", id="a list compared"),
    pytest.param("{.status.switches[?(@<true)]}", "invalid type for comparison", id="less than true"),
    pytest.param('{.things[?(@.sub[*].k=="a")].n}', "can only compare one element at a time", id="several compared"),
    pytest.param("{.things[?(@.n===5)].n}", "unrecognized filter operator ===", id="an unknown operator"),
]  # fmt: skip


@pytest.mark.parametrize(("template", "why"), READING)
def test_a_template_that_cannot_be_read_is_refused_as_kubectl_does(template, why):
    assert refused(template) == f"error parsing jsonpath {template}, {why}"


@pytest.mark.parametrize(("template", "why"), EXECUTING)
def test_a_template_that_does_not_suit_the_object_is_refused_as_kubectl_does(template, why):
    message = refused(template)
    assert message.startswith("error executing jsonpath ")
    assert message.endswith(f": Error executing template: {why}")


def refused(template):
    with pytest.raises(ManifestError) as caught:
        render(template, POD)
    (problem,) = caught.value.problems
    assert problem.hint
    return problem.message


def test_a_key_in_double_quotes_is_taken_as_it_stands():
    assert render('{.metadata.labels["app.kubernetes.io/name"]}', POD) == "web"
    assert render('{.things[?(@["name"]=="p2")].n}', POD) == "10"


def test_the_fields_of_a_map_are_visited_in_the_order_of_their_names():
    assert render("{.b.*} {.b..}", {"b": {"z": "1", "a": "2"}}) == '2 1 {"a":"2","z":"1"} 2 1'


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        pytest.param(".metadata.name", ["web"], id="with a dot"),
        pytest.param("metadata.name", ["web"], id="without a dot"),
        pytest.param("{.metadata.name}", ["web"], id="in braces"),
        pytest.param("{metadata.name}", ["web"], id="in braces without a dot"),
        pytest.param(".things[*].n", [5, 10], id="several values, as they are"),
        pytest.param(".spec.nothing", [None], id="null is a value"),
        pytest.param(".spec.nosuch", [], id="a missing field"),
        pytest.param(".spec.containers[?(@.name=='redis')].ports", [[]], id="an empty list is a value"),
        pytest.param("..k", ["c", "a", "b", "c"], id="at any depth"),
        pytest.param("", [], id="no path"),
    ],
)
def test_a_path_is_found_with_or_without_braces_and_dot(path, expected):
    assert find(path, POD) == expected


EXPECTED = "unexpected path string, expected a 'name1.name2' or '.name1.name2' or '{name1.name2}' or '{.name1.name2}'"


@pytest.mark.parametrize(
    ("path", "message"),
    [
        pytest.param("{.kind", EXPECTED, id="a brace that is not closed"),
        pytest.param("{.kind}{.kind}", EXPECTED, id="two expressions"),
        pytest.param(".status[", "unterminated array", id="a bracket that is not closed"),
        pytest.param(".kind kind", "unrecognized identifier kind", id="two words"),
        pytest.param(".status.numbers[9]", "array index out of bounds: index 9, length 5", id="an index too large"),
    ],
)
def test_a_path_that_cannot_be_read_is_refused(path, message):
    with pytest.raises(ManifestError) as caught:
        find(path, POD)
    (problem,) = caught.value.problems
    assert problem.message == message
    assert problem.hint


@pytest.mark.parametrize(
    "template",
    [
        pytest.param("{range $.*}" * 20 + "x", id="ranges in ranges without ends"),
        pytest.param("{range $..}{range $..}{range $..}{range $..}{$..}", id="ranges in ranges over everything"),
        pytest.param("{range .*}" * 21, id="too many ranges"),
        pytest.param("{" + "..*" * 2000 + "}", id="many steps"),
        pytest.param("{" + "['a','b']" * 5000 + "}", id="many unions"),
        pytest.param("{..['" + "','".join("a" * 50_000) + "']..['" + "','".join("a" * 50_000) + "']}", id="wide unions"),
        pytest.param("{" + "[?(" * 50_000, id="many filters that are not closed"),
        pytest.param("{" + "".join(f"[?('={quote}" for quote in "'\"" * 500) + "}", id="filters in quotes in filters"),
        pytest.param("{[?(" + "=" * 100_000 + ")]}", id="a long operator"),
        pytest.param("{" + "9" * 100_000 + "}", id="a long number"),
        pytest.param('{"' + "\\" * 99_999 + '"}', id="many backslashes"),
        pytest.param("{." + "\\" * 99_999, id="many backslashes in a field"),
    ],
)
def test_a_hostile_template_is_rendered_or_refused_in_bounded_time(template, monkeypatch):
    monkeypatch.setattr(jsonpath, "LARGEST", 20_000)
    must_render_or_refuse(template, {"a": {"b": ["c", {"d": "e"}], "f": {"g": "h"}}, "i": ["j", "k"]})


@pytest.mark.parametrize("limit", ["LARGEST", "LONGEST"])
def test_what_finds_or_prints_too_much_is_refused(limit, monkeypatch):
    monkeypatch.setattr(jsonpath, limit, 100)
    assert render("{.kind}", POD) == "Pod"
    assert "more than" in refused("{.things[*]}{..}{..}")


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc") | st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=10,
)
PIECES = st.sampled_from(
    ["{", "}", "[", "]", "(", ")", "[?(", ")]", "@", "$", ".", "..", "*", ".a", ".b", "'a'", '"b"', "\\", ",", ":", "0", "-1", "==", "<", "!", "=",
     " ", "\n", "{range ", "{end}", "range", "end", "true", "x", "é", "'", '"']
)  # fmt: skip


def must_render_or_refuse(template, data):
    for use, kind in ((render, str), (find, list)):
        with suppress(ManifestError):
            assert isinstance(use(template, data), kind)


@settings(max_examples=300)
@given(st.text(), VALUES)
def test_any_text_is_rendered_or_refused(template, data):
    must_render_or_refuse(template, data)


@settings(max_examples=1000)
@given(st.lists(PIECES, max_size=15).map("".join), VALUES)
def test_any_row_of_pieces_is_rendered_or_refused(template, data):
    must_render_or_refuse("{" + template + "}", data)
