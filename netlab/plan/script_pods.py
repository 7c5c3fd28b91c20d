"""The Pods of a lab as lines of a shell script: their files in /etc, and what starts each container. Pure text.

    names ........ /etc/hosts: the Pod's own, then what the cluster DNS would say, in every form that the search list allows
    container .... in the Pod's network namespace (`ip netns exec`, which also makes a mount namespace), with a host name of its
                   own (`unshare --uts`) and a root directory like that of `image: host`; its commands are a here-document
    left out ..... containers that do not run, Pods that read Secrets or are in their Node's network, and the cluster DNS, which
                   is a program of ours

The variables are set last, by env(1), right before the program: a shell in between would drop names that are none to it.
Source: ip-netns(8), unshare(1), chroot(1), env(1), hosts(5); desired/sandboxes.py and kernel/oci.py for what a container gets.
"""

from __future__ import annotations

from base64 import encodebytes
from collections.abc import Iterator
from shlex import quote

from netlab.desired.assignments import Assignments
from netlab.desired.configuration import reads_secrets
from netlab.desired.endpoints import all_slices
from netlab.desired.sandboxes import HOSTS_HEADER, sandbox
from netlab.desired.wiring import has_network
from netlab.desired.zone import Zone, zone
from netlab.errors import NetlabError
from netlab.frozen import dataclass
from netlab.model.lab import Cluster
from netlab.model.pod import Pod
from netlab.netstate.names import NetnsName, pod_netns
from netlab.netstate.process import BindMount, ContainerProcess, Sandbox
from netlab.netstate.volume import VolumeFile

ETC_NETNS = "/etc/netns"
OWN_PROGRAM = ("-m", "netlab.dns")
VOLUMES, MEMORY = "volumes/", "memory/"
IMAGE_HOST = """\
# Makes on /mnt a root directory like that of `image: host`: the machine's programs and settings, where what is written is the
# container's own and goes with it; the rest is empty. Only the mount namespace of the container sees it.
mount -t tmpfs -o mode=755 tmpfs /mnt
cd /mnt
mkdir -p dev etc home mnt proc root run srv sys tmp usr var/log var/tmp .written/etc .written/usr .work/etc .work/usr
chmod 1777 tmp var/tmp
for name in /bin /sbin /lib* /opt; do  # most are links into /usr
    if [ -L "$name" ]; then
        cp -P "$name" .
    elif [ -d "$name" ]; then
        mkdir ".$name"
        mount -o bind,ro "$name" ".$name"
    fi
done
for name in etc usr; do
    mount -t overlay -o "lowerdir=/$name,upperdir=/mnt/.written/$name,workdir=/mnt/.work/$name" overlay "$name"
done
for name in dev proc sys; do
    mount --rbind "/$name" "$name"
done

volume() {  # SOURCE DESTINATION ro|rw
    if [ -d "$1" ]; then
        mkdir -p ".$2"
    elif [ ! -e ".$2" ]; then
        mkdir -p ".${2%/*}"
        : >".$2"
    fi
    mount -o "rbind,$3" "$1" ".$2"
}
"""


@dataclass(frozen=True, slots=True)
class Places:
    """Where a lab that is built by hand has its files; `lab` is its name, a DNS label, so none of these needs quoting."""

    lab: str
    root: str = "/run/by-hand"

    @property
    def directory(self) -> str:
        """The lab's own directory."""
        return f"{self.root}/{self.lab}"

    @property
    def image_host(self) -> str:
        """The file of commands that make a container's root directory."""
        return f"{self.directory}/image-host"

    def names(self, namespace: str) -> str:
        """The file of names that the Pods of a Namespace see."""
        return f"{self.directory}/names.{namespace}"

    def netns(self, pod: Pod) -> NetnsName:
        """A Pod's network namespace."""
        return pod_netns(self.lab, pod.metadata.namespace, pod.metadata.name)

    def source(self, netns: NetnsName, mount: BindMount) -> str:
        """What is mounted: a path of the machine, or a directory that the containers of a Pod share."""
        return f"{self.directory}/{netns}/{mount.source}" if mount.source.startswith((VOLUMES, MEMORY)) else mount.source


def with_network(cluster: Cluster, assignments: Assignments) -> list[Pod]:
    """Return the Pods that have a network namespace, sorted by key."""
    return [pod for pod in cluster.pods if has_network(pod, assignments.pods.get(pod.key))]


def preparation(cluster: Cluster, assignments: Assignments, places: Places) -> Iterator[str]:
    """Yield the commands that write what several Pods share: a root directory's recipe, and the names of Services."""
    yield here_document(f"cat >{places.image_host}", IMAGE_HOST)
    yield here_document(f"cat >{places.directory}/hosts", HOSTS_HEADER)
    known = zone(cluster, all_slices(cluster, assignments), assignments.cluster_ips)
    for namespace in sorted({pod.metadata.namespace for pod in with_network(cluster, assignments)}):
        yield here_document(f"cat >{places.names(namespace)}", service_names(known, namespace))


def service_names(known: Zone, namespace: str) -> str:
    """Return lines for /etc/hosts: every address of a Service with its names, also those that are completed in `namespace`."""
    domain = f".svc.{known.domain.rstrip('.')}"
    lines = []
    for record in known.records:
        name = record.name.rstrip(".")
        if record.type in {"A", "AAAA"} and name.endswith(domain):
            short = name.removesuffix(domain)
            forms = [name, f"{short}.svc", short]
            if short.endswith(f".{namespace}"):
                forms.append(short.removesuffix(f".{namespace}"))
            lines.append(f"{record.data}\t{' '.join(forms)}\n")
    return "".join(lines)


def pod_lines(cluster: Cluster, assignments: Assignments, pod: Pod, places: Places) -> Iterator[str]:
    """Yield the commands that write a Pod's files and start its containers that run."""
    place = assignments.pods[pod.key].node
    yield from ("", f"# ---- Pod {pod.metadata.namespace}/{pod.metadata.name} on {place} ----")
    if reads_secrets(pod.spec):
        yield _comment("left out: it reads Secrets, which are not printed")
        return
    try:
        wanted = sandbox(cluster, assignments, pod)
    except NetlabError as error:
        yield _comment(f"left out: {error}")
        return
    yield from _files(pod, wanted, places)
    states = {status.name: status.state for status in pod.all_statuses}
    for process in wanted.containers:
        if not process.args:
            yield _comment(f"container {process.name} is left out: its root directory is that of an image")
        elif process.args[1:3] == OWN_PROGRAM:
            yield _comment(f"container {process.name} is left out: it is the lab's own DNS; the names are in /etc/hosts")
        elif states.get(process.name) != "running":
            yield _comment(f"container {process.name} is left out: it is {states.get(process.name, 'waiting')}")
        else:
            yield container(wanted, process, places)


def _files(pod: Pod, wanted: Sandbox, places: Places) -> Iterator[str]:
    """The Pod's directory, its volumes, and the files that `ip netns exec` puts over those of /etc."""
    etc = f"{ETC_NETNS}/{wanted.netns}"
    names = places.names(pod.metadata.namespace)
    yield f"mkdir -p {etc} {places.directory}/{wanted.netns}/volumes"
    made = {"DirectoryOrCreate": "mkdir -p", "FileOrCreate": "touch -a"}
    yield from (f"{made[path.type]} {quote(path.path)}" for path in wanted.host_paths if path.type in made)
    for empty in wanted.scratch:
        if empty.in_memory:
            yield _comment(f"volume {empty.name} is on the disk here; a lab has it in memory (tmpfs), seen by the Pod alone")
            yield f"mkdir -p {places.directory}/{wanted.netns}/memory"
        yield f"mkdir -m 777 {places.directory}/{wanted.netns}/{MEMORY if empty.in_memory else VOLUMES}{quote(empty.name)}"
    for volume in wanted.files:
        for file in volume.files:
            yield from _file(f"{places.directory}/{wanted.netns}/volumes/{quote(volume.name)}", file)
    yield f"echo {quote(wanted.hostname)} >{etc}/hostname"
    own = wanted.hosts.removeprefix(HOSTS_HEADER)
    yield here_document(f"cat {places.directory}/hosts - {names} >{etc}/hosts", own)
    yield here_document(f"cat >{etc}/resolv.conf", wanted.resolv_conf)


def _file(directory: str, file: VolumeFile) -> Iterator[str]:
    """One file of a volume, whatever bytes are in it."""
    path = f"{directory}/{quote(file.path)}"
    yield f"mkdir -p {directory}/{quote(file.path.rpartition('/')[0])}"
    yield here_document(f"base64 -d >{path}", encodebytes(file.content).decode())
    yield f"chmod {file.mode:o} {path}"


def container(wanted: Sandbox, process: ContainerProcess, places: Places) -> str:
    """Return the commands that start one container; it goes on by itself, in a session of its own."""
    log = f"{places.directory}/{wanted.netns}/{quote(process.name)}.log"
    lines = [f"hostname {quote(wanted.hostname)}", f". {places.image_host}"]
    lines.append(f"cp --remove-destination {ETC_NETNS}/{wanted.netns}/* etc")
    for mount in process.mounts:
        source = quote(places.source(wanted.netns, mount))
        if mount.sub_path:
            source += f"/{quote(mount.sub_path)}"
            lines.append(f"[ -e {source} ] || mkdir -p {source}")
        lines.append(f"volume {source} {quote(mount.destination)} {'ro' if mount.read_only else 'rw'}")
    if process.cwd != "/":
        lines.append(f"mkdir -p {quote('.' + process.cwd)}")
    lines.append(f"exec chroot /mnt {program(process)} </dev/null")
    start = f"setsid -f ip netns exec {wanted.netns} unshare --uts sh -eu >{log} 2>&1"
    return f"# container {process.name}\n" + here_document(start, "\n".join((*lines, "")))


def program(process: ContainerProcess) -> str:
    """Return the command that becomes the container's program, with its directory and with its variables and no others."""
    args = process.args if "=" not in process.args[0] else ("sh", "-c", 'exec "$@"', "sh", *process.args)  # no variable
    words = [quote(f"{name}={value}") for name, value in process.env] + [" ".join(map(quote, args))]
    return " \\\n    ".join((f"env -i -C {quote(process.cwd)} --", *words))


def here_document(command: str, body: str) -> str:
    """Return the command with `body` (whole lines, taken as they are) as its standard input."""
    word, lines = "END", body.split("\n")
    while word in lines:
        word += "_"
    return f"{command} <<'{word}'\n{body}{word}"


def _comment(text: str) -> str:
    """One line, whatever is in the text."""
    return "# " + " ".join(text.split())
