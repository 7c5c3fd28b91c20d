"""The user of an image, by its own files; and the signal that ends its program."""

import signal

import pytest

from netlab.errors import NotFound
from netlab.kernel.ending import stop_signal
from netlab.kernel.image_user import User, resolve
from netlab.kernel.poddir import Bundle

USERS = "root:x:0:0::/:/bin/sh\nbroken\napp:x:1000:1001::/:/bin/sh\nodd:x:-5:abc::/:/bin/sh\n"
GROUP = "root:x:0:\napp:x:1001:\nextra:x:2000:other,app\nmore:x:3000:app\n"


@pytest.mark.parametrize(
    ("user", "found"),
    [
        pytest.param("", User(0, 0), id="root if none is wished"),
        pytest.param("app", User(1000, 1001, (2000, 3000)), id="a name has its group, and those it is in"),
        pytest.param("1000", User(1000, 1001, (2000, 3000)), id="so has a number with an entry"),
        pytest.param("4711", User(4711, 0), id="a number without an entry has group 0"),
        pytest.param("app:extra", User(1000, 2000), id="a group by name"),
        pytest.param("app:77", User(1000, 77), id="a group by number"),
        pytest.param("4711:77", User(4711, 77), id="two numbers need no file"),
        pytest.param(":77", User(0, 77), id="a group alone"),
    ],
)
def test_a_user_is_looked_up_in_the_files_of_the_image(user, found):
    assert resolve(user, USERS, GROUP) == found


@pytest.mark.parametrize("user", ["nobody", "odd", "app:none", "-5", "2147483648", "9" * 5000, "1000:" + "9" * 20, "app:-1"])
def test_a_user_that_is_not_there_is_refused(user):
    with pytest.raises(NotFound):
        resolve(user, USERS, GROUP)


@pytest.mark.parametrize(
    ("wished", "number"),
    [
        (None, signal.SIGTERM),
        ("SIGQUIT", signal.SIGQUIT),
        ("quit", signal.SIGQUIT),
        ("3", signal.SIGQUIT),
        ("SIGNONSENSE", signal.SIGTERM),
        ("99", signal.SIGTERM),
    ],
)
def test_the_stop_signal_of_an_image_is_a_name_or_a_number(wished, number, tmp_path):
    if wished:
        (tmp_path / "stop-signal").write_text(wished)
    assert stop_signal(Bundle(tmp_path, tmp_path, "x")) is number
