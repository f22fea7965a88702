"""Candidates as tests want them."""

from collections.abc import Callable
from typing import TypeVar

import msgspec
import pytest

from hansa.routing.candidates import Candidate
from hansa.wire.features import FEATURES
from hansa.wire.protocol import Member, ModelTerms, ReplicaStatus, Shares

Make = Callable[..., Candidate]
T = TypeVar("T", bound=msgspec.Struct)

MEMBER = Member("acme", "Acme", "eu", "http://acme", "", ())
TERMS = ModelTerms("small", "acme", "Apache-2.0", "", 100_000_000, 300_000_000, Shares(0, 10_000))
REPLICA = ReplicaStatus("r1", "small", "eu", ready=True, slots=2, busy=0,
                        prompt_tokens_per_s=1000, decode_tokens_per_s=100, context_tokens=2048,
                        features=FEATURES)  # fmt: skip


def make_candidate(
    name: str = "acme/r1",
    *,
    up: bool = True,
    down_reason: str = "",
    network_ms: float = 0.0,
    warm_chars: int = 0,
    price: int = 100_000_000,
    **changes: object,
) -> Candidate:
    """`changes` are fields of the member, the terms or the replica, whichever has them."""
    member_id, _, replica_id = name.partition("/")
    known = {field for each in (MEMBER, TERMS, REPLICA) for field in each.__struct_fields__}
    assert changes.keys() <= known

    def changed(struct: T, **more: object) -> T:
        mine = {key: value for key, value in changes.items() if key in struct.__struct_fields__}
        return msgspec.structs.replace(struct, **{**mine, **more})

    prices = {"price_input_nanousd_per_mtok": price, "price_output_nanousd_per_mtok": price}
    return Candidate(
        member=changed(MEMBER, id=member_id),
        terms=changed(TERMS, **prices),
        replica=changed(REPLICA, id=replica_id),
        local=False,
        up=up,
        down_reason=down_reason,
        network_ms=network_ms,
        warm_chars=warm_chars,
    )


@pytest.fixture
def make() -> Make:
    return make_candidate
