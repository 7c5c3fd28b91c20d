"""As whom a container runs and what it may do: whose word counts."""

from dataclasses import replace

import pytest

from netlab.desired.rights import fs_group, rights
from netlab.desired.sandboxes import revision
from netlab.errors import NetlabError
from netlab.model.security import Capabilities, PodSecurityContext, SeccompProfile, SecurityContext
from netlab.netstate.rights import USUAL_CAPABILITIES, Rights


def given(build, common=None, own=None):
    """A Pod that says `common`, and its container, which says `own`."""
    pod = build.pod("web", security_context=PodSecurityContext(**common) if common is not None else None)
    context = SecurityContext(**own) if own is not None else None
    return pod, replace(pod.spec.containers[0], security_context=context)


@pytest.mark.parametrize(
    ("common", "own", "found"),
    [
        pytest.param(None, None, Rights(), id="nobody says anything: the usual root"),
        pytest.param({}, {}, Rights(), id="contexts that say nothing"),
        pytest.param({"run_as_user": 1000}, None, Rights(uid=1000), id="the Pod's user"),
        pytest.param({"run_as_user": 1000, "run_as_group": 7}, {"run_as_user": 8}, Rights(uid=8, gid=7), id="each for itself"),
        pytest.param({"run_as_user": 1000}, {"run_as_user": 0}, Rights(), id="root, said by the container"),
        pytest.param({"run_as_non_root": True}, {"run_as_user": 1}, Rights(uid=1), id="not root"),
        pytest.param({"run_as_non_root": True}, {"run_as_non_root": False}, Rights(), id="root after all"),
        pytest.param(
            {"supplemental_groups": (5, 6), "fs_group": 5}, None, Rights(groups=(5, 6)), id="a group of files that is one already"
        ),
        pytest.param({"fs_group": 9}, None, Rights(groups=(9,)), id="the group of files"),
        pytest.param(None, {"allow_privilege_escalation": True}, Rights(no_new_privileges=False), id="privileges of programs"),
        pytest.param(None, {"allow_privilege_escalation": False}, Rights(), id="none of them"),
        pytest.param(None, {"read_only_root_filesystem": True}, Rights(read_only_root=True), id="nothing to write to"),
        pytest.param({"seccomp_profile": SeccompProfile(type="Unconfined")}, None, Rights(filters_calls=False), id="all calls"),
        pytest.param(
            {"seccomp_profile": SeccompProfile(type="Unconfined")}, {"seccomp_profile": SeccompProfile(type="RuntimeDefault")},
            Rights(), id="the container wants the filter",
        ),
    ],
)  # fmt: skip
def test_rights(build, common, own, found):
    assert rights(*given(build, common, own)) == found


@pytest.mark.parametrize(
    ("wish", "found"),
    [
        pytest.param({"add": ("NET_ADMIN",)}, USUAL_CAPABILITIES | {"CAP_NET_ADMIN"}, id="one more"),
        pytest.param({"drop": ("NET_RAW",)}, USUAL_CAPABILITIES - {"CAP_NET_RAW"}, id="one less"),
        pytest.param({"drop": ("ALL",)}, frozenset(), id="none"),
        pytest.param({"drop": ("ALL",), "add": ("CHOWN",)}, frozenset({"CAP_CHOWN"}), id="one"),
        pytest.param({"drop": ("CHOWN",), "add": ("CHOWN",)}, USUAL_CAPABILITIES, id="what is added stays"),
    ],
)
def test_capabilities(build, wish, found):
    assert rights(*given(build, own={"capabilities": Capabilities(**wish)})).capabilities == found


@pytest.mark.parametrize(
    ("common", "own", "words"),
    [
        pytest.param(
            {"run_as_non_root": True}, None, "container has runAsNonRoot and image will run as root", id="nobody said who"
        ),
        pytest.param(
            {"run_as_user": 0}, {"run_as_non_root": True}, "container's runAsUser breaks non-root policy", id="root was wished"
        ),
    ],
)
def test_root_that_must_not_be_is_refused_in_the_kubelets_words(build, common, own, words):
    with pytest.raises(NetlabError) as caught:
        rights(*given(build, common, own))
    assert str(caught.value) == f'{words} (pod: "web_default(uid-default-web)", container: main)'


def test_the_group_of_files_is_the_pods(build):
    assert fs_group(given(build, {"fs_group": 9})[0]) == 9
    assert fs_group(given(build)[0]) is None


def test_what_the_pod_says_is_part_of_each_containers_wish(build):
    _, container = given(build)
    assert revision(container, PodSecurityContext(run_as_user=1)) != revision(container, PodSecurityContext(run_as_user=2))
    assert revision(container, PodSecurityContext()) != "" != revision(container)
