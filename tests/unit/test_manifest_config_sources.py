"""ConfigMaps and Secrets from words and files: what becomes of each, and what is refused without saying what is secret."""

import base64
import subprocess

import pytest

from netlab.errors import NetlabError
from netlab.manifest.config_sources import contents, key_pair, new_config_map, new_secret, registry_login


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "a.txt").write_text("text\n")
    (tmp_path / "b.bin").write_bytes(b"\xff\0")
    (tmp_path / "deep").mkdir()
    (tmp_path / "env").write_text("\ufeff# comment\n\n A=1\nB=x=y\nHOME\nNOSUCH\n")
    monkeypatch.setenv("HOME", "/root")
    monkeypatch.delenv("NOSUCH", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("literals", "files", "env_files", "found"),
    [
        pytest.param(["a=b=c", "q='x y'"], [], [], {"a": b"b=c", "q": b"x y"}, id="literals"),
        pytest.param([], ["a.txt", "key=b.bin"], [], {"a.txt": b"text\n", "key": b"\xff\0"}, id="files"),
        pytest.param([], [], ["env"], {"A": b"1", "B": b"x=y", "HOME": b"/root"}, id="a list of variables"),
    ],
)
def test_what_becomes_of_words_and_files(folder, literals, files, env_files, found):
    assert contents("ConfigMap", literals, files, env_files) == found


def test_a_directory_is_its_files(folder):
    assert set(contents("Secret", [], ["."], [])) == {"a.txt", "b.bin", "env"}


def test_bytes_of_a_config_map_are_binary_data(folder):
    made = new_config_map("m", "default", contents("ConfigMap", [], ["a.txt", "b.bin"], []))
    assert (made.data, made.binary_data) == ({"a.txt": "text\n"}, {"b.bin": "/wA="})


@pytest.mark.parametrize(
    ("literals", "files", "env_files", "message"),
    [
        (["hunter2"], [], [], "invalid literal source hunter2, expected key=value"),
        (["=hunter2"], [], [], "invalid literal source =..., expected key=value"),
        (["a=1", "a=2"], [], [], 'cannot add key "a", another key by that name already exists'),
        (["a b=1"], [], [], '"a b" is not a valid key name for a Secret: '),
        ([], ["nosuch"], [], "error reading nosuch: no such file or directory"),
        ([], ["x=deep"], [], "cannot give a key name for a directory path"),
        ([], ["x="], [], "key name or file path for file path x= missing"),
        ([], [], ["b.bin"], "env file b.bin contains invalid utf8 bytes"),
        (["a=1"], [], ["env"], "from-env-file cannot be combined with from-file or from-literal"),
        ([], ["/dev/zero"], [], "/dev/zero has more than 1048576 bytes"),
    ],
)
def test_what_cannot_be_used_is_said(folder, literals, files, env_files, message):
    with pytest.raises(NetlabError) as caught:
        contents("Secret", literals, files, env_files)
    assert str(caught.value).startswith(message)


def test_a_login_is_what_docker_writes():
    made = new_secret("pull", "default", registry_login("r.test", "u", "p", ""), "kubernetes.io/dockerconfigjson")
    assert (
        base64.b64decode(made.data[".dockerconfigjson"])
        == b'{"auths":{"r.test":{"username":"u","password":"p","auth":"dTpw"}}}'
    )


def test_a_certificate_needs_its_own_key(tmp_path):
    for name in ("one", "two"):
        command = [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-subj",
            "/CN=t",
        ]
        paths = [str(tmp_path / f"{name}.{end}") for end in ("key", "crt")]
        subprocess.run([*command, "-keyout", paths[0], "-out", paths[1]], check=True, capture_output=True)
    one, other = (str(tmp_path / f"{name}.key") for name in ("one", "two"))
    certificate = str(tmp_path / "one.crt")
    assert set(key_pair(certificate, one)) == {"tls.crt", "tls.key"}
    with pytest.raises(NetlabError, match="failed to load key pair"):
        key_pair(certificate, other)
    with pytest.raises(NetlabError, match="failed to load key pair"):
        key_pair(one, one)
