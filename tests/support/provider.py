"""A provider's API without a model: answers each request with bytes that are known beforehand.

It is a real server on a real socket; what a provider's events look like is the tests' business.
"""

import asyncio
import contextlib
import re
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Any

import msgspec

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


@dataclass(slots=True)
class Provider:
    """Answers with `status` and `body`, in writes of `write_bytes` bytes (0: all in one)."""

    body: bytes = b""
    status: str = "200 OK"
    headers: dict[str, str] = field(default_factory=dict[str, str])
    write_bytes: int = 0
    breaks: bool = False
    """Closes the connection after the body, without its end."""
    holds: bool = False
    """Sends nothing more after the body, until the client has left."""
    seen: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    """Bodies that came in."""
    heads: list[str] = field(default_factory=list[str])
    """Their heads, as they came."""
    left: int = 0
    """Clients that left while something was held from them."""

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncGenerator[str]:
        """Listen on a free port of 127.0.0.1; yields the base address."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        try:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        finally:
            server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = _LENGTH.search(head)
                body = await reader.readexactly(int(length[1])) if length else b"{}"
                self.heads.append(head.decode())
                self.seen.append(msgspec.json.decode(body))
                if not await self._reply(reader, writer):
                    break
        writer.close()

    async def _reply(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Whether the connection may be used again."""
        more = "".join(f"{name}: {value}\r\n" for name, value in self.headers.items())
        writer.write(f"HTTP/1.1 {self.status}\r\n{more}transfer-encoding: chunked\r\n\r\n".encode())
        size = self.write_bytes or len(self.body) or 1
        for start in range(0, len(self.body), size):
            part = self.body[start : start + size]
            writer.write(b"%x\r\n%b\r\n" % (len(part), part))
            await writer.drain()
        if self.holds:
            await reader.read(1)
            self.left += 1
            return False
        if self.breaks:
            return False
        writer.write(b"0\r\n\r\n")
        return True
