"""What all contract tests share."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from hansa.engines.stand_in import StandIn
from hansa.models.catalog import DEFAULT_MODEL
from support.league import MemberSpec, make_league
from support.nodes import Running, running


@pytest.fixture(autouse=True)
def _countersign_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Members need not wait a second for each other's signatures here."""
    monkeypatch.setattr("hansa.answer.peers.COUNTERSIGN_INTERVAL_S", 0.02)


@pytest.fixture
async def stand_in() -> StandIn:
    """The engine behind `fronting`; a test sets its answers and faults."""
    return StandIn()


@pytest.fixture
async def fronting(tmp_path: Path, stand_in: StandIn) -> AsyncGenerator[Running]:
    """A node in front of a vLLM's stand-in, over a real socket on either side."""
    made = make_league(tmp_path, (MemberSpec("solo"),))["solo"]
    async with stand_in.serving() as url:
        engine = f'model = "{DEFAULT_MODEL}"\nengine = "vllm"\nurl = "{url}"\n'
        more = f'\n[[replica]]\nid = "r1"\n{engine}'
        embedder = more.replace('"r1"', '"r2"') + 'features = ["embed"]\n'
        made.config.write_text(made.config.read_text() + more + embedder)
        async with running(made.settings()) as up:
            yield up
