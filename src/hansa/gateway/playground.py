"""The endpoints of the console's page Playground; what they give comes from the editor's room."""

from typing import Protocol

import msgspec

from hansa.accounts.keys import ApiKey
from hansa.gateway.call import Call, Reply
from hansa.gateway.desk import Desk
from hansa.gateway.door import Sendable, decode, door, native_form
from hansa.gateway.router import Route
from hansa.wire.native import ROUTE_HEADER
from hansa.wire.playground import CompleteAsked, NextAsked, NextEdits, Suggested

NOT_KEPT = {"cache-control": "no-store"}


class Assistant(Protocol):
    """What an editor offers, for the text of a page."""

    async def complete(self, key: ApiKey, asked: CompleteAsked) -> Suggested: ...

    async def next(self, asked: NextAsked) -> NextEdits: ...


def routes(desk: Desk, assistant: Assistant) -> list[Route]:
    """The endpoints under `/hansa/v1/playground`. A client that leaves ends the work for it."""

    async def complete(call: Call) -> Sendable:
        key = desk.caller(call)
        done = await assistant.complete(key, decode(await call.body(), CompleteAsked))
        served = {ROUTE_HEADER: done.route} if done.route else {}
        return Reply(msgspec.json.encode(done), headers={**NOT_KEPT, **served})

    async def next_edits(call: Call) -> Sendable:
        desk.caller(call)
        found = await assistant.next(decode(await call.body(), NextAsked))
        return Reply(msgspec.json.encode(found), headers=NOT_KEPT)

    return [
        Route("POST", "/hansa/v1/playground/complete", door(complete, native_form)),
        Route("POST", "/hansa/v1/playground/next", door(next_edits, native_form)),
    ]
