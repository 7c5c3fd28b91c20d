"""`netlab doctor` on a real kernel: what it finds here, what it finds when something is taken away, and that it leaves nothing."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from netlab.kernel import probes, processes, trial
from netlab.kernel.findings import Finding

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.skipif(not os.environ.get("NETLAB_TEST_VM"), reason="runs inside scripts/test"),
]

NETLAB = (sys.executable, "-m", "netlab")
LAB = "t-doctor"
DEADLINE_S = 60.0


def netlab(*args, mask="true", env=None):
    """Run netlab where `mask`, a line of shell in a mount and network namespace of its own, took something away."""
    words = ["unshare", "--mount", "--net", "sh", "-ec", f'{mask}; exec "$@"', "sh", *NETLAB, *args]
    return subprocess.run(words, capture_output=True, text=True, check=False, env={**os.environ, **(env or {})})


def findings(done):
    assert "Traceback" not in done.stderr
    return {item["name"]: Finding(**item) for item in map(json.loads, done.stdout.splitlines())}


def test_a_machine_that_runs_these_tests_lacks_nothing():
    done = netlab("doctor", "--uplink", "-o", "json")
    found = findings(done)
    assert {name for name, finding in found.items() if finding.state == "missing"} == set()
    assert {found[name].state for name in trial.NAMES} == {"ok"}
    assert (done.returncode, done.stderr) == (0, "")


def machine():
    """All that could be left behind, as text."""

    def output(*words):
        return subprocess.run(words, check=True, capture_output=True, text=True).stdout

    places = [Path("/run"), Path("/var/lib/netlab"), Path("/tmp")]
    return {
        "mounts": Path("/proc/self/mountinfo").read_text(),
        "links": [link["ifname"] for link in json.loads(output("ip", "-j", "link"))],
        "rules": output("nft", "list", "ruleset"),
        "namespaces": output("ip", "netns"),
        "files": sorted(str(path) for place in places[:2] for path in place.rglob("*")),
        "names": sorted(path.name for path in places[2].iterdir() if "netlab" in path.name),
        "cgroups": sorted(str(path) for path in Path("/sys/fs/cgroup").glob("*/netlab*")),
        "parameters": [Path(f"/proc/sys/net/ipv4/{name}").read_text() for name in ("ip_forward", "conf/all/rp_filter")],
    }


def test_nothing_is_left_behind():
    subprocess.run([*NETLAB, "doctor", "-q"], check=True)  # the kernel may load modules the first time
    before = machine()
    own = os.stat("/proc/self/ns/net").st_ino
    subprocess.run([*NETLAB, "doctor", "--uplink", "-q"], check=True)
    assert machine() == before
    assert os.stat("/proc/self/ns/net").st_ino == own


def test_a_trial_that_is_killed_in_the_middle_leaves_nothing(monkeypatch):
    def die(_):
        os.kill(os.getpid(), signal.SIGKILL)

    before = machine()
    [network, mounts, _] = trial.TRIALS
    monkeypatch.setattr(trial, "TRIALS", (network, (*mounts[:2], (*mounts[2], ("end", die)))))
    monkeypatch.setattr(trial, "NAMES", (*trial.NAMES[:-1], "end"))
    found = trial.run()
    assert [name for name, finding in found.items() if finding.state != "ok"] == ["end"]
    assert "ended by signal 9" in found["end"].found
    assert machine() == before


def test_the_trial_ends_with_the_command():
    """The child tells its pid from inside, and waits for ever; then the command is killed."""
    program = """if True:
        import signal
        from netlab.kernel import trial
        def stay(name):
            print(trial.os.getpid(), flush=True)
            signal.pause()
        trial.TRIALS, trial.NAMES = (("stay", stay, ()),), ("stay",)
        trial.run()
    """
    command = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    child = processes.find(int(command.stdout.readline()))
    assert processes.is_alive(child)
    command.kill()
    command.wait()
    command.stdout.close()
    assert processes.wait([child], DEADLINE_S) == []


CRUN = "mount --bind /dev/null $(readlink -f /usr/bin/crun)"
LIBRARY = (
    "for file in $(ldconfig -p | sed -n 's/.*libnftables.so.1 .*=> //p'); do mount --bind /dev/null $(readlink -f $file); done"
)
CURE = "apt-get install --no-install-recommends crun conmon catatonit golang-github-containers-common"
OVERLAY = (
    "mount -t tmpfs none /mnt && mkdir /mnt/up /mnt/work &&"
    " mount -t overlay -o lowerdir=/opt,upperdir=/mnt/up,workdir=/mnt/work none /var/lib/netlab"
)


@pytest.mark.parametrize(
    ("mask", "env", "name", "words"),
    [
        pytest.param(CRUN, {}, "crun", f"crun is missing: {CURE}", id="no crun"),
        pytest.param(
            "mount -t tmpfs none /usr/share/containers", {}, "seccomp-profile",
            f"/usr/share/containers/seccomp.json is missing: {CURE}", id="no seccomp profile",
        ),
        pytest.param("true", {"PATH": "/nowhere"}, "nft", "nft is missing: apt-get install nftables", id="no nft"),
        pytest.param(LIBRARY, {}, "nft", "libnftables is missing: apt-get install nftables", id="no library of nft"),
        pytest.param(
            "mount -t tmpfs none /sys/fs/cgroup", {}, "cgroups",
            "no cgroups in /sys/fs/cgroup: mount -t cgroup2 none /sys/fs/cgroup", id="no cgroups",
        ),
        pytest.param(
            "mount --bind /proc/sys /proc/sys && mount -o remount,bind,ro /proc/sys", {}, "proc-sys",
            "/proc/sys is read-only: mount -o remount,rw /proc/sys", id="read-only parameters",
        ),
        pytest.param(
            OVERLAY, {}, "data-directory",
            "/var/lib/netlab is on an overlay file system, on which no overlay can lie: mount -t tmpfs none /var/lib/netlab",
            id="data on an overlay",
        ),
    ],
)  # fmt: skip
def test_what_is_missing_is_named_and_up_fails_with_the_same_words(mask, env, name, words):
    # `env` is for netlab alone: the shell that takes something away finds its programs
    given = " ".join(f"{key}={value}" for key, value in env.items())
    masked = f"{mask}; export {given}" if given else mask
    done = netlab("doctor", "-q", "-o", "json", mask=masked)
    finding = findings(done)[name]
    assert (finding.state, str(finding), done.returncode) == ("missing", words, 4)
    line = next(line for line in netlab("doctor", "-q", mask=masked).stdout.splitlines() if line.split()[1] == name)
    assert line.startswith("FAIL ")
    assert line.endswith(f" {words}")
    try:
        up = netlab("up", "--nodes", "1", "--lab", LAB, mask=masked)
        assert (up.returncode, up.stderr) == (4, f"error: {words}\n")
    finally:
        subprocess.run([*NETLAB, "down", "--lab", LAB], check=True, capture_output=True)


def test_the_cure_of_a_read_only_proc_is_one():
    cure = "mount -o remount,rw /proc/sys"
    done = netlab("doctor", "-q", mask=f"mount --bind /proc/sys /proc/sys; mount -o remount,bind,ro /proc/sys; {cure}")
    assert (done.returncode, done.stderr) == (0, "")


def test_root_without_capabilities_is_told_so():
    done = subprocess.run(
        ["setpriv", "--bounding-set", "-sys_admin", "--inh-caps", "-sys_admin", *NETLAB, "doctor", "-q", "-o", "json"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    found = findings(done)
    cure = "run netlab on a VM, or in a container with --privileged"
    assert str(found["rights"]) == f"root lacks CAP_SYS_ADMIN here: {cure}"
    assert found["network-namespaces"].state == found["mount-namespaces"].state == "missing"
    assert found["network-namespaces"].cure == cure
    assert found["bridge"].found == "not tried, because there are no network-namespaces"
    assert done.returncode == 4


def test_without_root_all_is_looked_at_that_can_be():
    words = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", *NETLAB, "doctor", "--uplink", "-o", "json"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    found = findings(done)
    left_out = {name for name, finding in found.items() if finding.found.startswith("not looked at")}
    assert left_out == {*trial.NAMES, "forward-policy", "firewalld", "labs"}
    assert [name for name, finding in found.items() if finding.state == "missing"] == ["rights"]
    assert done.returncode == 4


@pytest.mark.parametrize(
    "rules",
    [
        pytest.param("iptables -P FORWARD DROP", id="Docker's policy"),
        pytest.param(
            "nft add table inet mine; nft 'add chain inet mine closed { type filter hook forward priority 5; policy drop; }'",
            id="nft's own",
        ),
    ],
)
def test_a_firewall_that_drops_is_named_with_a_cure_that_works(rules):
    options = ("doctor", "--uplink", "-o", "json")
    found = findings(netlab(*options, mask=rules))["forward-policy"]
    assert found.state == "warning"
    assert shlex.split(found.cure)[0] == "nft"
    assert findings(netlab(*options, mask=f"{rules}; {found.cure}"))["forward-policy"].state == "ok"
    assert findings(netlab("doctor", "-o", "json", mask=rules)).keys().isdisjoint({"forward-policy", "firewalld"})


def test_a_running_firewalld_is_seen_by_its_table():
    active = "nft add table inet firewalld"
    found = findings(netlab("doctor", "--uplink", "-o", "json", mask=active))["firewalld"]
    assert (found.state, found.cure) == ("warning", "firewall-cmd --zone=trusted --add-source=172.18.0.0/16")


def test_another_program_called_netlab_is_named(tmp_path):
    stranger = tmp_path / "netlab"
    stranger.write_text("#!/bin/sh\necho something else\n")
    stranger.chmod(0o755)
    found = findings(netlab("doctor", "-o", "json", env={"PATH": f"{tmp_path}:{os.environ['PATH']}"}))["other-netlab"]
    assert found.state == "warning"
    assert found.found.startswith(f"unrelated programs of the same name: {stranger}; ")


def test_the_profile_of_this_machine_gives_a_filter():
    assert probes.seccomp("seccomp").state == "ok"
