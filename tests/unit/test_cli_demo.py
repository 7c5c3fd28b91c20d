"""Stories are data: what is typed, and what must come of it."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from netlab.cli import stories, telling_stories
from netlab.cli.stories import DEMOS, Step
from netlab.cli.telling_stories import Stage, check, filled, heard, is_meant, tell
from netlab.errors import NetlabError, NotFound
from netlab.manifest.load import load
from netlab.model.kube_proxy import KubeProxy
from netlab.model.lab import Lab
from netlab.packets.claims import Claim
from netlab.packets.pcapng import Interface, enhanced_packet, head

README = DEMOS.parents[1] / "README.md"
TYPED = [pytest.param(step.run, id=f"{name}: {step.run}") for name in stories.names() for step in stories.read(name).steps]
CLAIMED = [name for name in stories.names() if any(step.expect for step in stories.read(name).steps)]


@pytest.fixture
def stage(tmp_path):
    return Stage(name="guestbook", lab="lab", files=tmp_path)


@pytest.mark.parametrize("name", stories.names())
def test_a_story_has_a_title_and_goes_on_in_the_users_hands(name):
    story = stories.read(name)
    assert story.title
    assert all(line.split()[0] == "netlab" and why for line, why in story.next)


def test_the_readme_lists_all_of_them():
    rows = re.findall(r"^\| `([-a-z]+)` \| ", README.read_text().partition("## Demos")[2].partition("\n## ")[0], re.MULTILINE)
    assert sorted(rows) == stories.names()


@pytest.mark.parametrize("run", TYPED)
def test_a_story_types_netlab_and_nothing_else(run):
    assert run.split()[0] == "netlab"
    assert not any(character in run.split("-- ")[0].replace("$(", "") for character in "|;>`")


@pytest.mark.parametrize("name", CLAIMED)
def test_a_story_about_packets_says_what_is_seen_and_what_is_not(name):
    claims = [claim for step in stories.read(name).steps for claim in step.expect]
    assert all(claim.say for claim in claims)
    assert all((claim.at, claim.packet, claim.hop) != ("*", "*", "*") for claim in claims)
    assert any(claim.times != 0 for claim in claims)


@pytest.mark.parametrize("name", CLAIMED)
def test_claims_are_made_where_packets_are_captured(name):
    for step in stories.read(name).steps:
        assert not step.expect or step.capture or step.run.split()[1] in telling_stories.INTO_FILE


def test_stories_can_be_told_one_after_the_other_in_one_lab():
    owners = {}
    for name in stories.names():
        for item in () if stories.read(name).lab else load([str(DEMOS / name)]):
            assert owners.setdefault(item.key, (name, item)) == (name, item)


@pytest.mark.parametrize("name", [name for name in stories.names() if stories.read(name).lab])
def test_a_story_with_a_lab_of_its_own_makes_it_of_a_file(name):
    wishes = [step.run.rpartition("{here}/")[2] for step in stories.read(name).steps if step.run.startswith("netlab up")]
    for file in wishes:
        [lab] = load([str(DEMOS / name / file)])
        assert isinstance(lab, Lab)
        assert lab.metadata.name == stories.read(name).lab


@pytest.mark.parametrize("name", ["nosuch", "../guestbook", "guestbook/guestbook", "", "."])
def test_what_is_no_demo(name):
    with pytest.raises(NotFound, match="lists them"):
        stories.read(name)


@pytest.mark.parametrize(
    ("folder", "path"),
    [
        pytest.param(DEMOS.parent, "demos/guestbook", id="below us: relative"),
        pytest.param(DEMOS / "guestbook", ".", id="here"),
        pytest.param(DEMOS.parent / "cli", str(DEMOS / "guestbook"), id="elsewhere: absolute"),
    ],
)
def test_the_manifests_are_named_so_that_the_line_works_here(folder, path, monkeypatch, stage):
    monkeypatch.chdir(folder)
    assert filled("netlab apply -f {here}", stage) == ["netlab", "apply", "-f", path]


@pytest.mark.parametrize(
    ("step", "message"),
    [
        pytest.param(
            Step(run="netlab version", until="no such text"), "no 'no such text' in its output", id="the output lacks the text"
        ),
        pytest.param(
            Step(run="netlab version", without="Netlab"), "still 'Netlab' in its output", id="the output holds the text"
        ),
        pytest.param(Step(run="netlab get --nosuch"), "exit code 1; error: unknown flag", id="the command fails"),
        pytest.param(Step(run="netlab version", exit=1), "exit code 0", id="the command should have failed"),
        pytest.param(Step(run="netlab version", capture="web"), "capture web: exit code 1", id="the capture fails"),
    ],
)
def test_a_step_that_does_not_do_what_it_should(step, message, monkeypatch, capsys, stage):
    monkeypatch.setattr(telling_stories, "PATIENCE_S", 0.0)
    with pytest.raises(NetlabError, match=message):
        tell(stage, 1, step)
    assert f"$ {step.run}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("mode", "told"),
    [
        pytest.param("nftables", ["always", "nft"], id="nftables"),
        pytest.param("iptables", ["always", "ipt"], id="iptables"),
    ],
)
def test_a_step_that_is_true_of_one_kind_of_rules_is_told_of_those(build, mode, told, stage, monkeypatch):
    monkeypatch.setattr(telling_stories, "read_lab", lambda _: build.cluster(of=build.lab(kube_proxy=KubeProxy(mode=mode))))
    steps = [Step(run="always"), Step(run="nft", mode="nftables"), Step(run="ipt", mode="iptables")]
    assert [step.run for step in steps if is_meant(stage, step)] == told


@pytest.mark.parametrize("name", stories.names())
def test_what_is_told_of_one_kind_of_rules_has_its_like_for_the_other(name):
    modes = [step.mode for step in stories.read(name).steps if step.mode]
    assert modes.count("nftables") == modes.count("iptables") == len(modes) / 2


def test_what_a_failing_command_says_belongs_to_its_step(capsys, stage):
    tell(stage, 1, Step(run="netlab get --nosuch", exit=1, until="unknown flag"))
    assert "--nosuch" in capsys.readouterr().out
    assert "--nosuch" in "\n".join(stage.text)


def test_where_a_story_keeps_its_files_is_no_part_of_it(stage):
    done = subprocess.CompletedProcess([], 1, "refused\n", f"{stage.files}/01-trace.pcapng written\nwarning: so it is\n")
    assert heard(stage, done, Step(run="netlab trace a b", exit=1)) == "refused\nwarning: so it is\n"
    assert heard(stage, done, Step(run="netlab trace a b")) == "refused\n"


def test_what_an_earlier_telling_has_left_is_no_evidence(tmp_path, stage):
    (tmp_path / "01-version.pcapng").write_bytes(CAPTURE)
    step = Step(run="netlab version", expect=(Claim(say="One is seen.", at="web/eth0"),))
    with pytest.raises(NetlabError, match="nobody looked at web/eth0"):
        tell(stage, 1, step)


def test_a_capture_that_cannot_be_read(tmp_path, stage):
    (tmp_path / "1.pcapng").write_bytes(CAPTURE[:-1])
    with pytest.raises(NetlabError, match=r"1.pcapng: a block"):
        check(stage, Step(run="netlab version", expect=(Claim(say="One."),)), [tmp_path / "1.pcapng"])


CAPTURE = head([Interface(name="web/eth0")], application="netlab") + enhanced_packet(1, 0, True, 60, bytes(12) + b"\x12\x34")


@pytest.mark.parametrize(
    ("claim", "shown"),
    [
        pytest.param(
            Claim(say="One is seen.", at="web/eth0"), ["One is seen.", "web/eth0 → ethertype 0x1234"], id="with its packet"
        ),
        pytest.param(Claim(say="Two are not.", at="web/eth0", times=1), ["Two are not."], id="a number"),
        pytest.param(Claim(say="No tcp.", packet="tcp*", times=0), ["No tcp."], id="none"),
    ],
)
def test_a_claim_that_holds_is_ticked(claim, shown, tmp_path, capsys, stage):
    (tmp_path / "1.pcapng").write_bytes(CAPTURE)
    check(stage, Step(run="netlab version", expect=(claim,)), [tmp_path / "1.pcapng"])
    out = capsys.readouterr().out
    assert "✓" in out
    assert all(text in out for text in shown)


@pytest.mark.parametrize(
    "files", [pytest.param([], id="nothing was captured"), pytest.param(["1.pcapng"], id="something else was captured")]
)
def test_a_claim_that_does_not_hold_ends_the_story(files, tmp_path, capsys, stage):
    (tmp_path / "1.pcapng").write_bytes(CAPTURE)
    claim = Claim(say="The Pod is asked.", packet="tcp * SYN, *")
    with pytest.raises(NetlabError, match="The Pod is asked"):
        check(stage, Step(run="netlab version", expect=(claim,)), [Path(tmp_path / name) for name in files])
    assert "✗" in capsys.readouterr().out
