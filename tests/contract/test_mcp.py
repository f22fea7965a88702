"""The official MCP client, unchanged, against `hansa mcp` on stdio."""

import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path / "code"
    (root / ".git").mkdir(parents=True)
    (root / "shop.py").write_text("def basket_total(prices):\n    return sum(prices)\n")
    (root / "app.py").write_text("from shop import basket_total\n\nprint(basket_total([1]))\n")
    return root


@asynccontextmanager
async def session(root: Path, state: Path) -> AsyncGenerator[ClientSession]:
    arguments = ["-m", "hansa.cli", "mcp", "--path", str(root), "--state-dir", str(state)]
    server = StdioServerParameters(command=sys.executable, args=arguments, cwd=str(root))
    async with stdio_client(server) as streams, ClientSession(*streams) as client:
        await client.initialize()
        yield client


async def test_an_agent_finds_code_and_sees_what_was_just_written(
    repository: Path, tmp_path: Path
) -> None:
    async with session(repository, tmp_path / "state") as client:
        tools = {tool.name for tool in (await client.list_tools()).tools}
        assert tools == {"search", "definitions", "references", "ask"}

        found = await client.call_tool("search", {"query": "total of the basket"})
        assert found.structured_content
        assert found.structured_content["result"][0]["path"] == "shop.py"

        defined = await client.call_tool("definitions", {"name": "basket_total"})
        assert defined.structured_content
        [place] = defined.structured_content["result"]
        assert (place["path"], place["start_line"], place["kind"]) == ("shop.py", 1, "function")

        used = await client.call_tool("references", {"name": "basket_total"})
        assert used.structured_content
        lines = {(each["path"], each["line"]) for each in used.structured_content["result"]}
        assert ("app.py", 3) in lines

        (repository / "new.py").write_text("def freshly_written():\n    pass\n")
        fresh = await client.call_tool("definitions", {"name": "freshly_written"})
        assert fresh.structured_content
        assert fresh.structured_content["result"][0]["path"] == "new.py"


async def test_an_agent_is_told_that_the_tools_only_read(repository: Path, tmp_path: Path) -> None:
    async with session(repository, tmp_path / "state") as client:
        told = {tool.name: tool.annotations for tool in (await client.list_tools()).tools}
    assert all(each and each.read_only_hint for each in told.values())
    assert {name for name, each in told.items() if each and each.open_world_hint} == {"ask"}


async def test_no_agent_is_given_a_password(repository: Path, tmp_path: Path) -> None:
    (repository / "settings.py").write_text('DB_PASSWORD = "kT3vQ9zLp0Xw8Yb2"\n')
    async with session(repository, tmp_path / "state") as client:
        tools = (await client.list_tools()).tools
        assert all(tool.output_schema for tool in tools)
        found = await client.call_tool("search", {"query": "DB_PASSWORD"})
        assert found.structured_content
        assert found.structured_content["result"][0]["text"].strip() == 'DB_PASSWORD = "REDACTED"'


async def test_without_a_node_ask_says_what_to_do(repository: Path, tmp_path: Path) -> None:
    async with session(repository, tmp_path / "state") as client:
        told = await client.call_tool("ask", {"question": "where is the basket total?"})
    assert told.is_error
    assert "hansa up" in str(told.content)
