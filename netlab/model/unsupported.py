"""What Kubernetes knows and netlab does not yet: kinds, fields and values that deserve a better answer than "unknown".

Nothing here changes what is accepted; it only chooses the words of the refusal. One exception: a field below that is written
but empty (`resources: {}`, `strategy: {}`, as `kubectl create --dry-run -o yaml` prints them) asks for nothing, and passes.
Source: Kubernetes API reference v1.31.
"""

from __future__ import annotations

from collections.abc import Mapping

from netlab.model.container import Container, EnvVarSource
from netlab.model.daemon_set import DaemonSetSpec, RollingUpdateDaemonSet
from netlab.model.job import JobSpec
from netlab.model.lab import Lab
from netlab.model.meta import ObjectMeta
from netlab.model.node import Namespace, Node, NodeSpec
from netlab.model.pod import Pod, PodSpec
from netlab.model.probe import Lifecycle, LifecycleHandler
from netlab.model.resources import ResourceRequirements
from netlab.model.security import PodSecurityContext, SeccompProfile, SecurityContext
from netlab.model.service import Endpoint, LoadBalancerIngress, ServiceSpec, ServiceStatus
from netlab.model.volume import Volume, VolumeProjection
from netlab.model.workload import TemplateMeta

_KINDS = (
    "Binding ClusterRole ClusterRoleBinding ControllerRevision CronJob CustomResourceDefinition Event"
    " HorizontalPodAutoscaler Ingress IngressClass Lease LimitRange MutatingWebhookConfiguration NetworkPolicy"
    " PersistentVolume PersistentVolumeClaim PodDisruptionBudget PodTemplate PriorityClass ReplicationController"
    " ResourceQuota Role RoleBinding RuntimeClass ServiceAccount StatefulSet StorageClass"
    " ValidatingWebhookConfiguration"
)
KINDS = frozenset(_KINDS.split())

_META = "creationTimestamp deletionTimestamp finalizers generateName generation managedFields resourceVersion selfLink uid"

FIELDS: Mapping[type, frozenset[str]] = {
    cls: frozenset(names.split())
    for cls, names in {
        ObjectMeta: _META,
        TemplateMeta: f"{_META} namespace ownerReferences",
        Pod: "status",
        Namespace: "spec status",
        Node: "status",
        Lab: "status",
        PodSpec: "affinity automountServiceAccountToken ephemeralContainers"
        " hostUsers hostnameOverride imagePullSecrets nodeSelectorTerms os overhead"
        " preemptionPolicy priority priorityClassName readinessGates resourceClaims resources runtimeClassName schedulerName"
        " schedulingGates serviceAccount serviceAccountName"
        " topologySpreadConstraints",
        Lifecycle: "stopSignal",
        LifecycleHandler: "tcpSocket",
        Container: "resizePolicy stdin stdinOnce tty volumeDevices",
        EnvVarSource: "fileKeyRef",
        ResourceRequirements: "claims",
        PodSecurityContext: "appArmorProfile seLinuxChangePolicy seLinuxOptions supplementalGroupsPolicy windowsOptions",
        SecurityContext: "appArmorProfile seLinuxOptions windowsOptions",
        SeccompProfile: "localhostProfile",
        Volume: "awsElasticBlockStore azureDisk azureFile cephfs cinder csi ephemeral fc flexVolume"
        " flocker gcePersistentDisk gitRepo glusterfs image iscsi nfs persistentVolumeClaim photonPersistentDisk portworxVolume"
        " quobyte rbd scaleIO storageos vsphereVolume",
        VolumeProjection: "clusterTrustBundle podCertificate serviceAccountToken",
        ServiceSpec: "topologyKeys",
        ServiceStatus: "conditions",
        LoadBalancerIngress: "hostname ports",
        Endpoint: "deprecatedTopology",
        DaemonSetSpec: "revisionHistoryLimit",
        RollingUpdateDaemonSet: "maxSurge",
        JobSpec: "backoffLimitPerIndex managedBy manualSelector maxFailedIndexes podFailurePolicy podReplacementPolicy"
        " successPolicy",
        NodeSpec: "configSource externalID providerID",
    }.items()
}

# Values of an enumerated field, by the field's name on the wire.
VALUES: Mapping[str, frozenset[str]] = {
    name: frozenset(values.split())
    for name, values in {
        "type": "Localhost",
        "procMount": "Unmasked",
        "mountPropagation": "Bidirectional",
        "addressType": "FQDN",
        "operator": "Gt Lt",
    }.items()
}
