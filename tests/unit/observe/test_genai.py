"""Requests as OpenTelemetry sees them: GenAI names, true times, nobody's text."""

import dataclasses
import logging
import socket
import sys
import time
from collections.abc import Iterator

import pytest
import structlog
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from hansa.core.errors import ConfigError
from hansa.observe.genai import Operation, Telemetry, open_telemetry
from hansa.observe.traces import OWN, PARENT, own_traceparent, passed_on

SERVED = Operation(
    request="req-1",
    task="complete",
    origin="harbor",
    outcome="served",
    ended_at_ms=1_000_500,
    duration_s=0.25,
    model="codestral",
    server="shore",
    replica="r1",
    address="https://shore.example:8420",
    attempts=2,
    first_s=0.1,
    tokens=(20, 5, 7),
)


@pytest.fixture
def spans() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def reader() -> InMemoryMetricReader:
    return InMemoryMetricReader()


@pytest.fixture
def telemetry(spans: InMemorySpanExporter, reader: InMemoryMetricReader) -> Iterator[Telemetry]:
    made = Telemetry("harbor", SimpleSpanProcessor(spans), reader)
    yield made
    made.close()


def test_a_request_is_one_span_with_its_own_times(
    telemetry: Telemetry, spans: InMemorySpanExporter
) -> None:
    telemetry.ended(SERVED)
    [span] = spans.get_finished_spans()
    assert (span.name, span.kind, span.parent) == (
        "text_completion codestral",
        SpanKind.SERVER,
        None,
    )
    assert (span.start_time, span.end_time) == (1_000_250_000_000, 1_000_500_000_000)
    assert span.status.status_code is StatusCode.UNSET
    assert dict(span.attributes or {}) == {
        "gen_ai.operation.name": "text_completion",
        "gen_ai.provider.name": "hansa",
        "gen_ai.request.model": "codestral",
        "gen_ai.response.model": "codestral",
        "gen_ai.usage.input_tokens": 20,
        "gen_ai.usage.cache_read.input_tokens": 5,
        "gen_ai.usage.output_tokens": 7,
        "server.address": "shore.example",
        "hansa.outcome": "served",
        "hansa.request.id": "req-1",
        "hansa.task": "complete",
        "hansa.origin": "harbor",
        "hansa.attempts": 2,
        "hansa.server": "shore",
        "hansa.replica": "r1",
        "hansa.time_to_first_token": 0.1,
    }
    assert span.resource.attributes["service.name"] == "hansa"
    assert span.resource.attributes["service.instance.id"] == "harbor"


def test_a_span_is_a_child_of_the_caller(telemetry: Telemetry, spans: InMemorySpanExporter) -> None:
    kept = PARENT.set("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
    telemetry.ended(SERVED)
    PARENT.reset(kept)
    kept = PARENT.set("no traceparent at all")
    telemetry.ended(SERVED)
    PARENT.reset(kept)
    child, alone = spans.get_finished_spans()
    assert child.parent is not None
    assert format(child.parent.trace_id, "032x") == "4bf92f3577b34da6a3ce929d0e0e4736"
    assert format(child.parent.span_id, "016x") == "00f067aa0ba902b7"
    assert alone.parent is None


def test_an_error_is_named_and_nobody_served(
    telemetry: Telemetry, spans: InMemorySpanExporter
) -> None:
    telemetry.ended(
        Operation("req-2", "chat", "harbor", "failed", 1_000, 0.5, error="engine_unavailable")
    )
    [span] = spans.get_finished_spans()
    assert span.name == "chat"
    assert span.status.status_code is StatusCode.ERROR
    said = dict(span.attributes or {})
    assert said["error.type"] == "engine_unavailable"
    assert not {"gen_ai.usage.input_tokens", "gen_ai.response.model", "hansa.server"} & said.keys()


def test_requests_are_measured(telemetry: Telemetry, reader: InMemoryMetricReader) -> None:
    telemetry.ended(SERVED)
    telemetry.ended(dataclasses.replace(SERVED, duration_s=0.75))
    telemetry.failover("shore", "engine_error")
    telemetry.hedged("shore")
    data = reader.get_metrics_data()
    assert data is not None
    metrics = {
        each.name: (each.unit, list(each.data.data_points))
        for resource in data.resource_metrics
        for scope in resource.scope_metrics
        for each in scope.metrics
    }
    unit, [duration] = metrics["gen_ai.server.request.duration"]
    assert (unit, duration.sum, duration.count) == ("s", 1.0, 2)  # type: ignore[union-attr]  a histogram's
    assert metrics["gen_ai.server.time_to_first_token"][0] == "s"
    tokens = {
        each.attributes["gen_ai.token.type"]: each.sum  # type: ignore[index, union-attr]  a histogram's
        for each in metrics["gen_ai.client.token.usage"][1]
    }
    assert tokens == {"input": 40, "output": 14}
    assert [each.value for each in metrics["hansa.failovers"][1]] == [1]  # type: ignore[union-attr]  a counter's
    assert [each.value for each in metrics["hansa.hedges"][1]] == [1]  # type: ignore[union-attr]  a counter's
    labels = {key for _, points in metrics.values() for each in points for key in each.attributes}  # type: ignore[union-attr]  each has them
    assert not any(word in label for label in labels for word in ("request.id", "origin", "key"))


def test_without_a_collector_there_is_no_telemetry() -> None:
    assert open_telemetry("", "harbor") is None


def test_a_collector_that_is_away_is_said_and_holds_nothing_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("hansa.observe.genai.CLOSE_TIMEOUT_S", 0.5)
    with socket.socket() as taken, structlog.testing.capture_logs() as events:
        taken.bind(("127.0.0.1", 0))  # nobody listens there
        telemetry = open_telemetry(f"http://127.0.0.1:{taken.getsockname()[1]}", "harbor")
        assert telemetry is not None
        telemetry.ended(SERVED)
        began_s = time.monotonic()
        telemetry.close()
        assert time.monotonic() - began_s < 3
    # Its thread goes on trying for a moment; what it says then is no other test's output.
    logging.getLogger("opentelemetry").handlers = [logging.NullHandler()]
    assert {each["event"] for each in events} == {"telemetry_troubled"}


def test_a_node_without_the_extra_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    with pytest.raises(ConfigError, match=r"install hansa\[otel\]"):
        open_telemetry("http://127.0.0.1:4318", "harbor")


TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.mark.parametrize("parent", [f"00-{TRACE}-{SPAN}-01", ""])
def test_a_span_has_the_ids_that_others_were_told(
    telemetry: Telemetry, spans: InMemorySpanExporter, parent: str
) -> None:
    own = own_traceparent(parent)
    kept, kept_own = PARENT.set(parent), OWN.set(own)
    telemetry.ended(SERVED)
    assert passed_on() == [("traceparent", own)]
    PARENT.reset(kept)
    OWN.reset(kept_own)
    [span] = spans.get_finished_spans()
    assert span.context is not None
    _, trace, mine, flags = own.split("-")
    assert format(span.context.trace_id, "032x") == trace
    assert format(span.context.span_id, "016x") == mine
    assert (trace == TRACE, flags) == (bool(parent), "01")
    assert passed_on() == []


@pytest.mark.parametrize(
    ("parent", "kept"),
    [
        (f"00-{TRACE}-{SPAN}-00", True),
        (f"cc-{TRACE}-{SPAN}-01-more", True),
        (f"00-{TRACE}-{SPAN}-01-more", False),
        (f"ff-{TRACE}-{SPAN}-01", False),
        (f"00-{'0' * 32}-{SPAN}-01", False),
        (f"00-{TRACE}-{'0' * 16}-01", False),
        (f"00-{TRACE.upper()}-{SPAN}-01", False),
        (f"00-{TRACE}-{SPAN}-01\r\nx: y", False),
        ("nonsense", False),
    ],
)
def test_only_a_traceparent_is_passed_on(parent: str, kept: bool) -> None:
    version, trace, span, flags = own_traceparent(parent).split("-")
    assert (version, len(trace), len(span)) == ("00", 32, 16)
    assert (trace == TRACE) is kept
    assert span != SPAN
    assert flags == (parent[53:55] if kept else "01")
