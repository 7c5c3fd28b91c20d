"""The lab as a shell script: how it reads (golden), that nothing in it can be more than a word, what is left out."""

import json
import re
import subprocess
import sys
from dataclasses import replace

import pytest

from netlab.desired.assign import assign
from netlab.desired.assignments import Assignments
from netlab.desired.zone import Zone
from netlab.model.container import ConfigMapKeySelector, Container, EnvFromSource, EnvVar, EnvVarSource, SecretRef, VolumeMount
from netlab.model.pod_status import ContainerStatus, PodStatus
from netlab.model.volume import EmptyDirVolume, HostPathVolume, Volume
from netlab.netstate.process import ContainerProcess
from netlab.plan.script import build_script, removal_script
from netlab.plan.script_pods import here_document, program, service_names

DUMP = (sys.executable, "-I", "-c", "import json, os, sys; print(json.dumps([sys.argv[1:], dict(os.environ), os.getcwd()]))")


def running(pod, *containers, states=(), **spec):
    """The Pod with these containers, all of which run unless `states` says something else."""
    status = tuple(
        ContainerStatus(name=one.name, state=state, ready=state == "running")
        for one, state in zip(containers, states or ["running"] * len(containers), strict=True)
    )
    return replace(
        pod, spec=replace(pod.spec, containers=containers, **spec), status=PodStatus(phase="Running", container_statuses=status)
    )


def a_container(name="main", *command, **more):
    return Container(name=name, image="host", command=command or ("true",), **more)


@pytest.fixture
def small(build):
    """One Node, a Pod that serves a directory of its own, a Service before it."""
    web = a_container(
        "web",
        "python3", "-m", "http.server", "8080",
        working_dir="/srv/www",
        env=(EnvVar(name="GREETING", value="it's me"),),
        volume_mounts=(
            VolumeMount(name="pages", mount_path="/srv/www"),
            VolumeMount(name="machine", mount_path="/machine", read_only=True),
        ),
    )  # fmt: skip
    volumes = (
        Volume(name="pages", empty_dir=EmptyDirVolume()),
        Volume(name="machine", host_path=HostPathVolume(path="/var/lib/shared files", type="DirectoryOrCreate")),
    )
    pod = running(build.pod("web-1", node="node-1"), web, volumes=volumes)
    service = build.service("web", build.port(80, target=8080, node_port=30080), type="NodePort")
    cluster = build.cluster(pod, service, of=build.lab("node-1"))
    return cluster, assign(cluster, Assignments(cluster_ips={service.key: ("10.96.0.20",)}))


@pytest.fixture
def text(build):
    """`text(pod, ...)` is the script of a lab with these objects."""

    def make(*objects, **options):
        cluster = build.cluster(*objects)
        return build_script(cluster, assign(cluster, Assignments()), **options)

    return make


def is_shell(script):
    done = subprocess.run(["sh", "-n"], input=script, capture_output=True, text=True, check=False)
    return (done.returncode, done.stderr) == (0, "")


def test_a_small_lab_as_a_script(small, golden):
    script = build_script(*small)
    golden("scripts/small-lab.sh", script)
    assert is_shell(script)


def test_its_removal_as_a_script(small, golden):
    script = removal_script(*small)
    golden("scripts/small-lab-removal.sh", script)
    assert is_shell(script)


def test_only_what_the_script_made_is_deleted(small):
    built = set(re.findall(r"ip netns add (\S+)", build_script(*small)))
    assert built == {"demo.fabric", "demo.outside", "demo.node-1", "demo.default.web-1"}
    assert set(re.findall(r"ip netns del (\S+)", removal_script(*small))) == built


def test_network_alone_starts_nothing(small):
    whole, network = build_script(*small), build_script(*small, processes=False)
    assert "ip netns exec demo.default.web-1 unshare" in whole
    assert not re.search(r"unshare|chroot|/etc/netns", network)
    assert [line for line in network.splitlines() if line.startswith("ip ")] == [
        line for line in whole.splitlines() if line.startswith("ip ")
    ]


def test_nothing_of_this_program_is_needed(small):
    script = re.sub(r"(table|element) inet netlab|'netlab [0-9a-f-]+'", "", build_script(*small) + removal_script(*small))
    assert "netlab" not in script


HOSTILE = [
    pytest.param("", id="nothing"),
    pytest.param("$(touch /tmp/owned) `id` $HOME ${PATH}", id="expansions"),
    pytest.param("it's \"quoted\" \\ 'twice'", id="quotes and a backslash"),
    pytest.param("a\nEND\nb\nEND_\n", id="the end of a here-document"),
    pytest.param("; exit 1 #", id="a command and a comment"),
    pytest.param("--help", id="an option"),
    pytest.param("A=b", id="an assignment"),
    pytest.param("\u2081\u00e9\u0085\u0081 \u20ac\ttab\r", id="bytes that shells use inside"),
    pytest.param("x" * 100_000, id="long"),
]


@pytest.mark.parametrize("value", HOSTILE)
def test_a_program_gets_exactly_its_arguments_and_variables(value, tmp_path):
    variables = (("PATH", "/usr/bin:/bin"), ("LC_ALL", "C.UTF-8"), ("A.b", value), ("-i", value))
    process = ContainerProcess(name="c", args=(*DUMP, value), env=variables, cwd=str(tmp_path))
    script = here_document("sh -eu", f"exec {program(process)} </dev/null\n")
    done = subprocess.run(["sh", "-eu"], input=script, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert json.loads(done.stdout) == [[value], dict(variables), str(tmp_path)]


def test_a_program_whose_name_looks_like_a_variable_is_run_as_one(tmp_path):
    (tmp_path / "a=b").symlink_to("/bin/echo")
    process = ContainerProcess(name="c", args=("./a=b", "ran"), env=(("PATH", "/usr/bin:/bin"),), cwd=str(tmp_path))
    assert subprocess.run(["sh", "-c", program(process)], capture_output=True, text=True, check=True).stdout == "ran\n"


@pytest.mark.parametrize("value", HOSTILE)
def test_hostile_values_stay_words_of_the_whole_script(value, build, text):
    one = a_container(
        "main",
        "sh",
        value or "-",
        env=(EnvVar(name="V", value=value),),
        volume_mounts=(VolumeMount(name="v", mount_path=f"/a{value[:50]}"),),
        working_dir=f"/b{value[:50]}",
    )
    volume = Volume(name="v", host_path=HostPathVolume(path=f"/c{value[:50]}"))
    script = text(running(build.pod("web", node="node-1"), one, volumes=(volume,)))
    assert is_shell(script)
    plain = text(running(build.pod("web", node="node-1"), a_container()))
    assert commands(script) == commands(plain), "the value has become a command"


def commands(script):
    """The script's own lines: those outside of here-documents."""
    found, lines = [], iter(script.splitlines())
    for line in lines:
        found.append(line)
        if match := re.search(r"<<'(\w+)'$", line):
            assert match.group(1) in lines, "a here-document has no end"
    return [re.sub(r"<<'\w+'$", "<<", line) for line in found]


@pytest.mark.parametrize(
    ("body", "word"),
    [
        pytest.param("", "END", id="empty"),
        pytest.param("a\nEND \n", "END", id="not quite the word"),
        pytest.param("a\nEND\n", "END_", id="the word"),
        pytest.param("END_\nEND\n", "END__", id="and its substitute"),
    ],
)
def test_here_document_ends_with_a_word_that_is_no_line_of_it(body, word):
    text = here_document("cat", body)
    assert text.endswith(f"\n{word}")
    assert subprocess.run(["sh", "-c", text], capture_output=True, text=True, check=True).stdout == body


@pytest.mark.parametrize(
    ("objects", "says"),
    [
        pytest.param(
            lambda build: running(build.pod("p", node="node-1"), a_container("a"), a_container("b"), states=["terminated", "running"]),
            "# container a is left out: it is terminated",
            id="a container that has ended",
        ),
        pytest.param(
            lambda build: running(build.pod("p", node="node-1"), a_container("d", "python3", "-m", "netlab.dns", "--records", "f")),
            "# container d is left out: it is the lab's own DNS; the names are in /etc/hosts",
            id="the DNS, a program of ours",
        ),
        pytest.param(
            lambda build: running(
                build.pod("p", node="node-1"),
                a_container(
                    env=(
                        EnvVar(
                            name="X", value_from=EnvVarSource(config_map_key_ref=ConfigMapKeySelector(name="m\nreboot", key="k"))
                        ),
                    )
                ),
            ),
            '# left out: configmap "m reboot" not found',
            id="what cannot be formed, in one line",
        ),
        pytest.param(
            lambda build: running(
                build.pod("p", node="node-1"), a_container(env_from=(EnvFromSource(secret_ref=SecretRef(name="s")),))
            ),
            "# left out: it reads Secrets, which are not printed",
            id="what is secret",
        ),
    ],
)  # fmt: skip
def test_left_out_with_its_reason(objects, says, build, text):
    script = text(objects(build))
    assert says in script.splitlines()
    assert "reboot" not in script.splitlines()
    assert is_shell(script)


def test_a_finished_pod_has_no_network_and_nothing_to_start(build, text):
    assert "finished" not in text(build.pod("finished", phase="Succeeded", state="terminated", node="node-1"))


def test_names_in_every_form_that_the_search_list_allows():
    body = """
; default/web
web.default.svc.lab.test. 5 IN A 10.96.0.20
db-0.db.shop.svc.lab.test. 5 IN A 10.244.1.5
_http._tcp.web.default.svc.lab.test. 5 IN SRV 0 100 80 web.default.svc.lab.test.
wiki.default.svc.lab.test. 5 IN CNAME example.com.
ns.dns.lab.test. 5 IN A 10.96.0.10
"""
    known = Zone(domain="lab.test.", head="", body=body)
    assert service_names(known, "shop") == (
        "10.96.0.20\tweb.default.svc.lab.test web.default.svc web.default\n"
        "10.244.1.5\tdb-0.db.shop.svc.lab.test db-0.db.shop.svc db-0.db.shop db-0.db\n"
    )
