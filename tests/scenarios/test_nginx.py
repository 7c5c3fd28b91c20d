"""nginx as people run it: its configuration from a ConfigMap, a readiness probe, a Service, a reload, and ends of every sort.

It is looked at from outside the cluster, through a NodePort, and from the machine: which processes there are in /proc.
"""

from __future__ import annotations

import contextlib
import os
import socket
from pathlib import Path

import pytest

from netlab.kernel.netns import in_namespace

NODE_PORT = 30080
# What is worth to be kept is said to standard output and standard error; nginx writes nothing but its pid and empty directories.
SITE = """
apiVersion: v1
kind: ConfigMap
metadata: {name: site}
data:
  nginx.conf: |
    daemon off;
    worker_processes 1;
    user www-data;
    pid /run/nginx.pid;
    error_log stderr notice;
    events {}
    http {
      access_log /dev/stdout;
      client_body_temp_path /tmp/body;
      proxy_temp_path /tmp/proxy;
      fastcgi_temp_path /tmp/fastcgi;
      uwsgi_temp_path /tmp/uwsgi;
      scgi_temp_path /tmp/scgi;
      server {
        listen 80;
        default_type text/plain;
        location = / { return 200 "COLOUR"; }
        location = /healthz { return HEALTH; }
      }
    }
"""
WEB = """
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec:
  terminationGracePeriodSeconds: 60
  volumes: [{name: site, configMap: {name: site}}]
  containers:
  - name: nginx
    image: host
    command: [nginx, -e, stderr, -c, /site/nginx.conf]
    ports: [{name: http, containerPort: 80}]
    volumeMounts: [{name: site, mountPath: /site}]
    readinessProbe: {httpGet: {path: /healthz, port: http}, periodSeconds: 1, timeoutSeconds: 20, failureThreshold: 1}
    # TERM follows when the hook has ended, and TERM is to nginx what breaks off: the hook waits for its end.
    lifecycle:
      preStop:
        exec: {command: [sh, -c, 'pid=$(cat /run/nginx.pid); nginx -e stderr -c /site/nginx.conf -s quit; tail --pid=$pid -f /dev/null']}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {type: NodePort, selector: {app: web}, ports: [{port: 80, targetPort: http, nodePort: 30080}]}
"""


def site(colour: str = "blue", health: int = 200) -> str:
    return SITE.replace("COLOUR", colour).replace("HEALTH", str(health))


@pytest.fixture
def web(lab):
    """The lab, with nginx ready."""
    lab.apply(site() + "---" + WEB)
    lab("wait", "pod/web", "--for=condition=Ready", "--timeout=60s")
    return lab


def connected(lab) -> socket.socket:
    """A connection from outside, through the port of a Node on which the Pod need not be."""
    address = (lab.node_ip("node-1"), NODE_PORT)
    return in_namespace(f"{lab.lab}.outside", lambda: socket.create_connection(address, timeout=60))


def answer(connection: socket.socket) -> tuple[int, str]:
    """The status and the text of what comes until nginx closes the connection."""
    received = b""
    while chunk := connection.recv(65536):
        received += chunk
    head, _, body = received.decode().partition("\r\n\r\n")
    return int(head.split()[1]), body


def fetched(lab) -> str:
    """The page; `refused` if nobody listens, as a Service without endpoints says."""
    try:
        with connected(lab) as connection:
            connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
            return answer(connection)[1]
    except ConnectionRefusedError:
        return "refused"


def processes(lab) -> dict[str, int]:
    """nginx's processes by what they call themselves, as /proc of the machine knows them."""
    (pod,) = lab.pods("web")
    found = {}
    for entry in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            words = Path(f"/proc/{entry}/cmdline").read_bytes().decode()
            if words.startswith("nginx: ") and pod["metadata"]["uid"] in Path(f"/proc/{entry}/cgroup").read_text():
                found[words.split()[1]] = int(entry)
    return found


def container(lab) -> dict:
    return lab.json("pod", "web")["status"]["containerStatuses"][0]


def test_a_reload_shows_the_changed_configmap_and_the_container_stays(web, until):
    assert fetched(web) == "blue"
    before = processes(web)
    assert Path(f"/proc/{before['worker']}").stat().st_uid != 0, "its workers are www-data"
    web.apply(site("green"))
    web("exec", "web", "--", "nginx", "-e", "stderr", "-c", "/site/nginx.conf", "-s", "reload")
    until(lambda: fetched(web) == "green")
    until(lambda: len(set(processes(web).values()) | set(before.values())) == 3)
    assert processes(web)["master"] == before["master"]
    assert container(web)["restartCount"] == 0


def test_a_configuration_with_a_fault_is_refused_and_the_old_one_serves_on(web):
    web.apply(site("green").replace("daemon off;", "daemon off; nonsense;"))
    done = web.run("exec", "web", "--", "nginx", "-e", "stderr", "-c", "/site/nginx.conf", "-t")
    assert done.code == 1
    assert 'unknown directive "nonsense" in /site/nginx.conf:1' in done.err
    assert fetched(web) == "blue"


def test_an_unready_nginx_gets_no_connections_until_it_is_ready_again(web, until):
    web.apply(site(health=503))
    web("exec", "web", "--", "sh", "-c", "kill -HUP $(cat /run/nginx.pid)")
    until(lambda: fetched(web) == "refused")
    assert (container(web)["ready"], container(web)["restartCount"]) == (False, 0)
    web.apply(site())
    web("exec", "web", "--", "sh", "-c", "kill -HUP $(cat /run/nginx.pid)")
    until(lambda: fetched(web) == "blue")


def test_a_request_that_was_begun_before_the_end_is_answered(web, until):
    """The preStop hook lets nginx quit: it hears no more connections, but brings to an end those that it has."""
    with connected(web) as connection:
        connection.sendall(b"GET / HTTP/1.0\r\nX-Half: ")
        web("exec", "web", "--", "curl", "--silent", "--fail", "http://localhost/healthz")  # its one worker has read ours, too
        web("delete", "pod", "web", "--wait=false")
        until(lambda: fetched(web) == "refused")
        assert web("get", "pod", "web", "--no-headers").split()[2] == "Terminating"
        connection.sendall(b"done\r\n\r\n")
        assert answer(connection) == (200, "blue")
    until(lambda: not web.pods("web"))


@pytest.mark.parametrize(
    ("signal", "code", "reason"),
    [
        pytest.param("QUIT", 0, "Completed", id="quit: after the last request"),
        pytest.param("TERM", 0, "Completed", id="term: at once, and in order"),
        pytest.param("KILL", 137, "Error", id="kill: 128 and its number"),
    ],
)
def test_every_end_is_seen_with_its_code_and_nginx_comes_back(web, until, signal, code, reason):
    web("exec", "web", "--", "sh", "-c", f"kill -{signal} $(cat /run/nginx.pid)")
    until(lambda: container(web)["restartCount"] == 1 and container(web)["ready"])
    ended = container(web)["lastState"]["terminated"]
    assert (ended["exitCode"], ended["reason"]) == (code, reason)
    assert fetched(web) == "blue"
    until(lambda: '"GET / HTTP/1.0" 200' in web("logs", "web"))
