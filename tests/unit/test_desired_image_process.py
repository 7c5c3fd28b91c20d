"""What runs in a container of an image: Kubernetes' rules for entrypoint, command and variables."""

import pytest

from netlab.desired.image_process import arguments, process_of_image
from netlab.errors import NetlabError
from netlab.manifest.generate import new_pod
from netlab.netstate.image import Image, ImageConfig

CONFIG = ImageConfig(
    entrypoint=("/entry",), cmd=("default",), env=(("PATH", "/image/bin"), ("A", "image"), ("B", "image")), user="app",
    working_dir="/image", stop_signal="SIGQUIT", volumes=("/data",),
)  # fmt: skip


@pytest.mark.parametrize(
    ("config", "command", "args", "runs"),
    [
        pytest.param(CONFIG, (), (), ("/entry", "default"), id="nothing given: entrypoint and cmd"),
        pytest.param(CONFIG, (), ("x",), ("/entry", "x"), id="args take the place of cmd"),
        pytest.param(CONFIG, ("c",), (), ("c",), id="command takes the place of both"),
        pytest.param(CONFIG, ("c",), ("x",), ("c", "x"), id="command and args leave nothing of the image"),
        pytest.param(ImageConfig(cmd=("sh",)), (), (), ("sh",), id="cmd alone"),
        pytest.param(ImageConfig(), (), (), (), id="nobody says anything"),
    ],
)
def test_command_and_args_take_the_place_of_the_image_s(config, command, args, runs):
    assert arguments(config, command, args) == runs


def made(cwd: str = "", image: Image | None = Image(id="a" * 64, config=CONFIG), **variables):
    return process_of_image(image, name="c", command=(), args=(), variables=variables, cwd=cwd, user="who")


def test_variables_of_the_pod_win_over_those_of_the_image():
    assert made(A="pod", C="pod").env == (("PATH", "/image/bin"), ("A", "pod"), ("B", "image"), ("C", "pod"))


def test_an_image_without_path_has_the_usual_one():
    assert made(image=Image(id="a" * 64)).env[0][1].startswith("/usr/local/sbin:")


@pytest.mark.parametrize(("given", "cwd"), [("", "/image"), ("/pod", "/pod")])
def test_the_directory_is_the_image_s_unless_one_is_given(given, cwd):
    assert made(given).cwd == cwd


def test_volumes_and_signal_are_the_image_s():
    found = made()
    assert (found.image, found.image_user, found.image_volumes, found.stop_signal) == ("a" * 64, "who", ("/data",), "SIGQUIT")


def test_without_its_image_a_container_has_nothing_to_run():
    assert made(image=None).args == ()


def test_an_image_that_cannot_be_understood_is_not_run():
    with pytest.raises(NetlabError, match="'=x' is no variable"):
        made(image=Image(id="a" * 64, flaw="'=x' is no variable"))


@pytest.mark.parametrize(
    ("image", "as_command", "command", "args"),
    [
        pytest.param("host", False, ("x",), (), id="host has no program: the words are the command"),
        pytest.param("web:1", False, (), ("x",), id="of an image they are the arguments"),
        pytest.param("web:1", True, ("x",), (), id="unless --command is given"),
    ],
)
def test_words_behind_run_are_command_or_arguments(image, as_command, command, args):
    [container] = new_pod("web", namespace="default", image=image, args=("x",), as_command=as_command).spec.containers
    assert (container.command, container.args) == (command, args)
