"""Names of images in full, and the imagePullPolicy that follows from one."""

import pytest

from netlab.desired.image_names import InvalidImageName, parse, pull_policy

HEX = "ab" * 32
IN_FULL = [
    pytest.param("redis", "docker.io/library/redis:latest", id="a bare name is in the library, latest"),
    pytest.param("redis:7", "docker.io/library/redis:7", id="a tag stays"),
    pytest.param("team/web", "docker.io/team/web:latest", id="a path without a registry is not in the library"),
    pytest.param("docker.io/redis", "docker.io/library/redis:latest", id="the default registry may be named"),
    pytest.param("index.docker.io/redis", "docker.io/library/redis:latest", id="also by its old name"),
    pytest.param("registry.example/redis", "registry.example/redis:latest", id="a dot makes a registry"),
    pytest.param("localhost/web", "localhost/web:latest", id="localhost is a registry"),
    pytest.param("127.0.0.1:5000/a/b:1.2_x-y", "127.0.0.1:5000/a/b:1.2_x-y", id="a port makes a registry"),
    pytest.param("[::1]:5000/a", "[::1]:5000/a:latest", id="a registry may be an IPv6 address"),
    pytest.param("Registry/a", "Registry/a:latest", id="capitals make a registry"),
    pytest.param(f"redis@sha256:{HEX}", f"docker.io/library/redis@sha256:{HEX}", id="a digest instead of a tag"),
    pytest.param(f"redis:7@sha256:{HEX}", f"docker.io/library/redis@sha256:{HEX}", id="a digest beats a tag"),
    pytest.param("a__b/c---d.e", "docker.io/a__b/c---d.e:latest", id="separators between letters"),
]


@pytest.mark.parametrize(("text", "name"), IN_FULL)
def test_a_name_means_this_image(text, name):
    assert str(parse(text)) == name
    assert parse(str(parse(text))) == parse(text)
    assert parse(parse(text).familiar) == parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "", ":", "@", "redis:", "redis:-1", "redis:7:8", "-redis", "redis-", "a//b", "/redis", "redis/", "Redis", "a/../b",
        "redis@", "redis@sha256:12", f"redis@md5:{HEX}", f"redis@sha256:{HEX.upper()}", HEX, "two words", "redis\n", "a/" * 200 + "b",
        "--flag", "oci:/etc", "docker://redis", "r..e/x", "[::1/x", "redis:" + "t" * 129, "é/x",
    ],
)  # fmt: skip
def test_what_is_no_name_is_refused(text):
    with pytest.raises(InvalidImageName, match="couldn't parse image name"):
        parse(text)


@pytest.mark.parametrize(
    ("image", "wished", "holds"),
    [
        ("redis", "", "Always"),
        ("redis:latest", "", "Always"),
        ("redis:7", "", "IfNotPresent"),
        (f"redis@sha256:{HEX}", "", "IfNotPresent"),
        ("redis", "Never", "Never"),
        ("NO NAME", "", "IfNotPresent"),
    ],
)
def test_the_pull_policy_that_is_not_wished_follows_from_the_tag(image, wished, holds):
    assert pull_policy(image, wished) == holds


@pytest.mark.parametrize(
    ("image", "plain"),
    [
        ("127.0.0.1:5000/a", True),
        ("localhost:5000/a", True),
        ("[::1]:5000/a", True),
        ("127.0.0.1.example/a", False),
        ("10.0.0.1:5000/a", False),
        ("redis", False),
    ],
)
def test_only_a_registry_on_loopback_may_be_asked_without_tls(image, plain):
    assert parse(image).is_plain_http is plain
