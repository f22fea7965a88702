"""How a request ends: in a receipt that is on disk, signed by who served it and by who asked."""

import hashlib
from dataclasses import dataclass

import msgspec

from hansa.core.bounds import GRANT_LIFETIME_S
from hansa.core.clock import Clock
from hansa.core.digests import salted_digest, sha256_hex
from hansa.core.errors import IntegrityError
from hansa.core.ids import fresh_nonce
from hansa.core.signing import Envelope, SigningKey
from hansa.league import grants
from hansa.league.chain import Chain
from hansa.ledger import receipts
from hansa.ledger.store import Ledger
from hansa.routing.candidates import Candidate
from hansa.wire.protocol import Grant, Receipt
from hansa.wire.requests import Chunk, Request, Usage

ESTIMATED_CHARS_PER_TOKEN_MIN = 0.25
"""A prompt cannot have more tokens than four per character, whatever its server says."""

PROMPT_TOKENS_SLACK = 256
"""What a template may add to a prompt."""


@dataclass(frozen=True, slots=True)
class Granted:
    """A request that came from another member with its leave."""

    grant: Grant
    envelope: Envelope


class Progress:
    """What one attempt has generated so far: counts and a running digest, never the text."""

    __slots__ = ("_digest", "first_token_s", "salt", "started_at_ms", "started_s", "usage")

    def __init__(self, started_at_ms: int, started_s: float) -> None:
        self.started_at_ms = started_at_ms
        self.started_s = started_s
        self.usage = Usage()
        self.first_token_s: float | None = None
        self.salt = ""
        self._digest = hashlib.sha256()

    def begin(self, salt: str) -> None:
        """`salt` goes into the digests of the receipt; comes before the first chunk is taken."""
        self.salt = salt
        self._digest.update(salt.encode() + b"\x00")

    def take(self, chunk: Chunk) -> None:
        if said := chunk.said():
            self._digest.update(said.encode(errors="surrogatepass"))
        self.usage = chunk.usage or self.usage

    def completion_digest(self) -> str:
        """`core.digests.salted_digest` of all that was generated."""
        return self._digest.hexdigest()


class Closing:
    """Signs, checks and stores receipts for one member."""

    def __init__(
        self, member: str, key: SigningKey, chain: Chain, ledger: Ledger, clock: Clock
    ) -> None:
        self._member = member
        self._key = key
        self._chain = chain
        self._ledger = ledger
        self._clock = clock
        self._granted: dict[str, Granted] = {}

    def grant(self, audience: str, request: Request, body: bytes) -> str:
        """Sign the leave for `audience` to serve `request`; remembered until it is closed."""
        now_ms = self._clock.now_ms()
        self._chain.require_current(now_ms)
        grant = Grant(
            issuer=self._member,
            audience=audience,
            charter=self._chain.digest,
            request=request.id,
            request_sha256=sha256_hex(body),
            model=request.model,
            task=request.task,
            policy=request.policy,
            max_prompt_tokens=prompt_tokens_max(request),
            max_tokens=request.sampling.tokens_max(),
            issued_at_ms=now_ms,
            expires_at_ms=now_ms + GRANT_LIFETIME_S * 1000,
            nonce=fresh_nonce(),
            salt=fresh_nonce(),
        )
        header = grants.issue(self._key, grant)
        envelope = grants.read(header)
        self._granted[request.id] = Granted(grant, envelope)
        self._ledger.note_grant(request.id, envelope)
        return header

    def forget(self, request_id: str, *, refused: bool = False) -> None:
        """Drop what was remembered of an attempt that is over.

        Its grant stays open in the ledger until a receipt comes, unless the peer `refused` it.
        """
        granted = self._granted.pop(request_id, None)
        if granted and refused:
            self._ledger.forget_grant(granted.envelope)

    async def served(
        self,
        request: Request,
        candidate: Candidate,
        progress: Progress,
        finish: str,
        granted: Granted | None,
        account: str,
    ) -> Envelope | None:
        """Store the receipt of a request that one of our replicas served; sealed for a peer."""
        if not progress.salt:  # It was given up before anything came.
            progress.begin(self.salt_of(request.id, granted))
        salt = progress.salt
        prompt_sha256 = (
            granted.grant.request_sha256 if granted else sha256_hex(msgspec.json.encode(request))
        )
        usage = progress.usage
        receipt = Receipt(
            request=request.id,
            grant_sha256=sha256_hex(granted.envelope.body()) if granted else "",
            charter=self._chain.digest,
            server=self._member,
            origin=granted.grant.issuer if granted else self._member,
            model=candidate.terms.model,
            replica=candidate.replica.id,
            task=request.task,
            prompt_tokens=usage.prompt_tokens,
            cached_tokens=min(usage.cached_tokens, usage.prompt_tokens),
            completion_tokens=usage.completion_tokens,
            finish=finish,
            prompt_digest=salted_digest(salt, prompt_sha256),
            completion_digest=progress.completion_digest(),
            started_at_ms=progress.started_at_ms,
            duration_ms=int((self._clock.monotonic_s() - progress.started_s) * 1000),
            amount_nanousd=receipts.price(
                candidate.terms, usage.prompt_tokens, usage.completion_tokens
            ),
        )
        maker = candidate.terms.maker
        if granted is None:
            await self._ledger.record_own(receipt, maker=maker, account=account)
            return None
        envelope = receipts.seal(self._key, receipt)
        await self._ledger.record_served(envelope, granted.envelope, maker=maker)
        return envelope

    def salt_of(self, request_id: str, granted: Granted | None) -> str:
        """What salts the digests of a request: its grant's, or a fresh one."""
        known = granted or self._granted.get(request_id)
        return known.grant.salt if known else fresh_nonce()

    async def received(
        self, request: Request, chunk: Chunk, progress: Progress, account: str
    ) -> None:
        """Check the receipt a peer sent with its last chunk, countersign and store it.

        Raises:
            IntegrityError: it is missing or says something else than what was asked and received.
        """
        granted = self._granted[request.id]
        try:
            envelope = self._agreed(granted, chunk, progress)
        except IntegrityError as error:
            self._ledger.note_dispute(granted.envelope, error.message)
            raise
        await self._ledger.record_received(
            receipts.countersign(self._key, envelope), account=account
        )

    def _agreed(self, granted: Granted, chunk: Chunk, progress: Progress) -> Envelope:
        envelope = _parse(chunk.receipt)
        receipt = receipts.check(envelope, self._chain.at)
        check_against_grant(receipt, granted)
        salt = granted.grant.salt
        if receipt.prompt_digest != salted_digest(salt, granted.grant.request_sha256):
            raise IntegrityError(f"the receipt of {receipt.request} is for another prompt")
        if receipt.completion_digest != progress.completion_digest():
            raise IntegrityError(f"the receipt of {receipt.request} is for another answer")
        return envelope


def check_against_grant(receipt: Receipt, granted: Granted) -> None:
    """Whether a receipt is for what we granted, and for no more of it.

    Raises:
        IntegrityError: names the field that differs.
    """
    grant = granted.grant
    pairs = {
        "request": (receipt.request, grant.request),
        "grant": (receipt.grant_sha256, sha256_hex(granted.envelope.body())),
        "charter": (receipt.charter, grant.charter),
        "server": (receipt.server, grant.audience),
        "origin": (receipt.origin, grant.issuer),
        "model": (receipt.model, grant.model),
        "task": (receipt.task, grant.task),
    }
    for name, (said, granted_value) in pairs.items():
        if said != granted_value:
            raise IntegrityError(
                f"the receipt of {receipt.request} has another {name} than its grant"
            )
    for what, counted, most in (
        ("prompt", receipt.prompt_tokens, grant.max_prompt_tokens),
        ("generated", receipt.completion_tokens, grant.max_tokens),
    ):
        if counted > most:
            raise IntegrityError(
                f"the receipt of {receipt.request} counts {counted} {what} tokens, "
                f"{most} were granted"
            )


def prompt_tokens_max(request: Request) -> int:
    chars = int(request.prompt_chars() / ESTIMATED_CHARS_PER_TOKEN_MIN)
    if request.sampling.best_of > 1:
        chars *= 2  # read to fill in, and as text that goes on
    # Each message and input has a frame of its own around it.
    return chars + PROMPT_TOKENS_SLACK + 16 * (len(request.messages) + len(request.inputs))


def _parse(receipt: str | None) -> Envelope:
    if receipt is None:
        raise IntegrityError("the peer's last chunk carries no receipt")
    try:
        return msgspec.json.decode(receipt, type=Envelope)
    except (msgspec.DecodeError, RecursionError) as error:
        raise IntegrityError(f"the peer's receipt is no envelope: {error}") from error
