"""`netlab graph` on a real lab: what Linux has, and what somebody took out of it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import xml.etree.ElementTree as ET

import pytest

WEB = """
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec: {containers: [{name: main, image: host, command: [sleep, inf]}]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
"""


@pytest.fixture(scope="module")
def web(module_program):
    module_program("up", "--nodes", "2")
    module_program.apply(WEB)
    module_program("wait", "--for=condition=Ready", "pod/web")
    return module_program


def test_all_formats_of_a_lab_that_is_as_wished(web, tmp_path):
    text = web("graph")
    assert f"eth0  {web.pod_ip('web')}/24  web" in text
    assert web.cluster_ip("web") in text
    assert "missing" not in text
    assert "nobody's" not in text
    for name in ("lab.svg", "lab.html", "lab.dot", "lab.mmd"):
        web("graph", "-o", str(tmp_path / name))
    assert ET.parse(tmp_path / "lab.svg").getroot().get("role") == "img"  # noqa: S314 - what we have just written
    assert (tmp_path / "lab.html").read_text().startswith("<!doctype html>")
    assert (tmp_path / "lab.dot").read_text().startswith(f'graph "{web.lab}" {{')
    assert (tmp_path / "lab.mmd").read_text() == web("graph", "--format", "mermaid")


def test_what_somebody_took_out_is_missing_in_the_picture(web):
    agent = json.loads(web("status", "-o", "json"))["agent"]
    os.kill(agent, signal.SIGSTOP)  # or it repairs that before anybody looks
    try:
        inside = ["ip", "-n", f"{web.lab}.node-1"]
        subprocess.run([*inside, "route", "del", "10.244.2.0/24"], check=True)
        subprocess.run([*inside, "addr", "add", "10.244.1.77/24", "dev", "cni0"], check=True)
        text = web("graph")
        assert "missing: 10.244.2.0/24 via 172.18.0.3 dev eth0" in text
        assert "nobody's: 10.244.1.77/24" in text
        assert 'class="dim missing"' in web("graph", "--format", "svg")
    finally:
        os.kill(agent, signal.SIGCONT)
    web("up")
    assert "missing" not in web("graph")


def test_a_file_of_another_kind_is_not_written(web, tmp_path):
    done = web.run("graph", "-o", str(tmp_path / "lab.pdf"))
    assert done.err.startswith(f"error: {tmp_path}/lab.pdf: no picture is drawn as .pdf (")
    web("graph", "-o", str(tmp_path / "lab.txt"))
    assert (tmp_path / "lab.txt").read_text() == web("graph")
    assert [path.name for path in tmp_path.iterdir()] == ["lab.txt"]


def test_a_file_that_cannot_be_written_is_named(web, tmp_path):
    done = web.run("graph", "-o", str(tmp_path / "no" / "lab.svg"))
    assert (done.code, done.err) == (1, f"error: {tmp_path}/no/lab.svg: No such file or directory\n")
