"""Stories are data: what is typed, and what must come of it."""

from __future__ import annotations

import pytest

from netlab.cli import demo
from netlab.errors import NetlabError, NotFound


@pytest.mark.parametrize("name", demo.names())
def test_a_story_types_netlab_and_nothing_else(name):
    story = demo.read(name)
    assert story.title
    assert all(step.run.split()[0] == "netlab" for step in story.steps)
    assert all(line.split()[0] == "netlab" and why for line, why in story.next)
    assert not any(character in step.run.split("--")[0] for step in story.steps for character in "|;>$`")


@pytest.mark.parametrize("name", ["nosuch", "../guestbook", "guestbook/guestbook", "", "."])
def test_what_is_no_demo(name):
    with pytest.raises(NotFound, match="lists them"):
        demo.read(name)


@pytest.mark.parametrize(
    ("folder", "path"),
    [
        pytest.param(demo.DEMOS.parent, "demos/guestbook", id="below us: relative"),
        pytest.param(demo.DEMOS / "guestbook", ".", id="here"),
        pytest.param(demo.DEMOS.parent / "cli", str(demo.DEMOS / "guestbook"), id="elsewhere: absolute"),
    ],
)
def test_the_manifests_are_named_so_that_the_line_works_here(folder, path, monkeypatch):
    monkeypatch.chdir(folder)
    assert demo.filled("netlab apply -f {here}", "guestbook", "lab") == ["netlab", "apply", "-f", path]


@pytest.mark.parametrize(
    ("run", "until", "message"),
    [
        pytest.param("netlab version", "no such text", "no 'no such text' in its output", id="the output lacks the text"),
        pytest.param("netlab get --nosuch", "", "exit code", id="the command fails"),
    ],
)
def test_a_step_that_does_not_do_what_it_should(run, until, message, monkeypatch, capsys):
    monkeypatch.setattr(demo, "PATIENCE_S", 0.0)
    with pytest.raises(NetlabError, match=message):
        demo.tell(demo.Step(run=run, until=until), "guestbook", "lab", pause=False)
    assert f"$ {run}" in capsys.readouterr().out
