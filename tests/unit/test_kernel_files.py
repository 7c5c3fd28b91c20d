"""Many directories are removed at once, each once, by as many programs as they are worth."""

import subprocess

import pytest

from netlab.kernel import files


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
