"""Looks at a running node (its view of the league, where a request would go), and ends it."""

import asyncio

import msgspec

from hansa.editor.connection import Connection
from hansa.editor.node import NodeClient
from hansa.wire.admin import Draining
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


def begin_drain(connection: Connection) -> Draining:
    """Have the node take nothing new and end in order; KeyScope unless the key is an admin's."""

    async def ask() -> Draining:
        async with NodeClient(connection) as client:
            return await client.fetch("/hansa/v1/admin/drain", Draining, b"")

    return asyncio.run(ask())
