"""Jobs and DaemonSets in a lab: Pods that end, Pods on every Node."""

from __future__ import annotations

import pytest

JOB = """
apiVersion: batch/v1
kind: Job
metadata: {name: %s}
spec:
  %s
  template:
    spec:
      restartPolicy: Never
      terminationGracePeriodSeconds: 0
      containers: [{name: main, image: host, command: [sh, -c, '%s']}]
"""
DAEMON = """
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: watch}
spec:
  selector: {matchLabels: {app: watch}}
  template:
    metadata: {labels: {app: watch}}
    spec:
      terminationGracePeriodSeconds: 0
      containers: [{name: main, image: host, command: [sleep, infinity]}]
"""


def ended(lab, kind, name="job/sum"):
    assert lab("wait", f"--for=condition={kind}", name, "--timeout=60s").endswith("condition met\n")
    return lab.json(*name.split("/"))["status"]


def reasons(lab, name="sum"):
    return [event["reason"] for event in lab.json("events")["items"] if event["involvedObject"]["name"] == name]


def test_as_many_pods_succeed_as_are_wished(lab):
    lab.apply(JOB % ("sum", "parallelism: 2\n  completions: 3", "echo done"))
    status = ended(lab, "Complete")
    assert (status["succeeded"], status.get("failed", 0)) == (3, 0)
    assert len(lab.pods("sum-")) == 3, "finished Pods stay"
    assert lab("logs", "job/sum") == "done\n"
    assert reasons(lab).count("SuccessfulCreate") == 3
    assert "Completed" in reasons(lab)


def test_each_index_is_done_once(lab):
    lab.apply(JOB % ("sum", "completions: 3\n  parallelism: 3\n  completionMode: Indexed", "echo $JOB_COMPLETION_INDEX"))
    assert ended(lab, "Complete")["completedIndexes"] == "0-2"
    names = sorted(pod["metadata"]["name"] for pod in lab.pods("sum-"))
    assert [lab("logs", name) for name in names] == ["0\n", "1\n", "2\n"]
    assert [name.rpartition("-")[0] for name in names] == ["sum-0", "sum-1", "sum-2"]


@pytest.mark.parametrize(
    ("spec", "script", "reason"),
    [
        pytest.param("backoffLimit: 0", "exit 3", "BackoffLimitExceeded", id="too many failures"),
        pytest.param("activeDeadlineSeconds: 1", "sleep infinity", "DeadlineExceeded", id="too long"),
    ],
)
def test_a_job_that_fails_says_why(lab, spec, script, reason):
    lab.apply(JOB % ("sum", spec, script))
    failed = next(one for one in ended(lab, "Failed")["conditions"] if one["type"] == "Failed")
    assert failed["reason"] == reason
    assert reason in reasons(lab)


def test_a_job_goes_with_its_pods_when_its_time_is_over(lab):
    lab.apply(JOB % ("sum", "ttlSecondsAfterFinished: 1", "true"))
    lab("wait", "--for=delete", "job/sum", "--timeout=60s")
    lab("wait", "--for=delete", "pod", "-l", "job-name=sum", "--timeout=60s")


def test_one_pod_on_every_node_and_a_new_one_after_a_change(lab):
    lab.apply(DAEMON)
    lab("rollout", "status", "daemonset/watch", "--timeout=60s")
    before = {pod["spec"]["nodeName"]: pod["metadata"]["uid"] for pod in lab.pods("watch-")}
    assert sorted(before) == [node["metadata"]["name"] for node in lab.json("nodes")["items"]]
    lab("rollout", "restart", "daemonset/watch")
    assert lab("rollout", "status", "ds/watch", "--timeout=60s").endswith('daemon set "watch" successfully rolled out\n')
    after = {pod["spec"]["nodeName"]: pod["metadata"]["uid"] for pod in lab.pods("watch-")}
    assert sorted(after) == sorted(before)
    assert set(after.values()).isdisjoint(before.values())


def test_workloads_are_made_from_words_once(lab):
    made = {
        ("job", "now", "--", "echo", "hi"): ("job.batch/now created", 'failed to create job: jobs.batch "now" already exists'),
        ("deployment", "web", "-r", "2", "--", "sleep", "infinity"): (
            "deployment.apps/web created", 'failed to create deployment: deployments.apps "web" already exists',
        ),
        ("namespace", "shop"): ("namespace/shop created", '(AlreadyExists): namespaces "shop" already exists'),
    }  # fmt: skip
    for words, (said, refused) in made.items():
        assert lab("create", *words).strip() == said
        again = lab.run("create", *words)
        assert again.code == 1
        assert refused in again.err
    ended(lab, "Complete", "job/now")
    assert lab("logs", "job/now") == "hi\n"
    lab("wait", "--for=condition=Available", "deployment/web", "--timeout=60s")
    assert len(lab.pods("web-")) == 2
