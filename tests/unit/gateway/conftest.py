"""A node whose desk is used without its door, with limits that a test chooses."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path

import pytest

from hansa.accounts.keys import ApiKey, KeyRing
from hansa.accounts.limits import Limits
from hansa.accounts.scopes import Scope
from hansa.accounts.tiers import TierLimits
from hansa.assembly import Node, build
from hansa.core.clock import SystemClock
from hansa.core.ids import new_request_id
from hansa.engines.mock import Mock
from hansa.gateway.desk import Desk
from hansa.gateway.quota import Quota
from hansa.league.chain import Chain
from hansa.wire.requests import Request, Sampling
from support.league import MemberSpec, make_league


class StoppedClock(SystemClock):
    """No minute passes, so that nothing grows back."""

    def monotonic_s(self) -> float:
        return 0.0


@dataclass(frozen=True)
class Office:
    node: Node
    engine: Mock
    chain: Chain
    keys: KeyRing

    def limited(self, limits: TierLimits) -> tuple[Desk, Limits]:
        clock = StoppedClock()
        made = Limits({"pro": limits}, clock)
        return Desk(self.node.answering, self.keys, Quota(made, self.chain, clock)), made


@pytest.fixture
async def office(tmp_path: Path) -> AsyncGenerator[Office]:
    made = make_league(tmp_path, (MemberSpec("acme", "eu", ("r1",)),), threshold=1)
    node = await build(made["acme"].settings())
    engine = Mock(("a", "b", "c"))
    node.fleet.local["r1"].engine = engine
    node.fleet.local["r1"].slots = 1000
    await node.start()
    keys = KeyRing(tmp_path / "other-keys.json", SystemClock())
    yield Office(node, engine, node.fleet.chain, keys)
    await node.close()


def a_request(model: str = "auto", max_tokens: int = 16) -> Request:
    return Request(
        new_request_id(), "complete", model, prefix="def f():", sampling=Sampling(max_tokens)
    )


def a_key(scope: Scope | None = None) -> ApiKey:
    return ApiKey("key-1", "tests", "pro", "0" * 64, 0, scope)
