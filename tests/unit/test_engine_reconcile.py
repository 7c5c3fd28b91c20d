"""The whole engine on Fakes and on a clock of our own: no root, no waiting, the store real."""

from __future__ import annotations

import gc
import itertools
from dataclasses import replace

import pytest

from netlab.desired.conditions import ready_since
from netlab.engine.apply import apply, delete
from netlab.engine.reconcile import MAX_ROUNDS
from netlab.engine.up import up
from netlab.errors import Conflict, KernelError, NotFound
from netlab.model.config import ConfigMap
from netlab.model.container import ConfigMapRef, Container, EnvFromSource, EnvVar, VolumeMount
from netlab.model.lab import Cluster
from netlab.model.meta import Key, ObjectMeta
from netlab.model.node import Namespace
from netlab.model.pod import Pod, PodSpec
from netlab.model.probe import Probe, TCPSocketAction
from netlab.model.service import ServicePort
from netlab.model.times import rfc3339
from netlab.model.volume import ConfigMapVolume, Volume
from netlab.model.workload import DeploymentStrategy, RollingUpdateDeployment
from netlab.netstate.health import Health
from netlab.store.events import events
from tests.fake_lab import SERVICE, START, a_deployment, a_pod


def test_up_comes_to_rest_and_stays_there(bench):
    assert bench.after().changes == 0
    dns = [pod for pod in bench.session.store.cluster().pods if pod.metadata.namespace == "kube-system"]
    assert [pod.status.phase for pod in dns] == ["Running"]


def test_the_network_is_told_when_it_is_as_wished(bench, monkeypatch):
    told = []
    monkeypatch.setattr(bench.session.network, "recognize", told.append)
    bench.apply(a_pod(), SERVICE)
    observed = bench.session.network.observe(bench.session.scope())
    assert [{space.name: space.table for space in state.namespaces} for state in told] == [
        {space.name: space.table for space in observed.namespaces}
    ], "in the last round, in which nothing was to be done"


def test_apply_says_what_became_of_each(bench):
    assert bench.apply(a_pod(), SERVICE) == ["created", "created"]
    assert bench.apply(a_pod(), replace(SERVICE, spec=replace(SERVICE.spec, selector={"app": "y"}))) == [
        "unchanged",
        "configured",
    ]
    assert bench.after().changes == 0


def test_who_reconciles_for_days_keeps_no_lab_of_before(bench):
    """Whatever remembers something remembers its last one."""

    def clusters() -> list[Cluster]:
        gc.collect()
        return [one for one in gc.get_objects() if isinstance(one, Cluster)]

    def kept() -> int:
        for name in ("a", "b"):
            bench.apply(a_pod(name))
            bench.delete(Key("Pod", "default", name), grace_s=0)
        return len({*map(id, clusters())} - of_others)

    before = clusters()  # held: what other tests left does not end meanwhile
    of_others = {*map(id, before)}
    first = kept()
    assert [kept() for _ in range(3)] == [first] * 3


def test_network_is_looked_at_before_and_after_it_is_changed(bench, monkeypatch):
    seen, observe = [], bench.network.observe
    monkeypatch.setattr(bench.network, "observe", lambda scope: seen.append(observe(scope)) or seen[-1])
    bench.after()
    bench.apply(a_pod())
    at_rest, before, after = (len(state.by_name) for state in seen)
    assert (at_rest, after) == (before, before + 1)


def test_look_that_fails_beside_processes_is_repeated(bench, monkeypatch):
    answers, observe = iter([True, False, True]), bench.network.observe

    def look(scope):
        if not next(answers):
            raise KernelError("observe: interrupted")
        return observe(scope)

    monkeypatch.setattr(bench.network, "observe", look)
    bench.apply(a_pod())
    assert bench.word("web") == "Running"
    assert next(answers, None) is None


def test_pod_runs_and_its_events_say_how(bench):
    bench.apply(a_pod())
    assert bench.word("web") == "Running"
    assert bench.reasons()[-2:] == ["Scheduled", "Started"]


def test_back_off_doubles_and_is_forgotten_after_ten_minutes(bench):
    """Kubernetes' times: at once, then 10 s, 20 s, 40 s ..., counted from the end of the run."""
    bench.apply(a_pod())
    bench.exits("web", 1)
    bench.after()
    assert (bench.word("web"), bench.pod("web").status.container_statuses[0].restart_count) == ("Running", 1)
    for restarts, pause in ((2, 10), (3, 20), (4, 40)):
        bench.exits("web", 1)
        report = bench.after()
        assert report.wake_at == bench.time[0] + pause
        assert bench.word("web") == "CrashLoopBackOff"
        bench.after(pause - 1)
        assert bench.word("web") == "CrashLoopBackOff"
        bench.after(1)
        assert (bench.word("web"), bench.pod("web").status.container_statuses[0].restart_count) == ("Running", restarts)
    bench.after(600)
    bench.exits("web", 1)
    bench.after()
    assert bench.word("web") == "Running"


def reader():
    volume = Volume(name="v", config_map=ConfigMapVolume(name="late"))
    mount = VolumeMount(name="v", mount_path="/v")
    main = Container(name="main", image="host", command=("sleep",), volume_mounts=(mount,))
    return Pod(metadata=ObjectMeta(name="reader", namespace="default"), spec=PodSpec(containers=(main,), volumes=(volume,)))


def test_a_pod_waits_for_what_it_mounts_and_is_told_of_changes(bench):
    bench.apply(reader())
    assert bench.word("reader") == "ContainerCreating"
    bench.after(10.0)
    told = [event for event in events(bench.session.store) if event.reason == "FailedMount"]
    assert [(event.message, event.count) for event in told] == [
        ('MountVolume.SetUp failed for volume "v" : configmap "late" not found', 1)
    ]
    late = ConfigMap(metadata=ObjectMeta(name="late", namespace="default"), data={"a": "1"})
    bench.apply(late)
    assert bench.word("reader") == "Running"
    before = bench.runtime.sandboxes[bench.pod("reader").metadata.uid]
    bench.apply(replace(late, data={"a": "2"}))
    after = bench.runtime.sandboxes[bench.pod("reader").metadata.uid]
    assert before.files != after.files
    assert before.runs == after.runs
    assert bench.after().changes == 0
    bench.delete(late.key)
    assert bench.word("reader") == "Running", "with the files it has"


@pytest.mark.parametrize(
    ("policy", "code", "phase", "word"),
    [
        ("Never", 0, "Succeeded", "Completed"),
        ("Never", 3, "Failed", "Error"),
        ("OnFailure", 0, "Succeeded", "Completed"),
        ("OnFailure", 3, "Running", "Running"),
        ("Always", 0, "Running", "Running"),
    ],
)
def test_phase_follows_from_exit_code_and_restart_policy(bench, policy, code, phase, word):
    bench.apply(a_pod(policy=policy))
    bench.exits("web", code)
    bench.after()
    assert (bench.pod("web").status.phase, bench.word("web")) == (phase, word)


def set_variable(pod: Pod, value: str) -> Pod:
    """The Pod as it would be applied, its first container with another variable."""
    first, *others = pod.spec.containers
    changed = replace(first, env=(EnvVar(name="GREETING", value=value),))
    return replace(pod, spec=replace(pod.spec, containers=(changed, *others)), metadata=a_pod(pod.metadata.name).metadata)


@pytest.mark.parametrize("policy", ["Always", "OnFailure", "Never"])
def test_one_container_is_replaced_in_a_running_pod(bench, policy):
    bench.apply(a_pod(policy=policy, containers=("main", "side")))
    before = bench.pod("web")
    assert bench.apply(set_variable(before, "hello")) == ["configured"]
    after = bench.pod("web")
    assert (after.metadata.uid, after.status.pod_ips, after.status.phase) == (
        before.metadata.uid,
        before.status.pod_ips,
        "Running",
    )
    assert [(item.name, item.restart_count) for item in after.status.container_statuses] == [("main", 1), ("side", 0)]
    assert "Killing" in bench.reasons()


def test_container_that_ignores_term_is_killed_after_the_grace_period_and_replaced(bench):
    bench.apply(a_pod(policy="Never", grace=30))
    bench.runtime.stubborn.add(bench.pod("web").metadata.uid)
    bench.apply(set_variable(bench.pod("web"), "hello"))
    assert bench.pod("web").status.container_statuses[0].restart_count == 0
    bench.after(31)
    assert bench.pod("web").status.container_statuses[0].restart_count == 1
    assert bench.pod("web").status.phase == "Running"


def test_finished_pod_gives_its_network_back(bench):
    bench.apply(a_pod(policy="Never"))
    assert "fake.default.web" in bench.session.store.namespaces()
    bench.exits("web", 0)
    bench.after()
    assert "fake.default.web" not in bench.session.store.namespaces()


def test_program_that_does_not_exist_is_tried_with_back_off(bench):
    bench.runtime.unknown.add("nosuch")
    bench.apply(a_pod(command="nosuch"))
    assert bench.after(1).wake_at == START + 10
    assert bench.word("web") in {"RunContainerError", "CrashLoopBackOff"}
    assert "nosuch" in bench.pod("web").status.container_statuses[0].message


def test_deletion_waits_for_the_end_and_kills_after_the_grace_period(bench):
    bench.apply(a_pod(), a_pod("stubborn", grace=5))
    bench.runtime.stubborn.add(bench.pod("stubborn").metadata.uid)
    bench.delete(Key("Pod", "default", "web"), Key("Pod", "default", "stubborn"))
    assert bench.names() == ["stubborn"]
    assert bench.word("stubborn") == "Terminating"
    bench.after(4)
    assert bench.names() == ["stubborn"]
    bench.after(1)
    assert bench.names() == []
    assert bench.after().changes == 0


def test_second_deletion_can_only_hurry(bench):
    bench.apply(a_pod(grace=60))
    bench.runtime.stubborn.add(bench.pod("web").metadata.uid)
    bench.delete(Key("Pod", "default", "web"))
    bench.delete(Key("Pod", "default", "web"), grace_s=100)
    bench.after(60)
    assert bench.names() == []


def test_endpoints_follow_readiness(bench):
    bench.apply(SERVICE, a_pod("one", labels={"app": "x"}), a_pod("two", labels={"app": "x"}))
    ips = {name: f"{bench.pod(name).status.pod_ips[0]} . 80" for name in ("one", "two")}
    assert bench.endpoints() == set(ips.values())
    bench.exits("one", 1)
    bench.after()
    bench.exits("one", 1)
    bench.after()  # in back-off
    assert bench.endpoints() == {ips["two"]}
    bench.after(10)
    assert bench.endpoints() == set(ips.values())


def test_stale_udp_flows_are_forgotten_also_when_the_one_who_saw_the_change_died(bench):
    udp = replace(SERVICE, spec=replace(SERVICE.spec, ports=(ServicePort(port=53, protocol="UDP"),)))
    bench.apply(udp, a_pod("one", labels={"app": "x"}))
    [vip] = bench.session.store.assignments().cluster_ips[SERVICE.key]
    flow = ("fake.node-1", vip, 53, bench.pod("one").status.pod_ips[0])
    bench.network.udp_flows = {flow}
    bench.after()
    assert bench.network.udp_flows == {flow}
    delete(bench.session, [Key("Pod", "default", "one")])
    bench.network.fail_at = 2  # the first Node's rules are changed, then the process is gone
    with pytest.raises(KernelError):
        bench.after()
    bench.after()
    assert bench.network.udp_flows == set()


def test_stale_udp_flows_are_left_while_the_lab_wants_it_so(bench):
    spec = bench.session.lab.spec
    up(bench.session, replace(spec, kube_proxy=replace(spec.kube_proxy, clean_stale_entries=False)))
    udp = replace(SERVICE, spec=replace(SERVICE.spec, ports=(ServicePort(port=53, protocol="UDP"),)))
    bench.apply(udp, a_pod("one", labels={"app": "x"}))
    [vip] = bench.session.store.assignments().cluster_ips[SERVICE.key]
    flow = ("fake.node-1", vip, 53, bench.pod("one").status.pod_ips[0])
    bench.network.udp_flows = {flow}
    bench.delete(Key("Pod", "default", "one"))
    assert bench.network.udp_flows == {flow}
    up(bench.session, spec)
    assert bench.network.udp_flows == set()


def test_deployment_keeps_its_replicas(bench):
    bench.apply(a_deployment(3))
    first = bench.names()
    assert len(first) == 3
    bench.delete(Key("Pod", "default", first[0]))
    assert len(bench.names()) == 3
    assert first[0] not in bench.names()
    bench.apply(a_deployment(1))
    assert len(bench.names()) == 1
    bench.delete(Key("Deployment", "default", "x"))
    assert bench.names() == []


def test_missing_config_map_is_waited_for(bench):
    source = EnvFromSource(config_map_ref=ConfigMapRef(name="late"))
    pod = a_pod()
    container = replace(pod.spec.containers[0], env_from=(source,))
    bench.apply(replace(pod, spec=replace(pod.spec, containers=(container,))))
    assert bench.word("web") == "CreateContainerConfigError"
    bench.apply(ConfigMap(metadata=ObjectMeta(name="late", namespace="default"), data={"A": "b"}))
    assert bench.word("web") == "Running"


def test_pod_that_fits_nowhere_stays_pending_and_says_why(bench):
    bench.apply(a_pod(node_selector={"disk": "ssd"}))
    assert bench.pod("web").status.phase == "Pending"
    assert "didn't match" in bench.pod("web").status.message
    assert "FailedScheduling" in bench.reasons()


def test_nothing_is_applied_of_a_set_that_contradicts_itself(bench):
    port = ServicePort(port=80, node_port=30080)
    spec = replace(SERVICE.spec, type="NodePort", ports=(port,))
    twice = [replace(SERVICE, metadata=ObjectMeta(name=name, namespace="default"), spec=spec) for name in "ab"]
    with pytest.raises(Conflict, match="30080"):
        apply(bench.session, [a_pod(), *twice])
    assert bench.names() == []
    assert bench.names("Service") == ["kubernetes"]


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda pod: replace(pod, spec=replace(pod.spec, restart_policy="Never")), Conflict),
        (lambda pod: replace(pod, metadata=replace(pod.metadata, namespace="nowhere")), NotFound),
    ],
)
def test_refused_updates(bench, change, error):
    bench.apply(a_pod())
    with pytest.raises(error):
        apply(bench.session, [change(a_pod())])


def test_dry_run_says_the_same_and_keeps_nothing(bench):
    bench.apply(a_pod())
    revision = bench.session.store.revision
    wished = [a_pod("new"), set_variable(bench.pod("web"), "hello"), a_pod("web2", containers=("main",))]
    assert [found.verdict for found in apply(bench.session, wished, dry_run=True)] == ["created", "configured", "created"]
    assert list(delete(bench.session, [Key("Pod", "default", "web")], dry_run=True).uids) == [Key("Pod", "default", "web")]
    with pytest.raises(NotFound):
        apply(bench.session, [replace(a_pod(), metadata=ObjectMeta(name="x", namespace="nosuch"))], dry_run=True)
    assert (bench.session.store.revision, bench.names(), bench.word("web")) == (revision, ["web"], "Running")


def test_namespace_goes_when_it_is_empty(bench):
    space = Namespace(metadata=ObjectMeta(name="shop"))
    inside = replace(a_pod(), metadata=ObjectMeta(name="web", namespace="shop"))
    bench.apply(space, inside)
    uid = bench.session.store.cluster().objects[inside.key].metadata.uid
    bench.runtime.stubborn.add(uid)
    bench.delete(space.key)
    assert space.key in bench.session.store.cluster().objects
    with pytest.raises(Conflict):
        apply(bench.session, [replace(inside, metadata=ObjectMeta(name="other", namespace="shop"))])
    bench.after(30)
    assert not [key for key in bench.session.store.cluster().objects if "shop" in key]


def test_killed_pause_process_means_a_new_sandbox(bench):
    bench.apply(a_pod())
    uid = bench.pod("web").metadata.uid
    bench.runtime.kill(uid)
    bench.after()
    assert bench.runtime.sandboxes[uid].alive
    assert bench.word("web") == "Running"


def test_deleted_network_namespace_means_a_new_sandbox(bench):
    bench.apply(a_pod())
    bench.runtime.detach(bench.pod("web").metadata.uid)
    bench.after()
    assert bench.runtime.sandboxes[bench.pod("web").metadata.uid].alive
    assert (bench.word("web"), bench.pod("web").status.container_statuses[0].restart_count) == ("Running", 1)


def test_sandbox_nobody_knows_is_removed(bench):
    bench.apply(a_pod())
    stray = replace(bench.runtime.sandboxes[bench.pod("web").metadata.uid], uid="stray")
    bench.runtime.sandboxes["stray"] = stray
    bench.after()
    assert "stray" not in bench.runtime.sandboxes


def test_any_failing_step_is_healed_by_the_next_round(bench):
    """Law 3 on the Fake, for an `apply` of a Pod with its Service: whichever step of the network fails, the next call ends it."""
    for number in itertools.count():
        name = f"p{number}"
        apply(bench.session, [a_pod(name, labels={"app": "x"}), SERVICE])
        bench.network.fail_at = number
        try:
            bench.after()
        except KernelError:
            bench.after()
            bench.after()
            assert bench.after().changes == 0
            assert bench.word(name) == "Running"
            bench.delete(Key("Pod", "default", name))
            continue
        break
    assert number > 8


def test_a_namespace_has_its_name_as_a_label_whatever_its_manifest_says(bench):
    space = Namespace(metadata=ObjectMeta(name="shop", labels={"team": "red"}))
    assert bench.apply(space) == ["created"]
    found = bench.session.store.cluster().objects[space.key]
    assert found.metadata.labels == {"team": "red", "kubernetes.io/metadata.name": "shop"}
    assert bench.apply(space) == ["unchanged"]


@pytest.mark.parametrize("dry_run", [False, True])
def test_what_is_applied_can_be_returned_with_what_was_assigned(bench, dry_run):
    [plain] = apply(bench.session, [SERVICE], dry_run=True)
    [filled] = apply(bench.session, [SERVICE], dry_run=dry_run, filled=True)
    assert (plain.item.spec.cluster_ip, filled.item.spec.cluster_ip[:6]) == ("", "10.96.")


# Probes --------------------------------------------------------------------------------------------------------------------


def a_probed_pod(**probes) -> Pod:
    pod = a_pod(labels={"app": "x"}, grace=5)
    return replace(pod, spec=replace(pod.spec, containers=(replace(pod.spec.containers[0], **probes),)))


PROBE = Probe(tcp_socket=TCPSocketAction(port=80))


def test_a_pod_is_an_endpoint_from_the_moment_its_probe_says_so(bench):
    bench.apply(SERVICE, a_probed_pod(readiness_probe=PROBE))
    pod = bench.pod("web")
    assert (bench.word("web"), pod.is_ready, bench.endpoints()) == ("Running", False, set())
    (patient,) = bench.after().patients
    assert (patient.container, patient.attempt, list(patient.probes)) == ("main", 0, ["readiness"])
    bench.runtime.note_health(pod.metadata.uid, "main", 0, Health(ready=True, since=START + 60))
    bench.after(60)
    ready = bench.pod("web")
    assert ready.is_ready
    assert len(bench.endpoints()) == 1
    assert ready_since(ready) == rfc3339(START + 60)
    bench.runtime.note_health(pod.metadata.uid, "main", 0, Health(since=START + 90))
    bench.after(30)
    assert (bench.pod("web").is_ready, bench.endpoints()) == (False, set())
    assert bench.after().changes == 0


def test_a_container_that_is_unwell_is_restarted_with_back_off(bench):
    bench.apply(a_probed_pod(liveness_probe=PROBE))
    uid = bench.pod("web").metadata.uid
    for attempt in (0, 1):
        bench.runtime.note_health(uid, "main", attempt, Health(failed="liveness"))
        bench.after(1)
    assert bench.word("web") == "CrashLoopBackOff"
    told = [event.message for event in events(bench.session.store) if event.reason == "Killing"]
    assert told == ["Container main failed liveness probe, will be restarted"]
    bench.after(10)
    status = bench.pod("web").status.container_statuses[0]
    assert (bench.word("web"), status.restart_count, status.last_state.exit_code) == ("Running", 2, 0)


def test_a_long_rollout_gives_the_lab_away_in_between(bench):
    wish = a_deployment(12)
    one_by_one = DeploymentStrategy(rolling_update=RollingUpdateDeployment(max_surge=1, max_unavailable=0))
    wish = replace(wish, spec=replace(wish.spec, strategy=one_by_one))
    bench.apply(wish)
    template = replace(wish.spec.template, spec=a_pod(command="other").spec)
    apply(bench.session, [replace(wish, spec=replace(wish.spec, template=template))])
    first = bench.after()
    assert (first.rounds, first.wake_at) == (MAX_ROUNDS, bench.time[0])
    for _ in range(5):
        bench.after()
    pods = [pod for pod in bench.session.store.cluster().pods if pod.metadata.namespace == "default"]
    new = [pod for pod in pods if not pod.metadata.deletion_timestamp]
    assert [pod.spec.containers[0].command for pod in new] == [("other",)] * 12
