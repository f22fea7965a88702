"""What members say to each other and sign. Normative text: docs/protocol.md.

Times are integer milliseconds since the Unix epoch, money integer nano-dollars, digests SHA-256 in
lower-case hex, keys base64 of 32 raw Ed25519 bytes. Every signed document travels in a DSSE
envelope (`core.signing.Envelope`) whose payload is canonical JSON of one of these.
"""

import msgspec

from hansa.core.signing import Envelope
from hansa.wire.features import Feature
from hansa.wire.requests import Policy, Task

CHARTER_TYPE = "application/vnd.hansa.charter.v1+json"
GRANT_TYPE = "application/vnd.hansa.grant.v1+json"
RECEIPT_TYPE = "application/vnd.hansa.receipt.v1+json"
TREE_HEAD_TYPE = "application/vnd.hansa.tree-head.v1+json"
STATUS_TYPE = "application/vnd.hansa.status.v1+json"
STATEMENT_TYPE = "application/vnd.hansa.statement.v1+json"
HELLO_TYPE = "application/vnd.hansa.hello.v1+json"

GRANT_HEADER = "hansa-grant"
"""Base64 of the JSON of a grant's envelope."""

HELLO_HEADER = "hansa-hello"
"""Base64 of the JSON of a hello's envelope."""


class Shares(msgspec.Struct, frozen=True):
    """How the price of one request is split, in basis points; they add up to 10,000."""

    maker: int
    """To the member that makes the model."""
    compute: int
    """To the member that served the request."""
    commons: int = 0
    """To all members alike."""


class ModelTerms(msgspec.Struct, frozen=True):
    model: str
    maker: str
    """Member id of who makes the model."""
    licence: str
    """SPDX identifier."""
    weights_sha256: str
    price_input_nanousd_per_mtok: int
    price_output_nanousd_per_mtok: int
    shares: Shares


class Member(msgspec.Struct, frozen=True):
    id: str
    name: str
    jurisdiction: str
    """Where it processes prompts: a lower-case region such as "eu" or "us"."""
    url: str
    """Base address of its node, without a trailing slash."""
    root_key: str
    """Signs charters; kept offline."""
    node_keys: tuple[str, ...]
    """Sign grants, receipts and tree heads; rotated with an epoch."""
    trains_on_prompts: bool = False
    tiers: tuple[str, ...] = ("free", "pro", "team")
    """Tiers of developers this member serves."""


class Charter(msgspec.Struct, frozen=True):
    league: str
    epoch: int
    """1 for the first."""
    predecessor: str
    """Digest of epoch n-1's payload; empty for the first."""
    threshold: int
    """Root signatures, by distinct members, that make a charter valid."""
    issued_at_ms: int
    expires_at_ms: int
    members: tuple[Member, ...]
    models: tuple[ModelTerms, ...]

    def member(self, member_id: str) -> Member | None:
        return next((each for each in self.members if each.id == member_id), None)

    def terms(self, model: str) -> ModelTerms | None:
        return next((each for each in self.models if each.model == model), None)


class Grant(msgspec.Struct, frozen=True):
    """Leave to serve one request, and the promise to pay for it."""

    issuer: str
    audience: str
    charter: str
    """Digest of the charter's payload both sides work under."""
    request: str
    """The request's id."""
    request_sha256: str
    """Digest of the exact body bytes sent with the grant."""
    model: str
    task: Task
    policy: Policy
    max_prompt_tokens: int
    """Most prompt tokens the issuer pays for, whatever the server's tokeniser counts."""
    max_tokens: int
    """Most generated tokens it pays for."""
    issued_at_ms: int
    expires_at_ms: int
    nonce: str
    salt: str
    """Known to both sides; salts the digests in the receipt."""


class Receipt(msgspec.Struct, frozen=True):
    """What was served. The server signs it; the origin signs the same bytes in turn."""

    request: str
    grant_sha256: str
    """Digest of the grant's payload; empty when a member served its own developer."""
    charter: str
    server: str
    origin: str
    model: str
    replica: str
    task: Task
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    finish: str
    prompt_digest: str
    completion_digest: str
    started_at_ms: int
    duration_ms: int
    amount_nanousd: int


class TreeHead(msgspec.Struct, frozen=True):
    member: str
    size: int
    root: str
    signed_at_ms: int


class ReplicaStatus(msgspec.Struct, frozen=True):
    id: str
    model: str
    region: str
    ready: bool
    slots: int
    busy: int
    """Requests it is working on."""
    prompt_tokens_per_s: float
    decode_tokens_per_s: float
    context_tokens: int
    features: tuple[Feature, ...] = ()
    """What its engine can do; a request that needs more is not sent there."""
    adapters: tuple[str, ...] = ()
    """Models it serves besides `model`, as adapters on it."""


class NodeStatus(msgspec.Struct, frozen=True):
    """A node's answer to a peer that asks how it is; signed, so that nobody answers for it."""

    member: str
    charter: str
    signed_at_ms: int
    replicas: tuple[ReplicaStatus, ...]


class Hello(msgspec.Struct, frozen=True):
    """Proof of who asks, for messages between nodes that carry no grant."""

    issuer: str
    audience: str
    charter: str
    issued_at_ms: int
    body_sha256: str
    """Digest of the body sent with it."""


class ServedReceipt(msgspec.Struct, frozen=True):
    """A receipt on its way to its origin, with the grant that the origin signed itself."""

    grant: Envelope
    receipt: Envelope


class CountersignRequest(msgspec.Struct, frozen=True):
    receipts: tuple[ServedReceipt, ...]
    head: Envelope
    """The sender's signed tree head."""


class CopiesRequest(msgspec.Struct, frozen=True):
    """Fully signed receipts on their way to the maker of their model."""

    receipts: tuple[Envelope, ...]


class CopiesReply(msgspec.Struct, frozen=True):
    kept: tuple[str, ...]
    """Request ids the maker has on record now; a refused one is missing."""
    refused: dict[str, str]
    """Request id to reason."""


class CountersignReply(msgspec.Struct, frozen=True):
    receipts: tuple[Envelope, ...]
    """Each with both signatures; a refused one is missing."""
    refused: dict[str, str]
    """Request id to reason."""
    head: Envelope
