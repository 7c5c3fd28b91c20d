"""/etc/resolv.conf of a Pod: what dnsPolicy says, and what dnsConfig adds to it.

    ClusterFirst ..... the cluster DNS, names completed with the Pod's Namespace first; in the Node's network, as Default
    ClusterFirstWithHostNet   the cluster DNS there too
    Default .......... the Node's resolver; a Node of a lab has none
    None ............. dnsConfig alone

Nothing stands there twice; of an option that is given twice the Pod's own counts. Of name servers the first three are kept, as
the resolver of glibc does.
Source: kubelet network/dns (GetPodDNS, appendDNSConfig, formDNSConfigFitsLimits), resolv.conf(5).
"""

from __future__ import annotations

from ipaddress import ip_network

from netlab.desired.assignments import Assignments
from netlab.frozen import dataclass
from netlab.model.families import listed
from netlab.model.lab import Cluster
from netlab.model.meta import Key
from netlab.model.pod import Pod, PodDNSConfig

KUBE_DNS = Key("Service", "kube-system", "kube-dns")
KUBE_DNS_HOST = 10
MAX_NAMESERVERS = 3
# `search .` is the empty list: without it the resolver would take a domain from the host name. Without a nameserver line it
# asks 127.0.0.1, where nothing listens, so a name fails at once instead of after a timeout.
NO_RESOLVER = """\
# dnsPolicy: Default means the resolver of the Node, and a Node of this lab has none: there is no DNS outside the cluster.
search .
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolver:
    """The three lines of a resolv.conf; options as they are written: `ndots:5`."""

    nameservers: tuple[str, ...] = ()
    searches: tuple[str, ...] = ()
    options: tuple[str, ...] = ()

    def number(self, option: str, default: int) -> int:
        """Return the number of an option: 5 of `ndots:5`."""
        found = [text.partition(":")[2] for text in self.options if text.partition(":")[0] == option]
        return int(found[-1]) if found and found[-1].isdecimal() else default

    def __str__(self) -> str:
        search = f"search {' '.join(self.searches) or '.'}\n"
        servers = "".join(f"nameserver {server}\n" for server in self.nameservers)
        return search + servers + (f"options {' '.join(self.options)}\n" if self.options else "")


def read_resolv_conf(text: str) -> Resolver:
    """Return what a resolv.conf says; of lines that are there twice the last `search` counts, as in glibc (res_init.c)."""
    rows = [line.split() for line in text.splitlines() if line[:1] not in {"#", ";", " ", "\t"} and line.strip()]
    servers = tuple(row[1] for row in rows if row[0] == "nameserver" and row[1:])
    searches = [row[1:] for row in rows if row[0] in {"search", "domain"}]
    return Resolver(
        nameservers=servers[:MAX_NAMESERVERS],
        searches=tuple(name for name in (searches[-1] if searches else ()) if name != "."),
        options=tuple(option for row in rows if row[0] == "options" for option in row[1:]),
    )


def resolv_conf_text(cluster: Cluster, assignments: Assignments, pod: Pod) -> str:
    """Return the file's text."""
    wanted = pod.spec.dns_config
    is_nodes = pod.spec.host_network and pod.spec.dns_policy == "ClusterFirst"
    match "Default" if is_nodes else pod.spec.dns_policy:
        case "Default" if wanted is None:
            return NO_RESOLVER
        case "Default" | "None":
            return str(with_config(Resolver(), wanted or PodDNSConfig()))
        case _:
            zone = cluster.lab.spec.cluster_domain
            searches = (f"{pod.metadata.namespace}.svc.{zone}", f"svc.{zone}", zone)
            own = Resolver(nameservers=(cluster_dns(cluster, assignments),), searches=searches, options=("ndots:5",))
            return str(with_config(own, wanted or PodDNSConfig()))


def with_config(resolver: Resolver, config: PodDNSConfig) -> Resolver:
    """Return a resolver with what dnsConfig adds behind what is there."""
    options = dict(option.partition(":")[::2] for option in resolver.options)
    options |= {option.name: option.value for option in config.options}
    return Resolver(
        nameservers=tuple(dict.fromkeys((*resolver.nameservers, *config.nameservers)))[:MAX_NAMESERVERS],
        searches=tuple(dict.fromkeys((*resolver.searches, *config.searches))),
        options=tuple(f"{name}:{value}" if value else name for name, value in options.items()),
    )


def cluster_dns(cluster: Cluster, assignments: Assignments) -> str:
    """Return the ClusterIP of kube-system/kube-dns; while it has none, the tenth address of the primary service subnet."""
    given = assignments.cluster_ips.get(KUBE_DNS, ())
    return given[0] if given else planned_dns(listed(cluster.lab.spec.service_subnet)[0])


def planned_dns(subnet: str) -> str:
    """Return the address of a service subnet that is kept for the cluster DNS: the tenth."""
    return str(ip_network(subnet)[KUBE_DNS_HOST])
