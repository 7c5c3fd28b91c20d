"""scripts/provision on a fresh Debian: once through a dead proxy, once well, once more; and then what a user finds there.

The tree's own sources lead nowhere, so every package has come through NETLAB_APT_MIRROR. The kernel is this machine's: what netlab
does with it is tested elsewhere; here it is enough that everything is in its place. Ubuntu is tried so on an Ubuntu only, whose
mirrors have it; elsewhere, what scripts/install makes of Ubuntu's sources.

NETLAB_TEST_SUITES="bookworm" names other suites than those of this machine's distribution.
"""

from __future__ import annotations

import os
import platform
import shlex
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.provision import rootfs

pytestmark = [pytest.mark.kernel, pytest.mark.timeout(1800)]  # 35 s for each suite; its first test waits for the provisioning

PROJECT = Path(__file__).parents[2]
OWN = platform.freedesktop_os_release()["VERSION_CODENAME"]
DEBIAN = ("bookworm", "trixie")  # 12 and 13, which come from the same mirrors; elsewhere the machine's own suite is tested
SUITES = os.environ.get("NETLAB_TEST_SUITES", " ".join(DEBIAN if OWN in DEBIAN else (OWN,))).split()
DEAD = "http://127.0.0.1:9"  # discard (RFC 863): nobody listens there
WITHOUT_LOCAL = "/usr/sbin:/usr/bin:/sbin:/bin"
PROGRAMS = "nft ip tcpdump conntrack sysctl modprobe ping crun conmon catatonit skopeo redis-server redis-cli curl dig python3"

APT_REFUSED = 9
PRETENDED = {  # programs that stand in for apt's: nothing is installed, everything is known that KNOWN names
    "dpkg-query": "",
    "apt-cache": "printf '%s\\n' $KNOWN",
    "apt-get": """for one; do
    case $one in
        Dir::Etc::SourceParts=*) parts=${one#*=} ;;
        update) cat "$parts"/* >&2 2>/dev/null; exit 0 ;;
        install) while [ "$1" != install ]; do shift; done; echo "$*" >&2; exit 9 ;;
    esac
done""",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Provisioned:
    """A tree in which scripts/provision ran, how it ended each time, and what there was before and after."""

    tree: Path
    dead: rootfs.Done
    first: rootfs.Done
    again: rootfs.Done
    before: dict
    between: dict
    after: dict

    def run(self, *words, **more):
        """Run a command in the tree."""
        return rootfs.run(*words, tree=self.tree, **more)


@pytest.fixture(scope="module", params=SUITES)
def provisioned(request):
    """A fresh tree, provisioned; it is gone afterwards."""
    if why := rootfs.lacks(request.param):
        pytest.skip(why)
    place = Path(tempfile.mkdtemp(prefix="netlab-rootfs-", dir="/var/tmp"))
    try:
        tree = place / "root"
        mirror = rootfs.make(tree, request.param)
        rootfs.bring(PROJECT, tree / "vagrant")
        before = rootfs.look(tree)
        common = {"tree": tree, "fetching": True, "NETLAB_APT_MIRROR": mirror, "PIP_CERT": rootfs.BUNDLE}
        dead = rootfs.run("vagrant/scripts/provision", NETLAB_APT_PROXY=DEAD, **common)
        first = rootfs.run("vagrant/scripts/provision", **common)
        between = rootfs.look(tree)
        again = rootfs.run("./provision", tree=tree, directory="/vagrant/scripts")
        yield Provisioned(
            tree=tree, dead=dead, first=first, again=again, before=before, between=between, after=rootfs.look(tree)
        )
    finally:
        shutil.rmtree(place)


def test_a_fresh_machine_is_provisioned_in_one_go_and_in_silence(provisioned):
    assert provisioned.first.code == 0, provisioned.first.err
    assert provisioned.first.out == ""


def test_a_proxy_for_apt_is_used_and_its_failure_is_told(provisioned):
    assert provisioned.dead.code != 0
    assert DEAD.removeprefix("http://") in provisioned.dead.err
    assert "Unable to locate package" in provisioned.dead.err


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        pytest.param({"http_proxy": DEAD, "https_proxy": DEAD}, "ProxyError", id="through a proxy"),
        pytest.param({"PIP_INDEX_URL": f"{DEAD}/own"}, "/own/setuptools/", id="from an index"),
    ],
)
def test_pip_fetches_where_it_is_told(provisioned, environment, told):
    done = provisioned.run("vagrant/scripts/install", NETLAB_VENV="/tmp/venv", PIP_RETRIES="1", **environment)
    shutil.rmtree(provisioned.tree / "tmp/venv")
    assert done.code != 0
    assert told in done.err


def test_the_second_run_needs_no_network_is_little_work_and_changes_nothing(provisioned):
    assert provisioned.again.code == 0, provisioned.again.err
    assert (provisioned.again.out, provisioned.again.err) == ("", "")
    changed = {path for path, about in provisioned.between.items() ^ provisioned.after.items()}
    assert changed == set()
    assert provisioned.again.cpu_s < provisioned.first.cpu_s / 4


def test_nothing_is_left_of_the_way_by_which_it_all_came(provisioned):
    settings = [path for path in provisioned.before if path.startswith(("etc/apt/", "etc/pip.conf", "var/lib/apt/lists"))]
    assert len(settings) > 4
    assert [path for path in settings if provisioned.before[path] != provisioned.between[path]] == []
    assert [
        path
        for path in provisioned.between.keys() - provisioned.before.keys()
        if path.startswith(("etc/apt/", "var/lib/apt/lists/"))
    ] == []
    assert list((provisioned.tree / "tmp").iterdir()) == []
    assert not (provisioned.tree / "usr/sbin/policy-rc.d").exists()
    assert not (provisioned.tree / "root/.config").exists()


@pytest.mark.parametrize(
    "words",
    [
        pytest.param("bash -l -c 'netlab --help'", id="root who logged in"),
        pytest.param("sudo netlab status --help", id="sudo"),
        pytest.param("sudo -i netlab doctor --help", id="sudo as after a login"),
        pytest.param(
            "setpriv --reuid=65534 --regid=65534 --clear-groups bash -l -c 'netlab get --help'", id="a user without rights"
        ),
    ],
)
@pytest.mark.parametrize("directory", ["/", "/vagrant", "/usr"])
def test_the_command_is_found_from_any_directory_by(provisioned, words, directory):
    done = provisioned.run(*shlex.split(words), directory=directory, PATH=WITHOUT_LOCAL)
    assert done.code == 0, done.err
    assert done.out.startswith("Usage: netlab")


def test_every_program_of_a_lab_is_there(provisioned):
    done = provisioned.run(
        "bash",
        "-l",
        "-c",
        f"for p in {PROGRAMS}; do type -P $p >/dev/null || ls /usr/libexec/*/$p >/dev/null || echo no $p; done",
    )
    assert (done.code, done.out) == (0, "")
    assert (provisioned.tree / "usr/share/containers/seccomp.json").exists()


def test_the_code_runs_where_the_clone_is(provisioned):
    done = provisioned.run("/opt/netlab/bin/python", "-c", "import netlab; print(netlab.__file__)")
    assert done.out == "/vagrant/netlab/__init__.py\n"


def test_a_service_that_came_along_does_not_start_with_the_machine(provisioned):
    done = provisioned.run("systemctl", "is-enabled", "redis-server")
    assert done.out == "disabled\n"


def test_the_greeting_begins_with_what_to_type_first(provisioned):
    commands = [
        line.split("   ")[1].strip()
        for line in (provisioned.tree / "etc/motd").read_text().splitlines()
        if line.startswith("    ")
    ]
    assert [" ".join(one.split()[:4]) for one in commands[:3]] == [
        "sudo netlab demo guestbook",
        "sudo netlab up",
        "sudo netlab doctor",
    ]


@pytest.fixture(scope="module")
def asked_of_apt(provisioned):
    """What scripts/install asks of apt where these are the sources and apt knows these packages."""
    place = provisioned.tree / "srv"
    (place / "bin").mkdir()
    for name, line in PRETENDED.items():
        (place / "bin" / name).write_text(f"#!/bin/sh\n{line}\n")
        (place / "bin" / name).chmod(0o755)

    def ask(file, text, known=""):
        shutil.rmtree(place / "apt", ignore_errors=True)
        (place / "apt" / file).parent.mkdir(parents=True)
        (place / "apt" / file).write_text(text)
        line = "mount --bind /srv/apt /etc/apt && PATH=/srv/bin:$PATH exec /vagrant/scripts/install"
        done = provisioned.run("sh", "-ec", line, NETLAB_APT_MIRROR="http://mirror/pool/", KNOWN=known)
        assert done.code == APT_REFUSED, done.err
        assert list((provisioned.tree / "tmp").iterdir()) == []
        return done.err.splitlines()

    return ask


@pytest.mark.parametrize(
    ("file", "text", "found"),
    [
        pytest.param(
            "sources.list.d/debian.sources",
            "Types: deb\nURIs: http://deb.debian.org/debian/ http://second.example/pub/debian\nSuites: trixie trixie-updates\n"
            "\nTypes: deb\nURIs: https://deb.debian.org/debian-security\nSuites: trixie-security\n",
            ["URIs: http://mirror/pool/debian http://mirror/pool/debian", "URIs: http://mirror/pool/debian-security"],
            id="Debian, with archives behind one host and behind two",
        ),
        pytest.param(
            "sources.list.d/debian.sources",
            "URIs: mirror+file:///etc/apt/mirrors/debian.list\n\nURIs: mirror+file:///etc/apt/mirrors/debian-security.list\n",
            ["URIs: http://mirror/pool/debian", "URIs: http://mirror/pool/debian-security"],
            id="Debian's cloud images, with files of mirrors",
        ),
        pytest.param(
            "sources.list.d/ubuntu.sources",
            "URIs: http://de.archive.ubuntu.com/ubuntu/\nSuites: noble\n\nURIs: http://security.ubuntu.com/ubuntu/\n",
            ["URIs: http://mirror/pool/ubuntu", "URIs: http://mirror/pool/ubuntu"],
            id="Ubuntu 24.04 on amd64",
        ),
        pytest.param(
            "sources.list.d/ubuntu.sources",
            "URIs: http://ports.ubuntu.com/ubuntu-ports/\n",
            ["URIs: http://mirror/pool/ubuntu-ports"],
            id="Ubuntu 24.04 on arm64",
        ),
        pytest.param(
            "sources.list",
            "deb [signed-by=/k.gpg] http://ftp.example/debian bookworm main\n",
            ["deb [signed-by=/k.gpg] http://mirror/pool/debian bookworm main"],
            id="one line, of which nothing else changes",
        ),
        pytest.param(
            "sources.list.d/other.list", "deb https://other.example/stable any main\n", [], id="nothing of another archive"
        ),
    ],
)
def test_a_mirror_stands_in_for_the_archives_of(asked_of_apt, file, text, found):
    assert [line for line in asked_of_apt(file, text) if "http" in line] == found


@pytest.mark.parametrize(
    ("known", "names"),
    [
        pytest.param("golang-github-containers-common containers-common", {"golang-github-containers-common"}, id="the first"),
        pytest.param("containers-common dnsutils", {"containers-common", "dnsutils"}, id="the second where only that is known"),
        pytest.param(
            "", {"golang-github-containers-common", "bind9-dnsutils"}, id="the first where apt will say what is missing"
        ),
    ],
)
def test_of_two_names_of_a_package_apt_is_asked_for(asked_of_apt, known, names):
    (line,) = (line for line in asked_of_apt("sources.list", "", known) if line.startswith("install"))
    asked = set(line.split())
    assert names <= asked
    assert not {"containers-common", "dnsutils"} - names & asked
    assert {"--no-install-recommends", "-y", "python3-venv", "nftables"} <= asked
