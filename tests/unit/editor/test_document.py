"""Files and places: what is refused, and how it is said."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa.core.bounds import FILE_BYTES_MAX
from hansa.core.errors import NotFound, UserError
from hansa.editor.document import (
    Position,
    line_count,
    offset_of,
    parse_position,
    parse_range,
    read_source,
)


def test_line_endings_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_bytes("x = 1\r\ny = 'ü'\r\n".encode())
    source = read_source(path)
    assert source.text == "x = 1\r\ny = 'ü'\r\n"
    assert source.lf_text == "x = 1\ny = 'ü'\n"
    assert source.newline == "\r\n"


def test_not_utf8_names_the_byte(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_bytes(b"x = '\xe9'\n")
    with pytest.raises(UserError, match=r"a\.py is not UTF-8: byte 5 is 0xe9"):
        read_source(path)


def test_a_line_of_50_mb_is_refused_without_reading_it(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    with path.open("wb") as file:
        file.truncate(50 * 1024 * 1024)
    with pytest.raises(UserError, match="larger than 1,048,576 bytes"):
        read_source(path)


def test_the_largest_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_bytes(b"#" * FILE_BYTES_MAX)
    assert len(read_source(path).text) == FILE_BYTES_MAX


def test_what_is_no_text_file(tmp_path: Path) -> None:
    (tmp_path / "b").write_bytes(b"\x7fELF\0")
    with pytest.raises(UserError, match="byte 4 is zero"):
        read_source(tmp_path / "b")
    with pytest.raises(UserError, match="no regular file"):
        read_source(tmp_path)
    with pytest.raises(NotFound, match="there is no file"):
        read_source(tmp_path / "none")


def test_position() -> None:
    assert parse_position("src/a:b.py:12:5") == Position(Path("src/a:b.py"), 12, 5)


@pytest.mark.parametrize("text", ["a.py", "a.py:1", "a.py:x:1", ":1:1", "a.py:1:-1", "a.py:1:1e9"])
def test_no_position(text: str) -> None:
    with pytest.raises(UserError, match="is no position"):
        parse_position(text)


@pytest.mark.parametrize("text", ["5", "5-", "7-5", "0-3", "a-b"])
def test_no_range(text: str) -> None:
    with pytest.raises(UserError, match="is no range of lines"):
        parse_range(text)


@given(st.text("aü\n", max_size=40), st.data())
def test_offset_of_is_where_line_and_column_say(text: str, data: st.DataObject) -> None:
    offset = data.draw(st.integers(0, len(text)))
    line = text.count("\n", 0, offset) + 1
    column = offset - (text.rfind("\n", 0, offset) + 1) + 1
    assert offset_of("a.py", text, line, column) == offset


@pytest.mark.parametrize(
    ("line", "column", "says"),
    [
        (400, 1, r"app\.py has 120 lines; line 400 is outside"),
        (0, 1, "line 0 is outside"),
        (3, 8, r"line 3 of app\.py has 5 characters; column 8 is outside"),
        (3, 0, "column 0 is outside"),
    ],
)
def test_a_place_outside(line: int, column: int, says: str) -> None:
    with pytest.raises(UserError, match=says):
        offset_of("app.py", "x = 1\n" * 120, line, column)


def test_line_count() -> None:
    assert [line_count(text) for text in ("", "a", "a\n", "a\nb", "\n")] == [0, 1, 1, 2, 1]
