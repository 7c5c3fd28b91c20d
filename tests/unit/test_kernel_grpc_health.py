"""The gRPC health call, answered by a real HTTP/2 server side, and by one that says anything else."""

import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, RequestReceived

from netlab.kernel.grpc_health import METHOD, HealthCall
from netlab.netstate.health import GrpcCheck, Outcome
from netlab.netstate.names import NetnsName

CHECK = GrpcCheck(netns=NetnsName("demo.node-1"), host="10.244.1.2", port=50051)
FAILED = "error: health rpc probe failed: rpc error: code = "
OK = [("grpc-status", "0")]


def message(body: bytes, compressed: int = 0) -> bytes:
    return bytes((compressed,)) + len(body).to_bytes(4, "big") + body


class Server:
    """The other side: it takes the call and answers with these headers, this body and these trailers."""

    def __init__(self, body=b"", trailers=OK, status="200"):
        self.body, self.trailers, self.status = body, trailers, status
        self.link = H2Connection(H2Configuration(client_side=False))
        self.asked, self.heard = {}, b""

    def answer(self, said: bytes) -> bytes:
        self.link.initiate_connection()
        for event in self.link.receive_data(said):
            if isinstance(event, RequestReceived):
                self.asked = {bytes(name).decode(): bytes(value).decode() for name, value in event.headers}
            if isinstance(event, DataReceived):
                self.heard += event.data
        head = [(":status", self.status), ("content-type", "application/grpc")]
        if self.body:
            self.link.send_headers(1, head)
            self.link.send_data(1, self.body)
            self.link.send_headers(1, self.trailers, end_stream=True)
        else:
            self.link.send_headers(1, head + self.trailers, end_stream=True)
        return self.link.data_to_send()


def outcome(server: Server, *, piece: int = 1 << 20, check: GrpcCheck = CHECK) -> Outcome:
    """What comes of the call if the answer arrives in pieces of so many bytes."""
    call = HealthCall(check)
    data = server.answer(call.opening())
    for start in range(0, len(data), piece):
        reply = call.heard(data[start : start + piece])
        if isinstance(reply, Outcome):
            return reply
    return call.heard(b"")


def test_what_is_asked():
    server = Server(message(b"\x08\x01"))
    assert outcome(server, check=GrpcCheck(netns=CHECK.netns, host="10.244.1.2", port=50051, service="web")) == Outcome(
        success=True
    )
    assert server.heard == b"\0\0\0\0\x05\x0a\x03web"
    wanted = {
        ":method": "POST",
        ":path": METHOD,
        ":authority": "10.244.1.2:50051",
        "content-type": "application/grpc",
        "te": "trailers",
    }
    assert wanted.items() <= server.asked.items()
    assert server.asked["user-agent"].startswith("kube-probe/")


def test_a_long_name_of_a_service_has_its_length_before_it():
    server = Server(message(b"\x08\x01"))
    outcome(server, check=GrpcCheck(netns=CHECK.netns, host="h", port=1, service="x" * 300))
    assert server.heard == message(b"\x0a\xac\x02" + b"x" * 300)


@pytest.mark.parametrize("piece", [1, 2, 7, 1000])
def test_an_answer_may_come_in_pieces(piece):
    assert outcome(Server(message(b"\x08\x01")), piece=piece) == Outcome(success=True)


@pytest.mark.parametrize(
    ("server", "text"),
    [
        pytest.param(Server(message(b"\x08\x02")), 'service unhealthy (responded with "NOT_SERVING")', id="not serving"),
        pytest.param(Server(message(b"")), 'service unhealthy (responded with "UNKNOWN")', id="no field is the first word"),
        pytest.param(Server(message(b"\x08\x03")), 'service unhealthy (responded with "SERVICE_UNKNOWN")', id="the last word"),
        pytest.param(Server(message(b"\x08\x7f")), 'service unhealthy (responded with "127")', id="a word that nobody knows"),
        pytest.param(
            Server(message(b"\x08\x01", compressed=1)), 'service unhealthy (responded with "a message that cannot be read")', id="compressed",
        ),
        pytest.param(
            Server(b"\0\xff\xff\xff\xff\x08\x01"), 'service unhealthy (responded with "a message that cannot be read")', id="a length that lies",
        ),
        pytest.param(Server(b"\0"), 'service unhealthy (responded with "a message that cannot be read")', id="half a message"),
        pytest.param(Server(b"x" * 5000), FAILED + "ResourceExhausted desc = the message is too long", id="far too much"),
        pytest.param(
            Server(trailers=[("grpc-status", "12"), ("grpc-message", "unknown%20service")]),
            "error: this server does not implement the grpc health protocol (grpc.health.v1.Health): unknown service", id="another server",
        ),
        pytest.param(Server(trailers=[("grpc-status", "5"), ("grpc-message", "unknown service")]), FAILED + "NotFound desc = unknown service", id="another service"),
        pytest.param(Server(trailers=[("grpc-status", "-1")]), FAILED + "Unknown desc = ", id="a code that is none"),
        pytest.param(Server(trailers=[], status="404"), FAILED + "Unknown desc = unexpected HTTP status code received from server: 404", id="a web server"),
        pytest.param(Server(trailers=[]), FAILED + "Internal desc = server closed the stream without sending trailers", id="no trailers"),
    ],
)  # fmt: skip
def test_what_is_found(server, text):
    assert outcome(server) == Outcome(success=False, text=text)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        pytest.param(b"", "Unavailable desc = connection closed before the answer was complete", id="nothing"),
        pytest.param(b"HTTP/1.1 400 Bad Request\r\n\r\n", "Unavailable desc = connection closed before the answer", id="HTTP/1"),
        pytest.param(b"\0\0\x04\x08\0\0\0\0\0\0\0\0\1" * 30000, "ResourceExhausted desc = the answer does not end", id="an endless one"),
        pytest.param(b"\0\0\4\3\0\0\0\0\1\0\0\0\x0b", "Unavailable desc = ", id="a reset"),
        pytest.param(b"\0\0\x08\7\0\0\0\0\0\0\0\0\0\0\0\0\x0b", "Unavailable desc = connection closed by GOAWAY with error code 11", id="go away"),
        pytest.param(bytes(range(256)) * 4, "Unavailable desc = connection error: ", id="rubbish"),
    ],
)  # fmt: skip
def test_whatever_comes_is_an_outcome(data, text):
    call = HealthCall(CHECK)
    call.opening()
    preface = b"\0\0\0\4\0\0\0\0\0" if data[:3] == b"\0\0\4" or data[:3] == b"\0\0\x08" else b""
    found = call.heard(preface + data if data else b"")
    if not isinstance(found, Outcome):  # it waits for more: the other side hangs up
        found = call.heard(b"")
    assert isinstance(found, Outcome)
    assert not found.success
    assert found.text.startswith(FAILED + text)
