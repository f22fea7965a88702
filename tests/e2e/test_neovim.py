"""A real Neovim with our plugin, typed into: ghost text comes, shortens, is taken and dismissed."""

import asyncio
import os
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from hansa.editor.events import Events
from hansa.engines.mock import Mock
from support.league import MemberSpec, make_league
from support.neovim import Neovim, missing, neovim
from support.nodes import HANSA, Running, running
from support.waiting import until

SETUP = f"require('hansa').setup({{ server = {{ cmd = {{ [[{HANSA}]], 'lsp', '--no-index' }} }} }})"
INDEXED = f"require('hansa').setup({{ server = {{ cmd = {{ [[{HANSA}]], 'lsp' }} }} }})"

SHOP = "# prices\n\nfrom new import total\n\nprint(total([1]))\n"
INDEX = """vim.lsp.get_clients({ name = 'hansa' })[1]:request_sync(
  'workspace/executeCommand', { command = 'hansa.status' }, 9999, 0).result.index"""
NOTE = """(function()
  local namespace = vim.api.nvim_get_namespaces().hansa_next
  local marks = vim.api.nvim_buf_get_extmarks(0, namespace, 0, -1, { details = true })
  return marks[1][4].virt_text[1][1]
end)()"""


@pytest.fixture(scope="session", autouse=True)
def program() -> None:
    """A test that needs Neovim and lacks it fails in CI and skips elsewhere."""
    if why := missing():
        if os.environ.get("CI"):
            pytest.fail(why)
        pytest.skip(why)


@pytest.fixture
async def node(tmp_path: Path) -> AsyncGenerator[Running]:
    made = make_league(tmp_path / "league", (MemberSpec("solo", replicas=("r1",)),))["solo"]
    async with running(made.settings()) as up:
        yield up


@pytest.fixture
def engine(node: Running) -> Mock:
    engine = node.node.fleet.local["r1"].engine
    assert isinstance(engine, Mock)
    return engine


@pytest.fixture
async def vim(
    node: Running, tmp_path: Path, request: pytest.FixtureRequest
) -> AsyncGenerator["Typed"]:
    """With `SETUP`, or what a test gives by `indirect`."""
    (tmp_path / "pyproject.toml").touch()
    file = tmp_path / "new.py"
    file.write_text("def total(prices):\n    pass\n")
    (tmp_path / "shop.py").write_text(SHOP)
    environment = {
        "HANSA_NODE_URL": node.url,
        "HANSA_API_KEY": node.key,
        "HANSA_STATE_DIR": str(tmp_path / "state"),
    }
    with neovim(tmp_path, file, getattr(request, "param", SETUP), environment) as started:
        vim = Typed(started)
        client = "vim.lsp.get_clients({ name = 'hansa' })[1]"
        await vim.until_lua(f"({client} or {{}}).initialized == true")
        yield vim


class Typed:
    """Neovim from the event loop that the node runs in too."""

    def __init__(self, vim: Neovim) -> None:
        self._vim = vim

    async def keys(self, keys: str) -> None:
        await asyncio.to_thread(self._vim.keys, keys)

    async def ghost(self, *lines: str) -> None:
        await asyncio.to_thread(self._vim.wait_for_ghost, *lines)

    async def lines(self) -> list[str]:
        return await asyncio.to_thread(self._vim.lines)

    async def lua(self, expression: str) -> object:
        return await asyncio.to_thread(self._vim.lua, expression)

    async def until_lua(self, fact: str) -> None:
        async with asyncio.timeout(30):
            while await self.lua(fact) is not True:
                await asyncio.sleep(0)


async def test_ghost_text_shortens_as_it_is_typed_and_tab_takes_it(
    vim: Typed, engine: Mock
) -> None:
    engine.pieces = (" sum(prices)\n",)
    await vim.keys("jccx = ")
    await vim.ghost("sum(prices)")
    asked = len(engine.seen)
    await vim.keys("sum")
    await vim.ghost("(prices)")
    assert len(engine.seen) == asked, "what is typed into is shortened, not asked for again"
    engine.pieces = ()
    await vim.keys("<Tab>")
    await vim.ghost()
    assert await vim.lines() == ["def total(prices):", "    x = sum(prices)"]
    await vim.keys("<Esc>u")
    assert await vim.lines() == ["def total(prices):", "    x = sum"]


async def test_what_becomes_of_a_suggestion_is_told(
    vim: Typed, engine: Mock, tmp_path: Path
) -> None:
    engine.pieces = (" sum(prices)\n",)
    events = Events(tmp_path / "state")
    events.switch(on=True)
    await vim.keys("jccx = ")
    await vim.ghost("sum(prices)")
    await vim.keys("<M-Right>")
    await vim.ghost("(prices)")
    engine.pieces = ()
    await vim.keys("<Tab>")
    await until(lambda: len(list(events.all())) == 3)
    told = [(each.kind, each.chars, each.language) for each in events.all()]
    assert told == [
        ("shown", 11, "python"), ("partly_accepted", 3, "python"), ("accepted", 11, "python"),
    ]  # fmt: skip


async def test_emoji_and_crlf(vim: Typed, engine: Mock, tmp_path: Path) -> None:
    engine.pieces = ("\n    smile = '😀'\n    return smile\n",)
    file = tmp_path / "windows.py"
    file.write_bytes("word = '😀é'\r\ndef smile():\r\n".encode())
    await vim.keys(f":edit {file}<CR>:set noautoindent indentexpr=<CR>")
    await vim.until_lua("#vim.lsp.get_clients({ bufnr = 0, name = 'hansa' }) == 1")
    await vim.keys("Go    ")
    await vim.ghost("smile = '😀'", "    return smile")
    await vim.keys("<Tab><Esc>:write<CR>")
    whole = "word = '😀é'\ndef smile():\n    smile = '😀'\n    return smile\n"
    await until(lambda: file.read_bytes() == whole.replace("\n", "\r\n").encode())
    engine.pieces = ("upper()\n",)
    await vim.keys("ggA.")
    await vim.ghost("upper()")


async def test_a_block_a_word_a_line(vim: Typed, engine: Mock) -> None:
    engine.pieces = ("\n    net = 0\n    return net\n",)
    await vim.keys(":set noautoindent indentexpr=<CR>jo    <M-Bslash>")
    await vim.ghost("net = 0", "    return net")
    await vim.keys("<M-Right>")
    await vim.ghost(" = 0", "    return net")
    await vim.keys("<M-Down>")
    await vim.ghost("", "    return net")
    await vim.keys("<Tab>")
    assert (await vim.lines())[2:] == ["    net = 0", "    return net"]


async def test_dismissed_is_not_shown_again(vim: Typed, engine: Mock) -> None:
    engine.pieces = (" sum(prices)\n",)
    await vim.keys("jccx = ")
    await vim.ghost("sum(prices)")
    await vim.keys("<C-]>")
    await vim.ghost()
    await vim.keys("<Tab>")
    assert (await vim.lines())[1].endswith("\t") or (await vim.lines())[1].endswith("  ")


async def test_a_buffer_where_it_is_disabled(vim: Typed, engine: Mock) -> None:
    engine.pieces = (" sum(prices)\n",)
    await vim.keys(":Hansa disable<CR>jccx = ")
    await vim.keys("<Esc>:Hansa enable<CR>")
    assert engine.seen == []
    await vim.keys("A")
    await vim.ghost("sum(prices)")


async def test_an_edit_in_words_and_undo(vim: Typed) -> None:
    await vim.keys(":Hansa edit rename prices to costs<CR>")
    await vim.until_lua("vim.api.nvim_buf_get_lines(0, 0, 1, true)[1] == 'def total(costs):'")
    await vim.keys("u")
    assert (await vim.lines())[0] == "def total(prices):"


async def test_the_health_check(vim: Typed) -> None:
    await vim.keys(":checkhealth hansa<CR>")
    await vim.until_lua(
        "table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, true)):find('the server answers') ~= nil"
    )


async def test_a_rename_is_followed_through_by_one_key(vim: Typed) -> None:
    await vim.keys("Go<CR><CR>print(total([1]))<CR>print(total([2]))<Esc>gg")
    await vim.keys("0wciwprice<Esc>")
    await vim.until_lua("require('hansa.next').shown()")
    assert await vim.lua("require('hansa.next').current().new") == "print(price([1]))"
    await vim.keys("<M-n>")
    await vim.until_lua("require('hansa.next').shown()")
    await vim.keys("<M-n>")
    assert (await vim.lines())[-2:] == ["print(price([1]))", "print(price([2]))"]


@pytest.mark.parametrize("vim", [INDEXED], indirect=True)
async def test_a_rename_is_followed_into_another_file(vim: Typed, tmp_path: Path) -> None:
    other = tmp_path / "shop.py"
    await vim.keys("GoFEE = 1<Esc>gg")
    await vim.until_lua(f"({INDEX})['{tmp_path}'] == 'ready'")
    await vim.keys("0wciwprice<Esc>")
    await vim.until_lua("require('hansa.next').shown()")
    said = await vim.lua(NOTE)
    assert said == " next edit: shop.py, line 3, total is called price now"
    await vim.keys("<M-n>")
    await vim.until_lua("(require('hansa.next').current() or {}).old == 'from new import total'")
    assert await vim.lua("vim.api.nvim_win_get_cursor(0)") == [3, 0]
    assert await vim.lines() == SHOP.splitlines()
    await vim.keys("<M-n>")
    await vim.until_lua("(require('hansa.next').current() or {}).old == 'print(total([1]))'")
    await vim.keys("<M-n>:wall<CR>")
    await until(lambda: other.read_text() == SHOP.replace("total", "price"))
