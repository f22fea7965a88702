"""Where every dialect hands its request in: the caller's key, limits, and the answer room."""

from collections.abc import Callable

from hansa.accounts.keys import ApiKey, KeyRing
from hansa.accounts.scopes import narrow
from hansa.answer.answer import Answer, Answering
from hansa.core.errors import HansaError
from hansa.gateway.call import Call, Reply
from hansa.gateway.door import Sendable, caller
from hansa.gateway.quota import Dialect, Quota
from hansa.gateway.stream import (
    Encoding,
    EventStream,
    read_whole,
    request_ids,
    route_headers,
)
from hansa.gateway.whole import Whole, assemble
from hansa.wire.requests import Request

WholeForm = Callable[[str, Whole], bytes]
"""A dialect's JSON body for a whole answer, by the model that gave it."""

StreamForm = Callable[[str], Encoding]
"""How a dialect writes a stream of the model that answers."""


class Desk:
    """Knows callers and has their requests answered."""

    def __init__(self, answering: Answering, keys: KeyRing, quota: Quota) -> None:
        self._answering = answering
        self._keys = keys
        self._quota = quota

    def caller(self, call: Call) -> ApiKey:
        """Who asks. Raises Unauthorized."""
        return caller(call, self._keys)

    async def begin(self, key: ApiKey, request: Request, dialect: Dialect = "openai") -> Answer:
        """Have `request` answered within the key's scope and limits.

        Raises:
            KeyScope: the key may not ask this.
            RateLimited: its tier allows no more; `headers` are those of `dialect`.
        Every error's `headers` name the request, as the log does.
        """
        try:
            return await self._begin(key, request, dialect)
        except HansaError as error:
            error.headers = {**request_ids(request.id), **error.headers}
            raise

    async def _begin(self, key: ApiKey, request: Request, dialect: Dialect) -> Answer:
        request = scoped(key, request)
        lease = self._quota.reserve(key, request, dialect)
        only = key.scope.models if key.scope else ()
        if lease is None:
            return await self._answering.answer(request, account=key.id, only=only)
        try:
            answer = await self._answering.answer(
                request, account=key.id, settled=lease.settle, only=only
            )
        except BaseException:  # a request that was cancelled gives back what it held, too
            lease.release()
            raise
        answer.headers = self._quota.headers(key, dialect)
        return answer

    async def answer(
        self,
        key: ApiKey,
        request: Request,
        encoding: StreamForm,
        form: WholeForm,
        dialect: Dialect = "openai",
    ) -> Sendable:
        """Answer as the caller asked: as a stream, or whole."""
        answer = await self.begin(key, request, dialect)
        headers = route_headers(answer)
        if request.stream:
            return EventStream(answer, encoding(answer.model), headers)
        return Reply(form(answer.model, assemble(await read_whole(answer))), headers=headers)


def scoped(key: ApiKey, request: Request) -> Request:
    """The request held to what the key is for. Raises KeyScope."""
    return request if key.scope is None else narrow(request, key.scope)
