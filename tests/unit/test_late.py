"""Stand-ins answer what they are asked at import, and are the module for everything else."""

from __future__ import annotations

import subprocess
import sys

import pytest

IN_LATE = "import sys; from netlab.late import stand_in; stand_in(); import inspect, platform; "
IS_READ = "print({'ast', 'dis', 'tokenize'} <= set(sys.modules), sys.modules['inspect'] is not inspect)"

RACING = f"""
{IN_LATE}
import threading, subprocess
sys.setswitchinterval(1e-6)
found, start = [], threading.Barrier(8)
def ask():
    start.wait()
    found.append(type(stand.PollSelector()))
stand = sys.modules['selectors']
threads = [threading.Thread(target=ask) for _ in range(8)]
[one.start() for one in threads]; [one.join() for one in threads]
print(len(found), len(set(found)))
"""


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
        pytest.param(
            IN_LATE + "from pathlib import Path; print(Path('/a b').as_uri(), 'ipaddress' in sys.modules)",
            "file:///a%20b True",
            id="urllib.parse, by who has its answer",
        ),
        pytest.param(
            IN_LATE + "import urllib.parse; print(urllib.parse.urlsplit('http://a/b').netloc)", "a", id="all of urllib.parse"
        ),
        pytest.param(
            IN_LATE + "import mimetypes as m, urllib.parse as p; p.quote; print(m.urllib.parse is sys.modules['urllib.parse'])",
            "True",
            id="one of each in a package",
        ),
        pytest.param(
            IN_LATE + "from pathlib import PureWindowsPath as P; print(P('c:/a') / 'b')", "c:\\a\\b", id="all of ntpath"
        ),
        pytest.param(
            IN_LATE + "import subprocess as s; print(s.run(['cat'], input=b'a', capture_output=True).stdout.decode())",
            "a",
            id="selectors, for several pipes",
        ),
        pytest.param(
            IN_LATE + "import subprocess, selectors as s; print(isinstance(s.DefaultSelector(), s.BaseSelector))",
            "True",
            id="all of selectors",
        ),
        pytest.param(
            IN_LATE + "import selectors as s; del sys.modules['selectors']; print(type(s.PollSelector()).__module__)",
            "selectors",
            id="while another thread makes the module of it",
        ),
        pytest.param(RACING, "8 1", id="asked by many threads at once"),
        pytest.param(
            IN_LATE + "from dataclasses import make_dataclass as m, asdict; print(asdict(m('A', ['b'])([1])))",
            "{'b': [1]}",
            id="copy, by dataclasses",
        ),
        pytest.param(
            IN_LATE + "from datetime import UTC, datetime as d; print(d.now(UTC).year > 2000, 'strftime' in dir(d))",
            "True True",
            id="datetime",
        ),
        pytest.param(
            IN_LATE + "import pickle as p, datetime as d; day = d.date(2000, 1, 2); print(p.loads(p.dumps(day)) == day)",
            "True",
            id="datetime, in a pickle",
        ),
        pytest.param(
            IN_LATE + "import datetime as d; a = d.date; d.sys; print(a is d.date is sys.modules['datetime'].date)",
            "True",
            id="all of datetime",
        ),
        pytest.param(
            IN_LATE + "import hashlib as h; a = h.sha256(b'a').digest(), '_hashlib' in sys.modules; b = h.sha256(); "
            "b.update(b'a'); h.md5; print(a == (b.digest(), False) == (h.sha256(b'a').digest(), False))",
            "True",
            id="hashlib",
        ),
        pytest.param(
            IN_LATE
            + "import threading as t; a = t.local(), t.Lock(), 'excepthook' in vars(t); s = t.Thread(target=a[1].acquire); "
            "s.start(); s.join(); print(type(a[0]) is t.local, type(a[1]) is type(t.Lock()), a[1].locked(), a[2])",
            "True True True False",
            id="threading",
        ),
        pytest.param(
            IN_LATE
            + "import shutil as s, os; [os.environ.pop(name, 0) for name in ('COLUMNS', 'LINES')]; a = s.get_terminal_size(), s.get_terminal_size((9, 8)); s.which; "
            "print(a == (s.get_terminal_size(), s.get_terminal_size((9, 8))), a[1])",
            "True os.terminal_size(columns=9, lines=8)",
            id="shutil, where there is no terminal",
        ),
        pytest.param(
            IN_LATE + "import shutil as s, os; os.environ['COLUMNS'] = '33'; print(s.get_terminal_size().columns)",
            "33",
            id="shutil, where a variable says it",
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


@pytest.mark.parametrize(("verb", "read"), [("exec", []), ("get", ["dataclasses"])])
def test_the_commands_typed_most_read_none_of_them_or_nearly_so(verb, read):
    program = f"""
import sys
from netlab.late import ONE_QUESTION, stand_in
stand_in()
import netlab.cli.main, netlab.cli.{verb}
print([name for name in ONE_QUESTION if "StandIn" not in str(type(sys.modules[name]))], "termios" in sys.modules)
"""
    assert said(program) == f"{read} False"
