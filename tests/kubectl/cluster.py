"""The cluster of the played API server: what it holds at first, the fields it fills in, and what its controllers make.

The defaults are those of the API types. Of the admission plugins only DefaultTolerationSeconds runs (no service account is
mounted) and every rollout is the first one, so that objects differ from netlab's in as little as possible. Every object is as old as the others.
"""

from __future__ import annotations

import copy
import hashlib
from typing import Any

Json = dict[str, Any]
Name = tuple[str, str, str]
"""Resource, Namespace, name."""

MADE = "2001-01-31T12:00:00Z"
KINDS = {
    "Pod": ("v1", "pods"), "Service": ("v1", "services"), "ConfigMap": ("v1", "configmaps"), "Event": ("v1", "events"),
    "Namespace": ("v1", "namespaces"), "Node": ("v1", "nodes"), "Deployment": ("apps/v1", "deployments"),
    "Endpoints": ("v1", "endpoints"), "ReplicaSet": ("apps/v1", "replicasets"), "EndpointSlice": ("discovery.k8s.io/v1", "endpointslices"),
    "DaemonSet": ("apps/v1", "daemonsets"), "Job": ("batch/v1", "jobs"),
    "Secret": ("v1", "secrets"),
}  # fmt: skip
UNSPACED = ("namespaces", "nodes")
NODES = {"node-1": "172.18.0.2", "node-2": "172.18.0.3"}
POD_DEFAULTS: Json = {
    "restartPolicy": "Always", "dnsPolicy": "ClusterFirst", "terminationGracePeriodSeconds": 30,
    "schedulerName": "default-scheduler", "securityContext": {}, "enableServiceLinks": True,
}  # fmt: skip
CONTAINER_DEFAULTS: Json = {
    "imagePullPolicy": "Always", "resources": {}, "terminationMessagePath": "/dev/termination-log",
    "terminationMessagePolicy": "File",
}  # fmt: skip
DEPLOYMENT_DEFAULTS: Json = {
    "replicas": 1, "revisionHistoryLimit": 10, "progressDeadlineSeconds": 600,
    "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}},
}  # fmt: skip
SERVICE_DEFAULTS: Json = {"type": "ClusterIP", "sessionAffinity": "None"}
NUMBERED_DEFAULTS: Json = {"internalTrafficPolicy": "Cluster", "ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack"}
CONDITIONS = ("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled")
DNS = {"k8s-app": "kube-dns"}
API_SERVER = {"component": "apiserver", "provider": "kubernetes"}
API_SERVER_ENDPOINTS = {
    "kind": "Endpoints",
    "metadata": {"name": "kubernetes", "labels": {"endpointslice.kubernetes.io/skip-mirror": "true"}},
}
TOLERATIONS = [
    {"key": f"node.kubernetes.io/{key}", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}
    for key in ("not-ready", "unreachable")
]
# What Nodes say when they come up: reason, who says it, message.
NODE_EVENTS = (
    ("Starting", "kubelet", "Starting kubelet."),
    ("NodeReady", "kubelet", "Node {0} status is now: NodeReady"),
    ("RegisteredNode", "node-controller", "Node {0} event: Registered Node {0} in Controller"),
)
# Condition of a Node, its status, why.
NODE_CONDITIONS = (
    ("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
    ("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    ("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
    ("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
)


class Cluster:
    """Objects by name. `put` and `drop` change them; `settle` then does what controllers would have done a moment later."""

    def __init__(self) -> None:
        self.objects: dict[Name, Json] = {}
        for name in ("default", "kube-system"):
            self.put({"kind": "Namespace", "metadata": {"name": name}})
        for name, address in NODES.items():
            self.put(_node(name, address))
        for item in (*_dns(), *_api_server()):
            self.put(item)
        self.settle()

    def put(self, item: Json) -> Json:
        """Keep an object with what the server fills in; return it."""
        version, resource = KINDS[item["kind"]]
        made = {"apiVersion": version, "kind": item["kind"], **copy.deepcopy(item)}
        meta = made["metadata"]
        if resource not in UNSPACED:
            meta.setdefault("namespace", "default")
        meta.setdefault("uid", _uid(resource, meta.get("namespace", ""), meta["name"]))
        meta["creationTimestamp"] = meta.get("creationTimestamp") or MADE
        meta.setdefault("resourceVersion", "1000")
        name = (resource, meta.get("namespace", ""), meta["name"])
        DEFAULTS.get(resource, lambda item: None)(made)
        old = self.objects.get(name)
        if resource == "deployments" and (old is None or old["spec"] != made["spec"]):
            meta["generation"] = meta.get("generation", 0) + 1
        self.objects[name] = made
        return made

    def drop(self, name: Name) -> Json:
        """Remove an object, and what a Namespace holds."""
        gone = self.objects.pop(name)
        if name[0] == "namespaces":
            self.objects = {key: item for key, item in self.objects.items() if key[1] != name[2]}
        return gone

    def listed(self, resource: str, namespace: str) -> list[Json]:
        """Return the objects of a resource, of one Namespace or (empty) of all, by Namespace and name."""
        found = sorted(key for key in self.objects if key[0] == resource and namespace in {"", key[1]})
        return [self.objects[key] for key in found]

    def settle(self) -> None:
        """Make the Pods of Deployments, the Endpoints and EndpointSlices of Services anew; Pods are ready at once."""
        made = ("ReplicaSet", "Event", "Endpoints")
        owned = [key for key, item in self.objects.items() if item["kind"] in made or "ownerReferences" in item["metadata"]]
        for key in owned:
            del self.objects[key]
        for number, node in enumerate(self.listed("nodes", "")):
            for one, (reason, source, message) in enumerate(NODE_EVENTS):
                self.put(_event(node, 3 * number + one, reason, source, message.format(node["metadata"]["name"])))
        self.put(API_SERVER_ENDPOINTS)
        for deployment in self.listed("deployments", ""):
            self._replicas(deployment)
        for service in self.listed("services", ""):
            self._slice(service)
        for pod in self.listed("pods", ""):
            meta, node, first = pod["metadata"], pod["spec"]["nodeName"], pod["spec"]["containers"][0]["name"]
            assigned = f"Successfully assigned {meta['namespace']}/{meta['name']} to {node}"
            self.put(_event(pod, 20, "Scheduled", "default-scheduler", assigned))
            self.put(_event(pod, 21, "Started", "kubelet", f"Started container {first}"))

    def _replicas(self, item: Json) -> None:
        meta, spec = item["metadata"], item["spec"]
        digest = hashlib.sha256(repr(spec["template"]).encode()).hexdigest()
        template = copy.deepcopy(spec["template"])
        template["metadata"]["labels"]["pod-template-hash"] = digest[:10]
        count = {"replicas": spec["replicas"], "readyReplicas": spec["replicas"], "availableReplicas": spec["replicas"]}
        selector = {"matchLabels": {**spec["selector"]["matchLabels"], "pod-template-hash": digest[:10]}}
        made = {"replicas": spec["replicas"], "selector": selector, "template": template}
        head = _owned(f"{meta['name']}-{digest[:10]}", item, template["metadata"]["labels"])
        numbered = {"deployment.kubernetes.io/revision": "1"}
        meta["annotations"] = meta.get("annotations", {}) | numbered
        sizes = {"desired-replicas": str(spec["replicas"]), "max-replicas": str(spec["replicas"] + -(-spec["replicas"] // 4))}
        head["annotations"] = {f"deployment.kubernetes.io/{key}": size for key, size in sizes.items()} | numbered
        replica_set = self.put({"kind": "ReplicaSet", "metadata": head, "spec": made, "status": count})
        for number in range(spec["replicas"]):
            name = f"{head['name']}-{hashlib.sha256(bytes([number])).hexdigest()[:5]}"
            labels = template["metadata"]["labels"]
            self.put({"kind": "Pod", "metadata": _owned(name, replica_set, labels), "spec": template["spec"]})
            self.put(_event(replica_set, number + 11, "SuccessfulCreate", "replicaset-controller", f"Created pod: {name}"))
        scaled = f"Scaled up replica set {head['name']} from 0 to {spec['replicas']}"
        if spec["replicas"]:
            self.put(_event(item, 10, "ScalingReplicaSet", "deployment-controller", scaled))
        item["status"] = {**count, "updatedReplicas": spec["replicas"], "observedGeneration": meta["generation"]}
        item["status"]["conditions"] = [
            {"type": "Available", "status": "True", "reason": "MinimumReplicasAvailable"},
            {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"},
        ]

    def _slice(self, item: Json) -> None:
        meta, wanted = item["metadata"], item["spec"].get("selector")
        if not wanted:
            return
        chosen = [pod for pod in self.listed("pods", meta["namespace"])
                  if wanted.items() <= pod["metadata"].get("labels", {}).items()]  # fmt: skip
        name = f"{meta['name']}-{hashlib.sha256(meta['name'].encode()).hexdigest()[:5]}"
        head = _owned(name, item, {"kubernetes.io/service-name": meta["name"]})
        ports = [{"name": port.get("name", ""), "protocol": port["protocol"], "port": _target(port, chosen)}
                 for port in item["spec"]["ports"]]  # fmt: skip
        self.put({"kind": "EndpointSlice", "metadata": head, "addressType": "IPv4", "ports": ports if chosen else [],
                  "endpoints": [_endpoint(pod) for pod in chosen]})  # fmt: skip
        self._endpoints(item, [_address(pod) for pod in chosen], ports)

    def _endpoints(self, item: Json, addresses: list[Json], ports: list[Json]) -> None:
        meta = item["metadata"]
        headless = {"service.kubernetes.io/headless": ""} if item["spec"]["clusterIP"] == "None" else {}
        head = {"name": meta["name"], "namespace": meta["namespace"], "labels": meta.get("labels", {}) | headless}
        named = [{key: value for key, value in port.items() if value} for port in ports]
        subset = {"addresses": sorted(addresses, key=lambda one: one["ip"]), "ports": named}
        self.put({"kind": "Endpoints", "metadata": head, "subsets": [subset] if addresses else []})


def _uid(*words: str) -> str:
    digest = hashlib.sha256("/".join(words).encode()).hexdigest()
    return f"{digest[:8]}-{digest[8:12]}-4{digest[13:16]}-8{digest[17:20]}-{digest[20:32]}"


def _number(*words: str) -> int:
    return 20 + int(hashlib.sha256("/".join(words).encode()).hexdigest()[:2], 16) % 200


def _owned(name: str, owner: Json, labels: Json) -> Json:
    meta = owner["metadata"]
    reference = {"apiVersion": owner["apiVersion"], "kind": owner["kind"], "name": meta["name"], "uid": meta["uid"],
                 "controller": True, "blockOwnerDeletion": True}  # fmt: skip
    return {"name": name, "namespace": meta["namespace"], "labels": labels, "ownerReferences": [reference]}


def _target(port: Json, pods: list[Json]) -> int:
    ports = [one for pod in pods for container in pod["spec"]["containers"] for one in container.get("ports", ())]
    named = {one["name"]: one["containerPort"] for one in ports if "name" in one}
    return int(named.get(port["targetPort"], 0) if isinstance(port["targetPort"], str) else port["targetPort"])


def _endpoint(pod: Json) -> Json:
    meta = pod["metadata"]
    target = {"kind": "Pod", "name": meta["name"], "namespace": meta["namespace"], "uid": meta["uid"]}
    conditions = {"ready": True, "serving": True, "terminating": False}
    return {"addresses": [pod["status"]["podIP"]], "conditions": conditions, "nodeName": pod["spec"]["nodeName"],
            "targetRef": target}  # fmt: skip


def _address(pod: Json) -> Json:
    endpoint = _endpoint(pod)
    return {"ip": pod["status"]["podIP"], "nodeName": endpoint["nodeName"], "targetRef": endpoint["targetRef"]}


def _event(about: Json, number: int, reason: str, source: str, message: str) -> Json:
    """The `number` of an event is also the second it happened in."""
    meta = about["metadata"]
    target = {"apiVersion": about["apiVersion"], "kind": about["kind"]} | {
        key: meta[key] for key in ("name", "namespace", "uid") if key in meta
    }
    time = MADE.replace("00Z", f"{number:02}Z")
    head = {
        "name": f"{meta['name']}.1800000000000{number:03x}",
        "namespace": meta.get("namespace", "default"),
        "creationTimestamp": time,
    }
    return {"kind": "Event", "metadata": head, "type": "Normal", "reason": reason, "message": message, "count": 1,
            "involvedObject": target, "source": {"component": source}, "firstTimestamp": time, "lastTimestamp": time}  # fmt: skip


def _pod(item: Json) -> None:
    meta, spec = item["metadata"], item["spec"]
    _pod_spec(spec)
    spec.setdefault("tolerations", copy.deepcopy(TOLERATIONS))
    spec.setdefault("nodeName", spec.get("nodeSelector", {}).get("kubernetes.io/hostname", "node-1"))
    node_ip, pod_ip = NODES[spec["nodeName"]], f"10.244.{spec['nodeName'][-1]}.{_number(meta['namespace'], meta['name'])}"
    asking = any(one["resources"] for one in spec["containers"])
    item["status"] = {
        "phase": "Running", "qosClass": "Burstable" if asking else "BestEffort", "startTime": MADE,
        "hostIP": node_ip, "hostIPs": [{"ip": node_ip}], "podIP": pod_ip, "podIPs": [{"ip": pod_ip}],
        "conditions": [{"type": one, "status": "True", "lastTransitionTime": MADE} for one in CONDITIONS],
        "containerStatuses": [
            {"name": one["name"], "image": one["image"], "imageID": "", "containerID": "", "ready": True, "started": True,
             "restartCount": 0, "lastState": {}, "state": {"running": {"startedAt": MADE}}} for one in spec["containers"]
        ],
    }  # fmt: skip


def _pod_spec(spec: Json) -> None:
    spec.update({**POD_DEFAULTS, **spec})
    for container in spec["containers"]:
        container.update({**CONTAINER_DEFAULTS, **container})
        for port in container.get("ports", ()):
            port.setdefault("protocol", "TCP")


def _deployment(item: Json) -> None:
    item["spec"].update({**DEPLOYMENT_DEFAULTS, **item["spec"]})
    _pod_spec(item["spec"]["template"]["spec"])


def _service(item: Json) -> None:
    spec = item["spec"]
    spec.update({**SERVICE_DEFAULTS, **spec})
    item["status"] = {"loadBalancer": {}}
    for port in spec.get("ports", ()):
        port.setdefault("protocol", "TCP")
        port.setdefault("targetPort", port["port"])
    if spec["type"] != "ExternalName":
        spec.setdefault("clusterIP", f"10.96.0.{_number(item['metadata']['namespace'], item['metadata']['name'])}")
        spec.update({"clusterIPs": [spec["clusterIP"]], **NUMBERED_DEFAULTS})
    if spec["type"] == "NodePort":
        spec.setdefault("externalTrafficPolicy", "Cluster")


def _secret(item: Json) -> None:
    item.setdefault("type", "Opaque")


def _namespace(item: Json) -> None:
    item["metadata"].setdefault("labels", {})["kubernetes.io/metadata.name"] = item["metadata"]["name"]
    item.update({"spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"}})


DEFAULTS = {"pods": _pod, "deployments": _deployment, "services": _service, "namespaces": _namespace,
            "secrets": _secret}  # fmt: skip


def _node(name: str, address: str) -> Json:
    info = {"kubeletVersion": "v1.32.0", "osImage": "Debian GNU/Linux 12 (bookworm)", "kernelVersion": "6.1.0-18-amd64",
            "containerRuntimeVersion": "containerd://1.7.24", "architecture": "amd64", "operatingSystem": "linux"}  # fmt: skip
    addresses = [{"type": "InternalIP", "address": address}, {"type": "Hostname", "address": name}]
    conditions = [
        {"type": kind, "status": status, "lastHeartbeatTime": MADE, "lastTransitionTime": MADE, "reason": reason,
         "message": message} for kind, status, reason, message in NODE_CONDITIONS
    ]  # fmt: skip
    capacity = {"cpu": "2", "memory": "4Gi", "ephemeral-storage": "20Gi", "pods": "110"}
    cidr = f"10.244.{name[-1]}.0/24"
    return {
        "kind": "Node", "spec": {"podCIDR": cidr, "podCIDRs": [cidr]},
        "metadata": {"name": name, "labels": {f"kubernetes.io/{key}": value for key, value in
                                              (("arch", "amd64"), ("hostname", name), ("os", "linux"))}},
        "status": {"addresses": addresses, "conditions": conditions, "nodeInfo": info, "capacity": capacity,
                   "allocatable": capacity},
    }  # fmt: skip


def _dns() -> list[Json]:
    meta = {"name": "kube-dns", "namespace": "kube-system", "labels": DNS}
    ports = [{"name": "dns", "port": 53, "protocol": "UDP"}, {"name": "dns-tcp", "port": 53}]
    template = {"metadata": {"labels": dict(DNS)}, "spec": {"containers": [{"name": "dns", "image": "host"}]}}
    return [
        {"kind": "Service", "metadata": meta, "spec": {"clusterIP": "10.96.0.10", "selector": DNS, "ports": ports}},
        {"kind": "Deployment", "metadata": meta, "spec": {"selector": {"matchLabels": DNS}, "template": template}},
    ]


def _api_server() -> list[Json]:
    """The Service of the API server, of which this one tells nobody where it is."""
    name = {"name": "kubernetes", "namespace": "default"}
    ports = [{"name": "https", "port": 443, "targetPort": 6443}]
    return [
        {"kind": "Service", "metadata": {**name, "labels": API_SERVER}, "spec": {"clusterIP": "10.96.0.1", "ports": ports}},
        {"kind": "EndpointSlice", "metadata": {**name, "labels": {"kubernetes.io/service-name": "kubernetes"}},
         "addressType": "IPv4", "ports": [], "endpoints": []},
    ]  # fmt: skip
