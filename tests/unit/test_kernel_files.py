"""Many directories are removed at once, each once, by as many programs as they are worth; files that several threads write."""

import os
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from netlab.kernel import files, mounts
from netlab.kernel.runtime_host import spread

EXT4_MAGIC = 0xEF53


@pytest.mark.parametrize(
    ("directories", "programs"),
    [(0, 0), (1, 1), (files.WORTH_ONE, 1), (files.WORTH_ONE + 1, 2), (1000, files.REMOVERS)],
)
def test_directories_are_removed_side_by_side(tmp_path, monkeypatch, directories, programs):
    started = []

    class Counted(subprocess.Popen):
        def __init__(self, words, **options):
            started.append(words)
            super().__init__(words, **options)

    monkeypatch.setattr(subprocess, "Popen", Counted)
    paths = [tmp_path / str(n) for n in range(directories)]
    for path in paths[1:]:  # the first one is not there
        (path / "below").mkdir(parents=True)
        (path / "below/file").touch()
    files.remove_trees(paths)
    assert len(started) == programs
    assert list(tmp_path.iterdir()) == []


def test_threads_that_write_the_same_file_are_not_in_each_others_way(tmp_path, monkeypatch):
    """Pods that start side by side keep the same compiled filter. Here both have written before one takes the name."""
    written, replace = threading.Barrier(2, timeout=60), os.replace
    monkeypatch.setattr(files.os, "replace", lambda *paths: (written.wait(), replace(*paths)))
    with ThreadPoolExecutor(2) as threads:
        assert list(threads.map(lambda text: files.replace_text(tmp_path / "x", text), ("1", "2"))) == [True, True]
    assert (tmp_path / "x").read_text() in {"1", "2"}
    assert os.listdir(tmp_path) == ["x"]


def test_directories_are_spread_where_the_file_system_can(tmp_path):
    spread(tmp_path)
    spread(Path("/proc"))  # knows no such wish
    if mounts.filesystem_type(tmp_path) == EXT4_MAGIC:
        flags = subprocess.run(["lsattr", "-d", tmp_path], check=True, capture_output=True, text=True).stdout.split()[0]
        assert "T" in flags
