"""Stand-ins answer what they are asked at import, and are the module for everything else."""

from __future__ import annotations

import subprocess
import sys

import pytest

IN_LATE = "import sys; from netlab.late import stand_in; stand_in(); import inspect, platform; "
IS_READ = "print({'ast', 'dis', 'tokenize'} <= set(sys.modules), sys.modules['inspect'] is not inspect)"


def said(program: str) -> str:
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.parametrize(
    ("program", "answer"),
    [
        pytest.param(IN_LATE + IS_READ, "False False", id="not read by its import"),
        pytest.param(
            IN_LATE + "inspect.cleandoc(' Help.'); import click, dataclasses; " + IS_READ, "False False", id="one line"
        ),
        pytest.param(IN_LATE + "inspect.cleandoc('a\\n  b'); " + IS_READ, "True True", id="read for a text of several lines"),
        pytest.param(IN_LATE + "inspect.signature(print); " + IS_READ, "True True", id="read for any other question"),
        pytest.param(IN_LATE + "from inspect import signature; " + IS_READ, "True True", id="read for a name from it"),
        pytest.param(
            IN_LATE + "hasattr(inspect, 'no'); print(inspect.isclass(int))", "True", id="whole for who has it already"
        ),
        pytest.param(
            IN_LATE + "inspect.signature; import inspect as a; print(inspect.Parameter is a.Parameter)",
            "True",
            id="one of each",
        ),
        pytest.param("import inspect; " + IN_LATE + "print('StandIn' in repr(type(inspect)))", "False", id="imported before"),
        pytest.param(IN_LATE + "print(platform.system() == __import__('os').uname().sysname)", "True", id="platform"),
        pytest.param(
            IN_LATE + "import gettext as g; print(g.gettext('a'), g.ngettext('one', 'two', 1), g.ngettext('one', 'two', 0))",
            "a one two",
            id="gettext",
        ),
        pytest.param(
            IN_LATE + "import gettext as g; print(g.dgettext('x', 'a'), len(g.ngettext.__code__.co_varnames))",
            "a 3",
            id="all of gettext",
        ),
        pytest.param(
            IN_LATE + "import locale, subprocess; print('setlocale' in vars(locale))", "False", id="locale is not read"
        ),
        pytest.param(
            IN_LATE + "import locale; print(locale.getlocale is sys.modules['locale'].getlocale)", "True", id="all of locale"
        ),
        pytest.param(IN_LATE + "print(platform.python_version() == sys.version.split()[0])", "True", id="all of platform"),
    ],
)
def test_a_stand_in_becomes_its_module_when_it_is_asked(program, answer):
    assert said(program) == answer


@pytest.mark.parametrize(
    "text", ["", "One line.", "  One line. ", "\tTab.", "Two\n    lines\n\n", "\n  A\n    B\n", "ü", "a\xa0b"]
)
def test_a_text_loses_its_indent_as_by_inspect(text):
    program = (
        f"clean = inspect.cleandoc; text = {text!r}; a = clean(text); inspect.signature; print(a == inspect.cleandoc(text))"
    )
    assert said(IN_LATE + program) == "True"


@pytest.mark.parametrize("verb", ["exec", "get"])
def test_the_commands_typed_most_do_not_read_them(verb):
    program = (
        f"from netlab.late import stand_in; stand_in(); import sys, netlab.cli.main, netlab.cli.{verb}; print(*sys.modules)"
    )
    assert not {"ast", "dis", "tokenize", "_locale", "termios"} & set(said(program).split())
