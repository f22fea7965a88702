"""Looks at a running node: its view of the league, and where a request would go."""

import asyncio

import msgspec

from hansa.editor.connection import Connection
from hansa.editor.node import NodeClient
from hansa.wire.native import Explanation, NodeView
from hansa.wire.requests import Request


def fetch_node(connection: Connection) -> NodeView:
    """What the node knows of itself. Raises as `NodeClient.answer`."""

    async def fetch() -> NodeView:
        async with NodeClient(connection) as client:
            return await client.fetch("/hansa/v1/node", NodeView)

    return asyncio.run(fetch())


def fetch_explanation(connection: Connection, request: Request) -> Explanation:
    """Where `request` would go; PolicyRefusal names the rule that leaves no replica."""

    async def fetch() -> Explanation:
        async with NodeClient(connection) as client:
            body = msgspec.json.encode(request)
            return await client.fetch("/hansa/v1/route/explain", Explanation, body)

    return asyncio.run(fetch())
