"""Files in a root directory that a stranger made: nothing outside of it is read or made."""

import os

import pytest

from netlab.kernel.in_root import is_directory, make_directories, read_in_root

HOSTILE = [
    pytest.param("/etc/secret", id="an absolute link"),
    pytest.param("../../../../../../../../../../etc/secret", id="a link with many .."),
    pytest.param("/proc/self/root/etc/secret", id="a link through /proc"),
]


@pytest.fixture
def root(tmp_path):
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/secret").write_text("the machine's")
    (tmp_path / "image/etc").mkdir(parents=True)
    handle = os.open(tmp_path / "image", os.O_PATH | os.O_DIRECTORY)
    yield handle
    os.close(handle)


@pytest.mark.parametrize("target", HOSTILE)
def test_a_link_leads_nowhere_outside(target, root, tmp_path):
    (tmp_path / "image/etc/passwd").symlink_to(target)
    assert read_in_root(root, "/etc/passwd") == ""
    (tmp_path / "image/etc/secret").write_text("the image's own")
    assert read_in_root(root, "/etc/passwd") in {"the image's own", ""}


def test_a_link_to_the_machine_s_file_by_its_whole_path_leads_nowhere(root, tmp_path):
    (tmp_path / "image/etc/passwd").symlink_to(tmp_path / "etc/secret")
    assert read_in_root(root, "/etc/passwd") == ""


def test_a_fifo_or_a_directory_is_no_file(root, tmp_path):
    os.mkfifo(tmp_path / "image/etc/passwd")
    (tmp_path / "image/etc/group").mkdir()
    assert read_in_root(root, "/etc/passwd") == read_in_root(root, "/etc/group") == ""


def test_directories_are_made_inside_only(root, tmp_path):
    (tmp_path / "image/out").symlink_to("../..")
    (tmp_path / "image/abs").symlink_to(tmp_path)
    make_directories(root, "/a/b/c")
    make_directories(root, "out/made")
    assert (tmp_path / "image/a/b/c").is_dir()
    assert (tmp_path / "image/made").is_dir()
    assert not (tmp_path / "made").exists()
    with pytest.raises(OSError, match="No such file"):
        make_directories(root, "/abs/made")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["etc", "image"]


def test_a_link_to_a_directory_is_none(root, tmp_path):
    (tmp_path / "image/dev").symlink_to("etc")
    assert (is_directory(root, "etc"), is_directory(root, "dev"), is_directory(root, "missing")) == (True, False, True)
