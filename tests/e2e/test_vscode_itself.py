"""The packed extension installed in a real VS Code, typed into, with the real server and a node."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from hansa.editor.events import Events
from hansa.engines.mock import Mock
from hansa.index.index import Index
from support.browser import ALT, CTRL, SHIFT, chromium
from support.league import MemberSpec, make_league
from support.nodes import HANSA, Running, running
from support.repository import ROOT
from support.vscode import (
    COMING,
    GHOST,
    GOING,
    TEXT,
    Window,
    can_be_had,
    install,
    missing,
    vscode,
)
from support.waiting import until

EXTENSION = ROOT / "editors" / "vscode"
COMMAND = [HANSA, "lsp", "--no-index"]
INDEXED = [HANSA, "lsp"]
FAR = 70
"""A line that is out of sight from the first one."""

NEAR = "def total(prices):\n    pass\n\n\nprint(total([1]))\nprint(total([2]))\n"
FILE = NEAR + "\n" * (FAR - 1 - NEAR.count("\n")) + "print(total([3]))\n"
SHOP = "from new import total\n\nprint(total([4]))\n"

pytestmark = pytest.mark.timeout(400)


@pytest.fixture(scope="session", autouse=True)
def program() -> None:
    """A test that needs VS Code and lacks it fails in CI if it can be had, and skips elsewhere."""
    if why := missing():
        _lacks(why)
    chromium()


def _lacks(why: str) -> None:
    if os.environ.get("CI") and can_be_had():
        pytest.fail(why)
    pytest.skip(why)


@pytest.fixture(scope="session")
def extensions(program: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the extension installed from its package."""
    if not shutil.which("npm") or not (EXTENSION / "node_modules").is_dir():
        _lacks("needs npm and scripts/setup-npm.sh editors/vscode")
    packed = subprocess.run(
        ["npm", "run", "package"], cwd=EXTENSION, capture_output=True, text=True, timeout=240,
        check=False,
    )  # fmt: skip
    assert packed.returncode == 0, packed.stdout + packed.stderr
    folder = tmp_path_factory.mktemp("vscode") / "extensions"
    install(EXTENSION / "dist" / "hansa.vsix", folder)
    return folder


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
async def window(
    node: Running,
    engine: Mock,
    extensions: Path,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> AsyncGenerator[Window]:
    """With `COMMAND`, or what a test gives by `indirect`."""
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    (workspace / "pyproject.toml").touch()
    file = workspace / "new.py"
    file.write_text(FILE)
    (workspace / "shop.py").write_text(SHOP)
    environment = {
        "HANSA_NODE_URL": node.url,
        "HANSA_API_KEY": node.key,
        "HANSA_STATE_DIR": str(tmp_path / "state"),
    }
    settings: dict[str, object] = {"hansa.command": getattr(request, "param", COMMAND)}
    engine.pieces = ()
    async with vscode(tmp_path, file, extensions, settings, environment) as window:
        await window.page.press("End", CTRL)
        await window.until_it_asks(lambda: bool(engine.seen))
        await until(lambda: node.node.answering.gate.in_flight == 0)
        yield window


async def test_ghost_text_shortens_as_it_is_typed_and_tab_takes_it_and_a_part_becomes_whole(
    window: Window, engine: Mock, tmp_path: Path
) -> None:
    events = Events(tmp_path / "state")
    events.switch(on=True)
    engine.pieces = (" sum(prices)\n",)
    await window.go_to(2)
    await window.page.press("Home")
    await window.page.press("End", SHIFT)
    await window.page.type("x = ")
    await window.sees(GHOST, "sum(prices)")
    engine.pieces = ()
    await window.page.type("sum")
    await window.sees(GHOST, "(prices)")
    await window.page.press("Tab")
    await window.sees(GHOST, "")
    await window.saves(FILE.replace("    pass", "    x = sum(prices)"))
    await until(lambda: "accepted" in {each.kind for each in events.all()})
    assert {each.language for each in events.all()} == {"python"}

    engine.pieces, engine.gate = (" sum(prices) + 1 ", "+ 2\n"), asyncio.Event()
    await window.page.press("Enter")
    await window.page.type("y = ")
    await window.sees(GHOST, "sum(prices) + 1")
    engine.gate.set()
    await window.sees(GHOST, "sum(prices) + 1 + 2")
    await window.page.press("Escape")
    await window.sees(GHOST, "")
    await window.page.press("\\", ALT)
    await window.sees(GHOST, "sum(prices) + 1 + 2")


@pytest.mark.parametrize("window", [INDEXED], indirect=True)
async def test_a_rename_is_followed_through_by_keys_also_out_of_sight_and_in_another_file(
    window: Window, engine: Mock, tmp_path: Path
) -> None:
    page, shop = window.page, window.file.with_name("shop.py")
    with Index.open(window.file.parent, tmp_path / "state") as index:
        await until(lambda: index.status().checked_s > 0)
    await page.press("Home", CTRL)
    await page.press("ArrowRight", times=4)
    await page.press("ArrowRight", CTRL | SHIFT)
    await page.type("price")
    await window.sees(COMING, "price")
    assert await page.evaluate(GOING) == "total"
    await page.press("n", ALT)
    await page.wait(f"{TEXT}.includes('print(price([1]))')")
    await window.sees(COMING, "price")

    await page.press("ArrowDown")
    asked = len(engine.seen)
    # Nothing shows when Tab is the next edit's; what VS Code asks us after it has.
    await window.until_it_asks(lambda: len(engine.seen) > asked)
    await page.press("Tab")
    await page.wait(f"{TEXT}.includes('print(price([2]))')")

    await page.wait(f"{COMING}.startsWith('next edit: line {FAR}, ')")
    await page.press("n", ALT)
    await window.sees(COMING, "price")
    await page.press("n", ALT)
    await page.wait(f"{COMING}.startsWith('next edit: shop.py, line 1, ')")
    await window.saves(FILE.replace("total", "price"))

    await page.press("n", ALT)
    await page.wait(f"{TEXT}.includes('from new import total')")
    await window.sees(COMING, "price")
    await page.press("n", ALT)
    await page.wait(f"{TEXT}.includes('from new import price')")
    await window.sees(COMING, "price")
    await page.press("n", ALT)
    await window.sees(COMING, "")
    await page.press("s", CTRL)
    await until(lambda: shop.read_text() == SHOP.replace("total", "price"))


async def test_an_edit_in_words_and_what_is_said_of_suggestions(
    window: Window, engine: Mock
) -> None:
    await window.page.press("Home", CTRL)
    await window.page.press("e", CTRL | ALT)
    await window.page.wait("document.querySelector('.quick-input-widget input')?.offsetParent")
    await window.page.type("rename prices to costs")
    await window.page.press("Enter")
    await window.page.wait(f"{TEXT}.includes('def total(costs):')")
    await window.saves(FILE.replace("prices", "costs"))
    await window.run("Hansa: Status")
    await window.page.wait(f'{TEXT}.includes(\'"node": "no trouble"\')')
