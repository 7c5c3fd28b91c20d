"""`-o`: in which form objects are printed. Everything but the table, which is `columns`' work.

json  yaml  name  wide  jsonpath=TEMPLATE  jsonpath-file=FILE  custom-columns=SPEC  custom-columns-file=FILE
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from netlab.cli.text import as_json, as_yaml, plain
from netlab.cli.words import subject, usage
from netlab.frozen import dataclass
from netlab.model.lab import KubernetesObject

NO_TEMPLATE = "template format specified but no template given"
NO_COLUMNS = "custom-columns format specified but no custom columns given"
TEMPLATE, COLUMNS = "jsonpath='{.metadata.name}'", "custom-columns=NAME:.metadata.name,NODE:.spec.nodeName"
# Form -> what is said where nothing stands behind its `=`, and an example. Behind a form without these nothing stands at all.
FORMS: Mapping[str, tuple[str, str] | None] = {
    "json": None, "yaml": None, "name": None, "wide": None,
    "jsonpath": (NO_TEMPLATE, TEMPLATE), "jsonpath-file": (NO_TEMPLATE, "jsonpath-file=FILE"),
    "custom-columns": (NO_COLUMNS, COLUMNS), "custom-columns-file": (NO_COLUMNS, "custom-columns-file=FILE"),
}  # fmt: skip
# What is said of a file that cannot be read.
UNREAD: Mapping[str, str] = {
    "jsonpath-file": "error reading --template {0}, open {0}: {1}",
    "custom-columns-file": "error reading template {0}, open {0}: {1}",
}
FILE_SUFFIX = "-file"


@dataclass(frozen=True, slots=True)
class Output:
    """One form, and the template or the columns that belong to it."""

    form: str
    text: str = ""


class OutputType(click.ParamType):  # type: ignore[type-arg]
    """Turns what stands behind `-o` into an Output; `forms` are those that the command knows."""

    name = "output"

    def __init__(self, forms: Sequence[str] = tuple(FORMS)) -> None:
        self.forms = forms

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Output:  # noqa: ARG002
        """Return the Output. Raises ManifestError for a form that is unknown or lacks its text."""
        if isinstance(value, Output):
            return value
        form, equals, text = str(value).partition("=")
        if form not in self.forms or (equals and not FORMS[form]):
            known = ",".join(sorted(self.forms))
            raise usage(f'unable to match a printer suitable for the output format "{value}", allowed formats are: {known}')
        if not text and (lacking := FORMS[form]):
            raise usage(lacking[0], f"write {lacking[1]}")
        if form.endswith(FILE_SUFFIX):
            form, text = form.removesuffix(FILE_SUFFIX), _content(form, text)
        _read(form, text)
        return Output(form, text)

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:  # noqa: ARG002
        """Return what the help says."""
        return "|".join(f"{form}=..." if FORMS[form] else form for form in self.forms if not form.endswith(FILE_SUFFIX))

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[Any]:  # noqa: ARG002
        """Return the forms that begin with what was typed."""
        from click.shell_completion import CompletionItem  # noqa: PLC0415 - only for completion

        return [CompletionItem(form + ("=" if FORMS[form] else "")) for form in self.forms if form.startswith(incomplete)]


def printed(
    items: Sequence[KubernetesObject], output: Output, *, single: bool, headers: bool = True, whole: bool = True
) -> str:
    """Return the objects in a form other than a table, with the newline at the end if the form has one.

    `single`: one object was asked for by name; then it stands alone and not in a List. `whole`: with defaults filled in.
    """
    if output.form == "name":
        return "".join(f"{subject(item.key)}\n" for item in items)
    return FORM_PRINTERS[output.form](plain(items, single=single, whole=whole), output.text, headers)


def _jsonpath(data: Any, template: str, _: bool) -> str:  # noqa: FBT001 - by place
    from netlab.cli.jsonpath import render  # noqa: PLC0415 - only this output needs it

    return render(template, data)


def _custom_columns(data: Any, spec: str, headers: bool) -> str:  # noqa: FBT001 - by place
    from netlab.cli.cells import aligned  # noqa: PLC0415
    from netlab.cli.custom_columns import columns_rows, parse_columns  # noqa: PLC0415

    columns = parse_columns(spec)
    rows = columns_rows(columns, data["items"] if data["kind"] == "List" else [data])
    text = aligned([[title for title, _ in columns], *rows] if headers else rows)
    return f"{text}\n" if text else ""


FORM_PRINTERS: Mapping[str, Callable[[Any, str, bool], str]] = {
    "json": lambda data, *_: as_json(data),
    "yaml": lambda data, *_: as_yaml(data),
    "name": lambda *_: "",  # see `printed`
    "jsonpath": _jsonpath,
    "custom-columns": _custom_columns,
}


def _read(form: str, text: str) -> None:
    """Raise ManifestError for a template or columns that cannot be read: later, the objects would be changed already."""
    if form == "jsonpath":
        from netlab.cli.jsonpath import check  # noqa: PLC0415 - only this output needs it

        check(text)
    elif form == "custom-columns":
        from netlab.cli.custom_columns import parse_columns  # noqa: PLC0415

        parse_columns(text)


def _content(form: str, file: str) -> str:
    """The text in a file; around columns the empty lines are left out, while in a template every letter is printed."""
    try:
        text = Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = str(error.strerror).lower() if isinstance(error, OSError) else "it is not UTF-8"
        raise usage(UNREAD[form].format(file, why), "name a file that holds the template or the columns") from error
    return text if form == "jsonpath-file" else text.strip()
