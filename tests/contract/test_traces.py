"""A node's traces and metrics as a real OTLP/HTTP receiver gets them."""

import contextlib
import threading
from collections.abc import Generator, Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import aiohttp
import msgspec
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from hansa.core.settings import Observe
from hansa.engines.stand_in import StandIn
from hansa.models.catalog import DEFAULT_MODEL
from hansa.wire.requests import Message, Request
from support.league import MemberSpec, make_league
from support.nodes import Running, met, running
from support.waiting import until

_ANY = Request("any", "chat", messages=(Message("user", "x"),))
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


def spans_of(got: list[tuple[str, bytes]]) -> list[tuple[str, Span]]:
    """Every span that came, with the member whose node wrote it."""
    return [
        (_member(resource.resource.attributes), span)
        for path, body in got
        if path == "/v1/traces"
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


def _member(attributes: Iterable[KeyValue]) -> str:
    said = {each.key: each.value.string_value for each in attributes}
    return said["service.instance.id"]


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
    spans = [span for _, span in spans_of(got)]
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


async def test_one_trace_spans_members_and_engine(tmp_path: Path, stand_in: StandIn) -> None:
    made = make_league(tmp_path, (MemberSpec("desk"), MemberSpec("compute")))
    with collector() as (endpoint, got):
        async with stand_in.serving() as url:
            replica = f'[[replica]]\nid = "r1"\nmodel = "{DEFAULT_MODEL}"\nengine = "vllm"\n'
            config = made["compute"].config
            config.write_text(config.read_text() + f'\n{replica}url = "{url}"\n')
            desk_settings, compute_settings = (
                msgspec.structs.replace(made[each].settings(), observe=Observe(endpoint))
                for each in ("desk", "compute")
            )
            async with running(desk_settings) as desk, running(compute_settings) as compute:
                engine = compute.node.fleet.local["r1"].engine
                await until(lambda: engine.state() == "ready")
                await met(desk, compute)
                await until(lambda: any(each.up for each in desk.node.fleet.candidates(_ANY)))
                await _ask(desk.url, desk.key)
    spans = dict(spans_of(got))
    asked, served = spans["desk"], spans["compute"]
    assert {asked.trace_id.hex(), served.trace_id.hex()} == {TRACE}
    assert asked.parent_span_id.hex() == SPAN
    assert served.parent_span_id == asked.span_id
    [head] = stand_in.heads
    assert f"traceparent: 00-{TRACE}-{served.span_id.hex()}-01\r\n" in head


async def test_without_traces_nothing_is_passed_on(fronting: Running, stand_in: StandIn) -> None:
    engine = fronting.node.fleet.local["r1"].engine
    await until(lambda: engine.state() == "ready")
    await _ask(fronting.url, fronting.key)
    [head] = stand_in.heads
    assert "traceparent" not in head


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
