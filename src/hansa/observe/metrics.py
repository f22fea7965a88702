"""Every metric of a node: `hansa_` prefix, base units, no label that names a person."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_Children = tuple[Counter, Histogram, Histogram, tuple[Counter, ...]]
"""Of one kind of request: its count, its durations, its first tokens, its tokens by kind."""

_Ended = tuple[tuple[str, str, str, str], float, float, tuple[int, int, int]]
"""Labels of a request that has ended, its duration, its first token, its tokens."""

PENDING_MAX = 64

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 1, 2, 5, 10, 30, 60)


class Metrics:
    """One registry per node, so that tests and several nodes in one process do not meet."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._pending: list[_Ended] = []
        self._children: dict[tuple[str, str, str, str], _Children] = {}
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
        self.canary_requests = Counter(
            "hansa_canary_requests_total",
            "Requests of a trial by arm, live or candidate, and by what became of them.",
            ("model", "arm", "outcome"),
            registry=self.registry,
        )
        self.canary_rollbacks = Counter(
            "hansa_canary_rollbacks_total",
            "Candidates that this node took back because they did worse.",
            ("model",),
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

    def ended(
        self,
        task: str,
        server: str,
        outcome: str,
        model: str,
        duration_s: float,
        first_s: float,
        tokens: tuple[int, int, int],
    ) -> None:
        """Count an answered request.

        `model` only if it was served here; `tokens` are prompt, cached and completion tokens.

        It is added up with others, or when the metrics are read: one after the other takes half as
        long as each by itself (docs/log.md).
        """
        self._pending.append(((task, server, outcome, model), duration_s, first_s, tokens))
        if len(self._pending) >= PENDING_MAX:
            self._count()

    def _count(self) -> None:
        """Add up what has ended since the last time."""
        pending, self._pending = self._pending, []
        for labels, duration_s, first_s, tokens in pending:
            known = self._children.get(labels) or self._look_up(*labels)
            requests, duration, first_token, counters = known
            requests.inc()
            duration.observe(duration_s)
            first_token.observe(first_s)
            for counter, count in zip(counters, tokens, strict=False):
                counter.inc(count)

    def _look_up(self, task: str, server: str, outcome: str, model: str) -> "_Children":
        kinds = ("prompt", "cached", "completion") if model else ()
        found = (
            self.requests.labels(task, server, outcome),
            self.duration.labels(task),
            self.first_token.labels(task),
            tuple(self.tokens.labels(model, kind) for kind in kinds),
        )
        self._children[task, server, outcome, model] = found
        return found

    def text(self) -> bytes:
        """The Prometheus text format."""
        self._count()
        return generate_latest(self.registry)
