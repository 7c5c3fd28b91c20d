"""What each field of probes and hooks means, a sentence each. Keys are as in `explanations_pod`."""

from __future__ import annotations

from netlab.model.explanations_status import Sentences
from netlab.model.probe import (
    ExecAction,
    GRPCAction,
    HTTPGetAction,
    HTTPHeader,
    Lifecycle,
    LifecycleHandler,
    Probe,
    SleepAction,
    TCPSocketAction,
)

PROBE_SENTENCES: Sentences = {
    Probe: {
        "exec": "A command in the container, which succeeds if it ends with 0.",
        "http_get": "An HTTP request from the Node, which succeeds if the answer's status is 200 to 399.",
        "tcp_socket": "A TCP connection from the Node, which succeeds if it opens.",
        "grpc": "A call of the gRPC health service from the Node, which succeeds if the answer is SERVING.",
        "initial_delay_seconds": "Seconds from the start of the container to the first time it is asked.",
        "timeout_seconds": "Seconds after which no answer is a failure; a command that takes longer is killed.",
        "period_seconds": "Seconds from one time to the next.",
        "success_threshold": "How many successes in a row it takes to succeed after a failure; 1 unless it is readiness.",
        "failure_threshold": "How many failures in a row it takes to fail.",
        "termination_grace_period_seconds": (
            "Seconds between TERM and KILL for a container that failed this probe, instead of the Pod's own; not for readiness."
        ),
    },
    Lifecycle: {
        "post_start": (
            "Done beside the beginning of the container, which does not count as running until it has ended; if it fails the"
            " container is ended."
        ),
        "pre_stop": "Done before TERM, within the grace period; however it ends, the container is ended.",
    },
    LifecycleHandler: {
        "exec": "A command in the container.",
        "http_get": "An HTTP request from the Node, which succeeds if the answer's status is 200 to 399.",
        "sleep": "A pause.",
    },
    SleepAction: {"seconds": "How long, in seconds."},
    ExecAction: {"command": "The program and its arguments, run without a shell; variables are not replaced in it."},
    HTTPGetAction: {
        "path": "The path to ask for.",
        "port": "The port's number, or the name of one of the container's ports.",
        "host": "Whom to ask, an address and no name, since a Node has no resolver; the Pod if empty.",
        "scheme": "HTTPS asks over TLS, whatever certificate the server shows.",
        "http_headers": "Headers of the request, besides the kubelet's own; one of the same name takes its place.",
    },
    HTTPHeader: {
        "name": "The header's name.",
        "value": "Its text, one line; empty leaves out a header of the kubelet's own.",
    },
    GRPCAction: {
        "port": "The port's number.",
        "service": "The service that is asked for; empty asks for the whole server.",
    },
    TCPSocketAction: {
        "port": "The port's number, or the name of one of the container's ports.",
        "host": "Whom to connect to, an address; the Pod if empty.",
    },
}
