"""A real Neovim without a screen, driven by keys over its socket."""

import contextlib
import json
import os
import subprocess
from collections.abc import Generator
from pathlib import Path
from typing import Any

from support.nodes import wait_for
from support.repository import ROOT

PROGRAM = ROOT / ".venv-neovim" / "bin" / "nvim"
PLUGIN = ROOT / "editors" / "neovim"
CALL_TIMEOUT_S = 15.0

GHOST = """(function()
  local namespace, lines = vim.api.nvim_get_namespaces().hansa or -1, {}
  for _, mark in ipairs(vim.api.nvim_buf_get_extmarks(0, namespace, 0, -1, { details = true })) do
    lines[#lines + 1] = mark[4].virt_text[1][1]
    for _, line in ipairs(mark[4].virt_lines or {}) do
      lines[#lines + 1] = line[1][1]
    end
  end
  return lines
end)()"""


def missing() -> str:
    """Why there is no Neovim to start; empty if there is one."""
    if (ROOT / ".venv-neovim" / ".done").exists():
        return ""
    return "Neovim is not set up; `scripts/setup-neovim.sh` does it"


class Neovim:
    def __init__(self, socket: Path) -> None:
        self._socket = socket

    def keys(self, keys: str) -> None:
        """Type, in Neovim's notation: `<Tab>`, `<Esc>`; `<lt>` is a <."""
        self._call("--remote-send", keys)

    def lua(self, expression: str) -> Any:
        """The value of a Lua expression."""
        expression = " ".join(expression.split())
        code = f"luaeval('vim.json.encode({expression.replace(chr(39), chr(39) * 2)})')"
        return json.loads(self._call("--remote-expr", code))

    def lines(self) -> list[str]:
        found: list[str] = self.lua("vim.api.nvim_buf_get_lines(0, 0, -1, true)")
        return found

    def ghost(self) -> list[str]:
        """The lines of ghost text on the screen, as extmarks hold them; empty if there are none."""
        found: list[str] = self.lua(GHOST)
        return found or []

    def wait_for_ghost(self, *lines: str) -> None:
        seen: list[list[str]] = []

        def shown() -> bool:
            seen[:] = [self.ghost()]
            return seen == [list(lines)]

        try:
            wait_for(shown, CALL_TIMEOUT_S)
        except AssertionError as error:
            raise AssertionError(f"{seen[0]} is shown, not {lines}, with {self.lines()}") from error

    def _call(self, how: str, what: str) -> str:
        done = subprocess.run(
            [str(PROGRAM), "--server", str(self._socket), how, what],
            capture_output=True,
            text=True,
            timeout=CALL_TIMEOUT_S,
            check=True,
        )
        return done.stdout


@contextlib.contextmanager
def neovim(folder: Path, file: Path, setup: str, environment: dict[str, str]) -> Generator[Neovim]:
    """Neovim with the plugin and a file before it; `setup` is Lua that runs at its start."""
    socket, log = folder / "nvim.sock", folder / "nvim.log"
    start = folder / "init.lua"
    start.write_text(
        f"vim.opt.runtimepath:prepend([[{PLUGIN}]])\nvim.o.swapfile = false\n{setup}\n"
    )
    home = {name: str(folder / name) for name in ("XDG_STATE_HOME", "XDG_DATA_HOME")}
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(PROGRAM), "--headless", "--listen", str(socket), "-u", str(start), str(file)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={**os.environ, **home, **environment},
        )
    try:
        wait_for(lambda: process.poll() is not None or socket.exists(), CALL_TIMEOUT_S)
        assert process.poll() is None, log.read_text()
        yield Neovim(socket)
    finally:
        process.terminate()
        try:
            process.wait(CALL_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
