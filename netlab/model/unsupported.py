"""What Kubernetes knows and netlab does not yet: kinds, fields and values that deserve a better answer than "unknown".

Nothing here changes what is accepted; it only chooses the words of the refusal. One exception: a field below that is written
but empty (`resources: {}`, `strategy: {}`, as `kubectl create --dry-run -o yaml` prints them) asks for nothing, and passes.
Source: Kubernetes API reference v1.31.
"""

from __future__ import annotations

from collections.abc import Mapping

from netlab.model.lab import Lab
from netlab.model.meta import LabelSelector, ObjectMeta
from netlab.model.pod import (
    Container,
    ContainerPort,
    EmptyDirVolume,
    EnvFromSource,
    EnvVarSource,
    Pod,
    PodSpec,
    Volume,
    VolumeMount,
)
from netlab.model.service import Endpoint, Service, ServiceSpec
from netlab.model.workload import ConfigMap, DeploymentSpec, Namespace, Node, NodeSpec, TemplateMeta

_KINDS = (
    "Binding ClusterRole ClusterRoleBinding ControllerRevision CronJob CustomResourceDefinition DaemonSet Endpoints Event"
    " HorizontalPodAutoscaler Ingress IngressClass Job Lease LimitRange MutatingWebhookConfiguration NetworkPolicy"
    " PersistentVolume PersistentVolumeClaim PodDisruptionBudget PodTemplate PriorityClass ReplicaSet ReplicationController"
    " ResourceQuota Role RoleBinding RuntimeClass Secret ServiceAccount StatefulSet StorageClass"
    " ValidatingWebhookConfiguration"
)
KINDS = frozenset(_KINDS.split())

_META = "creationTimestamp deletionTimestamp finalizers generateName generation managedFields resourceVersion selfLink uid"
_PROBES = "livenessProbe readinessProbe startupProbe"

FIELDS: Mapping[type, frozenset[str]] = {
    cls: frozenset(names.split())
    for cls, names in {
        ObjectMeta: _META,
        TemplateMeta: f"{_META} namespace ownerReferences",
        Pod: "status",
        Service: "status",
        Namespace: "spec status",
        Node: "status",
        Lab: "status",
        ConfigMap: "binaryData immutable",
        LabelSelector: "matchExpressions",
        PodSpec: "affinity automountServiceAccountToken ephemeralContainers hostIPC"
        " hostNetwork hostPID hostUsers hostnameOverride imagePullSecrets nodeSelectorTerms os overhead"
        " preemptionPolicy priority priorityClassName readinessGates resourceClaims resources runtimeClassName schedulerName"
        " schedulingGates securityContext serviceAccount serviceAccountName setHostnameAsFQDN tolerations"
        " topologySpreadConstraints",
        Container: f"{_PROBES} lifecycle resizePolicy resources securityContext stdin stdinOnce tty volumeDevices",
        ContainerPort: "hostIP hostPort",
        EnvVarSource: "fileKeyRef resourceFieldRef secretKeyRef",
        EnvFromSource: "secretRef",
        VolumeMount: "mountPropagation recursiveReadOnly subPath subPathExpr",
        EmptyDirVolume: "medium sizeLimit",
        Volume: "awsElasticBlockStore azureDisk azureFile cephfs cinder configMap csi downwardAPI ephemeral fc flexVolume"
        " flocker gcePersistentDisk gitRepo glusterfs image iscsi nfs persistentVolumeClaim photonPersistentDisk portworxVolume"
        " projected quobyte rbd scaleIO secret storageos vsphereVolume",
        ServiceSpec: "allocateLoadBalancerNodePorts externalIPs healthCheckNodePort loadBalancerClass loadBalancerIP"
        " loadBalancerSourceRanges sessionAffinityConfig topologyKeys trafficDistribution",
        Endpoint: "deprecatedTopology hints zone",
        DeploymentSpec: "minReadySeconds paused progressDeadlineSeconds revisionHistoryLimit strategy",
        NodeSpec: "configSource externalID providerID taints unschedulable",
    }.items()
}

# Values of an enumerated field, by the field's name on the wire.
VALUES: Mapping[str, frozenset[str]] = {
    name: frozenset(values.split())
    for name, values in {
        "type": "LoadBalancer BlockDevice CharDevice FileOrCreate Socket",
        "protocol": "SCTP",
        "sessionAffinity": "ClientIP",
        "ipFamilyPolicy": "PreferDualStack RequireDualStack",
        "internalTrafficPolicy": "Local",
        "externalTrafficPolicy": "Local",
        "addressType": "FQDN",
    }.items()
}
