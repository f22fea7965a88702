"""Files a model learns nothing good from: generated, squeezed, data, fixtures, broken."""

import re
from pathlib import PurePosixPath

from hansa.index.credentials import named_secret
from hansa.index.generated import named_generated, says_generated
from hansa.index.languages import language_of

BYTES_MIN = 200
BYTES_MAX = 256 * 1024
LINES_MIN = 8
LINE_CHARS_MAX = 1000
LINE_CHARS_MEAN_MAX = 100
LETTERS_SHARE_MIN = 0.55
"""Of what is not space; source has about 0.75, tables of numbers and drawings far less."""
DIGITS_SHARE_MAX = 0.2
DATA_LINES_SHARE_MAX = 0.6
OWN_LINES_SHARE_MIN = 0.35
"""Lines that occur once or are the first of their kind."""

_SPACES, _DIGITS = b" \t\n\r\f\v", b"0123456789"
_LETTERS = bytes(each for each in range(256) if each > 127 or chr(each).isalpha() or each == 95)

_FIXTURES = frozenset({
    "fixtures", "fixture", "testdata", "test_data", "test-data", "golden", "goldens", "snapshots",
    "__snapshots__", "cassettes", "corpora", "testfiles",
})  # fmt: skip
_TESTS = frozenset({"test", "tests", "testing"})
_UNDER_TESTS = frozenset({"data", "cases", "samples", "input", "inputs", "expected", "resources"})

_DATA_LINE = re.compile(r"""(?:[\[({]*\s*)?(?:["'][^"']*["']|[-+]?[\d.]\w*)[\s,:)\]}]""")
"""A line that begins with a literal, as those of tables do."""
_BEGINS_DATA = frozenset("[({\"'+-.0123456789")


def unfit_name(path: str) -> str:
    """Why a file is left out by its name alone; empty if it is not."""
    place = PurePosixPath(path)
    folders = {each.lower() for each in place.parts[:-1]}
    if language_of(path) is None:
        return "not source code"
    if named_secret(place.name):
        return "may hold a secret"
    if named_generated(place.name):
        return "generated"
    if folders & _FIXTURES or (folders & _TESTS and folders & _UNDER_TESTS):
        return "fixture of tests"
    return ""


def unfit_size(size: int) -> str:
    """Why a file is left out by its size in bytes; empty if it is not."""
    if size < BYTES_MIN:
        return "too short"
    return "too long" if size > BYTES_MAX else ""


def unfit_text(path: str, data: bytes, text: str) -> str:
    """Why a file is left out by what is in it; empty if it is not. Does not parse it."""
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) < LINES_MIN:
        return "too short"
    if says_generated(path, data):
        return "generated"
    if max(map(len, lines)) > LINE_CHARS_MAX:
        return "very long lines"
    if sum(map(len, lines)) > LINE_CHARS_MEAN_MAX * len(lines):
        return "very long lines"
    return _unlike_code(text, lines)


def _unlike_code(text: str, lines: list[str]) -> str:
    solid = text.encode("utf-8", "surrogatepass").translate(None, _SPACES)
    others = solid.translate(None, _LETTERS)
    signs = len(others.translate(None, _DIGITS))
    digits = len(others) - signs
    if len(solid) - signs < LETTERS_SHARE_MIN * len(solid):
        return "few letters"
    stripped = [line.strip() for line in lines]
    data_lines = sum(line[0] in _BEGINS_DATA and bool(_DATA_LINE.match(line)) for line in stripped)
    if digits > DIGITS_SHARE_MAX * len(solid) or data_lines > DATA_LINES_SHARE_MAX * len(lines):
        return "data"
    if len(set(stripped)) < OWN_LINES_SHARE_MIN * len(lines):
        return "repetitive"
    return ""
