"""Every metric of a node: `hansa_` prefix, base units, no label that names a person."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 1, 2, 5, 10, 30, 60)


class Metrics:
    """One registry per node, so that tests and several nodes in one process do not meet."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "hansa_requests_total",
            "Requests answered, by what became of them.",
            ("task", "server", "outcome"),
            registry=self.registry,
        )
        self.duration = Histogram(
            "hansa_request_duration_seconds",
            "From the request's arrival to its last chunk.",
            ("task",),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.first_token = Histogram(
            "hansa_time_to_first_token_seconds",
            "From the request's arrival to its first chunk.",
            ("task",),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.tokens = Counter(
            "hansa_tokens_total",
            "Tokens served here, by kind: prompt, cached, completion.",
            ("model", "kind"),
            registry=self.registry,
        )
        self.failovers = Counter(
            "hansa_failovers_total",
            "Attempts that failed before their first token and were tried elsewhere.",
            registry=self.registry,
        )
        self.hedges = Counter(
            "hansa_hedges_total",
            "Second replicas asked because the first was slower than it mostly is.",
            ("server",),
            registry=self.registry,
        )
        self.disputes = Counter(
            "hansa_receipt_disputes_total",
            "Receipts of other members that this node refused to countersign.",
            ("server",),
            registry=self.registry,
        )
        self.pending = Gauge(
            "hansa_receipts_pending",
            "Receipts served here that their origin has not countersigned.",
            registry=self.registry,
        )
        self.in_flight = Gauge(
            "hansa_requests_in_flight",
            "Requests being worked on.",
            registry=self.registry,
        )

    def text(self) -> bytes:
        """The Prometheus text format."""
        return generate_latest(self.registry)
