"""A real Chromium, driven through its own debugging protocol; no driver is needed beside it.

Source: Chrome DevTools Protocol, domains Input, Log, Page, Runtime and Target.
"""

import asyncio
import contextlib
import json
import os
import shutil
import subprocess
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from support.waiting import until

NAMES = ("chromium", "chromium-browser", "google-chrome")
START_TIMEOUT_S = 60.0
WAIT_S = 20.0
ALT, CTRL, SHIFT = 1, 2, 8

_KEYS = {
    "Tab": 9, "Enter": 13, "Escape": 27, "End": 35, "Home": 36, "ArrowLeft": 37, "ArrowUp": 38,
    "ArrowRight": 39, "ArrowDown": 40, "Backspace": 8, "Delete": 46,
}  # fmt: skip


def chromium() -> str:
    """The browser's program; a test that lacks it fails in CI if apt-get is there, else skips."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is not None:
        return found
    why = "there is no Chromium; `make setup-test` installs it where apt-get is there"
    if os.environ.get("CI") and shutil.which("apt-get"):
        pytest.fail(why)
    pytest.skip(why)


class Page:
    """One page. `troubles` are errors, and what its policy did not allow."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._session: str | None = None
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self.troubles: list[str] = []
        self._reader = asyncio.create_task(self._read())

    async def open(self, url: str) -> None:
        target = await self.send("Target.createTarget", url="about:blank")
        attached = await self.send(
            "Target.attachToTarget", targetId=target["targetId"], flatten=True
        )
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            await self.send(f"{domain}.enable")
        await self.send("Page.navigate", url=url)
        await self.wait(
            f"location.href === new URL({url!r}).href && document.readyState === 'complete'"
        )

    async def send(self, method: str, **params: Any) -> dict[str, Any]:
        number = len(self._waiting)
        answer = self._waiting[number] = asyncio.get_running_loop().create_future()
        message = {"id": number, "method": method, "params": params}
        if self._session is not None:
            message["sessionId"] = self._session
        await self._socket.send_json(message)
        async with asyncio.timeout(WAIT_S):
            return await answer

    async def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression in the page."""
        said = await self.send("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in said, said
        return said["result"].get("value")

    async def wait(self, expression: str, timeout_s: float = WAIT_S) -> None:
        """Look until the expression's value counts as true."""
        try:
            async with asyncio.timeout(timeout_s):
                while not await self.evaluate(f"!!({expression})"):
                    await asyncio.sleep(0.01)
        except TimeoutError:
            raise AssertionError(f"never true: {expression}\n{self.troubles}") from None

    async def press(self, key: str, modifiers: int = 0, times: int = 1) -> None:
        """Press a key by its DOM name; a single character is typed."""
        code = _KEYS[key] if key in _KEYS else ord(key.upper()) if key.isalnum() else 0
        text = "\r" if key == "Enter" else key
        typed = {"text": text} if len(text) == 1 and not modifiers & (ALT | CTRL) else {}
        event = {"key": key, "windowsVirtualKeyCode": code, "modifiers": modifiers}
        if name := _place(key):
            event["code"] = name
        for _ in range(times):
            await self.send("Input.dispatchKeyEvent", type="keyDown", **event, **typed)
            await self.send("Input.dispatchKeyEvent", type="keyUp", **event)

    async def type(self, text: str) -> None:
        for character in text:
            await self.press(character)

    async def close(self) -> None:
        with contextlib.suppress(TimeoutError, ConnectionError):
            self._session = None
            await self.send("Browser.close")
        await self._socket.close()
        await self._reader

    async def _read(self) -> None:
        async for message in self._socket:
            said = json.loads(message.data)
            if said.get("id") in self._waiting:
                future = self._waiting[said["id"]]
                if not future.done():
                    future.set_result(said.get("result", said))
            elif said.get("method") == "Runtime.exceptionThrown":
                self.troubles.append(str(said["params"]["exceptionDetails"]))
            elif said.get("method") == "Log.entryAdded":
                entry = said["params"]["entry"]
                if entry["level"] in ("error", "warning"):
                    self.troubles.append(entry["text"])


def _place(key: str) -> str:
    """Where a key lies, whatever it types; empty for signs, but for the backslash."""
    if key in _KEYS:
        return key
    if key.isascii() and key.isalpha():
        return f"Key{key.upper()}"
    return f"Digit{key}" if key.isdecimal() else {"\\": "Backslash"}.get(key, "")


@contextlib.asynccontextmanager
async def browser(folder: Path) -> AsyncGenerator[Page]:
    """Start a browser with a fresh profile in `folder`; its one page is still empty."""
    log, port = folder / "chromium.log", folder / "profile" / "DevToolsActivePort"
    process = _start(folder / "profile", log)
    try:
        await until(
            lambda: process.poll() is not None or _said(port) != "", timeout_s=START_TIMEOUT_S
        )
        assert process.poll() is None, log.read_text(errors="replace")
        number, _, path = _said(port).partition("\n")
        async with (
            aiohttp.ClientSession() as http,
            http.ws_connect(f"ws://127.0.0.1:{number}{path.strip()}", max_msg_size=0) as socket,
        ):
            page = Page(socket)
            try:
                yield page
            finally:
                await page.close()
    finally:
        try:
            await asyncio.to_thread(process.wait, 10)
        except subprocess.TimeoutExpired:
            process.kill()
            await asyncio.to_thread(process.wait)


def _start(profile: Path, log: Path) -> subprocess.Popen[bytes]:
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    with log.open("wb") as out:
        return subprocess.Popen(
            [
                chromium(), "--headless=new", *sandbox, "--disable-gpu", "--disable-dev-shm-usage",
                "--no-first-run", "--disable-background-networking", "--remote-debugging-port=0",
                f"--user-data-dir={profile}", "about:blank",
            ],
            stdout=out,
            stderr=out,
        )  # fmt: skip


def _said(port: Path) -> str:
    """Port and path once both are written."""
    text = port.read_text() if port.exists() else ""
    return text if "\n/" in text else ""
