"""A charter of three members and receipts between them."""

import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import pytest

from hansa.core.digests import canonical_json, sha256_hex
from hansa.core.signing import Envelope, SigningKey
from hansa.ledger.receipts import countersign, price, seal
from hansa.ledger.store import Ledger
from hansa.wire.protocol import GRANT_TYPE, Charter, Grant, Member, ModelTerms, Receipt, Shares
from hansa.wire.requests import Policy

NOW_MS = 1_790_000_000_000
CHARTER = "c" * 64


class FakeClock:
    def __init__(self) -> None:
        self.time_ms = NOW_MS

    def now_ms(self) -> int:
        return self.time_ms

    def monotonic_s(self) -> float:
        return self.time_ms / 1000


@dataclass
class World:
    """Who is in the league, and what one of them serves another."""

    keys: dict[str, SigningKey]
    charter: Charter
    clock: FakeClock = field(default_factory=FakeClock)
    numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    def lookup(self, digest: str) -> Charter | None:
        return self.charter if digest == CHARTER else None

    def served(
        self, server: str, origin: str, /, **changes: object
    ) -> tuple[Envelope, Envelope | None]:
        """A receipt that `server` signed, and the grant of `origin` if it is another member."""
        request = f"req-{next(self.numbers)}"
        grant = None if server == origin else self.grant(origin, server, request)
        receipt = Receipt(
            request=request,
            grant_sha256="" if grant is None else sha256_hex(grant.body()),
            charter=CHARTER,
            server=server,
            origin=origin,
            model="small",
            replica="r1",
            task="complete",
            prompt_tokens=580,
            cached_tokens=500,
            completion_tokens=24,
            finish="stop",
            prompt_digest="1" * 64,
            completion_digest="2" * 64,
            started_at_ms=NOW_MS,
            duration_ms=183,
            amount_nanousd=0,
        )
        receipt = msgspec.structs.replace(receipt, **changes)
        if "amount_nanousd" not in changes:
            terms = self.charter.terms(receipt.model)
            assert terms is not None
            due = price(terms, receipt.prompt_tokens, receipt.completion_tokens)
            receipt = msgspec.structs.replace(receipt, amount_nanousd=due)
        return seal(self.keys[server], receipt), grant

    def grant(self, origin: str, server: str, request: str) -> Envelope:
        grant = Grant(
            issuer=origin,
            audience=server,
            charter=CHARTER,
            request=request,
            request_sha256="3" * 64,
            model="small",
            task="complete",
            policy=Policy(),
            max_prompt_tokens=4096,
            max_tokens=24,
            issued_at_ms=self.clock.time_ms,
            expires_at_ms=self.clock.time_ms + 60_000,
            nonce=request,
            salt="s",
        )
        return self.keys[origin].seal(GRANT_TYPE, canonical_json(grant))

    def both(self, server: str, origin: str, /, **changes: object) -> Envelope:
        """A receipt that both sides signed."""
        return countersign(self.keys[origin], self.served(server, origin, **changes)[0])

    def open(self, path: Path, member: str, *, read_only: bool = False) -> Ledger:
        return Ledger.open(
            path, member=member, key=self.keys[member], clock=self.clock, read_only=read_only
        )


@pytest.fixture
def world() -> World:
    keys = {name: SigningKey.from_seed(name.encode() * 32) for name in "abc"}
    roots = {name: SigningKey.from_seed(name.upper().encode() * 32) for name in "abc"}
    members = tuple(
        Member(
            id=name,
            name=name,
            jurisdiction="eu",
            url=f"https://{name}.example",
            root_key=roots[name].public,
            node_keys=(keys[name].public,),
        )
        for name in "abc"
    )
    small = ModelTerms(
        model="small",
        maker="c",
        licence="Apache-2.0",
        weights_sha256="",
        price_input_nanousd_per_mtok=100_000_001,
        price_output_nanousd_per_mtok=300_000_007,
        shares=Shares(maker=3000, compute=6500, commons=500),
    )
    large = msgspec.structs.replace(small, model="large", shares=Shares(maker=3333, compute=6667))
    return World(keys, Charter("testing", 1, "", 2, 0, 2 * NOW_MS, members, (small, large)))


@pytest.fixture
async def ledger(world: World, tmp_path: Path) -> AsyncIterator[Ledger]:
    """The ledger of member a."""
    opened = world.open(tmp_path / "ledger.db", "a")
    yield opened
    opened.close()
