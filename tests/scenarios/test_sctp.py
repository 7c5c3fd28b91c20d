"""Services of protocol SCTP under real packets, on kernels with and without sockets for it: names, variables, rules."""

from __future__ import annotations

import json
import socket

# Where the kernel speaks SCTP: as TCP. The server says who it is.
SOCKET_SERVER = """
s = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_SCTP)
s.bind(("", 9899)); s.listen(); print("ready", flush=True)
while True:
    c, _ = s.accept(); c.sendall(sys.argv[1].encode()); c.close()
"""
SOCKET_CLIENT = """
for _ in range(int(sys.argv[3])):
    s = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_SCTP); s.settimeout(5)
    s.connect((sys.argv[1], int(sys.argv[2]))); print(s.recv(9).decode()); s.close()
"""
# Where it does not: INIT and INIT ACK by hand (RFC 9260 3.3.2, 3.3.3, checksum: appendix A). The server's tag says who it is.
RAW = """
def crc(data):
    value = 0xFFFFFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
    return value ^ 0xFFFFFFFF
def packet(source, target, tag, kind, own):
    head, chunk = struct.pack("!HHI", source, target, tag), struct.pack("!BBHIIHHI", kind, 0, 20, own, 65536, 1, 1, 1)
    return head + struct.pack("<I", crc(head + bytes(4) + chunk)) + chunk
def hear(kind):
    while True:
        data, peer = s.recvfrom(999)
        data = data[(data[0] & 15) * 4:]
        if data[12] == kind:
            assert struct.unpack("<I", data[8:12])[0] == crc(data[:8] + bytes(4) + data[12:]), "the checksum is wrong"
            return peer[0], *struct.unpack("!HH", data[:4]), struct.unpack("!I", data[16:20])[0]
s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_SCTP)
"""
RAW_SERVER = f"""{RAW}
print("ready", flush=True)
while True:
    peer, source, target, tag = hear(1)
    if target == 9899:
        s.sendto(packet(target, source, tag, 2, int.from_bytes(sys.argv[1].encode(), "big")), (peer, 0))
"""
RAW_CLIENT = f"""{RAW}
s.settimeout(5); port = int(sys.argv[2])
for own in range(20000, 20000 + int(sys.argv[3])):
    s.sendto(packet(own, port, 0, 1, 42), (sys.argv[1], 0))
    peer, source, target, tag = hear(2)
    assert (peer, source, target) == (sys.argv[1], port, own), (peer, source, target)
    print(tag.to_bytes(3, "big").decode())
"""
IMPORTS = "import socket, struct, sys\n"
DRAWS = 40  # of two endpoints; all the same once in 10^11 runs
MANIFEST = """
apiVersion: v1
kind: Service
metadata: {name: signals}
spec:
  type: NodePort
  selector: {app: signals}
  ports:
  - {name: s1ap, port: 36412, targetPort: own, protocol: SCTP, nodePort: 30412}
  - {name: http, port: 36412, targetPort: 80}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: programs}
data: {server: %s}
"""
POD = """
apiVersion: v1
kind: Pod
metadata: {name: %s, labels: {app: %s}}
spec:
  terminationGracePeriodSeconds: 0
  nodeName: %s
  containers:
  - name: main
    image: host
    command: %s
    env: [{name: PROGRAM, valueFrom: {configMapKeyRef: {name: programs, key: server}}}]
    ports: [{name: own, containerPort: 9899, protocol: SCTP}]
"""


def kernel_has_sockets() -> bool:
    try:
        socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_SCTP).close()
    except OSError:
        return False
    return True


def test_sctp_is_balanced_translated_and_named(lab, until):
    server, client = (SOCKET_SERVER, SOCKET_CLIENT) if kernel_has_sockets() else (RAW_SERVER, RAW_CLIENT)
    nodes = {"one": "node-1", "two": "node-2"}
    pods = [POD % (name, "signals", node, f"[python3, -c, $(PROGRAM), {name}]") for name, node in nodes.items()]
    pods.append(POD % ("client", "client", "node-1", "[sleep, infinity]"))
    lab.apply("---".join((MANIFEST % json.dumps(IMPORTS + server), *pods)))
    for name in nodes:
        until(lambda name=name: "ready" in lab.run("logs", name).out)
    ip = lab.cluster_ip("signals")

    def drawn(where: str, address: str, port: int) -> set[str]:
        return set(lab("exec", where, "--", "python3", "-c", IMPORTS + client, address, str(port), str(DRAWS)).split())

    assert drawn("client", ip, 36412) == set(nodes)
    assert drawn("outside", lab.node_ip("node-1"), 30412) == set(nodes)
    assert f"SIGNALS_PORT_36412_SCTP=sctp://{ip}:36412" in lab("exec", "client", "--", "env")
    answer = lab("exec", "client", "--", "dig", "+short", "_s1ap._sctp.signals.default.svc.cluster.local", "SRV")
    assert answer.endswith(" 36412 signals.default.svc.cluster.local.\n")
