"""Every limit in one place, so that a reader can see what is bounded and by how much."""

BODY_BYTES_MAX = 4 * 1024 * 1024
"""Largest HTTP request body a node reads."""

SSE_EVENT_BYTES_MAX = 1024 * 1024
"""Largest single server-sent event a client of ours accepts."""

REQUESTS_IN_FLIGHT_MAX = 2048
"""Requests a node works on at once; more are refused with 503 and Retry-After."""

REQUEST_DEADLINE_S = 120.0
"""A request that has no budget of its own is given up after this."""

COMPLETION_TOKENS_MAX = 131_072
"""Most tokens one request may generate."""

ATTEMPTS_MAX = 3
"""Replicas tried for one request, all before its first token."""

RECENT_REQUESTS_KEPT = 256
"""Answered requests a node keeps in memory for the console and `hansa route explain`."""

PEER_POLL_INTERVAL_S = 1.0
PEER_RETRY_FIRST_S = 0.05
PEER_TIMEOUT_S = 2.0
GRANT_LIFETIME_S = 120
CLOCK_SKEW_S = 30
NONCES_KEPT_MAX = 100_000

COUNTERSIGN_BATCH_MAX = 64
"""Receipts sent to their origin in one message."""

COUNTERSIGN_INTERVAL_S = 1.0
"""How often a node sends its peers the receipts they have not countersigned."""

FILE_BYTES_MAX = 1024 * 1024
"""A source file larger than this is not indexed and not edited."""

LINE_CHARS_MAX = 20_000
"""A file with a longer line than this is taken for generated and not indexed."""

COMPLETE_BUDGET_MS = 200
"""What a completion may take, measured at the client."""
