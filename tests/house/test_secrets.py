"""Nothing tracked names a machine, a person, a registry or a secret."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.repository import ROOT, name_of, tracked_files

PATTERNS = {
    "a package registry": re.compile(
        r"(?i)\b(?:pypi\.org|pythonhosted\.org|npmjs\.(?:org|com)|yarnpkg\.com|crates\.io"
        r"|proxy\.golang\.org|rubygems\.org)|artifactor[y]|devp[i]\b|\s--(?:extra-)?index-url\b"
    ),
    "a path of one machine": re.compile(r"(?<![\w.>])/(?:root|work|home|Users)/(?!nobody\b)[\w.]"),
    "an e-mail address": re.compile(
        r"\b[\w.+-]+@(?!example\.)[a-z][\w-]*(?:\.[a-z][\w-]*)*\.[a-z]{2,}\b"
    ),
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    "a Hansa API key": re.compile(r"\bhansa-[\w-]{43}\b"),
    "another service's key": re.compile(
        r"\b(?:sk-[A-Za-z0-9_-]{20,}|gh[pousr]_\w{30,}|glpat-[\w-]{20}|AKIA[A-Z0-9]{16}"
        r"|xox[abp]-[\w-]{10,}|AIza[\w-]{35}|eyJ[\w-]{20,}\.eyJ[\w-]{20,})"
    ),
}

SECRET_FILES = re.compile(r"(?:.*\.(?:key|pem|p12)|\.env(?:\..+)?|\.netrc|\.npmrc|\.pypirc)")


@pytest.mark.parametrize("what", PATTERNS)
def test_no_tracked_file_holds(what: str):
    found = [
        f"{name_of(path)}:{number}: {line.strip()[:120]}"
        for path, number, line in _lines()
        if PATTERNS[what].search(line)
    ]
    assert found == []


@pytest.mark.parametrize(
    ("what", "text"),
    [
        ("a package registry", "https://" + "pypi" + ".org/simple"),
        ("a package registry", "pip install " + "--index-url somewhere"),
        ("a path of one machine", "see /" + "home/someone/notes"),
        ("an e-mail address", "write to someone" + "@" + "somewhere.net"),
        ("a private key", "-----BEGIN " + "PRIVATE KEY-----"),
        ("a Hansa API key", "hansa-" + "x" * 43),
        ("another service's key", "sk-" + "a1B2" * 6),
    ],
)
def test_the_patterns_find(what: str, text: str):
    assert PATTERNS[what].search(text)


def test_no_key_file_is_tracked():
    assert [name_of(path) for path in tracked_files() if SECRET_FILES.fullmatch(path.name)] == []


@pytest.mark.parametrize(
    "path", sorted(ROOT.glob("requirements*.lock")), ids=lambda path: path.name
)
def test_lock_files_pin_hashes_and_name_no_address(path: Path):
    pin = r"[\w.-]+==\S+( ; [^\n]+?)?( \\\n    --hash=sha256:[0-9a-f]{64})+"
    blocks = re.split(r"\n(?=\S)", path.read_text().strip())
    assert [each for each in blocks if not re.fullmatch(pin, each)] == []
    assert "://" not in path.read_text()


def _lines() -> Iterator[tuple[Path, int, str]]:
    for path in tracked_files():
        try:
            text = path.read_text("utf-8")
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(text.splitlines(), 1):
            yield path, number, line
