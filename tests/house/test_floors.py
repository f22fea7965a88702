"""Imports go down the floors only, and every room has its floor."""

import subprocess
import sys
import tomllib
from pathlib import Path

from support.repository import ROOT

SOURCE = ROOT / "src" / "hansa"

HEAVY = ("aiohttp", "jinja2", "prometheus_client", "sqlalchemy", "starlette", "structlog")
"""Together over a second to import; no command may load them before it runs."""


def test_contracts_hold():
    done = subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports")), "--no-cache", "--no-logo"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 kept, 0 broken" in done.stdout


def test_every_room_has_a_floor():
    contract = _importlinter()["contracts"][0]
    on_floors = {
        room.strip().removeprefix("hansa.")
        for floor in contract["layers"]
        for room in floor.split("|")
    }
    assert _rooms() == on_floors


def test_the_command_line_starts_light():
    """Every verb's file is loaded, none of its functions is run."""
    program = (
        "import importlib, sys\n"
        "from hansa.cli.main import COMMANDS\n"
        "for place in COMMANDS.values(): importlib.import_module(place.partition(':')[0])\n"
        f"print(*[name for name in {HEAVY!r} if name in sys.modules])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == []


def _rooms() -> set[str]:
    folders = {path.parent.name for path in SOURCE.glob("*/__init__.py")}
    return folders | {path.stem for path in SOURCE.glob("[!_]*.py")}


def _importlinter() -> dict[str, list[dict[str, list[str]]]]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
