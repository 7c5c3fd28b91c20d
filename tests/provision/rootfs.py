"""A fresh Debian in a directory, and commands in it: what a new VM is to scripts/provision, without a kernel of its own.

The packages come from NETLAB_APT_MIRROR or else from where this machine's own packages come from, and only the settings that this
needs are taken over: the mirror, apt's and pip's settings of the way to it, the certificates. Nothing else of the machine can be seen
from inside.

Every command runs in mount, process, host name, IPC and network namespaces of its own, which end with it, so that nothing stays
mounted or running however a test ends. Only `fetching` commands, those of apt and pip, get the machine's network, which none of them
changes. scripts/test, which runs the tests without a network, hands on the machine's own namespaces as open files for this.

Source: mmdebstrap(1), unshare(1), nsenter(1), sources.list(5).
"""

from __future__ import annotations

import os
import platform
import re
import resource
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

BASE = "ca-certificates,sudo,systemd"  # beside what is essential: what every box of a VM has and the tests look at
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
LOST = "http://mirror.invalid"  # a host that no name server knows (RFC 2606)
CERTIFICATES = "usr/local/share/ca-certificates"
BUNDLE = "/etc/ssl/certs/ca-certificates.crt"  # of all certificates, as update-ca-certificates(8) makes it
FIRST_OF_ALL = "setuptools"  # what pip fetches to build anything, us too
TRY_APT = ("/usr/lib/apt/apt-helper", *(f"-oAcquire::{one}" for one in ("Retries=0", "http::Timeout=10", "https::Timeout=10")))
TRY_PIP = ("-m", "pip", "--quiet", "--disable-pip-version-check", "--retries=0", "--timeout=10", "download", "--no-deps")
DERIVED = ("__pycache__", ".*_cache", "*.egg-info", ".git", ".venv", ".vagrant", ".hypothesis", ".benchmarks", "build")
ABOUT = ("mode", "ino", "uid", "gid", "size", "mtime_ns")
MACHINE = {"net": 8, "mnt": 9}  # open files, where scripts/test leads here
PASSED_ON = (
    *("http_proxy", "https_proxy", "no_proxy", "NETLAB_APT_PROXY"),
    *("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_TRUSTED_HOST", "PIP_CERT"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """How a command ended, and the seconds of processor time that it and its children took."""

    code: int
    out: str
    err: str
    cpu_s: float


def machine():
    """Words that lead back to the namespaces of the machine, or none where the tests run in these."""
    handed = [
        fd for kind, fd in MACHINE.items() if os.path.realpath(f"/proc/self/fd/{fd}").rpartition("/")[2].startswith(f"{kind}:[")
    ]
    return ["nsenter", "--net=/proc/self/fd/8", "--mount=/proc/self/fd/9", "--"] if len(handed) == len(MACHINE) else []


def run(*words, tree=None, directory="/", fetching=False, **environment):
    """Run a command, inside of the tree if one is given, with no variables but these; if it is fetching, also the way to the mirrors."""
    own = ["unshare", "--mount", "--pid", "--uts", "--ipc", "--fork", "--kill-child", f"--root={tree or '/'}", "--mount-proc"]
    back, network = (machine(), []) if fetching else ([], ["--net"])
    way = {name: value for name in PASSED_ON if (value := os.environ.get(name))} if fetching else {}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [*back, *own, *network, f"--wd={directory}", "--", *words],
        env={"PATH": PATH, "HOME": "/root", **way, **environment}, pass_fds=MACHINE.values() if back else (),
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )  # fmt: skip
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Done(code=done.returncode, out=done.stdout, err=done.stderr, cpu_s=cpu_s)


def lacks(suite):
    """Say why no fresh root of this suite can be made here, or nothing."""
    if os.geteuid() != 0:
        return "a fresh root file system takes root"
    if gone := [one for one in ("apt-get", "mmdebstrap", "unshare", "nsenter") if shutil.which(one, path=PATH) is None]:
        return f"{', '.join(gone)} not installed; scripts/install dev brings what Debian and Ubuntu have"
    _, archives = sources(suite)
    if not archives:
        return "no mirror known: apt has no sources of this machine's own release"
    release = f"{archives[0][0]}/dists/{suite}/Release"
    with tempfile.TemporaryDirectory() as place:  # also in place of /root, whose pip.conf the fresh root will not have
        for what, words in {
            f"the mirror cannot be reached or has no {suite}": [
                *TRY_APT,
                *proxy(),
                "download-file",
                release,
                f"{place}/Release",
            ],
            "pip cannot reach its index": [sys.executable, *TRY_PIP, f"--dest={place}", FIRST_OF_ALL],
        }.items():
            tried = run(*words, fetching=True, HOME=place)
            if tried.code != 0:
                return f"{what}: {next((line for line in tried.err.splitlines() if line.startswith('E')), tried.err.strip())}"
    return ""


def proxy():
    """Say to apt which proxy the environment names, as scripts/install does."""
    named = os.environ.get("NETLAB_APT_PROXY")
    return [f"-oAcquire::http::Proxy={named}"] if named else []


def output(*words):
    """What a command of the machine prints."""
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


def sources(suite):
    """The mirror to use ("" if there is none), and what of it: (address, suite, component) of each archive, the first the main one."""
    own = platform.freedesktop_os_release()["VERSION_CODENAME"]
    form = ("--no-release-info", "--format", "$(REPO_URI) $(RELEASE) $(COMPONENT)", "Created-By: Packages")
    rows = sorted({tuple(row.split()) for row in output("apt-get", "indextargets", *form).splitlines()}, key=lambda row: row[1])
    found = [(at(uri), release, component) for uri, release, component in rows if release.startswith(own)]
    home = next((place.rpartition("/")[0] for place, release, _ in found if release == own), "")
    mirror = os.environ.get("NETLAB_APT_MIRROR", "").rstrip("/") or home
    return mirror, [
        (place.replace(home, mirror, 1), release.replace(own, suite), component)
        for place, release, component in found
        if place.rpartition("/")[0] == home
    ]


def at(uri):
    """The address behind a source, without a slash at its end: cloud images name a file with a list of mirrors."""
    before, file, path = uri.partition("mirror+file:")
    return (Path(f"/{path.strip('/')}").read_text().split()[0] if file else before).rstrip("/")


def make(tree, suite):
    """Make a Debian in the directory `tree` whose own sources lead nowhere, and return the mirror that has its packages."""
    mirror, archives = sources(suite)
    settings = [
        line for line in output("apt-config", "dump", "Acquire").splitlines() if re.match(r"Acquire::(https?|Check)\b", line)
    ]
    if named := os.environ.get("NETLAB_APT_PROXY"):
        settings.append(f'Acquire::http::Proxy "{named}";')
    done = run(
        "mmdebstrap", "--quiet", "--mode=root", "--variant=minbase", f"--include={BASE}", "--dpkgopt=force-unsafe-io",
        *(f"--aptopt={one.rstrip(';')}" for one in ['Acquire::Languages "none"', *settings]),
        suite, str(tree), *(" ".join(("deb", *one)) for one in archives),
        fetching=True,
    )  # fmt: skip
    assert done.code == 0, done.err
    lose(tree / "etc/apt", [(place.replace(mirror, LOST), *more) for place, *more in archives])
    for file in ("etc/resolv.conf", "etc/hosts", "etc/pip.conf"):
        read = run("cat", f"/{file}", fetching=True)  # resolv.conf may be a link into /run, which the tests have for themselves
        if read.code == 0:
            (tree / file).unlink(missing_ok=True)
            (tree / file).write_text(read.out)
    if Path("/", CERTIFICATES).exists():
        shutil.copytree(Path("/", CERTIFICATES), tree / CERTIFICATES, dirs_exist_ok=True)
    done = run("update-ca-certificates", tree=tree)
    assert done.code == 0, done.err
    return mirror


def lose(directory, archives):
    """Write sources that lead nowhere, the first in the old form and the others in the new one: a machine may have both."""
    (directory / "sources.list").write_text(f"# the first\ndeb {' '.join(archives[0])}\n")
    entries = [
        f"Types: deb\nURIs: {place}/\nSuites: {suite}\nComponents: {component}\n" for place, suite, component in archives[1:]
    ]
    (directory / "sources.list.d/others.sources").write_text("\n".join(entries))


def bring(project, directory):
    """Copy the project without what is made from it, as Vagrant does."""
    shutil.copytree(project, directory, ignore=shutil.ignore_patterns(*DERIVED), symlinks=True)


def look(tree):
    """Every file of the tree with all that a change of it would change."""
    passing = {"proc", "sys", "dev", "run", "tmp"}
    seen = {}
    for here, directories, files in os.walk(tree):
        if here == str(tree):
            directories[:] = set(directories) - passing
        for name in directories + files:
            path = os.path.join(here, name)
            about = os.lstat(path)
            seen[os.path.relpath(path, tree)] = tuple(getattr(about, f"st_{one}") for one in ABOUT)
    return seen


if __name__ == "__main__":  # to look around by hand:  python tests/provision/rootfs.py make DIRECTORY [SUITE]
    print(make(Path(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else platform.freedesktop_os_release()["VERSION_CODENAME"]))
