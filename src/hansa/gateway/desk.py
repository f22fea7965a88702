"""Where every dialect hands its request in: the caller's key, limits, and the answer room."""

from collections.abc import Callable

from hansa.accounts.keys import ApiKey, KeyRing
from hansa.answer.answer import Answer, Answering
from hansa.gateway.call import Call, Reply
from hansa.gateway.door import Sendable, caller
from hansa.gateway.stream import Encoding, EventStream, read_whole, route_headers
from hansa.gateway.whole import Whole, assemble
from hansa.wire.requests import Request

WholeForm = Callable[[Whole], bytes]
"""A dialect's JSON body for a whole answer."""


class Desk:
    """Knows callers and has their requests answered."""

    def __init__(self, answering: Answering, keys: KeyRing) -> None:
        self._answering = answering
        self._keys = keys

    def caller(self, call: Call) -> ApiKey:
        """Who asks. Raises Unauthorized."""
        return caller(call, self._keys)

    async def begin(self, key: ApiKey, request: Request) -> Answer:
        return await self._answering.answer(request, account=key.id)

    async def answer(
        self, key: ApiKey, request: Request, encoding: Callable[[], Encoding], form: WholeForm
    ) -> Sendable:
        """Answer as the caller asked: as a stream, or whole."""
        answer = await self.begin(key, request)
        headers = route_headers(answer)
        if request.stream:
            return EventStream(answer, encoding(), headers)
        return Reply(form(assemble(await read_whole(answer))), headers=headers)
