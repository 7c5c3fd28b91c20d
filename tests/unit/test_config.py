"""ConfigMaps and Secrets: what they hold, what may not change, and that nobody reads a password in passing."""

import pytest

from netlab.cli.diff import Pair, differences
from netlab.manifest.config_rules import MAX_CONFIG_BYTES, config_map_problems, immutable_fault, secret_problems
from netlab.model.codec import decode_object
from netlab.model.config import ConfigMap, Secret
from netlab.model.meta import ObjectMeta

META = ObjectMeta(name="x", namespace="default")
FIXED = "field is immutable when `immutable` is set"


def secret(**fields):
    return Secret(metadata=META, **fields)


def config_map(**fields):
    return ConfigMap(metadata=META, **fields)


def test_text_of_a_secret_wins_over_its_base64_and_is_not_kept():
    plain = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "x", "namespace": "default"}}
    found = decode_object({**plain, "data": {"a": "b2xk", "b": "AA\n==\n"}, "stringData": {"a": "n\u00e9w"}}, [])
    assert found == secret(data={"a": "bsOpdw==", "b": "AA=="})
    assert found.contents == {"a": "n\u00e9w".encode(), "b": b"\0"}


def test_a_config_map_holds_text_and_bytes():
    assert config_map(data={"a": "\u00e9"}, binary_data={"b": "/w=="}).contents == {"a": b"\xc3\xa9", "b": b"\xff"}


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        pytest.param(config_map(data={"a": "1"}), config_map(data={"a": "2"}), "", id="an ordinary one may change"),
        pytest.param(config_map(), config_map(immutable=True), "", id="and become immutable"),
        pytest.param(config_map(immutable=True), config_map(), f"immutable: Forbidden: {FIXED}", id="for good"),
        pytest.param(
            config_map(immutable=True), config_map(immutable=True, data={"a": "1"}), f"data: Forbidden: {FIXED}", id="data"
        ),
        pytest.param(
            config_map(immutable=True),
            config_map(immutable=True, binary_data={"a": "AA=="}),
            f"binaryData: Forbidden: {FIXED}",
            id="binaryData",
        ),
        pytest.param(
            secret(immutable=True), secret(immutable=True, data={"a": "AA=="}), f"data: Forbidden: {FIXED}", id="a Secret's"
        ),
        pytest.param(secret(), secret(type="x/y"), 'type: Invalid value: "x/y": field is immutable', id="a Secret's type"),
    ],
)
def test_what_is_immutable_stays_as_it_is(old, new, fault):
    assert immutable_fault(old, new) == fault


@pytest.mark.parametrize(
    ("found", "paths"),
    [
        pytest.param(config_map_problems(config_map(data={"a": "x" * MAX_CONFIG_BYTES})), [], id="1 MiB of text"),
        pytest.param(
            config_map_problems(config_map(data={"a": "\u00e9" * (MAX_CONFIG_BYTES // 2) + "x"})), ["data"], id="more"
        ),
        pytest.param(secret_problems(secret(data={"a": "AAAA" * (MAX_CONFIG_BYTES // 3) + "AA=="})), [], id="1 MiB of bytes"),
        pytest.param(
            secret_problems(secret(data={"a": "AAAA" * (MAX_CONFIG_BYTES // 3) + "AAA="})), ["data"], id="a byte more"
        ),
        pytest.param(
            secret_problems(secret(type="kubernetes.io/basic-auth", data={"password": "AA=="})), [], id="one of two keys"
        ),
    ],
)
def test_sizes_count_in_bytes(found, paths):
    assert [path for path, _, _ in found] == paths


def test_a_difference_does_not_say_what_a_secret_holds():
    pair = Pair(secret(data={"a": "b2xk", "b": "c2FtZQ=="}), secret(data={"a": "bmV3", "b": "c2FtZQ==", "c": "bmV3"}))
    lines = list(differences(pair))
    assert {"-  a: '*** (before)'", "+  a: '*** (after)'", "   b: '***'", "+  c: '***'"} < set(lines)
    assert not any(text in line for line in lines for text in ("b2xk", "bmV3", "c2FtZQ"))
