"""What Hansa uses goes with its own licence, and is listed."""

import re
import runpy
import subprocess
import sys

import pytest

from support.repository import ROOT

SCRIPT = ROOT / "scripts" / "licences.py"


def test_third_party_is_current():
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_everything_copied_or_pinned_is_listed():
    listed = (ROOT / "THIRD_PARTY.md").read_text()
    pins = re.findall(r"^([\w.-]+)==(\S+)", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
    assert len(pins) > 20
    assert [name for name, version in pins if f"| {name} | {version} |" not in listed] == []
    minified = (ROOT / "src").rglob("*.min.js")
    names = [re.split(r"-[0-9]", path.name)[0] for path in minified]
    assert [name for name in names if f"| {name} | " not in listed] == []


@pytest.mark.parametrize(
    ("expression", "goes"),
    [
        ("MIT", True),
        ("GPL-3.0-only OR MIT", True),
        ("Apache-2.0 AND BSD-2-Clause", True),
        ("MIT AND GPL-3.0-only", False),
        ("(MIT OR Apache-2.0) AND GPL-3.0-only", False),
        ("LGPL-3.0-or-later", False),
        ("unknown", False),
    ],
)
def test_licences_that_do_not_go_with_ours_are_found(expression: str, goes: bool):
    assert runpy.run_path(str(SCRIPT))["compatible"](expression) is goes
