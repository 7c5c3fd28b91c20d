"""Files of volumes are exchanged all at once, whatever a writer that was killed left."""

import os
import threading
from pathlib import Path

import pytest

from netlab.errors import KernelError
from netlab.kernel.poddir import LabDirectories
from netlab.kernel.volume_files import RECORD, write_files, write_volumes, written
from netlab.netstate.volume import VolumeFile, VolumeFiles, digest_of

ROUNDS = 200


def files(text, *paths, mode=0o640):
    return tuple(VolumeFile(path=path, content=text.encode(), mode=mode) for path in paths)


def seen(directory):
    """What a container sees: every file that does not begin with two dots, with its text and mode."""
    found = {}
    for root, folders, names in os.walk(directory, followlinks=True):
        folders[:] = [name for name in folders if not name.startswith("..")]
        for path in (Path(root, name) for name in names):
            found[str(path.relative_to(directory))] = (path.read_text(), path.stat().st_mode & 0o7777)
    return found


def test_files_come_change_and_go(tmp_path):
    write_files(tmp_path, files("1", "a", "deep/down/b"))
    assert seen(tmp_path) == {"a": ("1", 0o640), "deep/down/b": ("1", 0o640)}
    write_files(tmp_path, files("2", "a", "c", mode=0o400))
    assert seen(tmp_path) == {"a": ("2", 0o400), "c": ("2", 0o400)}
    assert sorted(name for name in os.listdir(tmp_path) if not name.startswith("..2")) == ["..data", "a", "c"]
    assert len(os.listdir(tmp_path)) == len(["..data", "a", "c", "the directory"])


def test_an_open_directory_and_an_open_file_stay_as_they_were(tmp_path):
    write_files(tmp_path, files("1", "a"))
    with (tmp_path / "a").open() as before:
        write_files(tmp_path, files("2", "a"))
        assert before.read() == "1"


def test_a_reader_never_sees_half_of_a_change(tmp_path):
    write_files(tmp_path, files("0", "a", "b"))
    ends = threading.Event()
    odd = []

    def read():
        while not ends.is_set():
            try:
                data = os.open(tmp_path / "..data", os.O_PATH)
            except FileNotFoundError:
                continue  # what the link said was gone before it was followed
            try:
                texts = [Path(f"/proc/self/fd/{data}/{name}").read_text() for name in ("a", "b")]
                odd.extend([] if texts[0] and texts[0] == texts[1] else [texts])
            except FileNotFoundError:
                pass  # what was opened is gone by now, both files of it
            finally:
                os.close(data)

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(ROUNDS):
        write_files(tmp_path, files(str(number), "a", "b"))
    ends.set()
    reader.join()
    assert odd == []


def test_what_a_killed_writer_left_goes(tmp_path):
    write_files(tmp_path, files("1", "a"))
    (tmp_path / "..2001_01_31_12_00_00.x").mkdir()
    (tmp_path / "..data_tmp").symlink_to("nowhere")
    write_files(tmp_path, files("2", "a"))
    assert seen(tmp_path) == {"a": ("2", 0o640)}
    assert not {"..2001_01_31_12_00_00.x", "..data_tmp"} & set(os.listdir(tmp_path))


@pytest.mark.parametrize("path", ["../a", "a/../../b", "/a", "a//b", ".", "a/."])
def test_no_path_leads_out_of_the_volume(tmp_path, path):
    (tmp_path / "v").mkdir()
    with pytest.raises(KernelError):
        write_files(tmp_path / "v", files("1", path))
    assert os.listdir(tmp_path) == ["v"]


def test_secret_files_are_not_in_the_directory_on_the_disk(tmp_path):
    places = LabDirectories(state=tmp_path / "run", data=tmp_path / "disk", lab="t")
    (tmp_path / "disk/pods/u/volumes").mkdir(parents=True)
    (tmp_path / "run/pods/u").mkdir(parents=True)
    volumes = (VolumeFiles(name="s", files=files("secret", "a"), in_memory=True), VolumeFiles(name="c", files=files("1", "b")))
    write_volumes(places, "u", volumes)
    pod = places.pod("u").path
    assert seen(places.secrets("u")) == {"s/a": ("secret", 0o640)}
    assert set(seen(tmp_path / "disk")) == {"pods/u/volumes/c/b"}
    assert written(pod) == digest_of(volumes) == (pod / RECORD).read_text()


def test_only_what_changed_is_written(tmp_path):
    places = LabDirectories(state=tmp_path, data=tmp_path, lab="t")
    (tmp_path / "pods/u/volumes").mkdir(parents=True)

    def write(text):
        write_volumes(
            places, "u", [VolumeFiles(name="same", files=files("1", "a")), VolumeFiles(name="v", files=files(text, "a"))]
        )
        return [(tmp_path / "pods/u/volumes" / name / "..data").readlink() for name in ("same", "v")]

    one, two, three = write("1"), write("2"), write("2")
    assert one[0] == two[0]
    assert one[1] != two[1]
    assert two == three
