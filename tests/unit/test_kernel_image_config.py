"""The configuration of images: what is read from it, and that nothing strange passes."""

import json

import pytest

from netlab.errors import KernelError
from netlab.kernel.image_config import parse_config
from netlab.kernel.skopeo import reason
from netlab.netstate.image import ImageConfig

FULL = {
    "Entrypoint": ["/bin/sh"],
    "Cmd": ["-c", "x"],
    "Env": ["PATH=/bin", "EMPTY=", "A=b=c"],
    "User": "app:1",
    "WorkingDir": "/w",
    "StopSignal": "SIGQUIT",
    "Volumes": {"/data": {}},
}


def test_every_field_is_read():
    assert parse_config(json.dumps({"config": FULL})) == ImageConfig(
        entrypoint=("/bin/sh",), cmd=("-c", "x"), env=(("PATH", "/bin"), ("EMPTY", ""), ("A", "b=c")), user="app:1",
        working_dir="/w", stop_signal="SIGQUIT", volumes=("/data",),
    )  # fmt: skip


@pytest.mark.parametrize("config", ["{}", '{"config": null}', '{"config": {"Entrypoint": null, "Env": null}}'])
def test_what_is_missing_is_empty(config):
    assert parse_config(config) == ImageConfig()


@pytest.mark.parametrize(
    "config",
    [
        "", "[]", "{", '{"config": []}', '{"config": {"Cmd": "sh"}}', '{"config": {"Cmd": [1]}}', '{"config": {"User": {"a": 1}}}',
        '{"config": {"Env": ["=x"]}}', '{"config": {"Cmd": ["a\\u0000b"]}}', '{"config": {"Volumes": []}}'.replace("[]", "[1]"),
        "[" * 100000,
        '{"config": {"Env": ["A=\\ud800"]}}',
    ],
)  # fmt: skip
def test_what_is_no_configuration_is_refused(config):
    with pytest.raises(KernelError, match="configuration of the image"):
        parse_config(config)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        pytest.param('time="x" level=fatal msg="a \\"b\\": c"\n', 'a "b": c', id="the last complaint, without its quotes"),
        pytest.param('time="x" level=error msg="first"\ntime="x" level=fatal msg="last"', "last", id="of several the last"),
        pytest.param("usage: ...\nno such thing\n", "no such thing", id="else the last line"),
        pytest.param("", "skopeo ended without a word", id="or that there is none"),
    ],
)
def test_what_skopeo_complains_of_is_the_reason(said, told):
    assert reason(said) == told


def test_a_full_disk_has_a_cure():
    assert "free some space" in reason('level=fatal msg="write /x: no space left on device"')
