"""The store: what is put in comes out, all or nothing, and a file that cannot be used says what to do."""

from __future__ import annotations

import contextlib
import os
import random
from dataclasses import replace

import pytest

from netlab.desired.assign import assign
from netlab.desired.assignments import Assignments, PodAssignment
from netlab.desired.restarts import Backoff
from netlab.errors import NetlabError, NotFound
from netlab.model.event import event_of
from netlab.model.meta import Key
from netlab.model.pod import Pod
from netlab.model.pod_status import ContainerStatus, PodStatus
from netlab.model.times import rfc3339
from netlab.netstate.names import NetnsName
from netlab.store.assignments import assignment_rows, assignments_of
from netlab.store.events import KEPT, events, record
from netlab.store.lock import is_kept, keep, locked
from netlab.store.memory import Memory
from netlab.store.store import Store

NOW = 1_700_000_000.0


@pytest.fixture
def store(tmp_path, build):
    found = Store(tmp_path / "store.db", lambda: NOW, create=True)
    found.put_lab(build.lab())
    yield found
    found.close()


def test_objects_come_out_as_they_went_in_with_uid_and_time(store, build):
    for item in (build.pod("web"), build.service("web", 80)):
        kept = store.put(replace(item, metadata=replace(item.metadata, uid="")))
        assert len(kept.metadata.uid) == 36
        assert kept.metadata.creation_timestamp == "2023-11-14T22:13:20Z"
        assert store.cluster().objects[item.key].metadata == kept.metadata


def test_many_objects_are_kept_as_one_after_the_other_would_be(store, build):
    revision = store.revision
    kept = store.put_all(build.service(name, 80) for name in ("b", "a"))
    assert [item.metadata.name for item in kept] == ["b", "a"]
    assert store.revision == revision + 2
    assert [store.cluster().objects[item.key] for item in kept] == kept


def test_status_is_kept_apart_and_makes_no_revision(store, build):
    pod = store.put(build.pod("web"))
    revision = store.revision
    status = PodStatus(phase="Running", pod_ips=("10.0.0.1",), container_statuses=(ContainerStatus(name="c", state="running"),))
    store.put_status(pod, status)
    assert store.revision == revision
    assert store.cluster().objects[pod.key].status == status
    store.put(replace(pod, metadata=replace(pod.metadata, labels={"a": "b"})))
    assert store.revision == revision + 1
    assert store.cluster().objects[pod.key].status == status


def test_of_many_objects_only_some_are_read(store, build):
    pods = [store.put(build.pod(name)) for name in ("a", "b", "c")]
    wanted = [pods[1].key, Key("Pod", "default", "none"), Key("Service", "default", "a")]
    assert list(store.cluster(wanted).objects) == [pods[1].key]
    assert len(store.cluster().objects) == 3


def test_a_second_store_sees_what_the_first_committed(store, build):
    other = Store(store.path, lambda: NOW)
    store.put(build.pod("web"))
    assert [key.name for key in other.cluster().objects] == ["web"]
    store.delete(store.cluster().objects[Key("Pod", "default", "web")])
    assert not other.cluster().objects
    other.close()


def test_transaction_is_all_or_nothing(store, build):
    def half() -> None:
        with store.transaction():
            store.put(build.pod("web"))
            store.put_namespaces([NetnsName("a")])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        half()
    assert not store.cluster().objects
    assert not store.namespaces()


def test_deleting_a_pod_forgets_its_reports(store, build):
    pod = store.put(build.pod("web"))
    store.put_status(pod, PodStatus(phase="Running"))
    store.put_restart(pod.metadata.uid, "c", Backoff(restarts=2, delay_s=20.0, until=NOW))
    assert store.restarts() == {pod.metadata.uid: {"c": Backoff(restarts=2, delay_s=20.0, until=NOW)}}
    store.delete(pod)
    assert store.restarts() == {}
    assert store.execute("SELECT * FROM statuses") == []


def test_assignments_survive_as_rows(store, build):
    service = replace(build.service("web", 80), spec=replace(build.service("web", 80).spec, type="NodePort"))
    cluster = build.cluster(build.pod("web"), service)
    given = assign(cluster, Assignments())
    given = replace(given, pods={**given.pods, Key("Pod", "default", "x"): PodAssignment(reason="none fits")})
    assert assignments_of(assignment_rows(given)) == given
    store.put_assignments(given)
    store.put_assignments(given)
    assert store.assignments() == given


def test_same_event_counts_up_and_old_ones_go(store):
    about = Key("Pod", "default", "web")
    for second in range(3):
        record(store, event_of(about, "Warning", "BackOff", "again"), NOW + second)
    [event] = events(store)
    assert (event.count, event.first_timestamp, event.last_timestamp) == (3, rfc3339(NOW), rfc3339(NOW + 2))
    with store.transaction():
        for number in range(KEPT + 10):
            record(store, event_of(about, "Normal", "Started", str(number)), NOW + 10)
    assert len(events(store)) == KEPT


@pytest.mark.parametrize("content", [b"garbage", b"SQLite format 3\0", os.urandom(5000)])
def test_damaged_file_names_the_cure(tmp_path, content):
    path = tmp_path / "demo" / "store.db"
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(NetlabError, match="netlab down --lab demo"):
        Store(path, lambda: NOW)


def test_file_of_another_version_and_no_file(store):
    with pytest.raises(NotFound):
        Store(store.path.with_name("nosuch"), lambda: NOW)
    store.execute("PRAGMA user_version = 99")
    with pytest.raises(NetlabError, match="version 99"):
        Store(store.path, lambda: NOW)


def test_object_that_should_not_be_there_is_refused(store, build):
    store.put(build.pod("web"))
    store.execute("UPDATE objects SET body = '{}'")
    with pytest.raises(NetlabError, match="object it should not"):
        Store(store.path, lambda: NOW).cluster()


def test_state_file_is_for_root_only(store):
    assert store.path.stat().st_mode & 0o777 == 0o600


def test_lock_is_free_after_the_block_and_gone_with_its_file(tmp_path):
    path = tmp_path / "lab" / "lock"
    with pytest.raises(NotFound), locked(path):
        pass
    with locked(path, create=True):
        assert path.read_text() == str(os.getpid())
    with locked(path):
        pass


def test_kept_file_is_seen_without_being_taken(tmp_path):
    path = tmp_path / "agent.lock"
    assert not is_kept(path)
    held = keep(path)
    assert is_kept(path)
    assert keep(path) is None
    assert is_kept(path)
    os.close(held)
    assert not is_kept(path)


def test_a_memory_makes_nothing_different(tmp_path, build):
    path, memory, chance = tmp_path / "store.db", Memory(), random.Random(7)
    writer = Store(path, lambda: NOW, create=True)
    writer.put_lab(build.lab())
    for step in range(150):
        objects = writer.cluster().objects
        pods = [item for item in objects.values() if isinstance(item, Pod)]
        with contextlib.suppress(ZeroDivisionError), writer.transaction():
            for _ in range(chance.randint(1, 3)):
                match chance.choice(["put", "label", "delete", "status", "lab", "assign", "undone"]):
                    case "put":
                        number = chance.randint(0, 9)
                        writer.put(chance.choice([build.pod(f"p{number}"), build.service(f"s{number}", 80)]))
                    case "label" if objects:
                        item = chance.choice(sorted(objects.items()))[1]
                        writer.put(replace(item, metadata=replace(item.metadata, labels={"step": str(step)})))
                    case "delete" if objects:
                        writer.delete(chance.choice(sorted(objects.items()))[1])
                    case "status" if pods:
                        writer.put_status(chance.choice(pods), PodStatus(phase="Running", pod_ips=(f"10.0.0.{step}",)))
                    case "lab":
                        writer.put_lab(build.lab(mtu=1400 + step))
                    case "assign":
                        made = Assignments(
                            cluster_ips={Key("Service", "default", f"x{n}"): (f"10.96.0.{n}",) for n in range(step % 5)}
                        )
                        writer.put_assignments(made)
                        assert writer.assignments() == made
                    case "undone":
                        writer.cluster()
                        raise ZeroDivisionError
        for known in (memory, Memory()):
            with contextlib.closing(Store(path, lambda: NOW, memory=known)) as reader:
                seen, given = reader.cluster(), reader.assignments()
                assert (seen, given) == (writer.cluster(), writer.assignments())
                assert seen.pods == tuple(item for _, item in sorted(seen.objects.items()) if isinstance(item, Pod))
                if known is memory:
                    assert (reader.cluster(), reader.assignments()) == (seen, given)
                    assert reader.cluster() is seen, "nothing was changed, so nothing is read"
    writer.close()


@pytest.mark.parametrize("several", [1, 60])
def test_an_object_that_was_changed_is_in_its_place_among_those_of_its_kind(build, several):
    cluster = build.cluster(*(build.pod(f"p{number}") for number in range(70)), build.service("web", 80))
    assert (len(cluster.pods), len(cluster.services)) == (70, 1)
    later = [replace(pod, metadata=replace(pod.metadata, labels={"new": "yes"})) for pod in cluster.pods[5 : 5 + several]]
    found = cluster.with_objects(later)
    assert found.pods == tuple(found.objects[key] for key in sorted(key for key in found.objects if key.kind == "Pod"))
    assert [pod.metadata.labels.get("new") for pod in found.pods[4:7]] == [None, "yes", "yes" if several > 1 else None]
    assert found.services is cluster.services
    assert len(cluster.with_objects([build.pod("p0a")]).pods) == 71


def test_objects_of_kinds_without_a_change_stay_the_same_ones(store, build):
    pod = store.put(build.pod("web"))
    store.put(build.service("front", 80))
    before = store.cluster()
    assert before.services is before.services
    store.put_status(pod, PodStatus(phase="Running"))
    after = store.cluster()
    assert after.services is before.services
    assert after.pods is not before.pods
    assert after.pods[0].status.phase == "Running"
