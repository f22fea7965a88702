"""A node's traces and metrics as a real OTLP/HTTP receiver gets them."""

import contextlib
import threading
from collections.abc import Generator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import aiohttp
import msgspec
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from hansa.core.settings import Observe
from hansa.engines.stand_in import StandIn
from hansa.models.catalog import DEFAULT_MODEL
from support.league import MemberSpec, make_league
from support.nodes import running
from support.waiting import until

SECRET = "a prompt that nobody may see"
TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@contextlib.contextmanager
def collector() -> Generator[tuple[str, list[tuple[str, bytes]]]]:
    """An OTLP/HTTP receiver of this process: its address, and what it was sent."""
    got: list[tuple[str, bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append((self.path, self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  its base names it
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", got
        finally:
            server.shutdown()
            thread.join()


async def test_a_collector_gets_spans_and_metrics(tmp_path: Path, stand_in: StandIn) -> None:
    made = make_league(tmp_path, (MemberSpec("solo"),))["solo"]
    with collector() as (endpoint, got):
        async with stand_in.serving() as url:
            replica = f'[[replica]]\nid = "r1"\nmodel = "{DEFAULT_MODEL}"\nengine = "vllm"\n'
            made.config.write_text(made.config.read_text() + f'\n{replica}url = "{url}"\n')
            settings = msgspec.structs.replace(made.settings(), observe=Observe(endpoint))
            async with running(settings) as up:
                engine = up.node.fleet.local["r1"].engine
                await until(lambda: engine.state() == "ready")
                await _ask(up.url, up.key)
                await _ask(up.url, up.key, max_tokens=-1)
    spans = [
        span
        for path, body in got
        if path == "/v1/traces"
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]
    served = next(each for each in spans if each.name == f"chat {DEFAULT_MODEL}")
    assert (served.trace_id.hex(), served.parent_span_id.hex()) == (TRACE, SPAN)
    assert 0 < served.end_time_unix_nano - served.start_time_unix_nano < 60e9
    refused = next(each for each in spans if each.name == "chat")
    said = {each.key: each.value.string_value for each in refused.attributes}
    assert said["error.type"] == "invalid_request"
    names = {
        metric.name
        for path, body in got
        if path == "/v1/metrics"
        for resource in ExportMetricsServiceRequest.FromString(body).resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
    }
    assert {"gen_ai.server.request.duration", "gen_ai.client.token.usage"} <= names
    sent = b"".join(body for _, body in got)
    assert SECRET.encode() not in sent
    assert up.key.encode() not in sent


async def _ask(url: str, key: str, **more: object) -> None:
    message = {"role": "user", "content": SECRET}
    headers = {"authorization": f"Bearer {key}", "traceparent": f"00-{TRACE}-{SPAN}-01"}
    async with (
        aiohttp.ClientSession() as session,
        session.post(
            f"{url}/v1/chat/completions",
            json={"model": DEFAULT_MODEL, "messages": [message], **more},
            headers=headers,
        ) as reply,
    ):
        await reply.read()
