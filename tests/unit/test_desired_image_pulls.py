"""When a container may start as far as its image is concerned, what it waits for, and when a pull is repeated."""

from dataclasses import replace

import pytest

from netlab.desired.image_pulls import LOST, delay, image_wait
from netlab.netstate.image import Image
from netlab.netstate.pull import ImageLook, PullRecord

NOW = 1000.0
HERE = Image(id="a" * 64)
PULLED = PullRecord(reference="x", started_at=900.0, finished_at=950.0, size=1)
FAILED = replace(PULLED, error="no route", failures=2)
RUNNING = PullRecord(reference="x", started_at=999.0, received=12_345_678)

ROWS = [
    # image, policy, look, since -> reason, is a pull begun, when to look again
    pytest.param("x:1", "", ImageLook(image=HERE), 0.0, None, id="an image that is there will do"),
    pytest.param("x:1", "", ImageLook(), 0.0, ("ContainerCreating", True, 1001), id="one that is not is pulled"),
    pytest.param("x", "", ImageLook(image=HERE), 0.0, ("ContainerCreating", True, 1001), id="latest is pulled always"),
    pytest.param("x", "", ImageLook(image=HERE, record=PULLED), 940.0, None, id="a pull since the container was due will do"),
    pytest.param("x", "", ImageLook(image=HERE, record=PULLED), 960.0, ("ContainerCreating", True, 1001), id="not one before"),
    pytest.param("x", "", ImageLook(image=HERE, record=PULLED), None, ("ContainerCreating", False, 1001), id="nor without a sandbox"),
    pytest.param("x:1", "", ImageLook(image=HERE), None, None, id="which one that is there need not wait for"),
    pytest.param("x", "Never", ImageLook(image=HERE), 0.0, None, id="Never is content with what is there"),
    pytest.param("x", "Never", ImageLook(), 0.0, ("ErrImageNeverPull", False, None), id="and waits for ever otherwise"),
    pytest.param("X!", "Never", ImageLook(), 0.0, ("InvalidImageName", False, None), id="no name is nobody's image"),
    pytest.param("x:1", "", ImageLook(record=RUNNING, running=True), 0.0, ("ContainerCreating", False, 1001), id="one pull for all"),
    pytest.param(
        "x:1", "", ImageLook(record=replace(RUNNING, failures=1), running=True), 0.0, ("ImagePullBackOff", False, 1001),
        id="a repeated pull is still a back-off",
    ),
    pytest.param(
        "x:1", "", ImageLook(record=replace(FAILED, finished_at=998.0)), 0.0, ("ErrImagePull", False, 1001), id="just failed"
    ),
    pytest.param(
        "x:1", "", ImageLook(record=replace(FAILED, finished_at=990.0)), 0.0, ("ImagePullBackOff", False, 1010), id="then back-off"
    ),
    pytest.param("x:1", "", ImageLook(record=FAILED), 0.0, ("ImagePullBackOff", True, 1001), id="and then again"),
    pytest.param("x:1", "", ImageLook(record=FAILED), 960.0, ("ContainerCreating", True, 1001), id="a later Pod waits for nothing"),
    pytest.param(
        "x:1", "", ImageLook(record=replace(RUNNING, started_at=995.0)), 0.0, ("ImagePullBackOff", False, 1005),
        id="a pull whose program was killed has failed",
    ),
    pytest.param("x:1", "", ImageLook(record=PULLED), 0.0, ("ContainerCreating", True, 1001), id="an image that was removed is pulled"),
    pytest.param(
        "x", "Always", ImageLook(image=HERE, record=replace(FAILED, finished_at=998.0)), 0.0, ("ErrImagePull", False, 1001),
        id="Always is not content with an old image",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("image", "policy", "look", "since", "expected"), ROWS)
def test_a_container_waits_for_its_image(image, policy, look, since, expected):
    found = image_wait(image, policy, look, since, NOW)
    assert (found and (found.reason, found.pull, found.until)) == expected


@pytest.mark.parametrize(
    ("look", "message"),
    [
        (ImageLook(record=RUNNING, running=True), 'Pulling image "x:1": 12.3MB received'),
        (ImageLook(), 'Pulling image "x:1"'),
        (ImageLook(record=replace(FAILED, finished_at=999.0)), "no route"),
        (ImageLook(record=replace(FAILED, finished_at=990.0)), 'Back-off pulling image "x:1": ErrImagePull: no route'),
        (ImageLook(record=replace(RUNNING, started_at=999.0)), LOST),
    ],
)
def test_a_waiting_container_says_what_for(look, message):
    assert image_wait("x:1", "", look, 0.0, NOW).message == message


def test_the_wait_between_pulls_doubles_up_to_five_minutes():
    assert [delay(n) for n in range(9)] == [0, 10, 20, 40, 80, 160, 300, 300, 300]
