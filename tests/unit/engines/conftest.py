"""An engine's stand-in and the engine of ours that asks it."""

import contextlib
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager

import pytest

from hansa.engines.compatible import Compatible, CompatibleConfig
from hansa.engines.kinds import COMPATIBLE
from hansa.engines.stand_in import StandIn
from hansa.wire.requests import Request

Asked = Callable[..., AbstractAsyncContextManager[Compatible]]


@pytest.fixture
def asking() -> Asked:
    """`asking(stand_in, kind, **config)`: a started engine of `kind` in front of a stand-in."""

    @contextlib.asynccontextmanager
    async def start(
        stand_in: StandIn, kind: str = "vllm", **config: object
    ) -> AsyncGenerator[Compatible]:
        async with stand_in.serving() as url:
            quirks = COMPATIBLE[kind]
            engine = Compatible(
                CompatibleConfig(name="r1", url=url, model="m", upstream_model="org/m", **config),  # type: ignore[arg-type]  fields of the configuration
                quirks,
                features=quirks.features,
                render=_plain,
                stop=("<end>",),
            )
            await engine.start()
            try:
                yield engine
            finally:
                await engine.close()

    return start


def _plain(request: Request) -> str:
    return request.prefix
