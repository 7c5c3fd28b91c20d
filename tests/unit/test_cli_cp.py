"""The forms of `cp`, and what a tar stream that nobody trusts may do here."""

from __future__ import annotations

import io
import os
import socket
import tarfile
import threading

import pytest

from netlab.cli.cp import FileSpec, check, file_spec
from netlab.errors import NetlabError
from netlab.kernel.archive import pack, unpack
from netlab.kernel.copying import first_error


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        pytest.param("/tmp/x", FileSpec("/tmp/x"), id="a path here"),
        pytest.param("./a:b", FileSpec("./a:b"), id="a path here with a colon"),
        pytest.param("/tmp/a:b", FileSpec("/tmp/a:b"), id="an absolute path here with a colon"),
        pytest.param("web:/tmp/x", FileSpec("/tmp/x", "web"), id="a path in a Pod"),
        pytest.param("team/web:x", FileSpec("x", "web", "team"), id="a path in a Pod of a Namespace"),
        pytest.param("web:a:b", FileSpec("a:b", "web"), id="a path in a Pod with a colon"),
        pytest.param("web:", FileSpec("", "web"), id="no path"),
    ],
)
def test_forms(word, expected):
    assert file_spec(word) == expected


@pytest.mark.parametrize("word", [":x", "a/b/c:x", "team/:x"])
def test_forms_that_mean_nothing(word):
    with pytest.raises(NetlabError, match=r"filespec must match the canonical format: \[\[namespace/\]pod:\]file/path"):
        file_spec(word)


@pytest.mark.parametrize(
    ("source", "destination", "message"),
    [
        pytest.param("a", "b", "one of src or dest must be a remote file specification", id="both here"),
        pytest.param("a:b", "c:d", "one of src or dest must be a local file specification", id="both there"),
        pytest.param("a:", "b", "filepath can not be empty", id="no path there"),
        pytest.param("a:b", "", "filepath can not be empty", id="no path here"),
    ],
)
def test_pairs_that_mean_nothing(source, destination, message):
    with pytest.raises(NetlabError, match=message):
        check(file_spec(source), file_spec(destination))


def stream(*members):
    """A tar stream of (name, changes, content)."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for name, changes, content in members:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            for field, value in {"mode": 0o644, **changes}.items():
                setattr(member, field, value)
            archive.addfile(member, io.BytesIO(content))
    return io.BufferedReader(io.BytesIO(data.getvalue()))


def file(name, content=b"new", **changes):
    return name, changes, content


def directory(name):
    return name, {"type": tarfile.DIRTYPE, "mode": 0o755}, b""


def link(name, leads_to):
    return name, {"type": tarfile.SYMTYPE, "linkname": leads_to}, b""


def hard(name, same_as):
    return name, {"type": tarfile.LNKTYPE, "linkname": same_as}, b""


def tree(path):
    """All below a directory: name -> content, link (`-> x`) or `/`."""
    found = {}
    for one in sorted(path.rglob("*")):
        name = str(one.relative_to(path))
        found[name] = f"-> {os.readlink(one)}" if one.is_symlink() else "/" if one.is_dir() else one.read_text()
    return found


@pytest.fixture
def home(tmp_path):
    """A place with a secret beside the target."""
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "outside").mkdir()
    return tmp_path


def test_a_directory_with_all_in_it(home):
    members = [directory("d"), directory("d/e"), file("d/e/f", b"1"), link("d/g", "e/f"), hard("d/h", "d/e/f")]
    assert unpack(stream(*members), "d", home / "new" / "target", pytest.fail) == 5
    assert tree(home / "new" / "target") == {"e": "/", "e/f": "1", "g": "-> e/f", "h": "1"}


def test_a_file_goes_into_a_directory_that_is_there_or_becomes_the_target(home):
    (home / "target").mkdir()
    unpack(stream(file("f", b"1")), "f", home / "target", pytest.fail)
    unpack(stream(file("f", b"2")), "f", home / "other", pytest.fail)
    unpack(stream(file("f", b"3")), "f", home / "other", pytest.fail)
    assert (tree(home / "target"), (home / "other").read_text()) == ({"f": "1"}, "3")


def test_the_root_directory(home):
    unpack(stream(directory("."), directory("./e"), file("./e/f", b"1")), ".", home / "target", pytest.fail)
    assert tree(home / "target") == {"e": "/", "e/f": "1"}


def test_permissions_but_no_special_bits(home):
    unpack(stream(directory("d"), file("d/x", mode=0o6750)), "d", home / "target", pytest.fail)
    assert (home / "target/x").stat().st_mode & 0o7777 == 0o750 & ~os.umask(os.umask(0))


@pytest.mark.parametrize(
    ("members", "message"),
    [
        pytest.param([file("../secret")], "is not in 'd'", id="a name that leads up"),
        pytest.param([directory("d"), file("d/../../secret")], "leads out of 'd'", id="a name that leads up on its way"),
        pytest.param([file("/etc/passwd")], "is not in 'd'", id="an absolute name"),
        pytest.param([file("other")], "is not in 'd'", id="another name"),
        pytest.param([file("do")], "is not in 'd'", id="a name with the same beginning"),
        pytest.param([file("d/./x")], "leads out of 'd'", id="a name with a dot"),
        pytest.param([directory("d"), hard("d/x", "../secret")], "is not in 'd'", id="a hard link that leads up"),
        pytest.param([directory("d"), hard("d/x", "d/y")], "which is not in it", id="a hard link to what is not there"),
        pytest.param([directory("d"), link("d/y", "../secret"), hard("d/x", "d/y")], "not in it", id="a hard link to a link"),
    ],
)
def test_streams_that_are_refused(home, members, message):
    with pytest.raises(NetlabError) as raised:
        unpack(stream(*members), "d", home / "target", pytest.fail)
    assert "tar contents corrupted" in str(raised.value)
    assert message in str(raised.value)
    assert (home / "secret").read_text() == "secret"
    assert tree(home / "outside") == {}


@pytest.mark.parametrize(
    "links",
    [
        pytest.param({"x": "/etc/passwd"}, id="an absolute one"),
        pytest.param({"x": "../secret"}, id="one that leads up"),
        pytest.param({"x": "e/../../secret"}, id="one that leads up on its way"),
        pytest.param({"x": "../target-2/secret"}, id="one into a directory whose name begins the same"),
        pytest.param({"x": "y/y/../..", "y": "."}, id="one that leads up because of another"),
        pytest.param({"y": ".", "x": "y/y/../.."}, id="the same, the other way round"),
        pytest.param({"x": "x"}, id="a circle"),
    ],
)
def test_links_that_lead_out_are_left_out(home, links):
    said = []
    members = [directory("d"), directory("d/e"), *(link(f"d/{name}", leads_to) for name, leads_to in links.items())]
    unpack(stream(*members), "d", home / "target", said.append)
    left = {name: text for name, text in tree(home / "target").items() if text != "/"}
    assert "x" not in left
    assert any(f"skipping symlink: '{home}/target/x'" in line for line in said)


def test_many_links_are_not_told_one_by_one(home):
    said = []
    unpack(stream(directory("d"), *(link(f"d/{n}", "/x") for n in range(9))), "d", home / "target", said.append)
    assert said[3:] == [f"warning: skipping 6 more symlinks that lead out of '{home}/target'"]


def test_nothing_is_written_through_a_link_of_the_stream(home):
    members = [directory("d"), link("d/x", "../outside"), file("d/x/f")]
    unpack(stream(*members), "d", home / "target", lambda _: None)
    assert tree(home / "outside") == {}


@pytest.mark.parametrize("name", ["d/x/f", "d/x"])
def test_nothing_is_written_through_a_link_that_was_there(home, name):
    (home / "target").mkdir()
    (home / "target/x").symlink_to(home / "outside" if name == "d/x/f" else home / "secret")
    with pytest.raises(OSError, match=r"Not a directory|symbolic links"):
        unpack(stream(directory("d"), file(name)), "d", home / "target", pytest.fail)
    assert (tree(home / "outside"), (home / "secret").read_text()) == ({}, "secret")


def test_devices_are_not_made(home):
    said = []
    fifo = ("d/p", {"type": tarfile.FIFOTYPE}, b"")
    device = ("d/q", {"type": tarfile.CHRTYPE, "devmajor": 1, "devminor": 1}, b"")
    unpack(stream(directory("d"), fifo, device), "d", home / "target", said.append)
    assert tree(home / "target") == {}
    assert said == [f"warning: skipping 'd/{one}': neither a file, a directory nor a link" for one in "pq"]


def test_what_is_in_the_way_and_no_file_is_not_written_to(home):
    (home / "target").mkdir()
    os.mkfifo(home / "target/x")
    reader = os.open(home / "target/x", os.O_RDONLY | os.O_NONBLOCK)
    try:
        with pytest.raises(NetlabError, match="is in the way: it is no ordinary file"):
            unpack(stream(directory("d"), file("d/x")), "d", home / "target", pytest.fail)
    finally:
        os.close(reader)


@pytest.mark.parametrize(("cut", "size"), [(700, 100), (600, 100_000)])
def test_a_stream_that_ends_too_early(home, cut, size):
    whole = stream(file("f", b"x" * size)).read()
    with pytest.raises(NetlabError, match="tar contents corrupted: unexpected end of data"):
        unpack(io.BufferedReader(io.BytesIO(whole[:cut])), "f", home / "target", pytest.fail)


def test_no_stream_at_all(home):
    assert unpack(io.BufferedReader(io.BytesIO()), "f", home / "target", pytest.fail) == 0
    assert not (home / "target").exists()


def test_there_and_back_through_a_pipe(home):
    source = home / "source"
    (source / "sub").mkdir(parents=True)
    (source / "sub/large").write_bytes(os.urandom(3_000_000))
    (source / "empty").mkdir()
    (source / "link").symlink_to("sub/large")
    (source / ("long" * 60)).write_text("name")
    said = []
    with socket.socket(socket.AF_UNIX) as plug:
        plug.bind(str(source / "socket"))
        reading, writing = os.pipe()

        def send():
            with os.fdopen(writing, "wb") as end:
                pack(source, "name", end, said.append)

        sender = threading.Thread(target=send)
        sender.start()
        with os.fdopen(reading, "rb") as end:
            unpack(end, "name", home / "target", pytest.fail)
        sender.join()
    assert (home / "target/sub/large").read_bytes() == (source / "sub/large").read_bytes()
    assert sorted(os.listdir(home / "target")) == ["empty", "link", "long" * 60, "sub"]
    assert said in ([], ["warning: skipping 'name/socket': neither a file, a directory nor a link"])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "tar: nosuch: Cannot stat: No such file\ntar: Exiting with failure status due to previous errors\n",
            "nosuch: Cannot stat: No such file",
        ),
        ("tar: Removing leading `/' from member names\n", ""),
        ("", ""),
    ],
)
def test_what_tar_says(text, expected):
    assert first_error(text) == expected
