"""Jobs, played without a lab: what is made next when Pods end this way or that, and how it is over.

A play is a row of words, each an end of the oldest Pod at work (`ok`, `bad`, `gone`: deleted before it ended) or seconds that go
by (`+10`); after each word the controllers come to rest.
"""

from dataclasses import replace

import pytest

from netlab.desired.jobs import jobs
from netlab.model.container import Container
from netlab.model.job import Job, JobSpec
from netlab.model.meta import ObjectMeta
from netlab.model.pod import PodSpec
from netlab.model.pod_status import ContainerStatus, PodStatus
from netlab.model.times import rfc3339
from netlab.model.workload import PodTemplateSpec, TemplateMeta
from tests.conftest import cluster
from tests.controllers import converged, running

BEGAN = 1000.0
ENDS = {"ok": ("Succeeded", 0), "bad": ("Failed", 3)}


def job(*, restart="Never", **spec):
    containers = (Container(name="main", image="host", command=("true",)),)
    template = PodTemplateSpec(metadata=TemplateMeta(), spec=PodSpec(containers=containers, restart_policy=restart))
    return Job(metadata=ObjectMeta(name="sum", namespace="default", uid="j1"), spec=JobSpec(template=template, **spec))


class Play:
    """A Job whose Pods end as they are told."""

    def __init__(self, item):
        self.now, self.events = BEGAN, []
        self._rest(cluster(item))

    def _rest(self, before):
        done = converged(before, self.now)
        self.events += done.events
        gone = [pod.key for pod in done.cluster.pods if pod.metadata.deletion_timestamp]
        self.cluster = done.cluster.without(gone).with_objects(
            running(pod, self.now) for pod in done.cluster.pods if pod.status.phase == "Pending" and pod.key not in gone
        )
        if gone or any(pod.status.phase == "Pending" for pod in done.cluster.pods):
            again = converged(self.cluster, self.now)
            self.cluster, self.events = again.cluster, self.events + list(again.events)

    @property
    def at_work(self):
        return sorted((pod for pod in self.cluster.pods if pod.status.phase == "Running"), key=lambda pod: pod.metadata.name)

    @property
    def job(self):
        return self.cluster.jobs[0]

    def act(self, word):
        if word.startswith("+"):
            self.now += float(word)
            self._rest(self.cluster)
            return
        pod, *_ = self.at_work
        if word == "gone":
            self._rest(self.cluster.without([pod.key]))
            return
        phase, code = ENDS[word]
        ended = ContainerStatus(name="main", state="terminated", exit_code=code, finished_at=rfc3339(self.now))
        self._rest(self.cluster.with_objects([replace(pod, status=PodStatus(phase=phase, container_statuses=(ended,)))]))

    def change(self, **spec):
        self._rest(self.cluster.with_objects([replace(self.job, spec=replace(self.job.spec, **spec))]))


def summary(play):
    """At work, succeeded, failed, and the word for the end if there is one."""
    status = play.job.status
    ends = [f"{one.type} {one.reason}" for one in status.conditions if one.type in {"Complete", "Failed"}]
    assert status.active == len(play.at_work)
    return " ".join([f"{status.active}/{status.succeeded}/{status.failed}", *ends])


COMPLETE, FAILED = "Complete CompletionsReached", "Failed BackoffLimitExceeded"


@pytest.mark.parametrize(
    ("spec", "words", "expected"),
    [
        pytest.param({}, "", "1/0/0", id="without numbers one Pod"),
        pytest.param({}, "ok", f"0/1/0 {COMPLETE}", id="and one success"),
        pytest.param({"completions": 3, "parallelism": 2}, "", "2/0/0", id="no more at a time than wished"),
        pytest.param({"completions": 3, "parallelism": 2}, "ok", "2/1/0", id="the next one at once"),
        pytest.param({"completions": 3, "parallelism": 2}, "ok ok", "1/2/0", id="no more than are missing"),
        pytest.param({"completions": 3, "parallelism": 2}, "ok ok ok", f"0/3/0 {COMPLETE}", id="enough"),
        pytest.param({"completions": 1, "parallelism": 5}, "", "1/0/0", id="never more than it takes"),
        pytest.param({"completions": 0}, "", f"0/0/0 {COMPLETE}", id="nothing to do"),
        pytest.param({"parallelism": 3, "completions": None}, "ok", "2/1/0", id="after a success no more are made"),
        pytest.param(
            {"parallelism": 3, "completions": None}, "ok ok ok", f"0/3/0 {COMPLETE}", id="and the others are waited for"
        ),
        pytest.param({"parallelism": 0, "completions": 1}, "", "0/0/0", id="nobody at work"),
        pytest.param({"completions": 1}, "bad", "0/0/1", id="after a failure it waits"),
        pytest.param({"completions": 1}, "bad +9", "0/0/1", id="for ten seconds"),
        pytest.param({"completions": 1}, "bad +10", "1/0/1", id="which are over then"),
        pytest.param({"completions": 1}, "bad +10 bad +19", "0/0/2", id="then for twenty"),
        pytest.param({"completions": 1}, "bad +10 bad +20", "1/0/2", id="and no longer"),
        pytest.param({"completions": 2}, "bad +10 ok", "1/1/1", id="a success takes the wait away"),
        pytest.param({"completions": 1, "backoff_limit": 0}, "bad", f"0/0/1 {FAILED}", id="no failure is forgiven"),
        pytest.param({"completions": 1, "backoff_limit": 1}, "bad +10 bad", f"0/0/2 {FAILED}", id="one is"),
        pytest.param(
            {"completions": 4, "parallelism": 3, "backoff_limit": 0},
            "bad",
            f"0/0/1 {FAILED}",
            id="who is at work then is ended",
        ),
        pytest.param({"completions": 2}, "gone", "1/0/0", id="a Pod that somebody deleted is no failure, and made anew"),
        pytest.param({"completions": 1, "active_deadline_seconds": 30}, "+29", "1/0/0", id="in time"),
        pytest.param({"completions": 1, "active_deadline_seconds": 30}, "+30", "0/0/0 Failed DeadlineExceeded", id="too late"),
        pytest.param({"completions": 1, "suspend": True}, "+99", "0/0/0", id="suspended it does nothing"),
    ],
)
def test_what_is_at_work_what_counts_and_how_it_ends(spec, words, expected):
    play = Play(job(**({"completions": 1} | spec)))
    for word in words.split():
        play.act(word)
    assert summary(play) == expected


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        pytest.param({"parallelism": 3, "completions": 9}, {"parallelism": 1}, "1/0/0", id="fewer at a time: the others end"),
        pytest.param({"parallelism": 1, "completions": 9}, {"parallelism": 3}, "3/0/0", id="more at a time"),
        pytest.param({"parallelism": 3, "completions": 9}, {"suspend": True}, "0/0/0", id="suspended in its midst"),
        pytest.param({"suspend": True, "completions": 9}, {"suspend": False}, "1/0/0", id="and resumed"),
    ],
)
def test_a_change_while_it_runs(before, after, expected):
    play = Play(job(**before))
    play.change(**after)
    assert summary(play) == expected


def test_a_pod_is_counted_once_however_often_one_looks():
    play = Play(job(completions=3))
    play.act("ok")
    for _ in range(3):
        assert not jobs(play.cluster, 0, play.now).put
        play._rest(play.cluster)
    assert summary(play) == "1/1/0"


def test_restarts_of_containers_count_as_failures():
    play = Play(job(restart="OnFailure", completions=1, backoff_limit=2))
    for restarts, expected in ((1, "1/0/0"), (2, f"0/0/0 {FAILED}")):
        [pod] = play.at_work
        again = replace(pod.status.container_statuses[0], restart_count=restarts)
        play._rest(play.cluster.with_objects([replace(pod, status=replace(pod.status, container_statuses=(again,)))]))
        assert summary(play) == expected


def test_indexes_are_done_each_once_and_a_failed_one_again():
    play = Play(job(completions=3, parallelism=3, completion_mode="Indexed"))
    assert [pod.metadata.name.split("-")[1] for pod in play.at_work] == ["0", "1", "2"]
    play.act("bad")
    assert [pod.metadata.name.split("-")[1] for pod in play.at_work] == ["1", "2"]
    play.act("+10")
    assert [pod.metadata.name.split("-")[1] for pod in play.at_work] == ["0", "1", "2"]
    for _ in range(3):
        play.act("ok")
    assert (summary(play), play.job.status.completed_indexes) == (f"0/3/1 {COMPLETE}", "0-2")


def test_what_is_said():
    play = Play(job(completions=1, backoff_limit=0))
    name = play.at_work[0].metadata.name
    play.act("bad")
    assert play.events == [f"Created pod: {name}", "Job has reached the specified backoff limit"]


def test_its_time_over_it_goes():
    play = Play(job(completions=1, ttl_seconds_after_finished=5))
    play.act("ok")
    play.act("+4")
    assert play.cluster.jobs
    play.act("+1")
    assert not play.cluster.jobs
