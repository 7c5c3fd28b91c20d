"""A path inside a volume never leads out of it, whatever stands there, and whoever changes it meanwhile."""

import contextlib
import os
import stat
import threading
from typing import get_args

import pytest

from netlab.errors import MountFailure
from netlab.kernel.host_paths import SORTS, check_host_paths
from netlab.kernel.subpaths import make_beneath, open_beneath
from netlab.model.volume import HostPathType
from netlab.netstate.volume import HostPath

ROUNDS = 2000


@pytest.fixture
def volume(tmp_path):
    """A volume of mode 0770 beside a directory with a secret."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/secret").write_text("secret")
    (tmp_path / "v").mkdir()
    (tmp_path / "v").chmod(0o770)
    return tmp_path / "v"


def reached(volume, path):
    root = os.open(volume, os.O_PATH | os.O_DIRECTORY)
    try:
        found = open_beneath(root, path)
    finally:
        os.close(root)
    try:
        return os.readlink(f"/proc/self/fd/{found}")
    finally:
        os.close(found)


@pytest.mark.parametrize(
    ("links", "path"),
    [
        pytest.param({"a": "../outside"}, "a", id="a link that leads out"),
        pytest.param({"a": "../outside"}, "a/secret", id="a link in the middle"),
        pytest.param({"a": "b", "b": "../outside"}, "a", id="a link to a link"),
        pytest.param({"a": "/etc"}, "a/passwd", id="an absolute link"),
        pytest.param({"a": "/proc/self/root"}, "a", id="a link of the kernel's"),
        pytest.param({}, "../outside", id="dots"),
        pytest.param({}, "/etc", id="an absolute path"),
    ],
)
def test_what_leads_out_is_refused(volume, links, path):
    for name, target in links.items():
        (volume / name).symlink_to(target)
    with pytest.raises(OSError, match=r"[Cc]ross-device"):
        reached(volume, path)


def test_a_link_that_stays_inside_is_followed(volume):
    (volume / "data").mkdir()
    (volume / "now").symlink_to("data")
    assert reached(volume, "now") == str(volume / "data")


def test_missing_directories_have_the_mode_of_the_volume(volume):
    root = os.open(volume, os.O_PATH | os.O_DIRECTORY)
    make_beneath(root, "a/b/./c")
    make_beneath(root, "a/b")
    os.close(root)
    assert [stat.S_IMODE((volume / path).stat().st_mode) for path in ("a", "a/b", "a/b/c")] == [0o770] * 3


@pytest.mark.parametrize("target", ["../outside", "/tmp", "nowhere"])
def test_nothing_is_made_through_a_link_that_leads_out(volume, target):
    (volume / "a").symlink_to(target)
    root = os.open(volume, os.O_PATH | os.O_DIRECTORY)
    with pytest.raises(OSError, match=r"[Cc]ross-device|No such file"):
        make_beneath(root, "a/made")
    os.close(root)
    assert os.listdir(volume.parent / "outside") == ["secret"]


def test_somebody_who_swaps_directories_and_links_gets_nobody_out(volume):
    """The attack on a check that is followed by a use: now a directory, now a link to what is outside."""
    (volume / "real").mkdir()
    (volume / "link").symlink_to("../outside")
    (volume / "a").mkdir()
    ends = threading.Event()

    def swap():
        while not ends.is_set():
            for name in ("link", "real"):
                with contextlib.suppress(OSError):
                    os.rename(volume / "a", volume / "aside")
                    os.rename(volume / name, volume / "a")
                    os.rename(volume / "aside", volume / name)

    attacker = threading.Thread(target=swap)
    attacker.start()
    places = set()
    for _ in range(ROUNDS):
        with contextlib.suppress(OSError):
            places.add(reached(volume, "a"))
        root = os.open(volume, os.O_PATH | os.O_DIRECTORY)
        with contextlib.suppress(OSError):
            make_beneath(root, "a/made")
        os.close(root)
    ends.set()
    attacker.join()
    assert places
    assert all(place.startswith(f"{volume}/") for place in places)
    assert os.listdir(volume.parent / "outside") == ["secret"]


@pytest.mark.parametrize(
    ("path", "sort", "words"),
    [
        pytest.param("file", "Directory", "a directory", id="a file as a directory"),
        pytest.param("file", "DirectoryOrCreate", "a directory", id="and nothing is made of it"),
        pytest.param("missing", "Directory", "a directory", id="a missing directory"),
        pytest.param("", "File", "a file", id="a directory as a file"),
        pytest.param("", "FileOrCreate", "a file", id="a directory, where a file could be made"),
        pytest.param("missing", "File", "a file", id="a missing file"),
        pytest.param("file", "Socket", "a socket file", id="a file as a socket"),
        pytest.param("file", "CharDevice", "a character device", id="a file as a device"),
        pytest.param("file", "BlockDevice", "a block device", id="a file as a disk"),
    ],
)
def test_what_is_of_another_sort_is_said(tmp_path, path, sort, words):
    (tmp_path / "file").touch()
    item = HostPath(name="h", path=str(tmp_path / path), type=sort)
    with pytest.raises(MountFailure) as caught:
        check_host_paths([item])
    assert (
        str(caught.value) == f'MountVolume.SetUp failed for volume "h" : hostPath type check failed: {item.path} is not {words}'
    )


def test_what_may_be_made_is_made(tmp_path):
    check_host_paths(
        [
            HostPath(name="a", path=str(tmp_path / "deep/down"), type="DirectoryOrCreate"),
            HostPath(name="b", path=str(tmp_path / "file"), type="FileOrCreate"),
            HostPath(name="c", path=str(tmp_path / "nothing")),
            HostPath(name="d", path="/dev/null", type="CharDevice"),
        ]
    )
    assert sorted(os.listdir(tmp_path)) == ["deep", "file"]
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) & 0o644 == 0o644
    assert set(SORTS) == set(get_args(HostPathType)) - {""}
