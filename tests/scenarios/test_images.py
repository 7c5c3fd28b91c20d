"""Images as a user has them: pulled from a real registry, loaded from files, listed, removed; what they say is honoured."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from tests.images import SHELL, Registry, archive, file, link, special, start_registry, write_image
from tests.program import netlab
from tests.scenarios.conftest import own_name

STORE = Path("/var/lib/netlab/_images")


@pytest.fixture(scope="module")
def registry(tmp_path_factory):
    found = start_registry(tmp_path_factory.mktemp("registry"))
    yield found
    found.process.kill()
    found.process.wait()


@pytest.fixture
def web(tmp_path) -> Path:
    """An OCI directory: a shell, and a layer of its own."""
    write_image(tmp_path / "web", [SHELL, [file("hello", b"hi\n")]], "web:1", Entrypoint=["/bin/sh", "-c"], Cmd=["sleep 1000"])
    return tmp_path / "web"


@pytest.fixture(autouse=True)
def clean_store():
    yield
    done = netlab("image", "rm", "--all")
    assert done.code == 0, done.err
    assert not STORE.exists()
    assert "_images" not in Path("/proc/self/mountinfo").read_text()


def images() -> dict[str, dict]:
    found = json.loads(netlab("image", "list", "-o", "json").out)["images"]
    return {name: image for image in found for name in image["repoTags"] or image["repoDigests"] or [image["id"]]}


def ok(*words: str, **more) -> str:
    done = netlab(*words, **more)
    assert done.code == 0, done.out + done.err
    return done.out


def test_images_are_pulled_listed_and_removed(registry: Registry, web):
    name = registry.push(web, "team/web:1")
    assert ok("image", "pull", name) == f"image/{name} pulled\n"
    title, row = ok("image", "list").splitlines()
    assert title.split() == ["REPOSITORY", "TAG", "IMAGE", "ID", "SIZE"]
    assert row.split()[:2] == [f"{registry.host}/team/web", "1"]
    assert row.split()[3] == "2.01MB"
    assert ok("image", "rm", name) == f"image/{name} removed\n"
    assert images() == {}
    assert not list((STORE / "storage/overlay/l").iterdir())


def test_images_share_their_layers(registry: Registry, tmp_path):
    for n in (1, 2):
        write_image(tmp_path / f"{n}", [SHELL, [file("n", str(n).encode())]])
        ok("image", "pull", registry.push(tmp_path / f"{n}", f"shared:{n}"))
    layers = [image["layers"] for image in images().values()]
    assert layers[0][-1] == layers[1][-1]
    assert len(list((STORE / "storage/overlay").glob("*/diff"))) == 3
    ok("image", "rm", f"{registry.host}/shared:1")
    assert len(list((STORE / "storage/overlay").glob("*/diff"))) == 2


@pytest.mark.parametrize("kind", ["oci directory", "oci archive", "docker archive", "a path with a colon"])
def test_images_are_loaded_from_files(kind, web, tmp_path):
    path = web
    if kind != "oci directory":
        path = archive(web, tmp_path / ("a:b.tar" if "colon" in kind else "web.tar"))
    if kind == "docker archive":
        path = tmp_path / "docker.tar"
        subprocess.run(
            ["skopeo", "--insecure-policy", "copy", "--quiet", f"oci:{web}", f"docker-archive:{path}:web:1"], check=True
        )
    assert ok("image", "load", str(path)) == "image/docker.io/library/web:1 loaded\n"
    assert list(images()) == ["docker.io/library/web:1"]


def test_what_comes_on_standard_input_is_loaded_under_a_name(web, tmp_path):
    words = [sys.executable, "-m", "netlab", "image", "load", "-i", "-", "--name", "team/other:2"]
    with archive(web, tmp_path / "web.tar").open() as given:
        done = subprocess.run(words, stdin=given, capture_output=True, text=True, check=True)
    assert done.stdout == "image/docker.io/team/other:2 loaded\n"


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        pytest.param(b"", "no image can be read", id="an empty file"),
        pytest.param(b"\0" * 10240, "holds no image", id="an empty archive"),
        pytest.param(None, "No such file", id="no file"),
    ],
)
def test_what_is_no_image_is_not_loaded(content, complaint, tmp_path):
    path = tmp_path / "x.tar"
    if content is not None:
        path.write_bytes(content)
    done = netlab("image", "load", str(path))
    assert (done.code, complaint in done.err) == (1, True), done.err


def test_a_name_that_moves_to_another_image_leaves_one_without(registry: Registry, tmp_path):
    for n in (1, 2):
        write_image(tmp_path / f"{n}", [SHELL, [file("n", str(n).encode())]])
        ok("image", "pull", registry.push(tmp_path / f"{n}", "moving:latest"))
    repositories = {row.split()[0] for row in ok("image", "list", "--no-headers").splitlines()}
    assert repositories == {f"{registry.host}/moving", "<none>"}


UNPULLABLE = [
    pytest.param("{host}/no/such:1", 3, "manifest unknown", id="a tag that does not exist"),
    pytest.param("{host}/no/such@sha256:" + "0" * 64, 3, "manifest unknown", id="a digest that does not exist"),
    pytest.param("127.0.0.1:1/x:1", 3, "connection refused", id="a registry that is not there"),
    pytest.param("NO", 1, "couldn't parse image name", id="no name"),
]


@pytest.mark.parametrize(("name", "code", "complaint"), UNPULLABLE)
def test_a_pull_that_fails_says_why_and_leaves_nothing(registry: Registry, name, code, complaint):
    done = netlab("image", "pull", name.format(host=registry.host))
    assert (done.code, complaint in done.err) == (code, True), done.err
    assert images() == {}
    assert not STORE.exists() or not list((STORE / "tmp").iterdir())


def pod(name: str, image: str, **container) -> str:
    spec = {"containers": [{"name": "main", "image": image, **container}], "terminationGracePeriodSeconds": 3}
    return json.dumps({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec})


def state(lab, name: str) -> dict:
    return lab.json("pod", name)["status"]["containerStatuses"][0]


def test_a_pod_runs_from_an_image_as_its_maker_wished(lab, registry: Registry, tmp_path):
    layers = [SHELL, [file("hello", b"from a layer\n"), file("gone")], [file(".wh.gone")]]
    digest = write_image(
        tmp_path / "made", layers, Entrypoint=["/bin/sh", "-c"], Cmd=["trap 'exit 5' QUIT; while sleep 0.1; do :; done"],
        Env=["PATH=/bin", "GREETING=image", "OTHER=image"], User="app", WorkingDir="/work", StopSignal="SIGQUIT",
        Volumes={"/data/here": {}},
    )  # fmt: skip
    name = registry.push(tmp_path / "made", "made:1")
    lab.apply(pod("made", name, env=[{"name": "GREETING", "value": "pod"}]))
    lab("wait", "--for=condition=Ready", "pod/made")
    show = "id; pwd; echo $GREETING $OTHER; cat /hello; ls -d /gone /data/here 2>&1; ls /usr 2>&1"
    assert lab("exec", "made", "--", "sh", "-c", f"{show}; true").splitlines() == [
        "uid=1000(app) gid=1001(app) groups=2000(extra)",
        "/work",
        "pod image",
        "from a layer",
        "ls: /gone: No such file or directory",
        "/data/here",
        "ls: /usr: No such file or directory",
    ]
    found = state(lab, "made")
    assert (found["image"], found["imageID"]) == (name, f"{registry.host}/made@{digest}")
    assert lab.json("events")["items"]
    lab("exec", "made", "--", "sh", "-c", "cat /etc/resolv.conf /etc/hosts /etc/hostname >/dev/null && echo x > /tmp/x")
    assert not list((STORE / "storage/overlay").glob("*/diff/tmp/x"))  # what a container writes is its own
    lab("delete", "pod", "made")


def test_pods_share_layers_and_an_image_in_use_is_not_removed(lab, registry: Registry, web, until):
    name = registry.push(web, "used:1")
    before = len(registry.requests())
    lab.apply("---\n".join(f"{pod(one, name)}\n" for one in ("a", "b")))
    lab("wait", "--for=condition=Ready", "pod/a", "pod/b")
    until(lambda: registry.requests()[before:].count('"GET /v2/used/blobs/') >= 3)  # it writes them down afterwards
    assert registry.requests()[before:].count('"GET /v2/used/blobs/') == 3  # a configuration and two layers, once
    done = netlab("image", "rm", name)
    assert (done.code, "in use by pod default/a of lab" in done.err, "pod default/b" in done.err) == (1, True, True), done.err
    lab("exec", "a", "--", "cat", "/hello")
    lab("delete", "pod", "a", "b")


WAITS = [
    pytest.param(("{host}/no/such:1", {}, "ErrImagePull", "manifest unknown"), id="no such tag"),
    pytest.param(("{host}/no/such@sha256:" + "0" * 64, {}, "ErrImagePull", "manifest unknown"), id="no such digest"),
    pytest.param(("127.0.0.1:1/x:1", {}, "ErrImagePull", "connection refused"), id="no registry"),
    pytest.param(("{host}/no/such:1", {"imagePullPolicy": "Never"}, "ErrImageNeverPull", "Never"), id="never pulled"),
    pytest.param(("NO", {}, "InvalidImageName", "must be lowercase"), id="no name"),
]


@pytest.mark.parametrize("row", WAITS)
def test_a_pod_whose_image_cannot_be_had_says_why(row, lab, registry: Registry, until):
    image, more, reason, message = row
    lab.apply(pod("waits", image.format(host=registry.host), **more))
    found = until(lambda: item if (item := state(lab, "waits")["state"]["waiting"])["reason"] == reason else None)
    assert message in found["message"]
    if reason == "ErrImagePull":
        until(lambda: state(lab, "waits")["state"]["waiting"]["reason"] == "ImagePullBackOff")
    assert lab.json("pod", "waits")["status"]["phase"] == "Pending"
    lab("delete", "pod", "waits")


def test_a_loaded_image_wakes_the_pod_that_waits_for_it(lab, web, until):
    lab.apply(pod("waits", "web:1", imagePullPolicy="Never"))
    until(lambda: state(lab, "waits")["state"].get("waiting", {}).get("reason") == "ErrImageNeverPull")
    ok("image", "load", str(web))
    lab("wait", "--for=condition=Ready", "pod/waits", "--timeout=5s")
    lab("delete", "pod", "waits")


def test_a_pull_whose_program_is_killed_is_repeated(lab, tmp_path, until):
    with contextlib.ExitStack() as kept:
        silent = kept.enter_context(socket.create_server(("127.0.0.1", 0)))
        silent.settimeout(120)  # takes connections and never answers
        lab.apply(pod("slow", f"127.0.0.1:{silent.getsockname()[1]}/slow:1"))
        [lock] = until(lambda: list(Path("/run/netlab/_images/pulls").glob("*/lock")))
        kept.enter_context(silent.accept()[0])
        os.kill(int(lock.read_text()), signal.SIGKILL)
        found = until(
            lambda: item if (item := state(lab, "slow")["state"]["waiting"])["reason"] == "ImagePullBackOff" else None
        )
        assert "was ended" in found["message"]
        kept.enter_context(silent.accept()[0])  # the next one
        lab("delete", "pod", "slow")
        os.kill(int(lock.read_text()), signal.SIGKILL)


def test_two_labs_pull_at_once(lab, registry: Registry, tmp_path):
    with own_name() as other:
        other("up", "--nodes", "1")
        for n in range(4):
            write_image(tmp_path / f"{n}", [SHELL, [file("n", str(n).encode())]], Entrypoint=["/bin/sleep", "1000"])
            registry.push(tmp_path / f"{n}", f"many:{n}")
        for one in (lab, other):
            one.apply("---\n".join(f"{pod(f'p{n}', f'{registry.host}/many:{n}')}\n" for n in range(4)))
        for one in (lab, other):
            one("wait", "--for=condition=Ready", "pod", "--all", "--timeout=60s")
            assert [one("exec", f"p{n}", "--", "cat", "/n") for n in range(4)] == ["0", "1", "2", "3"]
            one("delete", "pod", "--all")


def test_what_always_is_fetched_is_the_newest(lab, registry: Registry, tmp_path, until):
    for n in (1, 2):
        write_image(tmp_path / f"{n}", [SHELL, [file("n", str(n).encode())]], Entrypoint=["/bin/sleep", "1000"])
        name = registry.push(tmp_path / f"{n}", "newest")
        lab.apply(pod(f"p{n}", name))
        lab("wait", "--for=condition=Ready", f"pod/p{n}")
        assert lab("exec", f"p{n}", "--", "cat", "/n") == str(n)
        until(lambda: lab("get", "pods"))
    lab("delete", "pod", "p1", "p2")


def test_a_full_disk_is_named_and_nothing_half_unpacked_stays(lab, registry: Registry, tmp_path, until):
    write_image(tmp_path / "fat", [SHELL, [file("fat", os.urandom(8 << 20))]], Entrypoint=["/bin/sleep", "1000"])
    name = registry.push(tmp_path / "fat", "fat:1")
    STORE.mkdir(mode=0o700)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=9m", "none", STORE], check=True)
    try:
        lab.apply(pod("fat", name))
        found = until(
            lambda: (
                item if "reason" in (item := state(lab, "fat")["state"].get("waiting", {})) and "Err" in item["reason"] else 0
            )
        )
        assert re.search("no space left on device.*; free some space", found["message"])
        assert not list((STORE / "tmp").iterdir())
        assert images() == {}
        assert not list(STORE.rglob("fat"))  # whole layers stay for the next time
        subprocess.run(["mount", "-o", "remount,size=50m", STORE], check=True)
        lab("wait", "--for=condition=Ready", "pod/fat", "--timeout=60s")
        lab("delete", "pod", "fat")
        ok("image", "rm", name)
    finally:
        subprocess.run(["umount", STORE], check=True)


HOSTILE = {
    "a path with ..": [file("../../../../../../../../tmp/escaped", b"x")],
    "an absolute path": [file("/tmp/escaped-inside", b"x")],
    "through an absolute link": [link("way", "/tmp/outside"), file("way/escaped", b"x")],
    "through a relative link": [link("way", "../../../../../../../../../tmp/outside"), file("way/escaped", b"x")],
    "a hard link to outside": [special("hard", tarfile.LNKTYPE, "../../../../../../../../../etc/hostname")],
    "a hard link to an absolute path": [special("hard", tarfile.LNKTYPE, "/tmp/outside/secret"), file("hard", b"overwritten")],
    "a whiteout outside": [file("../../../../../../../../../tmp/outside/.wh.secret")],
    "a whiteout through a link": [link("way", "/tmp/outside"), file("way/.wh.secret")],
}


@pytest.mark.parametrize("entries", HOSTILE.values(), ids=HOSTILE)
def test_a_layer_cannot_leave_its_root(entries, lab, tmp_path):
    outside = Path("/tmp/outside")
    outside.mkdir(exist_ok=True)
    (outside / "secret").write_text("the machine's\n")
    write_image(tmp_path / "bad", [SHELL, entries], "bad:1", Entrypoint=["/bin/sleep", "1000"])
    done = netlab("image", "load", str(tmp_path / "bad"))
    if done.code == 0:
        lab.apply(pod("bad", "bad:1"))
        lab("wait", "--for=condition=Ready", "pod/bad")
        inside = lab("exec", "bad", "--", "sh", "-c", "cat /hard /way/* /tmp/outside/* 2>/dev/null; true")
        assert "the machine's" not in inside
        lab("delete", "pod", "bad")
    assert sorted(path.name for path in outside.iterdir()) == ["secret"]
    assert (outside / "secret").read_text() == "the machine's\n"
    assert not list(Path("/tmp").glob("escaped*"))


UNRUNNABLE = [
    pytest.param(([link("dev", "/tmp")], {}, "/dev of the image is not a directory"), id="a link in place of /dev"),
    pytest.param(([link("proc", "tmp")], {}, "/proc of the image is not a directory"), id="a link in place of /proc"),
    pytest.param(([], {"User": "stranger"}, "unable to find user stranger"), id="a user that is not there"),
    pytest.param(([], {"Entrypoint": None}, "no command specified"), id="nothing to run"),
    pytest.param(([], {"Entrypoint": ["/none"]}, "not found"), id="a program that is not there"),
    pytest.param(([link("w", "loop"), link("loop", "w")], {"WorkingDir": "/w/x"}, "mkdir /w"), id="a directory behind a loop"),
]


@pytest.mark.parametrize("row", UNRUNNABLE)
def test_an_image_that_cannot_be_run_says_why(row, lab, tmp_path, until):
    entries, config, message = row
    write_image(tmp_path / "bad", [SHELL, entries], "bad:1", **({"Entrypoint": ["/bin/sleep", "1000"]} | config))
    ok("image", "load", str(tmp_path / "bad"))
    lab.apply(pod("bad", "bad:1"))
    found = until(lambda: state(lab, "bad").get("lastState", {}).get("terminated"))
    assert message in found["message"]
    lab("delete", "pod", "bad")


def test_an_image_that_cannot_be_understood_troubles_nobody_else(lab, tmp_path, until):
    write_image(tmp_path / "odd", [SHELL], "odd:1", Entrypoint=["/bin/sleep", "1000"], Env=["=x"])
    ok("image", "load", str(tmp_path / "odd"))
    lab.apply(f"{pod('odd', 'odd:1')}\n---\n{pod('host', 'host', command=['sleep', '1000'])}")
    lab("wait", "--for=condition=Ready", "pod/host")
    found = until(lambda: item if (item := state(lab, "odd")["state"]["waiting"])["reason"] != "ContainerCreating" else None)
    assert found["reason"] == "CreateContainerConfigError"
    assert "'=x' is no variable" in found["message"]
    lab("delete", "pod", "odd", "host")
    ok("image", "rm", "odd:1")


def test_devices_of_an_image_are_dead_and_its_passwd_is_its_own(lab, tmp_path):
    users = special("etc/passwd", tarfile.SYMTYPE, "/proc/1/root/etc/passwd")
    memory = special("memory", tarfile.CHRTYPE, mode=0o666, device=(1, 1))  # the machine's
    shell = [entry for entry in SHELL if entry[0].name != "etc/passwd"]
    write_image(tmp_path / "bad", [shell, [users, memory]], "bad:1", Entrypoint=["/bin/sleep", "1000"], User="1000")
    ok("image", "load", str(tmp_path / "bad"))
    lab.apply(pod("bad", "bad:1"))
    lab("wait", "--for=condition=Ready", "pod/bad")
    assert "Operation not permitted" in lab("exec", "bad", "--", "sh", "-c", "busybox head -c 1 /memory 2>&1; true")
    lab("delete", "pod", "bad")


def test_without_skopeo_a_pod_says_what_to_install_and_host_runs(lab, until):
    hidden = Path("/usr/bin/skopeo")
    subprocess.run(["mount", "--bind", "/dev/null", hidden], check=True)
    try:
        lab.apply(f"{pod('waits', 'web:1')}\n---\n{pod('host', 'host', command=['sleep', '1000'])}")
        lab("wait", "--for=condition=Ready", "pod/host")
        found = until(lambda: item if "Err" in (item := state(lab, "waits")["state"]["waiting"])["reason"] else None)
        assert "apt-get install --no-install-recommends skopeo" in found["message"]
        lab("delete", "pod", "waits", "host")
    finally:
        subprocess.run(["umount", hidden], check=True)
