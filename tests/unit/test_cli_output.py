"""What stands behind `-o`: the forms, what they need, and kubectl's words where it is missing."""

import click
import pytest

from netlab.cli.output import Output, OutputType
from netlab.cli.text import as_yaml
from netlab.errors import ManifestError
from netlab.manifest.plain import plain_documents

KNOWN = "custom-columns,custom-columns-file,json,jsonpath,jsonpath-file,name,wide,yaml"
MISSING = "open /no/such/file: no such file or directory"


def read(text, forms=None):
    return (OutputType(forms) if forms else OutputType()).convert(text, None, None)


@pytest.mark.parametrize(
    ("text", "output"),
    [
        pytest.param("yaml", Output("yaml"), id="a form alone"),
        pytest.param("jsonpath={.kind}", Output("jsonpath", "{.kind}"), id="a template"),
        pytest.param("jsonpath={.a=b}", Output("jsonpath", "{.a=b}"), id="a template with an equals sign"),
        pytest.param("custom-columns=A:.kind", Output("custom-columns", "A:.kind"), id="columns"),
    ],
)
def test_a_form_and_its_text_are_read(text, output):
    assert read(text) == output


@pytest.mark.parametrize(
    ("form", "written", "read_as"),
    [
        pytest.param("jsonpath", "{.kind}\n", "{.kind}\n", id="of a template the last newline is printed"),
        pytest.param("custom-columns", "\nA\n.kind\n", "A\n.kind", id="around columns empty lines mean nothing"),
    ],
)
def test_a_file_holds_the_text(form, written, read_as, tmp_path):
    file = tmp_path / "text"
    file.write_text(written)
    assert read(f"{form}-file={file}") == Output(form, read_as)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("nosuch", f'unable to match a printer suitable for the output format "nosuch", allowed formats are: {KNOWN}', id="an unknown form"),
        pytest.param("json=x", f'unable to match a printer suitable for the output format "json=x", allowed formats are: {KNOWN}', id="a text behind a form without"),
        pytest.param("jsonpath", "template format specified but no template given (write jsonpath='{.metadata.name}')", id="no template"),
        pytest.param("jsonpath=", "template format specified but no template given (write jsonpath='{.metadata.name}')", id="an empty template"),
        pytest.param("jsonpath-file=", "template format specified but no template given (write jsonpath-file=FILE)", id="no name of a template's file"),
        pytest.param("custom-columns=", "custom-columns format specified but no custom columns given"
                     " (write custom-columns=NAME:.metadata.name,NODE:.spec.nodeName)", id="no columns"),
        pytest.param("custom-columns-file", "custom-columns format specified but no custom columns given (write custom-columns-file=FILE)", id="no name of a file with columns"),
        pytest.param("jsonpath-file=/no/such/file", f"error reading --template /no/such/file, {MISSING} (name a file that holds the template or the columns)", id="no file"),
        pytest.param("custom-columns-file=/no/such/file", f"error reading template /no/such/file, {MISSING} (name a file that holds the template or the columns)", id="no file of columns"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_in_the_words_of_kubectl(text, message):
    with pytest.raises(ManifestError) as caught:
        read(text)
    assert str(caught.value) == message


def test_a_file_that_is_no_text_is_refused(tmp_path):
    file = tmp_path / "text"
    file.write_bytes(b"\xff")
    with pytest.raises(ManifestError, match="it is not UTF-8"):
        read(f"jsonpath-file={file}")


def test_a_command_names_only_the_forms_it_has():
    with pytest.raises(ManifestError, match=r"allowed formats are: json,yaml$"):
        read("wide", ("yaml", "json"))
    assert OutputType(("yaml", "jsonpath", "jsonpath-file")).get_metavar(click.Option(["-o"])) == "yaml|jsonpath=..."


@pytest.mark.parametrize(
    "text",
    [
        "y",
        "N",
        "yes",
        "off",
        "~",
        "",
        "null",
        "08",
        "0o17",
        "1e3",
        "12E5",
        "-.5",
        "1.e3",
        "0x1f",
        "1_000",
        ".inf",
        "9" * 30,
        "1:30",
        "a",
    ],
)
def test_a_text_that_looks_like_something_else_is_read_back_as_text(text):
    """A label `y`, a variable `1e3`: what `get -o yaml` prints can be applied."""
    [document] = plain_documents(as_yaml({text: [text]}))
    assert document.plain == {text: [text]}
