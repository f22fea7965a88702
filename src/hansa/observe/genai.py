"""Traces and metrics for OpenTelemetry, by its GenAI names (which are in development).

Every such name is in this module. Nothing here holds prompts, answers, keys or persons.
Source: OpenTelemetry semantic conventions, "Generative AI".
"""

import functools
import logging
import os
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import structlog

from hansa import __version__
from hansa.core.errors import ConfigError
from hansa.observe.traces import HEADER, OWN, PARENT, ids_of

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import MetricReader
    from opentelemetry.sdk.trace import SpanProcessor
    from opentelemetry.sdk.trace.id_generator import IdGenerator

EXPORT_TIMEOUT_S = 3

CLOSE_TIMEOUT_S = 5.0
"""How long a collector that does not answer may hold up a node's end; what waits then is lost."""

QUEUE_SPANS_MAX = 2048
"""Spans that wait for the collector; more are dropped."""

PROVIDER = "hansa"

_OPERATIONS = {"complete": "text_completion", "embed": "embeddings"}
"""Task to operation; all others are `chat`."""

_SECONDS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
_TOKENS = (1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216)


@dataclass(frozen=True, slots=True)
class Operation:
    """A request that ended, as its trace tells it."""

    request: str
    task: str
    origin: str
    """Member that asked."""
    outcome: str
    ended_at_ms: int
    duration_s: float
    model: str = ""
    server: str = ""
    """Member that served; empty: nobody began."""
    replica: str = ""
    address: str = ""
    """URL of the node that served."""
    attempts: int = 0
    error: str = ""
    """Code of what went wrong; empty: nothing did."""
    first_s: float | None = None
    """From arrival to the first chunk."""
    tokens: tuple[int, int, int] = (0, 0, 0)
    """Prompt, cached and completion tokens."""


class _ToLog(logging.Handler):
    """What the SDK says, such as that a collector is away, as events of ours."""

    def emit(self, record: logging.LogRecord) -> None:
        structlog.get_logger().warning("telemetry_troubled", said=record.getMessage()[:300])


class Telemetry:
    """Tells a collector of requests, from a thread of its own."""

    def __init__(self, member: str, spans: "SpanProcessor", metrics: "MetricReader") -> None:
        from opentelemetry.sdk.metrics import MeterProvider
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.trace import SpanKind, Status, StatusCode
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        resource = Resource.create(
            {
                "service.name": os.environ.get("OTEL_SERVICE_NAME", "hansa"),
                "service.version": __version__,
                "service.instance.id": member,
            }
        )
        self._tracing = TracerProvider(
            resource=resource, shutdown_on_exit=False, id_generator=_ids()
        )
        self._tracing.add_span_processor(spans)
        self._tracer = self._tracing.get_tracer("hansa")
        self._kind, self._failed = SpanKind.SERVER, Status(StatusCode.ERROR)
        self._context = TraceContextTextMapPropagator().extract
        self._metering = MeterProvider([metrics], resource, shutdown_on_exit=False)
        meter = self._metering.get_meter("hansa")
        seconds = functools.partial(
            meter.create_histogram, unit="s", explicit_bucket_boundaries_advisory=_SECONDS
        )
        self._duration = seconds("gen_ai.server.request.duration")
        self._first_token = seconds("gen_ai.server.time_to_first_token")
        self._tokens = meter.create_histogram(
            "gen_ai.client.token.usage",
            unit="{token}",
            explicit_bucket_boundaries_advisory=_TOKENS,
        )
        self._failovers = meter.create_counter("hansa.failovers", unit="{attempt}")
        self._hedges = meter.create_counter("hansa.hedges", unit="{attempt}")

    def ended(self, done: Operation) -> None:
        """Write the request's span, a child of the caller's, and count it."""
        shared = _shared(done)
        name = f"{shared['gen_ai.operation.name']} {done.model}".rstrip()
        end_ns = done.ended_at_ms * 1_000_000
        span = self._tracer.start_span(
            name,
            self._context({HEADER: PARENT.get()}),
            self._kind,
            {**shared, **_own(done)},
            start_time=end_ns - round(done.duration_s * 1e9),
        )
        if done.error:
            span.set_status(self._failed)
        span.end(end_ns)
        self._duration.record(done.duration_s, shared)
        if done.first_s is not None:
            self._first_token.record(done.first_s, shared)
        if done.server:
            prompt, _, completion = done.tokens
            self._tokens.record(prompt, {**shared, "gen_ai.token.type": "input"})
            self._tokens.record(completion, {**shared, "gen_ai.token.type": "output"})

    def failover(self, server: str, error: str) -> None:
        """An attempt failed before its first token; `error` is its code."""
        self._failovers.add(1, {"hansa.server": server, "error.type": error})

    def hedged(self, server: str) -> None:
        """A second replica, of `server`, was asked beside a slow one."""
        self._hedges.add(1, {"hansa.server": server})

    def close(self) -> None:
        """Send what waits; blocks for at most `CLOSE_TIMEOUT_S`."""
        sending = threading.Thread(target=self._send_rest, name="telemetry-close", daemon=True)
        sending.start()
        sending.join(CLOSE_TIMEOUT_S)

    def _send_rest(self) -> None:
        self._tracing.shutdown()
        self._metering.shutdown(EXPORT_TIMEOUT_S * 1000)


def open_telemetry(endpoint: str, member: str) -> Telemetry | None:
    """Telemetry sent to the OTLP/HTTP collector at `endpoint`; None if that is empty.

    Raises:
        ConfigError: it is wanted, and the extra `hansa[otel]` is not installed.
    """
    if not endpoint:
        return None
    try:
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise ConfigError(
            f"traces are wanted at {endpoint}, and OpenTelemetry is not installed",
            hint="install hansa[otel], or unset observe.otlp_endpoint and "
            "OTEL_EXPORTER_OTLP_ENDPOINT",
        ) from error
    told = logging.getLogger("opentelemetry")
    told.handlers, told.propagate = [_ToLog(logging.WARNING)], False
    base = endpoint.rstrip("/")
    spans = OTLPSpanExporter(f"{base}/v1/traces", timeout=EXPORT_TIMEOUT_S)
    metrics = OTLPMetricExporter(f"{base}/v1/metrics", timeout=EXPORT_TIMEOUT_S)
    return Telemetry(
        member,
        BatchSpanProcessor(
            spans,
            max_queue_size=QUEUE_SPANS_MAX,
            export_timeout_millis=EXPORT_TIMEOUT_S * 1000,
        ),
        PeriodicExportingMetricReader(metrics, export_timeout_millis=EXPORT_TIMEOUT_S * 1000),
    )


def _ids() -> "IdGenerator":
    """Gives a request's span the ids that others were told while it was worked on."""
    from opentelemetry.sdk.trace.id_generator import RandomIdGenerator

    class Ids(RandomIdGenerator):
        def generate_trace_id(self) -> int:
            own = OWN.get()
            return ids_of(own)[0] if own else super().generate_trace_id()

        def generate_span_id(self) -> int:
            own = OWN.get()
            return ids_of(own)[1] if own else super().generate_span_id()

    return Ids()


def _shared(done: Operation) -> dict[str, str]:
    """What spans and metrics both say; of each, only few values exist."""
    optional = {
        "gen_ai.request.model": done.model,
        "gen_ai.response.model": done.model if done.server else "",
        "server.address": _host(done.address),
        "error.type": done.error,
    }
    return {
        "gen_ai.operation.name": _OPERATIONS.get(done.task, "chat"),
        "gen_ai.provider.name": PROVIDER,
        "hansa.outcome": done.outcome,
        **{name: value for name, value in optional.items() if value},
    }


def _own(done: Operation) -> dict[str, str | int | float]:
    """What only the span says."""
    said: dict[str, str | int | float] = {
        "hansa.request.id": done.request,
        "hansa.task": done.task,
        "hansa.origin": done.origin,
        "hansa.attempts": done.attempts,
    }
    if done.server:
        prompt, cached, completion = done.tokens
        said |= {
            "hansa.server": done.server,
            "hansa.replica": done.replica,
            "gen_ai.usage.input_tokens": prompt,
            "gen_ai.usage.cache_read.input_tokens": cached,
            "gen_ai.usage.output_tokens": completion,
        }
    if done.first_s is not None:
        said["hansa.time_to_first_token"] = done.first_s
    return said


@functools.lru_cache(256)
def _host(url: str) -> str:
    return urlsplit(url).hostname or ""
