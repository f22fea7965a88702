"""The extension for VS Code is checked, built and packed; test_vscode_itself runs it."""

import json
import os
import re
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from support.nodes import HANSA

EXTENSION = Path(__file__).parents[2] / "editors" / "vscode"

pytestmark = [
    pytest.mark.skipif(
        not shutil.which("npm") or not (EXTENSION / "node_modules").is_dir(),
        reason="needs npm and scripts/setup-npm.sh editors/vscode",
    ),
    pytest.mark.timeout(300),
]


def npm(*arguments: str, **environment: str) -> str:
    run = subprocess.run(
        ["npm", *arguments], cwd=EXTENSION, capture_output=True, text=True, timeout=240,
        check=False, env={**os.environ, **environment},
    )  # fmt: skip
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


def test_suggestions_and_next_edits_with_vs_code_played_and_the_real_server(
    tmp_path: Path,
) -> None:
    said = npm("test", HANSA=HANSA, HANSA_STATE_DIR=str(tmp_path))
    assert "# skipped 0" in said


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


def test_every_key_has_a_command_and_waits_for_what_the_source_tells() -> None:
    contributes = json.loads((EXTENSION / "package.json").read_text())["contributes"]
    source = (EXTENSION / "src" / "following.ts").read_text()
    told = set(re.findall(r'"(hansa\.nextEdit[A-Z]\w+)"', source))
    conditions = [each.get("enablement", "") for each in contributes["commands"]]
    conditions += [each["when"] for each in contributes["keybindings"]]
    assert {name for each in conditions for name in re.findall(r"hansa\.\w+", each)} == told
    offered = {each["command"] for each in contributes["commands"]}
    of_vs_code = {"editor.action.inlineSuggest.trigger"}
    assert {each["command"] for each in contributes["keybindings"]} - of_vs_code <= offered
