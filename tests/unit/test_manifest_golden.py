"""Manifests as files: what is said of each bad one, and that good ones survive being printed and read again.

`NETLAB_UPDATE_GOLDEN=1 pytest tests/unit/test_manifest_golden.py` rewrites the texts; read the diff.
"""

import io
import json
import os
from pathlib import Path

import pytest
import yaml

from netlab.errors import ManifestError
from netlab.manifest.load import load
from netlab.model.codec import encode

FOLDER = Path(__file__).parents[1] / "golden" / "manifests"
BAD = sorted((FOLDER / "errors").glob("*.yaml"))
GOOD = sorted((FOLDER / "good").glob("*.yaml"))


def test_there_are_cases():
    assert len(BAD) >= 25
    assert GOOD


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_every_problem_is_said(path):
    with pytest.raises(ManifestError) as caught:
        load([str(path)])
    said = "".join(f"{problem}\n" for problem in caught.value.problems).replace(f"{path.parent}/", "")
    expected = path.with_suffix(".txt")
    if os.environ.get("NETLAB_UPDATE_GOLDEN"):
        expected.write_text(said)
    assert said == expected.read_text()


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
@pytest.mark.parametrize("dump", [yaml.safe_dump, json.dumps], ids=["yaml", "json"])
def test_good_manifest_printed_and_read_again_is_the_same(path, dump):
    objects = load([str(path)])
    text = dump({"apiVersion": "v1", "kind": "List", "items": [encode(item) for item in objects]})
    assert load(["-"], stdin=io.StringIO(text)) == objects
