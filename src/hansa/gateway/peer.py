"""What other members' nodes ask for. Normative text: docs/protocol.md."""

from hansa.answer.answer import Answering
from hansa.answer.closing import Granted
from hansa.answer.peers import Peers
from hansa.core.errors import IntegrityError, UserError
from hansa.gateway.call import Call
from hansa.gateway.door import Sendable, decode, door, json_reply, native_form
from hansa.gateway.native import encoding
from hansa.gateway.router import Route
from hansa.gateway.stream import EventStream, route_headers
from hansa.league.grants import GrantChecker
from hansa.wire.protocol import GRANT_HEADER, HELLO_HEADER, CopiesRequest, CountersignRequest, Grant
from hansa.wire.requests import Request


def routes(answering: Answering, peers: Peers, checker: GrantChecker) -> list[Route]:
    """The endpoints under `/hansa/v1/peer`, for the given node."""

    async def answer(call: Call) -> Sendable:
        body = await call.body()
        grant, envelope = checker.check(call.header(GRANT_HEADER), body)
        request = decode(body, Request)
        check_covers(grant, request)
        begun = await answering.answer(request, Granted(grant, envelope))
        return EventStream(begun, encoding, route_headers(begun))

    async def status(call: Call) -> Sendable:
        peers.greet(call.header(HELLO_HEADER), b"")
        return json_reply(peers.status())

    async def receipts(call: Call) -> Sendable:
        body = await call.body()
        server = peers.greet(call.header(HELLO_HEADER), body)
        return json_reply(await peers.countersign(server, decode(body, CountersignRequest)))

    async def copies(call: Call) -> Sendable:
        body = await call.body()
        server = peers.greet(call.header(HELLO_HEADER), body)
        return json_reply(await peers.keep_copies(server, decode(body, CopiesRequest)))

    async def export(call: Call) -> Sendable:
        asker = peers.greet(call.header(HELLO_HEADER), b"")
        since = call.query.get("since_size", "0")
        if not since.isdecimal():
            raise UserError("since_size must be a number of receipts")
        return json_reply(await peers.export(asker, int(since)))

    return [
        Route("POST", "/hansa/v1/peer/answer", door(answer, native_form)),
        Route("GET", "/hansa/v1/peer/status", door(status, native_form)),
        Route("POST", "/hansa/v1/peer/receipts", door(receipts, native_form)),
        Route("POST", "/hansa/v1/peer/copies", door(copies, native_form)),
        Route("GET", "/hansa/v1/peer/export", door(export, native_form)),
    ]


def check_covers(grant: Grant, request: Request) -> None:
    """Whether the grant is for this request and for no more than it asks.

    Raises:
        IntegrityError: names the field that differs.
    """
    pairs = {
        "id": (request.id, grant.request),
        "model": (request.model, grant.model),
        "task": (request.task, grant.task),
        "policy": (request.policy, grant.policy),
        "max_tokens": (request.sampling.tokens_max(), grant.max_tokens),
    }
    for name, (asked, granted) in pairs.items():
        if asked != granted:
            raise IntegrityError(f"the request's {name} is not the one its grant names")
