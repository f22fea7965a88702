"""A real VS Code: its server and the extension host are processes here, its window is a page."""

import asyncio
import contextlib
import json
import os
import platform
import re
import shutil
import subprocess
import urllib.parse
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from support.browser import ALT, CTRL, SHIFT, Page, browser
from support.repository import ROOT
from support.waiting import until

SERVER = ROOT / ".vscode-server"
NODE = SERVER / "node_modules" / ".bin" / "node"
ENTRY = SERVER / "node_modules" / "code-server" / "out" / "node" / "entry.js"
START_TIMEOUT_S = 60.0
READY_TIMEOUT_S = 120.0
AGAIN_S = 0.2
"""Between two tries to have the extension asked, while it is starting."""

SETTINGS = {
    "chat.disableAIFeatures": True,
    "extensions.autoCheckUpdates": False,
    "files.autoSave": "off",
    "telemetry.telemetryLevel": "off",
    "workbench.enableExperiments": False,
    "workbench.secondarySideBar.defaultVisibility": "hidden",
    "workbench.startupEditor": "none",
}
"""What only takes time or room; what has to do with keys and suggestions is as VS Code has it."""

INPUT = "document.querySelector('.editor-instance .native-edit-context')"
GHOST = """[...document.querySelectorAll('.view-lines [class*=ghost-text-decoration]')]
  .map(each => each.textContent).join('').replaceAll('\\u00a0', ' ')"""
_DRAWN = """[...document.querySelectorAll('.view-lines [class*=ced-]')]"""
GOING = f"""{_DRAWN}.filter(each => getComputedStyle(each).textDecorationLine === 'line-through')
  .map(each => each.textContent).join()"""
COMING = f"""{_DRAWN}.map(each => getComputedStyle(each, '::after').content)
  .filter(each => each !== 'none')
  .map(each => each.slice(1, -1).replaceAll('\\u00a0', ' ')).join()"""
TEXT = """[...document.querySelectorAll('.view-lines .view-line')]
  .sort((one, other) => parseFloat(one.style.top) - parseFloat(other.style.top))
  .map(each => each.textContent.replaceAll('\\u00a0', ' ')).join('\\n')"""


def missing() -> str:
    """Why there is no VS Code to start; empty if there is one."""
    if (SERVER / ".done").exists():
        return ""
    return "VS Code is not set up; `scripts/setup-vscode.sh` does it, on Linux with npm"


def can_be_had() -> bool:
    """Whether the set-up works on such a machine."""
    machine = (platform.system(), platform.machine())
    known = machine in {("Linux", "x86_64"), ("Linux", "aarch64")}
    return known and shutil.which("npm") is not None


@dataclass(frozen=True)
class Window:
    """A file in an editor, and who sits before it. `page` takes keys."""

    page: Page
    file: Path

    async def sees(self, what: str, shown: str) -> None:
        """Wait until one of GHOST, GOING and COMING is just this text."""
        try:
            await self.page.wait(f"{what} === {json.dumps(shown)}")
        except AssertionError as error:
            seen, text = await self.page.evaluate(what), await self.page.evaluate(TEXT)
            raise AssertionError(f"{seen!r} is shown, not {shown!r}, in\n{text}") from error

    async def saves(self, text: str) -> None:
        """Save, and wait until the file on disk is just this."""
        await self.page.press("s", CTRL)
        try:
            await until(lambda: self.file.read_text() == text)
        except TimeoutError:
            shown = await self.page.evaluate(TEXT)
            raise AssertionError(f"saved: {self.file.read_text()!r}; shown: {shown!r}") from None

    async def go_to(self, line: int) -> None:
        """Put the cursor at a line's start; the first is 1."""
        await self.page.press("Home", CTRL)
        await self.page.press("ArrowDown", times=line - 1)

    async def run(self, command: str) -> None:
        """Run a command by its title, as the palette lists it."""
        await self.page.press("p", CTRL | SHIFT)
        await self.page.wait("document.querySelector('.quick-input-widget input')?.value === '>'")
        await self.page.type(command)
        first = "document.querySelector('.quick-input-list .monaco-list-row.focused')"
        await self.page.wait(f"{first}?.ariaLabel.startsWith({json.dumps(command)})")
        await self.page.press("Enter")

    async def until_it_asks(self, asked: Callable[[], bool]) -> None:
        """Ask for a suggestion by hand until `asked()` holds: the extension is there then."""
        async with asyncio.timeout(READY_TIMEOUT_S):
            while not asked():
                await self.page.press("\\", ALT)
                await asyncio.sleep(AGAIN_S)


def install(vsix: Path, folder: Path) -> None:
    """Install an extension as people do; `folder` is where extensions are kept."""
    home = folder.parent / "home"
    done = subprocess.run(
        [*_program(home, folder), "--install-extension", str(vsix)],
        capture_output=True, text=True, timeout=START_TIMEOUT_S, check=False,
        env=_environment(home),
    )  # fmt: skip
    assert "was successfully installed" in done.stdout, done.stdout + done.stderr


@contextlib.asynccontextmanager
async def vscode(
    folder: Path,
    file: Path,
    extensions: Path,
    settings: dict[str, object],
    environment: dict[str, str],
) -> AsyncGenerator[Window]:
    """VS Code with a file before it and that file's folder as its workspace.

    `settings` are the machine's, as `hansa.command` is. What it leaves behind is in `folder`.
    """
    home, log = folder / "home", folder / "vscode.log"
    for name, content in (("User", SETTINGS), ("Machine", settings)):
        (home / name).mkdir(parents=True)
        (home / name / "settings.json").write_text(json.dumps(content))
    process = _start(home, extensions, environment, log)
    try:
        await until(
            lambda: process.poll() is not None or _address(log) != "", timeout_s=START_TIMEOUT_S
        )
        assert process.poll() is None, log.read_text(errors="replace")
        async with browser(folder) as page:
            await page.open(_window(_address(log), file))
            await page.wait(INPUT, READY_TIMEOUT_S)
            await page.evaluate(f"{INPUT}.focus()")
            yield Window(page, file)
    finally:
        process.terminate()
        try:
            await asyncio.to_thread(process.wait, 15)
        except subprocess.TimeoutExpired:
            process.kill()
            await asyncio.to_thread(process.wait)


def _start(
    home: Path, extensions: Path, environment: dict[str, str], log: Path
) -> subprocess.Popen[bytes]:
    with log.open("wb") as out:
        return subprocess.Popen(
            [
                *_program(home, extensions), "--auth", "none", "--bind-addr", "127.0.0.1:0",
                "--disable-telemetry", "--disable-update-check", "--disable-workspace-trust",
            ],
            stdin=subprocess.DEVNULL, stdout=out, stderr=out,
            env=_environment(home) | environment,
        )  # fmt: skip


def _program(home: Path, extensions: Path) -> Sequence[str]:
    folders = ["--user-data-dir", str(home), "--extensions-dir", str(extensions)]
    return [str(NODE), str(ENTRY), *folders]


def _environment(home: Path) -> dict[str, str]:
    """Without what a VS Code around us tells its children, and nothing kept for the next run."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("VSCODE_")}
    return ours | {name: str(home) for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME")}


def _address(log: Path) -> str:
    found = re.search(r"listening on (http://\S+\d)", log.read_text(errors="replace"))
    return found[1] if found else ""


def _window(address: str, file: Path) -> str:
    there = f"vscode-remote://{urllib.parse.urlsplit(address).netloc}{file}"
    payload = json.dumps([["openFile", there]])
    return f"{address}/?{urllib.parse.urlencode({'folder': str(file.parent), 'payload': payload})}"
