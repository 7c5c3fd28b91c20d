"""config.json for crun, from Pod nouns; the seccomp filter; crun's words in Kubernetes' words."""

import json
from dataclasses import replace

import pytest

from netlab.errors import HostUnready, KernelError
from netlab.kernel import oci
from netlab.kernel.cgroup_limits import oci_resources, pod_files
from netlab.kernel.commands import exec_process
from netlab.kernel.crun import message_of, unstartable
from netlab.kernel.poddir import component
from netlab.kernel.processes import Process, parse
from netlab.kernel.seccomp import Filter, seccomp_filter
from netlab.netstate.cgroup import CgroupLimits
from netlab.netstate.process import BindMount, ContainerProcess
from netlab.netstate.rights import Rights

MOUNTS = (BindMount(source="/srv", destination="/data", read_only=True), BindMount(source="volumes/x", destination="/x"))
PROCESS = ContainerProcess(name="c", args=("redis-server", "--port", "1"), env=(("PATH", "/bin"), ("A", "b=c")), mounts=MOUNTS)


def place(**changes):
    given = {
        "root": "/S/root",
        "disk": "/P/c.0",
        "shm": "/P/shm",
        "hosts": "/P/hosts",
        "etc": "/S/etc",
        "pause_pid": 7,
        "cgroup": "/netlab/l/u/c",
        "sources": ("/srv", "/P/volumes/x"),
        "read_only": ("/opt",),
    }
    return oci.Surroundings(**(given | changes))


def container(**changes):
    return oci.container_config(PROCESS, place(**changes))


def mount(config, destination):
    [found] = [mount for mount in config["mounts"] if mount["destination"] == destination]
    return found


@pytest.mark.parametrize(
    ("seccomp", "rules", "annotations"),
    [
        pytest.param(None, None, {}, id="no filter"),
        pytest.param(Filter("f", {"r": 1}), {"r": 1}, {}, id="not compiled yet"),
        pytest.param(Filter("f", {"r": 1}, "AA=="), {"r": 1}, {"run.oci.seccomp_bpf_data": "AA=="}, id="compiled"),
    ],
)
def test_a_filter_is_given_as_rules_and_compiled(seccomp, rules, annotations):
    config = container(seccomp=seccomp)
    assert (config["linux"].get("seccomp"), config["annotations"]) == (rules, annotations)


def test_pause_owns_the_namespaces_of_the_pod():
    config = oci.pause_config(root="/R", netns="/run/netns/x", hostname="web-0", mark="M=1")
    assert config["linux"]["namespaces"] == [
        {"type": "pid"},
        {"type": "ipc"},
        {"type": "uts"},
        {"type": "mount"},
        {"type": "network", "path": "/run/netns/x"},
    ]
    assert (config["hostname"], config["process"]["env"]) == ("web-0", ["PATH=/", "M=1"])
    assert config["process"]["capabilities"] == {"bounding": [], "effective": [], "permitted": []}


def test_pause_sets_the_sysctls_of_the_pod():
    config = oci.pause_config(root="/R", netns="/run/netns/x", hostname="web-0", mark="M=1", sysctls=[("net.a", "1 2")])
    assert config["linux"]["sysctl"] == {"net.a": "1 2"}


@pytest.mark.parametrize(
    ("share", "pid"),
    [
        pytest.param(True, {"type": "pid", "path": "/proc/7/ns/pid"}, id="the Pod's"),
        pytest.param(False, {"type": "pid"}, id="its own"),
    ],
)
def test_container_joins_the_pod(share, pid):
    namespaces = container(share_pid=share)["linux"]["namespaces"]
    assert pid in namespaces
    assert {"type": "ipc", "path": "/proc/7/ns/ipc"} in namespaces
    assert {"type": "network", "path": "/proc/7/ns/net"} in namespaces
    assert {"type": "uts", "path": "/proc/7/ns/uts"} in namespaces
    assert {"type": "mount"} in namespaces
    assert len(namespaces) == 6


def test_process_is_what_the_pod_says():
    process = container()["process"]
    assert process["args"] == ["redis-server", "--port", "1"]
    assert process["env"] == ["PATH=/bin", "A=b=c"]
    assert process["noNewPrivileges"]
    assert process["capabilities"]["effective"] == process["capabilities"]["bounding"]
    assert "CAP_NET_ADMIN" not in process["capabilities"]["bounding"]


@pytest.mark.parametrize(
    ("own", "limits"),
    [
        pytest.param(20000, (1024, 20000), id="clamped"),
        pytest.param(10**7, (1024, 524288), id="enough"),
        pytest.param(512, (512, 512), id="little"),
    ],
)
def test_limits_never_exceed_our_own(own, limits):
    [limit] = container(open_files=own)["process"]["rlimits"]
    assert (limit["soft"], limit["hard"]) == limits


def test_rights_of_a_process():
    rights = Rights(uid=7, gid=8, groups=(9,), capabilities=frozenset({"CAP_CHOWN"}), no_new_privileges=False)
    process = oci.container_config(replace(PROCESS, rights=rights), place())["process"]
    assert process["user"] == {"uid": 7, "gid": 8, "additionalGids": [9]}
    assert process["capabilities"] == {kind: ["CAP_CHOWN"] for kind in ("bounding", "effective", "permitted")}
    assert not process["noNewPrivileges"]


@pytest.mark.parametrize(("read_only", "access"), [(True, "ro"), (False, "rw")])
def test_what_stands_for_the_image_is_read_only_as_a_whole(read_only, access):
    config = oci.container_config(replace(PROCESS, rights=Rights(read_only_root=read_only)), place())
    assert config["root"]["readonly"] is read_only
    for name in ("/tmp", "/run"):
        assert mount(config, name)["options"][-1] == access
    assert mount(config, "/x")["options"][-1] == "rw"


@pytest.mark.parametrize(
    ("limits", "resources"),
    [
        pytest.param({}, {"cpu": {"shares": 2}}, id="nothing is asked for"),
        pytest.param({"cpu_shares": 256}, {"cpu": {"shares": 256}}, id="a request"),
        pytest.param({"cpu_quota_us": 50000}, {"cpu": {"shares": 2, "quota": 50000, "period": 100000}}, id="a limit of time"),
        pytest.param({"memory_bytes": 7}, {"cpu": {"shares": 2}, "memory": {"limit": 7}}, id="a limit of memory"),
        pytest.param({"pids": 9}, {"cpu": {"shares": 2}, "pids": {"limit": 9}}, id="a limit of processes"),
    ],
)
def test_limits_of_a_cgroup(limits, resources):
    found = oci_resources(CgroupLimits(**limits))
    assert {name: value for name, value in found.items() if name != "devices"} == resources


def test_other_devices_than_a_few_are_forbidden():
    first, *others = oci_resources(CgroupLimits())["devices"]
    assert first == {"allow": False, "access": "rwm"}
    opened = [rule for rule in others if rule["access"] != "m"]
    assert all(rule["allow"] and rule["type"] == "c" and "major" in rule for rule in opened)


def test_a_limit_of_memory_counts_what_is_swapped_out_where_that_is_counted():
    assert oci_resources(CgroupLimits(memory_bytes=7), counts_swap=True)["memory"] == {"limit": 7, "swap": 7}


@pytest.mark.parametrize(("shares", "weight"), [(2, "1"), (1024, "39"), (262144, "10000")])
def test_a_pods_share_in_both_versions_of_cgroups(shares, weight):
    files = pod_files(CgroupLimits(cpu_shares=shares, pids=9))
    assert files == {"cpu.shares": str(shares), "cpu.weight": weight, "pids.max": "9"}
    assert pod_files(CgroupLimits())["pids.max"] == "max"


def test_volumes_come_last_and_keep_their_mode():
    config = container()
    assert [item["destination"] for item in config["mounts"][-3:]] == ["/data", "/x", "/dev/termination-log"]
    assert mount(config, "/data")["options"] == ["rbind", "rprivate", "ro"]
    assert mount(config, "/x") == {
        "destination": "/x",
        "type": "bind",
        "source": "/P/volumes/x",
        "options": ["rbind", "rprivate", "rw"],
    }


def test_run_is_mounted_before_files_that_may_be_links_into_it():
    order = [item["destination"] for item in container()["mounts"]]
    assert order.index("/run") < order.index("/etc/resolv.conf")


def test_machine_is_seen_without_its_secrets():
    config = container()
    assert mount(config, "/opt")["options"] == ["rbind", "ro", "nosuid", "nodev"]
    assert mount(config, "/dev/shm")["source"] == "/P/shm"
    assert {"/etc/shadow", "/proc/kcore"} <= set(config["linux"]["maskedPaths"])


def test_exec_has_the_containers_variables_and_rights():
    config = container()
    process = exec_process(config, ["sh"], env={"B": "2", "PATH": "/usr/bin"}, cwd="", tty=True)
    assert process["env"] == ["PATH=/usr/bin", "A=b=c", "TERM=xterm", "B=2"]
    assert (process["cwd"], process["terminal"], process["args"]) == ("/", True, ["sh"])
    assert process["capabilities"] == config["process"]["capabilities"]
    assert not exec_process(config, ["sh"], env={}, cwd="/tmp", tty=False)["terminal"]


def profile(*entries):
    return json.dumps({"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 38, "archMap": [], "syscalls": list(entries)})


def entry(**changes):
    return {"names": ["x"], "action": "SCMP_ACT_ALLOW", "args": [], "comment": "", "includes": {}, "excludes": {}} | changes


@pytest.mark.parametrize(
    ("changes", "kept"),
    [
        pytest.param({}, True, id="for all"),
        pytest.param({"includes": {"arches": ["amd64"]}}, True, id="this machine"),
        pytest.param({"includes": {"arches": ["s390x"]}}, False, id="another machine"),
        pytest.param({"excludes": {"arches": ["amd64"]}}, False, id="not this machine"),
        pytest.param({"includes": {"caps": ["CAP_KILL"]}}, True, id="capability held"),
        pytest.param({"includes": {"caps": ["CAP_KILL", "CAP_SYS_ADMIN"]}}, False, id="one capability missing"),
        pytest.param({"excludes": {"caps": ["CAP_SYS_ADMIN"]}}, True, id="for those without"),
        pytest.param({"excludes": {"caps": ["CAP_KILL"]}}, False, id="not for those with"),
        pytest.param({"includes": {"minKernel": "4.8"}}, True, id="kernel new enough"),
        pytest.param({"includes": {"minKernel": "6.2"}}, False, id="kernel too old"),
        pytest.param({"excludes": {"minKernel": "4.8"}}, False, id="only for older kernels"),
        pytest.param({"includes": None, "excludes": None}, True, id="null"),
    ],
)
def test_seccomp_entries_are_chosen(changes, kept):
    found = seccomp_filter(profile(entry(**changes)), machine="x86_64", kernel="6.1.0-18-amd64", capabilities={"CAP_KILL"})
    assert found["syscalls"] == ([{"names": ["x"], "action": "SCMP_ACT_ALLOW"}] if kept else [])


def test_seccomp_filter_is_what_the_oci_specification_knows():
    arguments = [{"index": 0, "value": 8, "valueTwo": 0, "op": "SCMP_CMP_EQ"}]
    text = profile(entry(args=arguments, errnoRet=1, errno="EPERM"))
    assert seccomp_filter(text, machine="aarch64", kernel="6.1", capabilities=set()) == {
        "defaultAction": "SCMP_ACT_ERRNO",
        "defaultErrnoRet": 38,
        "architectures": ["SCMP_ARCH_AARCH64"],
        "syscalls": [{"names": ["x"], "action": "SCMP_ACT_ALLOW", "errnoRet": 1, "args": arguments}],
    }


@pytest.mark.parametrize(
    ("text", "machine"),
    [
        pytest.param("{", "x86_64", id="no JSON"),
        pytest.param("[]", "x86_64", id="a list"),
        pytest.param(profile(), "vax", id="unknown machine"),
    ],
)
def test_unusable_profile_names_the_cure(text, machine):
    with pytest.raises(HostUnready):
        seccomp_filter(text, machine=machine, kernel="6.1", capabilities=set())


@pytest.mark.parametrize(
    ("said", "means", "code"),
    [
        pytest.param(
            "executable file `no` not found in $PATH: No such file or directory",
            'exec: "no": executable file not found in $PATH',
            127,
            id="no such command",
        ),
        pytest.param(
            "executable file `/bin/no` not found in $PATH: No such file or directory",
            'exec: "/bin/no": not found or not executable',
            127,
            id="no such file",
        ),
        pytest.param(
            "executable file `no` not found: No such file or directory",
            'exec: "no": executable file not found in $PATH',
            127,
            id="newer crun",
        ),
        pytest.param("open executable: Permission denied", 'exec: "prog": permission denied', 126, id="not executable"),
        pytest.param("chdir `/x`: Not a directory", 'chdir to cwd ("/x"): not a directory', 126, id="working directory"),
        pytest.param(
            "OOM: the memory limit could be too low: read from sync socket: Connection reset by peer",
            "container init was OOM-killed (memory limit too low?)",
            128,
            id="memory",
        ),
        pytest.param("mount `/f` to `usr`: Not a directory", 'mount "/f" to "usr": not a directory', 126, id="mount"),
    ],
)
def test_commands_that_cannot_be_run_are_the_users_mistake(said, means, code):
    found = unstartable(said, "prog")
    assert (str(found), found.code) == (means, code)


@pytest.mark.parametrize("said", ["", "cgroups in hybrid mode not supported", "open `/run/netns/x`: No such file or directory"])
def test_other_words_are_trouble(said):
    assert unstartable(said) is None


def test_messages_lose_their_time_stamps():
    lines = ["2023-05-01T10:00:00.123456Z: one", '{"msg":"two","level":"error"}', "", "three"]
    assert message_of(lines) == "one; two; three"


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "/", "a\0b", "x" * 256])
def test_hostile_names_never_become_paths(name):
    with pytest.raises(KernelError):
        component(name)


def test_a_process_is_read_as_it_was_written():
    process = Process(12, 3456, "boot")
    assert parse(f"{process}\n") == process
    assert parse("") is None
    assert parse("1 2") is None
    assert parse("x y z") is None
