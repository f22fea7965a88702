"""The console's Playground in a real Chromium, in front of a node with the mock engine."""

import asyncio
import json
import os
import shutil
import subprocess
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path

import pytest

from hansa.engines.mock import Mock
from support.browser import ALT, CTRL, SHIFT, Page, browser
from support.league import MemberSpec, make_league
from support.nodes import Running, running
from support.repository import ROOT
from support.waiting import until

SOURCES = ROOT / "editors" / "playground"
BUNDLE = ROOT / "src" / "hansa" / "console" / "static" / "playground.js"
BUNDLE_BYTES_MAX = 600 * 1024
CONTRAST_MIN = 4.5
"""Source: WCAG 2.2, success criterion 1.4.3."""

EDITOR = "document.querySelector('#editor').shadowRoot"
GHOST = f"{EDITOR}.querySelector('.cm-ghost')?.textContent"
COMING = f"[...{EDITOR}.querySelectorAll('.cm-next-new')].map(each => each.textContent).join()"
GOING = f"[...{EDITOR}.querySelectorAll('.cm-next-old')].map(each => each.textContent).join()"
TEXT = f"""[...{EDITOR}.querySelectorAll('.cm-line')].map(line => {{
  const copy = line.cloneNode(true);
  copy.querySelectorAll('.cm-ghost, .cm-next-new').forEach(each => each.remove());
  return copy.textContent;
}}).join('\\n')"""
FUNCTION = "def double(n):\n    return"


@dataclass(frozen=True)
class Desk:
    """A person's page and the engine far behind it."""

    page: Page
    engine: Mock
    up: Running

    async def text(self) -> str:
        return str(await self.page.evaluate(TEXT))

    async def write_function(self) -> None:
        """Replace the sample by the head of a function, typed key by key."""
        # Chromium puts a style of its own on what is typed over coloured text; the policy
        # refuses that, as it should, so the text goes first.
        await self.page.press("a", CTRL)
        await self.page.press("Delete")
        await self.page.type("def double(n):")
        await self.page.press("Enter")
        await self.page.type("return")
        await self.page.wait(f"{TEXT} === {json.dumps(FUNCTION)}")


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncGenerator[Desk]:
    made = make_league(tmp_path, (MemberSpec("solo", replicas=("r1",)),))["solo"]
    async with running(made.settings()) as up, browser(tmp_path) as page:
        engine = up.node.fleet.local["r1"].engine
        assert isinstance(engine, Mock)
        engine.pieces = (" n", " * 2", "\n")
        await page.open(f"{up.url}/console/playground")
        await page.evaluate("document.querySelector('#key').focus()")
        await page.send("Input.insertText", text=up.key)
        await page.evaluate(f"{EDITOR}.querySelector('.cm-content').focus()")
        yield Desk(page, engine, up)
        assert page.troubles == []


async def test_ghost_text_is_shown_shrinks_as_it_is_typed_and_is_accepted(desk: Desk) -> None:
    page = desk.page
    await desk.write_function()
    await page.wait(f"{GHOST} === ' n * 2'")
    assert await desk.text() == FUNCTION, "it is shown, not there"
    await page.evaluate(f"void (window.shown = {EDITOR}.querySelector('.cm-ghost'))")
    asked = len(desk.engine.seen)
    await page.type(" n")
    await page.wait(f"{GHOST} === ' * 2'")
    assert await page.evaluate(f"{EDITOR}.querySelector('.cm-ghost') === window.shown")
    await page.press("ArrowRight", CTRL)
    assert (await desk.text(), await page.evaluate(GHOST)) == (f"{FUNCTION} n *", " 2")
    assert len(desk.engine.seen) == asked, "nobody was asked for what is known"
    await page.press("Tab")
    assert await desk.text() == f"{FUNCTION} n * 2"
    await page.wait("document.querySelector('[data-meter=where]').textContent === 'solo/r1'")
    last = await page.evaluate("document.querySelector('[data-meter=last]').textContent")
    assert last.endswith("200"), "within 200 or over 200"


async def test_the_cursor_is_right_behind_characters_of_two_units(desk: Desk) -> None:
    page = desk.page
    await desk.write_function()
    await page.press("Home", CTRL)
    await page.send("Input.insertText", text="# \N{GRINNING FACE}\n")
    await page.press("End", CTRL)
    await page.press("\\", ALT)
    await page.wait(f"{GHOST} === ' n * 2'")
    request = desk.engine.seen[-1]
    assert request.prefix == f"# \N{GRINNING FACE}\n{FUNCTION}"
    assert request.suffix == ""


async def test_what_is_dismissed_is_not_shown_again(desk: Desk) -> None:
    page = desk.page
    await desk.write_function()
    await page.wait(f"{GHOST} === ' n * 2'")
    await page.press("Escape")
    assert await page.evaluate(GHOST) is None
    desk.engine.pieces = (" 0", "\n")
    await page.press("\\", ALT)
    await page.wait(f"{GHOST} === ' 0'")
    assert await desk.text() == FUNCTION


async def test_a_keystroke_or_a_move_ends_the_request_before_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hansa.playground.COMPLETE_S", 600.0)  # It is not time that ends it.
    page, engine = desk.page, desk.engine
    await page.press("a", CTRL)
    await page.press("Delete")
    await page.wait(f"{TEXT} === ''")
    await until(lambda: desk.up.node.answering.gate.in_flight == 0)
    engine.gate = asyncio.Event()
    engine.seen.clear()
    engine.cancelled = 0
    await page.type("x")
    await until(lambda: len(engine.seen) == 1)
    await page.type("y")
    await until(lambda: len(engine.seen) == 2)
    assert engine.cancelled == 1
    await page.press("ArrowLeft")
    await until(lambda: engine.cancelled == 2, timeout_s=10)
    await until(lambda: desk.up.node.answering.gate.in_flight == 0)


async def test_a_rename_is_followed_through(desk: Desk) -> None:
    page = desk.page
    await page.press("Home", CTRL)
    await page.press("ArrowRight", times=4)
    await page.press("ArrowRight", CTRL | SHIFT)
    await page.type("net")
    await page.wait(f"{COMING} === 'net,net'")
    assert await page.evaluate(GOING) == "subtotal,subtotal"
    assert (await desk.text()).count("subtotal(") == 2, "they are shown, not made"
    assert "Line 7: subtotal becomes net" in await page.evaluate(
        "document.querySelector('[data-next]').textContent"
    )
    await page.press("Tab", ALT)
    await page.wait(f"{COMING} === 'net'")
    assert "return net(prices) * (1 + rate)" in await desk.text()
    await page.evaluate("document.querySelector('#accept').focus()")
    await page.press("Enter")
    await page.wait("document.querySelector('#accept').disabled")
    assert 'print("net", net(prices))' in await desk.text()
    assert await page.evaluate(COMING) == ""


async def test_an_answer_streams(desk: Desk) -> None:
    page, engine = desk.page, desk.engine
    engine.pieces = ("It adds ", "<b>prices</b>.")
    engine.gate = asyncio.Event()
    await page.evaluate("document.querySelector('#question').focus()")
    await page.type("what?")
    await page.press("Enter")
    answer = "document.querySelector('#answer').textContent"
    await page.wait(f"{answer} === 'It adds '")
    assert not await page.evaluate("document.querySelector('#stop').disabled")
    engine.gate.set()
    await page.wait(f"{answer} === 'It adds <b>prices</b>.'")
    await page.wait("document.querySelector('#stop').disabled")
    asked = engine.seen[-1].messages[-1].content
    assert "def subtotal(prices)" in asked
    assert asked.endswith("Question: what?")


async def test_what_is_wrong_is_said_and_the_key_stays_out_of_addresses(desk: Desk) -> None:
    page = desk.page
    await page.evaluate("document.querySelector('#key').value = 'hansa-wrong'")
    await page.type("x")
    await page.wait("document.querySelector('#status').textContent.includes('key')")
    urls = await page.evaluate(
        "[location.href, ...performance.getEntriesByType('resource').map(each => each.name)].join()"
    )
    assert "hansa-" not in urls
    assert await page.evaluate("localStorage.length + sessionStorage.length") == 0
    refused = "401 (Unauthorized)"
    page.troubles[:] = [each for each in page.troubles if refused not in each]


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_it_is_readable_and_nothing_jumps(desk: Desk, scheme: str) -> None:
    page = desk.page
    feature = {"name": "prefers-color-scheme", "value": scheme}
    await page.send("Emulation.setEmulatedMedia", features=[feature])
    height = await page.evaluate("document.body.scrollHeight")
    await page.press("Home", CTRL)
    await page.press("ArrowRight", times=4)
    await page.press("ArrowRight", CTRL | SHIFT)
    await page.type("net")
    await page.wait(f"{COMING} === 'net,net'")
    desk.engine.pieces = ("_price\n",)
    await page.press("\\", ALT)
    await page.wait(f"{GHOST} === '_price'")
    for part in (".cm-ghost", ".cm-next-old", ".cm-next-new", ".cm-line", ".cm-gutters"):
        colour = await page.evaluate(f"getComputedStyle({EDITOR}.querySelector({part!r})).color")
        paper = await page.evaluate(
            f"getComputedStyle({EDITOR}.querySelector('.cm-editor')).backgroundColor"
        )
        assert contrast(colour, paper) >= CONTRAST_MIN, (part, colour, paper)
    assert await page.evaluate("document.body.scrollHeight") == height


def test_the_bundle_is_small_and_what_the_sources_make(tmp_path: Path) -> None:
    assert BUNDLE.stat().st_size <= BUNDLE_BYTES_MAX
    if not shutil.which("npm") or not (SOURCES / "node_modules").is_dir():
        pytest.skip("needs npm and scripts/setup-npm.sh editors/playground")
    built = tmp_path / "playground.js"
    done = subprocess.run(
        ["npm", "run", "build"], cwd=SOURCES, capture_output=True, text=True, timeout=120,
        check=False, env={**os.environ, "OUTFILE": str(built)},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert built.read_bytes() == BUNDLE.read_bytes(), "`make playground` writes it"


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two CSS colours as `rgb(r, g, b)`. Source: WCAG 2.2."""
    bright, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(each) / 255 for each in colour.strip("rgba()").split(",")[:3]]
    red, green, blue = (
        each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
