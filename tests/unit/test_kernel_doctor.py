"""What `netlab doctor` decides about values it is given: versions, limits, disks, firewalls; its lines and its exit code."""

from __future__ import annotations

import errno
import functools
import json
import os
import signal
from pathlib import Path

import pytest

import netlab.cli.doctor
from netlab.cli import main
from netlab.errors import HostUnready, KernelError
from netlab.kernel import doctor, findings, firewall, host, installed, iptables, machine, nft, probes, runtime_host, trial
from netlab.kernel.findings import CURES, Finding, looked, missing, ok, require, warning
from netlab.model.lab import Lab
from netlab.model.meta import ObjectMeta
from netlab.store.paths import LabPaths
from netlab.store.store import Store

SUBNET = "172.18.0.0/16"
CONTAINERS = "apt-get install --no-install-recommends crun conmon catatonit golang-github-containers-common"


@pytest.mark.parametrize(
    ("answer", "version"),
    [
        pytest.param("nftables v1.0.6 (Lester Gooch #5)\n", (1, 0, 6), id="nft of Debian 12"),
        pytest.param("nftables v1.1.3 (Commodore Bullmoose #4)\n", (1, 1, 3), id="nft of Debian 13"),
        pytest.param("crun version 1.21\ncommit: 10269840aa07fb7e6b7e1acff6198692d8ff5c88\n", (1, 21), id="crun"),
        pytest.param("tini version 0.1.7_catatonit\n", (0, 1, 7), id="catatonit says it is tini"),
        pytest.param("ip utility, iproute2-6.1.0, libbpf 1.1.2\n", (6, 1, 0), id="iproute2 before its libraries"),
        pytest.param("conntrack v1.4.7 (conntrack-tools)\n", (1, 4, 7), id="conntrack"),
        pytest.param("crun version UNKNOWN\n", (), id="no number"),
        pytest.param("", (), id="no answer"),
    ],
)
def test_the_version_is_the_first_number_with_dots(answer, version):
    assert installed.parse_version(answer) == version


@pytest.mark.parametrize(
    ("finding", "expected"),
    [
        pytest.param(installed.new_enough_nft("n", (1, 0, 6)), ok("n", "nft 1.0.6"), id="nft, just new enough"),
        pytest.param(
            installed.new_enough_nft("n", (1, 0, 5)),
            missing("n", "nft 1.0.6 or newer is needed, found 1.0.5", "apt-get install nftables"),
            id="nft, too old",
        ),
        pytest.param(
            installed.new_enough_nft("n", ()),
            missing("n", "nft 1.0.6 or newer is needed, found none", "apt-get install nftables"),
            id="nft without a version",
        ),
        pytest.param(installed.tried_version("crun", (1, 14, 1)), ok("crun", "crun 1.14.1"), id="crun, newer"),
        pytest.param(
            installed.tried_version("crun", (0, 17)),
            warning("crun", "crun 0.17; older than 1.8.1 was never tried", CONTAINERS),
            id="crun, older than was ever tried",
        ),
        pytest.param(installed.tried_version("crun", ()), ok("crun", "crun of unknown version"), id="crun from source"),
        pytest.param(
            probes.controllers("c", "v2", ["cpuset", "cpu", "io", "memory", "pids"]),
            ok("c", "cgroups v2"),
            id="all controllers",
        ),
        pytest.param(
            probes.controllers("c", "v2", ["cpu", "pids"]),
            warning("c", "cgroups v2, without memory: limits of that cannot be set", CURES["controllers"]),
            id="a board's kernel without the memory controller",
        ),
        pytest.param(
            probes.inotify_limits("i", 128, 8192), ok("i", "128 instances, 8192 watches"), id="the kernel's own limits"
        ),
        pytest.param(
            probes.inotify_limits("i", 127, 8192),
            warning(
                "i",
                "fs.inotify.max_user_instances is 127, and each container may need one",
                "sysctl -w fs.inotify.max_user_instances=512",
            ),
            id="few inotify instances",
        ),
        pytest.param(
            probes.inotify_limits("i", 128, 100),
            warning("i", "fs.inotify.max_user_watches is 100, which is few", "sysctl -w fs.inotify.max_user_watches=65536"),
            id="few inotify watches",
        ),
        pytest.param(probes.free_memory("m", 256 << 20), ok("m", "256 MiB free"), id="enough memory"),
        pytest.param(
            probes.free_memory("m", (256 << 20) - 1),
            warning("m", "only 255 MiB of memory are free", CURES["memory"]),
            id="little memory",
        ),
        pytest.param(
            trial.refused_namespace("t", "net", errno.EPERM),
            missing("t", "the kernel refuses a net namespace (Operation not permitted)", CURES["rights"]),
            id="root of a container",
        ),
        pytest.param(
            trial.refused_namespace("t", "net", errno.ENOSPC),
            missing(
                "t",
                "the kernel refuses a net namespace (No space left on device)",
                "sysctl -w user.max_net_namespaces=10000",
            ),
            id="too many namespaces",
        ),
        pytest.param(
            trial.refused_namespace("t", "pid", errno.EINVAL),
            missing("t", "the kernel refuses a pid namespace (Invalid argument)", CURES["kernel"]),
            id="a kernel without them",
        ),
    ],
)
def test_a_value_is_judged(finding, expected):
    assert finding == expected


@pytest.mark.parametrize(
    ("effective", "lacking"),
    [
        pytest.param(0x1FFFFFFFFFF, [], id="all"),
        pytest.param(0xA80425FB, ["CAP_NET_ADMIN", "CAP_SYS_ADMIN"], id="root of an ordinary container"),
        pytest.param(1 << 12, ["CAP_SYS_ADMIN"], id="network only"),
    ],
)
def test_root_without_capabilities_is_told_which(effective, lacking):
    assert probes.lacking_capabilities(effective) == lacking


ROOT = Path("/var/lib/netlab")


@pytest.mark.parametrize(
    ("magic", "free", "state", "words"),
    [
        pytest.param(0xEF53, 20 << 30, "ok", "/var/lib/netlab is on ext4 with 20 GiB free", id="a roomy disk"),
        pytest.param(
            0x58465342, 511 << 20, "warning", "/var/lib/netlab is on xfs with 511 MiB free: free some space on that disk",
            id="little room",
        ),
        pytest.param(
            0xEF53, 15 << 20, "missing", "/var/lib/netlab is on ext4 with 15 MiB free: free some space on that disk",
            id="no room",
        ),
        pytest.param(
            0x794C7630, 20 << 30, "missing",
            "/var/lib/netlab is on an overlay file system, on which no overlay can lie: mount -t tmpfs none /var/lib/netlab",
            id="inside a container",
        ),
        pytest.param(
            0x786F4256, 20 << 30, "missing",
            "/var/lib/netlab is on vboxsf, on which no overlay can lie: mount -t tmpfs none /var/lib/netlab",
            id="a shared folder",
        ),
        pytest.param(
            0x65735546, 20 << 30, "warning",
            "/var/lib/netlab is on a file system of type 0x65735546 with 20 GiB free, on which an overlay may not be able to lie:"
            " mount -t tmpfs none /var/lib/netlab",
            id="a file system not known",
        ),
    ],
)  # fmt: skip
def test_the_disk_of_the_data_directory_is_judged(magic, free, state, words):
    finding = probes.disk_for_data("d", ROOT, magic, free)
    assert (finding.state, str(finding)) == (state, words)


def test_a_data_directory_that_leads_into_usr_is_refused(tmp_path):
    (tmp_path / "netlab").symlink_to("/usr/share")
    finding = probes.data_directory("d", tmp_path / "netlab/lab", tmp_path / "netlab")
    assert str(finding) == f"{tmp_path}/netlab is in /usr/share, which containers see: it must be somewhere else"
    assert finding.state == "missing"


def test_a_data_directory_need_not_exist(tmp_path):
    finding = probes.data_directory("d", tmp_path / "a/b/c", tmp_path / "a/b")
    assert finding.found.startswith(f"{tmp_path}/a/b is on ")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "state", "words"),
    [
        pytest.param("crun", "missing", f"crun is missing: {CONTAINERS}", id="crun"),
        pytest.param("conmon", "missing", f"conmon is missing: {CONTAINERS}", id="conmon"),
        pytest.param("catatonit", "missing", f"catatonit is missing: {CONTAINERS}", id="catatonit"),
        pytest.param("nft", "missing", "nft is missing: apt-get install nftables", id="nft"),
        pytest.param("ip", "missing", "ip is missing: apt-get install iproute2", id="ip"),
        pytest.param(
            "tcpdump", "warning",
            "tcpdump is missing; it is only needed for seeing packets with it in a Pod or on a Node:"
            " apt-get install --no-install-recommends tcpdump",
            id="tcpdump",
        ),
        pytest.param(
            "conntrack", "warning",
            "conntrack is missing; it is only needed for listing translated connections with it on a Node:"
            " apt-get install --no-install-recommends conntrack",
            id="conntrack",
        ),
        pytest.param(
            "iptables", "warning",
            "iptables is missing; it is only needed for Nodes in iptables mode: apt-get install --no-install-recommends iptables",
            id="iptables",
        ),
    ],
)  # fmt: skip
def test_a_program_that_is_missing_is_named_with_its_cure(monkeypatch, tmp_path, name, state, words):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(installed.ENVIRONMENT, "PATH", str(tmp_path))
    monkeypatch.setitem(iptables._ENVIRONMENT, "PATH", str(tmp_path))
    monkeypatch.setattr(installed, "_LEGACY_TABLES", tmp_path / "none")
    check = dict(doctor.checks(tmp_path))[name]
    finding = looked(name, check)
    assert (finding.state, str(finding)) == (state, words)


def test_a_program_that_is_there_is_named_with_its_version(monkeypatch, tmp_path):
    program = tmp_path / "crun"
    program.write_text("#!/bin/sh\necho crun version 1.21\n")
    program.chmod(0o755)
    monkeypatch.setitem(installed.ENVIRONMENT, "PATH", str(tmp_path))
    assert installed.with_version("crun") == ok("crun", "crun 1.21")


@pytest.mark.parametrize(
    ("target", "legacy", "words"),
    [
        pytest.param("xtables-nft-multi", "", "that of nft", id="nft"),
        pytest.param("xtables-legacy-multi", "filter\n", "the legacy one; legacy tables in use: filter", id="legacy"),
        pytest.param("xtables-nft-multi", "nat\nfilter\n", "that of nft; legacy tables in use: nat, filter", id="both kinds"),
        pytest.param("busybox", "", "of an unknown kind", id="neither"),
    ],
)
def test_which_iptables_it_is(monkeypatch, tmp_path, target, legacy, words):
    for name in (target, "iptables-nft-save", "iptables-legacy-save"):
        (tmp_path / name).touch(0o755)
    (tmp_path / "iptables").symlink_to(target)
    (tmp_path / "names").write_text(legacy)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(iptables._ENVIRONMENT, "PATH", str(tmp_path))
    monkeypatch.setattr(installed, "_LEGACY_TABLES", tmp_path / "names")
    finding = ok("iptables", f"iptables-nft and iptables-legacy; `iptables` itself is {words}")
    assert installed.iptables("iptables") == finding


OURS, COPY, STRANGER = "from netlab.__main__ import main\n", "import sys; import netlab.__main__\n", "from netsim import main\n"


@pytest.mark.parametrize(
    ("files", "state", "words"),
    [
        pytest.param({"a/netlab": OURS}, "ok", "this is {a}", id="alone"),
        pytest.param({"a/netlab": OURS, "b/netlab": "a/netlab"}, "ok", "this is {a}", id="and a link to it"),
        pytest.param({"a/netlab": OURS, "b/netlab": COPY}, "ok", "this is {a}; other installations of it: {b}", id="a copy"),
        pytest.param(
            {"a/netlab": OURS, "b/netlab": STRANGER}, "warning",
            "unrelated programs of the same name: {b}; this is {a}: " + CURES["other-netlab"],
            id="a stranger",
        ),
    ],
)  # fmt: skip
def test_every_netlab_on_path_is_compared_with_this_one(monkeypatch, tmp_path, files, state, words):
    for name, content in files.items():
        path = tmp_path / name
        path.parent.mkdir()
        if content in files:
            path.symlink_to(tmp_path / content)
        else:
            path.write_text(content)
            path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/a:{tmp_path}/b:{tmp_path}/none")
    monkeypatch.setattr(installed.sys, "argv", [f"{tmp_path}/a/netlab"])
    finding = installed.other_netlab("n")
    expected = words.format(a=tmp_path / "a/netlab", b=tmp_path / "b/netlab")
    assert (finding.state, str(finding)) == (state, expected)


CHAINS = """table ip filter {
	chain FORWARD {
		type filter hook forward priority filter; policy drop;
	}
	chain INPUT {
		type filter hook input priority filter; policy drop;
	}
}
table ip6 filter {
	chain FORWARD {
		type filter hook forward priority filter; policy drop;
	}
}
table inet mine {
	chain open {
		type filter hook forward priority filter + 5; policy accept;
	}
	chain closed {
		type filter hook forward priority filter + 10; policy drop;
	}
}
"""


def test_chains_that_drop_what_is_forwarded_are_found():
    assert firewall.dropping_chains(CHAINS) == ["ip filter FORWARD", "inet mine closed"]


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        pytest.param(["\t\tip saddr 172.18.0.0/16 accept", "\t\tip daddr 172.18.0.0/16 accept"], True, id="nft"),
        pytest.param(["ip saddr 172.18.0.0/16 counter packets 0 bytes 0 accept"], False, id="one way only"),
        pytest.param(["ip saddr 172.18.0.0/16 drop", "ip daddr 172.18.0.0/16 accept"], False, id="one way dropped"),
        pytest.param(["-A FORWARD -s 172.18.0.0/16 -j ACCEPT", "-A FORWARD -d 172.18.0.0/16 -j ACCEPT"], True, id="iptables"),
        pytest.param([], False, id="no rules"),
    ],
)
def test_a_subnet_is_let_through_both_ways_or_not(rules, expected):
    assert firewall.lets_through(rules, SUBNET) is expected


@pytest.mark.parametrize(
    ("chains", "is_legacy", "state", "words"),
    [
        pytest.param([], False, "ok", "forwarded packets are not dropped by policy", id="open"),
        pytest.param(
            ["ip filter FORWARD"], False, "warning",
            "what is forwarded is dropped by the policy of nft chain ip filter FORWARD: "
            "nft 'insert rule ip filter FORWARD ip saddr 172.18.0.0/16 accept; "
            "insert rule ip filter FORWARD ip daddr 172.18.0.0/16 accept'",
            id="Docker",
        ),
        pytest.param(
            [], True, "warning",
            "what is forwarded is dropped by the policy of iptables-legacy FORWARD: "
            "iptables-legacy -I FORWARD -s 172.18.0.0/16 -j ACCEPT && iptables-legacy -I FORWARD -d 172.18.0.0/16 -j ACCEPT",
            id="Docker with the legacy iptables",
        ),
    ],
)  # fmt: skip
def test_what_drops_by_policy_is_named_with_its_cure(chains, is_legacy, state, words):
    finding = firewall.dropping("f", chains, SUBNET, is_legacy=is_legacy)
    assert (finding.state, str(finding)) == (state, words)


@pytest.mark.parametrize(
    ("rules", "is_active", "state"),
    [
        pytest.param("", False, "ok", id="not active"),
        pytest.param("", True, "warning", id="active, rules not seen"),
        pytest.param("ip saddr 172.18.0.0/16 goto filter_FWD_trusted\n", True, "ok", id="active, subnet in a zone"),
    ],
)
def test_firewalld_is_in_the_way_unless_it_knows_the_subnet(rules, is_active, state):
    assert firewall.zoned("f", rules, SUBNET, is_active=is_active).state == state


@pytest.mark.parametrize("is_loaded", [True, False])
def test_without_the_module_sctp_nothing_is_missing(monkeypatch, tmp_path, is_loaded):
    monkeypatch.setattr(probes, "_SCTP", tmp_path if is_loaded else tmp_path / "none")
    finding = probes.sctp("sctp")
    assert (finding.state, "modprobe sctp" in finding.found) == ("ok", not is_loaded)


def test_ipv6_is_needed_by_a_lab_that_has_it(monkeypatch, tmp_path):
    assert (probes.ipv6("v").state, probes.ipv6_wanted("v").state) == ("ok", "ok")
    monkeypatch.setattr(probes, "_IPV6", tmp_path / "none")
    assert (probes.ipv6("v").state, probes.ipv6_wanted("v").state) == ("warning", "missing")
    monkeypatch.setattr(host, "RIGHTS", ())
    monkeypatch.setattr(host, "_load_connection_tracking", lambda: None)
    monkeypatch.setattr(host, "KERNEL", ())
    monkeypatch.setattr(host, "RULES", ())
    host.check_host()
    with pytest.raises(HostUnready, match=r"the kernel has no IPv6: boot without `ipv6\.disable=1` .* a lab of IPv4 alone"):
        host.check_host(ipv6=True)


def test_all_instances_of_inotify_in_use(monkeypatch):
    def refused(_):
        raise KernelError("inotify_init1: Too many open files")

    monkeypatch.setattr(probes, "Watch", refused)
    finding = probes.inotify("i")
    assert (finding.state, finding.cure) == ("missing", "sysctl -w fs.inotify.max_user_instances=512")
    assert "inotify instances are in use" in finding.found


def refuse(_):
    raise HostUnready("nothing works: do: type this")


def fail(_):
    raise FileNotFoundError(errno.ENOENT, "No such file or directory", "/proc/x")


@pytest.mark.parametrize(
    ("look", "expected"),
    [
        pytest.param(lambda name: ok(name, "fine"), ok("n", "fine"), id="well"),
        pytest.param(refuse, missing("n", "nothing works: do", "type this"), id="refused, the cure is behind the last colon"),
        pytest.param(
            fail,
            warning("n", "could not be looked at (/proc/x: No such file or directory)", CURES["trial"]),
            id="could not look",
        ),
    ],
)
def test_a_check_always_gives_a_finding(look, expected):
    assert looked("n", look) == expected


def test_the_first_thing_missing_is_raised_and_later_checks_are_not_made():
    made = []

    def check(state, name):
        made.append(name)
        return Finding(name=name, state=state, found=f"{name} found", cure="type this")

    table = [("a", functools.partial(check, "warning")), ("b", functools.partial(check, "missing")), ("c", refuse)]
    with pytest.raises(HostUnready, match=r"^b found: type this$"):
        require(table)
    assert made == ["a", "b"]


def test_no_cure_can_be_mistaken_for_two():
    assert [cure for cure in CURES.values() if ": " in cure or not cure] == []


def test_what_up_looks_at_is_in_the_doctors_table():
    table = [name for name, _ in doctor.checks(ROOT, uplink=True)]
    of_up = [name for name, _ in (*host.RIGHTS, *host.KERNEL, *host.RULES, *runtime_host.KERNEL)]
    assert len(table) == len(set(table))
    assert {*of_up, *runtime_host.PROGRAMS, "data-directory"} <= set(table)
    assert set(table) - {name for name, _ in doctor.checks(ROOT)} == {"forward-policy", "firewalld"}


def test_not_root_is_said_in_the_words_of_every_other_command(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(HostUnready) as raised:
        machine.require_root()
    assert str(looked("rights", probes.rights)) == str(raised.value)


def test_without_root_nothing_is_tried_and_that_is_said(monkeypatch):
    monkeypatch.setattr(trial, "is_root", lambda: False)
    monkeypatch.setattr(trial.os, "fork", lambda: pytest.fail("a child was made"))
    assert trial.run() == {name: findings.not_looked_at(name) for name in trial.NAMES}


def test_the_trial_loads_every_kind_of_rule():
    text = str(trial.service_table())
    for words in (
        "vmap @service-ips", "vmap @shortcuts", "numgen random mod 2 map @endpoints-2", "dnat ip to", "masquerade", "goto refuse",
        "update @affinity-clients", "delete @affinity-clients", "@source-ranges return", "fib saddr type local",
    ):  # fmt: skip
        assert words in text


def die(_):
    os.kill(os.getpid(), signal.SIGKILL)


def crash(_):
    raise ZeroDivisionError


def tried(monkeypatch, *trials):
    monkeypatch.setattr(trial, "is_root", lambda: True)
    monkeypatch.setattr(trial, "TRIALS", trials)
    monkeypatch.setattr(trial, "NAMES", tuple(name for outer, _, inside in trials for name in (outer, *(n for n, _ in inside))))
    return trial.run()


@pytest.mark.parametrize(
    ("ending", "why"),
    [
        pytest.param(die, "the trial was ended by signal 9 before it came to this", id="killed"),
        pytest.param(crash, "the trial ended before it came to this", id="a bug"),
    ],
)
def test_a_trial_that_dies_says_so_of_all_that_was_not_tried(monkeypatch, ending, why):
    found = tried(monkeypatch, ("a", lambda name: ok(name, "well"), (("b", ending), ("c", refuse))))
    assert found["a"] == ok("a", "well")
    assert found["b"] == missing("b", why, CURES["trial"])
    assert found["c"] == missing("c", why, CURES["trial"])


def test_what_needs_a_namespace_is_not_tried_without_it(monkeypatch):
    found = tried(monkeypatch, ("spaces", refuse, (("link", die),)), ("later", lambda name: ok(name, "well"), ()))
    assert found["spaces"].state == "missing"
    assert found["link"] == warning("link", "not tried, because there are no spaces", "see spaces")
    assert found["later"] == ok("later", "well")


def test_rules_that_are_read_back_in_other_words_are_a_warning(monkeypatch):
    monkeypatch.setattr(nft, "run", lambda _: "")
    monkeypatch.setattr(nft, "observe", lambda: None)
    assert trial._nft_rules("r").state == "warning"


@pytest.fixture
def program(monkeypatch, tmp_path, capsys):
    """`netlab doctor` with these checks; returns its exit code and its lines."""
    monkeypatch.setattr("netlab.store.paths.STATE_ROOT", tmp_path / "run")
    monkeypatch.setattr("netlab.store.paths.DATA_ROOT", tmp_path / "lib")
    monkeypatch.setattr(netlab.cli.doctor, "DATA_ROOT", tmp_path / "lib")
    monkeypatch.setattr(netlab.cli.doctor, "is_root", lambda: True)

    def run(*args, found=()):
        table = tuple((one.name, lambda _, one=one: one) for one in (ok("rights", "root"), *found))
        monkeypatch.setattr(netlab.cli.doctor, "checks", lambda *_, **__: table)
        code = main.run(["doctor", *args])
        seen = capsys.readouterr()
        assert seen.err == ""
        return code, seen.out.splitlines()

    return run


LACKING = (warning("memory", "little", "buy some"), missing("crun", "crun is missing", "install it"))


@pytest.mark.parametrize(
    ("args", "found", "code", "lines"),
    [
        pytest.param(["-q"], (), 0, [], id="quiet, and all is well"),
        pytest.param(["-q"], LACKING[:1], 0, ["warn   memory   little: buy some"], id="a warning is no failure"),
        pytest.param(
            ["--quiet"], LACKING, 4,
            ["warn   memory   little: buy some", "FAIL   crun     crun is missing: install it"],
            id="something is missing",
        ),
        pytest.param(
            ["--uplink"], LACKING[1:], 4,
            ["ok     rights   root", "FAIL   crun     crun is missing: install it", "ok     labs     none"],
            id="all lines",
        ),
        pytest.param(
            ["-o", "json", "-q"], LACKING[1:], 4,
            ['{"cure":"install it","found":"crun is missing","name":"crun","state":"missing"}'],
            id="json",
        ),
    ],
)  # fmt: skip
def test_lines_and_exit_code(program, args, found, code, lines):
    assert program(*args, found=found) == (code, lines)


def test_labs_that_were_left_unfinished_are_named(program, tmp_path):
    for name in ("half-made", "up", "half-gone"):
        (tmp_path / "run" / name).mkdir(parents=True)
    for name in ("up", "half-gone"):
        store = Store(LabPaths(name).store, lambda: 0.0, create=True)
        store.put_lab(Lab(metadata=ObjectMeta(name=name, uid="u")))
        if name == "half-gone":
            store.set_fact("deleting", "yes")
        store.close()
    (tmp_path / "lib" / "gone").mkdir(parents=True)
    code, lines = program("-q", "-o", "json")
    seen = {item["found"]: item["cure"] for item in map(json.loads, lines)}
    assert code == 0
    assert seen == {
        "lab half-made is half-made": "netlab up --lab half-made finishes it, netlab down --lab half-made removes it",
        "lab half-gone is half-removed": "netlab down --lab half-gone",
        f"of lab gone, which is gone, there are still files in {tmp_path}/lib/gone": "netlab up --lab gone && netlab down --lab gone",
    }


def test_labs_that_are_up_are_named(program, tmp_path):
    (tmp_path / "run/demo").mkdir(parents=True)
    store = Store(LabPaths("demo").store, lambda: 0.0, create=True)
    store.put_lab(Lab(metadata=ObjectMeta(name="demo", uid="u")))
    store.close()
    assert program("--uplink") == (0, ["ok     rights   root", "ok     labs     demo"])
