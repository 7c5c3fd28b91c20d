"""A Pod in Linux words: host name, the two files, arguments, environment, mounts (N8, N11, N12)."""

import re
from dataclasses import replace

import pytest

from netlab.desired.assignments import Assignments, NodeAssignment, PodAssignment
from netlab.desired.cgroup_limits import POD_PIDS
from netlab.desired.resolver import KUBE_DNS
from netlab.desired.sandboxes import HOSTS_HEADER, revision, sandbox
from netlab.errors import NetlabError, NotFound
from netlab.model.container import Container, EnvVar, VolumeMount
from netlab.model.lab import Cluster, Lab, LabSpec
from netlab.model.meta import Key, ObjectMeta
from netlab.model.pod import HostAlias, Pod, PodDNSConfig, PodDNSConfigOption, PodSpec
from netlab.model.resources import ResourceRequirements, amounts
from netlab.model.security import PodSecurityContext
from netlab.model.service import Service, ServicePort, ServiceSpec
from netlab.model.sysctl import Sysctl
from netlab.model.volume import EmptyDirVolume, HostPathVolume, Volume
from netlab.netstate.cgroup import CgroupLimits
from netlab.netstate.process import BindMount, ContainerProcess, Sandbox
from netlab.netstate.volume import HostPath, Scratch

REDIS = Service(metadata=ObjectMeta(name="redis", namespace="shop"), spec=ServiceSpec(ports=(ServicePort(port=6379),)))
ASSIGNED = Assignments(
    pods={Key("Pod", "shop", "web"): PodAssignment(node="node-1", ips=("10.244.1.2",))},
    cluster_ips={REDIS.key: ("10.96.0.5",)},
)
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def cluster(*objects, **spec):
    return Cluster(lab=Lab(metadata=ObjectMeta(name="demo"), spec=LabSpec(**spec))).with_objects(objects)


def container(name="c", command=("true",), **more):
    return Container(name=name, image="host", command=command, **more)


def pod(*containers, name="web", **spec):
    return Pod(
        metadata=ObjectMeta(name=name, namespace="shop", uid="u1"),
        spec=PodSpec(containers=containers or (container(),), **spec),
    )


def make(the_pod, *objects, assignments=ASSIGNED):
    return sandbox(cluster(*objects), assignments, the_pod)


def test_revision_stands_for_the_wish_and_for_nothing_else():
    before = make(pod()).containers[0]
    changed = make(pod(container(env=(EnvVar(name="A", value="1"),)))).containers[0]
    later = make(pod(), Service(metadata=ObjectMeta(name="new", namespace="shop"), spec=REDIS.spec), REDIS).containers[0]
    assert changed.revision != before.revision
    assert later.env != before.env, "a Service appeared"
    assert later.revision == before.revision, "and replaces no container (N8)"


def test_whole_pod():
    assert make(pod()) == Sandbox(
        uid="u1",
        netns="demo.shop.web",
        hostname="web",
        hosts="# Kubernetes-managed hosts file.\n"
        "127.0.0.1\tlocalhost\n"
        "::1\tlocalhost ip6-localhost ip6-loopback\n"
        "fe00::0\tip6-localnet\n"
        "fe00::0\tip6-mcastprefix\n"
        "fe00::1\tip6-allnodes\n"
        "fe00::2\tip6-allrouters\n"
        "10.244.1.2\tweb\n",
        resolv_conf="search shop.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.96.0.10\noptions ndots:5\n",
        containers=(
            ContainerProcess(
                name="c",
                args=("true",),
                env=(("PATH", PATH), ("HOME", "/root"), ("HOSTNAME", "web")),
                cwd="/",
                revision=revision(container()),
            ),
        ),
        share_process_namespace=True,
        limits=CgroupLimits(pids=POD_PIDS),
    )


@pytest.mark.parametrize(
    ("the_pod", "hostname", "own_line"),
    [
        pytest.param(pod(), "web", "10.244.1.2\tweb\n", id="the Pod's name"),
        pytest.param(pod(hostname="front"), "front", "10.244.1.2\tfront\n", id="hostname"),
        pytest.param(
            pod(hostname="front", subdomain="sub"),
            "front",
            "10.244.1.2\tfront.sub.shop.svc.cluster.local\tfront\n",
            id="hostname and subdomain",
        ),
        pytest.param(
            pod(subdomain="sub"),
            "web",
            "10.244.1.2\tweb.sub.shop.svc.cluster.local\tweb\n",
            id="subdomain alone, as in the kubelet",
        ),
        pytest.param(pod(name="a" * 70), "a" * 63, "", id="cut to 63, and unbound: no own line"),
        pytest.param(pod(name="a" * 62 + "-" + "b" * 7), "a" * 62, "", id="no dash at the end after the cut"),
    ],
)
def test_hostname_and_hosts(the_pod, hostname, own_line):
    found = make(the_pod)
    assert found.hostname == hostname
    assert found.hosts == HOSTS_HEADER + own_line


def test_host_aliases_stand_behind_the_pods_own_name():
    aliases = (
        HostAlias(ip="192.0.2.1", hostnames=("foo.local", "bar.local")),
        HostAlias(ip="192.0.2.2", hostnames=("foo.remote",)),
    )
    assert make(pod(host_aliases=aliases)).hosts == (
        HOSTS_HEADER + "10.244.1.2\tweb\n\n# Entries added by HostAliases.\n"
        "192.0.2.1\tfoo.local\tbar.local\n192.0.2.2\tfoo.remote\n"
    )


def option(name, value=""):
    return PodDNSConfigOption(name=name, value=value)


@pytest.mark.parametrize(
    ("the_pod", "assignments", "text"),
    [
        pytest.param(
            pod(),
            ASSIGNED,
            "search shop.svc.lab.test svc.lab.test lab.test\nnameserver 10.1.0.10\noptions ndots:5\n",
            id="planned",
        ),
        pytest.param(
            pod(),
            Assignments(cluster_ips={KUBE_DNS: ("10.1.0.53",)}),
            "search shop.svc.lab.test svc.lab.test lab.test\nnameserver 10.1.0.53\noptions ndots:5\n",
            id="assigned",
        ),
        pytest.param(
            pod(dns_policy="Default"),
            ASSIGNED,
            "# dnsPolicy: Default means the resolver of the Node, and a Node of this lab has none: "
            "there is no DNS outside the cluster.\nsearch .\n",
            id="Default",
        ),
        pytest.param(
            pod(dns_policy="None", dns_config=PodDNSConfig(nameservers=("192.0.2.1",), searches=("a.test", "b.test"))),
            ASSIGNED,
            "search a.test b.test\nnameserver 192.0.2.1\n",
            id="None: exactly what is given",
        ),
        pytest.param(
            pod(dns_policy="None", dns_config=PodDNSConfig(nameservers=("192.0.2.1",), options=(option("edns0"),))),
            ASSIGNED,
            "search .\nnameserver 192.0.2.1\noptions edns0\n",
            id="None: no search list",
        ),
        pytest.param(
            pod(
                dns_config=PodDNSConfig(
                    nameservers=("10.1.0.10", "192.0.2.1", "192.0.2.2", "192.0.2.3"),
                    searches=("svc.lab.test", "more.test"),
                    options=(option("ndots", "2"), option("timeout", "1")),
                )
            ),
            ASSIGNED,
            "search shop.svc.lab.test svc.lab.test lab.test more.test\n"
            "nameserver 10.1.0.10\nnameserver 192.0.2.1\nnameserver 192.0.2.2\noptions ndots:2 timeout:1\n",
            id="added behind, nothing twice, three servers at most",
        ),
        pytest.param(
            pod(dns_policy="Default", dns_config=PodDNSConfig(searches=("a.test",))),
            ASSIGNED,
            "search a.test\n",
            id="Default, added to",
        ),
        pytest.param(
            pod(dns_policy="ClusterFirstWithHostNet"),
            ASSIGNED,
            "search shop.svc.lab.test svc.lab.test lab.test\nnameserver 10.1.0.10\noptions ndots:5\n",
            id="on a network of its own the same as ClusterFirst",
        ),
    ],
)
def test_resolv_conf(the_pod, assignments, text):
    lab = cluster(service_subnet="10.1.0.0/16", cluster_domain="lab.test")
    assert sandbox(lab, assignments, the_pod).resolv_conf == text


def test_n8_arguments_and_variables_are_expanded():
    words = container(
        command=("redis-cli", "-h", "$(REDIS_SERVICE_HOST)"),
        args=("$(GREETING)", "$$(GREETING)", "$(NO)", "$HOME"),
        env=(EnvVar(name="GREETING", value="hi"),),
        working_dir="/srv",
    )
    process = make(pod(words), REDIS).containers[0]
    assert process.args == ("redis-cli", "-h", "10.96.0.5", "hi", "$(GREETING)", "$(NO)", "$HOME")
    assert process.cwd == "/srv"
    assert dict(process.env)["GREETING"] == "hi"


@pytest.mark.parametrize(("name", "value"), [("PATH", "/opt/bin"), ("HOME", "/srv"), ("HOSTNAME", "other")])
def test_the_container_may_set_what_is_given(name, value):
    process = make(pod(container(env=(EnvVar(name=name, value=value),)))).containers[0]
    assert [pair for pair in process.env if pair[0] == name] == [(name, value)]


@pytest.mark.parametrize(
    ("volume", "read_only", "mount"),
    [
        pytest.param(
            Volume(name="v", empty_dir=EmptyDirVolume()),
            False,
            BindMount(source="volumes/v", destination="/data"),
            id="N12 emptyDir",
        ),
        pytest.param(
            Volume(name="v", empty_dir=EmptyDirVolume()),
            True,
            BindMount(source="volumes/v", destination="/data", read_only=True),
            id="N12 emptyDir, read-only here",
        ),
        pytest.param(
            Volume(name="v", host_path=HostPathVolume(path="/srv")),
            False,
            BindMount(source="/srv", destination="/data"),
            id="hostPath",
        ),
        pytest.param(
            Volume(name="v", host_path=HostPathVolume(path="/srv", type="Directory")),
            False,
            BindMount(source="/srv", destination="/data"),
            id="hostPath of a type",
        ),
    ],
)
def test_volume(volume, read_only, mount):
    one = container(volume_mounts=(VolumeMount(name="v", mount_path="/data", read_only=read_only),))
    found = make(pod(one, volumes=(volume,)))
    assert found.containers[0].mounts == (replace(mount, volume="v"),)
    paths = (HostPath(name="v", path="/srv", type=volume.host_path.type),) if volume.host_path else ()
    assert found.host_paths == paths
    assert found.scratch == ((Scratch(name="v"),) if volume.empty_dir else ())


ROOM = amounts({"memory": "1Gi"})


@pytest.mark.parametrize(
    ("written", "limits", "expected"),
    [
        ({}, {}, Scratch(name="v")),
        ({"size_limit": "10Mi"}, {}, Scratch(name="v")),
        ({"medium": "Memory"}, {}, Scratch(name="v", in_memory=True, size_bytes=1 << 30)),
        ({"medium": "Memory", "size_limit": "10Mi"}, {}, Scratch(name="v", in_memory=True, size_bytes=10 << 20)),
        ({"medium": "Memory", "size_limit": "2Gi"}, {}, Scratch(name="v", in_memory=True, size_bytes=1 << 30)),
        ({"medium": "Memory"}, {"memory": "64Mi"}, Scratch(name="v", in_memory=True, size_bytes=64 << 20)),
        ({"medium": "Memory", "size_limit": "0"}, {"cpu": "1"}, Scratch(name="v", in_memory=True, size_bytes=1 << 30)),
    ],
)
def test_an_empty_directory_is_no_larger_than_wished_than_the_pod_may_and_than_the_node_is(written, limits, expected):
    mount = VolumeMount(name="v", mount_path="/data")
    one = container(volume_mounts=(mount,), resources=ResourceRequirements(limits=limits))
    wanted = pod(one, volumes=(Volume(name="v", empty_dir=EmptyDirVolume(**written)),))
    found = sandbox(cluster(), Assignments(), wanted, room=ROOM)
    assert found.scratch == (expected,)
    assert found.containers[0].mounts[0].source == ("memory/v" if expected.in_memory else "volumes/v")


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param({"sub_path": "a/$(POD)"}, {"sub_path": "a/$(POD)"}, id="subPath is taken as it is"),
        pytest.param({"sub_path_expr": "a/$(POD)/$$(POD)"}, {"sub_path": "a/web/$(POD)"}, id="subPathExpr is expanded"),
        pytest.param({"mount_propagation": "HostToContainer"}, {"propagation": "rslave"}, id="propagation"),
        pytest.param({"mount_propagation": "None"}, {}, id="no propagation"),
        pytest.param(
            {"read_only": True, "recursive_read_only": "Enabled"}, {"read_only": True, "is_recursive": True}, id="recursive"
        ),
    ],
)
def test_mount(fields, expected):
    [mount] = make(mounting(**fields)).containers[0].mounts
    assert mount == BindMount(source="volumes/v", destination="/data", volume="v", **expected)


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        pytest.param("$(NOSUCH)/a", 'missing value for "NOSUCH"', id="an unknown variable"),
        pytest.param("$(ROOT)/etc", 'subPath "/etc" must not be an absolute path', id="absolute"),
        pytest.param("a/$(UP)/b", "unable to provision SubPath `a/../b`: must not contain '..'", id="dots"),
        pytest.param("$(EMPTY)", 'subPathExpr "$(EMPTY)" of volumeMount "v" stands for no path', id="nothing"),
    ],
)
def test_a_path_that_is_no_part_of_the_volume_is_refused(expression, message):
    with pytest.raises(NetlabError, match=re.escape(message)):
        make(mounting(sub_path_expr=expression))


def mounting(**fields):
    env = tuple(EnvVar(name=name, value=value) for name, value in {"POD": "web", "ROOT": "", "UP": "..", "EMPTY": ""}.items())
    mount = VolumeMount(name="v", mount_path="/data", **fields)
    return pod(container(volume_mounts=(mount,), env=env), volumes=(Volume(name="v", empty_dir=EmptyDirVolume()),))


def test_n12_containers_of_a_pod_share_a_volume():
    both = [container(name, volume_mounts=(VolumeMount(name="v", mount_path=f"/{name}"),)) for name in ("a", "b")]
    found = make(pod(*both, volumes=(Volume(name="v", empty_dir=EmptyDirVolume()),)))
    assert [process.mounts[0].source for process in found.containers] == ["volumes/v", "volumes/v"]


def test_outer_mount_stands_before_inner_mount():
    mounts = (VolumeMount(name="v", mount_path="/a/b"), VolumeMount(name="v", mount_path="/a"))
    found = make(pod(container(volume_mounts=mounts), volumes=(Volume(name="v", empty_dir=EmptyDirVolume()),)))
    assert [mount.destination for mount in found.containers[0].mounts] == ["/a", "/a/b"]


def test_n11_sharing_of_processes_can_be_switched_off():
    assert make(pod(share_process_namespace=False)).share_process_namespace is False


@pytest.mark.parametrize(
    ("the_pod", "error", "message"),
    [
        pytest.param(pod(container(command=())), NetlabError, "no command", id="no command"),
        pytest.param(
            pod(container(volume_mounts=(VolumeMount(name="no", mount_path="/a"),))),
            NotFound,
            "volume 'no'",
            id="no such volume",
        ),
    ],
)
def test_refusal_names_pod_and_container(the_pod, error, message):
    with pytest.raises(error) as caught:
        make(the_pod)
    assert message in str(caught.value)
    assert str(caught.value).startswith("pod shop/web, container c: ")


@pytest.mark.parametrize(
    ("spec", "seen"),
    [
        pytest.param({"subdomain": "sub"}, "web.sub.shop.svc.cluster.local", id="with a subdomain"),
        pytest.param({"subdomain": "sub", "hostname": "front"}, "front.sub.shop.svc.cluster.local", id="and a hostname"),
        pytest.param({}, "web", id="without a subdomain there is no full name"),
        pytest.param({"subdomain": "s" * 40}, "", id="65 characters are too many"),
    ],
)
def test_the_full_name_as_host_name(spec, seen):
    the_pod = pod(set_hostname_as_fqdn=True, **spec)
    if not seen:
        with pytest.raises(NetlabError, match="64 characters is the max"):
            make(the_pod)
        return
    found = make(the_pod)
    assert (found.hostname, dict(found.containers[0].env)["HOSTNAME"]) == (seen, seen)


def test_sysctls_of_a_pod_are_set_with_its_processes():
    wish = PodSecurityContext(sysctls=(Sysctl(name="net.ipv4.tcp_syncookies", value="0"),))
    assert make(pod(security_context=wish)).sysctls == (("net.ipv4.tcp_syncookies", "0"),)


def test_a_pod_in_its_nodes_network_has_the_nodes_name_and_address():
    nodes = {"node-1": NodeAssignment(ips=("172.18.0.2",), pod_cidrs=("10.244.1.0/24",))}
    bound = {Key("Pod", "shop", "web"): PodAssignment(node="node-1", ips=("172.18.0.2",))}
    aliases = (HostAlias(ip="192.0.2.1", hostnames=("a.test",)),)
    wish = pod(host_network=True, hostname="front", host_aliases=aliases)
    found = make(wish, assignments=Assignments(nodes=nodes, pods=bound))
    assert (found.netns, found.hostname) == ("demo.node-1", "node-1")
    assert found.hosts.startswith("# Kubernetes-managed hosts file (host network).\n127.0.0.1\tlocalhost\n")
    assert found.hosts.endswith("172.18.0.2\tnode-1\n\n# Entries added by HostAliases.\n192.0.2.1\ta.test\n")


@pytest.mark.parametrize(
    ("policy", "asks"),
    [
        pytest.param("ClusterFirst", False, id="ClusterFirst is the Node's resolver there"),
        pytest.param("ClusterFirstWithHostNet", True, id="the cluster DNS there too"),
        pytest.param("Default", False, id="the Node's resolver"),
    ],
)
def test_the_resolver_of_a_pod_in_its_nodes_network(policy, asks):
    assert ("nameserver 10.96.0.10" in make(pod(host_network=True, dns_policy=policy)).resolv_conf) is asks
