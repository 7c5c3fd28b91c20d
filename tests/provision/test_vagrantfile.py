"""The Vagrantfile says what it should, by provider and environment: Ruby reads it against a small recorder, no VM is made.

What only Vagrant knows, whether such a setting exists, `vagrant validate` says where Vagrant is installed.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
VAGRANTFILE = ROOT / "Vagrantfile"
RECORDER = Path(__file__).parent / "recorder.rb"

pytestmark = pytest.mark.skipif(shutil.which("ruby") is None, reason="ruby is not installed; scripts/install dev brings it")

PROVIDERS = ["virtualbox", "libvirt", "parallels", "vmware_desktop"]
SMALL = {"cpus": 2, "memory": 1024}
FIRST, SECOND = "cloud-image/debian-13", "bento/debian-13"


def ruby(*words, **environment):
    """Ruby with these words and no other variables: the machine's own proxies are not part of the test."""
    return subprocess.run(
        ["ruby", *words],
        env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def read(provider="libvirt", **environment):
    """What the Vagrantfile says for a provider."""
    done = ruby(str(RECORDER), str(VAGRANTFILE), provider, **environment)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_vagrantfile_and_the_recorder_are_ruby_without_a_warning():
    for path in (VAGRANTFILE, RECORDER):
        done = ruby("-wc", str(path))
        assert (done.stdout, done.stderr) == ("Syntax OK\n", "")


@pytest.mark.parametrize(
    ("provider", "environment", "box", "size"),
    [
        pytest.param("virtualbox", {}, FIRST, SMALL, id="virtualbox takes the first box and little of the machine"),
        pytest.param("libvirt", {}, FIRST, SMALL, id="libvirt is told its size and no driver"),
        pytest.param("parallels", {}, SECOND, SMALL, id="the first box is not made for parallels"),
        pytest.param("vmware_desktop", {}, SECOND, SMALL, id="the first box is not made for vmware"),
        pytest.param("virtualbox", {"NETLAB_BOX": "my/box"}, "my/box", SMALL, id="another box"),
        pytest.param("parallels", {"NETLAB_BOX": "my/box"}, "my/box", SMALL, id="another box wins over the provider's own"),
        pytest.param("parallels", {"NETLAB_BOX": ""}, SECOND, SMALL, id="a box without a name is none"),
        pytest.param("libvirt", {"NETLAB_CPUS": "4"}, FIRST, {"cpus": 4, "memory": 1024}, id="more CPUs"),
        pytest.param("vmware_desktop", {"NETLAB_MEMORY": "2048"}, SECOND, {"cpus": 2, "memory": 2048}, id="more memory"),
        pytest.param("hyperv", {}, FIRST, {}, id="a provider that is not named gets the first box in the size of the box"),
    ],
)
def test_box_and_size_follow_provider_and_environment(provider, environment, box, size):
    said = read(provider, **environment)
    assert said["config"]["vm.box"] == box
    assert said["provider"] == size


def test_all_providers_get_the_same_machine_but_for_the_box():
    machines = [read(one)["config"] for one in PROVIDERS]
    for one in machines:
        del one["vm.box"]
        assert one == machines[0]
    assert machines[0] == {
        "vm.hostname": "netlab",
        "vm.boot_timeout": 300,
        "vm.synced_folder": machines[0]["vm.synced_folder"],
        "vm.provision": [["shell", {"inline": "/vagrant/scripts/provision", "env": {}}]],
    }


def test_the_folder_is_copied_by_rsync_without_what_is_made_from_the_rest():
    ((here, there, options),) = read()["config"]["vm.synced_folder"]
    assert (here, there, options.pop("type")) == (".", "/vagrant", "rsync")
    excluded = set(options.pop("rsync__exclude"))
    assert options == {}
    ignored = set((ROOT / ".gitignore").read_text().split())
    covered = {one for one in ignored if one.endswith("_cache/")} | {".vagrant/"}  # by `.*_cache/`; Vagrant leaves out its own
    assert {".git/", ".*_cache/"} | (ignored - covered) <= excluded


@pytest.mark.parametrize(
    ("environment", "provider"),
    [
        pytest.param({}, None, id="without a word Vagrant chooses"),
        pytest.param({"NETLAB_PROVIDER": "libvirt"}, "libvirt", id="the lab's variable"),
        pytest.param({"VAGRANT_DEFAULT_PROVIDER": "libvirt"}, "libvirt", id="Vagrant's own variable"),
        pytest.param({"NETLAB_PROVIDER": "a", "VAGRANT_DEFAULT_PROVIDER": "b"}, "b", id="Vagrant's own variable wins"),
    ],
)
def test_the_default_provider_can_be_named(environment, provider):
    said = read(**environment)
    assert said["default provider"] == provider
    assert said["providers"] == PROVIDERS  # the order in which Vagrant tries them


@pytest.mark.parametrize(
    ("environment", "handed_on"),
    [
        pytest.param({}, {}, id="nothing is set, nothing is handed on"),
        pytest.param({"http_proxy": ""}, {}, id="an empty variable is none"),
        pytest.param({"HTTPS_PROXY": "http://p:1"}, {"https_proxy": "http://p:1"}, id="capitals become what apt reads"),
        pytest.param({"PIP_CERT": "/etc/x.pem", "HOME": "/root"}, {}, id="files of this machine mean nothing in the VM"),
        pytest.param(
            {"http_proxy": "http://p:1", "no_proxy": "a,b", "NETLAB_APT_MIRROR": "http://m", "PIP_TRUSTED_HOST": "m"},
            {"http_proxy": "http://p:1", "no_proxy": "a,b", "NETLAB_APT_MIRROR": "http://m", "PIP_TRUSTED_HOST": "m"},
            id="proxies and mirrors are handed on as they are",
        ),
    ],
)
def test_proxies_and_mirrors_reach_the_provisioning(environment, handed_on):
    ((_, options),) = read(**environment)["config"]["vm.provision"]
    assert options["env"] == handed_on


def test_what_is_handed_on_is_explained_where_it_is_read():
    names = re.findall(r"\w+", re.search(r"^handed_on = %w\[(.*?)\]", VAGRANTFILE.read_text(), re.DOTALL | re.MULTILINE)[1])
    explained = {
        word
        for line in (ROOT / "scripts/provision").read_text().splitlines()
        if line[:1] == "#"
        for word in re.findall(r"\w+", line)
    }
    assert len(names) == 8
    assert set(names) <= explained


def test_a_size_that_is_no_number_is_refused_by_name():
    done = ruby(str(RECORDER), str(VAGRANTFILE), "libvirt", NETLAB_MEMORY="2G")
    assert done.returncode != 0
    assert 'NETLAB_MEMORY must be a whole number, not "2G"' in done.stderr


@pytest.mark.skipif(shutil.which("vagrant") is None, reason="Vagrant is not installed; the tests above need none")
def test_vagrant_itself_accepts_it(tmp_path):
    own = {
        "VAGRANT_HOME": str(tmp_path / "home"),
        "VAGRANT_DOTFILE_PATH": str(tmp_path / "dot"),
        "VAGRANT_CHECKPOINT_DISABLE": "1",
    }
    done = subprocess.run(
        ["vagrant", "validate"], cwd=ROOT, env={**os.environ, **own}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Vagrantfile validated successfully" in done.stdout
