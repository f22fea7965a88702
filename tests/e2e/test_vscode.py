"""The extension for VS Code is checked, built and packed; it is not run inside VS Code here."""

import json
import re
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

EXTENSION = Path(__file__).parents[2] / "editors" / "vscode"

pytestmark = pytest.mark.skipif(
    not shutil.which("npm") or not (EXTENSION / "node_modules").is_dir(),
    reason="needs npm and scripts/setup-npm.sh editors/vscode",
)


def npm(*arguments: str) -> None:
    run = subprocess.run(
        ["npm", *arguments], cwd=EXTENSION, capture_output=True, text=True, timeout=120,
        check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout + run.stderr


def test_a_part_is_handed_over_and_the_rest_asked_for() -> None:
    npm("test")


def test_it_packs_into_one_file_that_has_all_it_needs() -> None:
    npm("run", "package")
    with zipfile.ZipFile(EXTENSION / "dist" / "hansa.vsix") as packed:
        names = set(packed.namelist())
        manifest = json.loads(packed.read("extension/package.json"))
    assert f"extension/{manifest['main'].removeprefix('./')}" in names
    assert not any("node_modules" in name for name in names)


def test_every_command_it_offers_is_there() -> None:
    manifest = json.loads((EXTENSION / "package.json").read_text())
    source = (EXTENSION / "src" / "extension.ts").read_text()
    registered = set(re.findall(r'register\("([\w.]+)"', source))
    assert {each["command"] for each in manifest["contributes"]["commands"]} <= registered
