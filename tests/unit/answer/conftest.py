"""One member's node with three replicas of known answers, without its door."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from hansa.answer.answer import Answering
from hansa.assembly import Node, build
from hansa.core.ids import new_request_id
from hansa.engines.mock import Mock
from hansa.ledger.entries import Entry
from hansa.wire.native import RequestView
from hansa.wire.requests import Chunk, Request, Sampling
from support.league import MemberSpec, make_league

REPLICAS = ("r1", "r2", "r3")


@dataclass(frozen=True)
class Kit:
    node: Node
    engines: dict[str, Mock]

    @property
    def answering(self) -> Answering:
        return self.node.answering

    @property
    def recent(self) -> tuple[RequestView, ...]:
        return self.answering._journal.recent.entries()

    async def read(self, request: Request) -> list[Chunk]:
        answer = await self.answering.answer(request)
        try:
            return [chunk async for chunk in answer.chunks]
        finally:
            await answer.aclose()

    async def entries(self) -> list[Entry]:
        """Receipts on disk, once those of abandoned requests are written."""
        await self.answering.close()
        return list(await self.node.ledger.entries())

    def at_rest(self) -> bool:
        """Whether every place and every count was given back."""
        busy = sum(replica.busy for replica in self.node.fleet.local.values())
        return self.answering.gate.in_flight == 0 and busy == 0


@pytest.fixture
async def kit(tmp_path: Path) -> AsyncGenerator[Kit]:
    made = make_league(tmp_path, (MemberSpec("acme", "eu", REPLICAS),), threshold=1)
    node = await build(made["acme"].settings())
    engines = {name: Mock(("a", "b", "c")) for name in REPLICAS}
    for name, engine in engines.items():
        node.fleet.local[name].engine = engine
    await node.start()
    yield Kit(node, engines)
    await node.close()


def a_request(**changes: object) -> Request:
    request = Request(new_request_id(), "complete", prefix="def f():", sampling=Sampling(16))
    return msgspec.structs.replace(request, **changes)
