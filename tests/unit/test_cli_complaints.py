"""What a wrong command line is answered: kubectl's words, and its exit code."""

from __future__ import annotations

import pytest

from netlab.cli import main
from netlab.cli.complaints import distance
from netlab.cli.help import DOCS, topics
from netlab.errors import ManifestError, Problem


@pytest.mark.parametrize(
    ("line", "message"),
    [
        pytest.param("get pods --nosuch", "unknown flag: --nosuch\nSee 'netlab get --help' for usage.", id="flag"),
        pytest.param("get -Z", "unknown shorthand flag: 'Z' in -Z\nSee 'netlab get --help' for usage.", id="short flag"),
        pytest.param("--nosuch get", "unknown flag: --nosuch\nSee 'netlab --help' for usage.", id="flag before the verb"),
        pytest.param("get pods -n", "flag needs an argument: 'n' in -n\nSee 'netlab get --help' for usage.", id="short flag alone"),
        pytest.param(
            "set image --namespace", "flag needs an argument: --namespace\nSee 'netlab set image --help' for usage.", id="flag alone"
        ),
        pytest.param(
            "scale x --replicas=abc", 'invalid argument "abc" for "--replicas" flag: not a valid integer\n'
            "See 'netlab scale --help' for usage.", id="no number",
        ),
        pytest.param(
            "run x --port=70000", 'invalid argument "70000" for "--port" flag: not in the range 1<=x<=65535\n'
            "See 'netlab run --help' for usage.", id="out of range",
        ),
        pytest.param(
            "get --watch=maybe", 'invalid argument for "--watch" flag: it is true or false\nSee \'netlab get --help\' for usage.',
            id="a switch with a value",
        ),
        pytest.param("scale deployment web", 'required flag(s) "replicas" not set', id="missing flag"),
        pytest.param("run", "NAME is required for run\nSee 'netlab run -h' for help and examples", id="missing word"),
        pytest.param("apply web", "Unexpected args: [web]\nSee 'netlab apply -h' for help and examples", id="one word too many"),
        pytest.param("frobnicate", 'unknown command "frobnicate" for "netlab"', id="unknown verb"),
        pytest.param("set nosuch", "unknown command \"nosuch\"\nSee 'netlab set -h' for help and examples", id="unknown second verb"),
        pytest.param(
            "run x --rm", "--rm should only be used for attached containers\nSee 'netlab run -h' for help and examples", id="--rm"
        ),
        pytest.param(
            "run x --restart=Maybe", "invalid restart policy: Maybe\nSee 'netlab run -h' for help and examples", id="--restart"
        ),
        pytest.param(
            "apply -f x --dry-run=maybe", 'Invalid dry-run value (maybe). Must be "none", "server", or "client".', id="--dry-run"
        ),
        pytest.param("apply -f /no/such", 'the path "/no/such" does not exist', id="no such file"),
        pytest.param("label pod x a=b a-", "can not both modify and remove a label in the same command", id="both"),
        pytest.param("set image deploy/x", "at least one image update is required (CONTAINER=IMAGE)", id="no image"),
        pytest.param("delete pod x -o json", "unexpected -o output mode: json. We only support '-o name'", id="-o of delete"),
        pytest.param("wait pod/x", 'unrecognized condition: ""', id="wait for nothing"),
    ],
)  # fmt: skip
def test_a_wrong_command_line_is_answered_as_by_kubectl(said, line, message):
    code, out, printed = said(*line.split())
    assert not out
    assert code == 1
    assert printed.startswith(f"error: {message}")


@pytest.mark.parametrize("line", ["get -f x.yaml pods", "delete -f x.yaml svc web", "wait -f x.yaml pod web --for=delete"])
def test_objects_are_named_by_words_or_by_manifests(said, line):
    told = "error: when paths, URLs, or stdin is provided as input, you may not specify resource arguments as well"
    code, out, err = said(*line.split())
    assert (code, out) == (1, "")
    assert err.startswith(told)


@pytest.mark.parametrize("line", ["diff", "diff --nosuch", "diff -f", "diff -f /no/such"])
def test_exit_code_1_of_diff_is_kept_for_differences(said, line):
    assert said(*line.split())[0] == 2


@pytest.mark.parametrize(
    ("word", "verbs"),
    [
        pytest.param("appyl", {"apply"}, id="two letters changed"),
        pytest.param("Descr", {"describe"}, id="the beginning"),
        pytest.param("gett", {"get", "set"}, id="several"),
    ],
)
def test_verbs_that_are_spelled_alike_are_suggested(said, word, verbs):
    code, out, printed = said(word)
    assert not out
    first, empty, title, *found = printed.splitlines()
    assert (code, first, empty, title) == (1, f'error: unknown command "{word}" for "netlab"', "", "Did you mean this?")
    assert {verb.strip() for verb in found} == verbs


@pytest.mark.parametrize(
    ("one", "other", "letters"),
    [("", "abc", 3), ("get", "get", 0), ("gte", "get", 2), ("kitten", "sitting", 3), ("abc", "", 3)],
)
def test_distance(one, other, letters):
    assert distance(one, other) == letters


def problem(file, line=0):
    return Problem(file=file, line=line, object="", path="", message="wrong")


@pytest.mark.parametrize(
    ("problems", "code"),
    [
        pytest.param([problem("")], 1, id="a word"),
        pytest.param([problem("a.yaml", 3)], 2, id="a line of a file"),
        pytest.param([problem("a.yaml")], 2, id="a file"),
        pytest.param([problem(""), problem("stdin", 1)], 2, id="both"),
    ],
)
def test_a_wrong_manifest_is_another_exit_code_than_a_wrong_word(problems, code):
    assert ManifestError(tuple(problems)).exit_code == code


def test_no_verb_at_all_prints_the_help(capsys):
    assert main.run([]) == 0
    assert "Usage: netlab" in capsys.readouterr().out


@pytest.mark.parametrize("verb", [*main.ALL_VERBS, "set image"])
def test_help_and_the_flag_print_the_same(said, verb):
    assert said("help", *verb.split()) == said(*verb.split(), "--help")


def test_help_of_a_verb_that_is_not_there(said):
    assert said("help", "servics") == (
        1,
        "",
        'error: unknown command "servics" for "netlab"\n\nDid you mean this?\n\tservices\n',
    )
    assert said("help", "gte") == (1, "", 'error: unknown command "gte" for "netlab"\n\nDid you mean this?\n\tget\n')


def test_each_text_is_a_topic_and_none_is_hidden_by_a_verb(said):
    assert "services" in topics()
    for name in topics():
        assert said("help", name) == (0, (DOCS / f"{name}.md").read_text(), "")
        assert name not in main.ALL_VERBS
