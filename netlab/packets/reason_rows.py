"""What each rule and element for Services is for: the field that made it, and a sentence in plain words. A table, and no code.

A row holds for the chains, sets and maps whose name fits `where` as a whole (of nft without the family's 6 and numbers), and
for the rules or values in which `what` is found; of several the first one counts. Words in braces are facts of the Service
(reasons.py); where one of them is not known, the row does not hold. A path that begins with `Lab ` is a field of the lab.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Row(NamedTuple):
    """Where something stands, what it says (a regular expression), which field made it, and why."""

    where: str
    what: str
    path: str
    text: str


RANGES: Final = "spec.loadBalancerSourceRanges"
POLICY: Final = "spec.externalTrafficPolicy"
AFFINITY: Final = "spec.sessionAffinity"
TIMEOUT: Final = "spec.sessionAffinityConfig.clientIP.timeoutSeconds"
TARGET_PORT: Final = "spec.ports[{i}].{target_field}"

IS_FOR = "Packets to {place}, {protocol} port {port}, are for {owner}: on to {goto}."
NO_POD = "A client that is no Pod is marked: this Node's address becomes its source, so that answers come back here."
EVERYBODY = "Every client is marked, and {here}'s address becomes its source: {why_all}."
HAIRPIN = (
    "Should {target} reach itself through {service}, the Node's address becomes its source, or its answer would not come back."
)
REFUSED = "Nobody stands behind {place}, {protocol} port {port}: packets are refused at once."
NOBODY_HERE = "Policy Local and no endpoint on this Node: packets to {place}, {protocol} port {port}, are dropped."
SPARED = "Policy Local is for clients from outside: a Pod may go to any endpoint of the cluster."
SPARED_NODE = "So may a process of the Node itself."
LEAVES = "A Pod that talks to somebody outside the cluster does so with its Node's address."

ELEMENTS: Final = (
    Row(
        "guarded-services",
        "",
        RANGES,
        "Not everybody may come to {place}, {protocol} port {port}: who is in none of its ranges is dropped.",
    ),
    Row("source-ranges", "", "{range_path}", "Clients from {source} may come to {place}, {protocol} port {port}."),
    Row("service-ips", "", "{frontend_path}", IS_FOR),
    Row(
        "affinity-ids",
        "",
        AFFINITY,
        "The number under which clients of {owner} are remembered, the same at each of its addresses.",
    ),
    Row(
        "shortcuts",
        "",
        POLICY,
        "Policy Local is for clients from outside: for others {place} leads to every endpoint, by {goto}.",
    ),
    Row("(shortcut-)?slots", "", AFFINITY, "A client that is new gets slot {value} with a chance of 1 in {count}."),
    Row("(shortcut-)?affine-slots", "", AFFINITY, "Slot {slot} of {place} still stands for an endpoint."),
    Row(
        "(shortcut-)?affine-endpoints",
        "",
        TARGET_PORT,
        "Slot {slot} of {place} is {target}: that becomes the packet's destination.",
    ),
    Row("affinity-clients", "", TIMEOUT, "A client that came before keeps slot {value}."),
    Row(
        "endpoints",
        "",
        TARGET_PORT,
        "Of {count} to be drawn for {place}, number {number} is {target}: that becomes the destination.",
    ),
    Row(
        "shortcut-endpoints",
        "",
        TARGET_PORT,
        "For Pods and the Node itself, of {count} to be drawn number {number} is {target}.",
    ),
    Row("hairpins", "", "{selector}", HAIRPIN),
    Row("no-endpoint-services", "^goto refuse", "{selector}", REFUSED),
    Row("no-endpoint-services", "^drop", "{policy_path}", NOBODY_HERE),
    Row(
        "cluster-ips",
        "",
        "spec.clusterIP",
        "{address} is the ClusterIP of {service}: packets to any other port of it are refused.",
    ),
    Row("host-ports", "", "", "A hostPort of a Pod: packets to this address and port of the Node go to {value}."),
    Row("node-ips", "", "", "An address of a Node: Pods keep their own source on the way to it."),
)

NFT_RULES: Final = (
    Row("(affine-)?service", "meta mark set meta mark [|]", "spec.clusterIP", NO_POD),
    Row("(affine-)?shortcut", "meta mark set meta mark [|]", POLICY, NO_POD),
    Row("(affine-)?external", "meta mark set meta mark [|]", "{all_path}", EVERYBODY),
    Row("(affine-)?local", "^fib saddr type local", POLICY, SPARED_NODE),
    Row("(affine-)?local", "@shortcuts", POLICY, SPARED),
    Row(".*", "^jump (shortcut-)?remember", AFFINITY, "First the slot is looked for that this client had the last time."),
    Row(".*", "^goto pick", "{selector}", "On to the draw among the endpoints: there are {count}."),
    Row(".*", "^dnat .* numgen random mod 1 ", "{selector}", "There is one endpoint, and it becomes the destination."),
    Row(".*", "^dnat .* numgen", "{selector}", "One of {count} endpoints, drawn at random, becomes the destination."),
    Row(".*", "^dnat .* ct mark map", AFFINITY, "The endpoint of the client's slot becomes the destination."),
    Row(".*remember", "@affinity-ids", AFFINITY, "Under which number clients of this Service port are remembered."),
    Row(".*remember", "^meta mark set jhash", AFFINITY, "A client of IPv6 is known by a hash of its address and that number."),
    Row(".*remember", "^ct mark set .* map @affinity-clients", AFFINITY, "The slot that the client had the last time."),
    Row(".*remember", " delete @", AFFINITY, "If the endpoint of that slot has gone, it is forgotten,"),
    Row(".*remember", "^ip6? .* ct mark set", AFFINITY, "and a new one is drawn."),
    Row(".*remember", "^update @", TIMEOUT, "The client is remembered, from now on for {seconds} s."),
    Row(".*remember", "^meta mark set 0x0", AFFINITY, "The mark has done its work."),
    Row("guard", "return$", RANGES, "Who comes from one of the ranges of a load balancer is let in;"),
    Row("guard", "drop$", RANGES, "everybody else that wants to go there is dropped."),
    Row(
        "filter-(prerouting|output-pre-dnat)",
        "",
        RANGES,
        "New packets are looked at before they are translated: some load balancers have ranges.",
    ),
    Row("services", "@service-ips", "", "Is this an address and port of a Service? Then on to the chain that the map says."),
    Row("services", "@host-ports", "", "Is this a hostPort of a Pod on this Node? Then the Pod becomes the destination."),
    Row("nat-prerouting", "", "", "The first packet of a connection that comes in is looked up among the Services."),
    Row("nat-output", "", "", "So is the first packet of a connection that {here} itself opens."),
    Row(
        "nat-postrouting",
        "^meta mark &",
        "",
        "Marked packets get {here}'s address as their source; then the mark has done its work.",
    ),
    Row(
        "nat-postrouting",
        "@hairpins",
        "",
        "A Pod that reached itself through a Service gets an address of this Node as its client.",
    ),
    Row("nat-postrouting", "@node-ips", "Lab spec.podSubnet", LEAVES),
    Row(
        "filter-input|leftovers",
        "@no-endpoint-services",
        "",
        "Is it a Service port that nobody stands behind? Refused or dropped, as the map says.",
    ),
    Row("leftovers", "goto refuse$", "", "Another port of a ClusterIP is refused."),
    Row("leftovers", "drop$", "Lab spec.serviceSubnet", "An address of the service subnet that no Service has is dropped."),
    Row("filter-forward", "^ct status dnat accept", "", "Connections that {here} has taken go on to the Node that was drawn;"),
    Row("filter-forward", "^drop", "", "it passes on nothing else, as it is no router."),
    Row("filter-(forward|output)", "", "", "A new connection that was not translated: is it for a Service all the same?"),
    Row("refuse", "", "", "The client is told at once that nobody is there (ICMP: port unreachable)."),
)

IPTABLES_RULES: Final = (
    Row("KUBE-SERVICES", "-j KUBE-(SVC|SVL|EXT|FW)-", "{frontend_path}", IS_FOR),
    Row(
        "KUBE-NODEPORTS",
        "-j KUBE-EXT-",
        "{frontend_path}",
        "Packets to this Node, {protocol} port {port}, are for {owner}: on to {goto}.",
    ),
    Row(
        "KUBE-NODEPORTS",
        "-j ACCEPT",
        "spec.healthCheckNodePort",
        "A load balancer may ask at port {port} whether this Node has endpoints of {service}.",
    ),
    Row("KUBE-PROXY-FIREWALL", "", RANGES, "Who came to {place} from none of its ranges was not translated, and is dropped."),
    Row("KUBE-(EXTERNAL-)?SERVICES", "-j REJECT", "{selector}", REFUSED),
    Row("KUBE-(EXTERNAL-)?SERVICES", "-j DROP", "{policy_path}", NOBODY_HERE),
    Row("KUBE-FW-.*", "-j KUBE-EXT-", "{range_path}", "Clients from {source} may come."),
    Row("KUBE-FW-.*", "", RANGES, "A note: who comes from elsewhere is not translated, and KUBE-PROXY-FIREWALL drops it."),
    Row(
        "KUBE-EXT-.*",
        "masquerade LOCAL",
        POLICY,
        "A process of the Node itself is marked: the endpoint may be on another Node.",
    ),
    Row("KUBE-EXT-.*", "-j KUBE-MARK-MASQ", "{all_path}", EVERYBODY),
    Row("KUBE-EXT-.*", "pod traffic", POLICY, SPARED),
    Row("KUBE-EXT-.*", "route LOCAL", POLICY, SPARED_NODE),
    Row("KUBE-EXT-.*", "-j KUBE-SVC-", POLICY, "On to all endpoints."),
    Row("KUBE-EXT-.*", "-j KUBE-SVL-", POLICY, "Policy Local: on to the endpoints of this Node."),
    Row("KUBE-SV[CL]-.*", "^! -[si] .*-j KUBE-MARK-MASQ|^-d .* ! -i .*-j KUBE-MARK-MASQ", "spec.clusterIP", NO_POD),
    Row("KUBE-SV[CL]-.*", "-j KUBE-MARK-MASQ", "Lab spec.kubeProxy.masqueradeAll", EVERYBODY),
    Row("KUBE-SV[CL]-.*", "--rcheck", TIMEOUT, "A client that got {target} in the last {seconds} s gets it again."),
    Row("KUBE-SV[CL]-.*", "--probability", "{selector}", "With a chance of 1 in {chance} it is {target}."),
    Row("KUBE-SV[CL]-.*", "-j KUBE-SEP-", "{selector}", "If no rule above has chosen, it is {target}."),
    Row("KUBE-SEP-.*", "-j KUBE-MARK-MASQ", "{selector}", HAIRPIN),
    Row("KUBE-SEP-.*", "--set .*-j DNAT", AFFINITY, "{target} becomes the destination, and the client is remembered."),
    Row("KUBE-SEP-.*", "-j DNAT", TARGET_PORT, "{target} becomes the destination."),
    Row("KUBE-MARK-MASQ", "", "", "The packet is marked: KUBE-POSTROUTING replaces its source."),
    Row("KUBE-POSTROUTING", "-j RETURN", "", "What is not marked keeps its source."),
    Row("KUBE-POSTROUTING", "-j MARK", "", "The mark has done its work."),
    Row("KUBE-POSTROUTING", "-j MASQUERADE", "", "This Node's address becomes the source, so that answers come back here."),
    Row("KUBE-FORWARD", "", "", "What was marked, or belongs to a connection that is known, is let through."),
    Row("KUBE-FIREWALL", "", "", "Nobody else comes to 127.0.0.1 though NodePorts are open there."),
    Row("KUBE-SERVICES", "-j KUBE-NODEPORTS", "", "Is it a NodePort? This comes last, after all other addresses."),
    Row("IP-MASQ", "-j RETURN", "", "Within the cluster, or from no Pod: it keeps its source."),
    Row("IP-MASQ", "-j MASQUERADE", "Lab spec.podSubnet", LEAVES),
    Row("CNI-.*", "", "", "A hostPort of a Pod on this Node."),
    Row("PREROUTING|OUTPUT|INPUT|FORWARD|POSTROUTING", "-j (KUBE|CNI|IP-MASQ)", "", "Every packet is looked at there."),
)
