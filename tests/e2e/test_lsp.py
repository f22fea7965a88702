"""`hansa lsp` as an editor starts it: a client over stdio, a node with the mock engine."""

import asyncio
import json
import subprocess
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcException

from hansa.core.files import exclusive_lock
from hansa.editor.events import Events
from hansa.engines.mock import Mock
from hansa.index.index import Index
from support.league import MemberSpec, free_port, make_league
from support.lsp import Editor, editor, inline
from support.nodes import HANSA, Running, running
from support.waiting import until

Start = Callable[..., AbstractAsyncContextManager[Editor]]


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
def work(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "pyproject.toml").touch()
    (folder / "prices.py").write_text(
        "def gross_price(net, rate):\n    return net * (1 + rate)\n\n\nRATE = 1\n" + "#\n" * 12
    )
    return folder


@pytest.fixture
def start(node: Running, work: Path, tmp_path: Path) -> Start:
    environment = {
        "HANSA_NODE_URL": node.url,
        "HANSA_API_KEY": node.key,
        "HANSA_STATE_DIR": str(tmp_path / "state"),
    }

    def begin(*options: str, **more: Any) -> AbstractAsyncContextManager[Editor]:
        changed = {**environment, **more.pop("environment", {})}
        return editor(*options, environment=changed, folder=work, **more)

    return begin


def uri_of(work: Path, name: str = "new.py") -> str:
    return (work / name).as_uri()


async def test_the_flag_that_many_editors_add_is_taken(start: Start) -> None:
    async with start("--no-index", "--stdio") as client:
        assert client.capabilities.inline_completion_provider is not None


@pytest.mark.parametrize(("encoding", "column"), [("utf-8", 14), ("utf-16", 12), ("utf-32", 11)])
async def test_places_are_counted_as_agreed(
    start: Start, engine: Mock, work: Path, encoding: str, column: int
) -> None:
    engine.pieces = ("0\n",)
    async with start("--no-index", encodings=[encoding]) as client:
        assert client.capabilities.position_encoding == encoding
        client.open(uri_of(work), 'import os\r\nx = "😀" + 1\r\n')
        found = await client.complete(uri_of(work), 1, column)
        assert found
        assert found.range == lsp.Range(lsp.Position(1, column), lsp.Position(1, column))
    [request] = engine.seen
    assert (request.prefix or "").endswith('import os\nx = "😀" + 1')


async def test_a_block_has_the_files_line_endings(start: Start, engine: Mock, work: Path) -> None:
    engine.pieces = ("\n    a = 1\n    return a\n",)
    async with start("--no-index") as client:
        client.open(uri_of(work), "def f():\r\n    \r\n")
        found = await client.complete(uri_of(work), 1, 4)
        assert found
        assert found.insert_text == "a = 1\r\n    return a"


async def test_changes_are_followed_and_typing_into_a_suggestion_asks_nobody(
    start: Start, engine: Mock, work: Path
) -> None:
    engine.pieces = (" total",)
    async with start("--no-index") as client:
        uri = uri_of(work)
        client.open(uri, "def f(total):\n    return \n")
        place = lsp.Position(1, 11)
        first = await client.complete(uri, 1, 11, invoked=False)
        assert first
        assert first.insert_text == "total"
        client.change(uri, lsp.TextDocumentContentChangePartial(lsp.Range(place, place), "to"))
        then = await client.complete(uri, 1, 13, invoked=False)
        assert then
        assert then.insert_text == "tal"
        assert (await client.status())["cached"] == 1
    assert len(engine.seen) == 1


async def test_what_a_menu_would_insert_comes_first(start: Start, engine: Mock, work: Path) -> None:
    engine.pieces = ("(values)",)
    async with start("--no-index") as client:
        client.open(uri_of(work), "x = su")
        params = inline(uri_of(work), 0, 6, invoked=True)
        around = lsp.Range(lsp.Position(0, 4), lsp.Position(0, 6))
        params.context.selected_completion_info = lsp.SelectedCompletionInfo(around, "sum")
        answer = await client.text_document_inline_completion_async(params)
        assert isinstance(answer, lsp.InlineCompletionList)
        assert (answer.items[0].insert_text, answer.items[0].range) == ("sum(values)", around)


async def test_cancelling_ends_the_work_at_the_engine(
    start: Start, engine: Mock, work: Path
) -> None:
    engine.pieces, engine.gate = ("\n    a", "b", "c"), asyncio.Event()
    async with start("--no-index") as client:
        client.open(uri_of(work), "def f():\n    ")
        asked = client.protocol.send_request(
            lsp.TEXT_DOCUMENT_INLINE_COMPLETION,
            inline(uri_of(work), 1, 4, invoked=True),
            msg_id="1",
        )
        await until(lambda: bool(engine.seen))
        client.cancel_request(lsp.CancelParams("1"))
        await until(lambda: engine.cancelled == 1)
        with pytest.raises(JsonRpcException) as caught:
            await asyncio.wait_for(asyncio.wrap_future(asked), 10)
        assert caught.value.code == lsp.LSPErrorCodes.RequestCancelled
        engine.gate.set()
        assert await client.complete(uri_of(work), 1, 4)


async def test_a_later_request_takes_the_place_of_the_one_before(
    start: Start, engine: Mock, work: Path
) -> None:
    engine.pieces, engine.gate = ("\n    a", "b"), asyncio.Event()
    async with start("--no-index") as client:
        client.open(uri_of(work), "def f():\n    ")
        first = asyncio.create_task(client.complete(uri_of(work), 1, 4))
        await until(lambda: bool(engine.seen))
        engine.gate.set()
        engine.gate = None
        second = await client.complete(uri_of(work), 1, 4)
        assert second
        await first


async def test_the_codebase_is_indexed_shown_and_kept_fresh(
    start: Start, engine: Mock, work: Path
) -> None:
    engine.pieces = (" gross_price(net, RATE)",)
    async with start() as client:
        uri = uri_of(work)
        body = "".join(f"gross_price = {n}\n" for n in range(8))
        client.open(uri, f"{body}x = ")
        await client.indexed(work)
        await until(lambda: [each["kind"] for each in client.progress][-1:] == ["end"])
        assert client.progress[0]["kind"] == "begin"
        assert await client.complete(uri, 8, 4)
        assert any(each.path == "prices.py" for each in engine.seen[-1].snippets)

        (work / "fresh.py").write_text(
            "def fresh_price(net):\n    return gross_price(net, 2)\n" * 6
        )
        event = lsp.FileEvent(uri_of(work, "fresh.py"), lsp.FileChangeType.Created)
        client.workspace_did_change_watched_files(lsp.DidChangeWatchedFilesParams([event]))
        text = "".join(f"fresh_price({n})\n" for n in range(8))
        client.open(uri_of(work, "other.py"), f"{text}x = ")
        seen: list[str] = []
        async with asyncio.timeout(20):
            while "fresh.py" not in seen:
                place = lsp.Position(8, 4)
                change = lsp.TextDocumentContentChangePartial(lsp.Range(place, place), "y")
                client.change(uri_of(work, "other.py"), change)
                await client.complete(uri_of(work, "other.py"), 8, 5)
                seen = [each.path for request in engine.seen for each in request.snippets]


async def test_files_outside_any_root_and_without_a_name(
    start: Start, engine: Mock, tmp_path: Path
) -> None:
    engine.pieces = (" 1",)
    async with start() as client:
        for uri in ((tmp_path / "loose.py").as_uri(), "untitled:Untitled-1"):
            client.open(uri, "x = ")
            assert await client.complete(uri, 0, 4)
        assert (await client.status())["index"] == {}
        assert await client.complete("file:///never/opened.py", 0, 0) is None


async def test_other_open_files_are_shown(start: Start, engine: Mock, work: Path) -> None:
    engine.pieces = (" 1",)
    lines = "".join(f"discount_of_customer({n})\n" for n in range(8))
    async with start("--no-index") as client:
        client.open(uri_of(work, "a.py"), "def discount_of_customer(customer):\n    return 1\n")
        client.open(uri_of(work), f"{lines}x = ")
        assert await client.complete(uri_of(work), 8, 4)
    [snippet] = engine.seen[-1].snippets
    assert snippet.path == "a.py"


@pytest.mark.parametrize("known", [False, True], ids=["never started", "ended"])
async def test_a_node_that_is_away_is_told_once_and_found_again(
    start: Start, engine: Mock, work: Path, tmp_path: Path, node: Running, known: bool
) -> None:
    engine.pieces = (" 1",)
    client_file = tmp_path / "state" / "client.json"
    client_file.parent.mkdir()
    if known:
        url = f"http://127.0.0.1:{free_port()}"
        client_file.write_text(json.dumps({"url": url, "key": "hansa-old"}))
    nowhere = {"HANSA_NODE_URL": "", "HANSA_API_KEY": ""}
    async with start("--no-index", environment=nowhere) as client:
        client.open(uri_of(work), "x = ")
        for _ in range(3):
            assert await client.complete(uri_of(work), 0, 4, invoked=False) is None
        assert len(client.messages) == 1
        assert "hansa up" in client.messages[0]
        client_file.write_text(json.dumps({"url": node.url, "key": node.key}))
        assert await client.complete(uri_of(work), 0, 4)
        assert (await client.status())["node"] == "no trouble"
        assert len(client.messages) == 1


async def test_an_edit_in_words(start: Start, engine: Mock, work: Path) -> None:
    uri = uri_of(work, "prices.py")
    async with start("--no-index", asks=True) as client:
        client.open(uri, 'a = "😀"; total = 1\r\nprint(total)\r\n')
        wanted = {"uri": uri, "instruction": "rename total to amount"}
        assert await client.run("hansa.edit", wanted) is True
        [change] = client.edits[0].document_changes or ()
        assert isinstance(change, lsp.TextDocumentEdit)
        assert change.text_document.version == 1
        [edit] = change.edits
        assert isinstance(edit, lsp.TextEdit)
        assert edit.range == lsp.Range(lsp.Position(0, 10), lsp.Position(1, 11))
        assert edit.new_text == "amount = 1\r\nprint(amount"
        assert await client.run("hansa.edit", {"uri": uri}) is False
        assert "instruction" in client.messages[-1]
    assert engine.seen == []


async def test_code_actions_name_their_commands(start: Start, work: Path) -> None:
    uri = uri_of(work)
    chosen = lsp.Range(lsp.Position(0, 0), lsp.Position(2, 0))
    wrong = lsp.Diagnostic(chosen, "name 'x' is\nnot defined")
    params = lsp.CodeActionParams(
        lsp.TextDocumentIdentifier(uri), chosen, lsp.CodeActionContext([wrong])
    )
    titles: dict[bool, list[str]] = {}
    for asks in (True, False):
        async with start("--no-index", asks=asks) as client:
            client.open(uri, "def f():\n    return x\n")
            found = await client.text_document_code_action_async(params)
            titles[asks] = [each.title for each in found or ()]
    assert titles[True] == ["Hansa: edit ...", *titles[False]]
    assert "Hansa: fix: name 'x' is not defined" in titles[False]


async def test_explain_and_status(start: Start, engine: Mock, work: Path) -> None:
    engine.pieces = (" 1",)
    async with start("--no-index") as client:
        assert await client.run("hansa.explain") == ["no model was asked yet"]
        client.open(uri_of(work), "x = ")
        await client.complete(uri_of(work), 0, 4)
        assert any("sure to" in each for each in await client.run("hansa.explain"))
        status = await client.status()
    assert status["asked"] == 1
    assert status["latency_ms_median"] > 0
    assert status["prompt_cache_hit_rate"] == 0


async def test_events_are_told_only_when_they_are_on(
    start: Start, engine: Mock, work: Path, tmp_path: Path
) -> None:
    engine.pieces = (" total",)
    events, uri = Events(tmp_path / "state"), uri_of(work)
    async with start("--no-index") as client:
        client.open(uri, "x = ")
        item = await client.complete(uri, 0, 4)
        assert item
        assert item.command
        [which] = item.command.arguments or ()
        client.protocol.notify("hansa/shown", which)
        await client.status()
        assert list(events.all()) == []
        events.switch(on=True)
        for _ in range(2):
            client.protocol.notify("hansa/shown", which)
        place = lsp.Position(0, 4)
        change = lsp.TextDocumentContentChangePartial(lsp.Range(place, place), "total")
        client.change(uri, change)
        client.protocol.notify("hansa/partlyAccepted", {**dict(which), "chars": 2})
        await client.run(item.command.command, which)
        client.change(uri, lsp.TextDocumentContentChangeWholeDocument("y = "))
        again = await client.complete(uri, 0, 4)
        assert again
        assert again.command
        client.protocol.notify("hansa/rejected", (again.command.arguments or [None])[0])
        await until(lambda: len(list(events.all())) == 3)
    kinds = [(each.kind, each.chars, each.language) for each in events.all()]
    assert kinds == [
        ("partly_accepted", 2, "python"), ("accepted", 5, "python"), ("rejected", 5, "python"),
    ]  # fmt: skip


async def test_it_answers_while_the_index_is_made(
    start: Start, engine: Mock, work: Path, tmp_path: Path
) -> None:
    engine.pieces = (" 1",)
    with Index.open(work, tmp_path / "state"):
        pass
    [lock] = (tmp_path / "state" / "index").glob("*.lock")
    async with start() as client:
        with exclusive_lock(lock):
            client.open(uri_of(work), "x = ")
            assert await client.complete(uri_of(work), 0, 4)
            assert (await client.status())["index"] == {str(work): "indexing"}
        await client.indexed(work)


def test_it_ends_when_the_editor_is_gone() -> None:
    process = subprocess.Popen([HANSA, "lsp"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    output, _ = process.communicate(timeout=20)
    assert (process.returncode, output) == (0, b"")


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
async def test_the_next_edit_follows_from_the_latest(
    start: Start, work: Path, newline: str
) -> None:
    text = newline.join(["def total(prices):", "    return 1", "", "", "x = '😀', total([1])", ""])
    async with start("--no-index") as client:
        uri = uri_of(work)
        client.open(uri, text)
        where = lsp.Range(lsp.Position(0, 4), lsp.Position(0, 9))
        client.change(uri, lsp.TextDocumentContentChangePartial(where, "price"))
        params = {"textDocument": {"uri": uri}, "position": {"line": 0, "character": 9}}
        asked = client.protocol.send_request_async("hansa/nextEdit", params)
        [edit] = await asyncio.wait_for(asked, 30)
        assert edit["newText"] == "x = '😀', price([1])"
        assert edit["range"]["start"] == {"line": 4, "character": 0}
        width = len("x = '😀', total([1])".encode("utf-16-le")) // 2
        assert edit["range"]["end"] == {"line": 4, "character": width}
