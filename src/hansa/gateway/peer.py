"""What other members' nodes ask for. Normative text: docs/protocol.md."""

from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import Route

from hansa.answer.answer import Answering
from hansa.answer.closing import Granted
from hansa.answer.peers import Peers
from hansa.core.errors import IntegrityError, UserError
from hansa.gateway.door import decode, door, json_response, native_form, read_body
from hansa.gateway.native import encoding
from hansa.gateway.stream import EventStream, begin
from hansa.league.grants import GrantChecker
from hansa.wire.protocol import GRANT_HEADER, HELLO_HEADER, CopiesRequest, CountersignRequest, Grant
from hansa.wire.requests import Request


def routes(answering: Answering, peers: Peers, checker: GrantChecker) -> list[Route]:
    """The endpoints under `/hansa/v1/peer`, for the given node."""

    async def answer(http: HttpRequest) -> Response:
        body = await read_body(http)
        grant, envelope = checker.check(http.headers.get(GRANT_HEADER, ""), body)
        request = decode(body, Request)
        check_covers(grant, request)
        granted = Granted(grant, envelope)
        return EventStream(await begin(http, answering, request, granted), encoding)

    async def status(http: HttpRequest) -> Response:
        peers.greet(http.headers.get(HELLO_HEADER, ""), b"")
        return json_response(peers.status())

    async def receipts(http: HttpRequest) -> Response:
        body = await read_body(http)
        server = peers.greet(http.headers.get(HELLO_HEADER, ""), body)
        return json_response(await peers.countersign(server, decode(body, CountersignRequest)))

    async def copies(http: HttpRequest) -> Response:
        body = await read_body(http)
        server = peers.greet(http.headers.get(HELLO_HEADER, ""), body)
        return json_response(await peers.keep_copies(server, decode(body, CopiesRequest)))

    async def export(http: HttpRequest) -> Response:
        asker = peers.greet(http.headers.get(HELLO_HEADER, ""), b"")
        since = http.query_params.get("since_size", "0")
        if not since.isdecimal():
            raise UserError("since_size must be a number of receipts")
        return json_response(await peers.export(asker, int(since)))

    return [
        Route("/hansa/v1/peer/answer", door(answer, native_form), methods=["POST"]),
        Route("/hansa/v1/peer/status", door(status, native_form), methods=["GET"]),
        Route("/hansa/v1/peer/receipts", door(receipts, native_form), methods=["POST"]),
        Route("/hansa/v1/peer/copies", door(copies, native_form), methods=["POST"]),
        Route("/hansa/v1/peer/export", door(export, native_form), methods=["GET"]),
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
        "max_tokens": (request.sampling.max_tokens * request.sampling.choices, grant.max_tokens),
    }
    for name, (asked, granted) in pairs.items():
        if asked != granted:
            raise IntegrityError(f"the request's {name} is not the one its grant names")
