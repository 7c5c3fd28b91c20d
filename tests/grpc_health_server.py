"""A real gRPC server with the health service, as a program of a Pod: `python grpc_health_server.py PORT`.

It serves as long as the file `serving` is in its directory, knows the service `known` beside the whole server, and ends by TERM.
"""

import os
import sys
from concurrent import futures

import grpc

SERVING, NOT_SERVING = b"\x08\x01", b"\x08\x02"


def check(request: bytes, context: grpc.ServicerContext) -> bytes:
    """Answer a HealthCheckRequest, both as bytes: its one field is a text."""
    service = request[2:].decode()
    if service not in {"", "known"}:
        context.abort(grpc.StatusCode.NOT_FOUND, "unknown service")
    return SERVING if os.path.exists("serving") else NOT_SERVING


if __name__ == "__main__":
    health = grpc.method_handlers_generic_handler(
        "grpc.health.v1.Health", {"Check": grpc.unary_unary_rpc_method_handler(check)}
    )
    server = grpc.server(futures.ThreadPoolExecutor(2), handlers=[health])
    server.add_insecure_port(f"0.0.0.0:{sys.argv[1]}")
    server.start()
    server.wait_for_termination()
