"""Pods and their images, on Fakes and a clock: held back while an image is pulled, pulled once for all, tried again later."""

from dataclasses import replace

import pytest

from netlab.model.container import Container
from netlab.model.meta import Key
from netlab.netstate.image import ImageConfig
from netlab.store.events import events
from tests.fake_lab import Bench, a_pod

WEB = "registry.example/web:1"
RUNS = ImageConfig(entrypoint=("/web",))


def of_image(name: str = "web", image: str = WEB, policy: str = "") -> object:
    pod = a_pod(name)
    container = Container(name="main", image=image, image_pull_policy=policy)
    return replace(pod, spec=replace(pod.spec, containers=(container,)))


def status(bench: Bench, name: str = "web"):
    return bench.pod(name).status.container_statuses[0]


def told(bench: Bench, name: str = "web") -> list[str]:
    return [
        f"{item.reason}: {item.message}"
        for item in events(bench.session.store)
        if item.about == Key("Pod", "default", name) and item.reason not in {"Scheduled", "Started"}
    ]


def test_a_container_waits_until_its_image_is_there(bench):
    bench.apply(of_image())
    assert (bench.word("web"), status(bench).message) == ("ContainerCreating", f'Pulling image "{WEB}"')
    bench.session.images.brings(WEB, RUNS)
    bench.after(1)
    assert bench.word("web") == "Running"
    assert told(bench) == [
        f'Pulling: Pulling image "{WEB}"',
        f'Pulled: Successfully pulled image "{WEB}" in 2.5s (2.5s including waiting). Image size: 1234 bytes.',
    ]


def test_pods_share_a_pull_and_wait_for_no_other(bench):
    bench.apply(of_image("a"), of_image("b"), of_image("c", "registry.example/other:1"), a_pod("host"))
    assert bench.session.images.pulls == [WEB, "registry.example/other:1"]
    assert bench.word("host") == "Running"
    bench.session.images.brings(WEB, RUNS)
    bench.after(1)
    assert [bench.word(name) for name in "abc"] == ["Running", "Running", "ContainerCreating"]


def test_a_failed_pull_is_told_and_repeated_later_and_later(bench):
    bench.apply(of_image())
    began = []
    for wait in (10, 20, 40):
        bench.session.images.fails(WEB, "no route to host")
        bench.after(0)
        assert (bench.word("web"), status(bench).message) == ("ErrImagePull", "no route to host")
        report = bench.after(3)
        assert bench.word("web") == "ImagePullBackOff"
        assert report.wake_at == pytest.approx(bench.time[0] + wait - 3)
        bench.after(wait - 3.1)
        began.append(len(bench.session.images.pulls))
        bench.after(0.1)
    assert began == [1, 2, 3]
    assert len(bench.session.images.pulls) == 4
    bench.session.images.brings(WEB, RUNS)
    bench.after(1)
    assert bench.word("web") == "Running"
    assert set(told(bench)) == {
        f'Pulling: Pulling image "{WEB}"',
        f'Failed: Failed to pull image "{WEB}": no route to host',
        "Failed: Error: ErrImagePull",
        f'BackOff: Back-off pulling image "{WEB}"',
        "Failed: Error: ImagePullBackOff",
        f'Pulled: Successfully pulled image "{WEB}" in 2.5s (2.5s including waiting). Image size: 1234 bytes.',
    }


def test_a_later_pod_does_not_wait_for_the_back_off_of_an_earlier_one(bench):
    bench.apply(of_image())
    bench.session.images.fails(WEB, "no route to host")
    bench.after(5)
    bench.apply(of_image("later"))
    assert len(bench.session.images.pulls) == 2


@pytest.mark.parametrize(
    ("image", "policy", "word", "event"),
    [
        pytest.param(WEB, "Never", "ErrImageNeverPull", "ErrImageNeverPull", id="Never, and not there"),
        pytest.param("NO NAME", "", "InvalidImageName", "InspectFailed", id="no name of an image"),
    ],
)
def test_what_no_pull_can_help_waits_with_a_reason(bench, image, policy, word, event):
    bench.apply(of_image(image=image, policy=policy))
    assert bench.word("web") == word
    assert [line.partition(":")[0] for line in told(bench)] == [event, "Failed"]
    assert bench.session.images.pulls == []


def test_an_image_that_is_there_is_not_pulled_unless_always(bench):
    bench.session.images.brings(WEB, RUNS)
    bench.after(10)
    bench.apply(of_image("a"), of_image("b", policy="Never"))
    assert bench.session.images.pulls == []
    assert told(bench, "a") == [f'Pulled: Container image "{WEB}" already present on machine']
    bench.apply(of_image("c", policy="Always"))
    assert bench.session.images.pulls == [WEB]
    assert bench.word("c") == "ContainerCreating"


def test_a_restart_with_always_pulls_again_and_shows_how_the_run_before_ended(bench):
    bench.apply(of_image(policy="Always"))
    bench.session.images.brings(WEB, RUNS)
    bench.after(5)
    bench.exits("web", 3)
    bench.after(5)
    assert bench.session.images.pulls == [WEB, WEB]
    found = status(bench)
    assert (found.state, found.last_state.exit_code) == ("waiting", 3)
    bench.session.images.brings(WEB, RUNS)
    bench.after(1)
    assert (bench.word("web"), status(bench).restart_count) == ("Running", 1)
