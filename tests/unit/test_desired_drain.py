"""Which Pods go when a Node is drained, which stay, and which are in the way."""

from dataclasses import replace

import pytest

from netlab.desired.drain import MIRROR, DrainOptions, plan_drain
from netlab.model.meta import OwnerReference
from netlab.model.times import epoch
from netlab.model.volume import EmptyDirVolume, Volume

SCRATCH = (Volume(name="scratch", empty_dir=EmptyDirVolume()),)
UNMANAGED = "cannot delete cannot delete Pods that declare no controller (use --force to override): default/web"
STORAGE = "cannot delete Pods with local storage (use --delete-emptydir-data to override): default/web"
DAEMON = "cannot delete DaemonSet-managed Pods (use --ignore-daemonsets to ignore): default/web"


def a_pod(build, owner="", *, mirror=False, controller=True, **wish):
    pod = build.pod("web", **wish)
    owners = (OwnerReference(kind=owner, name="x", controller=controller),) if owner else ()
    return replace(pod, metadata=replace(pod.metadata, owner_references=owners, annotations={MIRROR: "yes"} if mirror else {}))


@pytest.mark.parametrize(
    ("wish", "options", "goes", "said"),
    [
        pytest.param({"owner": "ReplicaSet"}, {}, True, "", id="one that will be made again"),
        pytest.param({}, {}, False, UNMANAGED, id="one that nothing makes again"),
        pytest.param({}, {"force": True}, True, "deleting Pods that declare no controller: default/web", id="which is known"),
        pytest.param({"owner": "ReplicaSet", "controller": False}, {}, False, UNMANAGED, id="an owner that is no controller"),
        pytest.param({"phase": "Succeeded"}, {}, True, "", id="one that has ended"),
        pytest.param({"phase": "Failed", "owner": "DaemonSet"}, {}, True, "", id="also of a DaemonSet"),
        pytest.param({"owner": "DaemonSet"}, {}, False, DAEMON, id="of a DaemonSet"),
        pytest.param({"owner": "DaemonSet"}, {"ignore_daemonsets": True}, False, "ignoring DaemonSet-managed Pods: default/web", id="which stays"),
        pytest.param({"owner": "DaemonSet"}, {"force": True}, False, DAEMON, id="--force is another matter"),
        pytest.param({"owner": "ReplicaSet", "volumes": SCRATCH}, {}, False, STORAGE, id="with an emptyDir"),
        pytest.param({"owner": "ReplicaSet", "volumes": SCRATCH}, {"delete_emptydir_data": True}, True, "", id="whose data may go"),
        pytest.param({"volumes": SCRATCH}, {"force": True}, False, STORAGE, id="forced, but with data"),
        pytest.param({"volumes": SCRATCH}, {"force": True, "delete_emptydir_data": True}, True, "deleting Pods that declare no controller: default/web", id="forced, and its data may go"),
        pytest.param({"mirror": True}, {}, False, "", id="a static one stays, and is in nobody's way"),
        pytest.param({"deleting": True, "owner": "ReplicaSet"}, {"skip_after_s": 10, "now": 11}, False, "", id="on its way out for too long"),
        pytest.param({"deleting": True, "owner": "ReplicaSet"}, {"skip_after_s": 10, "now": 9}, True, "", id="not for long"),
        pytest.param({"deleting": True, "owner": "ReplicaSet"}, {"now": 9999}, True, "", id="and nobody asked"),
    ],
)  # fmt: skip
def test_what_becomes_of_a_pod(build, wish, options, goes, said):
    pod = a_pod(build, **wish)
    options = options | {"now": options.get("now", 0) + epoch("2026-01-31T12:00:00Z")}
    plan = plan_drain([pod], DrainOptions(**options))
    assert (bool(plan.pods), plan.warning or ", ".join(plan.errors)) == (goes, said)


def test_what_is_said_of_several_pods_is_said_once(build):
    pods = [replace(a_pod(build), metadata=replace(a_pod(build).metadata, name=name)) for name in ("a", "b")]
    assert plan_drain(pods, DrainOptions()).errors == (UNMANAGED.replace("default/web", "default/a, default/b"),)
    both = plan_drain([*pods, a_pod(build, owner="DaemonSet")], DrainOptions(force=True, ignore_daemonsets=True))
    assert both.warning == (
        "deleting Pods that declare no controller: default/a, default/b; ignoring DaemonSet-managed Pods: default/web"
    )
