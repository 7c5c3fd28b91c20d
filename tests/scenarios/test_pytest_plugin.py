"""The pytest plugin, as a project that uses it meets it: pytest run in a folder of its own, on real labs."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys

import pytest

from netlab import Lab
from netlab.store.paths import labs

MANIFEST = """
apiVersion: v1
kind: Pod
metadata: {name: web}
spec: {terminationGracePeriodSeconds: 0, containers: [{name: main, image: host, command: [sleep, infinity]}]}
"""
BROKEN = MANIFEST.replace("[sleep, infinity]", "[no-such-program]")


@pytest.fixture
def pytest_run(tmp_path):
    """`pytest_run(test, ...)` runs a file of tests and returns exit code and output; no lab that is new may be left."""
    before = set(labs())
    (tmp_path / "web.yaml").write_text(MANIFEST)
    (tmp_path / "broken.yaml").write_text(BROKEN)

    def start(text: str, *words: str, conftest: str = "") -> subprocess.Popen[str]:
        (tmp_path / "test_it.py").write_text(f"import os, pytest\n{text}")
        (tmp_path / "conftest.py").write_text(conftest)
        line = [sys.executable, "-P", "-m", "pytest", "--rootdir=.", "--strict-markers", "-p", "netlab.pytest_plugin", *words]
        env = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": os.getcwd(), "PYTHONDONTWRITEBYTECODE": "1"}
        return subprocess.Popen(
            [*line, "-p", "no:cacheprovider", "test_it.py"], cwd=tmp_path, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )  # fmt: skip

    def run(text: str, *words: str, conftest: str = "") -> tuple[int, str]:
        process = start(text, *words, conftest=conftest)
        out = process.communicate(timeout=600)[0]
        return process.returncode, out

    run.start = start
    yield run
    assert set(labs()) == before


def test_each_test_has_a_lab_of_its_own(pytest_run):
    code, out = pytest_run("""
names = set()

def test_default(netlab):
    names.add(netlab.name)
    assert [node.metadata.name for node in netlab.get("nodes")] == ["node-1"]
    assert netlab.get("pods") == []

@pytest.mark.netlab(nodes=["left", "right"], manifests=["web.yaml"])
def test_wished(netlab):
    names.add(netlab.name)
    assert netlab.pod("web").is_ready
    assert netlab.pod("web").exec("hostname").stdout == "web\\n"
    assert len(netlab.get("nodes")) == len(names) == 2
""")
    assert code == 0, out
    assert "2 passed" in out


def test_lab_of_a_module(pytest_run):
    code, out = pytest_run("""
@pytest.fixture(scope="module")
def shop(netlab_factory):
    with netlab_factory(nodes=2) as lab:
        lab.apply("web.yaml", wait_s=60)
        yield lab

@pytest.mark.parametrize("time", [1, 2])
def test_shop(shop, time):
    assert shop.pod("web").is_ready
    shop.node("node-2").exec("ping", "-c", "1", "-w", "30", shop.pod("web").ip)
    assert "Scheduled" in {event.reason for event in shop.events()}
""")
    assert code == 0, out


@pytest.mark.parametrize("fixture", ["netlab", "shop"])
def test_failure_shows_the_lab(pytest_run, fixture):
    code, out = pytest_run(f"""
@pytest.fixture
def shop(netlab_factory):
    with netlab_factory() as lab:
        yield lab

def test_it({fixture}):
    {fixture}.apply("web.yaml")
    assert not "this"
""")
    assert code == 1
    assert "- netlab -" in out
    assert re.search(r"^lab t-[0-9a-f]+: node-1$", out, re.MULTILINE), out
    assert re.search(r"^default +web +1/1 +Running .* node-1 +<none> +<none>$", out, re.MULTILINE), out
    assert re.search(r"Normal +Scheduled +Pod/web", out), out
    assert "netlab down" not in out


def test_failed_setup_shows_the_lab_too(pytest_run):
    code, out = pytest_run("""
@pytest.mark.netlab(manifests=["broken.yaml"], ready_s=0.5)
def test_it(netlab):
    pass
""")
    assert code == 1
    assert "not in 0.5 s; last seen: pod/web is " in out
    assert re.search(r"^default +web +0/1 ", out, re.MULTILINE), out


def test_passed_test_says_nothing_of_its_lab(pytest_run):
    assert "lab t-" not in pytest_run("def test_it(netlab): pass", "-rA", "--netlab-keep")[1]


def test_failed_test_keeps_its_lab_if_that_is_wished(pytest_run):
    code, out = pytest_run("def test_it(netlab): assert 0\ndef test_other(netlab): pass\n", "--netlab-keep")
    assert code == 1
    (name,) = re.findall(r"^lab (t-\S+) is left up \(--netlab-keep\)", out, re.MULTILINE)
    assert f"netlab exec --lab {name} node-1 -- nft list table inet netlab" in out
    lab = Lab(name=name, attach=True).up()
    assert lab.node("node-1").exec("nft", "list", "table", "inet", "netlab").stdout
    lab.down()


def test_interrupted_test_leaves_nothing(pytest_run):
    process = pytest_run.start("""
def test_it(netlab):
    print("lab", netlab.name, flush=True)
    netlab.node("node-1").exec("sleep", "infinity")
""", "-s")  # fmt: skip
    said = ""
    for line in process.stdout:
        said += line
        if found := re.search(r"lab (t-\S+)", line):
            assert found[1] in labs()
            process.send_signal(signal.SIGINT)
    assert process.wait(60) == 2, said
    assert "KeyboardInterrupt" in said
    process.stdout.close()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param(
            "@pytest.mark.netlab(size=3)\ndef test_it(netlab): pass", "netlab(nodes=1, manifests=()", id="unknown word"
        ),
        pytest.param("@pytest.mark.netlab(nodes=0)\ndef test_it(netlab): pass", "1 to 64 Nodes", id="no Nodes"),
        pytest.param("@pytest.mark.netlab(manifests=['no.yaml'])\ndef test_it(netlab): pass", "no.yaml: No such", id="no file"),
    ],
)
def test_wrong_marker_fails_the_test(pytest_run, text, said):
    code, out = pytest_run(text)
    assert code == 1
    assert said in out
    assert "1 error" in out


def test_who_is_not_root_is_told_so_and_nothing_is_skipped(pytest_run):
    conftest = """
import os, pytest
import netlab.lab.lab

@pytest.fixture(autouse=True)
def nobody():
    os.seteuid(65534)
    yield
    os.seteuid(0)
"""
    code, out = pytest_run("def test_it(netlab): pass", conftest=conftest)
    assert code == 1
    assert "it must be root: repeat with sudo" in out
    assert "Traceback" not in out
    assert "pytest_plugin.py" not in out


def test_runs_side_by_side(pytest_run):
    text = "@pytest.mark.parametrize('n', range(2))\ndef test_it(netlab, n): netlab.apply('web.yaml', wait_s=60)\n"
    started = [pytest_run.start(text) for _ in range(2)]
    for process in started:
        out = process.communicate(timeout=600)[0]
        assert process.returncode == 0, out


def test_marker_and_option_are_documented(pytest_run):
    assert "@pytest.mark.netlab(nodes=1, manifests=(), ready_s=30): the lab" in pytest_run("", "--markers")[1]
    assert "--netlab-keep" in pytest_run("", "--help")[1]
